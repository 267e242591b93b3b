//! Evaluation of a variational autoencoder: its bound, an estimate of its density, samples and codes.

use crate::data::Space;
use crate::data::rows::Rows;
use crate::measure::sampling::batches;
use crate::measure::score::{Bound, Measure, Score, mean};
use crate::runs::interrupt::{self, Interrupted};
use anyhow::Result;
use autograd::{Real, Tensor, Var, parallel};
use flows::layers::Dequantize;
use flows::models::{Elbo, Likelihood, Vae};
use flows::{Base as _, Bijection as _, Context, InputError, Mapped, Noise, StandardNormal, rows_per_batch};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The default number of z per row that a density is estimated from.
pub const DRAWS: usize = 100;

/// Rows as the likelihood takes them, with their log-determinant: pixel levels are dequantized to [0, 1], or binarized at
/// random. Other rows stay as they are.
pub fn prepared<T: Real>(likelihood: Likelihood, space: &Space, x: &Var<T>, noise: Noise) -> Mapped<T> {
    match space.levels() {
        None => Mapped::volume_preserving(x.clone()),
        Some(levels) if likelihood.is_discrete() => Mapped::volume_preserving(binarized(x, levels, noise)),
        Some(levels) => Dequantize::new(levels).to_latent(x, Context::evaluation(noise)),
    }
}

/// Each pixel becomes 1 with probability level/(levels − 1), else 0: the binary MNIST of Salakhutdinov & Murray (2008),
/// sampled again for each noise.
fn binarized<T: Real>(x: &Var<T>, levels: u32, noise: Noise) -> Var<T> {
    let (most, values) = (f64::from(levels - 1), x.value().as_slice());
    let mut drawn = Tensor::zeros(x.shape());
    let width = x.extent(1);
    let rows = drawn.as_mut_slice();
    noise.rows(x.extent(0), |i, uniform| {
        for at in i * width..(i + 1) * width {
            if uniform() * most < values[at].to_f64() {
                rows[at] = T::ONE;
            }
        }
    });
    x.constant_like(drawn)
}

/// The bound of each row from one z, which depends only on the noise and the row's index.
fn elbo<T: Real>(vae: &Vae<T>, prepared: &Var<T>, noise: Noise) -> Elbo<T> {
    let drawn = prepared.constant_like(vae.noise(prepared.extent(0), noise));
    vae.elbo(prepared, &drawn, Context::default())
}

/// The mean of `−ELBO` over a batch, in nats. Of dequantized pixels, it is that of their levels.
pub fn loss<T: Real>(vae: &Vae<T>, space: &Space, x: &Var<T>, noise: Noise) -> Var<T> {
    let Mapped { value, log_det } = prepared(vae.likelihood(), space, x, noise);
    -(elbo(vae, &value, noise).value() + log_det).mean_all()
}

/// Evaluates the bound on rows. Fails only if it is interrupted.
pub fn score(vae: &Vae<f32>, space: &Space, rows: &Rows<f32>, seed: u64) -> Result<Score> {
    let found = by_batches(rows.count(), vae.dims(), |range| {
        let (x, noise) = prepared_batch(vae, space, rows, seed, range);
        let Elbo { reconstruction, divergence } = elbo(vae, &x, noise);
        [reconstruction, divergence].map(|term| term.into_value())
    })?;
    let [reconstruction, divergence] = [0, 1].map(|term| nats(found.iter().map(|terms| &terms[term])));
    let bounds: Vec<f64> = reconstruction.iter().zip(&divergence).map(|(log_p, kl)| log_p - kl).collect();
    let score = scored(vae, space, Measure::Bound, &bounds);
    let bound = Bound {
        elbo_nats: score.nats,
        elbo_error: score.nats_error,
        elbo_bits: score.bits_per_dim,
        elbo_bits_error: score.bits_error,
        reconstruction: mean(&reconstruction).0,
        kl: mean(&divergence).0,
        draws: 0,
    };
    Ok(Score { bound: Some(bound), ..score })
}

/// Estimates the density of rows by importance sampling with `draws` values of z each, and evaluates the bound.
/// Fails if a value is not finite, or it is interrupted.
pub fn estimate(vae: &Vae<f32>, space: &Space, rows: &Rows<f32>, seed: u64, draws: usize) -> Result<Score> {
    // The more draws, the fewer rows at a time: an interrupt should not have to wait.
    let dims = vae.dims().max(draws.saturating_mul(1 << 5));
    let found = by_batches(rows.count(), dims, |range| {
        let (x, noise) = prepared_batch(vae, space, rows, seed, range);
        vae.log_prob_by_importance(x.value(), draws, noise)
    })?;
    let found = found.into_iter().collect::<Result<Vec<Tensor<f32>>, InputError>>()?;
    let bound = score(vae, space, rows, seed)?.bound.map(|bound| Bound { draws, ..bound });
    Ok(Score { bound, ..scored(vae, space, Measure::LogLikelihood, &nats(found.iter())) })
}

/// A batch as the likelihood takes it, and its noise.
fn prepared_batch(
    vae: &Vae<f32>,
    space: &Space,
    rows: &Rows<f32>,
    seed: u64,
    range: Range<usize>,
) -> (Var<f32>, Noise) {
    let noise = Noise::new(seed).from_row(range.start);
    (prepared(vae.likelihood(), space, &rows.x().rows(range).into(), noise).value, noise)
}

/// The values of all batches.
fn nats<'a>(batches: impl Iterator<Item = &'a Tensor<f32>>) -> Vec<f64> {
    batches.flat_map(|batch| batch.as_slice()).map(|&nats| f64::from(nats)).collect()
}

/// A score. Binarized pixels have no levels, and so no bits/dim.
fn scored(vae: &Vae<f32>, space: &Space, measure: Measure, values: &[f64]) -> Score {
    let score = Score::of(measure, values, false);
    if vae.likelihood().is_discrete() { score } else { score.of_space(space) }
}

/// What to take from the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// The mean of p(x|z).
    Mean,
    /// A sample from p(x|z).
    Noise,
}

/// Samples `[count, D]` from z ~ N(0, I), scaled by the temperature. Fails only if it is interrupted.
pub fn samples(vae: &Vae<f32>, count: usize, temperature: f64, seed: u64, draw: Draw) -> Result<Tensor<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let parts = batches(count, rows_per_batch(vae.dims())).map(|range| {
        interrupt::check()?;
        Ok(match draw {
            Draw::Noise => vae.sample(range.len(), temperature, &mut rng),
            Draw::Mean => {
                let z = StandardNormal.sample([range.len(), vae.latents()].into(), temperature, &mut rng);
                vae.decode(&z.into()).into_value()
            }
        })
    });
    Ok(joined(&parts.collect::<Result<Vec<_>>>()?, vae.dims()))
}

/// The center of each row's posterior, which is the mean of a Gaussian one: `[rows, D]` to `[rows, latents]`.
/// Fails only if it is interrupted.
pub fn encode(vae: &Vae<f32>, x: &Tensor<f32>) -> Result<Tensor<f32>> {
    let of = |range| {
        let posterior = vae.encode(&x.rows(range).into(), Context::default());
        vae.draw(&posterior, &posterior.mu.zeros_like()).z.into_value()
    };
    Ok(joined(&by_batches(x.shape()[0], vae.dims(), of)?, vae.latents()))
}

/// The decoder's means: `[rows, latents]` to `[rows, D]`. Fails only if it is interrupted.
pub fn decode(vae: &Vae<f32>, z: &Tensor<f32>) -> Result<Tensor<f32>> {
    let decoded = by_batches(z.shape()[0], vae.dims(), |range| vae.decode(&z.rows(range).into()).into_value());
    Ok(joined(&decoded?, vae.dims()))
}

/// Evaluates batches of rows with this many dimensions in parallel. The batches do not depend on the number of threads.
fn by_batches<R: Send>(count: usize, dims: usize, of: impl Fn(Range<usize>) -> R + Sync) -> Result<Vec<R>> {
    let batches = batches(count, rows_per_batch(dims));
    let mut all: Vec<(Range<usize>, Option<R>)> = batches.map(|range| (range, None)).collect();
    parallel::side_by_side(&mut all, 1, &|_, some| {
        for (range, found) in some {
            *found = interrupt::check().is_ok().then(|| of(range.clone()));
        }
    });
    all.into_iter().map(|(_, found)| Ok(found.ok_or(Interrupted)?)).collect()
}

/// Concatenates batches of rows of this width.
fn joined(parts: &[Tensor<f32>], width: usize) -> Tensor<f32> {
    let values: Vec<f32> = parts.iter().flat_map(|part| part.as_slice()).copied().collect();
    Tensor::from_slice([values.len() / width, width], &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sampling::BATCH;
    use crate::measure::score::{in_unit, unit};
    use autograd::sharded;
    use flows::Module as _;
    use flows::models::{Coder, Refinement, VaeConfig};

    const SPACE: Space = Space::Images { channels: 1, height: 2, width: 3 };

    fn vae(likelihood: Likelihood) -> Vae<f32> {
        let (coder, refinement) = (Coder::Dense(vec![8]), Refinement::None);
        let config = VaeConfig { image: [1, 2, 3], latents: 2, coder, likelihood, refinement };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let vae = Vae::build(&config, &mut rng);
        flows::check::randomize(&vae, 0.5, &mut rng);
        assert!(!vae.params().is_empty());
        vae
    }

    fn levels(rows: usize) -> Tensor<f32> {
        Tensor::from_fn([rows, 6], |i| (i * 37 % 256) as f32)
    }

    #[test]
    fn pixels_are_binarized_by_level_and_by_row() {
        let noise = Noise::new(3);
        let whole = binarized(&levels(11).into(), 256, noise).into_value();
        let part = binarized(&levels(11).rows(4..9).into(), 256, noise.from_row(4)).into_value();
        assert_eq!(part.as_slice(), whole.rows(4..9).as_slice());
        let again = binarized(&levels(11).into(), 256, Noise::new(4)).into_value();
        assert_ne!(again.as_slice(), whole.as_slice());

        let count = |level: f32| -> f32 {
            binarized(&Tensor::full([100, 100], level).into(), 256, noise).value().as_slice().iter().sum()
        };
        assert_eq!((count(0.0), count(255.0)), (0.0, 10_000.0));
        // Five standard deviations.
        assert!((count(51.0) - 2000.0).abs() < 200.0, "{}", count(51.0));
    }

    #[test]
    fn the_loss_does_not_depend_on_shards_and_evaluation_agrees() {
        let rows = Rows::plain(levels(11));
        let noise = Noise::new(5);
        for likelihood in [Likelihood::Bernoulli, Likelihood::Logistic] {
            let vae = vae(likelihood);
            let with = |shards: usize| {
                let evaluated = sharded(11, shards, |tape, range| {
                    let noise = noise.from_row(range.start);
                    loss(&vae, &SPACE, &tape.constant(rows.x().rows(range)), noise)
                });
                evaluated.loss
            };
            let whole = with(1);
            for shards in [2, 3, 11] {
                assert!((with(shards) - whole).abs() < 1e-4, "{shards} shards: {} and {whole}", with(shards));
            }
            let scored = score(&vae, &SPACE, &rows, 5).unwrap();
            let shown = if likelihood.is_discrete() { whole } else { in_unit(&SPACE, whole) };
            assert!((scored.loss() - shown).abs() < 1e-4, "{} and {shown} {}", scored.loss(), unit(&SPACE));
            let bound = scored.bound.unwrap();
            assert!((bound.reconstruction - bound.kl - bound.elbo_nats).abs() < 1e-9);
            assert_eq!(scored.bits_per_dim.is_some(), !likelihood.is_discrete());
        }
    }

    #[test]
    fn the_estimate_does_not_depend_on_the_threads() {
        let (vae, rows) = (vae(Likelihood::Logistic), Rows::plain(levels(BATCH + 7)));
        let with = |threads| parallel::with_threads(threads, || estimate(&vae, &SPACE, &rows, 1, 3).unwrap());
        assert_eq!(with(1), with(3));
    }
}
