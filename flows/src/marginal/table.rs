//! Kernels laid out for the fast pass: rows of constants, computed once for all points of a dimension.

use super::mixture::LogisticMixture;
use autograd::Real;

/// How the parameters `[3, D, K]` lie: the logits of all dimensions, their locations, their log-scales.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a, T> {
    pub(super) values: &'a [T],
    pub(super) dims: usize,
    pub(super) count: usize,
}

/// What is kept of each kernel of one dimension, in rows of equal length; the last kernels may be padding without
/// weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a, T> {
    /// w.
    pub(super) weights: &'a [T],
    /// μ.
    pub(super) locations: &'a [T],
    /// 1/h.
    pub(super) inverse: &'a [T],
    /// w/h.
    pub(super) density: &'a [T],
    /// w/h².
    pub(super) slope: &'a [T],
    /// Σ w/h: four times what the density is at most.
    pub(super) top: T,
}

/// The rows of a [`Row`].
const ROWS: usize = 5;

impl<'a, T: Real> Parameters<'a, T> {
    /// One dimension's logits, locations and log-scales.
    fn of(&self, dim: usize) -> [&'a [T]; 3] {
        [0, 1, 2].map(|part| &self.values[(part * self.dims + dim) * self.count..][..self.count])
    }

    /// One dimension's mixture, in `f64`.
    pub(super) fn mixture(&self, dim: usize) -> LogisticMixture {
        let [logits, locations, log_scales] =
            self.of(dim).map(|part| part.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
        LogisticMixture::new(&logits, &locations, &log_scales)
    }

    /// Kernels of a row with its padding, which fills vectors of `f32`; in `f64` there are none to fill.
    pub(super) fn width(&self) -> usize {
        if size_of::<T>() == 4 { self.count.next_multiple_of(16) } else { self.count }
    }

    /// Elements that one dimension takes in a table.
    pub(super) fn stride(&self) -> usize {
        ROWS * self.width() + 1
    }

    /// Writes one dimension's rows.
    pub(super) fn lay_out(&self, dim: usize, out: &mut [T]) {
        let width = self.width();
        let [logits, locations, log_scales] = self.of(dim);
        let largest = logits.iter().fold(f64::NEG_INFINITY, |a, b| a.max(b.to_f64()));
        let total: f64 = logits.iter().map(|logit| (logit.to_f64() - largest).exp()).sum();
        let mut top = 0.0;
        out.fill(T::ZERO);
        for k in 0..self.count {
            let weight = (logits[k].to_f64() - largest).exp() / total;
            let inverse = (-log_scales[k].to_f64()).exp();
            let numbers = [weight, locations[k].to_f64(), inverse, weight * inverse, weight * inverse * inverse];
            for (row, number) in numbers.into_iter().enumerate() {
                out[row * width + k] = T::from_f64(number);
            }
            top += weight * inverse;
        }
        out[ROWS * width] = T::from_f64(top);
    }

    /// One dimension's rows, from where [`Parameters::lay_out`] wrote them.
    pub(super) fn row<'b>(&self, numbers: &'b [T]) -> Row<'b, T> {
        let width = self.width();
        let part = |i: usize| &numbers[i * width..(i + 1) * width];
        let (weights, locations, inverse, density, slope) = (part(0), part(1), part(2), part(3), part(4));
        Row { weights, locations, inverse, density, slope, top: numbers[ROWS * width] }
    }
}
