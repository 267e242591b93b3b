//! Samples, and statistics about solvers if the map from z to x needs them.

use crate::data::Speech;
use crate::data::rows::one_hot;
use crate::runs::interrupt;
use anyhow::Result;
use autograd::{Real, Shape, Tensor, Var};
use flows::layers::MintSolver;
use flows::{Context, Distance, Flow, rows_per_batch};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The most samples per batch, and the most values in a batch: they limit the memory, and the time until an interrupt is
/// noticed.
pub(crate) const BATCH: usize = 500;
const VALUES: usize = 1 << 17;
/// Samples per batch of a model that is inverted by a search, which is slow.
const SEARCHED: usize = 16;

/// Tells the tracks' random numbers from those of other uses of a seed.
const TRACKS: u64 = 0x7472_6163_6b73;

/// Which samples to draw.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The number of samples.
    pub count: usize,
    /// The class, for a conditional flow; None for each class in turn.
    pub class: Option<usize>,
    /// The scale of the base distribution.
    pub temperature: f64,
    pub seed: u64,
}

/// Samples.
#[derive(Clone, Debug)]
pub struct Drawn<T: Real> {
    /// The samples, `[count, …]`.
    pub values: Tensor<T>,
    /// The search, if x was searched for.
    pub search: Option<Search<T>>,
}

/// A numerical search for x.
#[derive(Clone, Debug)]
pub struct Search<T: Real> {
    /// The most evaluations per root, or iterations per sample, in any layer.
    pub most: usize,
    /// The latents z, `[count, …]`.
    pub latents: Tensor<T>,
    /// The solutions, before the preprocessing is undone.
    pub inner: Tensor<T>,
}

/// Draws samples, reproducibly from the seed. A conditional flow draws them all from one class or, if none is chosen,
/// from each class in turn. Fails only if it is interrupted.
pub fn draw<T: Real>(flow: &Flow<T>, request: &Request) -> Result<Drawn<T>> {
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let core = flow.core();
    let solver = MintSolver::of(&core);
    if let Some(solver) = &solver {
        solver.take_stats();
    }
    let [mut values, mut latents, mut inner] = [(); 3].map(|()| Vec::new());
    let most = if solver.is_some() { SEARCHED } else { BATCH };
    for drawn in batches(request.count, (VALUES / flow.dims().max(1)).clamp(1, most)) {
        interrupt::check()?;
        let condition = condition(flow, request.class, drawn.clone(), request.seed).map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let shape: Shape = std::iter::once(drawn.len()).chain(flow.event().iter().copied()).collect();
        let z = Var::from(flow.base().sample(shape, request.temperature, &mut rng));
        let y = core.bijection().to_data(&z, cx).value;
        if solver.is_some() {
            latents.extend_from_slice(z.value().as_slice());
            inner.extend_from_slice(y.value().as_slice());
        }
        let x = flow.preprocessing().map_or_else(|| y.clone(), |before| before.to_data(&y, cx).value);
        values.extend_from_slice(x.value().as_slice());
    }
    let all = |values: &[T]| Tensor::from_slice([request.count, flow.dims()], values);
    let search =
        solver.map(|solver| Search { most: solver.take_stats().most, latents: all(&latents), inner: all(&inner) });
    Ok(Drawn { values: all(&values), search })
}

impl<T: Real> Search<T> {
    /// The distance from z to z′ after z → y → z′, with the solution y rounded to `f32`. The map y → z′ is computed in
    /// `f64`, because rounding in `f32` would lose more than the search does.
    pub fn distance(&self, exact: &Flow<f64>) -> Distance {
        let mut found = Vec::with_capacity(self.latents.shape().elements());
        for rows in batches(self.latents.shape()[0], rows_per_batch(exact.dims())) {
            let y = self.inner.rows(rows).cast::<f32>().cast::<f64>();
            let back = exact.core().bijection().to_latent(&Var::from(y), Context::default()).value;
            found.extend_from_slice(back.value().as_slice());
        }
        Distance::between(&Tensor::from_slice(self.latents.shape(), &found), &self.latents.cast())
    }
}

/// Draws `count` samples, `[count, …]`, without their statistics.
pub fn samples(
    flow: &Flow<f32>,
    class: Option<usize>,
    count: usize,
    temperature: f64,
    seed: u64,
) -> Result<Tensor<f32>> {
    Ok(draw(flow, &Request { count, class, temperature, seed })?.values)
}

/// The condition of some rows of a conditional flow: one class for all, or each class in turn. A flow that is given a
/// track gets one of generated speech, which depends on the seed and the row alone.
pub fn condition<T: Real>(flow: &Flow<T>, class: Option<usize>, rows: Range<usize>, seed: u64) -> Option<Tensor<T>> {
    if flow.track() > 0 {
        let speech = Speech { samples: flow.dims(), ..Speech::default() };
        let shape = [rows.len(), flow.condition()];
        let tracks = rows.flat_map(|row| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed ^ TRACKS);
            rng.set_stream(row as u64);
            speech.sample_with_tracks(1, &mut rng).1.values
        });
        return Some(Tensor::from_slice(shape, &tracks.collect::<Vec<_>>()).cast());
    }
    let classes = flow.condition();
    let chosen: Vec<usize> = rows.map(|row| class.unwrap_or(row % classes.max(1))).collect();
    (classes > 0).then(|| one_hot(&chosen, classes))
}

/// The ranges of rows of all batches.
pub(crate) fn batches(count: usize, batch: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(batch).map(move |start| start..(start + batch).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Space;
    use crate::measure::bound::{self, Draw};
    use crate::models::{Gaussianization, MODELS, Model, Preset};
    use flows::check::randomize;

    /// RBIG is fitted to data, not drawn: the program's tests have it.
    #[test]
    fn a_models_own_images_have_a_density_even_where_they_are_saturated() {
        let space = Space::Images { channels: 1, height: 4, width: 4 };
        let blueprints = MODELS.into_iter().filter_map(|model| model.blueprint(Preset::Quick, space, 0).ok());
        let mut with_support = 0;
        for blueprint in blueprints.filter(|blueprint| !blueprint.is_fitted()) {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let model = blueprint.build::<f32>(&mut rng).unwrap();
            randomize(&model, 0.05, &mut rng);
            let Some([low, high]) = model.support() else { continue };
            with_support += 1;
            // Hot enough for some to be saturated; still hotter, the kernels of a Gaussianization flow have no root in f32.
            let hot = if blueprint.is::<Gaussianization>() { 4.0 } else { 8.0 };
            for temperature in [2.0, hot] {
                let (name, count) = (blueprint.name(), 1000);
                let (x, found) = match &model {
                    Model::Flow(flow) => {
                        let x = samples(flow, None, count, temperature, 2).unwrap();
                        let found = flow.log_prob_of(&x).unwrap_or_else(|why| panic!("{name}: {why}"));
                        (x, found)
                    }
                    Model::Vae(vae) => {
                        let x = bound::samples(vae, count, temperature, 2, Draw::Noise).unwrap();
                        let found = bound::encode(vae, &x).unwrap();
                        (x, found)
                    }
                };
                assert!(x.as_slice().iter().all(|x| (low..=high).contains(x)), "{name} at {temperature}");
                assert!(found.all_finite(), "{name} at {temperature}");
                let saturated = x.as_slice().iter().filter(|x| **x == low || **x == high).count();
                assert!(temperature < hot || saturated > 0, "{name}");
            }
        }
        assert_eq!(with_support, 7);
    }
}
