//! The variational autoencoder: its parts against their formulas, its gradients, and that it learns.

mod exact;

use super::distillation::{gradient_is_that_of_differences, mean};
use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error};
use autograd::{Tape, Tensor, Var};
use flows::check::randomize;
use flows::layers::Logit;
use flows::models::{Coder, Likelihood, Posterior, Refinement, Vae, VaeConfig};
use flows::nn::{Adam, AdamConfig, ConvDecoder, ConvEncoder, Network};
use flows::{Base, Bijection, Context, InputError, Module, Noise, StandardNormal};
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
    randomize(&vae, 0.5, &mut rng(2));
    vae
}

fn refinements() -> [Refinement; 3] {
    [
        Refinement::None,
        Refinement::Planar { layers: 2, features: 3 },
        Refinement::Iaf { layers: 2, hidden: vec![6], features: 2 },
    ]
}

#[test]
fn the_divergence_in_closed_form_is_that_of_draws() {
    let rows = 20_000;
    let (m, s) = ([0.7, -1.4, 0.0], [-1.1, 0.4, 0.01]);
    let each = |v: [f64; 3]| Var::from(Tensor::from_fn([rows, 3], |i| v[i % 3]));
    let posterior = Posterior { mu: each(m), log_sigma: each(s), features: None };
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
fn the_density_of_a_refined_draw_is_that_of_where_it_came_from() {
    for refinement in refinements() {
        let vae = small(Likelihood::Gaussian, refinement);
        let x = Var::from(normals([6, 3], 12));
        let posterior = vae.encode(&x, Context::default());
        let drawn = vae.draw(&posterior, &Var::from(normals([6, 2], 13)));
        let Some(flow) = vae.refinement() else { continue };
        let cx = Context { condition: posterior.features.as_ref(), ..Context::default() };
        // By the inverse, which the draw did not use.
        let first = flow.bijection().to_latent(&drawn.z, cx);
        let noise = (&first.value - &posterior.mu) * (-&posterior.log_sigma).exp();
        let expected = StandardNormal.log_prob(&noise) - posterior.log_sigma.sum_per_sample() + &first.log_det;
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
            (at(0.0) + at(1.0), [0.0, 1.0].iter().map(|y| at(*y) * spread(y)).sum())
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
fn an_estimate_does_not_depend_on_the_rest_of_its_batch() {
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
    randomize(&vae, 0.5, &mut rng(28));
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
        let point = |i: usize| if i.is_multiple_of(2) { t.as_slice()[i / 2] } else { t.as_slice()[i / 2].powi(2) };
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
