//! Tensors without elements, of one element, and without axes: computing nothing is not an error.

use autograd::{ConvSpec, Real, Tape, Tensor, Var, parallel};
use std::sync::Arc;

fn zeros<T: Real>(tape: &Tape<T>, shape: &[usize]) -> Var<T> {
    tape.variable(Tensor::zeros(shape))
}

/// Runs an operation and its gradient, and checks the shapes.
fn gives<T: Real>(shapes: &[&[usize]], f: impl Fn(&[Var<T>]) -> Var<T>, expected: &[usize]) {
    let tape = Tape::new();
    let inputs: Vec<Var<T>> = shapes.iter().map(|shape| zeros(&tape, shape)).collect();
    let y = f(&inputs);
    assert_eq!(&y.shape()[..], expected, "{shapes:?}");
    let seed = Var::from(Tensor::full(expected, T::ONE));
    let gradients = tape.vjp(&y, &seed, &inputs.iter().collect::<Vec<_>>());
    for (gradient, shape) in gradients.iter().zip(shapes) {
        assert_eq!(&gradient.shape()[..], *shape);
        assert!(gradient.value().all_finite(), "{shapes:?}");
    }
}

fn nothing<T: Real>() {
    let none: Arc<[usize]> = Vec::new().into();
    gives::<T>(&[&[0, 3]], |x| x[0].exp(), &[0, 3]);
    gives::<T>(&[&[0, 3], &[0, 3]], |x| &x[0] * &x[1], &[0, 3]);
    // A batch without rows meets a bias.
    gives::<T>(&[&[0, 3], &[3]], |x| &x[0] + &x[1], &[0, 3]);
    gives::<T>(&[&[2, 0, 3], &[2, 1, 1]], |x| &x[0] - &x[1], &[2, 0, 3]);
    gives::<T>(&[&[3], &[0, 1]], |x| x[0].maximum(&x[1]), &[0, 3]);
    gives::<T>(&[&[0, 3], &[1]], |x| x[0].select(&x[1], &x[0]), &[0, 3]);
    gives::<T>(&[&[0, 3]], |x| x[0].permute(&[1, 0]), &[3, 0]);
    gives::<T>(&[&[4, 0, 3]], |x| x[0].permute(&[2, 0, 1]), &[3, 4, 0]);
    gives::<T>(&[&[0, 3]], |x| x[0].sum(&[1]), &[0]);
    gives::<T>(&[&[0, 3]], |x| x[0].sum(&[0]), &[3]);
    gives::<T>(&[&[0, 3]], |x| x[0].sum_all(), &[]);
    gives::<T>(&[&[0, 3]], |x| x[0].logsumexp(&[1]), &[0]);
    gives::<T>(&[&[0, 3]], |x| x[0].max(&[1]), &[0]);
    gives::<T>(&[&[0, 3]], |x| x[0].softmax(&[1]), &[0, 3]);
    gives::<T>(&[&[1, 3]], |x| x[0].broadcast_to([0, 3]), &[0, 3]);
    gives::<T>(&[&[2, 3]], |x| x[0].slice(1, 1..1), &[2, 0]);
    gives::<T>(&[&[2, 3]], |x| x[0].slice_step(1, 3, 2, 0), &[2, 0]);
    gives::<T>(&[&[2, 0]], |x| x[0].embed(1, 0, 2, 4), &[2, 4]);
    gives::<T>(&[&[2, 0]], |x| x[0].pad(1, 1, 1), &[2, 2]);
    gives::<T>(&[&[2, 0], &[2, 3]], |x| Var::concat(1, &[&x[0], &x[1]]), &[2, 3]);
    gives::<T>(&[&[2, 3]], |x| x[0].gather(1, &none), &[2, 0]);
    gives::<T>(&[&[2, 0]], |x| x[0].scatter_add(1, &none, 3), &[2, 3]);
    gives::<T>(&[&[0, 3]], |x| x[0].flip(1), &[0, 3]);
    gives::<T>(&[&[0, 3], &[3, 4]], |x| x[0].matmul(&x[1]), &[0, 4]);
    gives::<T>(&[&[2, 0], &[0, 4]], |x| x[0].matmul(&x[1]), &[2, 4]);
    gives::<T>(&[&[0, 3], &[4, 3]], |x| x[0].matmul_t(&x[1]), &[0, 4]);
    gives::<T>(&[&[0, 2, 3], &[3, 4]], |x| x[0].matmul(&x[1]), &[0, 2, 4]);
    gives::<T>(&[&[5, 2, 0], &[5, 0, 4]], |x| x[0].matmul(&x[1]), &[5, 2, 4]);
    gives::<T>(&[&[0, 2, 5, 5], &[3, 2, 3, 3]], |x| x[0].conv2d(&x[1], ConvSpec::padded(1)), &[0, 3, 5, 5]);
    gives::<T>(
        &[&[0, 3, 5, 5], &[3, 2, 3, 3]],
        |x| x[0].conv2d_transposed(&x[1], ConvSpec::padded(1), [5, 5]),
        &[0, 2, 5, 5],
    );
}

#[test]
fn no_elements() {
    for threads in [1, 2] {
        parallel::with_threads(threads, || {
            nothing::<f64>();
            nothing::<f32>();
        });
    }
}

#[test]
fn products_over_nothing_are_zero() {
    // A buffer from the pool holds old numbers: an empty sum must still be written.
    drop(Tensor::<f64>::full([2, 4], f64::NAN));
    let (a, b) = (Var::from(Tensor::<f64>::zeros([2, 0])), Var::from(Tensor::zeros([0, 4])));
    assert_eq!(a.matmul(&b).value().as_slice(), [0.0; 8]);
    drop(Tensor::<f64>::full([3], f64::NAN));
    assert_eq!(Var::from(Tensor::<f64>::zeros([0, 3])).sum(&[0]).value().as_slice(), [0.0; 3]);
}

#[test]
fn no_axes() {
    gives::<f64>(&[&[], &[]], |x| &x[0] + &x[1], &[]);
    gives::<f64>(&[&[]], |x| x[0].sum_all(), &[]);
    gives::<f64>(&[&[]], |x| x[0].broadcast_to([2, 2]), &[2, 2]);
    gives::<f64>(&[&[]], |x| x[0].reshape([1, 1]), &[1, 1]);
    gives::<f64>(&[&[1, 1]], |x| x[0].reshape([]), &[]);
    gives::<f64>(&[&[], &[1, 1]], |x| &x[0] * &x[1], &[1, 1]);
}
