//! Mixtures: the density written out, far tails, roots and their derivatives; and the fast rows of every map.

use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error, second_directional};
use autograd::{Real, Tape, Tensor, Var, check, diff, parallel};
use flows::models::{AutoregressiveConfig, Iaf};
use flows::univariate::{Affine, Elementwise, Kind, Mixture, Parameters, Univariate};
use rand::RngExt;
use std::f64::consts::PI;

const KINDS: [Kind; 2] = [Kind::Gaussian, Kind::Logistic];

/// One mixture, as the network gives it.
#[derive(Clone, Debug)]
struct Components {
    logits: Vec<f64>,
    means: Vec<f64>,
    log_scales: Vec<f64>,
}

impl Components {
    fn new(components: &[(f64, f64, f64)]) -> Self {
        let column = |f: fn(&(f64, f64, f64)) -> f64| components.iter().map(f).collect();
        Self { logits: column(|c| c.0), means: column(|c| c.1), log_scales: column(|c| c.2) }
    }

    fn draw(count: usize, means: f64, log_scales: f64, seed: u64) -> Self {
        let mut rng = rng(seed);
        let components: Vec<_> = (0..count)
            .map(|_| {
                let mut within = |bound: f64| rng.random_range(-bound..bound);
                (within(2.0), within(means), within(log_scales))
            })
            .collect();
        Self::new(&components)
    }

    fn flat(&self) -> Vec<f64> {
        [&self.logits[..], &self.means, &self.log_scales].concat()
    }

    fn mixture(&self, kind: Kind) -> Mixture {
        Mixture::new(self.means.len(), kind)
    }

    /// The same for each of some numbers, `[1, numbers, 3·K]`.
    fn each<T: Real>(&self, numbers: usize) -> Tensor<T> {
        let flat = self.flat();
        Tensor::from_fn([1, numbers, flat.len()], |i| T::from_f64(flat[i % flat.len()]))
    }

    fn to_latent<T: Real>(&self, kind: Kind, x: &[T]) -> [Vec<f64>; 2] {
        let x = Var::from(Tensor::from_slice([1, x.len()], x));
        plain(&self.mixture(kind).to_latent(&x, &theta(self.each(x.extent(1)))))
    }

    fn to_data<T: Real>(&self, kind: Kind, z: &[T]) -> [Vec<f64>; 2] {
        let z = Var::from(Tensor::from_slice([1, z.len()], z));
        plain(&self.mixture(kind).to_data(&z, &theta(self.each(z.extent(1)))))
    }

    /// `log Σ πₖ·g((x − μₖ)/σₖ)/σₖ`, written out.
    fn log_density(&self, kind: Kind, x: f64) -> f64 {
        let weights: f64 = self.logits.iter().map(|l| l.exp()).sum();
        let terms: Vec<f64> = (0..self.means.len())
            .map(|k| {
                let s = 5.0 * (self.log_scales[k] / 5.0).tanh();
                self.logits[k] - weights.ln() + log_base(kind, (x - self.means[k]) / s.exp()) - s
            })
            .collect();
        let largest = terms.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
    }
}

fn theta<T: Real>(parameters: Tensor<T>) -> Parameters<T> {
    Parameters::last(Var::from(parameters))
}

fn log_base(kind: Kind, v: f64) -> f64 {
    match kind {
        Kind::Gaussian => -0.5 * v * v - 0.5 * (2.0 * PI).ln(),
        Kind::Logistic => -v.abs() - 2.0 * (-v.abs()).exp().ln_1p(),
    }
}

fn plain<T: Real>(mapped: &Elementwise<T>) -> [Vec<f64>; 2] {
    [&mapped.value, &mapped.log_deriv].map(|y| y.value().as_slice().iter().map(|y| y.to_f64()).collect())
}

/// Numbers from both tails and from all between.
fn across(furthest: f64) -> Vec<f64> {
    (-200..=200).map(|i| furthest * f64::from(i) / 200.0).collect()
}

#[test]
fn one_component_is_the_affine_map() {
    let mut rng = rng(1);
    let (m, s) = (uniform(&[4, 5], -3.0, 3.0, &mut rng), uniform(&[4, 5], -4.0, 4.0, &mut rng));
    let logits = uniform(&[4, 5], -3.0, 3.0, &mut rng);
    let x = Var::from(uniform(&[4, 5], -6.0, 6.0, &mut rng));
    let together = |parts: &[&Tensor<f64>]| {
        let parts: Vec<_> = parts.iter().map(|p| Var::from((*p).clone()).reshape([4, 5, 1])).collect();
        Parameters::last(Var::concat(2, &parts.iter().collect::<Vec<_>>()))
    };
    for kind in KINDS {
        let (mixture, ours, theirs) = (Mixture::new(1, kind), together(&[&logits, &m, &s]), together(&[&m, &s]));
        let affine = Affine::default();
        let pairs = [
            (mixture.to_latent(&x, &ours), affine.to_latent(&x, &theirs)),
            (mixture.to_data(&x, &ours), affine.to_data(&x, &theirs)),
        ];
        for (found, expected) in pairs {
            assert_close("value", found.value.value(), expected.value.value(), 1e-12);
            assert_close("log-derivative", found.log_deriv.value(), expected.log_deriv.value(), 1e-12);
        }
    }
}

#[test]
fn the_density_is_the_mixtures() {
    for kind in KINDS {
        for seed in 0..20 {
            let mixture = Components::draw(1 + seed as usize % 5, 4.0, 2.0, seed);
            // Even in latents, whose square could cancel in the log-derivative.
            let z = across(37.0);
            let [x, back] = mixture.to_data(kind, &z);
            let [found, slopes] = mixture.to_latent(kind, &x);
            for (((&x, &z), &found), (&slope, &back)) in x.iter().zip(&z).zip(&found).zip(slopes.iter().zip(&back)) {
                let expected = mixture.log_density(kind, x);
                near(slope + log_base(kind, found), expected, 1e-12 * expected.abs().max(1.0));
                // The log-derivative of the inverse is as accurate as x, whose rounding a narrow component magnifies.
                near(back, -slope, 1e-8);
                near(found, z, 1e-9);
            }
        }
    }
}

#[test]
fn f32_has_the_density_too() {
    for kind in KINDS {
        let mixture = Components::new(&[(0.3, -1.5, -0.5), (0.0, 0.5, 0.2), (-1.0, 2.5, -1.0)]);
        let x: Vec<f32> = across(60.0).iter().map(|&x| x as f32).collect();
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let (narrow, wide) = (mixture.to_latent(kind, &x), mixture.to_latent(kind, &wide));
        for (found, expected) in narrow.concat().iter().zip(wide.concat()) {
            near(*found, expected, 2e-5 * expected.abs().max(1.0));
        }
    }
}

#[test]
fn everything_is_continuous_at_the_median() {
    // At F = ½ the other tail takes over: value and log-derivative must be continuous, and so must their derivatives.
    for kind in KINDS {
        let mixture = Components::new(&[(0.3, -1.5, -0.5), (0.0, 0.5, 0.2), (-1.0, 2.5, -1.0)]);
        let median = mixture.to_data(kind, &[0.0]).concat()[0];
        let both = |x: &Var<f64>| {
            let mapped = mixture.mixture(kind).to_latent(x, &theta(mixture.each(1)));
            Var::concat(1, &[&mapped.value, &mapped.log_deriv])
        };
        let at = |x: f64| Tensor::from_slice([1, 1], &[x]);
        let curvature = |x: f64| {
            let column = |o: usize| diff::hvp(|x| both(x).slice(1, o..o + 1), &at(x), &at(1.0)).item();
            [column(0), column(1)]
        };
        let step = 1e-9;
        let (left, right) = (at(median - step), at(median + step));
        let [below, above] = [&left, &right].map(|x| both(&Var::from(x.clone())).into_value());
        assert!(below.as_slice()[0] < 0.0 && above.as_slice()[0] > 0.0, "both sides of the median");
        assert_close("value and slope", &below, &above, 1e-8);
        assert_close("derivatives", &diff::jacobian(both, &left), &diff::jacobian(both, &right), 1e-7);
        for (a, b) in curvature(median - step).into_iter().zip(curvature(median + step)) {
            near(a, b, 1e-6 * a.abs().max(1.0));
        }
    }
}

#[test]
fn roots_are_found_to_the_last_digits() {
    for kind in KINDS {
        // Components apart, on top of each other, and with scales that differ a thousandfold.
        for (means, log_scales) in [(30.0, 0.1), (1e-9, 1e-9), (3.0, 3.5), (1e4, 5.0)] {
            for seed in 0..40 {
                let mixture = Components::draw(2 + seed as usize % 7, means, log_scales, seed);
                let z = across(8.0);
                let [x, _] = mixture.to_data(kind, &z);
                let [back, slopes] = mixture.to_latent(kind, &x);
                for ((&z, &x), (&back, &slope)) in z.iter().zip(&x).zip(back.iter().zip(&slopes)) {
                    // The effect on z of rounding x and x − μ.
                    let rounding = 4.0 * f64::EPSILON * (x.abs() + means) * slope.exp();
                    near(back, z, 1e-12 * z.abs().max(1.0) + rounding);
                }
                assert!(x.windows(2).all(|pair| pair[0] < pair[1]), "x must rise with z");
            }
        }
    }
}

#[test]
fn rows_agree_with_the_operations() {
    let (rows, size) = (7, 4);
    let mut rng = rng(5);
    for (name, map) in super::registry::maps(size) {
        let count = map.parameters();
        let (parameters, numbers) =
            (uniform(&[rows, count], -2.0, 2.0, &mut rng), uniform(&[rows], -9.0, 9.0, &mut rng));
        let by_parameter = Var::from(parameters.clone()).transpose().into_value();
        for to_data in [false, true] {
            let (mut value, mut log_deriv) = (vec![0.0; rows], vec![0.0; rows]);
            let (input, given) = (numbers.as_slice(), by_parameter.as_slice());
            if to_data {
                map.to_data_rows(input, given, &mut value, &mut log_deriv);
            } else {
                map.to_latent_rows(input, given, &mut value, &mut log_deriv);
            }
            // On one thread and on two, in both layouts of parameters.
            for (threads, blocks) in [(1, false), (1, true), (2, false), (2, true)] {
                let expected = parallel::with_threads(threads, || {
                    let input = Var::from(numbers.clone());
                    let theta = if blocks {
                        Parameters::blocks(Var::from(by_parameter.clone()).reshape([count * rows]), count, 0)
                    } else {
                        theta(parameters.clone())
                    };
                    plain(&if to_data { map.to_data(&input, &theta) } else { map.to_latent(&input, &theta) })
                });
                for (found, expected) in [&value[..], &log_deriv].concat().iter().zip(expected.concat()) {
                    let error = (found - expected).abs();
                    assert!(error <= 1e-12 * expected.abs().max(1.0), "{name}: {found} should be {expected}");
                }
            }
        }
    }
}

/// Value and log-derivative as a function of one vector: z or x, then the parameters.
fn packed(kind: Kind, to_data: bool, count: usize) -> impl Fn(&Var<f64>) -> Var<f64> {
    move |all| {
        let width = 3 * count;
        let number = all.slice(0, 0..1).reshape([1, 1]);
        let parameters = Parameters::last(all.slice(0, 1..1 + width).reshape([1, 1, width]));
        let mixture = Mixture::new(count, kind);
        let mapped =
            if to_data { mixture.to_data(&number, &parameters) } else { mixture.to_latent(&number, &parameters) };
        Var::concat(1, &[&mapped.value, &mapped.log_deriv]).reshape([2])
    }
}

#[test]
fn derivatives_are_those_of_differences() {
    for kind in KINDS {
        for to_data in [false, true] {
            for seed in 0..6 {
                let (mut rng, count) = (rng(seed), 1 + seed as usize % 3);
                let f = packed(kind, to_data, count);
                let at = uniform(&[1 + 3 * count], -1.2, 1.2, &mut rng);
                let plain = |at: &Tensor<f64>| f(&Var::from(at.clone())).into_value();
                assert_close("first", &diff::jacobian(&f, &at), &check::jacobian(plain, &at), 1e-8);
                // uᵀHu of each result.
                let u = uniform(&[1 + 3 * count], -1.0, 1.0, &mut rng);
                let expected = second_directional(plain, &at, &u);
                for o in 0..2 {
                    let hessian = diff::hvp(|all| f(all).slice(0, o..o + 1), &at, &u);
                    let found: f64 = hessian.as_slice().iter().zip(u.as_slice()).map(|(h, u)| h * u).sum();
                    near(found, expected.as_slice()[o], 1e-5 * expected.as_slice()[o].abs().max(1.0));
                }
            }
        }
    }
}

#[test]
fn a_tape_does_not_move_the_root() {
    let mixture = Components::new(&[(0.0, -300.0, -2.0), (0.5, 300.0, 2.0)]);
    for kind in KINDS {
        let z = Tensor::from_slice([1, 3], &[-0.3f32, 1e3, 0.4]);
        let plain = mixture.to_data(kind, z.as_slice());
        let tape = Tape::new();
        let parameters = tape.variable(mixture.each::<f32>(3));
        let recorded = mixture.mixture(kind).to_data(&tape.variable(z), &Parameters::last(parameters));
        let gradients = tape.backward(&(recorded.value.sum_all() + recorded.log_deriv.sum_all()));
        assert_eq!(super::bits(recorded.value.value()), super::bits(&Tensor::from_slice([3], &plain[0])));
        drop(gradients);
    }
}

#[test]
fn far_out_nothing_overflows() {
    let mixture = Components::new(&[(3.0, -5.0, -9.0), (0.0, 1e4, 1.0), (-20.0, 40.0, 12.0)]);
    let places = [0.0, 1.0, 1e3, 1e6, 1e8, 1e12, 1e20, 1e25, 1e30];
    let numbers: Vec<f32> = places.iter().flat_map(|&x| [x, -x]).collect();
    for kind in KINDS {
        for to_data in [false, true] {
            let tape = Tape::new();
            let (x, parameters) = (
                tape.variable(Tensor::from_slice([1, numbers.len()], &numbers)),
                tape.variable(mixture.each::<f32>(numbers.len())),
            );
            let (m, theta) = (mixture.mixture(kind), Parameters::last(parameters.clone()));
            let mapped = if to_data { m.to_data(&x, &theta) } else { m.to_latent(&x, &theta) };
            let [value, log_deriv] = plain(&mapped);
            for (i, x) in numbers.iter().enumerate() {
                assert!(
                    value[i].is_finite() && log_deriv[i].is_finite(),
                    "{kind:?} at {x}: {}, {}",
                    value[i],
                    log_deriv[i]
                );
            }
            let one = Var::from(Tensor::full(mapped.value.shape(), 1.0));
            for y in [&mapped.value, &mapped.log_deriv] {
                for gradient in tape.vjp(y, &one, &[&x, &parameters]) {
                    assert!(gradient.value().as_slice().iter().all(|g| !g.is_nan()), "{kind:?}: a gradient is NaN");
                }
            }
        }
        // The widest component dominates there.
        let [z, log_deriv] = mixture.to_latent(kind, &[1e25f32]);
        let s = 5.0 * 2.4f64.tanh();
        near(log_deriv[0], -s, 1e-4);
        near(z[0] / (1e25 / s.exp()), 1.0, 1e-4);
    }
}

#[test]
fn components_start_apart_with_the_variance_of_one() {
    for kind in KINDS {
        let unit = if kind == Kind::Gaussian { 1.0 } else { PI / 3f64.sqrt() };
        for count in [1usize, 2, 3, 10] {
            let start = Univariate::<f64>::start(&Mixture::new(count, kind));
            assert_eq!(start.len(), 3 * count);
            let means = &start[count..2 * count];
            assert!(means.windows(2).all(|pair| pair[0] < pair[1]), "{means:?}");
            let between = means.iter().map(|m| m * m).sum::<f64>() / count as f64;
            let within = start[2 * count..].iter().map(|s| (2.0 * s).exp()).sum::<f64>() / count as f64;
            near(between + unit * unit * within, unit * unit, 1e-12);
            assert!(max_error(&Tensor::full([], means.iter().sum()), &Tensor::zeros([])) < 1e-12);
        }
    }
}

#[test]
#[should_panic(expected = "IAF: 3 components, not 1")]
fn an_iaf_has_no_mixtures() {
    let config = AutoregressiveConfig { components: 3, ..AutoregressiveConfig::new(2, 1, vec![4]) };
    drop(Iaf::build::<f64>(&config, &mut rng(1)));
}
