//! The three convolutions against their definition, in random geometries, at every level of
//! instructions that this machine has.

use super::{Conv2d, product};
use crate::bilinear::Side;
use crate::kernels::simd::on_every_level;
use crate::ops::ConvSpec;
use crate::real::Real;

/// Small, reproducible randomness.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Numbers between −1 and 1, exact in `f32`.
    pub(super) fn numbers(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| (self.next() % 2001) as f64 / 1024.0 - 2000.0 / 2048.0).collect()
    }

    fn geometry(&mut self) -> Conv2d {
        loop {
            let pair = |random: &mut Self, of: &[usize]| [random.pick(of), random.pick(of)];
            let channels = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 33, 65];
            let [outs, ins] = pair(self, &channels);
            let [height, width] = pair(self, &[1, 2, 3, 5, 6, 7, 8, 11, 14, 19]);
            let kernel = pair(self, &[1, 1, 2, 3, 3, 3, 4, 5]);
            let stride = pair(self, &[1, 1, 1, 2, 3]);
            let padding = pair(self, &[0, 1, 1, 2, 4]);
            let dilation = pair(self, &[1, 1, 1, 2, 3]);
            let batch = self.pick(&[1, 1, 2, 3, 5]);
            let weight = [outs, ins, kernel[0], kernel[1]];
            let spec = ConvSpec { stride, padding, dilation };
            if let Ok(geometry) = Conv2d::new([batch, ins, height, width], weight, spec) {
                return geometry;
            }
        }
    }
}

/// The output and both gradients, by the definition.
pub(super) fn defined(g: &Conv2d, x: &[f64], w: &[f64], dy: &[f64]) -> [Vec<f64>; 3] {
    let ([images, outs, out_h, out_w], [_, ins, height, width]) = (g.shape(Side::Output), g.shape(Side::Input));
    let ([kernel_h, kernel_w], ConvSpec { stride, padding, dilation }) = (g.kernel, g.spec);
    let [mut y, mut dx, mut dw] = [dy, x, w].map(|like| vec![0.0; like.len()]);
    for at_y in 0..images * outs * out_h * out_w {
        let (b, o, row, col) =
            (at_y / (outs * out_h * out_w), at_y / (out_h * out_w) % outs, at_y / out_w % out_h, at_y % out_w);
        for tap in 0..ins * kernel_h * kernel_w {
            let (i, kh, kw) = (tap / (kernel_h * kernel_w), tap / kernel_w % kernel_h, tap % kernel_w);
            let (h, v) = (row * stride[0] + kh * dilation[0], col * stride[1] + kw * dilation[1]);
            let (Some(h), Some(v)) = (h.checked_sub(padding[0]), v.checked_sub(padding[1])) else { continue };
            if h < height && v < width {
                let at_x = ((b * ins + i) * height + h) * width + v;
                let at_w = o * ins * kernel_h * kernel_w + tap;
                y[at_y] += x[at_x] * w[at_w];
                dx[at_x] += dy[at_y] * w[at_w];
                dw[at_w] += dy[at_y] * x[at_x];
            }
        }
    }
    [y, dx, dw]
}

pub(super) fn rounded<T: Real>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

#[track_caller]
fn assert_close<T: Real>(what: &str, context: &str, found: &[T], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(1.0f64, |scale, x| scale.max(x.abs()));
    for (i, (found, &expected)) in found.iter().zip(expected).enumerate() {
        let close = (found.to_f64() - expected).abs() <= tolerance * scale;
        assert!(close, "{what}[{i}] is {found} and should be {expected}: {context}");
    }
}

/// All three by the kernels. What is written over is NaN, so that reading it would show.
fn computed<T: Real>(threads: usize, g: &Conv2d, x: &[T], w: &[T], dy: &[T]) -> [Vec<T>; 3] {
    let nan = |len: usize| vec![T::from_f64(f64::NAN); len];
    let (mut y, mut dx, mut dw) = (nan(dy.len()), nan(x.len()), nan(w.len()));
    product(g, Side::Output, threads, x, w, &mut y);
    product(g, Side::Input, threads, dy, w, &mut dx);
    product(g, Side::Weight, threads, x, dy, &mut dw);
    [y, dx, dw]
}

fn check_geometry<T: Real>(g: &Conv2d, random: &mut Random, tolerance: f64) {
    let [x, w, dy] = [Side::Input, Side::Weight, Side::Output].map(|side| random.numbers(g.len(side)));
    let expected = defined(g, &x, &w, &dy);
    let (x, w, dy) = (rounded::<T>(&x), rounded(&w), rounded(&dy));
    on_every_level(|level| {
        let context = format!("{level:?}, {g:?}");
        let found = computed(1, g, &x, &w, &dy);
        for (what, (found, expected)) in ["y", "dx", "dw"].iter().zip(found.iter().zip(&expected)) {
            assert_close(what, &context, found, expected, tolerance);
        }
        for threads in [2, 3] {
            assert!(computed(threads, g, &x, &w, &dy) == found, "{threads} threads differ: {context}");
        }
    });
}

#[test]
fn random_geometries() {
    let mut random = Random(1);
    for _ in 0..300 {
        let geometry = random.geometry();
        check_geometry::<f64>(&geometry, &mut random, 1e-14);
        let geometry = random.geometry();
        check_geometry::<f32>(&geometry, &mut random, 2e-6);
    }
}

/// Sizes at which panels, blocks of lanes and slices of the sum are more than one.
#[test]
fn more_than_one_panel() {
    let mut random = Random(3);
    let cases = [
        ([1, 3, 70, 40], [4, 3, 3, 3], [1, 1]),
        ([2, 3, 70, 40], [70, 3, 3, 3], [1, 2]),
        ([1, 70, 37, 61], [5, 70, 3, 3], [1, 1]),
        ([1, 520, 5, 5], [33, 520, 3, 3], [1, 1]),
        ([2, 33, 5, 5], [300, 33, 3, 3], [2, 2]),
        ([1, 3, 90, 45], [20, 3, 3, 3], [2, 1]),
        ([1, 3, 1, 3000], [20, 3, 1, 5], [1, 1]),
    ];
    for (input, weight, stride) in cases {
        let padding = [weight[2] / 2, 1];
        let geometry = Conv2d::new(input, weight, ConvSpec { stride, padding, dilation: [1, 1] }).unwrap();
        check_geometry::<f32>(&geometry, &mut random, 4e-6);
        check_geometry::<f64>(&geometry, &mut random, 1e-14);
    }
}

#[test]
fn nothing_to_sum_is_zero() {
    let g = Conv2d::new([2, 0, 3, 3], [4, 0, 3, 3], ConvSpec::padded(1)).unwrap();
    let mut y = vec![f32::NAN; g.len(Side::Output)];
    product(&g, Side::Output, 2, &[], &[], &mut y);
    assert!(y.iter().all(|&y| y == 0.0));
    let g = Conv2d::new([0, 2, 3, 3], [4, 2, 3, 3], ConvSpec::padded(1)).unwrap();
    let mut dw = vec![f32::NAN; g.len(Side::Weight)];
    product(&g, Side::Weight, 2, &[], &[], &mut dw);
    assert!(dw.iter().all(|&dw| dw == 0.0));
    // A stride longer than the kernel leaves input elements that no output sees.
    let spec = ConvSpec { stride: [3, 3], ..ConvSpec::padded(0) };
    let g = Conv2d::new([1, 2, 7, 7], [3, 2, 1, 1], spec).unwrap();
    let mut dx = vec![f32::NAN; g.len(Side::Input)];
    product(&g, Side::Input, 1, &vec![1.0; g.len(Side::Output)], &vec![1.0; g.len(Side::Weight)], &mut dx);
    assert_eq!(dx.iter().filter(|&&dx| dx == 3.0).count(), 18);
    assert_eq!(dx.iter().filter(|&&dx| dx == 0.0).count(), 80);
}

#[test]
fn impossible_geometries_say_why() {
    let said = |input, weight, stride, padding, dilation| {
        Conv2d::new(input, weight, ConvSpec { stride, padding, dilation }).unwrap_err()
    };
    let channels = said([1, 3, 8, 8], [4, 2, 3, 3], [1, 1], [0, 0], [1, 1]);
    assert!(channels.contains("has 3 channels and the weights expect 2"), "{channels}");
    let kernel = said([1, 3, 8, 2], [4, 3, 3, 3], [1, 1], [0, 0], [1, 2]);
    assert!(kernel.contains("kernel is 5 wide") && kernel.contains("only 2 with padding"), "{kernel}");
    let zero = said([1, 3, 8, 8], [4, 3, 3, 3], [0, 1], [0, 0], [1, 1]);
    assert!(zero.contains("stride [0, 1]"), "{zero}");
    let large = said([1, 3, 8, 8], [4, 3, 3, 3], [1, 1], [usize::MAX, 0], [1, 1]);
    assert!(large.contains("too many"), "{large}");
    let large = said([1, 3, 1 << 40, 1 << 40], [4, 3, 3, 3], [1, 1], [0, 0], [1, 1]);
    assert!(large.contains("too many"), "{large}");
}
