//! Training a variational autoencoder: `−ELBO` of data in place of the likelihood that it bounds.

use super::objective::{Loss, Objective, Trained, VALIDATION_ROWS};
use crate::blueprint::Space;
use crate::data::rows::Rows;
use crate::data::source::{Order, Part, Source};
use crate::measure::bound;
use crate::measure::score::{self, Score};
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::models::Vae;
use flows::{Context, Noise};

impl Trained for Vae<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32> {
        bound::samples(self, count, temperature, 0, bound::Draw::Mean)
    }
}

/// `−ELBO`, at one draw of z for each row and step.
pub(super) struct Bound<'a> {
    pub(super) source: &'a Source,
    pub(super) space: Space,
    pub(super) batch: usize,
    pub(super) seed: u64,
    /// Whether pixels are drawn to be 0 or 1: then losses are nats and not bits per dimension.
    pub(super) discrete: bool,
}

impl Bound<'_> {
    fn rows(&self, step: u64, order: &mut Order) -> Result<(Rows<f32>, Noise)> {
        Ok((self.source.batch(step, self.batch, order)?, Noise::for_step(self.seed, step)))
    }
}

impl Objective<Vae<f32>> for Bound<'_> {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)
    }

    fn initialize(&self, vae: &Vae<f32>) -> Result<()> {
        let (rows, noise) = self.rows(0, &mut Order::default())?;
        let x = bound::prepared(vae.likelihood(), &self.space, &rows.values().x, noise);
        vae.initialize(&x.value, Context::training(noise));
        Ok(())
    }

    fn loss<'a>(&'a self, vae: &'a Vae<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let (rows, noise) = self.rows(step, order)?;
        Ok(Box::new(move |tape, range| {
            let noise = noise.from_row(range.start);
            let x: Var<f32> = tape.constant(rows.x().rows(range));
            bound::loss(vae, &self.space, &x, noise)
        }))
    }

    fn judge(&self, vae: &Vae<f32>) -> Score {
        bound::score(vae, &self.space, &self.source.held_out(Part::Validation, Some(VALIDATION_ROWS)), 0)
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
    use crate::blueprint::{Architecture, Blueprint};
    use crate::model::Model;
    use autograd::sharded;
    use flows::models::{Coder, Likelihood, Refinement};
    use rand::SeedableRng;

    #[test]
    fn shards_of_a_step_draw_what_the_whole_draws() {
        let source = Source::open("two-moons", 0).unwrap();
        let (coder, likelihood, refinement) = (Coder::Dense(vec![8]), Likelihood::Gaussian, Refinement::None);
        let architecture = Architecture::Vae { latents: 3, coder, likelihood, refinement };
        let blueprint = Blueprint { architecture, space: source.space(), classes: 0 };
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let Model::Vae(vae) = blueprint.build::<f32>(&mut rng).unwrap() else { panic!("not a vae") };
        flows::check::randomize(&vae, 0.5, &mut rng);
        let objective = Bound { source: &source, space: source.space(), batch: 11, seed: 2, discrete: false };
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
