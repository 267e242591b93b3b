//! Random shapes and tensors.

use autograd::{Shape, Tensor};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// Few enough elements that a whole Jacobian by differences is cheap.
const MOST: usize = 36;

/// Where an operation is tested: inside its domain, and farther from its kinks than a finite difference reaches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Domain {
    /// Uniform between two numbers.
    Between(f64, f64),
    /// Either sign, and not near 0: for functions with a pole there.
    AwayFromZero,
    /// At least 0.06 from every multiple of 0.2: for kinks at those.
    BetweenKinks,
    /// At least 0.02 from whatever [`Domain::BetweenKinks`] gives: for comparisons with it.
    AroundKinks,
    /// All different, by 0.1 at least: for operations that pick one of them.
    Distinct,
}

pub(super) const REAL: Domain = Domain::Between(-2.0, 2.0);
pub(super) const POSITIVE: Domain = Domain::Between(0.4, 2.5);

/// An extent: mostly small, sometimes longer than a vector register.
fn extent() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..4usize, 1 => 5..19usize]
}

/// A shape of `ranks` axes with few elements.
pub(super) fn shape_of(ranks: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(extent(), ranks).prop_map(|mut shape| {
        while shape.iter().product::<usize>() > MOST {
            let longest = (0..shape.len()).max_by_key(|&axis| shape[axis]).unwrap_or(0);
            shape[longest] = shape[longest].div_ceil(2);
        }
        shape
    })
}

pub(super) fn shape() -> impl Strategy<Value = Vec<usize>> {
    shape_of(0..5)
}

/// A shape that broadcasts to `full`: leading axes dropped, some of the others 1.
fn shrunk(full: Vec<usize>) -> impl Strategy<Value = Vec<usize>> {
    let rank = full.len();
    (0..=rank, proptest::collection::vec(prop::bool::weighted(0.3), rank)).prop_map(move |(dropped, ones)| {
        // Half of all draws keep every axis.
        let dropped = dropped.saturating_sub(rank.div_ceil(2));
        full.iter().zip(&ones).skip(dropped).map(|(&n, &one)| if one { 1 } else { n }).collect()
    })
}

/// `count` shapes that broadcast with each other.
pub(super) fn broadcasting(count: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    shape().prop_flat_map(move |full| proptest::collection::vec(shrunk(full), count))
}

/// Some of the axes of a shape of this rank, in any order.
pub(super) fn axes(rank: usize) -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..rank).collect::<Vec<_>>(), 0..=rank).prop_shuffle()
}

/// All of the axes, in any order.
pub(super) fn order(rank: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..rank).collect::<Vec<_>>()).prop_shuffle()
}

pub(super) fn tensor(shape: &[usize], domain: Domain) -> BoxedStrategy<Tensor<f64>> {
    let shape = Shape::new(shape);
    let n = shape.elements();
    let numbers = match domain {
        Domain::Between(lo, hi) => proptest::collection::vec(lo..hi, n).boxed(),
        Domain::AwayFromZero => {
            let one = (prop::bool::ANY, 0.5..2.0f64).prop_map(|(negative, x)| if negative { -x } else { x });
            proptest::collection::vec(one, n).boxed()
        }
        Domain::BetweenKinks => lattice(n, 0.1),
        Domain::AroundKinks => lattice(n, 0.0),
        Domain::Distinct => Just((0..n).collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(move |ranks| ranks.iter().map(|&rank| 0.1 * (rank as f64 - n as f64 / 2.0)).collect())
            .boxed(),
    };
    numbers.prop_map(move |numbers: Vec<f64>| Tensor::from_slice(&shape, &numbers)).boxed()
}

fn lattice(n: usize, offset: f64) -> BoxedStrategy<Vec<f64>> {
    let one = (-9..10i32, -0.04..0.04).prop_map(move |(k, jitter)| 0.2 * f64::from(k) + offset + jitter);
    proptest::collection::vec(one, n).boxed()
}

/// Numbers between −1 and 1 that look random and are the same each time (splitmix64).
pub(super) fn noise(shape: impl Into<Shape>, seed: u64) -> Tensor<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Tensor::from_fn(shape, |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}
