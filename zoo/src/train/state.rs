//! What a training must remember to go on where it was cut off.

use super::Training;
use super::objective::Trained;
use crate::measure::score::Score;
use crate::recipes::Recipe;
use crate::runs::checkpoint::{self, Contents, Header, TRAINING};
use anyhow::{Context as _, Result, anyhow};
use autograd::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

/// Everything about a training's progress that is not a tensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) recipe: Recipe,
    pub(super) step: u64,
    /// Seconds of training before this sitting.
    pub(super) seconds: f64,
    pub(super) best: Option<Score>,
    pub(super) best_step: u64,
    /// The step that was last judged by validation rows.
    #[serde(default)]
    pub(super) judged: u64,
    /// The losses since the last line of the log.
    loss_sum: f64,
    loss_count: u64,
}

impl Saved {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, step: 0, seconds: 0.0, best: None, best_step: 0, judged: 0, loss_sum: 0.0, loss_count: 0 }
    }

    pub(super) fn of(contents: &Contents, path: &Path) -> Result<Self> {
        Self::read(&contents.extra, path)
    }

    /// From a file's metadata.
    pub(super) fn read(extra: &HashMap<String, String>, path: &Path) -> Result<Self> {
        let text = extra.get(TRAINING).ok_or_else(|| {
            anyhow!("{} holds a model but no training: give a run folder that `zoo train` made", path.display())
        })?;
        let why = || format!("{} was written by another version: begin a new training", path.display());
        serde_json::from_str(text).with_context(why)
    }

    /// Counts a step and its loss.
    pub(super) fn take(&mut self, loss: f64) {
        self.step += 1;
        self.loss_sum += loss;
        self.loss_count += 1;
    }

    /// The mean loss since this was last asked.
    pub(super) fn mean_loss(&mut self) -> f64 {
        let mean = self.loss_sum / self.loss_count.max(1) as f64;
        (self.loss_sum, self.loss_count) = (0.0, 0);
        mean
    }
}

impl<M: Trained> Training<'_, M> {
    /// Writes the best model, then the training. Cut off between the two, a resumed training
    /// finds the same best model again.
    pub(super) fn save(&self) -> Result<()> {
        let header = |step: u64| Header {
            blueprint: self.blueprint.clone(),
            data: self.plan.data.clone(),
            step,
            seed: self.plan.seed,
        };
        let run = &self.plan.run;
        // The training first: what is left behind by a kill in between can then be resumed.
        let weights = checkpoint::weights(&self.model);
        let saved = Saved { seconds: self.seconds(), ..self.saved.clone() };
        let named =
            |prefix: &'static str| move |(path, tensor): (String, Tensor<f32>)| (format!("{prefix}{path}"), tensor);
        let mut tensors: Vec<_> = weights.clone().into_iter().map(named("model.")).collect();
        tensors.extend(self.adam.state().into_iter().map(named("adam.")));
        if let Some(average) = &self.average {
            tensors.extend(average.state().into_iter().map(named("average.")));
        }
        let training = checkpoint::write(
            &run.training(),
            &header(self.saved.step),
            &[(TRAINING, serde_json::to_string(&saved)?)],
            &tensors,
        );
        // Where there is no room for all of that there may be some for the model, which is a quarter of it.
        let model = if !self.best_weights.is_empty() {
            checkpoint::write(&run.model(), &header(self.saved.best_step), &[], &self.best_weights)
        } else if self.saved.best.is_none() {
            checkpoint::write(&run.model(), &header(self.saved.step), &[], &weights)
        } else {
            Ok(())
        };
        training.and(model)
    }

    /// Takes up what [`Training::save`] wrote.
    pub(super) fn restore(&mut self, contents: &Contents) -> Result<()> {
        let path = self.plan.run.training();
        self.saved = Saved { recipe: self.plan.recipe.clone(), ..Saved::of(contents, &path)? };
        if !self.plan.run.model().exists() {
            // Somebody took the best weights away: the next ones that are judged take their place.
            (self.saved.best, self.saved.judged) = (None, 0);
        }
        checkpoint::fill(&self.model, &contents.tensors, "model.", &path)?;
        let missing = |prefix: &'static str| {
            let shown = path.display();
            move |name: String| anyhow!("{shown} lacks the tensor {prefix}{name}: it is damaged, begin a new training")
        };
        let find = |prefix: &'static str| move |name: &str| contents.tensors.get(&format!("{prefix}{name}")).cloned();
        self.adam.restore(self.saved.step, find("adam.")).map_err(missing("adam."))?;
        if let Some(average) = &mut self.average {
            average.restore(self.saved.step, find("average.")).map_err(missing("average."))?;
        }
        self.began = Instant::now();
        Ok(())
    }
}
