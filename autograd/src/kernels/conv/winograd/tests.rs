//! The fast convolution against the definition, in units of rounding: one unit is a rounding error of the largest sum of
//! absolute products in the result.

use super::super::tests::{Random, defined, rounded};
use super::super::{Conv2d, Finish, correlate::Correlation, weight as direct};
use super::{is_possible, pays, run, weight};
use crate::bilinear::Side;
use crate::diff::hvp;
use crate::kernels::simd::{Level, on_every_level};
use crate::ops::ConvSpec;
use crate::parallel::with_threads;
use crate::real::Real;
use crate::tape::Tape;
use crate::tensor::Tensor;
use crate::var::Var;

fn geometry(input: [usize; 4], outs: usize, padding: [usize; 2]) -> Conv2d {
    let spec = ConvSpec { stride: [1, 1], padding, dilation: [1, 1] };
    Conv2d::new(input, [outs, input[1], 3, 3], spec).unwrap()
}

/// The output and both gradients, by either way. What is written over is NaN, so that reading it would show.
fn computed<T: Real>(is_fast: bool, level: Level, threads: usize, g: &Conv2d, [x, w, dy]: [&[T]; 3]) -> [Vec<T>; 3] {
    let nan = |len: usize| vec![T::from_f64(f64::NAN); len];
    let (mut y, mut dx, mut dw) = (nan(dy.len()), nan(x.len()), nan(w.len()));
    with_threads(threads, || {
        if is_fast {
            run(level, threads, g, Side::Output, [x, w], Finish::default(), &mut y);
            run(level, threads, g, Side::Input, [dy, w], Finish::default(), &mut dx);
            weight::run(level, threads, g, x, dy, &mut dw);
        } else {
            Correlation::new(level, g, Side::Output).run(threads, x, w, &mut y);
            Correlation::new(level, g, Side::Input).run(threads, dy, w, &mut dx);
            direct::run(level, threads, g, x, dy, &mut dw);
        }
    });
    [y, dx, dw]
}

/// The root of the mean square of the errors, and the largest of them, in units.
fn errors<T: Real>(found: &[T], expected: &[f64], absolute: &[f64]) -> [f64; 2] {
    let unit = T::EPSILON * absolute.iter().fold(0.0f64, |largest, &x| largest.max(x));
    let errors = found.iter().zip(expected).map(|(found, expected)| (found.to_f64() - expected).abs() / unit);
    let (mut squares, mut largest) = (0.0, 0.0f64);
    for error in errors {
        assert!(!error.is_nan());
        (squares, largest) = (squares + error * error, largest.max(error));
    }
    [(squares / found.len() as f64).sqrt(), largest]
}

/// Numbers between −1 and 1 with all the digits of an `f32`.
fn numbers(random: &mut Random, len: usize) -> Vec<f64> {
    let [high, low] = [(); 2].map(|()| random.numbers(len));
    high.iter().zip(low).map(|(high, low)| f64::from((high + 1e-3 * low) as f32)).collect()
}

fn check<T: Real>(g: &Conv2d, random: &mut Random) {
    assert!(is_possible(g));
    let [x, w, dy] = [Side::Input, Side::Weight, Side::Output].map(|side| numbers(random, g.len(side)));
    let magnitudes = [&x, &w, &dy].map(|numbers| numbers.iter().map(|x| x.abs()).collect::<Vec<_>>());
    let expected = defined(g, &x, &w, &dy);
    let absolute = defined(g, &magnitudes[0], &magnitudes[1], &magnitudes[2]);
    let [x, w, dy] = [x, w, dy].map(|numbers| rounded::<T>(&numbers));
    let operands = [&x[..], &w, &dy];
    on_every_level(|level| {
        let found = computed(true, level, 1, g, operands);
        let slow = computed(false, level, 1, g, operands);
        for (i, what) in ["y", "dx", "dw"].into_iter().enumerate() {
            let [mean, largest] = errors(&found[i], &expected[i], &absolute[i]);
            let [slow_mean, slow_largest] = errors(&slow[i], &expected[i], &absolute[i]);
            let context = format!(
                "{} {what}: off by {mean:.2} units, at most {largest:.2}; the direct sum by {slow_mean:.2} and \
                 {slow_largest:.2}: {level:?}, {g:?}",
                T::NAME
            );
            assert!(largest < 8.0 && (mean < 1.0 || found[i].len() < 16), "{context}");
            // The reference itself is rounded to `f64`, and sums of few terms are almost exact.
            assert!(size_of::<T>() == 8 || g.input.channels < 64 || mean < 4.0 * slow_mean, "{context}");
        }
        for threads in [2, 3] {
            assert!(computed(true, level, threads, g, operands) == found, "{threads} threads differ: {level:?}, {g:?}");
        }
    });
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
        // Several groups of images in the sums of the weights' gradient, the last of them short.
        ([9, 2, 41, 19], 3, [1, 1]),
        ([1, 64, 14, 14], 64, [1, 1]),
        ([5, 33, 13, 11], 20, [1, 1]),
        // Several bands.
        ([1, 3, 70, 40], 3, [1, 1]),
        ([2, 2, 9, 1100], 2, [2, 1]),
    ];
    for (input, outs, padding) in cases {
        let g = geometry(input, outs, padding);
        check::<f32>(&g, &mut random);
        check::<f64>(&g, &mut random);
    }
}

/// The choice, which must not depend on the batch: an image has the same result in any company.
#[test]
fn where_it_pays() {
    for side in [6, 7, 14, 28, 29] {
        for batch in [1, 32] {
            let g = geometry([batch, 64, side, side], 64, [1, 1]);
            assert!(pays::<f32>(&g) && !pays::<f64>(&g), "{g:?}");
        }
    }
    for (input, outs, padding) in
        [([1, 64, 5, 5], 64, [1, 1]), ([1, 8, 28, 28], 64, [1, 1]), ([1, 64, 28, 28], 64, [3, 1])]
    {
        let g = geometry(input, outs, padding);
        assert!(!pays::<f32>(&g), "{g:?}");
    }
    let spec = ConvSpec { stride: [2, 1], ..ConvSpec::padded(1) };
    assert!(!pays::<f32>(&Conv2d::new([1, 64, 28, 28], [64, 64, 3, 3], spec).unwrap()));
}

/// Hessians times vectors in `f32`, which go through all three products, against those in `f64`.
#[test]
fn second_derivatives() {
    let mut random = Random(6);
    let g = geometry([2, 16, 9, 7], 17, [1, 1]);
    assert!(pays::<f32>(&g));
    let [input, weight] = [Side::Input, Side::Weight].map(|side| g.shape(side));
    let [x, u, w, v] = [input, input, weight, weight]
        .map(|shape| Tensor::from_slice(shape, &numbers(&mut random, shape.iter().product())));
    fn loss<T: Real>(x: &Var<T>, w: &Var<T>) -> Var<T> {
        let y = x.conv2d(w, ConvSpec::padded(1));
        (y.square() * y).sum_all()
    }
    fn both<T: Real>(at: [&Tensor<f64>; 4]) -> [Tensor<f64>; 2] {
        let [x, u, w, v] = at.map(|tensor| tensor.cast::<T>());
        let by_input = hvp(|x| loss(x, &Var::from(w.clone())), &x, &u);
        let by_weight = hvp(|w| loss(&Var::from(x.clone()), w), &w, &v);
        [by_input.cast(), by_weight.cast()]
    }
    for (found, expected) in both::<f32>([&x, &u, &w, &v]).iter().zip(both::<f64>([&x, &u, &w, &v])) {
        let scale = expected.as_slice().iter().fold(0.0f64, |scale, x| scale.max(x.abs()));
        for (found, expected) in found.as_slice().iter().zip(expected.as_slice()) {
            assert!((found - expected).abs() < 1e-5 * scale, "{found} should be {expected}, of at most {scale}");
        }
    }
}

/// A bias and a relu in the convolution's write are those of separate operations, to the last bit, and so are gradients.
#[test]
fn bias_and_relu_are_fused() {
    fn check<T: Real>(input: [usize; 4], outs: usize) {
        let mut random = Random(7);
        let g = geometry(input, outs, [1, 1]);
        let mut draw =
            |shape: &[usize]| Tensor::from_slice(shape, &rounded::<T>(&numbers(&mut random, shape.iter().product())));
        let values = [draw(&g.shape(Side::Input)), draw(&g.shape(Side::Weight)), draw(&[outs])];
        let dy = Var::from(draw(&g.shape(Side::Output)));
        for relu in [false, true] {
            let results = |is_fused: bool| {
                let tape = Tape::new();
                let [x, w, b] = values.each_ref().map(|value| tape.variable(value.clone()));
                let y = match (is_fused, relu) {
                    (true, true) => x.conv2d_biased_relu(&w, &b, g.spec),
                    (true, false) => x.conv2d_biased(&w, &b, g.spec),
                    (false, relu) => {
                        let y = x.conv2d(&w, g.spec) + b.reshape([outs, 1, 1]);
                        if relu { y.relu() } else { y }
                    }
                };
                let gradients = tape.vjp(&y, &dy, &[&x, &w, &b]);
                [vec![y.into_value()], gradients.into_iter().map(Var::into_value).collect()].concat()
            };
            for (fused, separate) in results(true).iter().zip(results(false)) {
                assert!(fused.as_slice() == separate.as_slice(), "{} {g:?}, relu {relu}", T::NAME);
            }
        }
    }
    for (input, outs) in [([3, 18, 9, 7], 70), ([2, 3, 5, 6], 4)] {
        check::<f32>(input, outs);
        check::<f64>(input, outs);
    }
}
