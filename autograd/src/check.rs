//! Finite differences, independent of the tape, for this project's tests and for yours.
//!
//! Everything here works in `f64` on plain functions from tensor to tensor. A central difference with step `h` errs by
//! `O(h²)` from curvature and `O(ε/h)` from rounding; with one Richardson step (two step sizes, combined) the first
//! becomes `O(h⁴)`, and a step near `ε^(1/5) ≈ 1e-3` gives about ten digits on smooth functions of moderate size.
//!
//! ```
//! use autograd::{Tensor, Var, check, diff};
//!
//! // A function …
//! let f = |x: &Var<f64>| x.tanh() * x.exp();
//! let x = Tensor::from_slice([3], &[0.3, -1.2, 2.0]);
//! // … its Jacobian by the tape against the one by differences.
//! let exact = diff::jacobian(f, &x);
//! let approximate = check::jacobian(|x| f(&Var::from(x.clone())).into_value(), &x);
//! check::assert_close("tanh·exp", &exact, &approximate, 1e-8);
//! ```

use crate::tensor::Tensor;

/// The step of a difference at `x`: relative for large arguments, absolute near 0.
fn step(x: f64) -> f64 {
    1e-3 * x.abs().max(1.0)
}

/// The derivative of a function of one number at 0, elementwise, by central differences
/// extrapolated to `h → 0` (Richardson 1911).
fn extrapolated(at: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    richardson(|h| at(h).iter().zip(&at(-h)).map(|(up, down)| (up - down) / (2.0 * h)).collect(), h)
}

/// The limit for `h → 0` of what errs by `O(h²)`, from its values at `h` and `h/2`.
fn richardson(at: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let (coarse, fine) = (at(h), at(h / 2.0));
    fine.iter().zip(&coarse).map(|(fine, coarse)| (4.0 * fine - coarse) / 3.0).collect()
}

/// `x + h·u`.
fn moved(x: &Tensor<f64>, h: f64, u: &Tensor<f64>) -> Tensor<f64> {
    Tensor::from_fn(x.shape(), |i| x.as_slice()[i] + h * u.as_slice()[i])
}

/// The largest component of a direction, by which steps along it are divided.
fn size(u: &Tensor<f64>) -> f64 {
    u.as_slice().iter().fold(f64::MIN_POSITIVE, |m, u| m.max(u.abs()))
}

/// The Jacobian `∂f/∂x` by central differences, `[elements of f(x), elements of x]`.
pub fn jacobian(f: impl Fn(&Tensor<f64>) -> Tensor<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    let (rows, cols) = (f(x).shape().elements(), x.shape().elements());
    let mut out = Tensor::zeros([rows, cols]);
    for j in 0..cols {
        let moved = |h: f64| {
            let mut x = x.clone();
            x.as_mut_slice()[j] += h;
            f(&x).as_slice().to_vec()
        };
        let column = extrapolated(moved, step(x.as_slice()[j]));
        for (i, slope) in column.into_iter().enumerate() {
            out.as_mut_slice()[i * cols + j] = slope;
        }
    }
    out
}

/// `∂f/∂x·u` by central differences along `u`, of the shape of `f(x)`.
///
/// # Panics
/// If `u` does not have the shape of `x`.
#[track_caller]
pub fn directional(f: impl Fn(&Tensor<f64>) -> Tensor<f64>, x: &Tensor<f64>, u: &Tensor<f64>) -> Tensor<f64> {
    assert!(x.shape() == u.shape(), "directional: the direction has shape {}, the input {}", u.shape(), x.shape());
    let slope = extrapolated(|h| f(&moved(x, h, u)).as_slice().to_vec(), 1e-3 / size(u));
    Tensor::from_slice(f(x).shape(), &slope)
}

/// `uᵀ·∂²f/∂x²·u` by a second central difference along `u`, of the shape of `f(x)`.
///
/// # Panics
/// If `u` does not have the shape of `x`.
#[track_caller]
pub fn second_directional(f: impl Fn(&Tensor<f64>) -> Tensor<f64>, x: &Tensor<f64>, u: &Tensor<f64>) -> Tensor<f64> {
    assert!(
        x.shape() == u.shape(),
        "second_directional: the direction has shape {}, the input {}",
        u.shape(),
        x.shape()
    );
    let middle = f(x);
    let curvature = |h: f64| -> Vec<f64> {
        let (up, down) = (f(&moved(x, h, u)), f(&moved(x, -h, u)));
        let pairs = up.as_slice().iter().zip(down.as_slice());
        pairs.zip(middle.as_slice()).map(|((up, down), middle)| (up - 2.0 * middle + down) / (h * h)).collect()
    };
    Tensor::from_slice(middle.shape(), &richardson(curvature, 4e-3 / size(u)))
}

/// `log|det A|` of a square matrix and the sign of its determinant, by elimination with pivots.
/// A singular matrix gives `(−∞, 0)`.
///
/// # Panics
/// If the matrix is not square.
#[track_caller]
pub fn log_abs_det(matrix: &Tensor<f64>) -> (f64, f64) {
    let shape = matrix.shape();
    assert!(shape.rank() == 2 && shape[0] == shape[1], "log_abs_det: shape {shape} is not square");
    let n = shape[0];
    let mut a = matrix.as_slice().to_vec();
    let (mut log, mut sign) = (0.0, 1.0);
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).unwrap_or(k);
        if a[pivot * n + k] == 0.0 {
            return (f64::NEG_INFINITY, 0.0);
        }
        if pivot != k {
            for j in 0..n {
                a.swap(k * n + j, pivot * n + j);
            }
            sign = -sign;
        }
        let diagonal = a[k * n + k];
        log += diagonal.abs().ln();
        sign *= diagonal.signum();
        for i in k + 1..n {
            let factor = a[i * n + k] / diagonal;
            if factor != 0.0 {
                for j in k..n {
                    a[i * n + j] -= factor * a[k * n + j];
                }
            }
        }
    }
    (log, sign)
}

/// The greatest difference between two tensors, relative to `max(1, |b|)`. NaN anywhere gives infinity.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn max_error(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    assert!(a.shape() == b.shape(), "max_error: shapes {} and {}", a.shape(), b.shape());
    a.as_slice().iter().zip(b.as_slice()).map(|(&a, &b)| error(a, b)).fold(0.0, f64::max)
}

/// The difference of two numbers relative to `max(1, |b|)`; equal infinities do not differ.
fn error(a: f64, b: f64) -> f64 {
    let error = (a - b).abs() / b.abs().max(1.0);
    if a == b {
        0.0
    } else if error.is_nan() {
        f64::INFINITY
    } else {
        error
    }
}

/// Panics with the worst element where two tensors differ by more than `tolerance`, relative to `max(1, |b|)`.
///
/// # Panics
/// See above; also if the shapes differ.
#[track_caller]
pub fn assert_close(what: &str, a: &Tensor<f64>, b: &Tensor<f64>, tolerance: f64) {
    let worst = max_error(a, b);
    if worst <= tolerance {
        return;
    }
    let error = |i: usize| error(a.as_slice()[i], b.as_slice()[i]);
    let at = (0..a.as_slice().len()).max_by(|&i, &j| error(i).total_cmp(&error(j))).unwrap_or(0);
    panic!(
        "{what}: element {at} of shape {} is {} in the first and {} in the second: off by {worst:.3e}, more than {tolerance:.1e}",
        a.shape(),
        a.as_slice()[at],
        b.as_slice()[at]
    );
}

#[cfg(test)]
mod tests {
    use super::{directional, jacobian, log_abs_det, max_error, second_directional};
    use crate::tensor::Tensor;

    #[test]
    fn differences_of_known_functions() {
        let x = Tensor::from_slice([2], &[0.7, -1.1]);
        // f(a, b) = (a·b, eᵃ)
        let f = |x: &Tensor<f64>| {
            let (a, b) = (x.as_slice()[0], x.as_slice()[1]);
            Tensor::from_slice([2], &[a * b, a.exp()])
        };
        let exact = Tensor::from_slice([2, 2], &[-1.1, 0.7, 0.7f64.exp(), 0.0]);
        assert!(max_error(&jacobian(f, &x), &exact) < 1e-10);
        let u = Tensor::from_slice([2], &[2.0, -3.0]);
        let along = Tensor::from_slice([2], &[-1.1 * 2.0 - 0.7 * 3.0, 0.7f64.exp() * 2.0]);
        assert!(max_error(&directional(f, &x, &u), &along) < 1e-10);
        let second = Tensor::from_slice([2], &[2.0 * 2.0 * -3.0, 0.7f64.exp() * 4.0]);
        assert!(max_error(&second_directional(f, &x, &u), &second) < 1e-7);
    }

    #[test]
    fn determinants() {
        let a = Tensor::from_slice([3, 3], &[0.0, 2.0, 1.0, 1.0, 0.0, 0.0, 4.0, 1.0, 3.0]);
        // Expanding along the second row: −1·(2·3 − 1·1) = −5.
        let (log, sign) = log_abs_det(&a);
        assert!((log - 5.0f64.ln()).abs() < 1e-12 && sign == -1.0);
        assert_eq!(log_abs_det(&Tensor::zeros([2, 2])), (f64::NEG_INFINITY, 0.0));
    }

    #[test]
    fn not_a_number_is_never_close() {
        let (a, b) = (Tensor::from_slice([1], &[f64::NAN]), Tensor::from_slice([1], &[0.0]));
        assert_eq!(max_error(&a, &b), f64::INFINITY);
        assert_eq!(max_error(&b, &a), f64::INFINITY);
    }
}
