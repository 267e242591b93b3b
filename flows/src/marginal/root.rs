//! z → x: the roots of z(x) = z for a few points of one dimension at once.

use super::block::points;
use super::kernels::narrow;
use super::mixture::LogisticMixture;
use super::table::Row;
use autograd::Real;
use autograd::simd::{Isa, Kernel, dispatch};

/// Steps of the search: about five where kernels overlap. This many are never needed.
const STEPS: usize = 600;

/// Beyond this |z| the search is that of one number, in logarithms.
fn furthest<T: Real>() -> f64 {
    if size_of::<T>() == 4 { 10.0 } else { 35.0 }
}

/// The root of each kernel alone: the least and the greatest of these, between which the root is, and their mean.
struct Ends<'a, T, const N: usize> {
    row: Row<'a, T>,
    count: usize,
    z: &'a [T; N],
}

impl<T: Real, const N: usize> Kernel for Ends<'_, T, N> {
    type Output = [[T; N]; 3];

    #[inline(always)]
    fn run<I: Isa>(self) -> [[T; N]; 3] {
        let Self { row, count, z } = self;
        let mut place = [T::ZERO; N];
        for i in 0..N {
            place[i] = z[i].log_normal_cdf::<I>() - (-z[i]).log_normal_cdf::<I>();
        }
        let [mut low, mut high, mut mean] = [T::ZERO - T::NEG_INFINITY, T::NEG_INFINITY, T::ZERO].map(|from| [from; N]);
        for k in 0..count {
            let (location, scale, weight) = (row.locations[k], T::ONE / row.inverse[k], row.weights[k]);
            for i in 0..N {
                let own = scale.mul_add::<I>(place[i], location);
                low[i] = if own < low[i] { own } else { low[i] };
                high[i] = if own > high[i] { own } else { high[i] };
                mean[i] = weight.mul_add::<I>(own, mean[i]);
            }
        }
        [low, high, mean]
    }
}

/// The search of one lane.
#[derive(Clone, Copy, Debug)]
struct Lane {
    low: f64,
    high: f64,
    x: f64,
    last: f64,
    before_last: f64,
    open: bool,
}

impl Lane {
    /// Takes the value and the slope's logarithm at x, and moves on: by Newton's step, or by half of the bracket
    /// where that would leave it or does not halve the step before last.
    fn step<T: Real>(&mut self, z: f64, found: f64, log_deriv: f64) {
        let epsilon = if size_of::<T>() == 4 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let excess = found - z;
        let newton = self.x - excess * (-log_deriv).exp();
        if excess.abs() <= 8.0 * epsilon * z.abs().max(1.0) {
            // From here one more Newton step is exact up to rounding.
            if newton >= self.low && newton <= self.high {
                self.x = newton;
            }
            self.open = false;
            return;
        }
        *(if excess < 0.0 { &mut self.low } else { &mut self.high }) = self.x;
        let halves = (newton - self.x).abs() <= 0.5 * self.before_last;
        let inside = newton >= self.low && newton <= self.high && halves;
        let next = T::from_f64(if inside { newton } else { 0.5 * self.low + 0.5 * self.high }).to_f64();
        (self.before_last, self.last) = (self.last, (next - self.x).abs());
        let closed = self.high - self.low <= 2.0 * epsilon * self.low.abs().max(self.high.abs());
        self.open = next != self.x && !closed;
        self.x = next;
    }
}

/// The roots of N points; `mixture` is the same dimension's, for what the fast sums have no range for.
pub(super) fn roots<T: Real, const N: usize>(
    row: Row<'_, T>,
    count: usize,
    z: &[T; N],
    mixture: &mut impl FnMut() -> LogisticMixture,
) -> [T; N] {
    let [low, high, mean] = dispatch(Ends { row, count, z });
    let infinite = f64::INFINITY;
    let mut lanes: [Lane; N] = std::array::from_fn(|i| {
        let (target, bounds) = (z[i].to_f64(), [low[i], high[i], mean[i]].map(|bound| bound.to_f64()));
        let open = target.abs() <= furthest::<T>() && bounds.iter().all(|bound| bound.is_finite());
        let [low, high, mean] = if open { bounds } else { [0.0; 3] };
        let x = if open { mean.clamp(low, high) } else { mixture().to_data(target).0 };
        Lane { low, high, x, last: infinite, before_last: infinite, open }
    });
    for _ in 0..STEPS {
        if lanes.iter().all(|lane| !lane.open) {
            break;
        }
        let at = lanes.map(|lane| T::from_f64(lane.x));
        let found = points(row, &at);
        for (i, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.open) {
            let (value, log_deriv) = if found.in_range[i] {
                (found.z[i].to_f64(), found.log_deriv[i].to_f64())
            } else {
                mixture().to_latent(at[i].to_f64())
            };
            lane.step::<T>(z[i].to_f64(), value, log_deriv);
        }
    }
    lanes.map(|lane| narrow(lane.x))
}
