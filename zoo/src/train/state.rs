//! What a training saves so that it can be resumed.

use super::prelude::*;
use crate::runs::checkpoint::TRAINING;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Everything about a training's progress that is not a tensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) recipe: Recipe,
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
}

impl Saved {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, step: 0, seconds: 0.0, best: None, best_step: 0, evaluated: 0, loss_sum: 0.0, loss_count: 0 }
    }

    /// From a file's metadata.
    pub(super) fn read(extra: &HashMap<String, String>, path: &Path) -> Result<Self> {
        let text = extra.get(TRAINING).ok_or_else(|| {
            anyhow!("{} holds a model but no training: give a run folder that `zoo train` made", path.display())
        })?;
        let why = || format!("{} was written by another version: start a new training", path.display());
        serde_json::from_str(text).with_context(why)
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
}

impl<M: Trained> Training<'_, M> {
    /// Writes the state of the training, then the best model.
    pub(super) fn save(&self) -> Result<()> {
        let (config, run) = (self.config, &self.config.run);
        // The state first: if the program is killed in between, the training can be resumed.
        let weights = checkpoint::weights(&self.model);
        let saved = Saved { seconds: self.seconds(), ..self.saved.clone() };
        let average = self.average.as_ref().map_or_else(Vec::new, Ema::state);
        let all = [("model.", weights.clone()), ("adam.", self.adam.state()), ("average.", average)];
        let named = all.into_iter().flat_map(|(prefix, tensors)| tensors.into_iter().map(move |one| (prefix, one)));
        let tensors: Vec<_> = named.map(|(prefix, (path, tensor))| (format!("{prefix}{path}"), tensor)).collect();
        let constants = [checkpoint::constants(&config.blueprint, &self.model)?];
        let extra = [(TRAINING, serde_json::to_string(&saved)?), constants[0].clone()];
        let training = checkpoint::write(&run.training(), &config.header(saved.step), &extra, &tensors);
        // On a full disk there may still be room for the model, which is a quarter of the size.
        let model = if !self.best_weights.is_empty() {
            checkpoint::write(&run.model(), &config.header(self.saved.best_step), &constants, &self.best_weights)
        } else if self.saved.best.is_none() {
            checkpoint::write(&run.model(), &config.header(self.saved.step), &constants, &weights)
        } else {
            Ok(())
        };
        training.and(model)
    }

    /// Restores what [`Training::save`] wrote.
    pub(super) fn restore(&mut self, contents: &Contents) -> Result<()> {
        let path = self.config.run.training();
        self.saved = Saved { recipe: self.config.recipe.clone(), ..Saved::read(&contents.extra, &path)? };
        if !self.config.run.model().exists() {
            // The best weights were removed: the next ones evaluated take their place.
            (self.saved.best, self.saved.evaluated) = (None, 0);
        }
        checkpoint::fill(&self.model, &contents.tensors, "model.", &path)?;
        contents.compare_constants(&self.model, &path)?;
        let missing = |prefix: &'static str| {
            let shown = path.display();
            move |name: String| anyhow!("{shown} lacks the tensor {prefix}{name}: it is damaged, start a new training")
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
