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
    pub round_trip: f64,
}

/// Draws samples, reproducibly from the seed.
#[must_use]
pub fn draw(flow: &Flow<f32>, request: &Request) -> Drawn {
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let mut values = Vec::with_capacity(request.count * flow.dims());
    let effort = Effort::default();
    let core = flow.core();
    let mut round_trip = 0.0f64;
    for start in (0..request.count).step_by(BATCH) {
        let drawn = start..(start + BATCH).min(request.count);
        let condition = drawing::condition(flow, request.class, drawn.clone()).map(Var::from);
        let (inversion, before) = (request.inversion, effort.searches());
        let cx = Context { condition: condition.as_ref(), inversion, effort: Some(&effort), ..Context::default() };
        let shape: Shape = std::iter::once(drawn.len()).chain(flow.event().iter().copied()).collect();
        let z = Var::from(flow.base().sample(shape, request.temperature, &mut rng));
        let y = core.bijection().to_data(&z, cx).value;
        if effort.searches() > before {
            round_trip = round_trip.max(distance(&core.bijection().to_latent(&y, cx).value, &z));
        }
        let x = flow.preprocessing().map_or_else(|| y.clone(), |before| before.to_data(&y, cx).value);
        values.extend_from_slice(x.value().as_slice());
    }
    let search = (effort.searches() > 0).then(|| Search { most: effort.most(), round_trip });
    Drawn { values: Tensor::from_slice([request.count, flow.dims()], &values), search }
}

/// The greatest difference; infinite where there is a number that is none.
fn distance(a: &Var<f32>, b: &Var<f32>) -> f64 {
    let pairs = a.value().as_slice().iter().zip(b.value().as_slice());
    pairs
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, |most, d| if d.is_nan() { f64::INFINITY } else { most.max(d) })
}
