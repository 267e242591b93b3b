//! Derivatives of functions: products with a Jacobian from either side, and whole Jacobians.
//!
//! Each takes a function from `Var` to `Var`, so that it serves the engine's own operations, a
//! flow's maps, and a user's functions alike.

use crate::real::Real;
use crate::tape::Tape;
use crate::tensor::Tensor;
use crate::var::Var;

/// `f(x)` and `vᵀ·∂f/∂x`: one backward sweep.
///
/// # Panics
/// If `v` does not have the shape of `f(x)`.
#[track_caller]
pub fn vjp<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &Tensor<T>, v: &Tensor<T>) -> (Tensor<T>, Tensor<T>) {
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let y = f(&x);
    let gradient = tape.vjp(&y, &Var::from(v.clone()), &[&x]);
    (y.into_value(), first(gradient))
}

/// `f(x)` and `∂f/∂x·u`: the vjp of a vjp, which is linear in its seed.
///
/// # Panics
/// If `u` does not have the shape of `x`.
#[track_caller]
pub fn jvp<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &Tensor<T>, u: &Tensor<T>) -> (Tensor<T>, Tensor<T>) {
    assert!(u.shape() == x.shape(), "jvp: the direction has shape {}, the input {}", u.shape(), x.shape());
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let y = f(&x);
    // Jᵀv is linear in v, whatever v is: its derivative along v, seeded with u, is J·u.
    let v = tape.variable(Tensor::zeros(y.shape()));
    let vjp = tape.vjp_recorded(&y, &v, &[&x]);
    let jvp = tape.vjp(&vjp[0], &Var::from(u.clone()), &[&v]);
    (y.into_value(), first(jvp))
}

/// The Jacobian `∂f/∂x`, `[elements of f(x), elements of x]`: one backward sweep a row.
#[track_caller]
pub fn jacobian<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let y = f(&x);
    let (rows, cols) = (y.shape().elements(), x.shape().elements());
    let mut out = Tensor::zeros([rows, cols]);
    for (i, row) in out.as_mut_slice().chunks_exact_mut(cols.max(1)).enumerate() {
        let seed = Tensor::from_fn(y.shape(), |j| if i == j { T::ONE } else { T::ZERO });
        row.copy_from_slice(first(tape.vjp(&y, &Var::from(seed), &[&x])).as_slice());
    }
    out
}

/// The gradient of a scalar function.
///
/// # Panics
/// If `f(x)` has more than one element.
#[track_caller]
pub fn gradient<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let y = f(&x);
    assert!(y.shape().elements() == 1, "gradient: the function gave shape {}, not a scalar", y.shape());
    first(tape.vjp(&y, &Var::from(Tensor::full(y.shape(), T::ONE)), &[&x]))
}

/// The Hessian of a scalar function times a direction: `∂²f/∂x²·v`, the gradient of `vᵀ·∂f/∂x`.
///
/// # Panics
/// If `f(x)` has more than one element, or `v` does not have the shape of `x`.
#[track_caller]
pub fn hvp<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &Tensor<T>, v: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let y = f(&x);
    assert!(y.shape().elements() == 1, "hvp: the function gave shape {}, not a scalar", y.shape());
    let seed = Var::from(Tensor::full(y.shape(), T::ONE));
    let gradient = tape.vjp_recorded(&y, &seed, &[&x]);
    first(tape.vjp(&gradient[0], &Var::from(v.clone()), &[&x]))
}

/// `gᵀ·∂f/∂xᵢ` at `inputs`, recorded where they are: what a [`CustomOp::derivative`](crate::CustomOp::derivative) can
/// return for an operation that can also be written in ordinary ones.
///
/// # Panics
/// If `g` does not have the shape of `f(inputs)`, or there is no input `i`.
#[track_caller]
pub fn vjp_by<T: Real>(f: impl Fn(&[Var<T>]) -> Var<T>, inputs: &[Var<T>], i: usize, g: &Var<T>) -> Var<T> {
    if let Some(tape) = inputs[i].tape() {
        // Copies with places of their own: one input may depend on another, which must not count here.
        let copies: Vec<Var<T>> = inputs.iter().map(|x| x.scale(1.0)).collect();
        return tape.vjp_recorded(&f(&copies), g, &[&copies[i]]).remove(0);
    }
    let tape = Tape::new();
    let mut copies = inputs.to_vec();
    copies[i] = tape.variable(inputs[i].value().clone());
    Var::from(first(tape.vjp(&f(&copies), g, &[&copies[i]])))
}

fn first<T: Real>(gradients: Vec<Var<T>>) -> Tensor<T> {
    gradients.into_iter().next().expect("one input was asked for").into_value()
}
