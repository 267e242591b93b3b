//! Parameters and statistics of each feature, which normalizing layers share.

use super::Mask;
use crate::bijection::Mapped;
use autograd::{Real, Tensor, Var};

/// A parameter `[features]`, reshaped to broadcast along axis 1 of a tensor of this rank.
#[track_caller]
pub(crate) fn per_feature<T: Real>(parameter: &Var<T>, rank: usize) -> Var<T> {
    let mut shape = vec![1; rank - 1];
    shape[0] = parameter.extent(0);
    parameter.reshape(&*shape)
}

/// Which elements of each feature of `[batch, features, …]` a normalizing layer uses and changes: all, or those that the
/// coupling before it changed.
#[derive(Clone, Debug)]
pub(super) struct Features<T: Real> {
    pub(super) mask: Option<Mask<T>>,
}

impl<T: Real> Features<T> {
    /// The number of elements of each feature in one event, `[features]`.
    fn places(&self, x: &Var<T>) -> Tensor<T> {
        let each = x.shape()[2..].iter().product::<usize>();
        match &self.mask {
            None => Tensor::full([x.extent(1)], T::from_f64(each as f64)),
            Some(mask) => {
                let changed = mask.of_changed().as_slice().chunks(each);
                let counts: Vec<T> = changed.map(|c| T::from_f64(c.iter().map(|m| m.to_f64()).sum())).collect();
                Tensor::from_slice([x.extent(1)], &counts)
            }
        }
    }

    /// A parameter `[features]` for each element that changes, with zeros at the others.
    fn spread(&self, parameter: &Var<T>, rank: usize) -> Var<T> {
        let shaped = per_feature(parameter, rank);
        match &self.mask {
            None => shaped,
            Some(mask) => mask.changed(&shaped),
        }
    }

    /// Mean and variance of each feature over the batch and its elements, `[features]` each. A feature without elements
    /// has mean 0 and variance 1.
    pub(super) fn moments(&self, x: &Var<T>) -> (Var<T>, Var<T>) {
        let rank = x.shape().rank();
        let axes: Vec<usize> = (0..rank).filter(|&axis| axis != 1).collect();
        let places = self.places(x);
        let batch = x.extent(0) as f64;
        let weight = |n: &T| if n.to_f64() > 0.0 { 1.0 / (batch * n.to_f64()) } else { 0.0 };
        let weights: Vec<T> = places.as_slice().iter().map(|n| T::from_f64(weight(n))).collect();
        let unused: Vec<T> =
            places.as_slice().iter().map(|n| if n.to_f64() > 0.0 { T::ZERO } else { T::ONE }).collect();
        let average = |x: &Var<T>| {
            let seen = self.mask.as_ref().map_or_else(|| x.clone(), |mask| mask.changed(x));
            seen.sum(&axes) * x.constant_like(Tensor::from_slice([weights.len()], &weights))
        };
        let mean = average(x);
        let variance = average(&(x - per_feature(&mean, rank)).square());
        (mean, variance + x.constant_like(Tensor::from_slice([unused.len()], &unused)))
    }

    /// `z = (x − shift)·exp(log_scale)`, and its log-determinant: Σ `log_scale` over all elements that change.
    pub(super) fn normalize(&self, x: &Var<T>, shift: &Var<T>, log_scale: &Var<T>) -> Mapped<T> {
        let rank = x.shape().rank();
        let value = (x - self.spread(shift, rank)) * self.spread(log_scale, rank).exp();
        Mapped { value, log_det: self.log_volume(x, log_scale) }
    }

    /// `x = z·exp(−log_scale) + shift`, and its log-determinant.
    pub(super) fn denormalize(&self, z: &Var<T>, shift: &Var<T>, log_scale: &Var<T>) -> Mapped<T> {
        let rank = z.shape().rank();
        let value = z * self.spread(&-log_scale, rank).exp() + self.spread(shift, rank);
        Mapped { value, log_det: -self.log_volume(z, log_scale) }
    }

    /// `x + shift`, which preserves volume.
    pub(super) fn shifted(&self, x: Var<T>, shift: &Var<T>) -> Var<T> {
        let rank = x.shape().rank();
        x + self.spread(shift, rank)
    }

    fn log_volume(&self, x: &Var<T>, log_scale: &Var<T>) -> Var<T> {
        let places = x.constant_like(self.places(x));
        (log_scale * places).sum_all().broadcast_to([x.extent(0)])
    }
}
