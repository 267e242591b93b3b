//! Derivatives through roots.

use super::Elementwise;
use autograd::{Real, Var};

/// Bound on the log-derivative of x by z: e⁸⁰ is finite in `f32`. Between two modes of a distribution, 13 of their scales
/// from both, the derivative itself is larger still.
const STEEPEST: f64 = 80.0;

/// Makes a root x of z(x) = z, found on plain values, a function of z and of the parameters that `latent` reads; with
/// `log ∂x/∂z`.
///
/// Two Newton steps from the root, which is a constant: the first step gives first derivatives, the second step second
/// derivatives too. The value does not move: only the derivatives of z(x) − z count, not its rounding error.
pub(crate) fn recorded_root<T: Real>(
    mut x: Var<T>,
    z: &Var<T>,
    latent: impl Fn(&Var<T>) -> Elementwise<T>,
) -> Elementwise<T> {
    for _ in 0..2 {
        let at = latent(&x);
        let excess = at.value - z;
        let slope = at.log_deriv.clamp(-STEEPEST, f64::INFINITY);
        x = x - (&excess - excess.detach()) * (-slope).exp();
    }
    let log_deriv = -latent(&x).log_deriv;
    Elementwise { value: x, log_deriv }
}
