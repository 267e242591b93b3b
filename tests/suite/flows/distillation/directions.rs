//! Forward KL, Jeffreys' divergence and guided regression, for the lecture's pair.

use super::{LENGTH, fix, gradient_is_that_of_differences, maf_and_iaf, mean};
use crate::flows::{near, param_bits, rng, uniform};
use autograd::{Tape, Tensor, Var};
use flows::check::randomize;
use flows::distillation::{forward_kl, forward_log_ratio, freeze, guided, initialize, jeffreys, reverse_kl};
use flows::models::{AutoregressiveConfig, Iaf, Maf, Norm};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module};

/// A teacher and a student of one layer whose dimensions are Gaussians of these shifts and log-scales.
fn gaussians(teacher: [f64; 2], student: [f64; 2]) -> (Flow<f64>, Flow<f64>) {
    let (maf, iaf) = maf_and_iaf(1);
    fix(&maf, "net.1.weight", "net.1.bias", &teacher);
    fix(&iaf, "net.1.weight", "net.1.bias", &student);
    (maf, iaf)
}

fn latents(rows: usize, seed: u64) -> Var<f64> {
    let flow = maf_and_iaf(1).0;
    flow.base().sample([rows, LENGTH].into(), 1.0, &mut rng(seed)).into()
}

#[test]
fn each_direction_of_the_divergence_is_that_of_two_gaussians() {
    // The layers bound a log-scale softly: α = 5·tanh(a/5).
    let (m, a, n, b) = (0.4, -0.3, -0.2, 0.5);
    let (teacher, student) = gaussians([m, a], [n, b]);
    let [s, t] = [a, b].map(|log: f64| 5.0 * (log / 5.0).tanh());
    // KL(N(m, e²ˢ) ‖ N(n, e²ᵗ)) = t − s + (e²ˢ + (m − n)²)/(2e²ᵗ) − 1/2
    let divergence =
        |s: f64, t: f64| LENGTH as f64 * (t - s + ((2.0 * s).exp() + (m - n).powi(2)) / (2.0 * (2.0 * t).exp()) - 0.5);
    let cx = Context::default();
    let (x, log_t) = teacher.sample_with_log_prob(20_000, cx, &mut rng(1));
    let (x, log_t) = (Var::from(x), Var::from(log_t));
    let ratios = forward_log_ratio(&student, &x, &log_t, cx);
    let (found, error) = mean(ratios.value().as_slice());
    near(found, divergence(s, t), 4.0 * error);
    assert!(error < 0.05, "{error}");
    near(forward_kl(&student, &teacher, &x, cx).item(), found, 1e-9);
    let z = latents(20_000, 2);
    let reverse = reverse_kl(&student, &teacher, &z, cx).item();
    near(reverse, divergence(t, s), 0.1);
    assert!((reverse - found).abs() > 0.5, "the two directions should differ: {reverse} and {found}");
    near(jeffreys(&student, &teacher, &x, &z, cx).item(), found + reverse, 1e-9);
    // x = m + eˢz: the squares are known too.
    let loss = guided(&student, &teacher, &x, &z, cx).item();
    let there = |z: f64| n + t.exp() * z;
    let squares = |z: &Var<f64>, f: &dyn Fn(f64) -> f64| {
        z.value().as_slice().iter().map(|&z| f(z).powi(2)).sum::<f64>() / z.extent(0) as f64
    };
    let first = squares(&x, &|x| there((x - m) * (-s).exp()) - x);
    let second = squares(&z, &|z| (there(z) - m) * (-s).exp() - z);
    near(loss, 0.5 * (first + second), 1e-9 * loss);
}

#[test]
fn a_student_that_is_its_teacher_loses_nothing() {
    let (teacher, student) = gaussians([0.4, -0.3], [0.4, -0.3]);
    let (x, z, cx) = (latents(50, 3), latents(50, 4), Context::default());
    near(forward_kl(&student, &teacher, &x, cx).item(), 0.0, 1e-12);
    near(jeffreys(&student, &teacher, &x, &z, cx).item(), 0.0, 1e-12);
    near(guided(&student, &teacher, &x, &z, cx).item(), 0.0, 1e-12);
}

/// A teacher away from where it starts and a student at its start, given a condition, of as many layers as these.
fn given(of_teacher: usize, of_student: usize) -> (Flow<f64>, Flow<f64>) {
    let config = |layers| AutoregressiveConfig {
        condition: 2,
        norm: Norm::Act,
        ..AutoregressiveConfig::new(LENGTH, layers, vec![20])
    };
    let teacher = Maf::build(&config(of_teacher), &mut rng(1));
    randomize(&teacher, 0.3, &mut rng(3));
    freeze(&teacher);
    (teacher, Iaf::build(&config(of_student), &mut rng(2)))
}

#[test]
fn gradients_by_the_student_are_those_of_differences_in_all_directions() {
    let (x, z) = (latents(4, 5).into_value(), latents(4, 6).into_value());
    let condition = uniform(&[4, 2], -1.0, 1.0, &mut rng(7));
    // With layers to compare one by one, and without.
    for layers in [2, 3] {
        let (teacher, student) = given(2, layers);
        randomize(&student, 0.1, &mut rng(4));
        type Loss = fn(&Flow<f64>, &Flow<f64>, &Var<f64>, &Var<f64>, Context<'_, f64>) -> Var<f64>;
        let forward: Loss = |student, teacher, x, _, cx| forward_kl(student, teacher, x, cx);
        for loss in [forward, jeffreys, guided] {
            gradient_is_that_of_differences(&student, |tape| {
                let condition = tape.constant(condition.clone());
                let cx = Context::default().given(&condition);
                loss(&student, &teacher, &tape.constant(x.clone()), &tape.constant(z.clone()), cx)
            });
        }
    }
}

#[test]
fn each_loss_brings_the_student_nearer_in_both_directions() {
    let condition = Tensor::from_fn([64, 2], |i| (i / 2 % 2 == i % 2) as u8 as f64);
    type Loss = fn(&Flow<f64>, &Flow<f64>, &Var<f64>, &Var<f64>, Context<'_, f64>) -> Var<f64>;
    let forward: Loss = |student, teacher, x, _, cx| forward_kl(student, teacher, x, cx);
    for (name, loss) in [("forward", forward), ("Jeffreys", jeffreys), ("guided", guided)] {
        let (teacher, student) = given(2, 2);
        let before = param_bits(&teacher);
        let on = |tape: &Tape<f64>, rng: &mut rand_chacha::ChaCha8Rng| {
            let condition = tape.constant(condition.clone());
            let cx = Context::default().given(&condition);
            let x = tape.constant(teacher.sample(64, cx, 1.0, rng));
            (condition.clone(), x, tape.constant(teacher.base().sample([64, LENGTH].into(), 1.0, rng)))
        };
        let judged = || {
            let tape = Tape::new();
            let mut rng = rng(8);
            let both = (0..20).map(|_| {
                let (condition, x, z) = on(&tape, &mut rng);
                let cx = Context::default().given(&condition);
                [forward_kl(&student, &teacher, &x, cx).item(), reverse_kl(&student, &teacher, &z, cx).item()]
            });
            both.fold([0.0, 0.0], |sum, both| [sum[0] + both[0] / 20.0, sum[1] + both[1] / 20.0])
        };
        let start = judged();
        {
            let tape = Tape::new();
            let (condition, x, _) = on(&tape, &mut rng(9));
            initialize(&student, &teacher, &x, Context::default().given(&condition));
        }
        let (mut adam, mut rng) = (Adam::new(student.params(), AdamConfig::default()), rng(10));
        for _ in 0..300 {
            let tape = Tape::new();
            let (condition, x, z) = on(&tape, &mut rng);
            let value = loss(&student, &teacher, &x, &z, Context::default().given(&condition));
            adam.step(&tape.backward(&value), 1e-2);
        }
        let end = judged();
        assert!(end[0] < 0.2 * start[0] && end[1] < 0.2 * start[1], "{name}: from {start:?} to {end:?} nats");
        assert!(end[0] > -0.1 && end[1] > -0.1, "{name}: {end:?}");
        assert_eq!(param_bits(&teacher), before, "{name}: the teacher changed");
    }
}

#[test]
fn a_student_starts_at_the_widths_between_its_teachers_layers() {
    let (teacher, student) = given(2, 2);
    let condition = Var::from(uniform(&[200, 2], -1.0, 1.0, &mut rng(11)));
    let cx = Context::default().given(&condition);
    let x = Var::from(teacher.sample(200, cx, 1.0, &mut rng(12)));
    initialize(&student, &teacher, &x, cx);
    let mut seen = x;
    for (of_student, of_teacher) in student.bijection().layers().iter().zip(teacher.bijection().layers()) {
        let is_norm = of_student.params().iter().any(|(name, _)| name.ends_with("log_scale"));
        if is_norm {
            let found = of_student.to_latent(&seen, cx).value;
            let (mean, square) = (found.mean(&[0]), found.square().mean(&[0]));
            mean.value().as_slice().iter().for_each(|&mean| near(mean, 0.0, 1e-9));
            square.value().as_slice().iter().for_each(|&square| near(square, 1.0, 1e-3));
        }
        seen = of_teacher.to_latent(&seen, cx).value;
    }
}
