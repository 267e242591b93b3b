//! Restoring a training from its state, and making its model agree with the state.

use super::prelude::*;

impl<M: Trained> Training<'_, M> {
    /// Restores what [`Training::save`] wrote. If the model's file is missing, unfinished or of an earlier step, because
    /// the program was killed between two writes, it is written again.
    /// Fails if the state is damaged, or the model's file is not of this run.
    pub(super) fn restore(&mut self, contents: &Contents) -> Result<()> {
        let path = self.config.run.training();
        let there = self.saved.model_there(&self.config.run, &self.config.header(0))?;
        if self.saved.best.is_some() {
            self.restore_best(contents, there.as_ref())?;
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
        self.repair_model(there.as_ref())?;
        self.began = Instant::now();
        Ok(())
    }

    /// Restores the best weights, from the state or, where an older version wrote it, from the model.
    fn restore_best(&mut self, contents: &Contents, there: Option<&Beginning>) -> Result<()> {
        let (run, step) = (&self.config.run, self.saved.best_step);
        let mut from = |contents: &Contents, prefix: &str, path: &Path| -> Result<()> {
            checkpoint::fill(&self.model, &contents.tensors, prefix, path)?;
            self.best_weights = checkpoint::weights(&self.model);
            Ok(())
        };
        if contents.tensors.keys().any(|name| name.starts_with(BEST)) {
            return from(contents, BEST, &run.training());
        }
        if there.is_some_and(|there| there.is_whole && there.header.step == step) {
            return from(&checkpoint::read(run.model())?, "", &run.model());
        }
        let folder = run.folder().display();
        stderr::print_line(format_args!(
            "{folder} no longer has its best weights, of step {step}: the next ones evaluated take their place"
        ));
        (self.saved.best, self.saved.evaluated) = (None, 0);
        Ok(())
    }

    fn repair_model(&self, there: Option<&Beginning>) -> Result<()> {
        let (header, weights) = self.kept();
        if let Some(there) = there.filter(|there| there.is_whole) {
            // A later one was saved when there was no room for the state. The training will come to it again.
            if there.header.step > header.step {
                return Ok(());
            }
            let file = checkpoint::read(self.config.run.model())?;
            let same = |(name, tensor): &(String, Tensor<f32>)| {
                let bits = |tensor: &Tensor<f32>| bytemuck::cast_slice::<f32, u32>(tensor.as_slice()).to_vec();
                file.tensors
                    .get(name)
                    .is_some_and(|found| found.shape() == tensor.shape() && bits(found) == bits(tensor))
            };
            if file.header == header && file.tensors.len() == weights.len() && weights.iter().all(same) {
                return Ok(());
            }
        }
        self.saved.write_model(&self.config.run, &header, &self.model, &weights)
    }
}
