//! Distillation: each half of the loss against what it estimates, its gradient, and that it teaches.

mod directions;
mod power;
mod signals;

use super::{near, param_bits, rng, uniform};
use autograd::{Real, Tape, Tensor, Var};
use flows::check::{copy_params, randomize};
use flows::distillation::{Teacher, Terms, freeze, logistic_terms, reverse_kl, softened};
use flows::layers::{Autoregressive, Reads};
use flows::models::{
    AutoregressiveConfig, Iaf, Maf, ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow, WaveNetFlowConfig,
    WaveNetLayer,
};
use flows::nn::{Adam, AdamConfig, WaveNet, WaveNetConfig};
use flows::univariate::Affine;
use flows::{Base, Context, Flow, Logistic, Module};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const LENGTH: usize = 5;

fn sizes(components: usize) -> WaveNetFlowConfig {
    WaveNetFlowConfig { length: LENGTH, channels: 4, skip: 4, layers: 2, cycles: 1, components, condition: 0, track: 0 }
}

/// A teacher and a student away from where they start.
fn pair<T: Real>(components: usize) -> (Arc<WaveNetLayer<T>>, Arc<ParallelWaveNet<T>>) {
    let teacher: WaveNetLayer<f64> = WaveNetFlow::layer(&sizes(components), &mut rng(1));
    randomize(&teacher, 0.5, &mut rng(2));
    let config = ParallelWaveNetConfig { channels: 4, skip: 4, layers: 2, cycles: vec![1, 1], condition: 0, track: 0 };
    let student: ParallelWaveNet<f64> = ParallelWaveNet::new(&config, &mut rng(3));
    randomize(&student, 0.3, &mut rng(4));
    let same = (WaveNetFlow::layer(&sizes(components), &mut rng(1)), ParallelWaveNet::new(&config, &mut rng(3)));
    copy_params(&teacher, &same.0).unwrap();
    copy_params(&student, &same.1).unwrap();
    (Arc::new(same.0), Arc::new(same.1))
}

fn noise<T: Real>(rows: usize, rng: &mut ChaCha8Rng) -> Tensor<T> {
    Logistic.sample([rows, LENGTH].into(), 1.0, rng)
}

fn terms<T: Real>(
    student: &ParallelWaveNet<T>,
    teacher: &WaveNetLayer<T>,
    z: &Var<T>,
    draws: usize,
    rng: &mut ChaCha8Rng,
) -> Terms<T> {
    let draws: Vec<_> = (0..draws).map(|_| z.constant_like(noise(z.extent(0), rng))).collect();
    logistic_terms(student, &Teacher { layer: teacher, base: &Logistic }, z, &draws, Context::default())
}

/// A mean and its standard error.
pub(super) fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn the_entropy_in_closed_form_is_that_of_samples() {
    let (teacher, student) = pair::<f64>(2);
    let mut rng = rng(5);
    let z = Var::from(noise(20_000, &mut rng));
    let found = terms(&student, &teacher, &z, 1, &mut rng).entropy.item();
    let log_det = student.generate(&z, Context::default()).log_scale.sum_per_sample();
    near(found, mean(log_det.value().as_slice()).0 + 2.0 * LENGTH as f64, 1e-10);
    // Against the density, which knows nothing of the closed form.
    let x = student.generate(&z, Context::default()).value.into_value();
    let log_s = student.flow(LENGTH, 0).log_prob_of(&x).unwrap();
    let (expected, error) = mean(&log_s.as_slice().iter().map(|p| -p).collect::<Vec<_>>());
    assert!(error < 0.05, "standard error {error}");
    near(found, expected, 4.0 * error);
}

#[test]
fn the_cross_entropy_of_draws_is_that_of_samples_with_less_noise() {
    let (teacher, student) = pair::<f64>(3);
    let density = WaveNetFlow::of(teacher.clone(), &sizes(3));
    let mut rng = rng(6);
    // Groups of rows, whose means tell both estimates' noise.
    let groups = (0..60).map(|_| {
        let z = Var::from(noise(200, &mut rng));
        let found = terms(&student, &teacher, &z, 10, &mut rng);
        let by_samples = density.log_prob(&found.value, Context::default()).mean_all().item();
        (found.cross_entropy.item(), -by_samples)
    });
    let (drawn, sampled): (Vec<f64>, Vec<f64>) = groups.unzip();
    let ((drawn, error), (sampled, sample_error)) = (mean(&drawn), mean(&sampled));
    near(drawn, sampled, 4.0 * (error * error + sample_error * sample_error).sqrt());
    assert!(error < 0.8 * sample_error, "standard errors {error} of draws, {sample_error} of samples");
}

/// Holds the gradient of a loss by each parameter, along one direction, against central differences.
pub(super) fn gradient_is_that_of_differences(model: &impl Module<f64>, loss: impl Fn(&Tape<f64>) -> Var<f64>) {
    let tape = Tape::new();
    let gradients = tape.backward(&loss(&tape));
    let mut rng = rng(7);
    for (path, param) in model.params() {
        let (start, direction) = (param.value(), uniform(&param.shape(), -1.0, 1.0, &mut rng));
        let at = |step: f64| {
            param.update(|p| {
                for (p, (&start, &along)) in p.iter_mut().zip(start.as_slice().iter().zip(direction.as_slice())) {
                    *p = start + step * along;
                }
            });
            loss(&Tape::new()).item()
        };
        let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        at(0.0);
        let gradient = gradients.of(&param).map_or(0.0, |gradient| {
            gradient.as_slice().iter().zip(direction.as_slice()).map(|(gradient, along)| gradient * along).sum()
        });
        let error = (gradient - expected).abs();
        assert!(error < 1e-6 * (1.0 + expected.abs()), "{path}: {gradient} by the tape, {expected} by differences");
    }
}

#[test]
fn gradients_by_the_student_are_those_of_differences() {
    let (teacher, student) = pair::<f64>(2);
    freeze(&*teacher);
    let (z, density) = (noise(4, &mut rng(8)), WaveNetFlow::of(teacher.clone(), &sizes(2)));
    let flow = student.flow(LENGTH, 0);
    gradient_is_that_of_differences(&student, |tape| {
        reverse_kl(&flow, &density, &tape.constant(z.clone()), Context::default())
    });
    gradient_is_that_of_differences(&student, |tape| {
        terms(&student, &teacher, &tape.constant(z.clone()), 3, &mut rng(9)).kl()
    });
    // The lecture's pair, whose orders of the dimensions differ.
    let (teacher, student) = maf_and_iaf(2);
    freeze(&teacher);
    gradient_is_that_of_differences(&student, |tape| {
        reverse_kl(&student, &teacher, &tape.constant(z.clone()), Context::default())
    });
}

/// A MAF and an IAF with this many layers.
fn maf_and_iaf(layers: usize) -> (Flow<f64>, Flow<f64>) {
    let config = AutoregressiveConfig::new(LENGTH, layers, vec![7]);
    (Maf::build(&config, &mut rng(1)), Iaf::build(&config, &mut rng(2)))
}

/// Sets the last layer of every network to constant outputs.
fn fix<T: Real>(model: &impl Module<T>, weight: &str, bias: &str, outputs: &[f64]) {
    let mut found = 0;
    for (path, param) in model.params() {
        if path.ends_with(weight) {
            param.update(|w| w.fill(T::ZERO));
        } else if path.ends_with(bias) {
            param.update(|b| b.iter_mut().zip(outputs.iter().cycle()).for_each(|(b, &x)| *b = T::from_f64(x)));
            found += 1;
        }
    }
    assert!(found > 0, "no parameter {bias}");
}

/// A WaveNet and a student of one flow with the same logistic of shift 0.4 and log-scale −0.3 at every step.
fn twins() -> (Arc<WaveNetLayer<f64>>, Arc<ParallelWaveNet<f64>>) {
    let teacher: WaveNetLayer<f64> = WaveNetFlow::layer(&sizes(1), &mut rng(1));
    let config = ParallelWaveNetConfig { channels: 4, skip: 4, layers: 2, cycles: vec![1], condition: 0, track: 0 };
    let student = ParallelWaveNet::new(&config, &mut rng(3));
    fix(&teacher, "head.1.weight", "head.1.bias", &[0.7, 0.4, -0.3]);
    fix(&student, "head.1.weight", "head.1.bias", &[0.4, -0.3]);
    (Arc::new(teacher), Arc::new(student))
}

#[test]
fn a_student_that_is_the_teacher_has_no_divergence_from_it() {
    let (teacher, student) = twins();
    let density = WaveNetFlow::of(teacher, &sizes(1));
    let z = Var::from(noise(50, &mut rng(10)));
    near(reverse_kl(&student.flow(LENGTH, 0), &density, &z, Context::default()).item(), 0.0, 1e-12);
    // A MAF and an IAF of one constant layer are one and the same map.
    let (teacher, student) = maf_and_iaf(1);
    for model in [&teacher, &student] {
        fix(model, "net.1.weight", "net.1.bias", &[0.4, -0.3]);
    }
    near(reverse_kl(&student, &teacher, &z, Context::default()).item(), 0.0, 1e-12);
    fix(&student, "net.1.weight", "net.1.bias", &[0.4, 0.1]);
    assert!(reverse_kl(&student, &teacher, &z, Context::default()).item() > 0.1);
}

#[test]
fn without_the_entropy_the_student_would_collapse() {
    // At the teacher itself the divergence has its minimum. Cross-entropy alone has not: there
    // ∂/∂(log s) of −E log t(m + s·z) is 1 for each step, and a smaller scale is always better.
    let (teacher, student) = twins();
    let tape = Tape::new();
    let found = terms(&student, &teacher, &tape.constant(noise(4000, &mut rng(11))), 4, &mut rng(12));
    let (entropy, cross_entropy, kl) = (found.entropy.item(), found.cross_entropy.item(), found.kl().item());
    near(entropy, LENGTH as f64 * (2.0 + 5.0 * (-0.06f64).tanh()), 1e-10);
    near(kl, cross_entropy - entropy, 1e-12);
    near(kl, 0.0, 0.1);
    let bias = student.params().into_iter().find(|(path, _)| path.ends_with("head.1.bias")).unwrap().1;
    let by_log_scale = |loss: fn(&Terms<f64>) -> Var<f64>| {
        let tape = Tape::new();
        let found = terms(&student, &teacher, &tape.constant(noise(4000, &mut rng(11))), 4, &mut rng(12));
        tape.backward(&loss(&found)).of(&bias).unwrap().as_slice()[1]
    };
    near(by_log_scale(|terms| terms.cross_entropy.clone()), LENGTH as f64, 0.1);
    near(by_log_scale(Terms::kl), 0.0, 0.1);
}

#[test]
fn a_student_learns_from_a_teacher_that_does_not_change() {
    let (teacher, student) = pair::<f32>(2);
    freeze(&*teacher);
    let density = WaveNetFlow::of(teacher.clone(), &sizes(2));
    let before = param_bits(&*teacher);
    let judged = |student: &Arc<ParallelWaveNet<f32>>| {
        let z = Var::from(noise(4000, &mut rng(13)));
        f64::from(reverse_kl(&student.flow(LENGTH, 0), &density, &z, Context::default()).item())
    };
    let start = judged(&student);
    let (mut adam, mut rng) = (Adam::new(student.params(), AdamConfig::default()), rng(14));
    for _ in 0..300 {
        let tape = Tape::new();
        let z = tape.constant(noise(64, &mut rng));
        let gradients = tape.backward(&terms(&student, &teacher, &z, 4, &mut rng).kl());
        for (path, param) in teacher.params() {
            assert!(gradients.of(&param).is_none(), "the teacher's {path} has a gradient");
        }
        adam.step(&gradients, 5e-3);
    }
    let end = judged(&student);
    assert!(end < 0.3 * start && end > -0.05, "KL from {start} to {end} nats");
    assert_eq!(param_bits(&*teacher), before);
}

#[test]
#[should_panic(expected = "no draws")]
fn a_cross_entropy_of_no_draws_is_refused() {
    let (teacher, student) = pair::<f64>(1);
    let _ = terms(&student, &teacher, &Var::from(noise(1, &mut rng(1))), 0, &mut rng(2));
}

#[test]
#[should_panic(expected = "the teacher must read data")]
fn a_teacher_that_reads_latents_is_refused() {
    let (_, student) = pair::<f64>(1);
    let sizes = WaveNetConfig { channels: 2, skip: 2, layers: 1, cycles: 1, outputs: 2, condition: 0, track: 0 };
    let layer = Autoregressive::new(WaveNet::new(&sizes, &mut rng(1)), Affine::default(), Reads::Latent);
    let z = Var::from(noise(1, &mut rng(1)));
    let teacher = Teacher { layer: &layer, base: &Logistic };
    let _ = logistic_terms(&student, &teacher, &z, std::slice::from_ref(&z), Context::default());
}

#[test]
fn far_from_the_teacher_a_ratio_counts_by_its_logarithm() {
    let c = 7.0;
    let loss_and_slopes = |ratios: &[f64]| {
        let tape = Tape::new();
        let ratios = tape.variable(Tensor::from_slice([ratios.len()], ratios));
        let loss = softened(&ratios, c);
        let slopes = tape.vjp(&loss, &loss.constant_like(Tensor::scalar(1.0)), &[&ratios]);
        (loss.item(), slopes[0].value().as_slice().iter().map(|slope| slope * 3.0).collect::<Vec<_>>())
    };
    // Below c it is the mean; an estimate may be negative.
    let (loss, slopes) = loss_and_slopes(&[-4.0, 2.0, 6.5]);
    near(loss, 1.5, 1e-12);
    slopes.iter().for_each(|&slope| near(slope, 1.0, 1e-12));
    // Beyond c it goes on without a step or a bend, and grows by c wherever the ratio is e times as large.
    let (loss, slopes) = loss_and_slopes(&[0.0, c * 1f64.exp(), c * 10f64.exp()]);
    near(loss, (2.0 * c + 11.0 * c) / 3.0, 1e-12);
    near(slopes[1], (-1f64).exp(), 1e-12);
    near(slopes[2], (-10f64).exp(), 1e-12);
    let (loss, slopes) = loss_and_slopes(&[1.0, f64::INFINITY, 1e300]);
    assert!(loss.is_finite() && slopes == [1.0, 0.0, 0.0], "{loss} {slopes:?}");
}
