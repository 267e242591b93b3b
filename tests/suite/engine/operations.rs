//! The table of operations, over which each property is tested.

use super::case::{Case, binary, shaped, unary};
use super::custom;
use super::draw::{self, Domain, POSITIVE, REAL, axes, order, tensor};
use super::kernel_mask;
use super::products;
use super::staircase;
use autograd::Var;
use autograd::elementwise::{Binary, Unary};
use flows::marginal;
use proptest::prelude::*;
use std::sync::Arc;

/// An operation's name (that of its enum variant, where it is elementwise) and how to draw a call.
pub(super) type Entry = (&'static str, BoxedStrategy<Case>);

const BETWEEN: Domain = Domain::BetweenKinks;
const DISTINCT: Domain = Domain::Distinct;
const AWAY: Domain = Domain::AwayFromZero;
const NEAR: Domain = Domain::Between(-0.7, 2.0);
const LOGARITHMS: Domain = Domain::Between(-5.0, -0.1);

/// One line for each operation.
pub(super) fn all() -> Vec<Entry> {
    let mut all = elementwise();
    all.extend(reductions());
    all.extend(moves());
    all.extend(products::all());
    all.extend(custom::all());
    all.extend(staircase::all());
    all.extend(kernel_mask::all());
    all
}

pub(super) fn elementwise() -> Vec<Entry> {
    vec![
        ("affine", unary(REAL, |x| x.affine(2.5, -0.7))),
        ("scale", unary(REAL, |x| x.scale(-1.5))),
        ("shift", unary(REAL, |x| x.shift(3.0))),
        ("neg", unary(REAL, |x| -x)),
        ("abs", unary(BETWEEN, Var::abs)),
        ("sign", unary(BETWEEN, Var::sign)),
        ("step", unary(BETWEEN, Var::step)),
        ("within", unary(BETWEEN, |x| x.within(-0.4, 1.0))),
        ("square", unary(REAL, Var::square)),
        ("sqrt", unary(POSITIVE, Var::sqrt)),
        ("recip", unary(AWAY, Var::recip)),
        ("powf", unary(POSITIVE, |x| x.powf(2.5))),
        ("powf, negative", unary(POSITIVE, |x| x.powf(-1.5))),
        ("powf, whole", unary(AWAY, |x| x.powf(3.0))),
        ("powf, one", unary(REAL, |x| x.powf(1.0))),
        ("exp", unary(REAL, Var::exp)),
        ("expm1", unary(REAL, Var::expm1)),
        ("ln", unary(POSITIVE, Var::ln)),
        ("ln1p", unary(NEAR, Var::ln1p)),
        ("sin", unary(REAL, Var::sin)),
        ("cos", unary(REAL, Var::cos)),
        ("tanh", unary(REAL, Var::tanh)),
        ("sigmoid", unary(REAL, Var::sigmoid)),
        ("softplus", unary(REAL, Var::softplus)),
        ("log_sigmoid", unary(REAL, Var::log_sigmoid)),
        ("relu", unary(BETWEEN, Var::relu)),
        ("leaky_relu", unary(BETWEEN, |x| x.leaky_relu(0.1))),
        ("leaky_relu, falling", unary(BETWEEN, |x| x.leaky_relu(-0.3))),
        ("leaky_relu, flat", unary(BETWEEN, |x| x.leaky_relu(0.0))),
        ("elu", unary(BETWEEN, Var::elu)),
        ("clamp", unary(BETWEEN, |x| x.clamp(-0.4, 1.0))),
        ("erf", unary(REAL, Var::erf)),
        ("normal_cdf", unary(REAL, Var::normal_cdf)),
        ("log_normal_cdf", unary(REAL, Var::log_normal_cdf)),
        ("normal_score", unary(REAL, Var::normal_score)),
        ("log_normal_quantile", unary(LOGARITHMS, Var::log_normal_quantile)),
        ("map", unary(REAL, |x| x.map(Unary::Tanh))),
        ("add", binary((REAL, REAL), |a, b| a + b)),
        ("sub", binary((REAL, REAL), |a, b| a - b)),
        ("mul", binary((REAL, REAL), |a, b| a * b)),
        ("div", binary((REAL, AWAY), |a, b| a / b)),
        ("pow", binary((POSITIVE, REAL), Var::pow)),
        ("maximum", binary((BETWEEN, Domain::AroundKinks), Var::maximum)),
        ("minimum", binary((BETWEEN, Domain::AroundKinks), Var::minimum)),
        ("greater", binary((BETWEEN, Domain::AroundKinks), Var::greater)),
        ("greater_equal", binary((BETWEEN, Domain::AroundKinks), Var::greater_equal)),
        ("step_mul", binary((REAL, BETWEEN), |a, b| a.clone().zip(b.clone(), Binary::StepMul))),
        ("tanh_grad", binary((REAL, REAL), |a, b| a.clone().zip(b.clone(), Binary::TanhGrad))),
        ("sigmoid_grad", binary((REAL, REAL), |a, b| a.clone().zip(b.clone(), Binary::SigmoidGrad))),
        ("x·x", unary(REAL, |x| x * x)),
        ("x/x²", unary(AWAY, |x| x / x.square())),
        ("select", select()),
    ]
}

fn reductions() -> Vec<Entry> {
    let some = |shape: &[usize]| axes(shape.len());
    let none = |_: &[usize]| Just(());
    vec![
        ("sum", shaped(0..5, REAL, some, |x, axes| x.sum(axes))),
        ("mean", shaped(0..5, REAL, some, |x, axes| x.mean(axes))),
        ("max", shaped(0..5, DISTINCT, some, |x, axes| x.max(axes))),
        ("logsumexp", shaped(0..5, REAL, some, |x, axes| x.logsumexp(axes))),
        ("log_softmax", shaped(0..5, REAL, some, |x, axes| x.log_softmax(axes))),
        ("softmax", shaped(0..5, REAL, some, |x, axes| x.softmax(axes))),
        ("sum_all", shaped(0..5, REAL, none, |x, ()| x.sum_all())),
        ("mean_all", shaped(0..5, REAL, none, |x, ()| x.mean_all())),
        ("sum_per_sample", shaped(1..5, REAL, none, |x, ()| x.sum_per_sample())),
    ]
}

fn moves() -> Vec<Entry> {
    vec![
        ("reshape", shaped(0..5, REAL, reshaped, |x, to| x.reshape(to.as_slice()))),
        ("flatten", shaped(1..5, REAL, |_| Just(()), |x, ()| x.flatten())),
        ("permute", shaped(0..5, REAL, |shape| order(shape.len()), |x, order| x.permute(order))),
        ("transpose", shaped(2..5, REAL, |_| Just(()), |x, ()| x.transpose())),
        ("slice", shaped(1..5, REAL, window, |x, &(axis, start, _, len)| x.slice(axis, start..start + len))),
        ("slice_step", shaped(1..5, REAL, window, |x, &(axis, start, step, len)| x.slice_step(axis, start, step, len))),
        ("embed", shaped(1..5, REAL, room, |x, &(axis, start, step, size)| x.embed(axis, start, step, size))),
        ("pad", shaped(1..5, REAL, room, |x, &(axis, before, after, _)| x.pad(axis, before, after))),
        ("flip", shaped(1..5, REAL, |shape| 0..shape.len(), |x, &axis| x.flip(axis))),
        ("gather", shaped(1..5, REAL, picks, |x, (axis, indices)| x.gather(*axis, indices))),
        ("scatter_add", shaped(1..5, REAL, places, |x, (axis, indices, size)| x.scatter_add(*axis, indices, *size))),
        ("broadcast_to", shaped(0..4, REAL, stretched, |x, to| x.broadcast_to(to.as_slice()))),
        ("concat", concat()),
        ("marginal", marginals()),
    ]
}

/// The same extents in another order, some of them merged or with axes of extent 1 between.
fn reshaped(shape: &[usize]) -> BoxedStrategy<Vec<usize>> {
    let shape = shape.to_vec();
    (order(shape.len()), 0..3usize)
        .prop_map(move |(order, how)| {
            let mut to: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
            match how {
                0 => to.insert(to.len() / 2, 1),
                1 if to.len() > 1 => to[0] *= to.pop().unwrap_or(1),
                _ => {}
            }
            to
        })
        .boxed()
}

/// An axis, a start, a step and a length that lie within the shape.
fn window(shape: &[usize]) -> BoxedStrategy<(usize, usize, usize, usize)> {
    let shape = shape.to_vec();
    (0..shape.len(), 1..4usize, any::<prop::sample::Index>(), any::<prop::sample::Index>())
        .prop_map(move |(axis, step, start, len)| {
            // `slice` takes the same window with step 1: it fits too, being shorter.
            let start = start.index(shape[axis]);
            let most = (shape[axis] - 1 - start) / step + 1;
            (axis, start, step, len.index(most + 1))
        })
        .boxed()
}

/// An axis, a start, a step and a size that hold the shape.
fn room(shape: &[usize]) -> BoxedStrategy<(usize, usize, usize, usize)> {
    let shape = shape.to_vec();
    (0..shape.len(), 0..3usize, 1..4usize, 0..3usize)
        .prop_map(move |(axis, start, step, more)| (axis, start, step, start + (shape[axis] - 1) * step + 1 + more))
        .boxed()
}

/// An axis and positions on it, with repeats.
fn picks(shape: &[usize]) -> BoxedStrategy<(usize, Arc<[usize]>)> {
    let shape = shape.to_vec();
    (0..shape.len())
        .prop_flat_map(move |axis| (Just(axis), prop::collection::vec(0..shape[axis], 0..6)))
        .prop_map(|(axis, indices)| (axis, indices.into()))
        .boxed()
}

/// An axis, and for each slice along it a place on a new one, with repeats.
fn places(shape: &[usize]) -> BoxedStrategy<(usize, Arc<[usize]>, usize)> {
    let shape = shape.to_vec();
    (0..shape.len(), 1..5usize)
        .prop_flat_map(move |(axis, size)| (Just(axis), prop::collection::vec(0..size, shape[axis]), Just(size)))
        .prop_map(|(axis, indices, size)| (axis, indices.into(), size))
        .boxed()
}

/// A shape that this one stretches to.
fn stretched(shape: &[usize]) -> BoxedStrategy<Vec<usize>> {
    let shape = shape.to_vec();
    (prop::collection::vec(1..3usize, 0..3), 1..4usize)
        .prop_map(move |(lead, to)| {
            let own = shape.iter().map(|&n| if n == 1 { to } else { n });
            lead.iter().copied().chain(own).collect()
        })
        .boxed()
}

fn concat() -> BoxedStrategy<Case> {
    draw::shape_of(1..4)
        .prop_flat_map(|shape| (Just(shape.clone()), 0..shape.len(), prop::collection::vec(1..4usize, 1..5)))
        .prop_flat_map(|(shape, axis, extents)| {
            let part = |&extent: &usize| {
                let mut shape = shape.clone();
                shape[axis] = extent;
                tensor(&shape, REAL)
            };
            (extents.iter().map(part).collect::<Vec<_>>(), Just(axis))
        })
        .prop_map(|(parts, axis)| {
            Case::new(parts, move |x| Var::concat(axis, &x.iter().collect::<Vec<_>>())).with(&axis)
        })
        .boxed()
}

/// Points and kernels; both results together.
fn marginals() -> BoxedStrategy<Case> {
    (1..5usize, 1..4usize, 1..4usize)
        .prop_flat_map(|(batch, dims, count)| (tensor(&[batch, dims], NEAR), tensor(&[3, dims, count], NEAR)))
        .prop_map(|(x, kernels)| {
            Case::new(vec![x, kernels], |x| {
                let [z, log_deriv] = marginal::to_latent(&x[0], &x[1]);
                Var::concat(0, &[&z, &log_deriv])
            })
        })
        .boxed()
}

fn select() -> BoxedStrategy<Case> {
    draw::broadcasting(3)
        .prop_flat_map(|shapes| (tensor(&shapes[0], BETWEEN), tensor(&shapes[1], REAL), tensor(&shapes[2], REAL)))
        .prop_map(|(mask, a, b)| Case::new(vec![mask, a, b], |x| x[0].select(&x[1], &x[2])))
        .boxed()
}
