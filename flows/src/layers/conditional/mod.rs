//! What an autoregressive layer does to one dimension.

mod affine;
mod mixture;

pub use affine::{Affine, Gate};
pub use mixture::{Kind, Mixture};

use autograd::{Real, Var};
use std::fmt::Debug;

/// How far a log-scale may go: `s ← 5·tanh(s/5)`. One layer can then make a number 148 times larger or
/// smaller, which is more than data ask for. Without a bound a network that has never seen the like of an input
/// may ask for any factor: with 10 in place of 5, the images that one MAF of MNIST's 784 pixels and five layers
/// had not seen the like of, 6 of 10,000, had log-densities of −400,000 and less.
const BOUND: f64 = 5.0;

/// A softly bounded log-scale.
pub(crate) fn softly_bounded<T: Real>(s: &Var<T>) -> Var<T> {
    s.scale(1.0 / BOUND).tanh().scale(BOUND)
}

/// The same of one number.
fn bounded(s: f64) -> f64 {
    BOUND * (s / BOUND).tanh()
}

/// Numbers mapped one by one, with the logarithm of each one's own derivative.
#[derive(Clone, Debug)]
pub struct Elementwise<T: Real> {
    /// The results, in the shape of what was mapped.
    pub value: Var<T>,
    /// `log|∂ result/∂ what was mapped|` of each.
    pub log_deriv: Var<T>,
}

/// An increasing map between one number x and one number z under given parameters; what an autoregressive
/// network's outputs are the parameters of.
///
/// Numbers are `[batch, D]`, parameters `[batch, D, parameters]`.
pub trait Conditional<T: Real>: Debug + Send + Sync {
    /// Parameters for each number.
    fn parameters(&self) -> usize;

    /// x → z.
    fn to_latent(&self, x: &Var<T>, parameters: &Var<T>) -> Elementwise<T>;

    /// z → x.
    fn to_data(&self, z: &Var<T>, parameters: &Var<T>) -> Elementwise<T>;

    /// x → z of one dimension over some rows, on plain values: parameter j of row r is `parameters[j·rows + r]`.
    /// Sets z and `log ∂z/∂x`.
    fn to_latent_rows(&self, x: &[T], parameters: &[T], z: &mut [T], log_deriv: &mut [T]);

    /// z → x of one dimension over some rows, on plain values. Sets x and `log ∂x/∂z`.
    fn to_data_rows(&self, z: &[T], parameters: &[T], x: &mut [T], log_deriv: &mut [T]);
}
