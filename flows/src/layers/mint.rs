//! The layer of `MintNet`: an invertible map made of masked convolutions.
//!
//! Song, Meng & Ermon, *`MintNet`: Building Invertible Neural Networks with Masked Convolutions*, 2019.

mod fixed_point;
mod root;
mod solver;
mod sweep;

pub use solver::{Inversion, MintSolver, SolverStats};

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::{ConvMask, Init, MaskedConv2d, is_positive};
use crate::round_trip::Distance;
use autograd::eights::LANES;
use autograd::{Param, Real, Tensor, Var};
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
/// log|det ∂z/∂x| = Σᵢ ln(tᵢ + dᵢ)
/// dᵢ = Σₗ₌₁ᴷ Σₖ₌₁ᴷ W_{3,il}ᶜ·h′(a_{2,l})·W_{2,lk}ᶜ·h′(a_{1,k})·W_{1,ki}ᶜ ≥ 0
/// -->
#[doc = include_str!("../../formulas/mintnet-determinant.html")]
///
/// From z to x each number is the root of an increasing function of one number:
///
/// <!--
/// tᵢxᵢ + Σₗ₌₁ᴷ W_{3,l}ᶜ·h(c_{2,l} + Σₖ₌₁ᴷ W_{2,lk}ᶜ·h(c_{1,k} + W_{1,k}ᶜ·xᵢ)) + rᵢ = zᵢ
/// c₁, c₂, rᵢ known from x_<i,   slope in xᵢ: tᵢ + dᵢ > 0
/// -->
#[doc = include_str!("../../formulas/mintnet-sweep.html")]
///
/// Each channel of the image has K *branches*, hidden units of its own in both hidden layers. All three
/// convolutions have the same [mask](ConvMask), so that the Jacobian is triangular in the mask's order of the
/// numbers, and its diagonal is t + d: of all paths from a number back to itself, those through the center taps
/// between units of its channel, written Wᶜ; a₁ and a₂ are what goes into the ELUs at its place. There `W₂ᶜ[l,k]`
/// has the sign of `W₃ᶜ[i,l]·W₁ᶜ[k,i]`, whatever sign its parameter has, so that no term of d is negative
/// (0 counts as positive). t > 0, one for each number, is the softplus of a parameter: it grows no faster than its
/// parameter, where an exponential's gradients would grow with it, and of a parameter far below 0 it is an exponential.
///
/// `to_latent` is one parallel pass. `to_data` goes through the numbers in the mask's order: each is the root of
/// an increasing function of one number, and each hidden unit is computed once, when its last input is known: on
/// plain values the work of a few passes, in `f64`, eight samples side by side. With [`Inversion::FixedPoint`] it is the authors' iteration
/// ([`Mint::by_fixed_point`]). On a tape the root is found in the same way and its derivatives come from passes
/// recorded at it, as many as the longest chain of numbers that depend on each other, about C·(2H + W): this
/// direction is not made for training.
#[derive(Debug)]
pub struct Mint<T: Real> {
    mask: ConvMask,
    image: [usize; 3],
    convs: [MaskedConv2d<T>; 3],
    /// softplus⁻¹(t), `[C, H, W]`.
    scale: Param<T>,
    solver: Arc<MintSolver>,
}

/// What was found in place of x, and how.
#[derive(Clone, Debug)]
pub struct Solution<T: Real> {
    /// x, `[batch, C, H, W]`.
    pub value: Tensor<T>,
    /// `log|det ∂x/∂z|` there, `[batch]`.
    pub log_det: Tensor<T>,
    /// What each sample took: iterations of the fixed point; or of the sweep, the most evaluations that the root
    /// for one of its numbers took.
    pub iterations: Vec<usize>,
    /// The worst `|z(x) − z|` of the batch, at the start and after each iteration; of the sweep, at its end alone.
    /// Infinite where it is no number.
    pub errors: Vec<f64>,
}

/// One pass with what the diagonal is made of.
struct Pass<T: Real> {
    value: Var<T>,
    hidden: [Var<T>; 2],
}

impl<T: Real> Mint<T> {
    /// A layer over images `[C, H, W]` with K branches, whose weights are drawn from `init` and which has t = 1.
    ///
    /// # Panics
    /// If the image has no numbers, or there are no branches.
    #[must_use]
    pub fn new(mask: ConvMask, image: [usize; 3], branches: usize, init: Init, rng: &mut dyn Rng) -> Self {
        let [channels, height, width] = image;
        assert!(channels * height * width > 0, "MintNet: images of {channels}×{height}×{width} have no numbers");
        assert!(branches > 0, "MintNet: no branches");
        let hidden = branches * channels;
        let mut conv = |inputs, outputs| MaskedConv2d::new(mask, channels, inputs, outputs, init, rng);
        let convs = [conv(channels, hidden), conv(hidden, hidden), conv(hidden, channels)];
        // softplus(ln(e − 1)) = 1.
        let scale = Tensor::full(image, T::from_f64((std::f64::consts::E - 1.0).ln()));
        Self { mask, image, convs, scale: Param::new(scale), solver: Arc::default() }
    }

    /// The same layer, inverted as this solver says.
    #[must_use]
    pub fn solved_by(self, solver: Arc<MintSolver>) -> Self {
        Self { solver, ..self }
    }

    /// Hidden units of each channel in each hidden layer.
    #[must_use]
    pub fn branches(&self) -> usize {
        self.convs[0].units()[1] / self.image[0]
    }

    /// The diagonal t + d of ∂z/∂x, `[batch, C, H, W]`.
    ///
    /// # Panics
    /// If `x` are not this layer's images.
    #[must_use]
    pub fn diagonal(&self, x: &Var<T>) -> Var<T> {
        let weights = self.weights(x);
        self.diagonal_at(&self.pass(x, &weights), &weights)
    }

    /// z → x by the sweep, on plain values, and what it took.
    ///
    /// # Panics
    /// If `z` are not this layer's images.
    #[must_use]
    pub fn by_sweep(&self, z: &Tensor<T>) -> Solution<T> {
        self.by_limited_sweep(z, STEPS)
    }

    /// The same with at most so many evaluations for each root, in a search that begins at 0: with
    /// fewer than the roots need, an approximation whose errors later numbers inherit.
    ///
    /// # Panics
    /// If `z` are not this layer's images, or there is to be no evaluation.
    #[must_use]
    pub fn by_limited_sweep(&self, z: &Tensor<T>, evaluations: usize) -> Solution<T> {
        let Solution { value, log_det, iterations, .. } = self.swept(z, evaluations);
        let x = Var::from(value);
        let found = self.pass(&x, &self.weights(&x)).value;
        let error = Distance::between(found.value(), z).max_abs;
        Solution { value: x.into_value(), log_det, iterations, errors: vec![error] }
    }

    /// The same without the pass that its error takes.
    fn swept(&self, z: &Tensor<T>, evaluations: usize) -> Solution<T> {
        self.check(z);
        assert!(evaluations > 0, "MintNet: a root takes at least one evaluation");
        let sweep = Sweep::of(self, evaluations.min(STEPS));
        let groups = sweep.solve(z);
        let lane = |i: usize| (&groups[i / LANES], i % LANES);
        let batch = z.shape()[0];
        let log_det = Tensor::from_fn([batch], |i| T::from_f64(lane(i).0.log_det[lane(i).1]));
        let iterations = (0..batch).map(|i| lane(i).0.evaluations[lane(i).1]).collect();
        Solution { value: sweep.images(&groups, z.shape()), log_det, iterations, errors: Vec::new() }
    }

    /// z → x by the authors' iteration, from x = z/t, on plain values:
    ///
    /// <!-- x ← x + α·(z − z(x))/(t + d(x)),   0 < α < 2,   from x = z/t -->
    #[doc = include_str!("../../formulas/mintnet-fixed-point.html")]
    ///
    /// At most `iterations` of them; samples that are within rounding leave the batch before. Near the root it
    /// converges for 0 < α < 2, whatever the weights: the matrix that multiplies errors is triangular with the
    /// diagonal 1 − α. Its powers may grow at first, and the error with them, which is no reason to stop. The authors
    /// take α = 1/3.5 and 100 iterations on MNIST.
    ///
    /// # Panics
    /// If `z` are not this layer's images.
    #[must_use]
    pub fn by_fixed_point(&self, z: &Tensor<T>, step: f64, iterations: usize) -> Solution<T> {
        self.check(z);
        fixed_point::solve(self, z, step, iterations)
    }

    /// The three weights, with the signs that make the diagonal positive.
    fn weights(&self, x: &Var<T>) -> [Var<T>; 3] {
        let [first, second, third] = &self.convs;
        let [w1, w3] = [first, third].map(|conv| conv.weight().on(x));
        // A hidden unit has one center tap from its channel, or to it: the others are 0 in the sum.
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
        let [slope1, slope2] = pass.hidden.each_ref().map(|a| a.clamp(f64::NEG_INFINITY, 0.0).exp());
        let [first, second, third] = &self.convs;
        let [c1, c2, c3] = std::array::from_fn(|i| self.convs[i].center(&weights[i]));
        // Each hidden unit reads its own channel alone: its row has one number that is not 0.
        let into = c1.sum(&[1]).reshape([first.units()[1], 1, 1]);
        let d = third.apply_center(&(slope2 * second.apply_center(&(slope1 * into), &c2)), &c3);
        d + self.t(&pass.value)
    }

    #[track_caller]
    fn check(&self, x: &Tensor<T>) {
        let (shape, image) = (x.shape(), self.image);
        assert!(shape.rank() == 4 && shape[1..] == image, "MintNet: images of {image:?}, not {shape}");
    }

    /// The length of the longest chain of numbers of an image of which each depends on the one before.
    ///
    /// Within a channel, column + 2·row grows by at least 1 from a number to one that depends on it directly.
    fn longest_chain(&self) -> usize {
        let [channels, height, width] = self.image;
        channels * (height * width).min(width + 2 * (height - 1))
    }

    /// The root as a function of z and the parameters, from the root itself.
    ///
    /// A step `x − (z(x) − z)/(t + d)` from a constant leaves errors of the first order in changes of z and of the
    /// parameters, multiplied by a matrix that is 0 on and above the diagonal: as many steps as the longest chain
    /// end them, and one more those of the second order. The value does not move: what rounding leaves of
    /// z(x) − z counts for nothing but its derivatives.
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

impl<T: Real> Bijection<T> for Mint<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let weights = self.weights(x);
        let pass = self.pass(x, &weights);
        let log_det = self.diagonal_at(&pass, &weights).ln().sum_per_sample();
        Mapped { value: pass.value, log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let found = match self.solver.inversion() {
            Inversion::FixedPoint { step, iterations } => self.by_fixed_point(z.value(), step, iterations),
            Inversion::Sweep { evaluations } => self.swept(z.value(), evaluations),
        };
        self.solver.record(&found.iterations);
        if z.tape().is_some() {
            return self.recorded(found.value, z);
        }
        Mapped { value: found.value.into(), log_det: found.log_det.into() }
    }
}

impl<T: Real> Module<T> for Mint<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (i, conv) in self.convs.iter().enumerate() {
            visitor.part(i, conv);
        }
        visitor.param("scale", &self.scale);
        visitor.handle(self.solver.clone());
    }
}
