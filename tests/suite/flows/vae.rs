//! The variational autoencoder: its bound and its estimate of log p(x) against models whose log p(x) is known.

use super::distillation::{gradient_is_that_of_differences, mean};
use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error};
use autograd::{Tape, Tensor, Var};
use flows::check::randomise;
use flows::layers::{Gate, Logit};
use flows::models::{
    AutoregressiveConfig, Coder, Iaf, Likelihood, Norm, Order, PlanarBase, PlanarConfig, PlanarFlow, Posterior,
    Refinement, Vae, VaeConfig,
};
use flows::nn::{Activation, Adam, AdamConfig, ConvDecoder, ConvEncoder, Mlp, Network};
use flows::{Base, Bijection, Context, Flow, InputError, Module, Noise, StandardNormal};
use std::f64::consts::PI;

const LIKELIHOODS: [Likelihood; 4] =
    [Likelihood::Bernoulli, Likelihood::Gaussian, Likelihood::Logistic, Likelihood::FixedGaussian { std: 0.7 }];

fn normals(shape: [usize; 2], seed: u64) -> Tensor<f64> {
    StandardNormal.sample(shape.into(), 1.0, &mut rng(seed))
}

fn sizes(likelihood: Likelihood, refinement: Refinement) -> VaeConfig {
    VaeConfig { image: [3, 1, 1], latents: 2, coder: Coder::Dense(vec![5]), likelihood, refinement }
}

/// A small autoencoder away from where it starts.
fn small(likelihood: Likelihood, refinement: Refinement) -> Vae<f64> {
    let vae = Vae::build(&sizes(likelihood, refinement), &mut rng(1));
    randomise(&vae, 0.5, &mut rng(2));
    vae
}

fn refinements() -> [Refinement; 3] {
    [
        Refinement::None,
        Refinement::Planar { layers: 2, features: 3 },
        Refinement::Iaf { layers: 2, hidden: vec![6], features: 2 },
    ]
}

/// Probabilistic PCA (Tipping & Bishop 1999), `x = W·z + b + std·noise`, with columns of W that are orthogonal, so that the exact
/// posterior is a Gaussian with independent dimensions: of mean wₖ·(x − b)/mₖ and variance std²/mₖ, mₖ = ‖wₖ‖² + std².
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
fn the_divergence_in_closed_form_is_that_of_draws() {
    let rows = 20_000;
    let (m, s) = ([0.7, -1.4, 0.0], [-1.1, 0.4, 0.01]);
    let each = |v: [f64; 3]| Var::from(Tensor::from_fn([rows, 3], |i| v[i % 3]));
    let posterior = Posterior { mean: each(m), log_std: each(s), features: None };
    let drawn = posterior.draw(&Var::from(normals([rows, 3], 4)));
    let ratios = &drawn.log_q - StandardNormal.log_prob(&drawn.z);
    let (expected, error) = mean(ratios.value().as_slice());
    let found = posterior.divergence();
    near(found.value().as_slice()[0], expected, 4.0 * error);
    assert!(error < 0.02);
    let by_hand: f64 = (0..3).map(|i| 0.5 * (m[i] * m[i] + (2.0 * s[i]).exp() - 1.0 - 2.0 * s[i])).sum();
    near(found.value().as_slice()[rows - 1], by_hand, 1e-12);
    // And the density is that of the draw.
    let at = |i: usize| drawn.z.value().as_slice()[i];
    let log_q = |i: usize| -0.5 * ((at(i) - m[i]) / s[i].exp()).powi(2) - s[i] - 0.5 * (2.0 * PI).ln();
    near(drawn.log_q.value().as_slice()[0], (0..3).map(log_q).sum(), 1e-12);
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
    let (order, norm) = (Order::Given, Norm::None);
    let iaf = AutoregressiveConfig { dims: 2, layers: 2, order, hidden: vec![5], norm, components: 1, condition: 0 };
    [PlanarFlow::build(&planar, &mut rng(8)), Iaf::build(&iaf, Gate::None, &mut rng(8))]
}

#[test]
fn a_refined_posterior_estimates_the_same_log_likelihood() {
    for flow in refiners() {
        // Little, so that q is still near enough to the posterior for few draws to do.
        randomise(&flow, 0.12, &mut rng(9));
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
        let posterior = Posterior { mean: one(&first.mean), log_std: one(&first.log_std), features: None };
        let drawn = vae.draw(&posterior, &noise);
        let plain = drawn.log_q - StandardNormal.log_prob(&drawn.z);
        let ((found, error), (expected, plain_error)) =
            (mean(drawn.divergence.value().as_slice()), mean(plain.value().as_slice()));
        near(found, expected, 4.0 * (error * error + plain_error * plain_error).sqrt());
    }
}

#[test]
fn the_density_of_a_refined_draw_is_that_of_where_it_came_from() {
    for refinement in refinements() {
        let vae = small(Likelihood::Gaussian, refinement);
        let x = Var::from(normals([6, 3], 12));
        let posterior = vae.encode(&x, Context::default());
        let drawn = vae.draw(&posterior, &Var::from(normals([6, 2], 13)));
        let Some(flow) = vae.refinement() else { continue };
        let cx = Context { condition: posterior.features.as_ref(), ..Context::default() };
        // By the way back, which the draw did not take.
        let first = flow.bijection().to_latent(&drawn.z, cx);
        let noise = (&first.value - &posterior.mean) * (-&posterior.log_std).exp();
        let expected = StandardNormal.log_prob(&noise) - posterior.log_std.sum_per_sample() + &first.log_det;
        assert_close("log q", drawn.log_q.value(), expected.value(), 1e-9);
        assert!(first.log_det.value().as_slice().iter().any(|log_det| log_det.abs() > 0.1));
    }
}

#[test]
fn without_layers_a_refined_posterior_is_the_plain_one() {
    let plain = small(Likelihood::Gaussian, Refinement::None);
    let refined = small(Likelihood::Gaussian, Refinement::Planar { layers: 0, features: 0 });
    flows::check::copy_params(&plain, &refined).unwrap();
    let (x, noise) = (Var::from(normals([6, 3], 12)), Var::from(normals([6, 2], 13)));
    let [a, b] = [&plain, &refined].map(|vae| vae.elbo(&x, &noise, Context::default()).value().into_value());
    assert!(max_error(&a, &b) < 1e-13);
    let [a, b] = [&plain, &refined].map(|vae| vae.log_prob_by_importance(x.value(), 7, Noise::new(1)).unwrap());
    assert!(max_error(&a, &b) < 1e-13);
}

#[test]
fn gradients_are_those_of_differences() {
    for likelihood in LIKELIHOODS {
        for refinement in refinements() {
            let vae = small(likelihood, refinement);
            let x = if likelihood.is_discrete() {
                Tensor::from_slice([2, 3], &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
            } else {
                normals([2, 3], 14)
            };
            let noise = normals([2, 2], 15);
            gradient_is_that_of_differences(&vae, |tape| {
                let x = tape.constant(x.clone());
                let noise = x.constant_like(noise.clone());
                -vae.elbo(&x, &noise, Context::default()).value().mean_all()
            });
        }
    }
}

#[test]
fn every_parameter_takes_part() {
    for refinement in refinements() {
        let vae = small(Likelihood::Logistic, refinement);
        let tape = Tape::new();
        let x = tape.constant(normals([8, 3], 16));
        let noise = x.constant_like(normals([8, 2], 17));
        let gradients = tape.backward(&vae.elbo(&x, &noise, Context::default()).value().mean_all());
        for (path, param) in vae.params() {
            let size = gradients.of(&param).map_or(0.0, |g| g.as_slice().iter().map(|g| g.abs()).sum::<f64>());
            assert!(size > 0.0, "{path} has no gradient");
        }
    }
}

#[test]
fn likelihoods_are_distributions() {
    // Of one dimension, from parameters as a decoder gives them.
    for likelihood in LIKELIHOODS {
        let parameters = Tensor::from_slice([1, likelihood.outputs()], &[0.4, -0.8][..likelihood.outputs()]);
        let at = |y: f64| {
            let y = Var::from(Tensor::from_slice([1, 1], &[y]));
            likelihood.log_prob(&y, &Var::from(parameters.clone())).item().exp()
        };
        let rows = 40_000;
        let many = Tensor::from_fn([rows, likelihood.outputs()], |i| parameters.as_slice()[i % likelihood.outputs()]);
        let drawn = likelihood.sample(&Var::from(many), &mut rng(18));
        let middle = likelihood.mean(&Var::from(parameters.clone())).item();
        let (found, error) = mean(drawn.as_slice());
        near(found, middle, 4.0 * error);
        let spread = |y: &f64| (y - middle).powi(2);
        let (found, error) = mean(&drawn.as_slice().iter().map(spread).collect::<Vec<_>>());
        let (total, variance) = if likelihood.is_discrete() {
            (at(0.0) + at(1.0), (0..2).map(|y| f64::from(y)).map(|y| at(y) * spread(&y)).sum())
        } else {
            let width = 1e-3;
            let grid = || (-20_000..20_000).map(|i| (f64::from(i) + 0.5) * width);
            (grid().map(|y| at(y) * width).sum::<f64>(), grid().map(|y| at(y) * spread(&y) * width).sum::<f64>())
        };
        near(total, 1.0, 1e-6);
        near(found, variance, 4.0 * error);
    }
}

#[test]
fn parameters_of_one_kind_follow_those_of_another() {
    let parameters = Var::from(Tensor::from_slice([1, 4], &[1.0, -2.0, 0.0, 0.5]));
    let y = Var::from(Tensor::from_slice([1, 2], &[1.5, -2.0]));
    let s = 5.0 * 0.1f64.tanh();
    let expected = -0.125 - s - (2.0 * PI).ln();
    near(Likelihood::Gaussian.log_prob(&y, &parameters).item(), expected, 1e-12);
    assert_eq!(Likelihood::Logistic.mean(&parameters).value().as_slice(), [1.0, -2.0]);
}

#[test]
fn preprocessing_is_part_of_the_density() {
    let (behind, alone) = (
        small(Likelihood::Logistic, Refinement::None).preceded_by(Logit::new(1e-6)),
        small(Likelihood::Logistic, Refinement::None),
    );
    let x = uniform(&[5, 3], 0.01, 0.99, &mut rng(19));
    let mapped = Logit::new(1e-6).to_latent(&Var::from(x.clone()), Context::default());
    let noise = Var::from(normals([5, 2], 20));
    let (cx, y) = (Context::default(), &mapped.value);
    let bound = behind.elbo(&Var::from(x.clone()), &noise, cx).value();
    let expected = alone.elbo(y, &noise, cx).value() + &mapped.log_det;
    assert_close("bound", bound.value(), expected.value(), 1e-11);
    let found = behind.log_prob_by_importance(&x, 9, Noise::new(21)).unwrap();
    let expected = Var::from(alone.log_prob_by_importance(y.value(), 9, Noise::new(21)).unwrap()) + &mapped.log_det;
    assert_close("log p", &found, expected.value(), 1e-11);
    // Pictures lie in the data's own space.
    let z = Var::from(normals([5, 2], 22));
    let drawn = [
        behind.decode(&z).into_value(),
        behind.sample(5, 1.0, &mut rng(23)),
        behind.reconstruct(&Var::from(x), cx).into_value(),
    ];
    assert!(drawn.iter().all(|x| x.as_slice().iter().all(|x| (0.0..=1.0).contains(x))));
}

#[test]
fn an_estimate_does_not_depend_on_what_is_computed_beside_it() {
    let vae = small(Likelihood::Gaussian, Refinement::Iaf { layers: 1, hidden: vec![4], features: 2 });
    let x = normals([503, 3], 24);
    let noise = Noise::new(25);
    let together = vae.log_prob_by_importance(&x, 3, noise).unwrap();
    for row in [0, 1, 499, 500, 502] {
        let alone = vae.log_prob_by_importance(&x.rows(row..row + 1), 3, noise.from_row(row)).unwrap();
        near(alone.item(), together.as_slice()[row], 1e-12);
    }
    // One draw is the bound at its own noise, with the divergence from that draw.
    let bound = vae.log_prob_by_importance(&x.rows(0..4), 1, noise).unwrap();
    let rows = Var::from(x.rows(0..4));
    let posterior = vae.encode(&rows, Context::default());
    let drawn = vae.draw(&posterior, &Var::from(vae.noise(4, noise)));
    let elbo = vae.elbo(&rows, &Var::from(vae.noise(4, noise)), Context::default());
    let expected = elbo.reconstruction + StandardNormal.log_prob(&drawn.z) - drawn.log_q;
    assert_close("one draw", &bound, expected.value(), 1e-12);
}

#[test]
fn convolutions_code_images() {
    let (image, channels) = ([1, 8, 4], vec![3, 5]);
    let coder = Coder::Convolutional(channels.clone());
    let config = VaeConfig { image, latents: 2, coder, likelihood: Likelihood::Logistic, refinement: Refinement::None };
    let vae: Vae<f64> = Vae::build(&config, &mut rng(26));
    let x = normals([3, 32], 27);
    let start = vae.encode(&Var::from(x.clone()), Context::default());
    assert_eq!(start.divergence().value().as_slice(), [0.0; 3], "it begins with q = p");
    randomise(&vae, 0.5, &mut rng(28));
    let noise = normals([3, 2], 29);
    gradient_is_that_of_differences(&vae, |tape| {
        let x = tape.constant(x.clone());
        let noise = x.constant_like(noise.clone());
        -vae.elbo(&x, &noise, Context::default()).value().mean_all()
    });
    let (encoder, decoder) = (
        ConvEncoder::<f64>::new(image, &channels, 4, &mut rng(30)),
        ConvDecoder::<f64>::new(2, &channels, image, 2, &mut rng(31)),
    );
    assert_eq!(encoder.apply(&Var::from(x), None).shape(), &[3, 4].into());
    assert_eq!(decoder.apply(&Var::from(noise), None).shape(), &[3, 64].into());
}

#[test]
#[should_panic(expected = "convolutional coder: 8×6 cannot be halved 2 times")]
fn sides_that_cannot_be_halved_are_refused() {
    drop(ConvEncoder::<f32>::new([1, 8, 6], &[2, 2], 4, &mut rng(0)));
}

#[test]
fn it_learns() {
    // Points about a bent line, which one latent can say.
    let data = |rows: usize, seed: u64| {
        let (t, noise) = (normals([rows, 1], seed), normals([rows, 2], seed + 1));
        let point = |i: usize| if i % 2 == 0 { t.as_slice()[i / 2] } else { t.as_slice()[i / 2].powi(2) };
        Tensor::from_fn([rows, 2], |i| (point(i) + 0.1 * noise.as_slice()[i]) as f32)
    };
    let config = VaeConfig {
        image: [2, 1, 1],
        latents: 1,
        coder: Coder::Dense(vec![32]),
        likelihood: Likelihood::Gaussian,
        refinement: Refinement::None,
    };
    let vae: Vae<f32> = Vae::build(&config, &mut rng(32));
    let test = data(500, 33);
    let judged = || {
        let found = vae.log_prob_by_importance(&test, 50, Noise::new(34)).unwrap();
        found.as_slice().iter().map(|&p| f64::from(p)).sum::<f64>() / 500.0
    };
    let start = judged();
    let mut adam = Adam::new(vae.params(), AdamConfig::default());
    for step in 0..600 {
        let tape = Tape::new();
        let x = tape.constant(data(64, 100 + 2 * step));
        let noise = x.constant_like(vae.noise(64, Noise::for_step(35, step)));
        adam.step(&tape.backward(&-vae.elbo(&x, &noise, Context::default()).value().mean_all()), 1e-2);
    }
    let end = judged();
    // The best single Gaussian has −3.2 nats.
    assert!(end > start + 1.0 && end > -2.5, "from {start} to {end} nats");
}

#[test]
fn data_that_do_not_fit_are_refused_in_words() {
    let vae = small(Likelihood::Gaussian, Refinement::None);
    let wrong = vae.log_prob_by_importance(&Tensor::zeros([2, 4]), 1, Noise::new(0)).unwrap_err();
    assert_eq!(wrong, InputError::Shape { expected: [3].into(), found: [4].into() });
    let broken = vae.log_prob_by_importance(&Tensor::full([2, 3], f64::NAN), 1, Noise::new(0)).unwrap_err();
    assert!(matches!(broken, InputError::NotFinite { row: 0, element: 0, .. }));
    assert_eq!(vae.log_prob_by_importance(&Tensor::zeros([0, 3]), 1, Noise::new(0)).unwrap().shape(), &[0].into());
}
