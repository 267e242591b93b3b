//! Products in half precision against sums of the rounded factors.

use super::{conv, dense, pack, tiles};
use crate::ConvSpec;
use crate::bilinear::Side;
use crate::kernels::conv::{Finish, biased};
use crate::kernels::{Conv2d, matmul, staircase};
use crate::parallel::{in_half_precision, with_threads};
use crate::staircase::StaircaseMask;

/// A number for each index, of either sign, with more digits than bfloat16 keeps.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1024.0 - 1.0).collect()
}

/// The nearest bfloat16.
fn rounded(x: f32) -> f64 {
    f64::from(f32::from_bits(pack::pair(x, 0.0) << 16))
}

#[test]
fn numbers_are_rounded_to_the_nearest_even() {
    for (x, expected) in [
        (1.0, 1.0),
        (1.0 + 1.0 / 256.0, 1.0),
        (1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0),
        (1.0 + 1.001 / 256.0, 1.0 + 2.0 / 256.0),
        (f32::INFINITY, f64::INFINITY),
    ] {
        assert!((rounded(x) / expected - 1.0).abs() < 1e-6 || rounded(x) == expected, "{x}: {}", rounded(x));
    }
    assert!(rounded(f32::NAN).is_nan() && rounded(f32::from_bits(0x7f80_0001)).is_nan());
}

/// A side, its two operands, and what it should be.
type Case<'a> = (Side, &'a [f32], &'a [f32], Vec<f64>);

/// Sums of at most `terms` products of numbers up to 1 in size.
fn close(found: &[f32], expected: &[f64], terms: usize, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error < 1e-6 * terms as f64, "{what}: element {i} is {found} and should be {expected}");
    }
}

#[test]
fn products_are_those_of_rounded_factors() {
    if !tiles::are_there() {
        return;
    }
    for [m, k, n] in [[64, 64, 64], [32, 130, 48], [200, 77, 33], [17, 300, 65], [16, 16, 600], [129, 31, 40]] {
        for a_strides in [(k, 1), (1, m), (k + 3, 1)] {
            for b_strides in [(n, 1), (1, k), (n + 5, 1)] {
                let (a, b) = (numbers((m + 3) * (k + 3), 1), numbers((k + 3) * (n + 5), 2));
                let term = |i: usize, j: usize, x: usize| {
                    rounded(a[i * a_strides.0 + x * a_strides.1]) * rounded(b[x * b_strides.0 + j * b_strides.1])
                };
                let sum = |c: usize| (0..k).map(|x| term(c / n, c % n, x)).sum::<f64>();
                let expected: Vec<f64> = (0..m * n).map(sum).collect();
                let mut found = [1, 2].map(|threads| {
                    let mut c = vec![f32::NAN; m * n];
                    let (a, b) = ((&*a, a_strides), (&*b, b_strides));
                    with_threads(threads, || in_half_precision(|| matmul(threads, [m, k, n], a, b, &mut c)));
                    c
                });
                assert!(!dense::pays([m, k, n]) || found[0] == found[1]);
                if dense::pays([m, k, n]) {
                    close(&found[0], &expected, k, &format!("{m}×{k}×{n}, {a_strides:?} {b_strides:?}"));
                    let [half, full] = &mut found;
                    matmul(1, [m, k, n], (&a, a_strides), (&b, b_strides), full);
                    assert_ne!(half, full, "nothing was rounded");
                }
            }
        }
    }
}

#[test]
fn masked_products_are_those_of_rounded_factors() {
    if !tiles::are_there() {
        return;
    }
    for (batch, inputs, outputs) in [(70, 50, 100), (33, 100, 50), (200, 64, 64), (16, 150, 130)] {
        let seen: Vec<usize> =
            (0..outputs).map(|o: usize| (o * (inputs + 7) / outputs).saturating_sub(3).min(inputs)).collect();
        let mask = StaircaseMask::new(seen.clone(), inputs);
        let (x, dy) = (numbers(batch * inputs, 1), numbers(batch * outputs, 3));
        let mut w = numbers(outputs * inputs, 2);
        let mut kept = vec![0.0; w.len()];
        for (o, &seen) in seen.iter().enumerate() {
            for i in 0..inputs {
                let at = o * inputs + i;
                if i < seen { kept[at] = rounded(w[at]) } else { w[at] = f32::NAN }
            }
        }
        let (xr, dyr): (Vec<f64>, Vec<f64>) =
            (x.iter().map(|&x| rounded(x)).collect(), dy.iter().map(|&x| rounded(x)).collect());
        let sum = |len: usize, term: &dyn Fn(usize) -> f64| (0..len).map(term).sum::<f64>();
        let y = |at: usize| sum(inputs, &|i| xr[at / outputs * inputs + i] * kept[at % outputs * inputs + i]);
        let dx = |at: usize| sum(outputs, &|o| dyr[at / inputs * outputs + o] * kept[o * inputs + at % inputs]);
        let dw = |at: usize| {
            let (o, i) = (at / inputs, at % inputs);
            if i < seen[o] { sum(batch, &|b| dyr[b * outputs + o] * xr[b * inputs + i]) } else { 0.0 }
        };
        let cases: [Case<'_>; 3] = [
            (Side::Output, &x, &w, (0..batch * outputs).map(y).collect()),
            (Side::Input, &dy, &w, (0..batch * inputs).map(dx).collect()),
            (Side::Weight, &x, &dy, (0..inputs * outputs).map(dw).collect()),
        ];
        for (side, a, b, expected) in cases {
            let found = [1, 2].map(|threads| {
                let mut out = vec![f32::NAN; expected.len()];
                with_threads(threads, || {
                    in_half_precision(|| staircase::product(&mask, side, batch, threads, a, b, &mut out));
                });
                out
            });
            assert_eq!(found[0], found[1]);
            close(
                &found[0],
                &expected,
                inputs.max(outputs).max(batch),
                &format!("{batch} {inputs} {outputs} {side:?}"),
            );
        }
    }
}

/// A bias and a relu in the write, from the output without them; a NaN in the bias stays one.
fn finish_is_that_of_the_output(geometry: &Conv2d, x: &[f32], w: &[f32], y: &[f64]) {
    let (outs, plane) = (geometry.output.channels, geometry.output.plane());
    let mut bias = numbers(outs, 4);
    bias[outs - 1] = f32::NAN;
    for relu in [false, true] {
        let found = [1, 2].map(|threads| {
            let mut out = vec![f32::INFINITY; y.len()];
            let finish = Finish { bias: &bias, relu };
            with_threads(threads, || in_half_precision(|| biased(geometry, threads, [x, w], finish, &mut out)));
            out.iter().map(|y| y.to_bits()).collect::<Vec<u32>>()
        });
        assert_eq!(found[0], found[1]);
        for (at, (&found, &y)) in found[0].iter().zip(y).enumerate() {
            let (found, sum) = (f64::from(f32::from_bits(found)), y + f64::from(bias[at / plane % outs]));
            let expected = if relu && sum <= 0.0 { 0.0 } else { sum };
            let is_right = if expected.is_nan() { found.is_nan() } else { (found - expected).abs() < 2e-3 };
            assert!(is_right, "{geometry:?}, relu {relu}: element {at} is {found} and should be {expected}");
        }
    }
}

#[test]
fn convolutions_are_those_of_rounded_factors() {
    if !tiles::are_there() {
        return;
    }
    // Batch, channels in and out, height, width, kernel, and padding.
    let cases = [
        (5, [32, 64], [7, 9], [3, 3], [1, 1]),
        (3, [40, 33], [6, 5], [3, 3], [1, 1]),
        (4, [8, 70], [11, 8], [2, 5], [0, 2]),
        (14, [64, 17], [9, 9], [1, 1], [0, 0]),
        (1, [35, 36], [30, 30], [3, 3], [2, 0]),
        // More images than are laid out together; an odd tap over rows that follow one another.
        (40, [64, 64], [14, 14], [1, 3], [0, 1]),
        (33, [20, 31], [8, 7], [2, 1], [1, 0]),
    ];
    for (batch, [ins, outs], [height, width], kernel, padding) in cases {
        let spec = ConvSpec { stride: [1, 1], padding, dilation: [1, 1] };
        let geometry = Conv2d::new([batch, ins, height, width], [outs, ins, kernel[0], kernel[1]], spec).unwrap();
        assert!(conv::pays(&geometry), "{geometry:?}");
        let [x, w, dy] =
            [Side::Input, Side::Weight, Side::Output].map(|side| numbers(geometry.len(side), side as usize));
        let [xr, wr, dyr] = [&x, &w, &dy].map(|all| all.iter().map(|&x| rounded(x)).collect::<Vec<f64>>());
        let [mut y, mut dx, mut dw] = [&dyr, &xr, &wr].map(|all| vec![0.0; all.len()]);
        let [_, _, to_h, to_w] = geometry.shape(Side::Output);
        for b in 0..batch {
            for o in 0..outs {
                for i in 0..ins {
                    for (r, c) in (0..to_h).flat_map(|r| (0..to_w).map(move |c| (r, c))) {
                        for (k, l) in (0..kernel[0]).flat_map(|k| (0..kernel[1]).map(move |l| (k, l))) {
                            let (row, col) = (r + k, c + l);
                            if row < padding[0] || col < padding[1] {
                                continue;
                            }
                            let (row, col) = (row - padding[0], col - padding[1]);
                            if row >= height || col >= width {
                                continue;
                            }
                            let from = ((b * ins + i) * height + row) * width + col;
                            let to = ((b * outs + o) * to_h + r) * to_w + c;
                            let tap = ((o * ins + i) * kernel[0] + k) * kernel[1] + l;
                            y[to] += xr[from] * wr[tap];
                            dx[from] += dyr[to] * wr[tap];
                            dw[tap] += dyr[to] * xr[from];
                        }
                    }
                }
            }
        }
        finish_is_that_of_the_output(&geometry, &x, &w, &y);
        let cases: [Case<'_>; 3] = [(Side::Output, &x, &w, y), (Side::Input, &dy, &w, dx), (Side::Weight, &x, &dy, dw)];
        for (side, a, b, expected) in cases {
            let found = [1, 2].map(|threads| {
                let mut out = vec![f32::NAN; expected.len()];
                with_threads(threads, || {
                    in_half_precision(|| crate::kernels::conv::product(&geometry, side, threads, a, b, &mut out));
                });
                out
            });
            assert_eq!(found[0], found[1]);
            close(&found[0], &expected, 2000, &format!("{geometry:?} {side:?}"));
        }
    }
}
