//! From [0, 1] to the real line.

use crate::{Bijection, Context, Mapped, Module, Visitor};
use autograd::{Real, Tensor, Var};

/// The logit with a margin (Papamakarios et al. 2017, MAF, appendix D.2), on any shape.
///
/// From u, within [0, 1], to y:
///
/// <!--
/// y = log(s/(1 − s)),   s = λ + (1 − 2λ)·u
/// log|det ∂y/∂u| = Σᵢ₌₁ᴰ [softplus(yᵢ) + softplus(−yᵢ)] + D log(1 − 2λ)
/// -->
#[doc = include_str!("../../formulas/logit.html")]
///
/// The margin λ keeps the logit of 0 and 1 finite. Published models use 1e-6 (MAF, MintNet), 1e-5 (RBIG) or 0.05
/// (RealNVP's code).
///
/// So the whole interval of u is a little wider than [0, 1]: `−λ/(1 − 2λ) < u < 1 + λ/(1 − 2λ)`. Far out, y → u rounds to
/// an end, whose logit is infinite; it returns the nearest number inside, [`Bijection::support`].
#[derive(Clone, Copy, Debug)]
pub struct Logit {
    margin: f64,
}

impl Logit {
    /// With margin λ.
    ///
    /// # Panics
    /// Unless 0 ≤ λ < ½.
    pub fn new(margin: f64) -> Self {
        assert!((0.0..0.5).contains(&margin), "logit: the margin {margin} is not in [0, 0.5)");
        Self { margin }
    }

    /// `log|det ∂y/∂u|` at y.
    fn log_det<T: Real>(self, y: &Var<T>) -> Var<T> {
        let dims = y.shape()[1..].iter().product::<usize>() as f64;
        (y.softplus() + (-y).softplus()).sum_per_sample().shift(dims * (-2.0 * self.margin).ln_1p())
    }

    fn width(self) -> f64 {
        1.0 - 2.0 * self.margin
    }

    /// The ends of the interval of u: each as a number of type T, and what rounding to it left out.
    fn ends<T: Real>(self) -> [[f64; 2]; 2] {
        let beyond = self.margin / self.width();
        [-beyond, 1.0 + beyond].map(|end| {
            let rounded = T::from_f64(end).to_f64();
            [rounded, end - rounded]
        })
    }
}

impl<T: Real> Bijection<T> for Logit {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let width = self.width();
        let [[low, below], [high, above]] = self.ends::<T>();
        // s and 1 − s from the distances to the ends, which are exact near them.
        let s = x.shift(-low).affine(width, -below * width);
        let rest = x.affine(-1.0, high).affine(width, above * width);
        let y = s.ln() - rest.ln();
        let log_det = self.log_det(&y);
        Mapped { value: y, log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let width = self.width();
        let value = z.sigmoid().affine(1.0 / width, -self.margin / width);
        Mapped { value: within(value, self.ends::<T>().map(inside)), log_det: -self.log_det(z) }
    }

    fn support(&self) -> Option<[T; 2]> {
        Some(self.ends::<T>().map(inside))
    }
}

impl<T: Real> Module<T> for Logit {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("margin", self.margin);
    }
}

/// The outermost number of type T that is inside an end of the interval, which is around ½.
fn inside<T: Real>([rounded, left_out]: [f64; 2]) -> T {
    let inward = if rounded < 0.5 { 1.0 } else { -1.0 };
    if left_out * inward < 0.0 {
        return T::from_f64(rounded);
    }
    // Rounds to the next number, below a power of two too, where numbers are twice as dense.
    let step = (0.6 * T::EPSILON * rounded.abs()).max(f64::from(f32::MIN_POSITIVE));
    T::from_f64(rounded + inward * step)
}

/// The values, those outside of an interval moved to its nearest end.
pub(super) fn within<T: Real>(x: Var<T>, [low, high]: [T; 2]) -> Var<T> {
    let values = x.value().as_slice();
    if !values.iter().any(|&x| x < low || x > high) {
        return x;
    }
    let moved = |x: T| {
        if x < low {
            low - x
        } else if x > high {
            high - x
        } else {
            T::ZERO
        }
    };
    let moved = Tensor::from_fn(x.shape().clone(), |i| moved(values[i]));
    let moved = x.constant_like(moved);
    x + moved
}
