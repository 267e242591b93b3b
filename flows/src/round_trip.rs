//! How accurately and how fast a map is inverted: z → x → z.

use crate::bijection::{Bijection, Context};
use autograd::{Real, Tensor, Var};
use std::time::{Duration, Instant};

/// How far two tensors are apart. Both measures are infinite if a difference is not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// The largest |a − b|.
    pub max_abs: f64,
    /// The root mean square of a − b.
    pub rms: f64,
}

impl Distance {
    /// Between two tensors of the same shape, computed in `f64`.
    ///
    /// # Panics
    /// If the shapes differ.
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

/// The largest absolute value, infinite if one is not finite.
pub(crate) fn largest<T: Real>(values: &[T]) -> f64 {
    values.iter().map(|x| size(x.to_f64())).fold(0.0, f64::max)
}

/// The absolute value, infinite for a NaN, which a maximum would lose.
fn size(x: f64) -> f64 {
    if x.is_finite() { x.abs() } else { f64::INFINITY }
}

/// The result of one inversion.
#[derive(Clone, Debug)]
pub struct RoundTrip<T: Real> {
    /// x, `[batch, …]`.
    pub data: Tensor<T>,
    /// The largest `|z(x) − z|` over the batch, infinite if one is not finite.
    pub error: f64,
    /// The time for z → x.
    pub time: Duration,
}

impl<T: Real> RoundTrip<T> {
    /// Maps latents `[batch, …]` to data and back.
    ///
    /// `error` includes the rounding of T in both directions. If that matters, use a map in `f64`:
    /// [`copy_params`](crate::check::copy_params) gives it the parameters of one in `f32`.
    pub fn of(map: &(impl Bijection<T> + ?Sized), z: &Tensor<T>) -> Self {
        let cx = Context::default();
        let latents = Var::from(z.clone());
        let start = Instant::now();
        let data = map.to_data(&latents, cx).value.into_value();
        let time = start.elapsed();
        let back = map.to_latent(&Var::from(data.clone()), cx).value.into_value();
        Self { error: Distance::between(&back, z).max_abs, data, time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_largest_and_the_root_mean_square_and_no_nan_is_lost() {
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
