//! Gradients against finite differences along random directions.

use super::violation::{Comparison, worst};
use super::{Case, Direction, Property, Violation, differences::derivative};
use crate::{Context, Flow, Module};
use autograd::{Param, Tape, Tensor, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A scalar function of a batch.
type Functional<'a> = dyn Fn(&Var<f64>) -> Result<Var<f64>, Violation> + 'a;

/// Compares the gradient of a random linear function of value and log-determinant, with respect to each trainable
/// parameter, with finite differences along random directions; in both directions of the map. Returns the worst
/// error, relative to `max(1, |derivative|)`.
///
/// The parameters are changed in place and then restored. Nothing else may use them meanwhile.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn parameter_gradient(case: &Case<'_>, tolerance: f64, seed: u64) -> Result<f64, Violation> {
    let params = case.map.params();
    case.worst(Property::ParameterGradient, tolerance, |comparison, points| {
        let functional = |x: &Var<f64>| random_functional(case, comparison.direction, x, seed);
        by_parameters(comparison, &params, &functional, points, seed)
    })
}

/// The same with respect to the input, which chains of maps and losses over samples need.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn input_gradient(case: &Case<'_>, tolerance: f64, seed: u64) -> Result<f64, Violation> {
    case.worst(Property::InputGradient, tolerance, |comparison, points| {
        let functional = |x: &Var<f64>| random_functional(case, comparison.direction, x, seed);
        by_input(comparison, &functional, points, seed)
    })
}

/// The same for a flow: the gradient of a random linear function of the rows' `log p(x)`, with respect to each
/// parameter and to the data.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn flow_gradient(
    flow: &Flow<f64>,
    x: &Tensor<f64>,
    condition: Option<&Tensor<f64>>,
    tolerance: f64,
    seed: u64,
) -> Result<f64, Violation> {
    let functional = |x: &Var<f64>| {
        let condition = condition.map(|c| x.constant_like(c.clone()));
        let context = Context { condition: condition.as_ref(), ..Context::default() };
        let log_prob = flow.log_prob(x, context);
        let weights = uniform(log_prob.value(), &mut ChaCha8Rng::seed_from_u64(seed));
        Ok((log_prob * x.constant_like(weights)).sum_all())
    };
    let of = |property| Comparison { property, direction: Direction::ToLatent, tolerance };
    let by_parameters = by_parameters(&of(Property::ParameterGradient), &flow.params(), &functional, x, seed)?;
    Ok(by_parameters.max(by_input(&of(Property::InputGradient), &functional, x, seed)?))
}

/// `Σ v·value + Σ w·log_det` with v and w uniform in [−1, 1].
fn random_functional(case: &Case<'_>, direction: Direction, x: &Var<f64>, seed: u64) -> Result<Var<f64>, Violation> {
    let mapped = case.map_rows(direction, x, &(0..case.samples()).collect::<Vec<_>>())?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let v = x.constant_like(uniform(mapped.value.value(), &mut rng));
    let w = x.constant_like(uniform(mapped.log_det.value(), &mut rng));
    Ok((mapped.value * v).sum_all() + (mapped.log_det * w).sum_all())
}

fn by_parameters(
    comparison: &Comparison,
    params: &[(String, Param<f64>)],
    functional: &Functional<'_>,
    points: &Tensor<f64>,
    seed: u64,
) -> Result<f64, Violation> {
    let tape = Tape::new();
    let gradients = tape.backward(&functional(&tape.constant(points.clone()))?);
    let plain = Var::from(points.clone());
    let trainable = params.iter().filter(|(_, param)| param.is_trainable());
    // Not the seed of the functional's own weights.
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7061_7261_6d73);
    worst(trainable.map(|(path, param)| {
        let start = param.value();
        let along = uniform(&start, &mut rng);
        let found = gradients.of(param).map_or(0.0, |gradient| inner(gradient, &along));
        let at = |h: f64| {
            param.set(moved(&start, h, &along));
            Ok(functional(&plain)?.item())
        };
        let expected = derivative(at, size(&along));
        param.set(start.clone());
        comparison.value(|| format!("the derivative along {path}"), found, expected?)
    }))
}

fn by_input(
    comparison: &Comparison,
    functional: &Functional<'_>,
    points: &Tensor<f64>,
    seed: u64,
) -> Result<f64, Violation> {
    let tape = Tape::new();
    let x = tape.variable(points.clone());
    let gradients = tape.backward(&functional(&x)?);
    let along = uniform(points, &mut ChaCha8Rng::seed_from_u64(seed ^ 0x69_6e70_7574));
    let found = gradients.wrt(&x).map_or(0.0, |gradient| inner(gradient, &along));
    let at = |h: f64| Ok(functional(&Var::from(moved(points, h, &along)))?.item());
    let expected = derivative(at, size(&along))?;
    comparison.value(|| "the derivative along the input".to_owned(), found, expected)
}

/// `start + h·along`.
fn moved(start: &Tensor<f64>, h: f64, along: &Tensor<f64>) -> Tensor<f64> {
    Tensor::from_fn(start.shape(), |i| start.as_slice()[i] + h * along.as_slice()[i])
}

fn uniform(like: &Tensor<f64>, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    Tensor::from_fn(like.shape(), |_| rng.random_range(-1.0..1.0))
}

fn inner(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
}

fn size(along: &Tensor<f64>) -> f64 {
    along.as_slice().iter().fold(0.0, |size, u| u.abs().max(size))
}
