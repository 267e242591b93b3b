//! A fixed rotation of all dimensions.

use crate::orthogonal::{deviation, random_axes, square};
use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var};
use rand::Rng;
use std::sync::{Mutex, PoisonError};

/// A fixed orthogonal matrix Q, on `[batch, D]`: a rotation, perhaps with a reflection.
///
/// <!-- z = Qx,   x = Qᵀz,   QᵀQ = I,   log|det| = 0 -->
#[doc = include_str!("../../formulas/rotation.html")]
///
/// Q is a buffer: part of the checkpoint, never trained. A checkpoint's Q is rounded to `f32` and orthogonal to only
/// seven digits; in `f64` the nearest orthogonal matrix is used instead.
#[derive(Debug)]
pub struct Rotation<T: Real> {
    matrix: Param<T>,
    /// The last matrix that was orthogonalized, and the result.
    polished: Mutex<Option<(Tensor<T>, Tensor<T>)>>,
}

/// The largest deviation from orthogonality that is accepted.
const TOLERANCE: f64 = 1e-4;

impl<T: Real> Rotation<T> {
    /// By an orthogonal matrix `[D, D]`: each row is the axis of a latent dimension.
    ///
    /// # Panics
    /// If the matrix is not square or not orthogonal.
    pub fn new(matrix: &Tensor<f64>) -> Self {
        let error = deviation(matrix);
        assert!(error < TOLERANCE, "rotation: a matrix that is off orthogonal by {error:.1e}");
        Self { matrix: Param::buffer(matrix.cast()), polished: Mutex::new(None) }
    }

    /// A uniformly distributed rotation.
    pub fn random(dims: usize, rng: &mut dyn Rng) -> Self {
        Self::new(&random_axes(dims, rng))
    }

    /// The identity.
    pub fn identity(dims: usize) -> Self {
        let one_where = |i: usize| if i / dims == i % dims { T::ONE } else { T::ZERO };
        Self { matrix: Param::buffer(Tensor::from_fn([dims, dims], one_where)), polished: Mutex::new(None) }
    }

    fn on(&self, x: &Var<T>) -> Var<T> {
        let matrix = self.matrix.value();
        if T::EPSILON > 1e-8 {
            return x.constant_like(matrix);
        }
        let mut polished = self.polished.lock().unwrap_or_else(PoisonError::into_inner);
        match &*polished {
            // It shares its buffer with the parameter, which is copied when written: the same buffer is unchanged.
            Some((of, result)) if of.as_slice().as_ptr() == matrix.as_slice().as_ptr() => {
                x.constant_like(result.clone())
            }
            _ => {
                let result = polish(&matrix);
                *polished = Some((matrix, result.clone()));
                x.constant_like(result)
            }
        }
    }
}

/// Two steps of `Q ← Q·(3 − QᵀQ)/2`, each of which squares a small error (Björck & Bowie 1971).
fn polish<T: Real>(matrix: &Tensor<T>) -> Tensor<T> {
    let dims = square(matrix);
    let twice =
        Var::from(Tensor::from_fn([dims, dims], |i| if i / dims == i % dims { T::from_f64(1.5) } else { T::ZERO }));
    let mut q = Var::from(matrix.clone());
    for _ in 0..2 {
        q = q.matmul(&(&twice - q.t_matmul(&q).scale(0.5)));
    }
    q.into_value()
}

impl<T: Real> Bijection<T> for Rotation<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(x.matmul_t(&self.on(x)))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(z.matmul(&self.on(z)))
    }
}

parameters!(Rotation: matrix);
