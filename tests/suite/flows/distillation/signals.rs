//! The losses of a signal student other than the KL from its own samples.

use super::super::{near, rng, uniform};
use super::{LENGTH, gradient_is_that_of_differences, mean, noise, pair, sizes, twins};
use autograd::{Tape, Tensor, Var};
use flows::distillation::{PowerSpectrum, forward_on_windows, freeze, regularized_kl};
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow};
use flows::nn::{Adam, AdamConfig};
use flows::univariate::{Kind, Mixture, Parameters, Univariate};
use flows::{Base, Context, Logistic, Module, StandardNormal};
use std::sync::Arc;

#[test]
fn moments_of_a_mixture_are_those_of_its_samples() {
    let theta = uniform(&[1, 6], -1.0, 1.0, &mut rng(1));
    let bases: [(Kind, &dyn Base<f64>); 2] = [(Kind::Gaussian, &StandardNormal), (Kind::Logistic, &Logistic)];
    for (kind, base) in bases {
        let mixture = Mixture::new(2, kind);
        let many = Tensor::from_fn([40_000, 1, 6], |i| theta.as_slice()[i % 6]);
        let z = Var::from(base.sample([40_000, 1].into(), 1.0, &mut rng(2)));
        let x = mixture.to_data(&z, &Parameters::last(many.into())).value;
        let [mean_of_x, variance] = mixture.moments(&Parameters::last(Var::from(theta.clone()).reshape([1, 1, 6])));
        let (expected, error) = mean(x.value().as_slice());
        near(mean_of_x.item(), expected, 4.0 * error);
        let squares: Vec<f64> = x.value().as_slice().iter().map(|x| (x - mean_of_x.item()).powi(2)).collect();
        let (expected, error) = mean(&squares);
        near(variance.item(), expected, 4.0 * error);
    }
}

#[test]
fn the_regularized_divergence_is_zero_at_the_teacher_alone_and_has_the_gradient_of_differences() {
    let z = noise(4, &mut rng(3));
    let (teacher, student) = twins();
    let found = |student: &ParallelWaveNet<f64>| {
        regularized_kl(student, &teacher, &Var::from(z.clone()), Context::default()).1.item()
    };
    near(found(&student), 0.0, 1e-12);
    // At twice the scale: −ln 2 + (4 − 1)/2 a step, and the regularizer.
    let bias = student.params().into_iter().find(|(path, _)| path.ends_with("head.1.bias")).unwrap().1;
    let log_scale = |b: f64| 5.0 * (b / 5.0).tanh();
    let wider = 5.0 * ((log_scale(-0.3) + 2f64.ln()) / 5.0).atanh();
    bias.update(|b| b[1] = wider);
    near(found(&student), LENGTH as f64 * (1.5 - 2f64.ln() + 4.0 * 2f64.ln().powi(2)), 1e-9);
    let (teacher, student) = pair::<f64>(2);
    freeze(&*teacher);
    gradient_is_that_of_differences(&student, |tape| {
        regularized_kl(&student, &teacher, &tape.constant(z.clone()), Context::default()).1
    });
}

#[test]
fn on_windows_the_loss_is_the_density_of_the_first_steps() {
    let config = ParallelWaveNetConfig { channels: 3, skip: 4, layers: 2, cycles: vec![1, 1], condition: 1, track: 2 };
    let student = Arc::new(ParallelWaveNet::<f64>::new(&config, &mut rng(4)));
    flows::check::randomize(&*student, 0.3, &mut rng(5));
    let (x, given) = (uniform(&[3, 7], -2.0, 2.0, &mut rng(6)), uniform(&[3, 15], -1.0, 1.0, &mut rng(7)));
    for steps in [1, 4, 7] {
        let cut = |all: &Tensor<f64>, width: usize| Var::from(all.clone()).slice(1, 0..width).into_value();
        let log_s = student.flow(steps, 1).log_prob_given(&cut(&x, steps), &cut(&given, 1 + 2 * steps)).unwrap();
        let found = |tape: &Tape<f64>| {
            let given = tape.constant(given.clone());
            let cx = Context { condition: Some(&given), ..Context::default() };
            forward_on_windows(&student, &tape.constant(x.clone()), steps, cx)
        };
        near(found(&Tape::new()).item(), -log_s.as_slice().iter().sum::<f64>() / 3.0, 1e-10);
        gradient_is_that_of_differences(&student, found);
    }
}

#[test]
fn a_student_learns_from_its_teachers_samples() {
    let (teacher, student) = pair::<f32>(1);
    let density = WaveNetFlow::of(teacher, &sizes(1));
    let mut rng = rng(8);
    let held_out = density.sample(2000, Context::default(), 1.0, &mut rng);
    let mean = |log_p: Tensor<f32>| f64::from(log_p.as_slice().iter().sum::<f32>()) / 2000.0;
    let best = mean(density.log_prob_of(&held_out).unwrap());
    let apart = || best - mean(student.flow(LENGTH, 0).log_prob_of(&held_out).unwrap());
    let (start, mut adam) = (apart(), Adam::new(student.params(), AdamConfig::default()));
    for _ in 0..200 {
        let tape = Tape::new();
        let x = tape.constant(density.sample(64, Context::default(), 1.0, &mut rng));
        adam.step(&tape.backward(&forward_on_windows(&student, &x, LENGTH, Context::default())), 5e-3);
    }
    let end = apart();
    assert!(end < 0.3 * start && end > -0.05, "forward KL from {start} to {end} nats");
}

#[test]
fn paired_spectra_compare_each_signal_with_its_own() {
    let spectrum = PowerSpectrum::<f64>::new(16, 4);
    let x = Var::from(StandardNormal.sample([4, 400].into(), 1.0, &mut rng(9)));
    near(spectrum.paired_loss(&x, &x).item(), 0.0, 1e-12);
    // Half the amplitude is a quarter of the power, except in windows that are almost silent.
    near(spectrum.paired_loss(&x.scale(0.5), &x).item(), 4f64.ln().powi(2), 0.03);
    // The same signals in another order have the same distribution, but are no pairs.
    let others = x.gather(0, &vec![1, 2, 3, 0].into());
    near(spectrum.loss(&others, &x).item(), 0.0, 1e-12);
    assert!(spectrum.paired_loss(&others, &x).item() > 2.0);
}
