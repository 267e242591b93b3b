//! WaveNet: what its outputs see, and the sequential direction by each unit once, on a tape, and by T passes.

use super::autoregressive::Subject;
use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error};
use autograd::{Tape, Tensor, Var, diff};
use flows::check::randomize;
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow, WaveNetFlowConfig};
use flows::nn::{Adam, AdamConfig, Causal, Network, WaveNet, WaveNetConfig};
use flows::{Base, Context, Logistic, Module};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Sizes {
    net: WaveNetConfig,
    length: usize,
    batch: usize,
    kind: usize,
    seed: u64,
}

impl Sizes {
    fn subject(&self) -> Subject {
        let net = |outputs| WaveNet::new(&WaveNetConfig { outputs, ..self.net.clone() }, &mut rng(self.seed));
        let scale = 0.2 / (self.length as f64).sqrt();
        let features = self.net.condition + self.length * self.net.track;
        Subject::new(self.kind, net, scale, [self.batch, self.length, features], self.seed ^ 1)
    }
}

/// Receptive fields from 2 to 46 steps, signals from 1 to 39, rows alone, together and in several groups.
fn sizes() -> impl Strategy<Value = Sizes> {
    let net = (1..6usize, 1..6usize, 1..5usize, 1..4usize, 0..3usize, 0..3usize).prop_map(
        |(channels, skip, layers, cycles, condition, track)| WaveNetConfig {
            channels,
            skip,
            layers,
            cycles,
            outputs: 2,
            condition,
            track,
        },
    );
    (net, 1..40usize, prop_oneof![1..4usize, 4..80usize], 0..4usize, any::<u64>())
        .prop_map(|(net, length, batch, kind, seed)| Sizes { net, length, batch, kind, seed })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_unit_once_agrees_with_a_pass_for_each_step(s in sizes()) {
        s.subject().agrees_with_passes()?;
    }

    #[test]
    fn on_the_tape_it_is_the_same(s in sizes()) {
        Sizes { batch: s.batch.min(5), ..s }.subject().agrees_on_the_tape()?;
    }

    #[test]
    fn each_unit_once_has_the_gradients_of_a_pass_for_each_step(s in sizes()) {
        Sizes { batch: s.batch.min(40), ..s }.subject().gradients_agree()?;
    }

    #[test]
    fn outputs_see_the_receptive_field_before_their_step_and_nothing_else(s in sizes()) {
        let config = WaveNetConfig { condition: 0, track: 0, ..s.net };
        let net = WaveNet::<f64>::new(&config, &mut rng(s.seed));
        // With small positive weights no path is lost to a sign or a closed gate.
        for (_, param) in net.params() {
            param.update(|p| p.iter_mut().for_each(|p| *p = 0.05 + 0.1 * p.abs()));
        }
        let x = Tensor::from_fn([1, s.length], |i| 0.1 + 0.01 * i as f64);
        let jacobian = diff::jacobian(|x| net.apply(x, None), &x);
        for (o, row) in jacobian.as_slice().chunks_exact(s.length).enumerate() {
            let step = o / config.outputs;
            for (input, &slope) in row.iter().enumerate() {
                let seen = input < step && step - input <= config.receptive_field();
                prop_assert!(seen == (slope != 0.0), "outputs of step {step} have slope {slope} by input {input}");
            }
        }
    }
}

#[test]
fn a_step_does_not_depend_on_the_length_of_the_signal() {
    let config = WaveNetConfig { channels: 4, skip: 5, layers: 3, cycles: 2, outputs: 3, condition: 2, track: 3 };
    let net = WaveNet::<f64>::new(&config, &mut rng(1));
    let (x, given) = (uniform(&[2, 20], -2.0, 2.0, &mut rng(2)), Var::from(uniform(&[2, 62], -1.0, 1.0, &mut rng(3))));
    let whole = net.apply(&Var::from(x.clone()), Some(&given));
    for length in [1, 2, 7, 19] {
        let given = given.slice(1, 0..2 + 3 * length);
        let part = net.apply(&Var::from(x.clone()).slice(1, 0..length), Some(&given));
        assert_close("the beginning", part.value(), whole.slice(1, 0..3 * length).value(), 1e-14);
    }
}

#[test]
fn outputs_see_the_track_up_to_their_step_and_no_later() {
    let config = WaveNetConfig { channels: 3, skip: 4, layers: 2, cycles: 1, outputs: 2, condition: 1, track: 2 };
    let net = WaveNet::<f64>::new(&config, &mut rng(1));
    // With small positive weights no path is lost to a sign.
    for (_, param) in net.params() {
        param.update(|p| p.iter_mut().for_each(|p| *p = 0.05 + 0.1 * p.abs()));
    }
    let x = Var::from(uniform(&[1, 8], 0.1, 1.0, &mut rng(2)));
    let given = uniform(&[1, 17], 0.1, 1.0, &mut rng(3));
    let jacobian = diff::jacobian(|given| net.apply(&x, Some(given)), &given);
    for (o, row) in jacobian.as_slice().chunks_exact(17).enumerate() {
        let step = o / 2;
        assert!(row[0] != 0.0, "step {step} does not see the condition on the whole signal");
        for (feature, &slope) in row[1..].iter().enumerate() {
            let at = feature / 2;
            // Both layers read it at the step. The second also sees what the first read two steps before.
            let seen = at == step || at + 2 == step;
            assert!(seen == (slope != 0.0), "outputs of step {step} have slope {slope} by the track at {at}");
        }
    }
}

#[test]
#[should_panic(expected = "a condition of 5 features, not 17 for 8 steps")]
fn a_track_of_another_length_is_refused() {
    let config = WaveNetConfig { channels: 3, skip: 4, layers: 2, cycles: 1, outputs: 2, condition: 1, track: 2 };
    let net = WaveNet::<f64>::new(&config, &mut rng(1));
    let _ = net.apply(&Var::from(Tensor::zeros([1, 8])), Some(&Var::from(Tensor::zeros([1, 5]))));
}

#[test]
fn parameters_have_names_that_say_what_they_are() {
    let config = WaveNetConfig { channels: 4, skip: 5, layers: 2, cycles: 2, outputs: 3, condition: 6, track: 7 };
    let net = WaveNet::<f32>::new(&config, &mut rng(1));
    assert_eq!(net.outputs(), 3);
    let weights: Vec<String> = net
        .params()
        .iter()
        .filter(|(path, _)| path.ends_with("weight"))
        .map(|(path, param)| format!("{path} {}", param.shape()))
        .collect();
    let layer = |l: usize, out: usize| {
        let shapes = [("gate", 8, 15), ("condition", 8, 6), ("out", out, 4)];
        shapes.map(|(name, rows, columns)| format!("layers.{l}.{name}.weight [{rows}, {columns}]"))
    };
    let mut expected = vec!["entrance.weight [4, 1]".to_owned()];
    expected.extend([layer(0, 9), layer(1, 9), layer(2, 9), layer(3, 5)].concat());
    expected.extend(["head.0.weight [5, 5]".to_owned(), "head.1.weight [3, 5]".to_owned()]);
    assert_eq!(weights, expected);
}

/// Two flows away from the identity, over signals of 6 steps.
fn student() -> Arc<ParallelWaveNet<f64>> {
    let config = ParallelWaveNetConfig { channels: 3, skip: 4, layers: 2, cycles: vec![1, 2], condition: 0, track: 0 };
    let student = ParallelWaveNet::new(&config, &mut rng(4));
    randomize(&student, 0.3, &mut rng(5));
    Arc::new(student)
}

#[test]
fn scales_and_shifts_of_a_step_depend_only_on_the_noise_before_it() {
    let (student, z) = (student(), uniform(&[1, 6], -2.0, 2.0, &mut rng(6)));
    let cx = Context::default();
    let log_scales = diff::jacobian(|z| student.generate(z, cx).log_scale, &z);
    let shifts = diff::jacobian(|z| student.generate(z, cx).shift, &z);
    for (what, jacobian) in [("log-scale", log_scales), ("shift", shifts)] {
        for (i, &slope) in jacobian.as_slice().iter().enumerate() {
            let (step, noise) = (i / 6, i % 6);
            // The shift is a difference, which cancels to rounding.
            let depends = slope.abs() > 1e-12;
            assert!(depends == (noise < step), "{what} of step {step} has slope {slope:e} by noise {noise}");
        }
    }
}

#[test]
fn a_generated_signal_has_its_density_from_its_noise() {
    let (student, z) = (student(), uniform(&[5, 6], -4.0, 4.0, &mut rng(7)));
    let (z, cx) = (Var::from(z), Context::default());
    let made = student.generate(&z, cx);
    let again = &made.shift + made.log_scale.exp() * &z;
    assert_close("x from shift and scale", again.value(), made.value.value(), 1e-12);
    let log_p = student.flow(6, 0).log_prob_of(made.value.value()).unwrap();
    let from_noise = Logistic.log_prob(&z) - made.log_scale.sum_per_sample();
    assert_close("log p", &log_p, from_noise.value(), 1e-10);
    let change = max_error(made.value.value(), z.value());
    assert!(change > 0.1, "the student is near the identity, {change}");
    near(made.log_scale.value().as_slice()[0], made.log_scale.value().as_slice()[6], 0.0);
}

/// Oscillating signals: each step is a combination of the two before it, plus `0.3·logistic`.
fn swinging(rows: usize, seed: u64) -> Tensor<f32> {
    let mut x: Tensor<f32> = Logistic.sample([rows, 20].into(), 0.3, &mut rng(seed));
    for signal in x.as_mut_slice().chunks_exact_mut(20) {
        for t in 0..20 {
            let before = |steps: usize| if t < steps { 0.0 } else { signal[t - steps] };
            signal[t] += 1.2 * before(1) - 0.9 * before(2);
        }
    }
    x
}

#[test]
fn a_wave_net_learns_to_predict_from_the_last_two_steps() {
    let (length, components) = (20, 2);
    let (channels, skip, condition, track) = (12, 12, 0, 0);
    let config = WaveNetFlowConfig { length, channels, skip, layers: 2, cycles: 1, components, condition, track };
    let flow = WaveNetFlow::build::<f32>(&config, &mut rng(8));
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    for step in 0..300 {
        let tape = Tape::new();
        let loss = flow.loss(&tape.constant(swinging(32, 100 + step)), Context::default());
        adam.step(&tape.backward(&loss), if step < 200 { 1e-2 } else { 1e-3 });
    }
    let found = flow.log_prob_of(&swinging(1000, 9)).unwrap();
    let a_step = found.as_slice().iter().map(|&p| f64::from(p)).sum::<f64>() / (1000.0 * length as f64);
    // The entropy of a logistic with scale s is log s + 2; no density beats that by more than chance.
    let best = -0.3f64.ln() - 2.0;
    assert!(a_step > best - 0.05 && a_step < best + 0.03, "{a_step} nats a step, of at most {best}");
}
