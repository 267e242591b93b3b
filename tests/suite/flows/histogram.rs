//! The marginal layer of histograms.

use super::{near, rng, uniform};
use autograd::check::max_error;
use autograd::special::log_normal_cdf;
use autograd::{Tensor, Var};
use flows::layers::HistogramMarginal;
use flows::{Bijection, Context, Module};
use rand::RngExt;

/// Two bins of [0, 1] and [1, 3] with masses ¼ and ½, and tails of ⅛.
fn small() -> HistogramMarginal<f64> {
    HistogramMarginal::new(&[0.0, 1.0, 3.0], &[0.125, 0.25, 0.5, 0.125], 2)
}

fn latents(layer: &HistogramMarginal<f64>, x: &[f64]) -> [Vec<f64>; 2] {
    let mapped = layer.to_latent(&Var::from(Tensor::from_slice([x.len(), 1], x)), Context::default());
    [mapped.value, mapped.log_det].map(|y| y.value().as_slice().to_vec())
}

#[test]
fn inside_it_is_the_line_through_the_edges() {
    let x = [0.0, 0.25, 1.0, 1.5, 2.5, 2.99];
    let [z, log_deriv] = latents(&small(), &x);
    for ((x, z), log_deriv) in x.iter().zip(z).zip(log_deriv) {
        let cdf = if *x < 1.0 { 0.125 + 0.25 * x } else { 0.375 + 0.25 * (x - 1.0) };
        near(log_normal_cdf(z).exp(), cdf, 1e-15);
        // Both bins have density ¼.
        near(log_deriv - 0.5 * z * z, 0.25f64.ln() + 0.5 * std::f64::consts::TAU.ln(), 1e-14);
    }
}

#[test]
fn it_rises_everywhere_without_a_jump_and_goes_on_straight() {
    let layer = small();
    for edge in [0.0, 1.0, 3.0] {
        let [z, _] = latents(&layer, &[edge - 1e-12, edge, edge + 1e-12]);
        assert!(z[0] < z[1] && z[1] < z[2] && z[2] - z[0] < 1e-11, "{z:?}");
    }
    let [z, log_deriv] = latents(&layer, &[-1e-9, -1.0, -2.0, -3.0, -1e30, 3.0, 4.0, 5.0, 1e30]);
    near(z[3] - z[2], z[2] - z[1], 1e-14);
    near(z[7] - z[6], z[6] - z[5], 1e-14);
    near((z[6] - z[5]).ln(), log_deriv[6], 1e-14);
    // Both bins together are uniform from 0 to 3, whose deviation is 3/√12.
    near(log_deriv[0], -(3.0 / 12f64.sqrt()).ln(), 1e-14);
    near(log_deriv[7], log_deriv[0], 1e-14);
    assert!(z.iter().chain(&log_deriv).all(|number| number.is_finite()));
}

#[test]
fn what_is_further_out_than_all_data_goes_no_further_in_any_layer() {
    let mut rng = rng(5);
    let mut x: Tensor<f64> = Tensor::from_fn([1000, 1], |_| rng.random_range(-1.0..1.0) + rng.random_range(-1.0..1.0));
    let mut far = Var::from(Tensor::from_slice([1, 1], &[4.0]));
    for _ in 0..10 {
        let layer = HistogramMarginal::from_rows(&x, 40);
        x = layer.to_latent(&Var::from(x), Context::default()).value.into_value();
        far = layer.to_latent(&far, Context::default()).value;
    }
    // Two beyond the last of the data, whose deviation is 0.82, and none the further for ten layers.
    near(far.item(), 3.3 + 2.0 / 0.82, 0.5);
}

#[test]
fn data_become_normal() {
    let mut rng = rng(2);
    let x = uniform(&[4000, 2], 0.0, 1.0, &mut rng);
    let x = Tensor::from_fn(x.shape(), |i| if i % 2 == 0 { x.as_slice()[i].powi(2) } else { -5.0 * x.as_slice()[i] });
    let layer = HistogramMarginal::from_rows(&x, 60);
    let z = layer.to_latent(&Var::from(x.clone()), Context::default()).value;
    for dim in 0..2 {
        let mut sorted: Vec<f64> = z.value().as_slice()[dim..].iter().step_by(2).copied().collect();
        sorted.sort_by(f64::total_cmp);
        // Kolmogorov's distance: what is left comes from values in one bin.
        let places = sorted.iter().enumerate();
        let distances = places.map(|(i, &z)| (log_normal_cdf(z).exp() - (i as f64 + 0.5) / 4000.0).abs());
        let furthest = distances.fold(0.0, f64::max);
        assert!(furthest < 0.05, "dimension {dim}: {furthest}");
    }
    let back = layer.to_data(&z, Context::default()).value;
    assert!(max_error(back.value(), &x) < 1e-12);
}

#[test]
fn a_column_that_does_not_vary_still_has_bins() {
    let x = Tensor::<f32>::full([20, 1], 1000.0);
    let layer = HistogramMarginal::from_rows(&x, 50);
    let z = layer.to_latent(&Var::from(x), Context::default());
    assert!(z.value.value().all_finite() && z.log_det.value().all_finite());
    let edges = layer.params()[0].1.value();
    assert!(edges.as_slice().windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
}

#[test]
#[should_panic(expected = "histogram marginal: edges that do not rise")]
fn edges_must_rise() {
    drop(HistogramMarginal::<f64>::new(&[0.0, 1.0, 1.0], &[0.125, 0.25, 0.5, 0.125], 2));
}
