//! The planar layer, which bends space along one direction.

mod root;

use crate::nn::{Init, Linear};
use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var};
use rand::Rng;
use root::root;

/// `wᵀu` below −80 counts as −80: the steepest slope of x → z, e⁸⁰, is then a finite `f32`.
const STEEPEST: f64 = 80.0;

/// The planar layer (Rezende & Mohamed 2015, *Variational Inference with Normalizing Flows*, §4.1), on `[batch, D]`.
///
/// From z to x:
///
/// <!-- x = z + û tanh(wᵀz + b) -->
#[doc = include_str!("../../../formulas/planar.html")]
/// <!-- log|det ∂x/∂z| = log(1 + (1 − tanh² a)·wᵀû),   a = wᵀz + b -->
#[doc = include_str!("../../../formulas/planar-determinant.html")]
///
/// From x to z it is one equation in one unknown a, whatever D is:
///
/// <!-- a + (wᵀû) tanh a = wᵀx + b,   z = x − û tanh a -->
#[doc = include_str!("../../../formulas/planar-inverse.html")]
///
/// where û replaces the parameter u:
///
/// <!--
/// û = u + (m(wᵀu) − wᵀu)·w/‖w‖²,   m(s) = softplus(s) − 1
/// wᵀû = m(wᵀu) > −1
/// -->
#[doc = include_str!("../../../formulas/planar-constraint.html")]
///
/// û is u moved along w so that wᵀû > −1 (the paper's appendix A.1). The left side of the equation then increases in a,
/// and the layer is invertible for all parameters. The determinant is computed as
/// `tanh² a + (1 − tanh² a)·softplus(wᵀu)`, which does not cancel where it is small. The equation is solved in `f64` by
/// Newton's method in a bracket.
///
/// Under a condition, each row has its own `(w, u, b) + C·condition`. With an encoder's features as the condition this
/// is the paper's amortized posterior.
#[derive(Debug)]
pub struct Planar<T: Real> {
    w: Param<T>,
    u: Param<T>,
    b: Param<T>,
    condition: Option<Linear<T>>,
}

/// The parameters of all rows or of each: `[1, D]` or `[batch, D]`, and `[1]` or `[batch]`.
struct Parameters<T: Real> {
    w: Var<T>,
    u_hat: Var<T>,
    b: Var<T>,
    /// `1 + wᵀû = softplus(wᵀu)`.
    stretch: Var<T>,
}

impl<T: Real> Planar<T> {
    /// The identity on rows of D values, under a condition with this many features, 0 for none. w is a random unit
    /// vector, b is drawn from N(0, 1), and u is such that û = 0.
    pub fn new(dims: usize, condition: usize, rng: &mut dyn Rng) -> Self {
        let drawn: Tensor<f64> = Init::Normal { std: 1.0 }.draw(&[dims + 1], 1, rng);
        let drawn = drawn.as_slice();
        let norm = drawn.iter().take(dims).map(|w| w * w).sum::<f64>().sqrt();
        // softplus(s) = 1.
        let at_rest = 1f64.exp_m1().ln();
        let along_w = |length: f64| Param::new(Tensor::from_fn([dims], |i| T::from_f64(drawn[i] * length)));
        Self {
            w: along_w(1.0 / norm),
            u: along_w(at_rest / norm),
            b: Param::new(Tensor::from_fn([1], |_| T::from_f64(drawn[dims]))),
            condition: (condition > 0).then(|| Linear::new(condition, 2 * dims + 1, Init::Zeros, rng)),
        }
    }

    /// # Panics
    /// If the layer takes a condition and there is none.
    fn parameters(&self, x: &Var<T>, cx: Context<'_, T>) -> Parameters<T> {
        let dims = x.extent(1);
        let (mut w, mut u) = (self.w.on(x).reshape([1, dims]), self.u.on(x).reshape([1, dims]));
        let mut b = self.b.on(x);
        if let Some(layer) = &self.condition {
            let Some(condition) = cx.condition else { panic!("planar: this layer needs a condition") };
            let own = layer.apply(condition);
            (w, u) = (w + own.slice(1, 0..dims), u + own.slice(1, dims..2 * dims));
            b = b + own.slice(1, 2 * dims..2 * dims + 1).reshape([x.extent(0)]);
        }
        let (wu, ww) = ((&w * &u).sum_per_sample(), w.square().sum_per_sample());
        // With w = 0 there is no direction to move u in, and no need to: x = z + u·tanh b is a shift.
        let none = ww.step().affine(-1.0, 1.0);
        let stretch = wu.clamp(-STEEPEST, f64::INFINITY).softplus();
        let stretch = none.select(&stretch.zeros_like().shift(1.0), &stretch);
        let factor = (stretch.shift(-1.0) - wu) / (ww + none);
        let each = [factor.extent(0), 1];
        let u_hat = u + factor.reshape(each) * &w;
        Parameters { w, u_hat, b, stretch }
    }
}

impl<T: Real> Parameters<T> {
    /// `wᵀx + b`, `[batch]`.
    fn along(&self, x: &Var<T>) -> Var<T> {
        (x * &self.w).sum_per_sample() + &self.b
    }

    /// `∂(a + (wᵀû)·tanh a)/∂a`, which is the determinant of ∂x/∂z, from `tanh a`.
    fn slope(&self, tanh: &Var<T>) -> Var<T> {
        let square = tanh.square();
        &square + square.affine(-1.0, 1.0) * &self.stretch
    }

    /// `û·tanh a`, `[batch, D]`.
    fn bend(&self, tanh: &Var<T>) -> Var<T> {
        tanh.reshape([tanh.extent(0), 1]) * &self.u_hat
    }

    /// The a with `a + (wᵀû)·tanh a = c`.
    fn root(&self, c: &Var<T>) -> Var<T> {
        let (targets, stretches) = (c.value().as_slice(), self.stretch.value().as_slice());
        let of = |i: usize| root(targets[i].to_f64(), stretches[i % stretches.len()].to_f64());
        let mut a = c.constant_like(Tensor::from_fn(c.shape(), |i| T::from_f64(of(i))));
        if c.tape().is_none() {
            return a;
        }
        // Two Newton steps, as in `implicit.rs`. They add derivatives and leave the value unchanged.
        for _ in 0..2 {
            let tanh = a.tanh();
            let excess = &a + self.stretch.shift(-1.0) * &tanh - c;
            a = a - (&excess - excess.detach()) / self.slope(&tanh);
        }
        a
    }
}

impl<T: Real> Bijection<T> for Planar<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let parameters = self.parameters(x, cx);
        let tanh = parameters.root(&parameters.along(x)).tanh();
        Mapped { value: x - parameters.bend(&tanh), log_det: -parameters.slope(&tanh).ln() }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let parameters = self.parameters(z, cx);
        let tanh = parameters.along(z).tanh();
        Mapped { value: z + parameters.bend(&tanh), log_det: parameters.slope(&tanh).ln() }
    }
}

parameters!(Planar: w, u, b, condition; steepest = STEEPEST);
