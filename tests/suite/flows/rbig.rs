//! RBIG and the Gaussianization flow on data whose answers are known.

use super::{near, param_bits, rng};
use autograd::{Tensor, Var};
use flows::check::copy_params;
use flows::models::{GaussianizationConfig, GaussianizationFlow, PatchRotations, Rbig, RbigConfig};
use flows::rbig::information::Correlations;
use flows::rbig::{Axes, Ending, FitError, Fitted, Fitting, Marginals};
use flows::{Base, Context, Flow, Module, StandardNormal};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal as Gaussian;
use std::ops::ControlFlow;

const HISTOGRAM: Marginals = Marginals::Histogram { bins: 40 };
const KERNELS: Marginals = Marginals::Kernels { kernels: 100 };
const ALL_AXES: [Axes; 3] = [Axes::Principal, Axes::Independent, Axes::Random];

fn normal(rows: usize, dims: usize, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    Tensor::from_fn([rows, dims], |_| rng.sample::<f64, _>(Gaussian))
}

/// Columns of which each follows the one before with correlation ρ: `T = −½(D − 1)·ln(1 − ρ²)`.
fn chain(rows: usize, dims: usize, rho: f64, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    let mut x = normal(rows, dims, rng);
    for row in x.as_mut_slice().chunks_exact_mut(dims) {
        for i in 1..dims {
            row[i] = rho * row[i - 1] + (1.0 - rho * rho).sqrt() * row[i];
        }
    }
    x
}

/// A parabola with noise: no linear correlation, and T = H(x₂) − H(noise).
fn parabola(rows: usize, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    let mut x = normal(rows, 2, rng);
    for row in x.as_mut_slice().chunks_exact_mut(2) {
        row[1] = row[0] * row[0] + 0.3 * row[1];
    }
    x
}

/// Its total correlation, by numerical integration of the density of x₂.
const PARABOLA: f64 = 1.141;

fn fit(rows: &Tensor<f64>, held_out: &Tensor<f64>, fitting: Fitting) -> Fitted<f64> {
    fitting.fit(rows, held_out, &mut rng(9), |_| ControlFlow::Continue(())).unwrap()
}

fn fitting(marginals: Marginals, axes: Axes, layers: usize) -> Fitting {
    Fitting { layers, marginals, axes }
}

#[test]
fn the_total_correlation_of_a_normal_is_its_closed_form() {
    let mut rng = rng(1);
    let (dims, rho) = (4, 0.7f64);
    let [rows, held_out] = [0; 2].map(|_| chain(4000, dims, rho, &mut rng));
    let expected = -0.5 * (dims - 1) as f64 * (1.0 - rho * rho).ln();
    for (marginals, axes) in [HISTOGRAM, KERNELS].map(|m| [(m, Axes::Principal), (m, Axes::Independent)]).concat() {
        let fitted = fit(&rows, &held_out, fitting(marginals, axes, 30));
        // One rotation is enough, and is seen to be.
        assert_eq!((fitted.ending, fitted.layers.len()), (Ending::Gaussian, 2), "{axes:?}");
        near(fitted.total_correlation(), expected, 0.05 * expected);
    }
    let fitted = fit(&rows, &held_out, fitting(HISTOGRAM, Axes::Random, 30));
    assert_eq!(fitted.ending, Ending::Gaussian);
    near(fitted.total_correlation(), expected, 0.1 * expected);
}

#[test]
fn a_normal_of_independent_columns_is_left_as_it_is() {
    let mut rng = rng(2);
    let [rows, held_out] = [0; 2].map(|_| normal(4000, 3, &mut rng));
    let many = Marginals::Kernels { kernels: 1000 };
    for (marginals, axes) in [(HISTOGRAM, Axes::Principal), (many, Axes::Principal), (many, Axes::Random)] {
        let fitted = fit(&rows, &held_out, fitting(marginals, axes, 20));
        assert_eq!((fitted.layers.len(), fitted.ending), (1, Ending::Gaussian));
        assert_eq!(fitted.total_correlation(), 0.0);
        let z = fitted.flow().encode(&held_out).unwrap();
        let middle = held_out.as_slice().iter().zip(z.as_slice()).filter(|(x, _)| x.abs() < 2.0);
        let worst = middle.map(|(x, z)| (x - z).abs()).fold(0.0, f64::max);
        assert!(worst < 0.25, "{marginals:?}: {worst}");
    }
}

#[test]
fn what_a_straight_line_does_not_see_is_taken_off_too() {
    let mut rng = rng(3);
    let [rows, held_out] = [0; 2].map(|_| parabola(4000, &mut rng));
    for axes in ALL_AXES {
        let fitted = fit(&rows, &held_out, fitting(HISTOGRAM, axes, 60));
        // A little is left that cannot be told from chance.
        near(fitted.total_correlation(), PARABOLA - 0.1, 0.12);
        let (first, last) = (&fitted.layers[0], &fitted.layers[fitted.layers.len() - 1]);
        assert!(first.correlations.rms < 0.2, "{:?}", first.correlations);
        assert!(last.log_prob > first.log_prob + 0.7, "{axes:?}: {} to {}", first.log_prob, last.log_prob);
        // What comes out has nothing left to take off.
        let [z, z_held_out] = [&rows, &held_out].map(|rows| fitted.flow().encode(rows).unwrap());
        assert!(fit(&z, &z_held_out, fitting(HISTOGRAM, axes, 4)).total_correlation() < 0.1);
        assert!(Correlations::of(&z_held_out).rms < 0.1);
    }
}

#[test]
fn changes_of_units_do_not_matter() {
    let mut rng = rng(4);
    let [rows, held_out] = [0; 2].map(|_| chain(2000, 3, 0.6, &mut rng));
    let stretched = |rows: &Tensor<f64>| {
        Tensor::from_fn([2000, 3], |i| [1e-3, 1.0, 1e4][i % 3] * rows.as_slice()[i] + [5.0, 0.0, -1e5][i % 3])
    };
    let plain = fit(&rows, &held_out, fitting(HISTOGRAM, Axes::Principal, 10));
    let other = fit(&stretched(&rows), &stretched(&held_out), fitting(HISTOGRAM, Axes::Principal, 10));
    near(other.total_correlation(), plain.total_correlation(), 1e-3);
    let log_prob = |fitted: &Fitted<f64>| fitted.layers[fitted.layers.len() - 1].log_prob;
    near(log_prob(&other), log_prob(&plain) - (1e-3f64 * 1e4).ln(), 0.02);
}

#[test]
fn a_fitted_flow_goes_there_and_back_and_into_a_model_of_its_sizes() {
    let mut rng = rng(5);
    let [rows, held_out] = [0; 2].map(|_| parabola(500, &mut rng));
    for marginals in [HISTOGRAM, KERNELS] {
        let fitted = fit(&rows, &held_out, fitting(marginals, Axes::Independent, 4));
        let flow = fitted.flow();
        assert!(flow.params().iter().all(|(_, param)| !param.is_trainable()));
        let z = flow.encode(&held_out).unwrap();
        let back = flow.decode(&z).unwrap();
        assert!(autograd::check::max_error(&back, &held_out) < 1e-8);
        let log_prob = flow.log_prob_of(&held_out).unwrap();
        let mean = log_prob.as_slice().iter().sum::<f64>() / 500.0;
        near(mean, fitted.layers[fitted.layers.len() - 1].log_prob, 1e-9);

        let config = RbigConfig { dims: 2, layers: fitted.layers.len(), marginals };
        let model: Flow<f64> = Rbig::build(&config);
        copy_params(&flow, &model).unwrap();
        assert_eq!(param_bits(&model), param_bits(&flow));
        assert_eq!(super::bits(&model.encode(&held_out).unwrap()), super::bits(&z));
        // In single precision and back: what a checkpoint does to it.
        let narrow: Flow<f32> = Rbig::build(&config);
        copy_params(&flow, &narrow).unwrap();
        copy_params(&narrow, &model).unwrap();
        let z = model.encode(&held_out).unwrap();
        assert!(autograd::check::max_error(&model.decode(&z).unwrap(), &held_out) < 1e-8);
    }
}

#[test]
fn fewer_layers_are_the_first_ones() {
    let mut rng = rng(6);
    let [rows, held_out] = [0; 2].map(|_| parabola(1000, &mut rng));
    let fitted = fit(&rows, &held_out, fitting(HISTOGRAM, Axes::Random, 6));
    assert_eq!((fitted.layers.len(), fitted.ending), (6, Ending::Layers));
    for layers in 1..=6 {
        let log_prob = fitted.first(layers).log_prob_of(&held_out).unwrap();
        let mean = log_prob.as_slice().iter().sum::<f64>() / 1000.0;
        near(mean, fitted.layers[layers - 1].log_prob, 1e-9);
        assert!(mean <= fitted.layers[fitted.best() - 1].log_prob + 1e-9);
    }
}

#[test]
fn it_ends_when_told_to() {
    let mut rng = rng(6);
    let rows = parabola(500, &mut rng);
    let mut seen = 0;
    let stopped = fitting(HISTOGRAM, Axes::Random, 10).fit(&rows, &rows, &mut rng, |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let stopped = stopped.unwrap();
    assert_eq!((stopped.layers.len(), stopped.ending, seen), (2, Ending::Interrupted, 2));
    assert!(stopped.flow().encode(&rows).unwrap().all_finite());
}

#[test]
fn one_column_takes_one_layer() {
    let mut rng = rng(7);
    let rows = Tensor::from_fn([1000, 1], |_| rng.random::<f64>() + rng.random::<f64>());
    let fitted = fit(&rows, &rows, fitting(HISTOGRAM, Axes::Principal, 5));
    assert_eq!(fitted.layers.len(), 1);
    let log_prob = StandardNormal.log_prob(&Var::from(fitted.flow().encode(&rows).unwrap())).mean_all().item();
    near(log_prob, -1.419, 0.03);
}

#[test]
fn what_cannot_be_fitted_is_said_in_words() {
    let try_fit = |rows: &Tensor<f64>, marginals: Marginals| {
        let fitting = fitting(marginals, Axes::Principal, 5);
        fitting.fit(rows, rows, &mut rng(1), |_| ControlFlow::Continue(())).map(drop).unwrap_err()
    };
    let constant = Tensor::from_fn([50, 2], |i| if i % 2 == 1 { 3.0 } else { i as f64 });
    assert_eq!(try_fit(&constant, HISTOGRAM), FitError::Constant { column: 1, value: 3.0 });
    let mut nan = normal(50, 2, &mut rng(1));
    nan.as_mut_slice()[7] = f64::NAN;
    assert_eq!(try_fit(&nan, HISTOGRAM), FitError::NotFinite { row: 3, column: 1 });
    let few = normal(50, 2, &mut rng(1));
    assert!(try_fit(&few, KERNELS).to_string().contains("needs at least 100 rows"));
    assert!(matches!(try_fit(&few.rows(0..1), HISTOGRAM), FitError::TooFew { rows: 1, needed: 2, .. }));
    let judged = Fitting { layers: 3, marginals: HISTOGRAM, axes: Axes::Principal };
    let judged = judged.fit(&few, &few.rows(0..2), &mut rng(1), |_| ControlFlow::Continue(()));
    assert_eq!(judged.unwrap_err(), FitError::TooFewHeldOut { rows: 2, needed: 3 });
    let twice = Tensor::from_fn([50, 2], |i| ((i / 2) as f64).sin());
    assert_eq!(try_fit(&twice, HISTOGRAM), FitError::Dependent);
    // With another column between, and one column proportional to the other.
    let free = normal(500, 2, &mut rng(2));
    let follows = Tensor::from_fn([500, 3], |i| {
        let row = &free.as_slice()[i / 3 * 2..][..2];
        [row[0], row[1], 3.0 * row[0] + 1.0][i % 3]
    });
    assert_eq!(try_fit(&follows, HISTOGRAM), FitError::Dependent);
}

#[test]
fn a_column_of_zeros_and_ones_does_not_end_the_fitting() {
    // The second column is whether the first is large, mostly; the third depends on the first alone.
    let free = normal(4000, 3, &mut rng(12));
    let rows = Tensor::from_fn([4000, 3], |i| {
        let row = &free.as_slice()[i / 3 * 3..][..3];
        [row[0], f64::from(u8::from(row[0] + 0.5 * row[1] > 0.0)), 0.9 * row[0] + 0.4 * row[2]][i % 3]
    });
    let fitted = fit(&rows.rows(0..3000), &rows.rows(3000..4000), fitting(HISTOGRAM, Axes::Principal, 10));
    assert!(fitted.total_correlation() > 0.5, "{}", fitted.total_correlation());
    assert!(fitted.layers.len() > 1);
}

#[test]
fn a_gaussianization_flow_starts_from_data_and_never_anew() {
    let mut rng = rng(8);
    let rows = parabola(1000, &mut rng);
    let config = GaussianizationConfig { dims: 2, layers: 6, kernels: 60, reflections: 2, patches: None };
    let build = |seed| -> Flow<f64> { GaussianizationFlow::build(&config, &mut super::rng(seed)) };
    let flow = build(1);
    let loss = |flow: &Flow<f64>| flow.loss(&Var::from(rows.clone()), Context::default()).item();
    let before = loss(&flow);
    flow.initialize(&Var::from(rows.clone()), Context::default());
    let after = loss(&flow);
    // Independent columns would have H(x₁) + H(x₂) = 2.77 nats.
    assert!(after < 2.6 && after < before - 1.0, "{before} to {after}");
    // As a checkpoint would have it; other data change nothing.
    let again = build(2);
    copy_params(&flow, &again).unwrap();
    again.initialize(&Var::from(normal(50, 2, &mut rng)), Context::default());
    assert_eq!(param_bits(&again), param_bits(&flow));
}

#[test]
fn patches_of_later_layers_lie_across_those_of_earlier_ones() {
    let patches = Some(PatchRotations { image: [1, 4, 4], side: 2, shared: true });
    let config = GaussianizationConfig { dims: 16, layers: 4, kernels: 5, reflections: 4, patches };
    let flow: Flow<f64> = GaussianizationFlow::build(&config, &mut rng(3));
    let [one, other] = [0.0, 1.0].map(|x| Tensor::from_fn([1, 16], |i| if i == 5 { x } else { 0.5 }));
    let [a, b] = [one, other].map(|x| flow.encode(&x).unwrap());
    let moved = a.as_slice().iter().zip(b.as_slice()).filter(|(a, b)| (*a - *b).abs() > 1e-9).count();
    assert_eq!(moved, 16, "three rotations carry a pixel everywhere in an image of 4×4");
}

#[test]
fn few_rows_give_what_they_can_and_no_nan() {
    for (rows, dims) in [(2, 3), (3, 3), (5, 8)] {
        let x = normal(rows, dims, &mut rng(4));
        for axes in [Axes::Principal, Axes::Independent, Axes::Random] {
            let fitting = Fitting { layers: 4, marginals: Marginals::Histogram { bins: 2 }, axes };
            // Equal held-out rows have no entropy.
            let equal = Tensor::from_fn([4, dims], |i| (i % dims) as f64 * 0.1);
            for held_out in [normal(4, dims, &mut rng(5)), equal] {
                let fitted = fitting.fit(&x, &held_out, &mut rng(6), |_| ControlFlow::Continue(())).unwrap();
                assert!(fitted.total_correlation().is_finite(), "{axes:?} {rows} {fitted:?}");
                assert!(fitted.layers.iter().all(|layer| layer.log_prob.is_finite()), "{axes:?} {rows} {fitted:?}");
                assert!(fitted.flow().log_prob_of(&held_out).unwrap().all_finite());
                if axes != Axes::Random {
                    assert_eq!((fitted.layers.len(), fitted.ending), (1, Ending::FewRows));
                }
            }
        }
    }
}
