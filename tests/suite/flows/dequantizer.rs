//! Learned noise between levels.

use super::{bits, near, rng};
use autograd::{Real, Tape, Tensor, Var};
use flows::check::randomize;
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Dequantizer, DequantizerConfig, Flow, Logistic, Mapped, Module, Noise};

const IMAGE: [usize; 3] = [1, 4, 2];
const DIMS: usize = 8;

fn dequantizer<T: Real>(scale: f64) -> Dequantizer<T> {
    let config = DequantizerConfig { couplings: 4, channels: 5, blocks: 1 };
    let dequantizer = Dequantizer::build(&config, IMAGE, &mut rng(1));
    randomize(dequantizer.noise(), scale, &mut rng(2));
    dequantizer
}

fn levels<T: Real>(rows: usize) -> Tensor<T> {
    Tensor::from_fn([rows, DIMS], |i| T::from_f64((i * 37 % 256) as f64))
}

fn filled<T: Real>(with: &Dequantizer<T>, levels: &Tensor<T>, noise: Noise) -> Mapped<T> {
    with.dequantize(256, &Var::from(levels.clone()), Context::evaluation(noise))
}

#[test]
fn untrained_noise_is_uniform_and_the_same_as_without_a_model() {
    let (learned, k) = (dequantizer::<f64>(0.0), levels(5));
    let Mapped { value, log_det } = filled(&learned, &k, Noise::new(3));
    assert!(log_det.value().as_slice().iter().all(|log_det| log_det.abs() < 1e-9), "{log_det:?}");
    let plain: Flow<f64> = Flow::new(flows::Chain::new(Vec::new()), Logistic, [DIMS]);
    let uniform = plain.dequantize(256, &Var::from(k), Context::evaluation(Noise::new(3)));
    for (learned, uniform) in value.value().as_slice().iter().zip(uniform.value.value().as_slice()) {
        near(*learned, *uniform, 1e-9);
    }
}

/// ε is what the flow q has at the noise, so its density there is that of the change of variables in the other direction.
#[test]
fn the_log_determinant_is_the_noises_density_given_the_image() {
    let (learned, k) = (dequantizer::<f64>(0.15), levels(6));
    let Mapped { value, log_det } = filled(&learned, &k, Noise::new(4));
    let image = Tensor::from_fn([6, DIMS], |i| k.as_slice()[i] / 127.5 - 1.0);
    let epsilon = Tensor::from_fn([6, DIMS], |i| 256.0 * value.value().as_slice()[i] - k.as_slice()[i]);
    let log_q = learned.noise().log_prob_given(&epsilon, &image).unwrap();
    assert!(log_q.as_slice().iter().any(|log_q| log_q.abs() > 0.1), "{log_q:?} is almost uniform");
    for (log_q, log_det) in log_q.as_slice().iter().zip(log_det.value().as_slice()) {
        near(*log_det, -log_q, 1e-6);
    }
    // Another image has other noise.
    let other = learned.noise().log_prob_given(&epsilon, &Tensor::zeros([6, DIMS])).unwrap();
    assert_ne!(bits(&other), bits(&log_q));
}

#[test]
fn learned_noise_keeps_every_pixel_in_its_own_cell_and_depends_on_its_row_alone() {
    // Large weights push the noise to the ends of the cells.
    let (learned, k, noise) = (dequantizer::<f32>(3.0), levels::<f32>(200), Noise::for_step(3, 14));
    let whole = filled(&learned, &k, noise);
    for (k, u) in k.as_slice().iter().zip(whole.value.value().as_slice()) {
        assert!((u * 256.0).floor() == *k && *u < 1.0, "level {k} became {u}");
    }
    let part = filled(&learned, &k.rows(40..90), noise.from_row(40));
    for (part, whole) in [(&part.value, &whole.value), (&part.log_det, &whole.log_det)] {
        assert_eq!(bits(part.value()), bits(&whole.value().rows(40..90)));
    }
}

/// Where p is `Π 6ε(1 − ε)` within each cell, the best q is the same, and the bound `E[log p − log q]` is then 0.
#[test]
fn noise_learns_the_density_within_the_cells() {
    let learned = dequantizer::<f64>(0.0);
    let k = levels::<f64>(64);
    let bound = |tape: &Tape<f64>, step: u64| {
        let k = tape.constant(k.clone());
        let Mapped { value, log_det } = learned.dequantize(256, &k, Context::training(Noise::for_step(1, step)));
        let epsilon = value.scale(256.0) - k;
        let log_p = (epsilon.ln() + epsilon.affine(-1.0, 1.0).ln()).shift(6.0f64.ln()).sum_per_sample();
        (log_p + log_det).mean_all().scale(1.0 / DIMS as f64)
    };
    let mut adam = Adam::new(learned.noise().params(), AdamConfig::default());
    let before = bound(&Tape::new(), 0).item();
    for step in 1..=60 {
        let tape = Tape::new();
        adam.step(&tape.backward(&-bound(&tape, step)), 0.02);
    }
    let after = bound(&Tape::new(), 0).item();
    // ln 6 − 2 with uniform noise.
    near(before, 6.0f64.ln() - 2.0, 0.1);
    assert!((-0.06..0.01).contains(&after), "{after} nats a pixel, from {before}");
}
