//! The three convolutions against their definition, in random geometries, at every level of
//! instructions that this machine has.

use super::{Conv2d, Convolve, Level, by_input_at, by_weight_at, forward_at};

/// Small, reproducible randomness.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Numbers between −1 and 1, exact in `f32`.
    fn numbers(&mut self, len: usize) -> Vec<f64> {
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
            if let Ok(geometry) = Conv2d::with([batch, ins, height, width], weight, stride, padding, dilation) {
                return geometry;
            }
        }
    }
}

/// What the three should give.
struct Defined {
    y: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
}

/// The definition, as seven loops.
fn defined(g: &Conv2d, x: &[f64], w: &[f64], dy: &[f64]) -> Defined {
    let (out_h, out_w) = (g.out_h(), g.out_w());
    let mut all = Defined { y: vec![0.0; dy.len()], dx: vec![0.0; x.len()], dw: vec![0.0; w.len()] };
    for b in 0..g.batch {
        for o in 0..g.out_channels {
            for i in 0..g.in_channels {
                for row in 0..out_h {
                    for col in 0..out_w {
                        for kh in 0..g.kernel_h {
                            for kw in 0..g.kernel_w {
                                let h = row * g.stride[0] + kh * g.dilation[0];
                                let v = col * g.stride[1] + kw * g.dilation[1];
                                let (Some(h), Some(v)) = (h.checked_sub(g.padding[0]), v.checked_sub(g.padding[1]))
                                else {
                                    continue;
                                };
                                if h >= g.in_h || v >= g.in_w {
                                    continue;
                                }
                                let at_y = ((b * g.out_channels + o) * out_h + row) * out_w + col;
                                let at_x = ((b * g.in_channels + i) * g.in_h + h) * g.in_w + v;
                                let at_w = ((o * g.in_channels + i) * g.kernel_h + kh) * g.kernel_w + kw;
                                all.y[at_y] += x[at_x] * w[at_w];
                                all.dx[at_x] += dy[at_y] * w[at_w];
                                all.dw[at_w] += dy[at_y] * x[at_x];
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

/// An element type that the definition can be compared with.
trait Number: Convolve + PartialEq + Into<f64> {
    fn rounded(numbers: &[f64]) -> Vec<Self>;
}

impl Number for f32 {
    fn rounded(numbers: &[f64]) -> Vec<Self> {
        numbers.iter().map(|&x| x as Self).collect()
    }
}

impl Number for f64 {
    fn rounded(numbers: &[f64]) -> Vec<Self> {
        numbers.to_vec()
    }
}

#[track_caller]
fn assert_close<T: Number>(what: &str, context: &str, found: &[T], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(1.0f64, |scale, x| scale.max(x.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let found: f64 = found.into();
        let close = (found - expected).abs() <= tolerance * scale;
        assert!(close, "{what}[{i}] is {found} and should be {expected}: {context}");
    }
}

/// All three by the kernels. What is written over is NaN, so that reading it would show.
fn computed<T: Number>(level: Level, threads: usize, g: &Conv2d, x: &[T], w: &[T], dy: &[T]) -> [Vec<T>; 3] {
    let nan = T::rounded(&[f64::NAN])[0];
    let (mut y, mut dx, mut dw) = (vec![nan; dy.len()], vec![nan; x.len()], vec![nan; w.len()]);
    forward_at(level, g, threads, x, w, &mut y);
    by_input_at(level, g, threads, dy, w, &mut dx);
    by_weight_at(level, g, threads, x, dy, &mut dw);
    [y, dx, dw]
}

fn check_geometry<T: Number>(g: &Conv2d, random: &mut Random, tolerance: f64) {
    let (x, w) = (random.numbers(g.input_len()), random.numbers(g.weight_len()));
    let dy = random.numbers(g.output_len());
    let expected = defined(g, &x, &w, &dy);
    let (x, w, dy) = (T::rounded(&x), T::rounded(&w), T::rounded(&dy));
    for level in Level::available() {
        let context = format!("{level:?}, {g:?}");
        let [y, dx, dw] = computed(level, 1, g, &x, &w, &dy);
        assert_close("y", &context, &y, &expected.y, tolerance);
        assert_close("dx", &context, &dx, &expected.dx, tolerance);
        assert_close("dw", &context, &dw, &expected.dw, tolerance);
        for threads in [2, 3] {
            let [again_y, again_dx, again_dw] = computed(level, threads, g, &x, &w, &dy);
            assert!(again_y == y && again_dx == dx && again_dw == dw, "{threads} threads differ: {context}");
        }
    }
}

#[test]
fn random_geometries_in_f64() {
    let mut random = Random(1);
    for _ in 0..300 {
        let geometry = random.geometry();
        check_geometry::<f64>(&geometry, &mut random, 1e-14);
    }
}

#[test]
fn random_geometries_in_f32() {
    let mut random = Random(2);
    for _ in 0..300 {
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
        let geometry = Conv2d::with(input, weight, stride, padding, [1, 1]).unwrap();
        check_geometry::<f32>(&geometry, &mut random, 4e-6);
        check_geometry::<f64>(&geometry, &mut random, 1e-14);
    }
}

/// `⟨dy, x ⋆ w⟩ = ⟨dx, x⟩ = ⟨dw, w⟩`.
#[test]
fn adjoints() {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut random = Random(4);
    for _ in 0..200 {
        let g = random.geometry();
        let (x, w) = (random.numbers(g.input_len()), random.numbers(g.weight_len()));
        let dy = random.numbers(g.output_len());
        let [y, dx, dw] = computed(Level::detect(), 2, &g, &x, &w, &dy);
        let size = y.iter().zip(&dy).map(|(a, b)| (a * b).abs()).sum::<f64>().max(1.0);
        let products = [dot(&dy, &y), dot(&dx, &x), dot(&dw, &w)];
        for product in products {
            assert!((product - products[0]).abs() <= 1e-12 * size, "{products:?}: {g:?}");
        }
    }
}

#[test]
fn nothing_to_sum_is_zero() {
    let g = Conv2d::with([2, 0, 3, 3], [4, 0, 3, 3], [1, 1], [1, 1], [1, 1]).unwrap();
    let mut y = vec![f32::NAN; g.output_len()];
    super::forward(&g, 2, &[], &[], &mut y);
    assert!(y.iter().all(|&y| y == 0.0));
    let g = Conv2d::with([0, 2, 3, 3], [4, 2, 3, 3], [1, 1], [1, 1], [1, 1]).unwrap();
    let mut dw = vec![f32::NAN; g.weight_len()];
    super::by_weight(&g, 2, &[], &[], &mut dw);
    assert!(dw.iter().all(|&dw| dw == 0.0));
    // A stride longer than the kernel leaves input elements that no output sees.
    let g = Conv2d::with([1, 2, 7, 7], [3, 2, 1, 1], [3, 3], [0, 0], [1, 1]).unwrap();
    let mut dx = vec![f32::NAN; g.input_len()];
    super::by_input(&g, 1, &vec![1.0; g.output_len()], &vec![1.0; g.weight_len()], &mut dx);
    assert_eq!(dx.iter().filter(|&&dx| dx == 3.0).count(), 18);
    assert_eq!(dx.iter().filter(|&&dx| dx == 0.0).count(), 80);
}

#[test]
fn impossible_geometries_say_why() {
    let said = |input, weight, stride, padding, dilation| {
        Conv2d::with(input, weight, stride, padding, dilation).unwrap_err().to_string()
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
