//! Layers that normalize: what they make of a batch, and the statistics they keep of many.

use super::{bits, near, param_bits, rng, uniform};
use autograd::{Param, Tape, Tensor, Var, check};
use flows::check::{copy_params, randomize};
use flows::layers::{ActNorm, BatchNorm, Mask};
use flows::models::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
use flows::{Bijection, Chain, Context, Flow, Mode, Module, StandardNormal};

const TRAINING: Context<'static, f64> = Context { condition: None, mode: Mode::Train, noise: None };
const EVALUATION: Context<'static, f64> = Context { condition: None, mode: Mode::Evaluate, noise: None };

/// The ε of `BatchNorm`.
const EPSILON: f64 = 1e-5;

/// Events of a layer, and which of their elements it changes.
#[derive(Clone)]
struct Over {
    event: Vec<usize>,
    changes: Vec<bool>,
    masked: bool,
}

impl Over {
    fn all(event: &[usize]) -> Self {
        let changes = vec![true; event.iter().product()];
        Self { event: event.to_vec(), changes, masked: false }
    }

    fn masked(event: &[usize], reads: impl Fn(usize) -> bool) -> Self {
        let changes = (0..event.iter().product()).map(|i| !reads(i)).collect();
        Self { event: event.to_vec(), changes, masked: true }
    }

    fn mask(&self) -> Option<Mask<f64>> {
        self.masked.then(|| Mask::new(&*self.event, |i| !self.changes[i]))
    }

    /// A batch normalization away from where it starts.
    fn batch_norm(&self) -> BatchNorm<f64> {
        let layer = BatchNorm::new(self.event[0]);
        let layer = layer.changed_by(self.mask());
        randomize(&layer, 0.7, &mut rng(3));
        layer
    }

    fn act_norm(&self) -> ActNorm<f64> {
        ActNorm::new(self.event[0]).changed_by(self.mask())
    }

    /// A batch whose features have means and deviations of their own.
    fn batch(&self, rows: usize, seed: u64) -> Tensor<f64> {
        let shape: Vec<usize> = [rows].iter().chain(&self.event).copied().collect();
        let numbers = uniform(&shape, -1.0, 1.0, &mut rng(seed));
        let center = |feature: usize| 1.5 * (feature as f64 + seed as f64).sin();
        let spread = |feature: usize| 0.5 + feature as f64 + 0.3 * seed as f64;
        let number = |i: usize| {
            let feature = self.feature(i % self.changes.len());
            center(feature) + spread(feature) * numbers.as_slice()[i]
        };
        Tensor::from_fn(&*shape, number)
    }

    fn feature(&self, element: usize) -> usize {
        element / self.event[1..].iter().product::<usize>()
    }

    /// The elements of one feature that the layer changes, in all of these batches.
    fn of_feature(&self, feature: usize, batches: &[&Tensor<f64>]) -> Vec<f64> {
        let changed =
            |i: usize| self.feature(i % self.changes.len()) == feature && self.changes[i % self.changes.len()];
        let of = |batch: &Tensor<f64>| {
            batch.as_slice().iter().enumerate().filter(|(i, _)| changed(*i)).map(|(_, x)| *x).collect::<Vec<_>>()
        };
        batches.iter().flat_map(|batch| of(batch)).collect()
    }

    /// Those features that have elements to change.
    fn features(&self) -> Vec<usize> {
        let one = self.batch(1, 0);
        (0..self.event[0]).filter(|&feature| !self.of_feature(feature, &[&one]).is_empty()).collect()
    }
}

/// Vectors and images, all of them and parts; in the last, one feature has no elements at all.
fn overs() -> [Over; 6] {
    [
        Over::all(&[3]),
        Over::masked(&[4], |i| i % 2 == 0),
        Over::all(&[2, 3, 2]),
        Over::masked(&[2, 3, 3], |i| (i / 3 % 3 + i % 3) % 2 == 0),
        Over::masked(&[1, 2, 2], |i| i == 3),
        Over::masked(&[3, 2, 2], |i| i < 4 || i == 9),
    ]
}

/// Mean and population variance.
fn moments(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    (mean, numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count)
}

fn parameter(module: &impl Module<f64>, path: &str) -> Param<f64> {
    let (_, param) = module.params().into_iter().find(|(own, _)| own == path).expect("there is such a parameter");
    param
}

fn number(module: &impl Module<f64>, path: &str, feature: usize) -> f64 {
    parameter(module, path).value().as_slice()[feature]
}

/// Elements that a layer reads must come through untouched.
#[track_caller]
fn untouched(over: &Over, x: &Tensor<f64>, z: &Tensor<f64>) {
    for (i, (x, z)) in x.as_slice().iter().zip(z.as_slice()).enumerate() {
        let changes = over.changes[i % over.changes.len()];
        assert!(changes || x.to_bits() == z.to_bits(), "element {i} of {:?}: {x} became {z}", over.event);
    }
}

#[test]
fn in_training_each_feature_has_its_beta_and_gamma() {
    for over in overs() {
        let (layer, x) = (over.batch_norm(), over.batch(5, 1));
        let mapped = layer.to_latent(&Var::from(x.clone()), TRAINING);
        untouched(&over, &x, mapped.value.value());
        let mut log_det = 0.0;
        for feature in over.features() {
            let before = over.of_feature(feature, &[&x]);
            let (_, v) = moments(&before);
            let (mean, variance) = moments(&over.of_feature(feature, &[mapped.value.value()]));
            let log_gamma = number(&layer, "log_gamma", feature);
            near(mean, number(&layer, "beta", feature), 1e-12);
            near(variance, (2.0 * log_gamma).exp() * v / (v + EPSILON), 1e-12);
            log_det += (before.len() / 5) as f64 * (log_gamma - 0.5 * (v + EPSILON).ln());
        }
        mapped.log_det.value().as_slice().iter().for_each(|&found| near(found, log_det, 1e-12));
    }
}

#[test]
fn calibrated_with_a_batch_evaluation_is_as_training_with_it() {
    for over in overs() {
        let (layer, x) = (over.batch_norm(), Var::from(over.batch(4, 2)));
        let training = layer.to_latent(&x, TRAINING);
        let carried = layer.calibrate(&x, EVALUATION, 0);
        let evaluation = layer.to_latent(&x, EVALUATION);
        check::assert_close("carried on", carried.value(), training.value.value(), 1e-12);
        check::assert_close("value", evaluation.value.value(), training.value.value(), 1e-12);
        check::assert_close("log|det|", evaluation.log_det.value(), training.log_det.value(), 1e-12);
        untouched(&over, x.value(), evaluation.value.value());
    }
}

#[test]
fn gradients_go_through_the_batchs_own_statistics() {
    for over in overs() {
        let (layer, x) = (over.batch_norm(), over.batch(3, 4));
        let weights = uniform(x.shape(), -1.0, 1.0, &mut rng(5));
        // Rows are weighted apart, so that no statistic falls out of the loss.
        let loss = |x: &Var<f64>| {
            let mapped = layer.to_latent(x, TRAINING);
            (mapped.value * x.constant_like(weights.clone())).sum_all() + mapped.log_det.sum_all()
        };
        let plain = |x: &Tensor<f64>| loss(&Var::from(x.clone())).into_value();
        let tape = Tape::new();
        let input = tape.variable(x.clone());
        let gradients = tape.backward(&loss(&input));
        let expected = check::jacobian(plain, &x).reshape(x.shape());
        check::assert_close("by the input", gradients.wrt(&input).unwrap(), &expected, 1e-7);
        for name in ["log_gamma", "beta"] {
            let param = parameter(&layer, name);
            let start = param.value();
            let moved = |value: &Tensor<f64>| {
                param.set(value.clone());
                plain(&x)
            };
            let expected = check::jacobian(moved, &start).reshape(start.shape());
            param.set(start);
            check::assert_close(name, gradients.of(&param).unwrap(), &expected, 1e-7);
        }
        for name in ["mean", "variance"] {
            assert!(gradients.of(&parameter(&layer, name)).is_none(), "{name} is kept, not trained");
        }
    }
}

#[test]
fn statistics_are_those_of_all_batches_together() {
    for over in overs() {
        let layer = over.batch_norm();
        let batches: Vec<Tensor<f64>> = (0..5).map(|seed| over.batch(4, seed)).collect();
        for (seen, batch) in (0..).zip(&batches) {
            layer.calibrate(&Var::from(batch.clone()), EVALUATION, seen);
        }
        let all: Vec<&Tensor<f64>> = batches.iter().collect();
        for feature in over.features() {
            let (mean, variance) = moments(&over.of_feature(feature, &all));
            near(number(&layer, "mean", feature), mean, 1e-12);
            near(number(&layer, "variance", feature), variance, 1e-12);
        }
        for feature in (0..over.event[0]).filter(|feature| !over.features().contains(feature)) {
            assert_eq!(number(&layer, "mean", feature), 0.0);
            assert_eq!(number(&layer, "variance", feature), 1.0);
        }
    }
}

#[test]
fn a_calibration_forgets_what_was_before_it() {
    // However far off that was: a difference to it would leave no digits of what is new.
    for before in [1e12, f64::INFINITY, f64::NAN] {
        let over = Over::all(&[3]);
        let (used, fresh) = (over.batch_norm(), over.batch_norm());
        for name in ["mean", "variance"] {
            parameter(&used, name).update(|numbers| numbers.fill(before));
        }
        for seen in 0..2 {
            for layer in [&used, &fresh] {
                layer.calibrate(&Var::from(over.batch(4, seen)), EVALUATION, seen);
            }
        }
        for name in ["mean", "variance"] {
            assert_eq!(bits(&parameter(&used, name).value()), bits(&parameter(&fresh, name).value()), "{before}");
        }
    }
}

#[test]
fn each_layer_of_a_chain_keeps_statistics_of_what_reaches_it_in_training() {
    let over = Over::all(&[2, 2, 3]);
    let make = || -> Chain<f64> { Chain::new(vec![Box::new(over.batch_norm()), Box::new(over.batch_norm())]) };
    let (flow, first) = (Flow::new(make(), StandardNormal, &*over.event), over.batch_norm());
    let batches: Vec<Tensor<f64>> = (0..4).map(|seed| over.batch(3, seed)).collect();
    flow.calibrate(batches.iter().map(|batch| (Var::from(batch.clone()), EVALUATION)));
    let between = batches.iter().map(|batch| first.to_latent(&Var::from(batch.clone()), TRAINING).value.into_value());
    let between: Vec<Tensor<f64>> = between.collect();
    for (layer, seen) in [&batches, &between].into_iter().enumerate() {
        for feature in 0..2 {
            let (mean, variance) = moments(&over.of_feature(feature, &seen.iter().collect::<Vec<_>>()));
            near(number(&flow, &format!("layers.{layer}.mean"), feature), mean, 1e-12);
            near(number(&flow, &format!("layers.{layer}.variance"), feature), variance, 1e-12);
        }
    }
}

/// Small models with either norm, over rows and over images.
fn models(norm: Norm) -> [Flow<f64>; 2] {
    let rows = RealNvpConfig { dims: 8, couplings: 3, hidden: 6, depth: 1, norm, condition: 0 };
    let images = RealNvpImageConfig {
        image: [1, 4, 2],
        squeezes: 1,
        squeeze_first: false,
        couplings: 3,
        last: 4,
        channels: 3,
        widening: 2,
        blocks: 1,
        weight_norm: true,
        norm,
        logit: None,
        condition: 0,
    };
    [RealNvp::build(&rows, &mut rng(1)), RealNvp::build_for_images(&images, &mut rng(1))]
}

#[test]
fn calibrating_a_model_reaches_every_buffer_and_no_parameter() {
    for flow in models(Norm::Batch) {
        randomize(&flow, 0.3, &mut rng(2));
        let before = param_bits(&flow);
        let batches = (0..3).map(|seed| (Var::from(Over::all(&[8]).batch(20, seed)), EVALUATION));
        flow.calibrate(batches);
        let mut buffers = 0;
        for ((path, param), (_, before)) in flow.params().iter().zip(before) {
            let changed = bits(&param.value()) != before;
            assert_eq!(changed, param.is_buffer(), "{path}");
            buffers += usize::from(param.is_buffer());
        }
        assert!(buffers > 0);
    }
    for flow in models(Norm::Act) {
        let before = param_bits(&flow);
        flow.calibrate([(Var::from(Over::all(&[8]).batch(20, 0)), EVALUATION)]);
        assert_eq!(param_bits(&flow), before);
    }
}

#[test]
fn a_first_batch_leaves_an_act_norm_with_mean_0_and_variance_1() {
    for over in overs() {
        let (layer, first) = (over.act_norm(), Var::from(over.batch(6, 1)));
        let z = layer.initialize(&first, EVALUATION);
        check::assert_close("latents", z.value(), layer.to_latent(&first, EVALUATION).value.value(), 0.0);
        untouched(&over, first.value(), z.value());
        for feature in over.features() {
            let (mean, variance) = moments(&over.of_feature(feature, &[z.value()]));
            near(mean, 0.0, 1e-12);
            near(variance, 1.0, 1e-4);
        }
        let started = param_bits(&layer);
        layer.initialize(&Var::from(over.batch(6, 2)), EVALUATION);
        assert_eq!(param_bits(&layer), started);
        // Nor does a copy start anew, as one read from a checkpoint is.
        let copy = over.act_norm();
        copy_params(&layer, &copy).unwrap();
        copy.initialize(&Var::from(over.batch(6, 2)), EVALUATION);
        assert_eq!(param_bits(&copy), started);
    }
}

#[test]
fn a_feature_that_does_not_vary_starts_finite() {
    let layer = ActNorm::<f64>::new(2);
    let x = Var::from(Tensor::from_slice([3, 2], &[5.0, 1.0, 5.0, 2.0, 5.0, 4.0]));
    let z = layer.initialize(&x, EVALUATION);
    z.value().as_slice().chunks(2).for_each(|row| near(row[0], 0.0, 1e-9));
    assert!(number(&layer, "log_scale", 0) < 10.0);
}

#[test]
fn every_act_norm_of_a_model_starts_from_what_reaches_it() {
    for flow in models(Norm::Act) {
        let over = Over::all(&[8]);
        flow.initialize(&Var::from(over.batch(30, 1)), EVALUATION);
        for (path, param) in flow.params().iter().filter(|(path, _)| path.ends_with("started")) {
            assert_eq!(param.value().item(), 1.0, "{path}");
        }
        let again = flow.bijection().initialize(&Var::from(over.batch(30, 1)), EVALUATION);
        // The couplings start as identities, so each element was normalized at least once; a norm
        // that saw the raw data instead of its own input would scale twice.
        let numbers = again.value().as_slice();
        let (mean, variance) = moments(numbers);
        near(mean, 0.0, 1e-9);
        near(variance, 1.0, 1e-3);
    }
}
