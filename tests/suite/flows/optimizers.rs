//! The optimizers against their formulas, written out again for single values.

use super::near;
use autograd::{Gradients, Param, Real, Tape, Tensor, Var};
use flows::nn::{Adam, AdamConfig, Ema, Schedule, Sgd, clip_norm};

const STEPS: usize = 20;
const START: [f64; 5] = [0.5, -1.0, 2.0, 0.0, 1e-3];

/// A gradient for each step and weight: of both signs, and shrinking, so that the greatest second
/// moment is not the last.
fn gradient(step: usize, i: usize) -> f64 {
    (1.3 * step as f64 + 2.1 * i as f64 + 0.4).sin() / (1.0 + 0.3 * step as f64)
}

/// Gradients of the parameters as a sweep gives them: those of `Σ gₖ·pₖ`.
fn gradients<T: Real>(params: &[&Param<T>], of: impl Fn(usize, usize) -> f64) -> Gradients<T> {
    let tape = Tape::new();
    let mut loss: Option<Var<T>> = None;
    for (which, param) in params.iter().enumerate() {
        let slopes = Tensor::from_fn(param.shape(), |i| T::from_f64(of(which, i)));
        let slopes = tape.constant(slopes);
        let term = (param.on(&slopes) * slopes).sum_all();
        loss = Some(match loss {
            Some(loss) => loss + term,
            None => term,
        });
    }
    tape.backward(&loss.expect("there is a parameter"))
}

fn param<T: Real>() -> Param<T> {
    Param::new(Tensor::from_fn([START.len()], |i| T::from_f64(START[i])))
}

fn named<T: Real>(param: &Param<T>) -> Vec<(String, Param<T>)> {
    vec![("p".to_owned(), param.clone())]
}

/// Adam, AdamW and AMSGrad as their papers state them, with the bias corrections of PyTorch's AMSGrad.
fn adam_reference(config: AdamConfig, lr: f64, i: usize) -> f64 {
    let AdamConfig { beta1, beta2, eps, weight_decay, amsgrad } = config;
    let (mut p, mut m, mut v, mut most) = (START[i], 0.0, 0.0, 0.0f64);
    for step in 0..STEPS {
        let g = gradient(step, i);
        m = beta1 * m + (1.0 - beta1) * g;
        v = beta2 * v + (1.0 - beta2) * g * g;
        most = most.max(v);
        let t = step as i32 + 1;
        let m_hat = m / (1.0 - beta1.powi(t));
        let v_hat = if amsgrad { most } else { v } / (1.0 - beta2.powi(t));
        p = p - lr * weight_decay * p - lr * m_hat / (v_hat.sqrt() + eps);
    }
    p
}

/// Whether a parameter is a matrix, which decays, or a vector, which does not.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Matrix,
    Vector,
}

fn adam_after_all_steps<T: Real>(config: AdamConfig, lr: f64, kind: Kind) -> Vec<f64> {
    let value = param::<T>().value();
    let param = Param::new(if kind == Kind::Matrix { value.reshape([1, START.len()]) } else { value });
    let mut adam = Adam::new(named(&param), config);
    for step in 0..STEPS {
        adam.step(&gradients(&[&param], |_, i| gradient(step, i)), lr);
    }
    assert_eq!(adam.steps(), STEPS as u64);
    param.value().as_slice().iter().map(|p| p.to_f64()).collect()
}

#[test]
fn adam_and_its_relatives_follow_their_formulas() {
    let plain = AdamConfig { beta1: 0.8, beta2: 0.9, ..AdamConfig::default() };
    let configs = [
        AdamConfig::default(),
        plain,
        AdamConfig { weight_decay: 0.1, ..plain },
        AdamConfig { amsgrad: true, ..plain },
        AdamConfig { amsgrad: true, weight_decay: 0.05, eps: 1e-3, ..plain },
    ];
    let mut ends = Vec::new();
    for config in configs {
        for kind in [Kind::Matrix, Kind::Vector] {
            let wide = adam_after_all_steps::<f64>(config, 0.05, kind);
            let narrow = adam_after_all_steps::<f32>(config, 0.05, kind);
            let weight_decay = if kind == Kind::Matrix { config.weight_decay } else { 0.0 };
            for i in 0..START.len() {
                let expected = adam_reference(AdamConfig { weight_decay, ..config }, 0.05, i);
                near(wide[i], expected, 1e-12);
                near(narrow[i], expected, 1e-5);
            }
            if kind == Kind::Matrix {
                ends.push(wide);
            }
        }
    }
    // The settings matter, or the comparison above would say nothing of them.
    for (i, a) in ends.iter().enumerate() {
        assert!(ends[..i].iter().all(|b| (a[0] - b[0]).abs() > 1e-4), "{ends:?}");
    }
}

#[test]
fn descent_with_momentum_follows_its_formula() {
    for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
        let param = param::<f64>();
        let mut sgd = Sgd::new(named(&param), momentum, nesterov);
        let mut expected = START;
        let mut velocity = [0.0; START.len()];
        for step in 0..STEPS {
            sgd.step(&gradients(&[&param], |_, i| gradient(step, i)), 0.1);
            for i in 0..START.len() {
                let g = gradient(step, i);
                velocity[i] = momentum * velocity[i] + g;
                let direction = if nesterov { g + momentum * velocity[i] } else { velocity[i] };
                expected[i] -= 0.1 * direction;
            }
        }
        for (&found, expected) in param.value().as_slice().iter().zip(expected) {
            near(found, expected, 1e-12);
        }
    }
}

#[test]
fn a_restored_adam_goes_on_as_if_never_stopped() {
    let config = AdamConfig { amsgrad: true, weight_decay: 0.01, ..AdamConfig::default() };
    let (whole, first, second) = (param::<f32>(), param::<f32>(), param::<f32>());
    let run = |adam: &mut Adam<f32>, param: &Param<f32>, steps: std::ops::Range<usize>| {
        for step in steps {
            adam.step(&gradients(&[param], |_, i| gradient(step, i)), 0.05);
        }
    };
    run(&mut Adam::new(named(&whole), config), &whole, 0..STEPS);
    let mut before = Adam::new(named(&first), config);
    run(&mut before, &first, 0..7);
    let state = before.state();
    assert_eq!(state.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["p.m", "p.v", "p.vmax"]);
    second.set(first.value());
    let mut after = Adam::new(named(&second), config);
    let find = |name: &str| state.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor.clone());
    after.restore(7, find).unwrap();
    run(&mut after, &second, 7..STEPS);
    assert_eq!(super::bits(&second.value()), super::bits(&whole.value()));
}

#[test]
fn a_state_that_does_not_fit_is_named() {
    let mut adam = Adam::new(named(&param::<f32>()), AdamConfig::default());
    let other_shape = |_: &str| Some(Tensor::zeros([2]));
    assert_eq!(adam.restore(1, other_shape).unwrap_err(), "p.m");
    let only_m = |name: &str| (name == "p.m").then(|| Tensor::zeros([START.len()]));
    assert_eq!(adam.restore(1, only_m).unwrap_err(), "p.v");
    assert_eq!(Ema::new(named(&param::<f32>()), 0.9).restore(1, |_| None).unwrap_err(), "p");
}

#[test]
fn a_failed_restore_changes_nothing() {
    let (broken, whole) = (param::<f64>(), param::<f64>());
    let mut adam = Adam::new(named(&broken), AdamConfig::default());
    let only_m = |name: &str| (name == "p.m").then(|| Tensor::full([START.len()], 9.0));
    adam.restore(5, only_m).unwrap_err();
    assert_eq!(adam.steps(), 0);
    let mut fresh = Adam::new(named(&whole), AdamConfig::default());
    adam.step(&gradients(&[&broken], |_, i| gradient(0, i)), 0.1);
    fresh.step(&gradients(&[&whole], |_, i| gradient(0, i)), 0.1);
    assert_eq!(super::bits(&broken.value()), super::bits(&whole.value()));
}

#[test]
fn frozen_parameters_buffers_and_those_without_a_gradient_stay() {
    let (moving, frozen, buffer, idle) =
        (param::<f64>(), param(), Param::buffer(Tensor::from_slice([5], &START)), param());
    frozen.set_trainable(false);
    let all: Vec<_> = [&moving, &frozen, &buffer, &idle].into_iter().flat_map(named).collect();
    let mut adam = Adam::new(all.clone(), AdamConfig { weight_decay: 0.1, ..AdamConfig::default() });
    let mut sgd = Sgd::new(all, 0.9, false);
    for step in 0..3 {
        let slopes = gradients(&[&moving, &frozen, &buffer], |_, i| gradient(step, i));
        adam.step(&slopes, 0.1);
        sgd.step(&slopes, 0.1);
    }
    for still in [frozen, buffer, idle] {
        assert_eq!(still.value().as_slice(), START);
    }
    assert!(moving.value().as_slice().iter().zip(START).all(|(a, b)| *a != b));
}

#[test]
fn clipping_scales_all_gradients_by_one_factor() {
    let (a, b) = (Param::new(Tensor::from_slice([2], &[0.0, 0.0])), Param::new(Tensor::scalar(0.0)));
    // 3, 4 and 12: a norm of 13.
    let slopes = || gradients(&[&a, &b], |which, i| [3.0, 4.0, 12.0][2 * which + i]);
    let mut loose = slopes();
    near(clip_norm(&mut loose, 14.0), 13.0, 1e-12);
    assert_eq!(loose.of(&a).unwrap().as_slice(), [3.0, 4.0]);
    let mut tight = slopes();
    near(clip_norm(&mut tight, 6.5), 13.0, 1e-12);
    assert_eq!(tight.of(&a).unwrap().as_slice(), [1.5, 2.0]);
    assert_eq!(tight.of(&b).unwrap().item(), 6.0);
    near(tight.norm(), 6.5, 1e-12);
    let mut broken = gradients(&[&a, &b], |which, i| if which == 0 && i == 0 { f64::NAN } else { 4.0 });
    assert!(clip_norm(&mut broken, 1.0).is_nan());
    assert_eq!(broken.of(&b).unwrap().item(), 4.0);
}

#[test]
fn an_average_follows_its_formula_and_swaps_in_and_out() {
    let param = param::<f64>();
    let mut average = Ema::new(named(&param), 0.5);
    let mut expected = START;
    for step in 1..=STEPS {
        param.update(|p| p.iter_mut().enumerate().for_each(|(i, p)| *p += gradient(step, i)));
        average.update();
        let t = step as f64;
        let decay = f64::min(0.5, (1.0 + t) / (10.0 + t));
        for (expected, p) in expected.iter_mut().zip(param.value().as_slice()) {
            *expected = decay * *expected + (1.0 - decay) * p;
        }
    }
    let weights = super::bits(&param.value());
    average.swap();
    for (&found, expected) in param.value().as_slice().iter().zip(expected) {
        near(found, expected, 1e-12);
    }
    average.swap();
    assert_eq!(super::bits(&param.value()), weights);
    // Weights that rest are what the average comes to.
    for _ in 0..60 {
        average.update();
    }
    average.swap();
    let rested = param.value();
    average.swap();
    for (&found, &expected) in rested.as_slice().iter().zip(param.value().as_slice()) {
        near(found, expected, 1e-12);
    }
}

#[test]
fn a_restored_average_goes_on_as_if_never_stopped() {
    let (whole, resumed) = (param::<f64>(), param::<f64>());
    let step = |param: &Param<f64>, average: &mut Ema<f64>, t: usize| {
        param.update(|p| p.iter_mut().enumerate().for_each(|(i, p)| *p += gradient(t, i)));
        average.update();
    };
    let mut one = Ema::new(named(&whole), 0.99);
    (0..STEPS).for_each(|t| step(&whole, &mut one, t));
    let mut first = Ema::new(named(&resumed), 0.99);
    (0..6).for_each(|t| step(&resumed, &mut first, t));
    let state = first.state();
    let mut second = Ema::new(named(&resumed), 0.99);
    second.restore(6, |name| state.iter().find(|(own, _)| own == name).map(|(_, t)| t.clone())).unwrap();
    (6..STEPS).for_each(|t| step(&resumed, &mut second, t));
    assert_eq!(super::bits(&one.state()[0].1), super::bits(&second.state()[0].1));
}

#[test]
fn schedules_have_the_values_of_their_formulas() {
    let cosine = Schedule::Cosine { floor: 0.2 };
    near(cosine.factor(1.0 / 3.0), 0.2 + 0.8 * 0.75, 1e-12);
    near(cosine.factor(2.0 / 3.0), 0.2 + 0.8 * 0.25, 1e-12);
    let exponential = Schedule::Exponential { floor: 1e-4 };
    near(exponential.factor(0.25), 0.1, 1e-12);
    near(exponential.factor(0.75), 1e-3, 1e-12);
    for schedule in [cosine, exponential, Schedule::Constant] {
        near(schedule.factor(-3.0), 1.0, 1e-12);
        near(schedule.factor(7.0), schedule.factor(1.0), 0.0);
    }
    for schedule in [Schedule::Cosine { floor: 0.1 }, Schedule::Exponential { floor: 0.1 }] {
        near(schedule.factor(0.0), 1.0, 1e-12);
        near(schedule.factor(1.0), 0.1, 1e-12);
        assert!(schedule.factor(0.3) > schedule.factor(0.6));
    }
    near(Schedule::Cosine { floor: 0.0 }.factor(0.5), 0.5, 1e-12);
    near(Schedule::Constant.factor(0.9), 1.0, 0.0);
    near(Schedule::warmup(2, 4), 0.75, 1e-12);
    near(Schedule::warmup(0, 0), 1.0, 0.0);
    assert_eq!([0, 4, 9, 10, 99].map(|step| Schedule::warmup(step, 10)), [0.1, 0.5, 1.0, 1.0, 1.0]);
}
