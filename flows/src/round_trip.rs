//! How well and how fast a map is inverted: z → x → z.

use crate::bijection::{Bijection, Context, Inversion};
use autograd::{Real, Tensor, Var};
use std::time::{Duration, Instant};

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
    /// Inverts a map at latents `[batch, …]` in one of the ways there are, and goes back.
    ///
    /// `error` has the rounding of T on both ways in it. Where that counts, go back in `f64`: with
    /// [`copy_params`](crate::check::copy_params) a map of `f64` has the parameters of one of `f32`.
    #[must_use]
    pub fn of(map: &(impl Bijection<T> + ?Sized), z: &Tensor<T>, inversion: Inversion) -> Self {
        let cx = Context { inversion, ..Context::default() };
        let latents = Var::from(z.clone());
        let start = Instant::now();
        let data = map.to_data(&latents, cx).value.into_value();
        let time = start.elapsed();
        let back = map.to_latent(&Var::from(data.clone()), cx).value.into_value();
        Self { error: distance(&back, z), data, time }
    }

    /// The worst `|x − x'|`, to an x' that was found otherwise; infinite where one is no number.
    ///
    /// # Panics
    /// If there are not as many numbers of it.
    #[must_use]
    pub fn distance(&self, data: &Tensor<T>) -> f64 {
        distance(&self.data, data)
    }
}

fn distance<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> f64 {
    assert_eq!(a.shape(), b.shape(), "distance: shapes");
    let each = a.as_slice().iter().zip(b.as_slice()).map(|(&a, &b)| (a - b).to_f64().abs());
    each.map(|size| if size.is_finite() { size } else { f64::INFINITY }).fold(0.0, f64::max)
}
