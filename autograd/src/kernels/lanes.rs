//! Eight samples at once, in `f64`: for sequential loops, where each number depends on those before it and only
//! samples can be computed in parallel.
//!
//! An [`Eight`] is one number of each of eight samples, one vector of 512 bits or two of 256. A layer's units are a
//! slice of them, and weights are the same for all eight. No sum mixes samples, and each has the same order in every
//! lane: results do not depend on the other seven samples.

use super::simd::{Isa, Kernel, dispatch, mul_add_f64};
use std::f64::consts::LOG2_E;

/// Samples at once.
pub const LANES: usize = 8;

/// One number of each sample.
pub type Eight = [f64; LANES];

/// Sums kept in registers at a time.
const BLOCK: usize = 6;

/// `sums[o] += Σᵢ weights[i][o]·inputs[i]`, the weights `[inputs][outputs]`, row-major.
///
/// # Panics
/// If the number of weights is not inputs times sums.
pub fn add_product(weights: &[f64], inputs: &[Eight], sums: &mut [Eight]) {
    assert_eq!(weights.len(), inputs.len() * sums.len(), "a product of {} numbers into {}", inputs.len(), sums.len());
    if !weights.is_empty() {
        dispatch(AddProduct { weights, inputs, sums });
    }
}

/// The exponential linear unit, and its chain rule:
/// `slopes ← h′(x)·slopes` and `x ← h(x)`, with `h(x) = x` for positive `x`, else `eˣ − 1`.
///
/// h is accurate to two units in the last place. Slopes below 10⁻³⁰⁷ are rounded up to it.
///
/// # Panics
/// If the lengths differ.
pub fn elu(x: &mut [Eight], slopes: &mut [Eight]) {
    assert_eq!(x.len(), slopes.len(), "elu: lengths");
    dispatch(Elu { x, slopes });
}

struct AddProduct<'a> {
    weights: &'a [f64],
    inputs: &'a [Eight],
    sums: &'a mut [Eight],
}

impl AddProduct<'_> {
    /// The sums from `first` on, `N` of them.
    #[inline(always)]
    fn block<I: Isa, const N: usize>(&mut self, first: usize) {
        let outputs = self.sums.len();
        let Some(sums) = self.sums[first..].first_chunk_mut::<N>() else { return };
        let mut kept = *sums;
        for (row, input) in self.weights.chunks_exact(outputs).zip(self.inputs) {
            let Some(weights) = row[first..].first_chunk::<N>() else { return };
            for (sum, &weight) in kept.iter_mut().zip(weights) {
                for (sum, &x) in sum.iter_mut().zip(input) {
                    *sum = mul_add_f64::<I>(weight, x, *sum);
                }
            }
        }
        *sums = kept;
    }
}

impl Kernel for AddProduct<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let outputs = self.sums.len();
        let whole = outputs / BLOCK * BLOCK;
        for first in (0..whole).step_by(BLOCK) {
            self.block::<I, BLOCK>(first);
        }
        match outputs - whole {
            1 => self.block::<I, 1>(whole),
            2 => self.block::<I, 2>(whole),
            3 => self.block::<I, 3>(whole),
            4 => self.block::<I, 4>(whole),
            5 => self.block::<I, 5>(whole),
            _ => {}
        }
    }
}

struct Elu<'a> {
    x: &'a mut [Eight],
    slopes: &'a mut [Eight],
}

impl Kernel for Elu<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (x, slope) in self.x.as_flattened_mut().iter_mut().zip(self.slopes.as_flattened_mut()) {
            let (value, steepness) = elu_of::<I>(*x);
            (*x, *slope) = (value, *slope * steepness);
        }
    }
}

/// ln 2 to 32 bits, so that its product with an exponent is exact …
const LN2_HI: f64 = 0.693_147_180_369_123_8;
/// … and what is missing.
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
/// Adding 1.5·2⁵² pushes the fraction out of the mantissa, i.e. rounds to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Taylor's series of `(eʳ − 1 − r)/r²`: for `|r| ≤ ½ ln 2` what is left out is below 2⁻⁵⁷ of `eʳ − 1`.
const SERIES: [f64; 12] = {
    let mut series = [0.5; 12];
    let mut k = 1;
    while k < 12 {
        series[k] = series[k - 1] / (k + 2) as f64;
        k += 1;
    }
    series
};

/// ELU and its slope, without a branch.
#[inline(always)]
fn elu_of<I: Isa>(x: f64) -> (f64, f64) {
    // eˣ = 2ⁿ·eʳ. NaN stays NaN.
    let below = if x > 0.0 { 0.0 } else { x };
    let below = if below < -708.0 { -708.0 } else { below };
    let shifted = mul_add_f64::<I>(below, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add_f64::<I>(n, -LN2_LO, mul_add_f64::<I>(n, -LN2_HI, below));
    let mut series = SERIES[11];
    let mut k = 11;
    while k > 0 {
        k -= 1;
        series = mul_add_f64::<I>(series, r, SERIES[k]);
    }
    let tail = mul_add_f64::<I>(r * r, series, r);
    let power = f64::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52);
    let value = mul_add_f64::<I>(power, tail, power - 1.0);
    let slope = mul_add_f64::<I>(power, tail, power);
    (if x > 0.0 { x } else { value }, if x > 0.0 { 1.0 } else { slope })
}

#[cfg(test)]
mod tests {
    use super::{Eight, LANES, add_product, elu};
    use crate::kernels::simd::on_every_level;

    fn numbers(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 1024.0 - 1.0).collect()
    }

    fn eights(n: usize, seed: usize) -> Vec<Eight> {
        numbers(n * LANES, seed).as_chunks().0.to_vec()
    }

    #[test]
    fn products_of_every_width() {
        for (inputs, outputs) in (0..15).map(|n| (7, n)).chain([(0, 3), (1, 45), (45, 1), (45, 45)]) {
            let (weights, x, before) = (numbers(inputs * outputs, 1), eights(inputs, 2), eights(outputs, 3));
            on_every_level(|level| {
                let mut sums = before.clone();
                add_product(&weights, &x, &mut sums);
                for (o, sum) in sums.iter().enumerate() {
                    for lane in 0..LANES {
                        let expected: f64 = (0..inputs).map(|i| weights[i * outputs + o] * x[i][lane]).sum();
                        let error = sum[lane] - before[o][lane] - expected;
                        assert!(error.abs() < 1e-13, "{level:?}, {inputs} to {outputs}: off by {error:e}");
                    }
                }
            });
        }
    }

    #[test]
    fn elu_and_its_slope() {
        let dense = (0..200_000).map(|i| f64::from(i) * -2e-4 + 1.0);
        let small = (-320..3).flat_map(|e| [1.0, 1.7, -1.0, -1.7, -6.9].map(|m| m * 10f64.powi(e)));
        let x: Vec<f64> = dense.chain(small).chain([0.0, -0.0, -700.0, -1e300, 1e300]).collect();
        let x: Vec<Eight> = x.as_chunks().0.to_vec();
        let ulps = |found: f64, expected: f64| (found - expected).abs() / (expected.abs() * f64::EPSILON).max(1e-322);
        on_every_level(|level| {
            let (mut values, mut slopes) = (x.clone(), vec![[1.0; LANES]; x.len()]);
            elu(&mut values, &mut slopes);
            let found = values.as_flattened().iter().zip(slopes.as_flattened());
            for (&x, (&value, &slope)) in x.as_flattened().iter().zip(found) {
                let (expected, steepness) = if x > 0.0 { (x, 1.0) } else { (x.exp_m1(), x.max(-708.0).exp()) };
                assert!(ulps(value, expected) <= 2.0, "{level:?}: {value:e} at {x:e}, not {expected:e}");
                assert!(ulps(slope, steepness) <= 2.0, "{level:?}: slope {slope:e} at {x:e}, not {steepness:e}");
            }
        });
    }

    #[test]
    fn nan_stays_nan_and_infinities_give_limits() {
        let nan = f64::NAN;
        on_every_level(|level| {
            let mut values = [[nan, f64::INFINITY, f64::NEG_INFINITY, 0.0, nan, 1.0, -1.0, 2.0]];
            let mut slopes = [[3.0; LANES]];
            elu(&mut values, &mut slopes);
            assert!(values[0][0].is_nan() && values[0][4].is_nan(), "{level:?}");
            assert_eq!((values[0][1], values[0][2], values[0][3]), (f64::INFINITY, -1.0, 0.0), "{level:?}");
            assert_eq!((slopes[0][1], slopes[0][3], slopes[0][5]), (3.0, 3.0, 3.0), "{level:?}");
            assert!(slopes[0][2] < 1e-300, "{level:?}");
        });
    }
}
