//! User-defined operations.

use crate::real::Real;
use crate::tensor::Tensor;
use crate::var::Var;
use std::fmt::Debug;

/// An operation that this crate does not have: how it is evaluated, and its derivative by each input.
/// [`Var::custom`] applies it.
///
/// The derivative is written in terms of [`Var`]s, as the crate's own rules are: run on plain values it is a
/// gradient; run on recorded ones it is itself recorded, and can be differentiated again.
///
/// Everything that an operation needs to know besides its inputs is part of the value that implements this: keep what
/// is large behind an `Arc`. The tape keeps the inputs and the output.
///
/// For a fast [`evaluate`](Self::evaluate), [`simd`](crate::simd) compiles a loop for the machine's vector
/// instructions, [`parallel`](crate::parallel) splits work over threads, [`scratch`](crate::scratch) lends memory, and
/// [`Tensor::computed`] takes the result's from the pool.
///
/// # Example
///
/// ```
/// use autograd::{CustomOp, Real, Tensor, Var, check, diff};
///
/// /// `√(a² + b²)`, without overflow.
/// #[derive(Debug)]
/// struct Hypot;
///
/// impl<T: Real> CustomOp<T> for Hypot {
///     fn name(&self) -> &str {
///         "hypot"
///     }
///
///     fn evaluate(&self, inputs: &[Tensor<T>]) -> Tensor<T> {
///         let (a, b) = (inputs[0].as_slice(), inputs[1].as_slice());
///         Tensor::from_fn(inputs[0].shape(), |i| T::from_f64(a[i].to_f64().hypot(b[i].to_f64())))
///     }
///
///     // ∂y/∂a = a/y, and ∂y/∂b = b/y.
///     fn derivative(&self, i: usize, inputs: &[Var<T>], y: &Var<T>, g: &Var<T>) -> Var<T> {
///         g * &inputs[i] / y
///     }
///
///     // The same in one pass, where nothing is recorded. This one is optional.
///     fn fast_derivative(&self, i: usize, inputs: &[Tensor<T>], y: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
///         let (x, y, g) = (inputs[i].as_slice(), y.as_slice(), g.as_slice());
///         Some(Tensor::from_fn(inputs[i].shape(), |k| g[k] * x[k] / y[k]))
///     }
/// }
///
/// fn hypot(a: &Var<f64>, b: &Var<f64>) -> Var<f64> {
///     assert!(a.shape() == b.shape(), "hypot: shapes {} and {}", a.shape(), b.shape());
///     Var::custom(Hypot, &[a, b])
/// }
///
/// let b = Var::from(Tensor::from_slice([2], &[4.0, 5.0]));
/// let f = |a: &Var<f64>| hypot(a, &b);
/// let a = Tensor::from_slice([2], &[3.0, 12.0]);
/// assert_eq!(f(&Var::from(a.clone())).value().as_slice(), [5.0, 13.0]);
///
/// // First and second derivatives against finite differences.
/// let plain = |a: &Tensor<f64>| f(&Var::from(a.clone())).into_value();
/// check::assert_close("Jacobian", &diff::jacobian(f, &a), &check::jacobian(plain, &a), 1e-8);
/// let u = Tensor::from_slice([2], &[1.0, -2.0]);
/// let hessian_u = diff::hvp(|a| f(a).sum_all(), &a, &u);
/// let differences = check::directional(|a| diff::gradient(|a| f(a).sum_all(), a), &a, &u);
/// check::assert_close("Hessian", &hessian_u, &differences, 1e-8);
/// ```
pub trait CustomOp<T: Real>: Debug + Send + Sync {
    /// The name that errors and [`Fault`](crate::Fault)s use.
    fn name(&self) -> &str;

    /// The output. Shapes are to be checked before, where [`Var::custom`] is called.
    fn evaluate(&self, inputs: &[Tensor<T>]) -> Tensor<T>;

    /// The gradient by input `i`, `Σ g·∂output/∂input`, where `g` is the gradient by the output: of the
    /// input's shape, or of one that it broadcasts to.
    ///
    /// Where the sweep is recorded, the arguments are recorded values and so must the result be. [`diff::vjp_by`]
    /// derives it from the same function written in ordinary operations.
    ///
    /// [`diff::vjp_by`]: crate::diff::vjp_by
    fn derivative(&self, i: usize, inputs: &[Var<T>], output: &Var<T>, g: &Var<T>) -> Var<T>;

    /// The same on plain values, where the sweep is not recorded; `None` (unless overridden) where
    /// [`derivative`](Self::derivative) is to be used.
    fn fast_derivative(&self, i: usize, inputs: &[Tensor<T>], output: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
        let _ = (i, inputs, output, g);
        None
    }
}

/// The gradient by input `i`, fast where the sweep is not recorded and there is a fast derivative.
pub(crate) fn derivative<T: Real>(
    op: &dyn CustomOp<T>,
    i: usize,
    inputs: &[Var<T>],
    output: &Var<T>,
    g: &Var<T>,
    is_recorded: bool,
) -> Var<T> {
    let plain = || inputs.iter().map(|x| x.value().clone()).collect::<crate::op::Inputs<T>>();
    let fast = if is_recorded { None } else { op.fast_derivative(i, &plain(), output.value(), g.value()) };
    let found = fast.map_or_else(|| op.derivative(i, inputs, output, g), Var::from);
    let (shape, of_input) = (found.shape(), inputs[i].shape());
    assert!(
        of_input.broadcast(shape).as_ref() == Some(shape),
        "{}: the derivative by input {i} has shape {shape}, the input {of_input}",
        op.name()
    );
    found
}
