//! A shift: NICE's map.

use super::{Elementwise, Parameters, Univariate};
use crate::module::Visitor;
use autograd::{Real, Var};

/// `x = z + μ` with the one parameter μ. The derivative is 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shift;

impl<T: Real> Univariate<T> for Shift {
    fn parameters(&self) -> usize {
        1
    }

    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        Elementwise { value: x - theta.nth(0), log_deriv: x.zeros_like() }
    }

    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        Elementwise { value: z + theta.nth(0), log_deriv: z.zeros_like() }
    }

    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("map", "shift");
    }
}
