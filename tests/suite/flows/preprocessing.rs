//! Preprocessing: dequantization and the logit.

use super::{bits, near, rng, uniform};
use autograd::{Real, Tensor, Var};
use flows::layers::{Dequantize, Logit, Standardize};
use flows::{Bijection, Context, Noise};

/// Dequantized rows.
fn dequantized<T: Real>(levels: u32, pixels: &Tensor<T>, noise: Noise) -> Tensor<T> {
    Dequantize::new(levels).to_latent(&Var::from(pixels.clone()), Context::evaluation(noise)).value.into_value()
}

/// Every level many times over.
fn every_level<T: Real>(levels: usize, times: usize) -> Tensor<T> {
    Tensor::from_fn([times, levels], |i| T::from_f64((i % levels) as f64))
}

#[test]
fn noise_keeps_every_pixel_in_its_own_cell() {
    // In f32 the sum of a level and noise next to 1 would round up to the next level: for level
    // 255 about once in 130,000 draws, so that two million draws meet it.
    fn hold<T: Real>(levels: u32, times: usize) {
        let pixels = every_level::<T>(levels as usize, times);
        let found = dequantized(levels, &pixels, Noise::new(1));
        for (pixel, u) in pixels.as_slice().iter().zip(found.as_slice()) {
            let (k, u) = (pixel.to_f64(), u.to_f64());
            let own = (u * f64::from(levels)).floor() == k && u < 1.0;
            assert!(own, "{}: level {k} of {levels} became {u}", T::NAME);
        }
    }
    hold::<f32>(256, 8000);
    hold::<f64>(256, 100);
    hold::<f32>(2, 1000);
    hold::<f32>(1 << 16, 40);
}

#[test]
fn noise_fills_the_cells_evenly() {
    let pixels = every_level::<f64>(256, 80);
    let found = dequantized(256, &pixels, Noise::new(2));
    let mut places: Vec<f64> = found.as_slice().iter().map(|u| (u * 256.0).fract()).collect();
    places.sort_by(f64::total_cmp);
    let count = places.len() as f64;
    let far = |(i, place): (usize, &f64)| ((i as f64 + 0.5) / count - place).abs();
    let statistic = places.iter().enumerate().map(far).fold(0.0, f64::max);
    // Kolmogorov–Smirnov: larger once in a thousand.
    assert!(statistic < 1.95 / count.sqrt(), "{statistic}");
}

#[test]
fn a_rows_noise_does_not_depend_on_its_shard() {
    let pixels = Tensor::<f32>::from_fn([10, 7], |i| (i % 256) as f32);
    let noise = Noise::for_step(3, 14);
    let whole = dequantized(256, &pixels, noise);
    for cuts in [vec![0, 5, 10], vec![0, 1, 2, 9, 10]] {
        for pair in cuts.windows(2) {
            let part = dequantized(256, &pixels.rows(pair[0]..pair[1]), noise.from_row(pair[0]));
            assert_eq!(bits(&part), bits(&whole.rows(pair[0]..pair[1])));
        }
    }
    // Rows differ from each other, and so do seeds and steps.
    let zeros = dequantized(256, &Tensor::<f32>::zeros([2, 7]), noise);
    assert_ne!(zeros.rows(0..1).as_slice(), zeros.rows(1..2).as_slice());
    for other in [Noise::for_step(3, 15), Noise::for_step(4, 14)] {
        assert_ne!(bits(&dequantized(256, &pixels, other)), bits(&whole));
    }
}

#[test]
fn without_noise_levels_are_scaled_alone() {
    let pixels = every_level::<f64>(256, 1);
    let mapped = Dequantize::new(256).to_latent(&Var::from(pixels), Context::default());
    assert!(mapped.value.value().as_slice().iter().enumerate().all(|(k, u)| *u == k as f64 / 256.0));
    near(mapped.log_det.item(), -256.0 * 256.0f64.ln(), 1e-9);
}

#[test]
fn the_logits_log_det_is_that_of_its_definition() {
    for margin in [0.0, 1e-6, 1e-5, 0.05] {
        let u = uniform(&[4, 6], 1e-4, 1.0 - 1e-4, &mut rng(1));
        let mapped = Logit::new(margin).to_latent(&Var::from(u.clone()), Context::default());
        for row in 0..4 {
            // d/du logit(λ + (1−2λ)u) = (1−2λ)/(s(1−s)).
            let squeezed = u.as_slice()[6 * row..6 * row + 6].iter().map(|u| margin + (1.0 - 2.0 * margin) * u);
            let expected: f64 = squeezed.map(|s| ((1.0 - 2.0 * margin) / (s * (1.0 - s))).ln()).sum();
            near(mapped.log_det.value().as_slice()[row], expected, 1e-9);
        }
        for (u, y) in u.as_slice().iter().zip(mapped.value.value().as_slice()) {
            let s = margin + (1.0 - 2.0 * margin) * u;
            near(*y, (s / (1.0 - s)).ln(), 1e-9);
        }
    }
}

#[test]
fn the_logits_ends_are_finite_and_mirror_each_other_in_single_precision() {
    for margin in [1e-6, 1e-5, 0.05] {
        let u = Tensor::<f32>::from_slice([2, 1], &[0.0, 1.0]);
        let y = Logit::new(margin).to_latent(&Var::from(u), Context::default());
        let expected = (margin / (1.0 - margin)).ln();
        let (value, log_det) = (y.value.value().as_slice(), y.log_det.value().as_slice());
        near(f64::from(value[0]), expected, 1e-5);
        near(f64::from(value[1]), -expected, 1e-5);
        near(f64::from(log_det[0]), f64::from(log_det[1]), 1e-5);
    }
}

/// Everything that the logit's inverse returns has a finite logit. In `f32` it is the one that a reader computes in `f64`;
/// in `f64` the last digit of s at the ends is already lost in that formula.
#[test]
fn what_comes_back_from_a_logit_is_inside_its_interval() {
    fn check<T: Real>() {
        for margin in [0.0, 1e-6, 1e-5, 0.05] {
            let logit = Logit::new(margin);
            let z: Vec<T> = (-60..=60).map(|z| T::from_f64(2.0 * f64::from(z))).collect();
            let z = Var::from(Tensor::from_slice([z.len(), 1], &z));
            let u = logit.to_data(&z, Context::default()).value;
            let [low, high] = Bijection::<T>::support(&logit).unwrap();
            let of = |u: &T| u.to_f64() * (1.0 - 2.0 * margin) + margin;
            assert!(u.value().as_slice().iter().all(|u| (low..=high).contains(u)));
            // The ends themselves were reached, and beyond them is nothing.
            let (first, last) = (u.value().as_slice()[0], u.value().as_slice()[120]);
            assert!(last == high && (first == low || margin == 0.0), "{} {}", first.to_f64(), last.to_f64());
            let beyond = T::from_f64(high.to_f64() * (1.0 + 0.6 * T::EPSILON));
            assert!(of(&beyond) >= 1.0 - 1e-15);
            let mapped = logit.to_latent(&u, Context::default());
            assert!(mapped.value.value().all_finite() && mapped.log_det.value().all_finite());
            for (u, y) in u.value().as_slice().iter().zip(mapped.value.value().as_slice()) {
                let s = of(u);
                if T::NAME == "f32" {
                    near(y.to_f64(), (s / (1.0 - s)).ln(), 1e-4);
                }
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    fn refused<R>(make: fn() -> R) -> bool {
        std::panic::catch_unwind(make).is_err()
    }
    assert!(refused(|| Dequantize::new(0)));
    assert!(refused(|| Logit::new(0.5)));
    assert!(refused(|| Logit::new(-1e-9)));
    assert!(refused(|| Logit::new(f64::NAN)));
    assert!(refused(|| Standardize::<f64>::new(&[0.0], &[0.0])));
    assert!(refused(|| Standardize::<f64>::new(&[0.0], &[1.0, 1.0])));
}
