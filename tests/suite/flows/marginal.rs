//! The marginal layer of kernels: z, log-derivatives and derivatives from one tail to the other, roots, and its start.

mod mutations;

use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error, second_directional};
use autograd::{Real, Tape, Tensor, Var, check, diff, parallel};
use flows::layers::{KernelMarginal, Permutation};
use flows::marginal::{self, LogisticMixture, logistic_bandwidth};
use flows::{Bijection, Chain, Context, Module};
use rand::RngExt;

/// 20 digits of z, of the log-derivative and of its derivative, by `marginal/tails.py`.
const TAILS: &str = include_str!("marginal/tails.txt");

/// The mixtures of the table: logits, locations and log-scales.
fn dimensions() -> [[Vec<f64>; 3]; 3] {
    [
        [vec![0.5, -1.0, 0.25], vec![-1.5, 0.5, 2.0], vec![-0.5, 0.25, -1.0]],
        [vec![0.0, 0.75], vec![-20.0, 20.0], vec![-1.0, -0.5]],
        [vec![-0.25, 0.5], vec![0.0, 0.125], vec![-6.0, 1.5]],
    ]
}

fn mixture([logits, locations, log_scales]: &[Vec<f64>; 3]) -> LogisticMixture {
    LogisticMixture::new(logits, locations, log_scales)
}

/// The same for one column of points, `[3, 1, K]`.
fn kernels<T: Real>(parts: &[Vec<f64>; 3]) -> Tensor<T> {
    let flat = parts.concat();
    Tensor::from_fn([3, 1, parts[0].len()], |i| T::from_f64(flat[i]))
}

fn column<T: Real>(numbers: &[f64]) -> Tensor<T> {
    Tensor::from_fn([numbers.len(), 1], |i| T::from_f64(numbers[i]))
}

/// z, the log-derivative, and its derivative by x.
fn all<T: Real>(x: &Tensor<T>, kernels: &Tensor<T>) -> [Vec<f64>; 3] {
    let tape = Tape::new();
    let x = tape.variable(x.clone());
    let [z, log_deriv] = marginal::to_latent(&x, &Var::from(kernels.clone()));
    let one = Var::from(Tensor::full(log_deriv.shape(), T::ONE));
    let bend = tape.vjp(&log_deriv, &one, &[&x]).remove(0);
    [z, log_deriv, bend].map(|y| y.value().as_slice().iter().map(|y| y.to_f64()).collect())
}

/// The greatest 1/h.
fn sharpest(parts: &[Vec<f64>; 3]) -> f64 {
    parts[2].iter().fold(0.0, |most, s| most.max((-s).exp()))
}

#[test]
fn tails_are_those_of_an_arbitrary_precision() {
    let (dimensions, mut furthest) = (dimensions(), 0.0f64);
    for line in TAILS.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let [d, x, z, log_deriv, bend] = numbers[..] else { panic!("five numbers: {line}") };
        let parts = &dimensions[d as usize];
        furthest = furthest.max(z.abs());
        let found = all(&column::<f64>(&[x]), &kernels(parts));
        let alone = mixture(parts).to_latent(x);
        // What moves as fast as e^log_deriv takes x's own rounding, and of a tail e^−u that of u.
        let steep = 1.0 + (log_deriv.exp() * x.abs()).min(100.0);
        for (value, slope) in [(found[0][0], found[1][0]), alone] {
            near(value, z, 1.5e-15 * steep.max(z.abs()));
            near(slope, log_deriv, 4e-14 * steep);
        }
        near(found[2][0], bend, 2e-14 * sharpest(parts) * steep);
        if z.abs() <= 37.0 {
            let back = marginal::to_data(&column::<f64>(&[z]), &kernels(parts)).item();
            let conditioned = 4e-15 * (-log_deriv).exp() * z.abs().max(1.0);
            near(back, x, conditioned + 4e-15 * x.abs().max(1.0));
            near(mixture(parts).to_data(z).0, x, conditioned + 4e-15 * x.abs().max(1.0));
        }
    }
    assert!(furthest > 37.0);
}

#[test]
fn the_functions_of_a_mixture_match_their_definitions() {
    for parts in dimensions() {
        let mixture = mixture(&parts);
        for x in [-21.0, -3.0, -0.5, 0.0, 0.75, 2.0, 19.0, 25.0] {
            near(mixture.log_cdf(x).exp() + mixture.log_survival(x).exp(), 1.0, 1e-14);
            let slope = (mixture.log_cdf(x + 1e-6).exp() - mixture.log_cdf(x - 1e-6).exp()) / 2e-6;
            near(mixture.log_density(x).exp(), slope, 1e-6 * slope.abs().max(1e-3));
            let (z, log_deriv) = mixture.to_latent(x);
            near(mixture.log_density(x) + 0.5 * z * z + 0.5 * std::f64::consts::TAU.ln(), log_deriv, 1e-11);
        }
    }
}

#[test]
fn finite_inputs_give_finite_results() {
    fn hold<T: Real>(most: f64) {
        let places = [0.0, 1e-30, 1e-3, 1.0, 30.0, 88.0, 104.0, 710.0, 745.0, 1e4, 1e10, 1e19, 1e30, most];
        let x: Vec<f64> = places.iter().flat_map(|&x| [x, -x]).collect();
        for parts in dimensions() {
            let tape = Tape::new();
            let (x, kernels) = (tape.variable(column::<T>(&x)), tape.variable(kernels::<T>(&parts)));
            let [z, log_deriv] = marginal::to_latent(&x, &kernels);
            assert!(z.value().all_finite() && log_deriv.value().all_finite(), "{z:?} {log_deriv:?}");
            let one = Var::from(Tensor::full(z.shape(), T::ONE));
            for y in [&z, &log_deriv] {
                for gradient in tape.vjp(y, &one, &[&x, &kernels]) {
                    assert!(gradient.value().all_finite(), "{gradient:?}");
                }
            }
            assert!(marginal::to_data(x.value(), kernels.value()).all_finite());
        }
    }
    hold::<f32>(f64::from(f32::MAX));
    hold::<f64>(f64::MAX);
    // NaN stays NaN, and spreads to no other element.
    let parts = kernels::<f32>(&dimensions()[0]);
    let [z, log_deriv, _] = all(&column::<f32>(&[0.5, f64::NAN, 0.5]), &parts);
    assert!(z[1].is_nan() && log_deriv[1].is_nan() && z[0].is_finite() && z[2].is_finite());
    assert_eq!(all(&column::<f32>(&[f64::INFINITY]), &parts)[0], [f64::INFINITY]);
}

#[test]
fn nothing_jumps_and_z_rises() {
    for parts in dimensions() {
        let (mixture, wide, narrow) = (mixture(&parts), kernels::<f64>(&parts), kernels::<f32>(&parts));
        let inside = |log: f64| mixture.to_data(autograd::special::log_normal_quantile(log)).0;
        // F = ½, and where sums hand over to logarithms: 1e-280 in f64 and 1e-28 in f32, from both sides.
        let switches = [-0.5f64.ln().abs(), -280.0 * 10f64.ln(), -28.0 * 10f64.ln()].map(inside);
        let mirrored =
            [-280.0, -28.0f64].map(|log| mixture.to_data(-autograd::special::log_normal_quantile(log * 10f64.ln())).0);
        for switch in switches.into_iter().chain(mirrored) {
            let step = 1e-9 * switch.abs().max(1.0);
            let x: Vec<f64> = (-200..=200).map(|i| switch + step * f64::from(i)).collect();
            let [z, log_deriv, bend] = all(&column::<f64>(&x), &wide);
            let slope = log_deriv[200].exp();
            let rounding = 1e-14 * (1.0 + slope * switch.abs()) * (1.0 + z[200].abs());
            // Over all of these steps slopes change by as much as 1/h says.
            let (sharp, reach) = (sharpest(&parts), 400.0 * step);
            for i in 1..x.len() {
                let moved = x[i] - x[i - 1];
                near(z[i] - z[i - 1], slope * moved, rounding + 3.0 * reach * sharp * slope * step);
                let bent = 50.0 * rounding + reach * sharp * sharp * step;
                near(log_deriv[i] - log_deriv[i - 1], bend[200] * moved, bent);
                near(bend[i], bend[i - 1], 1e3 * rounding * sharp + 3.0 * sharp * sharp * step);
            }
        }
        // In f32, along a grid through all of these.
        let x: Vec<f64> = (-40_000..=40_000).map(|i| f64::from(i as f32 * 2.5e-3)).collect();
        let [z, log_deriv, _] = all(&column::<f32>(&x), &narrow);
        for i in 1..x.len() {
            let (want, slope) = mixture.to_latent(x[i]);
            let rounding = 1e-6 * (1.0 + want.abs() + (slope.exp() * x[i].abs()).min(1e3));
            near(z[i], want, rounding);
            near(log_deriv[i], slope, 30.0 * rounding);
            assert!(z[i] >= z[i - 1] - 2.0 * rounding, "z falls at {}: {} to {}", x[i], z[i - 1], z[i]);
        }
    }
}

/// Gradients by kernels on both sides of where they go on in logarithms.
#[test]
fn gradients_by_kernels_do_not_jump() {
    let parts = &dimensions()[0];
    let gradient = |z: f64| {
        let tape = Tape::new();
        let (x, kernels) =
            (tape.constant(column::<f64>(&[mixture(parts).to_data(z).0])), tape.variable(kernels(parts)));
        let [value, log_deriv] = marginal::to_latent(&x, &kernels);
        let loss = value.scale(0.7).sum_all() + log_deriv.scale(-1.3).sum_all();
        tape.backward(&loss).wrt(&kernels).unwrap().clone()
    };
    for z in [36.0, -36.0] {
        assert_close("gradients", &gradient(z * (1.0 - 1e-10)), &gradient(z * (1.0 + 1e-10)), 1e-7);
    }
}

/// x or z, and parameters, as one row of numbers of which functions are differentiated.
fn packed(to_data: bool, count: usize) -> impl Fn(&Var<f64>) -> Var<f64> {
    move |all| {
        let number = all.slice(0, 0..2).reshape([2, 1]);
        let parameters = all.slice(0, 2..2 + 3 * count).reshape([3, 1, count]);
        let [value, log_deriv] = if to_data {
            // As the layer does, whose parameters are not variables here.
            let mut x = number.constant_like(marginal::to_data(number.value(), parameters.value()));
            for _ in 0..2 {
                let [z, log_deriv] = marginal::to_latent(&x, &parameters);
                let excess = z - &number;
                x = x - (&excess - excess.detach()) * (-log_deriv).exp();
            }
            let log_deriv = -marginal::to_latent(&x, &parameters)[1].clone();
            [x, log_deriv]
        } else {
            marginal::to_latent(&number, &parameters)
        };
        Var::concat(0, &[&value.reshape([2]), &log_deriv.reshape([2])])
    }
}

#[test]
fn derivatives_of_both_orders_are_those_of_differences() {
    for to_data in [false, true] {
        for seed in 0..6 {
            let (mut rng, count) = (rng(seed), 1 + seed as usize % 3);
            let f = packed(to_data, count);
            let at = uniform(&[2 + 3 * count], -1.2, 1.2, &mut rng);
            let plain = |at: &Tensor<f64>| f(&Var::from(at.clone())).into_value();
            assert_close("first", &diff::jacobian(&f, &at), &check::jacobian(plain, &at), 1e-8);
            let u = uniform(&[2 + 3 * count], -1.0, 1.0, &mut rng);
            let expected = second_directional(plain, &at, &u);
            for o in 0..4 {
                let hessian = diff::hvp(|all| f(all).slice(0, o..o + 1), &at, &u);
                let found: f64 = hessian.as_slice().iter().zip(u.as_slice()).map(|(h, u)| h * u).sum();
                near(found, expected.as_slice()[o], 1e-5 * expected.as_slice()[o].abs().max(1.0));
            }
        }
    }
}

#[test]
fn the_recorded_pass_is_the_fused_one() {
    // A forward-mode product goes by ordinary operations, a gradient by the fused pass.
    for parts in dimensions() {
        let x = column::<f64>(&[-30.0, -19.5, -2.0, 0.1, 1.0, 19.0, 26.0, 60.0]);
        let kernels = Var::from(kernels::<f64>(&parts));
        for part in 0..2 {
            let f = |x: &Var<f64>| marginal::to_latent(x, &kernels)[part].clone();
            let (_, forward) = diff::jvp(f, &x, &Tensor::full(x.shape(), 1.0));
            let (_, backward) = diff::vjp(f, &x, &Tensor::full(x.shape(), 1.0));
            assert_close("by x", &forward, &backward, 1e-11);
        }
    }
}

/// Rows with two modes in each dimension.
fn rows(count: usize, dims: usize, seed: u64) -> Tensor<f64> {
    let mut rng = rng(seed);
    Tensor::from_fn([count, dims], |i| {
        let mode = if rng.random() { 4.0 } else { -1.0 };
        mode + (1.0 + (i % dims) as f64) * (rng.random::<f64>() + rng.random::<f64>() - 1.0)
    })
}

/// A mean and a variance of each column.
fn moments(rows: &Tensor<f64>) -> Vec<[f64; 2]> {
    let (count, dims) = (rows.shape()[0], rows.shape()[1]);
    let column = |dim: usize| rows.as_slice()[dim..].iter().step_by(dims);
    (0..dims)
        .map(|dim| {
            let mean = column(dim).sum::<f64>() / count as f64;
            [mean, column(dim).map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64]
        })
        .collect()
}

#[test]
fn it_starts_at_the_density_estimate_of_its_first_batch() {
    let x = rows(400, 3, 5);
    let layer = KernelMarginal::<f64>::new(3, 80);
    let z = layer.initialize(&Var::from(x.clone()), Context::default()).into_value();
    // Of two modes the estimate makes wider ones.
    for [mean, variance] in moments(&z) {
        near(mean, 0.0, 0.15);
        near(variance, 0.75, 0.3);
    }
    let params = layer.params();
    let of = |name: &str| params.iter().find(|(path, _)| path == name).unwrap().1.value();
    assert!(of("logits").as_slice().iter().all(|&logit| logit == 0.0));
    for (dim, [_, variance]) in moments(&x).into_iter().enumerate() {
        for k in 0..80 {
            assert_eq!(of("locations").as_slice()[dim * 80 + k], x.as_slice()[5 * k * 3 + dim], "kernels are rows");
            near(of("log_scales").as_slice()[dim * 80 + k].exp(), logistic_bandwidth(variance.sqrt(), 80), 1e-6);
        }
    }
    // σ·(4√π/(π⁴n))^⅕ for n = 80 and σ = 1.
    near(logistic_bandwidth(1.0, 80), 0.246_484_202_5, 1e-9);
    // Not again.
    layer.initialize(&Var::from(rows(100, 3, 6)), Context::default());
    assert_eq!(of("locations").as_slice()[0], x.as_slice()[0]);
}

#[test]
fn a_chain_starts_layer_by_layer() {
    let marginals = || KernelMarginal::<f64>::new(3, 60);
    let chain =
        Chain::<f64>::new(vec![Box::new(marginals()), Box::new(Permutation::reversal(3)), Box::new(marginals())]);
    let x = rows(300, 3, 7);
    let z = chain.initialize(&Var::from(x.clone()), Context::default()).into_value();
    // The second layer's kernels are at what the first made of the rows.
    let first = chain.layers()[0].to_latent(&Var::from(x), Context::default()).value.into_value();
    let locations = chain.params().into_iter().find(|(path, _)| path == "layers.2.locations").unwrap().1.value();
    for k in 0..60 {
        assert_eq!(locations.as_slice()[k], first.as_slice()[5 * k * 3 + 2]);
    }
    for [mean, variance] in moments(&z) {
        near(mean, 0.0, 0.15);
        near(variance, 0.8, 0.25);
    }
}

#[test]
fn it_also_starts_from_few_rows_and_from_constant_rows() {
    let same = Tensor::<f64>::full([3, 2], 7.0);
    let layer = KernelMarginal::<f64>::new(2, 10);
    let z = layer.initialize(&Var::from(same), Context::default()).into_value();
    assert!(z.all_finite() && max_error(&z, &Tensor::zeros([3, 2])) < 1e-9, "{z:?}");
    let rows = KernelMarginal::from_rows(&rows(12, 2, 1));
    assert_eq!(rows.params()[0].1.shape()[..], [2, 12]);
    let z = rows.to_latent(&Var::from(Tensor::from_slice([1, 2], &[0.0, 0.3])), Context::default()).value;
    near(rows.mixture(1).to_latent(0.3).0, z.value().as_slice()[1], 1e-14);
}

#[test]
fn threads_change_nothing() {
    let (x, layer) = (rows(600, 12, 3).cast::<f32>(), KernelMarginal::<f32>::new(12, 90));
    layer.initialize(&Var::from(x.clone()), Context::default());
    let step = |threads: usize| {
        parallel::with_threads(threads, || {
            let tape = Tape::new();
            let x = tape.variable(x.clone());
            let mapped = layer.to_latent(&x, Context::default());
            let back = layer.to_data(&Var::from(mapped.value.value().clone()), Context::default()).value;
            let gradients = tape.backward(&(mapped.value.square().sum_all() + mapped.log_det.sum_all()));
            let of = |path: usize| super::bits(gradients.of(&layer.params()[path].1).unwrap());
            let by_x = super::bits(gradients.wrt(&x).unwrap());
            [of(0), of(1), of(2), by_x, super::bits(mapped.value.value()), super::bits(back.value())]
        })
    };
    let alone = step(1);
    assert!(step(2) == alone && step(3) == alone);
}
