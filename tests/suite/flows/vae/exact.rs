//! The bound and the estimate of log p(x) of a linear autoencoder, whose log p(x) is known.

use super::normals;
use crate::flows::distillation::mean;
use crate::flows::{near, rng, uniform};
use autograd::{Tensor, Var};
use flows::check::randomize;
use flows::models::{AutoregressiveConfig, Iaf, Likelihood, PlanarBase, PlanarConfig, PlanarFlow, Posterior, Vae};
use flows::nn::{Activation, Mlp};
use flows::{Base, Context, Flow, Module, Noise, StandardNormal};
use std::f64::consts::PI;

/// Probabilistic PCA (Tipping & Bishop 1999), `x = W·z + b + std·noise`, with columns of W that are
/// orthogonal, so that the exact posterior is a Gaussian with independent dimensions: of mean wₖ·(x − b)/mₖ
/// and variance std²/mₖ, mₖ = ‖wₖ‖² + std².
struct Linear {
    vae: Vae<f64>,
    x: Tensor<f64>,
    exact: Vec<f64>,
}

const W: [[f64; 2]; 3] = [[0.8, 0.6], [1.2, -0.4], [-0.5, 0.0]];
const B: [f64; 3] = [0.3, -1.0, 0.5];
const STD: f64 = 0.6;

/// `off` is added to the posterior's means and log-deviations.
fn linear(off: [f64; 2], refinement: Option<Flow<f64>>) -> Linear {
    let mlp = |inputs, outputs| Mlp::new(inputs, &[], outputs, Activation::Relu, &mut rng(0));
    let (encoder, decoder) = (mlp(3, 4), mlp(2, 3));
    let set = |net: &Mlp<f64>, weight: &dyn Fn(usize) -> f64, bias: &dyn Fn(usize) -> f64| {
        for (path, param) in net.params() {
            param.set(Tensor::from_fn(param.shape(), |i| if path == "0.weight" { weight(i) } else { bias(i) }));
        }
    };
    set(&decoder, &|i| W[i / 2][i % 2], &|i| B[i]);
    let squares = [0, 1].map(|k| W.iter().map(|row| row[k] * row[k]).sum::<f64>());
    let precision = squares.map(|square| square + STD * STD);
    near(W.iter().map(|row| row[0] * row[1]).sum(), 0.0, 1e-12);
    let projection = |k: usize, i: usize| W[i][k] / precision[k];
    // Undoes the soft bound of the log-deviation.
    let log_std = |k: usize| 5.0 * ((0.5 * (STD * STD / precision[k]).ln() + off[1]) / 5.0).atanh();
    set(&encoder, &|i| if i < 6 { projection(i / 3, i % 3) } else { 0.0 }, &|k| {
        if k < 2 { off[0] - (0..3).map(|i| projection(k, i) * B[i]).sum::<f64>() } else { log_std(k - 2) }
    });
    let vae = Vae::new(encoder, decoder, Likelihood::FixedGaussian { std: STD }, [3, 2]);
    let vae = match refinement {
        Some(flow) => vae.refined_by(flow),
        None => vae,
    };
    let x = uniform(&[4, 3], -2.5, 2.5, &mut rng(3));
    // N(b, WWᵀ + std²·I): along each column of W its own variance, across both std².
    let log_p = |x: &[f64]| {
        let mut rest: f64 = x.iter().zip(B).map(|(x, b)| (x - b).powi(2)).sum();
        let mut log_p = 0.0;
        for k in 0..2 {
            let along = x.iter().zip(B).zip(W).map(|((x, b), w)| (x - b) * w[k]).sum::<f64>().powi(2) / squares[k];
            rest -= along;
            log_p -= 0.5 * (along / precision[k] + (2.0 * PI * precision[k]).ln());
        }
        log_p - 0.5 * (rest / (STD * STD) + (2.0 * PI * STD * STD).ln())
    };
    let exact = x.as_slice().chunks(3).map(log_p).collect();
    Linear { vae, x, exact }
}

/// The mean of the bound over draws, with its standard error, for each row.
fn bounds(vae: &Vae<f64>, x: &Tensor<f64>, draws: u64) -> Vec<(f64, f64)> {
    let rows = x.shape()[0];
    let mut each = vec![Vec::new(); rows];
    for draw in 0..draws {
        let noise = Var::from(vae.noise(rows, Noise::for_step(5, draw)));
        let bound = vae.elbo(&Var::from(x.clone()), &noise, Context::default()).value();
        each.iter_mut().zip(bound.value().as_slice()).for_each(|(each, &bound)| each.push(bound));
    }
    each.iter().map(|bounds| mean(bounds)).collect()
}

#[test]
fn at_the_exact_posterior_the_bound_is_the_log_likelihood() {
    let Linear { vae, x, exact } = linear([0.0, 0.0], None);
    // p(x, z)/q(z|x) is p(x) whatever z is.
    let found = vae.log_prob_by_importance(&x, 1, Noise::new(6)).unwrap();
    for (found, &exact) in found.as_slice().iter().zip(&exact) {
        near(*found, exact, 1e-10);
    }
    for ((bound, error), exact) in bounds(&vae, &x, 3000).into_iter().zip(exact) {
        assert!(error < 0.05);
        near(bound, exact, 4.0 * error);
    }
}

#[test]
fn elsewhere_the_bound_is_lower_by_the_divergence_from_it_and_importance_closes_the_gap() {
    let (shift, widening) = (0.3, 0.25);
    let Linear { vae, x, exact } = linear([shift, widening], None);
    // KL(N(m + shift, (c·s)²) ‖ N(m, s²)) of both dimensions.
    let gap: f64 = [0, 1]
        .map(|k| {
            let variance = STD * STD / (W.iter().map(|row| row[k] * row[k]).sum::<f64>() + STD * STD);
            0.5 * ((2.0 * widening).exp() - 1.0 - 2.0 * widening + shift * shift / variance)
        })
        .iter()
        .sum();
    for ((bound, error), &exact) in bounds(&vae, &x, 4000).into_iter().zip(&exact) {
        near(exact - bound, gap, 4.0 * error);
        assert!(exact - bound > 8.0 * error);
    }
    let estimates = [1, 10, 10_000].map(|draws| vae.log_prob_by_importance(&x, draws, Noise::new(7)).unwrap());
    for (row, &exact) in exact.iter().enumerate() {
        near(estimates[2].as_slice()[row], exact, 0.03);
    }
    // In the mean over noises, ten draws are nearer than one.
    let missing = |draws: usize| {
        let of = |seed: u64| vae.log_prob_by_importance(&x, draws, Noise::new(seed)).unwrap().as_slice()[0];
        exact[0] - (0..300).map(of).sum::<f64>() / 300.0
    };
    let (one, ten) = (missing(1), missing(10));
    assert!(ten > 0.0 && ten < 0.5 * one, "{one} below with 1 draw, {ten} with 10");
}

/// Flows over two latents, without features.
fn refiners() -> [Flow<f64>; 2] {
    let planar = PlanarConfig { dims: 2, layers: 2, base: PlanarBase::Gaussian, condition: 0 };
    // The order is reversed after each layer but the last: after three it is as it was.
    let iaf = AutoregressiveConfig::new(2, 3, vec![5]);
    [PlanarFlow::build(&planar, &mut rng(8)), Iaf::build(&iaf, &mut rng(8))]
}

#[test]
fn a_refined_posterior_estimates_the_same_log_likelihood() {
    for flow in refiners() {
        // Little, so that q is still near enough to the posterior for few draws to do.
        randomize(&flow, 0.12, &mut rng(9));
        let Linear { vae, x, exact } = linear([0.0, 0.4], Some(flow));
        // Without a logarithm the estimate of p(x) is right in the mean, however few the draws.
        let estimates: Vec<_> =
            (0..50).map(|seed| vae.log_prob_by_importance(&x, 200, Noise::new(seed)).unwrap()).collect();
        for (row, &exact) in exact.iter().enumerate() {
            let ratios: Vec<f64> = estimates.iter().map(|log_p| (log_p.as_slice()[row] - exact).exp()).collect();
            let (found, error) = mean(&ratios);
            near(found, 1.0, 4.0 * error);
            assert!(error < 0.1, "{error}");
        }
        for ((bound, error), exact) in bounds(&vae, &x, 500).into_iter().zip(exact) {
            assert!(bound < exact + 4.0 * error, "{bound} is above {exact}");
        }
        // The divergence of which a part is in closed form, against log q − log p.
        let rows = 20_000;
        let noise = Var::from(normals([rows, 2], 11));
        let one = |x: &Var<f64>| Var::from(Tensor::from_fn([rows, 2], |i| x.value().as_slice()[i % 2]));
        let first = vae.encode(&Var::from(x.rows(0..1)), Context::default());
        let posterior = Posterior { mu: one(&first.mu), log_sigma: one(&first.log_sigma), features: None };
        let drawn = vae.draw(&posterior, &noise);
        let plain = drawn.log_q - StandardNormal.log_prob(&drawn.z);
        let ((found, error), (expected, plain_error)) =
            (mean(drawn.divergence.value().as_slice()), mean(plain.value().as_slice()));
        near(found, expected, 4.0 * (error * error + plain_error * plain_error).sqrt());
    }
}
