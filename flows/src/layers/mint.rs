//! The layer of `MintNet`: an invertible map made of masked convolutions.
//!
//! Song, Meng & Ermon, *`MintNet`: Building Invertible Neural Networks with Masked Convolutions*, 2019.

mod adjoint;
mod fixed_point;
mod root;
mod solver;
mod sweep;

pub use solver::{Inversion, MintSolver, SolverStats};

use crate::nn::{ConvMask, Init, MaskedConv2d, is_positive};
use crate::{Bijection, Context, Distance, Mapped, Module, Visitor};
use adjoint::Root;
use autograd::{Param, Real, Tensor, Var, lanes::LANES};
use rand::Rng;
use root::STEPS;
use std::sync::Arc;
use sweep::Sweep;

/// Three masked convolutions and a scale, on images `[batch, C, H, W]`, with h = ELU.
///
/// From x to z, with the determinant of a triangular Jacobian:
///
/// <!--
/// z = t ⊙ x + W₃ ⋆ h(W₂ ⋆ h(W₁ ⋆ x + b₁) + b₂) + b₃
/// h = ELU,   t > 0
/// -->
#[doc = include_str!("../../formulas/mintnet.html")]
/// <!--
/// log|det ∂z/∂x| = Σᵢ log(tᵢ + dᵢ)
/// dᵢ = Σₗ₌₁ᴷ Σₖ₌₁ᴷ W_{3,il}ᶜ·h′(a_{2,l})·W_{2,lk}ᶜ·h′(a_{1,k})·W_{1,ki}ᶜ ≥ 0
/// -->
#[doc = include_str!("../../formulas/mintnet-determinant.html")]
///
/// From z to x, each element is the root of an increasing function of one variable:
///
/// <!--
/// tᵢxᵢ + Σₗ₌₁ᴷ W_{3,l}ᶜ·h(c_{2,l} + Σₖ₌₁ᴷ W_{2,lk}ᶜ·h(c_{1,k} + W_{1,k}ᶜ·xᵢ)) + rᵢ = zᵢ
/// c₁, c₂, rᵢ known from x_<i,   slope in xᵢ: tᵢ + dᵢ > 0
/// -->
#[doc = include_str!("../../formulas/mintnet-sweep.html")]
///
/// Each channel of the image has K *branches*: K hidden units of its own in both hidden layers. All three convolutions
/// have the same [mask](ConvMask), so the Jacobian is triangular in the mask's order of the elements. Its diagonal is
/// t + d, where d sums the paths from an element back to itself, through the center taps Wᶜ between units of its
/// channel; a₁ and a₂ are the inputs of the ELUs there. `W₂ᶜ[l,k]` gets the sign of `W₃ᶜ[i,l]·W₁ᶜ[k,i]`, whatever the
/// sign of its parameter, so no term of d is negative. t > 0, one for each element, is the softplus of a parameter.
///
/// `to_latent` is one parallel pass. `to_data` depends on the layer's [`MintSolver`]: a sweep over the elements in the
/// mask's order, which computes each hidden unit once, in `f64`, for eight samples together; or the authors' iteration
/// ([`Mint::solve`]). On a tape, the derivatives of the root take two recorded passes and one more sweep, from the last
/// element to the first: with J = ∂z/∂x and the gradient g by x, that by z is λ, the solution of the triangular system
/// Jᵀλ = g, and one reverse pass with −λ gives those by the parameters.
#[derive(Debug)]
pub struct Mint<T: Real> {
    mask: ConvMask,
    image: [usize; 3],
    convs: [MaskedConv2d<T>; 3],
    /// softplus⁻¹(t), `[C, H, W]`.
    scale: Param<T>,
    solver: Arc<MintSolver>,
}

/// A solution for x, and what it took.
#[derive(Clone, Debug)]
pub struct Solution<T: Real> {
    /// x, `[batch, C, H, W]`.
    pub value: Tensor<T>,
    /// `log|det ∂x/∂z|` at x, `[batch]`.
    pub log_det: Tensor<T>,
    /// For each sample, the iterations of the fixed point, or the most evaluations for any root of the sweep.
    pub iterations: Vec<usize>,
    /// The largest `|z(x) − z|` in the batch, at the start and after each iteration, or at the end of the sweep.
    /// Infinite if it is not finite.
    pub errors: Vec<f64>,
}

/// The result of a pass, and the inputs of both ELUs.
struct Pass<T: Real> {
    value: Var<T>,
    hidden: [Var<T>; 2],
}

impl<T: Real> Mint<T> {
    /// A layer over images `[C, H, W]` with K branches, weights drawn from `init`, and t = 1.
    ///
    /// # Panics
    /// If the image is empty, or there are no branches.
    pub fn new(mask: ConvMask, image: [usize; 3], branches: usize, init: Init, rng: &mut dyn Rng) -> Self {
        let [channels, height, width] = image;
        assert!(channels * height * width > 0, "MintNet: images of {channels}×{height}×{width} are empty");
        assert!(branches > 0, "MintNet: no branches");
        let hidden = branches * channels;
        let mut conv = |inputs, outputs| MaskedConv2d::new(mask, image, inputs, outputs, init, rng);
        let convs = [conv(channels, hidden), conv(hidden, hidden), conv(hidden, channels)];
        // softplus(ln(e − 1)) = 1.
        let scale = Tensor::full(image, T::from_f64((std::f64::consts::E - 1.0).ln()));
        Self { mask, image, convs, scale: Param::new(scale), solver: Arc::default() }
    }

    /// The same layer, inverted as this solver says.
    pub fn solved_by(self, solver: Arc<MintSolver>) -> Self {
        Self { solver, ..self }
    }

    /// Hidden units of each channel in each hidden layer.
    pub fn branches(&self) -> usize {
        self.convs[0].units()[1] / self.image[0]
    }

    /// The diagonal t + d of ∂z/∂x, `[batch, C, H, W]`.
    ///
    /// # Panics
    /// If `x` has the wrong shape.
    pub fn diagonal(&self, x: &Var<T>) -> Var<T> {
        let weights = self.weights(x);
        self.diagonal_at(&self.pass(x, &weights), &weights)
    }

    /// z → x on plain values, by the sweep or by the authors' iteration from x = z/t:
    ///
    /// <!-- x ← x + α·(z − z(x))/(t + d(x)),   0 < α < 2,   from x = z/t -->
    #[doc = include_str!("../../formulas/mintnet-fixed-point.html")]
    ///
    /// A sweep with too few evaluations is an approximation, and errors carry over to later elements.
    ///
    /// The iteration ends for each sample when it has converged to rounding. Near the root it converges for 0 < α < 2
    /// and any weights, though errors may grow at first: the matrix that multiplies them is triangular with 1 − α on its
    /// diagonal. The authors take α = 1/3.5 and 100 iterations on MNIST.
    ///
    /// # Panics
    /// If `z` has the wrong shape, or a sweep has 0 evaluations.
    pub fn solve(&self, z: &Tensor<T>, inversion: Inversion) -> Solution<T> {
        let mut found = self.solve_unchecked(z, inversion);
        if found.errors.is_empty() {
            let x = Var::from(found.value.clone());
            let back = self.pass(&x, &self.weights(&x)).value;
            found.errors.push(Distance::between(back.value(), z).max_abs);
        }
        found
    }

    /// The same without the pass that measures the error of a sweep.
    fn solve_unchecked(&self, z: &Tensor<T>, inversion: Inversion) -> Solution<T> {
        self.check(z);
        let evaluations = match inversion {
            Inversion::FixedPoint { step, iterations } => return fixed_point::solve(self, z, step, iterations),
            Inversion::Sweep { evaluations } => evaluations,
        };
        assert!(evaluations > 0, "MintNet: a root takes at least one evaluation");
        let sweep = Sweep::of(self, evaluations.min(STEPS));
        let groups = sweep.solve(z);
        let lane = |i: usize| (&groups[i / LANES], i % LANES);
        let batch = z.shape()[0];
        let log_det = Tensor::from_fn([batch], |i| T::from_f64(lane(i).0.log_det[lane(i).1]));
        let iterations = (0..batch).map(|i| lane(i).0.evaluations[lane(i).1]).collect();
        Solution { value: sweep.images(&groups, z.shape()), log_det, iterations, errors: Vec::new() }
    }

    /// The three weights, with the signs that make the diagonal positive.
    fn weights(&self, x: &Var<T>) -> [Var<T>; 3] {
        let [first, second, third] = &self.convs;
        let [w1, w3] = [first, third].map(|conv| conv.weight().on(x));
        // Each hidden unit has one center tap from, or to, its channel: the others are 0 in the sum.
        let signs = |center: Var<T>, axis: usize| -> Vec<bool> {
            center.sum(&[axis]).value().as_slice().iter().map(|&w| is_positive(w)).collect()
        };
        let from = signs(first.center(&w1.detach()), 1);
        let to = signs(third.center(&w3.detach()), 0);
        let w2 = second.weight_with_signs(x, |output, input| from[input] == to[output]);
        [w1, w2, w3]
    }

    fn pass(&self, x: &Var<T>, weights: &[Var<T>; 3]) -> Pass<T> {
        self.check(x.value());
        let [first, second, third] = &self.convs;
        let a1 = first.apply(x, &weights[0]);
        let a2 = second.apply(&a1.elu(), &weights[1]);
        let value = self.t(x) * x + third.apply(&a2.elu(), &weights[2]);
        Pass { value, hidden: [a1, a2] }
    }

    fn t(&self, x: &Var<T>) -> Var<T> {
        self.scale.on(x).softplus()
    }

    /// t + d: the center taps alone, as convolutions of 1×1.
    fn diagonal_at(&self, pass: &Pass<T>, weights: &[Var<T>; 3]) -> Var<T> {
        let [h1, h2] = pass.hidden.each_ref().map(elu_derivative);
        let [first, second, third] = &self.convs;
        let [c1, c2, c3] = std::array::from_fn(|i| self.convs[i].center(&weights[i]));
        // Each hidden unit reads only its own channel: each row has one nonzero entry.
        let into = c1.sum(&[1]).reshape([first.units()[1], 1, 1]);
        let d = third.apply_center(&(h2 * second.apply_center(&(h1 * into), &c2)), &c3);
        d + self.t(&pass.value)
    }

    #[track_caller]
    fn check(&self, x: &Tensor<T>) {
        let (shape, image) = (x.shape(), self.image);
        assert!(shape.rank() == 4 && shape[1..] == image, "MintNet: images of {image:?}, not {shape}");
    }

    /// The length of the longest chain of elements that directly depend on the one before.
    ///
    /// Within a channel, column + 2·row grows by at least 1 from an element to one that depends on it directly.
    fn longest_chain(&self) -> usize {
        let [channels, height, width] = self.image;
        channels * (height * width).min(width + 2 * (height - 1))
    }

    /// The root as a function of z and the parameters: first derivatives in the work of a few passes.
    fn differentiable(&self, root: Tensor<T>, z: &Var<T>) -> Mapped<T> {
        let weights = self.weights(z);
        let pass = self.pass(&z.constant_like(root.clone()), &weights);
        let root = Root {
            x: root,
            mask: self.mask,
            weights: weights.each_ref().map(|weight| weight.value().clone()),
            slopes: pass.hidden.each_ref().map(|a| elu_derivative(&a.detach()).into_value()),
            t: self.t(z).into_value(),
        };
        // The pass at a constant x has the derivatives by the parameters; the root adds those by x.
        let x = Var::custom(root, &[&(pass.value - z)]);
        let log_det = -self.diagonal_at(&self.pass(&x, &weights), &weights).ln().sum_per_sample();
        Mapped { value: x, log_det }
    }

    /// The root as a function of z and the parameters, recorded from the root itself.
    ///
    /// A step `x − (z(x) − z)/(t + d)` multiplies the first-order error by a strictly triangular matrix. As many steps as
    /// the longest chain remove it, and one more removes the second-order error. The value does not change. It is much
    /// slower than [`Mint::differentiable`], but has second derivatives.
    fn recorded(&self, root: Tensor<T>, z: &Var<T>) -> Mapped<T> {
        let mut x = z.constant_like(root);
        let weights = self.weights(z);
        let diagonal = self.diagonal_at(&self.pass(&x, &weights), &weights).detach();
        for _ in 0..=self.longest_chain() {
            let excess = self.pass(&x, &weights).value - z;
            x = x - (&excess - excess.detach()) / &diagonal;
        }
        let log_det = -self.diagonal_at(&self.pass(&x, &weights), &weights).ln().sum_per_sample();
        Mapped { value: x, log_det }
    }
}

/// h′(a) of the ELU: 1 above 0, and `exp(a)` below.
fn elu_derivative<T: Real>(a: &Var<T>) -> Var<T> {
    a.clamp(f64::NEG_INFINITY, 0.0).exp()
}

impl<T: Real> Bijection<T> for Mint<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let weights = self.weights(x);
        let pass = self.pass(x, &weights);
        let log_det = self.diagonal_at(&pass, &weights).ln().sum_per_sample();
        Mapped { value: pass.value, log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let found = self.solve_unchecked(z.value(), self.solver.inversion());
        self.solver.record(&found.iterations);
        if z.tape().is_some() {
            let record = if self.solver.is_recorded() { Self::recorded } else { Self::differentiable };
            return record(self, found.value, z);
        }
        Mapped { value: found.value.into(), log_det: found.log_det.into() }
    }
}

impl<T: Real> Module<T> for Mint<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("mask", self.mask.name());
        visitor.constant("activation", "elu");
        self.convs.visit(visitor);
        visitor.param("scale", &self.scale);
        visitor.handle(self.solver.clone());
    }
}
