//! The test energies, and flows fitted to them.

use super::{near, rng};
use autograd::{Tape, Tensor, Var, diff};
use flows::distillation::{log_ratio, log_ratio_to_energy};
use flows::models::{PlanarBase, PlanarConfig, PlanarFlow};
use flows::nn::{Adam, AdamConfig};
use flows::{Base, Context, Energy, Flow, Module, StandardNormal};
use std::f64::consts::PI;

/// The formulas as the paper prints them, for |x₁| ≤ 4.
fn by_hand(energy: Energy, [a, b]: [f64; 2]) -> f64 {
    let bump = |t: f64| (-0.5 * t * t).exp();
    let wave = (2.0 * PI * a / 4.0).sin();
    match energy {
        Energy::U1 => 0.5 * ((a.hypot(b) - 2.0) / 0.4).powi(2) - (bump((a - 2.0) / 0.6) + bump((a + 2.0) / 0.6)).ln(),
        Energy::U2 => 0.5 * ((b - wave) / 0.4).powi(2),
        Energy::U3 => {
            let apart = 3.0 * bump((a - 1.0) / 0.6);
            -(bump((b - wave) / 0.35) + bump((b - wave + apart) / 0.35)).ln()
        }
        Energy::U4 => {
            let apart = 3.0 / (1.0 + (-(a - 1.0) / 0.3).exp());
            -(bump((b - wave) / 0.4) + bump((b - wave + apart) / 0.35)).ln()
        }
    }
}

#[test]
fn energies_are_the_papers_between_the_walls() {
    for energy in Energy::ALL {
        for x in [[0.3, -0.8], [-2.0, 0.1], [3.9, 1.5], [-3.1, -2.2], [1.0, -1.9], [0.0, 0.0]] {
            let found = energy.of(&Var::from(Tensor::from_slice([1, 2], &x))).item();
            let expected = by_hand(energy, x);
            near(found, expected, 1e-9 * expected.abs().max(1.0));
        }
    }
}

#[test]
fn far_out_energies_are_large_and_have_slopes() {
    let places = Tensor::from_slice([5, 2], &[0.0, 0.0, 30.0, -40.0, 1e3, 1e3, -1e3, 0.0, 4.0, 0.0f32]);
    for energy in Energy::ALL {
        let found = energy.of(&Var::from(places.clone()));
        assert!(found.value().all_finite() && found.value().as_slice()[1..4].iter().all(|&u| u > 100.0), "{energy:?}");
        assert!(diff::gradient(|x| energy.of(x).sum_all(), &places).all_finite(), "{energy:?}");
    }
}

#[test]
fn normalizers_are_those_of_the_integral_in_closed_form() {
    // For each x₁ the waves are one or two Gaussians in x₂, and the walls are half a Gaussian each.
    let gaussian = |std: f64| std * (2.0 * PI).sqrt();
    let across = 8.0 + gaussian(0.4);
    for (energy, widths) in [(Energy::U2, 0.4), (Energy::U3, 0.7), (Energy::U4, 0.75)] {
        near(energy.log_normalizer(), (gaussian(widths) * across).ln(), 1e-6);
    }
    // In polar coordinates the ring's integral is one over r alone of a function that both sides have in
    // common.
    let (steps, width) = (4000, 6.0 / 4000.0);
    let turns = 2000;
    let ring: f64 = (0..steps)
        .map(|i| (f64::from(i) + 0.5) * width)
        .map(|r| {
            let around = (0..turns).map(|k| {
                let (y, x) = (2.0 * PI * f64::from(k) / f64::from(turns)).sin_cos();
                (-by_hand(Energy::U1, [r * x, r * y])).exp()
            });
            around.sum::<f64>() * 2.0 * PI / f64::from(turns) * r * width
        })
        .sum();
    near(Energy::U1.log_normalizer(), ring.ln(), 1e-6);
}

fn planar(layers: usize, seed: u64) -> Flow<f64> {
    PlanarFlow::build(&PlanarConfig { dims: 2, layers, base: PlanarBase::Gaussian, condition: 0 }, &mut rng(seed))
}

#[test]
fn a_ratio_to_an_energy_is_that_to_its_density_but_for_a_constant() {
    let (student, teacher) = (planar(2, 1), planar(0, 2));
    flows::check::randomize(&student, 0.5, &mut rng(3));
    let z = Var::from(StandardNormal.sample([40, 2].into(), 1.0, &mut rng(4)));
    let cx = Context::default();
    let known = log_ratio(&student, &teacher, &z, cx);
    // ½‖x‖² is the standard normal's energy, and its Z is 2π.
    let found = log_ratio_to_energy(&student, |x| x.square().sum_per_sample().scale(0.5), &z, cx);
    for (found, known) in found.value().as_slice().iter().zip(known.value().as_slice()) {
        near(*found + (2.0 * PI).ln(), *known, 1e-12);
    }
}

#[test]
fn a_planar_flow_learns_an_energy_from_its_own_samples() {
    let (flow, energy) = (planar(6, 5), Energy::U4);
    let judged = || {
        let z = Var::from(StandardNormal.sample([4000, 2].into(), 1.0, &mut rng(6)));
        let bound = log_ratio_to_energy(&flow, |x| energy.of(x), &z, Context::default()).mean_all().item();
        bound + energy.log_normalizer()
    };
    let start = judged();
    let (mut adam, mut rng) = (Adam::new(flow.params(), AdamConfig::default()), rng(7));
    for _ in 0..400 {
        let tape = Tape::new();
        let z = tape.constant(StandardNormal.sample([64, 2].into(), 1.0, &mut rng));
        let loss = log_ratio_to_energy(&flow, |x| energy.of(x), &z, Context::default()).mean_all();
        adam.step(&tape.backward(&loss), 1e-2);
    }
    let end = judged();
    // A divergence is never negative: without log Z, or with its sign, it would not be one.
    assert!(end > 0.0 && end < 0.3 * start, "KL from {start} to {end} nats");
}
