//! What a training saves so that it can be resumed.

use super::prelude::*;
use crate::runs::checkpoint::TRAINING;
use crate::runs::machine;
use crate::runs::place::Place;
use crate::runs::strict;
use flows::Module;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The metadata entry, in the state and in the model, that the files of one run share.
const RUN: &str = "run";

/// Everything about a training's progress that is not a tensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) recipe: Recipe,
    /// Steps taken; for a fit, layers fitted.
    pub(super) step: u64,
    /// Seconds of training before this session.
    pub(super) seconds: f64,
    pub(super) best: Option<Score>,
    pub(super) best_step: u64,
    /// The step that was last evaluated on validation rows.
    pub(super) evaluated: u64,
    /// The losses since the last line of the log.
    loss_sum: f64,
    loss_count: u64,
    /// The threads it computes on. Other numbers of threads add up in another order.
    #[serde(default)]
    pub(super) threads: Option<usize>,
    /// A checksum of what the run was started with, which tells its files from those of other runs.
    #[serde(default)]
    pub(super) run: Option<String>,
    /// For a student, the checksum of its teacher.
    #[serde(default)]
    pub(super) teacher: Option<String>,
    /// What was spent on the weights that it started from.
    #[serde(default)]
    pub(super) before: Option<Spent>,
    /// The machine that it last ran on.
    #[serde(default)]
    pub(super) machine: Option<String>,
}

impl Saved {
    /// The state of a new run. `origin` is what it starts from besides its settings: weights or a teacher.
    pub(super) fn new(config: &TrainConfig, origin: Option<&str>) -> Result<Self> {
        let TrainConfig { recipe, threads, .. } = config;
        let asked = serde_json::to_string(&(recipe, threads, origin))?;
        Ok(Self {
            recipe: recipe.clone(),
            step: 0,
            seconds: 0.0,
            best: None,
            best_step: 0,
            evaluated: 0,
            loss_sum: 0.0,
            loss_count: 0,
            threads: Some(*threads),
            run: Some(checkpoint::checksum(&config.header(0), &[&asked], &[])?),
            teacher: None,
            before: None,
            machine: Some(machine::name()),
        })
    }

    /// From a file's metadata.
    pub(super) fn read(extra: &HashMap<String, String>, path: &Path) -> Result<Self> {
        let text = extra.get(TRAINING).ok_or_else(|| {
            anyhow!("{} holds a model but no training: give a run folder that `zoo train` made", path.display())
        })?;
        let why = || format!("{} was written by another version: start a new training", path.display());
        strict::parse(text).with_context(why)
    }

    /// The state to go on from, with the length and the threads that were asked for now.
    pub(super) fn of(config: &TrainConfig, paused: &Paused) -> Self {
        let (recipe, threads, machine) = (config.recipe.clone(), Some(config.threads), Some(machine::name()));
        Self { recipe, threads, machine, ..paused.saved.clone() }
    }

    /// Counts a step and its loss.
    pub(super) fn count(&mut self, loss: f64) {
        self.step += 1;
        self.loss_sum += loss;
        self.loss_count += 1;
    }

    /// The mean loss since the last call.
    pub(super) fn mean_loss(&mut self) -> f64 {
        let mean = self.loss_sum / self.loss_count.max(1) as f64;
        (self.loss_sum, self.loss_count) = (0.0, 0);
        mean
    }

    /// Writes the state of a run: the file that decides what a resumed run continues from.
    pub(super) fn write_state(&self, config: &TrainConfig, tensors: &[(String, Tensor<f32>)]) -> Result<()> {
        let mut extra = vec![(TRAINING, serde_json::to_string(self)?)];
        extra.extend(self.mark());
        config.run.hold()?;
        checkpoint::write(&config.run.training(), &config.header(self.step), &extra, tensors)
    }

    /// Writes the model of a run.
    pub(super) fn write_model(
        &self,
        run: &Locked,
        header: &Header,
        model: &impl Module<f32>,
        tensors: &[(String, Tensor<f32>)],
    ) -> Result<()> {
        run.hold()?;
        let mut extra: Vec<_> = self.mark().collect();
        extra.push(checkpoint::constants(&header.blueprint, model)?);
        checkpoint::write(&run.model(), header, &extra, tensors)
    }

    fn mark(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.run.clone().into_iter().map(|run| (RUN, run))
    }

    /// What is known of the file in the place of the model, if there is one.
    /// Fails if it is not a file that this run wrote: then it must not be replaced.
    pub(super) fn model_there(&self, run: &Run, header: &Header) -> Result<Option<Beginning>> {
        let path = run.model();
        if !is_there(&path) {
            return Ok(None);
        }
        let of_this_run = |found: &Beginning| {
            let Header { blueprint, data, seed, .. } = &found.header;
            // A fit keeps fewer layers than it was asked for.
            let same = blueprint == &header.blueprint || (blueprint.is_fitted() && header.blueprint.is_fitted());
            found.extra.get(RUN) == self.run.as_ref() && same && (data, seed) == (&header.data, &header.seed)
        };
        match Beginning::of(&Place::from(&path)) {
            Ok(found) if of_this_run(&found) => Ok(Some(found)),
            _ => bail!(
                "{} is not a model of this run: move it away, and the next --resume writes the run's own again",
                path.display()
            ),
        }
    }
}

impl<M: Trained> Training<'_, M> {
    /// Writes the state of the training, the best weights included, then the model.
    pub(super) fn save(&self) -> Result<()> {
        let all = [
            ("model.", checkpoint::weights(&self.model)),
            ("adam.", self.adam.state()),
            ("average.", self.average.as_ref().map_or_else(Vec::new, Ema::state)),
            (BEST, self.best_weights.clone()),
        ];
        let named = all.into_iter().flat_map(|(prefix, tensors)| tensors.into_iter().map(move |one| (prefix, one)));
        let tensors: Vec<_> = named.map(|(prefix, (path, tensor))| (format!("{prefix}{path}"), tensor)).collect();
        let saved = Saved { seconds: self.seconds(), ..self.saved.clone() };
        let state = saved.write_state(self.config, &tensors);
        // On a full disk there may still be room for the model, which is a fifth of the size.
        let (header, weights) = self.kept();
        state.and(self.saved.write_model(&self.config.run, &header, &self.model, &weights))
    }

    /// The weights that the model's file holds: the best so far, or the present ones before the first evaluation.
    pub(super) fn kept(&self) -> (Header, Vec<(String, Tensor<f32>)>) {
        if self.best_weights.is_empty() {
            (self.config.header(self.saved.step), checkpoint::weights(&self.model))
        } else {
            (self.config.header(self.saved.best_step), self.best_weights.clone())
        }
    }
}
