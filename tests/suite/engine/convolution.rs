//! Convolutions and matrix products against their definitions, at sizes that fill vector
//! registers and leave remainders, in both types.

use super::draw::noise;
use super::products::{Geometry, by_weight, geometry};
use super::{Outcome, close, hold, inner};
use autograd::{Real, Tensor, Var, parallel};
use proptest::prelude::*;

/// Calls `tap(x, w, y)` with the flat positions of each product of the convolution.
fn taps(g: &Geometry, mut tap: impl FnMut(usize, usize, usize)) {
    let ([batch, inputs, height, width], [_, outputs, out_h, out_w]) = (g.input(), g.output());
    let [kernel_h, kernel_w] = g.kernel;
    let position = |axis: usize, out: usize, k: usize, extent: usize| {
        (out * g.stride[axis] + k * g.dilation[axis]).checked_sub(g.padding[axis]).filter(|&i| i < extent)
    };
    for b in 0..batch {
        for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
            for (p, q) in (0..kernel_h).flat_map(|p| (0..kernel_w).map(move |q| (p, q))) {
                for (y, x) in (0..out_h).flat_map(|y| (0..out_w).map(move |x| (y, x))) {
                    if let (Some(row), Some(col)) = (position(0, y, p, height), position(1, x, q, width)) {
                        tap(
                            ((b * inputs + i) * height + row) * width + col,
                            ((o * inputs + i) * kernel_h + p) * kernel_w + q,
                            ((b * outputs + o) * out_h + y) * out_w + x,
                        );
                    }
                }
            }
        }
    }
}

/// All three against the definition, summed in `f64`, to within a rounding of each term.
fn as_defined<T: Real>(g: &Geometry) -> Outcome {
    let (x, w, dy) = (noise(g.input(), 1), noise(g.weight(), 2), noise(g.output(), 3));
    let round = |x: &Tensor<f64>| x.cast::<T>();
    let (xs, ws, dys) = (round(&x), round(&w), round(&dy));
    let (mut y, mut dx, mut dw) = (Tensor::zeros(g.output()), Tensor::zeros(g.input()), Tensor::zeros(g.weight()));
    {
        let (y, dx, dw) = (y.as_mut_slice(), dx.as_mut_slice(), dw.as_mut_slice());
        let (x, w, dy) = (xs.as_slice(), ws.as_slice(), dys.as_slice());
        taps(g, |i, k, o| {
            y[o] += x[i].to_f64() * w[k].to_f64();
            dx[i] += dy[o].to_f64() * w[k].to_f64();
            dw[k] += dy[o].to_f64() * x[i].to_f64();
        });
    }
    let (vx, vw, vdy) = (Var::from(xs), Var::from(ws), Var::from(dys.clone()));
    // Terms are at most 1 in size and each is rounded at most twice.
    let bound = |terms: usize| 2.0 * T::EPSILON * (terms as f64).max(4.0);
    let [_, inputs, height, width] = g.input();
    let (taps, positions) = (g.kernel[0] * g.kernel[1], g.batch * height * width);
    let forward = vx.conv2d(&vw, g.spec());
    close("conv2d", &forward.value().cast(), &y, bound(inputs * taps))?;
    let back = vdy.conv2d_transposed(&vw, g.spec(), [height, width]);
    close("conv2d_transposed", &back.value().cast(), &dx, bound(g.channels[1] * taps))?;
    let tape = autograd::Tape::new();
    let weight = tape.variable(vw.into_value());
    let recorded = vx.conv2d(&weight, g.spec());
    let by_weight = tape.vjp(&recorded, &Var::from(dys), &[&weight]).remove(0);
    close("conv2d by weight", &by_weight.value().cast(), &dw, bound(positions))
}

#[test]
fn small_convolutions_of_any_geometry() {
    hold(400, &geometry(5, 3, 6), |g| as_defined::<f64>(&g).and_then(|()| as_defined::<f32>(&g))).unwrap();
}

/// The shapes that the models use, and sizes next to multiples of vector widths.
#[test]
fn larger_convolutions() {
    let base = Geometry {
        batch: 2,
        channels: [3, 16],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
        spare: [14, 14],
    };
    let mut all = vec![
        base.clone(),
        Geometry { channels: [17, 33], spare: [5, 12], ..base.clone() },
        Geometry { channels: [32, 31], kernel: [1, 1], padding: [0, 0], spare: [15, 16], ..base.clone() },
        Geometry { channels: [1, 8], kernel: [7, 7], padding: [3, 3], spare: [22, 21], ..base.clone() },
        Geometry { channels: [8, 8], stride: [2, 2], spare: [15, 17], ..base.clone() },
        Geometry { channels: [4, 5], dilation: [4, 2], padding: [4, 2], spare: [19, 31], ..base.clone() },
        Geometry { channels: [2, 3], kernel: [1, 5], padding: [0, 4], spare: [0, 67], ..base.clone() },
        Geometry { batch: 1, channels: [64, 64], spare: [4, 4], ..base.clone() },
    ];
    all.extend((28..34).map(|spare| Geometry { channels: [2, 6], spare: [3, spare], ..base.clone() }));
    for threads in [1, 2] {
        for g in &all {
            parallel::with_threads(threads, || as_defined::<f64>(g).and_then(|()| as_defined::<f32>(g))).unwrap();
        }
    }
}

/// All three give the same ⟨dy, x ⋆ w⟩.
#[test]
fn the_three_convolutions_are_each_others_adjoints() {
    hold(200, &geometry(3, 2, 5), |g| {
        let (x, w, dy) = (noise(g.input(), 4), noise(g.weight(), 5), noise(g.output(), 6));
        let [vx, vw, vdy] = [&x, &w, &dy].map(|x| Var::from(x.clone()));
        let (forward, size) = inner(&dy, vx.conv2d(&vw, g.spec()).value());
        let by_input = inner(&x, vdy.conv2d_transposed(&vw, g.spec(), [g.size(0), g.size(1)]).value()).0;
        let by_weight = inner(&w, by_weight(&vx, &vdy, &g).value()).0;
        let bound = 1e-12 * size.max(1.0);
        prop_assert!((forward - by_input).abs() <= bound, "{forward} forward, {by_input} by input");
        prop_assert!((forward - by_weight).abs() <= bound, "{forward} forward, {by_weight} by weight");
        Ok(())
    })
    .unwrap();
}

/// A causal 1-D convolution, and its definition.
#[test]
fn signals() {
    let (x, w) = (noise([2, 3, 11], 1), noise([4, 3, 3], 2));
    let y = Var::from(x.clone()).conv1d(&Var::from(w.clone()), 2, 4, 0).into_value();
    assert_eq!(*y.shape(), [2, 4, 11].into());
    let (xs, ws) = (x.as_slice(), w.as_slice());
    let expected = Tensor::from_fn([2, 4, 11], |at| {
        let (b, o, t) = (at / 44, at / 11 % 4, at % 11);
        let taps = (0..3).flat_map(|i| (0..3).map(move |k| (i, k)));
        let term = |(i, k): (usize, usize)| {
            let past = (2 - k) * 2;
            if past > t { 0.0 } else { xs[(b * 3 + i) * 11 + t - past] * ws[(o * 3 + i) * 3 + k] }
        };
        taps.map(term).sum()
    });
    close("causal conv1d", &y, &expected, 1e-14).unwrap();
}

fn product<T: Real>(m: usize, k: usize, n: usize) -> Outcome {
    let (a, b) = (noise([m, k], 1).cast::<T>(), noise([k, n], 2).cast::<T>());
    let expected = Tensor::from_fn([m, n], |at| {
        let (i, j) = (at / n, at % n);
        (0..k).map(|l| a.as_slice()[i * k + l].to_f64() * b.as_slice()[l * n + j].to_f64()).sum()
    });
    let (a, b) = (Var::from(a), Var::from(b));
    let (at, bt) = (a.transpose(), b.transpose());
    let bound = T::EPSILON * k as f64;
    for (what, got) in [("a·b", a.matmul(&b)), ("a·(bᵀ)ᵀ", a.matmul_t(&bt)), ("(aᵀ)ᵀ·b", at.t_matmul(&b))] {
        close(&format!("{what} of {m}×{k}×{n}"), &got.value().cast(), &expected, bound.max(1e-15))?;
    }
    Ok(())
}

#[test]
fn matrix_products() {
    for threads in [1, 2, 3] {
        for (m, k, n) in [(1, 1, 1), (1, 784, 10), (7, 1, 5), (33, 65, 17), (128, 300, 129), (2, 5000, 3), (257, 64, 1)]
        {
            parallel::with_threads(threads, || product::<f64>(m, k, n).and_then(|()| product::<f32>(m, k, n))).unwrap();
        }
    }
}
