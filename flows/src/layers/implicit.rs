//! Derivatives through roots.

use super::Elementwise;
use autograd::{Real, Var};

/// How fast x may be seen to move with z, e⁸⁰, which is a finite `f32`. Between two modes of a distribution, 13 of
/// their scales from both, it moves faster still.
const STEEPEST: f64 = 80.0;

/// The root x of z(x) = z, which was found on plain values, as a function of z and of the parameters that `latent`
/// reads; with `log ∂x/∂z`.
///
/// By Newton's method from the root itself. A step whose start has an error of the order δⁿ in changes δ of z and of
/// the parameters ends at one of δ²ⁿ. The start is a constant, n = 1: one step gives first derivatives, and the second
/// step those of second order too. The value does not move: what rounding leaves of z(x) − z counts for nothing but
/// its derivatives.
pub(super) fn recorded_root<T: Real>(
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
