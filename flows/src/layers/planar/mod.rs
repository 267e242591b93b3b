//! A bend along one direction.

mod root;

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::{Init, Linear};
use autograd::{Param, Real, Tensor, Var};
use rand::Rng;
use root::root;

/// How steep x → z may become: `w·u` below −80 counts as −80, where it is e⁸⁰, a finite `f32`.
const STEEPEST: f64 = 80.0;

/// The planar layer (Rezende & Mohamed 2015, *Variational Inference with Normalizing Flows*, §4.1), on
/// `[batch, D]`.
///
/// From z to x it is a formula:
///
/// <!-- x = z + û tanh(wᵀz + b) -->
#[doc = include_str!("../../../formulas/planar.html")]
/// <!-- log|det ∂x/∂z| = ln(1 + (1 − tanh² a)·wᵀû),   a = wᵀz + b -->
#[doc = include_str!("../../../formulas/planar-determinant.html")]
///
/// From x to z it is one equation in one number, whatever D is:
///
/// <!-- a + (wᵀû) tanh a = wᵀx + b,   z = x − û tanh a -->
#[doc = include_str!("../../../formulas/planar-inverse.html")]
///
/// where û takes the place of the parameter u:
///
/// <!--
/// û = u + (m(wᵀu) − wᵀu)·w/‖w‖²,   m(s) = softplus(s) − 1
/// wᵀû = m(wᵀu) > −1
/// -->
#[doc = include_str!("../../../formulas/planar-constraint.html")]
///
/// û is u moved along w so far that `w·û = m(w·u) > −1` (the paper's appendix A.1): the left side of the
/// equation then increases, and the layer has an inverse whatever its parameters. The determinant is computed
/// as `tanh² a + (1 − tanh² a)·softplus(w·u)`, in which nothing cancels where that is small.
///
/// The equation has no solution in closed form. It is solved in `f64` by Newton's method in a bracket; a
/// record of it is two of Newton's steps from the root that was found, whose derivatives, first and second,
/// are those of the root.
///
/// Under a condition w, u and b are `(w, u, b) + C·condition`, for each row its own: an encoder's features
/// make an amortized posterior of it, as in the paper.
#[derive(Debug)]
pub struct Planar<T: Real> {
    normal: Param<T>,
    stretch: Param<T>,
    shift: Param<T>,
    condition: Option<Linear<T>>,
}

/// The layer's numbers, for all rows or for each: `[1, D]` or `[batch, D]`, and `[1]` or `[batch]`.
struct Numbers<T: Real> {
    normal: Var<T>,
    constrained: Var<T>,
    shift: Var<T>,
    /// `1 + w·û = softplus(w·u)`.
    stretch: Var<T>,
}

impl<T: Real> Planar<T> {
    /// The identity on rows of D numbers, under a condition of so many features, 0 for none: w a random unit
    /// vector, b from N(0, 1), and u such that û = 0.
    #[must_use]
    pub fn new(dims: usize, condition: usize, rng: &mut dyn Rng) -> Self {
        let drawn: Tensor<f64> = Init::Normal { std: 1.0 }.draw(&[dims + 1], 1, rng);
        let (normal, shift) = drawn.as_slice().split_at(dims);
        let length = normal.iter().map(|w| w * w).sum::<f64>().sqrt();
        // softplus(s) = 1.
        let at_rest = 1f64.exp_m1().ln();
        let along = |length: f64| Param::new(Tensor::from_fn([dims], |i| T::from_f64(normal[i] * length)));
        Self {
            normal: along(1.0 / length),
            stretch: along(at_rest / length),
            shift: Param::new(Tensor::from_slice([1], &[T::from_f64(shift[0])])),
            condition: (condition > 0).then(|| Linear::new(condition, 2 * dims + 1, Init::Zeros, rng)),
        }
    }

    /// # Panics
    /// If the layer takes a condition and there is none.
    fn numbers(&self, x: &Var<T>, cx: Context<'_, T>) -> Numbers<T> {
        let dims = x.extent(1);
        let (mut w, mut u) = (self.normal.on(x).reshape([1, dims]), self.stretch.on(x).reshape([1, dims]));
        let mut shift = self.shift.on(x);
        if let Some(layer) = &self.condition {
            let Some(condition) = cx.condition else { panic!("planar: this layer needs a condition") };
            let own = layer.apply(condition);
            (w, u) = (w + own.slice(1, 0..dims), u + own.slice(1, dims..2 * dims));
            shift = shift + own.slice(1, 2 * dims..2 * dims + 1).reshape([x.extent(0)]);
        }
        let (along, square) = ((&w * &u).sum_per_sample(), w.square().sum_per_sample());
        // A w of 0 has no direction to move u in, and needs none: x = z + u·tanh b is a shift.
        let none = square.step().affine(-1.0, 1.0);
        let stretch = along.clamp(-STEEPEST, f64::INFINITY).softplus();
        let stretch = none.select(&stretch.zeros_like().shift(1.0), &stretch);
        let factor = (stretch.shift(-1.0) - along) / (square + none);
        let each = [factor.extent(0), 1];
        let constrained = u + factor.reshape(each) * &w;
        Numbers { normal: w, constrained, shift, stretch }
    }
}

impl<T: Real> Numbers<T> {
    /// `w·x + b`, `[batch]`.
    fn along(&self, x: &Var<T>) -> Var<T> {
        (x * &self.normal).sum_per_sample() + &self.shift
    }

    /// `∂(a + (w·û)·tanh a)/∂a`, which is the determinant of ∂x/∂z, at `tanh a`.
    fn slope(&self, tanh: &Var<T>) -> Var<T> {
        let square = tanh.square();
        &square + square.affine(-1.0, 1.0) * &self.stretch
    }

    /// `û·tanh a`, `[batch, D]`.
    fn bend(&self, tanh: &Var<T>) -> Var<T> {
        tanh.reshape([tanh.extent(0), 1]) * &self.constrained
    }

    /// The a with `a + (w·û)·tanh a = c`.
    fn root(&self, c: &Var<T>) -> Var<T> {
        let (targets, stretches) = (c.value().as_slice(), self.stretch.value().as_slice());
        let of = |i: usize| root(targets[i].to_f64(), stretches[i % stretches.len()].to_f64());
        let mut a = c.constant_like(Tensor::from_fn(c.shape(), |i| T::from_f64(of(i))));
        if c.tape().is_none() {
            return a;
        }
        // The root as a function of c and of the parameters. A step whose start has an error of the order δⁿ
        // in changes δ of those ends at one of δ²ⁿ. The value does not move: what rounding leaves of the
        // excess counts for nothing but its derivatives.
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
        let numbers = self.numbers(x, cx);
        let tanh = numbers.root(&numbers.along(x)).tanh();
        Mapped { value: x - numbers.bend(&tanh), log_det: -numbers.slope(&tanh).ln() }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let numbers = self.numbers(z, cx);
        let tanh = numbers.along(z).tanh();
        Mapped { value: z + numbers.bend(&tanh), log_det: numbers.slope(&tanh).ln() }
    }
}

impl<T: Real> Module<T> for Planar<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("w", &self.normal);
        visitor.param("u", &self.stretch);
        visitor.param("b", &self.shift);
        if let Some(condition) = &self.condition {
            visitor.part("condition", condition);
        }
    }
}
