//! Samples, and how they were found where the way from z to x is a search.

use crate::pictures::drawing;
use autograd::{Real, Shape, Tensor, Var};
use flows::layers::MintSolver;
use flows::{Context, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

pub use flows::Distance;

/// Samples made at a time, so that a large request needs no more memory than a small one.
pub(crate) const BATCH: usize = 500;

/// Which samples, and how they are found.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How many.
    pub count: usize,
    /// The class of a conditional flow; each in turn where none is chosen.
    pub class: Option<usize>,
    /// Below 1: nearer to the mode.
    pub temperature: f64,
    /// Decides the samples.
    pub seed: u64,
}

/// Samples.
#[derive(Clone, Debug)]
pub struct Drawn<T: Real> {
    /// `[count, …]`.
    pub values: Tensor<T>,
    /// How x was found, where it was searched for.
    pub search: Option<Search<T>>,
}

/// A search for x.
#[derive(Clone, Debug)]
pub struct Search<T: Real> {
    /// The most evaluations of a root, or iterations of a sample, in any layer.
    pub most: usize,
    /// z, `[count, …]`.
    pub latents: Tensor<T>,
    /// What was found, before the preprocessing is undone.
    pub inner: Tensor<T>,
}

/// Draws samples, reproducibly from the seed.
#[must_use]
pub fn draw<T: Real>(flow: &Flow<T>, request: &Request) -> Drawn<T> {
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let core = flow.core();
    let solver = MintSolver::of(&core);
    if let Some(solver) = &solver {
        solver.take_stats();
    }
    let [mut values, mut latents, mut inner] = [(); 3].map(|()| Vec::with_capacity(request.count * flow.dims()));
    for drawn in batches(request.count) {
        let condition = drawing::condition(flow, request.class, drawn.clone()).map(Var::from);
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
    Drawn { values: all(&values), search }
}

impl<T: Real> Search<T> {
    /// How far z′ is from z after z → y → z′, y being what was found, as `f32` keeps it. The way back is that of the
    /// same model in `f64`: `f32` would lose more than the search did.
    #[must_use]
    pub fn distance(&self, exact: &Flow<f64>) -> Distance {
        let mut found = Vec::with_capacity(self.latents.shape().elements());
        for rows in batches(self.latents.shape()[0]) {
            let y = self.inner.rows(rows).cast::<f32>().cast::<f64>();
            let back = exact.core().bijection().to_latent(&Var::from(y), Context::default()).value;
            found.extend_from_slice(back.value().as_slice());
        }
        Distance::between(&Tensor::from_slice(self.latents.shape(), &found), &self.latents.cast())
    }
}

/// The rows of each batch.
pub(crate) fn batches(count: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(BATCH).map(move |start| start..(start + BATCH).min(count))
}
