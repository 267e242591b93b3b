//! The fast convolution against the definition, in units of rounding: an error of one is a rounding error of the sum of
//! absolute products.

use super::super::tests::{Random, defined, rounded};
use super::super::{Conv2d, correlate::Correlation, weight as direct};
use super::{is_possible, run, weight};
use crate::bilinear::Side;
use crate::kernels::simd::{Level, on_every_level};
use crate::ops::ConvSpec;
use crate::parallel::with_threads;
use crate::real::Real;

/// Output and both gradients, by either way.
fn computed<T: Real>(is_fast: bool, level: Level, threads: usize, g: &Conv2d, [x, w, dy]: [&[T]; 3]) -> [Vec<T>; 3] {
    let nan = |len: usize| vec![T::from_f64(f64::NAN); len];
    let (mut y, mut dx, mut dw) = (nan(dy.len()), nan(x.len()), nan(w.len()));
    with_threads(threads, || {
        if is_fast {
            run(level, threads, g, Side::Output, x, w, &mut y);
            run(level, threads, g, Side::Input, dy, w, &mut dx);
            weight::run(level, threads, g, x, dy, &mut dw);
        } else {
            Correlation::new(level, g, Side::Output).run(threads, x, w, &mut y);
            Correlation::new(level, g, Side::Input).run(threads, dy, w, &mut dx);
            direct::run(level, threads, g, x, dy, &mut dw);
        }
    });
    [y, dx, dw]
}

/// The root of the mean square of the errors, and the largest error, in units of rounding.
fn errors<T: Real>(found: &[T], expected: &[f64], absolute: &[f64]) -> [f64; 2] {
    let (mut squares, mut largest) = (0.0, 0.0f64);
    for ((found, expected), absolute) in found.iter().zip(expected).zip(absolute) {
        let error = (found.to_f64() - expected).abs() / (T::EPSILON * absolute.max(f64::MIN_POSITIVE));
        assert!(!error.is_nan());
        squares += error * error;
        largest = largest.max(error);
    }
    [(squares / found.len() as f64).sqrt(), largest]
}

fn check<T: Real>(g: &Conv2d, random: &mut Random) {
    assert!(is_possible(g));
    let [x, w, dy] = [Side::Input, Side::Weight, Side::Output].map(|side| full(random, g.len(side)));
    let expected = defined(g, &x, &w, &dy);
    let absolute = defined(g, &magnitudes(&x), &magnitudes(&w), &magnitudes(&dy));
    let [x, w, dy] = [x, w, dy].map(|numbers| rounded::<T>(&numbers));
    let operands = [&x[..], &w, &dy];
    on_every_level(|level| {
        let found = computed(true, level, 1, g, operands);
        let slow = computed(false, level, 1, g, operands);
        for (i, what) in ["y", "dx", "dw"].into_iter().enumerate() {
            let [mean, largest] = errors(&found[i], &expected[i], &absolute[i]);
            let [slow_mean, slow_largest] = errors(&slow[i], &expected[i], &absolute[i]);
            println!(
                "{} {what}: {mean:.3} {largest:.3}, direct {slow_mean:.3} {slow_largest:.3}, {level:?} {g:?}",
                T::NAME
            );
        }
        assert!(computed(true, level, 2, g, operands) == found, "two threads differ: {level:?} {g:?}");
    });
}

/// Numbers between −1 and 1 with all digits of an `f32`.
fn full(random: &mut Random, len: usize) -> Vec<f64> {
    random.numbers(len).iter().zip(random.numbers(len)).map(|(x, y)| f64::from((x + y * 1e-3) as f32)).collect()
}

fn magnitudes(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().map(|x| x.abs()).collect()
}

#[test]
fn accuracy() {
    let mut random = Random(5);
    let cases = [
        ([1, 1, 1, 1], 1, [1, 1]),
        ([1, 1, 3, 3], 1, [0, 0]),
        ([2, 3, 5, 7], 4, [1, 2]),
        ([1, 17, 7, 7], 5, [1, 1]),
        ([3, 4, 9, 6], 70, [2, 0]),
        ([1, 64, 14, 14], 64, [1, 1]),
        ([5, 33, 13, 11], 20, [1, 1]),
        ([1, 3, 70, 40], 3, [1, 1]),
    ];
    for (input, outs, padding) in cases {
        let spec = ConvSpec { stride: [1, 1], padding, dilation: [1, 1] };
        let g = Conv2d::new(input, [outs, input[1], 3, 3], spec).unwrap();
        check::<f32>(&g, &mut random);
        check::<f64>(&g, &mut random);
    }
}
