//! Samples, and how they were found where the way from z to x is a search.

use crate::drawing;
use autograd::{Shape, Tensor, Var};
use flows::{Context, Effort, Flow, Inversion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Samples made at a time, so that a large request needs no more memory than a small one.
const BATCH: usize = 500;

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
    /// How inverses that search do so.
    pub inversion: Inversion,
}

/// Samples.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// `[count, …]`.
    pub values: Tensor<f32>,
    /// How x was found, where it was searched for.
    pub search: Option<Search>,
}

/// What a search for x took, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// The most evaluations of a root, or iterations of a sample, in any layer.
    pub most: usize,
    /// The greatest |z′ − z| after z → y → z′, y being what the preprocessing makes data of.
    pub greatest: f64,
    /// The root of the mean of (z′ − z)².
    pub typical: f64,
}

/// Draws samples, reproducibly from the seed.
#[must_use]
pub fn draw(flow: &Flow<f32>, request: &Request) -> Drawn {
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let mut values = Vec::with_capacity(request.count * flow.dims());
    let effort = Effort::default();
    let core = flow.core();
    let (mut greatest, mut squares) = (0.0f64, 0.0);
    for start in (0..request.count).step_by(BATCH) {
        let drawn = start..(start + BATCH).min(request.count);
        let condition = drawing::condition(flow, request.class, drawn.clone()).map(Var::from);
        let (inversion, before) = (request.inversion, effort.searches());
        let cx = Context { condition: condition.as_ref(), inversion, effort: Some(&effort), ..Context::default() };
        let shape: Shape = std::iter::once(drawn.len()).chain(flow.event().iter().copied()).collect();
        let z = Var::from(flow.base().sample(shape, request.temperature, &mut rng));
        let y = core.bijection().to_data(&z, cx).value;
        if effort.searches() > before {
            let back = core.bijection().to_latent(&y, cx).value;
            for (a, b) in back.value().as_slice().iter().zip(z.value().as_slice()) {
                let error = f64::from((a - b).abs());
                greatest = if error.is_nan() { f64::INFINITY } else { greatest.max(error) };
                squares += error * error;
            }
        }
        let x = flow.preprocessing().map_or_else(|| y.clone(), |before| before.to_data(&y, cx).value);
        values.extend_from_slice(x.value().as_slice());
    }
    let typical = (squares / values.len() as f64).sqrt();
    let search = (effort.searches() > 0).then(|| Search { most: effort.most(), greatest, typical });
    Drawn { values: Tensor::from_slice([request.count, flow.dims()], &values), search }
}
