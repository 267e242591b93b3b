//! How well and how fast a map is inverted: z → x → z, and how far apart numbers are that should be the same.

use crate::bijection::{Bijection, Context};
use autograd::{Real, Tensor, Var};
use std::time::{Duration, Instant};

/// How far numbers are from those that they should be. Both measures are infinite where a difference is no finite
/// number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// The greatest |a − b|.
    pub max_abs: f64,
    /// The root of the mean of (a − b)².
    pub rms: f64,
}

impl Distance {
    /// Between numbers in the same places of two tensors of one shape; the differences are taken in `f64`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn between<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> Self {
        assert_eq!(a.shape(), b.shape(), "distance: shapes");
        let (mut max_abs, mut squares) = (0.0f64, 0.0);
        for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
            let size = size(a.to_f64() - b.to_f64());
            max_abs = max_abs.max(size);
            squares += size * size;
        }
        Self { max_abs, rms: (squares / a.shape().elements().max(1) as f64).sqrt() }
    }
}

/// The largest size of some numbers, infinite where one is no finite number.
pub(crate) fn greatest<T: Real>(numbers: &[T]) -> f64 {
    numbers.iter().map(|x| size(x.to_f64())).fold(0.0, f64::max)
}

/// The size of a number, infinite where it is none: a NaN would be lost in a maximum.
fn size(x: f64) -> f64 {
    if x.is_finite() { x.abs() } else { f64::INFINITY }
}

/// What came of one inversion.
#[derive(Clone, Debug)]
pub struct RoundTrip<T: Real> {
    /// x, `[batch, …]`.
    pub data: Tensor<T>,
    /// The worst `|z(x) − z|` over the batch's numbers, infinite where one is no number.
    pub error: f64,
    /// What z → x took.
    pub time: Duration,
}

impl<T: Real> RoundTrip<T> {
    /// Maps latents `[batch, …]` to data and back.
    ///
    /// `error` includes the rounding of T in both directions. If that matters, use a map in `f64`:
    /// [`copy_params`](crate::check::copy_params) gives it the parameters of one in `f32`.
    #[must_use]
    pub fn of(map: &(impl Bijection<T> + ?Sized), z: &Tensor<T>) -> Self {
        let cx = Context::default();
        let latents = Var::from(z.clone());
        let start = Instant::now();
        let data = map.to_data(&latents, cx).value.into_value();
        let time = start.elapsed();
        let back = map.to_latent(&Var::from(data.clone()), cx).value.into_value();
        Self { error: Distance::between(&back, z).max_abs, data, time }
    }

    /// The worst `|x − x'|`, to an x' that was found otherwise; infinite where one is no number.
    ///
    /// # Panics
    /// If there are not as many numbers of it.
    #[must_use]
    pub fn distance(&self, data: &Tensor<T>) -> f64 {
        Distance::between(&self.data, data).max_abs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_greatest_and_the_typical_and_no_nan_is_lost() {
        let between =
            |a: [f32; 4], b: [f32; 4]| Distance::between(&Tensor::from_slice([4], &a), &Tensor::from_slice([4], &b));
        let found = between([1.0, 2.0, 3.0, 4.0], [1.0, 5.0, 3.0, 3.0]);
        assert_eq!(found, Distance { max_abs: 3.0, rms: 2.5f64.sqrt() });
        for lost in [f32::NAN, f32::INFINITY] {
            let found = between([lost, 2.0, 3.0, 4.0], [0.0, 2.0, 3.0, 4.0]);
            assert_eq!([found.max_abs, found.rms], [f64::INFINITY; 2]);
        }
    }
}
