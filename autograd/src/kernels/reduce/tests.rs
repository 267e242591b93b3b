//! Reductions against plain loops in `f64`, over shapes that reach every path.

use super::*;
use crate::kernels::simd::on_every_level;

/// Shapes for the general reduction: short and long rows, few and many columns, nothing.
const EXTENTS: [[usize; 3]; 22] = [
    [1, 1, 1],
    [3, 1, 1],
    [1, 784, 1],
    [70, 10, 1],
    [5, 31, 1],
    [5, 32, 1],
    [129, 2, 1],
    [7, 65, 1],
    [2, 1000, 1],
    [1, 9, 2],
    [1, 100, 3],
    [1, 37, 784],
    [1, 6, 1025],
    [1, 1, 513],
    [4, 5, 6],
    [2, 4, 512],
    [3, 7, 511],
    [2, 3, 1200],
    [0, 3, 4],
    [3, 0, 4],
    [3, 4, 0],
    [3, 0, 1],
];

fn numbers<T: Real>(n: usize, scale: f64) -> Vec<T> {
    (0..n).map(|k| T::from_f64(scale * ((k as f64 + 0.7) * 12.9898).sin())).collect()
}

/// `reduction` of each line of `x` along the axis, gathered the plain way.
fn plainly<T: Real>(x: &[T], [outer, reduce, inner]: [usize; 3], reduction: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut out = Vec::new();
    for o in 0..outer {
        for i in 0..inner {
            let line: Vec<f64> = (0..reduce).map(|r| x[(o * reduce + r) * inner + i].to_f64()).collect();
            out.push(reduction(&line));
        }
    }
    out
}

fn plain_logsumexp(line: &[f64]) -> f64 {
    let top = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY { top } else { top + line.iter().map(|x| (x - top).exp()).sum::<f64>().ln() }
}

fn every_extent<T: Real + std::fmt::Debug>(epsilon: f64) {
    for shape in EXTENTS {
        let [outer, reduce, inner] = shape;
        let extent = Extent { outer, reduce, inner };
        let x: Vec<T> = numbers(outer * reduce * inner, 5.0);
        let sums = plainly(&x, shape, |line| line.iter().sum());
        let sizes = plainly(&x, shape, |line| line.iter().map(|x| x.abs()).sum());
        let tops = plainly(&x, shape, |line| line.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let logs = plainly(&x, shape, plain_logsumexp);
        on_every_level(|level| {
            let mut out = vec![T::ONE; outer * inner];
            sum_axis(&x, extent, &mut out);
            for k in 0..out.len() {
                // In f32 half a unit in the last place; in f64 a fraction of what was added up.
                let error = (out[k].to_f64() - sums[k]).abs();
                assert!(error <= epsilon * sums[k].abs() + 1e-15 * sizes[k], "sum {shape:?} {level:?} {k}");
            }
            max_axis(&x, extent, &mut out);
            for k in 0..out.len() {
                assert_eq!(out[k].to_f64(), tops[k], "max {shape:?} {level:?} {k}");
            }
            logsumexp_axis(&x, extent, &mut out);
            for k in 0..out.len() {
                let (got, want) = (out[k].to_f64(), logs[k]);
                let fine = got == want || (got - want).abs() <= 2.0 * epsilon * want.abs().max(1.0);
                assert!(fine, "logsumexp {shape:?} {level:?} {k}: {got} for {want}");
            }
        });
    }
}

#[test]
fn along_axes() {
    every_extent::<f32>(f64::from(f32::EPSILON) / 2.0);
    every_extent::<f64>(f64::EPSILON);
}

#[test]
fn rows_and_columns() {
    let x: Vec<f32> = (0..12u8).map(f32::from).collect();
    let (mut rows, mut columns) = ([0.0; 3], [0.0; 4]);
    sum_axis(&x, Extent { outer: 3, reduce: 4, inner: 1 }, &mut rows);
    sum_axis(&x, Extent { outer: 1, reduce: 3, inner: 4 }, &mut columns);
    assert_eq!(rows, [6.0, 22.0, 38.0]);
    assert_eq!(columns, [12.0, 15.0, 18.0, 21.0]);
    sum_axis::<f32>(&[], Extent { outer: 1, reduce: 0, inner: 0 }, &mut []);
    sum_axis(&[], Extent { outer: 1, reduce: 0, inner: 4 }, &mut columns);
    assert_eq!(columns, [0.0; 4]);
}

#[test]
fn long_sums_keep_their_last_bit() {
    // Terms of which f32 accumulation would lose thousands.
    let x: Vec<f32> = (0..1_000_003).map(|k| 0.1 + (k % 7) as f32 * 1e-3).collect();
    let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
    let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    on_every_level(|_| {
        let mut total = [0.0];
        sum_axis(&x, Extent { outer: 1, reduce: x.len(), inner: 1 }, &mut total);
        assert_eq!(total[0], exact as f32);
        assert!((sum_of_squares(&x) - squares).abs() < 1e-11 * squares);
    });
}

#[test]
fn totals_of_every_length() {
    for n in 0..200 {
        let x: Vec<f64> = numbers(n, 1.0);
        on_every_level(|_| {
            let mut total = [0.0];
            sum_axis(&x, Extent { outer: 1, reduce: n, inner: 1 }, &mut total);
            assert!((total[0] - x.iter().sum::<f64>()).abs() < 1e-12);
            assert!((sum_of_squares(&x) - x.iter().map(|x| x * x).sum::<f64>()).abs() < 1e-12);
        });
    }
}

#[test]
fn the_infinite_and_the_undefined() {
    const INF: f32 = f32::INFINITY;
    for (reduce, inner) in [(3, 1), (40, 1), (3, 5), (40, 600)] {
        let extent = Extent { outer: 2, reduce, inner };
        let check = |x: &[f32], top: f32, log: f32| {
            on_every_level(|level| {
                let mut out = vec![0.0; 2 * inner];
                type Reduce = fn(&[f32], Extent, &mut [f32]);
                let reductions: [(_, Reduce, _); 2] = [("max", max_axis, top), ("logsumexp", logsumexp_axis, log)];
                for (name, reduce, want) in reductions {
                    reduce(x, extent, &mut out);
                    let got = out[inner - 1];
                    let same = got == want || (got.is_nan() && want.is_nan());
                    assert!(same, "{name} {extent:?} {level:?}: {got} for {want}");
                }
            });
        };
        // The line looked at is the last of the first outer block.
        let line = |at: usize, value: f32, rest: f32| {
            let mut x = vec![rest; 2 * reduce * inner];
            x[at * inner + inner - 1] = value;
            x
        };
        for at in [0, reduce - 1] {
            check(&line(at, -INF, -INF), -INF, -INF);
            check(&line(at, INF, -INF), INF, INF);
            check(&line(at, INF, 1.0), INF, INF);
            check(&line(at, f32::NAN, 1.0), f32::NAN, f32::NAN);
            check(&line(at, f32::NAN, INF), f32::NAN, f32::NAN);
            check(&line(at, 1e30, -INF), 1e30, 1e30);
            check(&line(at, -1e30, -INF), -1e30, -1e30);
        }
    }
}

#[test]
fn finiteness() {
    for n in [1, 5, 1023, 1024, 1025, 5000] {
        let mut x = vec![f32::MAX; n];
        on_every_level(|_| assert!(all_finite(&x)));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, n / 2, n - 1] {
                x[at] = bad;
                on_every_level(|level| assert!(!all_finite(&x), "{bad} at {at} of {n} on {level:?}"));
                x[at] = -0.0;
            }
        }
    }
    assert!(all_finite::<f64>(&[]));
}
