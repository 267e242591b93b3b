//! Training a variational autoencoder: `−ELBO` of data in place of the likelihood that it bounds.

use super::objective::{Batches, Loss, Objective, Trained};
use crate::data::Space;
use crate::data::source::Order;
use crate::measure::bound;
use crate::measure::score::{self, Score};
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::Context;
use flows::models::Vae;

impl Trained for Vae<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32> {
        bound::samples(self, count, temperature, 0, bound::Draw::Mean)
    }
}

/// `−ELBO`, from one sample of z for each row and step.
pub(super) struct NegativeElbo<'a> {
    batches: Batches<'a>,
    space: Space,
    /// Whether pixels are sampled as 0 or 1: then losses are in nats and not in bits per dimension.
    discrete: bool,
}

impl<'a> NegativeElbo<'a> {
    pub(super) fn new(batches: Batches<'a>, vae: &Vae<f32>) -> Self {
        Self { space: batches.source.space(), discrete: vae.likelihood().is_discrete(), batches }
    }
}

impl Objective<Vae<f32>> for NegativeElbo<'_> {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.batches.steps_per_epoch()
    }

    fn initialize(&self, vae: &Vae<f32>) -> Result<()> {
        let (rows, noise) = self.batches.rows(0, &mut Order::default())?;
        let x = bound::prepared(vae.likelihood(), &self.space, &rows.values().x, noise);
        vae.initialize(&x.value, Context::training(noise));
        Ok(())
    }

    fn loss<'a>(&'a self, vae: &'a Vae<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let (rows, noise) = self.batches.rows(step, order)?;
        Ok(Box::new(move |tape, range| {
            let noise = noise.from_row(range.start);
            let x: Var<f32> = tape.constant(rows.x().rows(range));
            bound::loss(vae, &self.space, &x, noise)
        }))
    }

    fn evaluate(&self, vae: &Vae<f32>) -> Score {
        bound::score(vae, &self.space, &self.batches.validation(), 0)
    }

    fn unit(&self) -> &'static str {
        if self.discrete { "nats" } else { score::unit(&self.space) }
    }

    fn in_unit(&self, nats: f64) -> f64 {
        if self.discrete { nats } else { score::in_unit(&self.space, nats) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::source::Source;
    use autograd::sharded;
    use flows::models::{Coder, Likelihood, Refinement, VaeConfig};
    use rand::SeedableRng;

    #[test]
    fn shards_of_a_step_sample_what_the_whole_step_samples() {
        let source = Source::open("two-moons", 0).unwrap();
        let (coder, likelihood, refinement) = (Coder::Dense(vec![8]), Likelihood::Gaussian, Refinement::None);
        let config = VaeConfig { image: [2, 1, 1], latents: 3, coder, likelihood, refinement };
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let vae = Vae::build(&config, &mut rng);
        flows::check::randomize(&vae, 0.5, &mut rng);
        let objective = NegativeElbo::new(Batches { source: &source, batch: 11, seed: 2 }, &vae);
        let with = |step: u64, shards: usize| {
            let loss = objective.loss(&vae, step, &mut Order::default()).unwrap();
            sharded(11, shards, &loss).loss
        };
        for shards in [2, 3, 11] {
            let (parts, whole) = (with(4, shards), with(4, 1));
            assert!((parts - whole).abs() < 1e-4 * whole.abs(), "{shards} shards: {parts} and {whole}");
        }
        assert!((with(4, 1) - with(5, 1)).abs() > 1e-3);
    }
}
