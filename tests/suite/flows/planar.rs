//! Planar layers: the constraint, the root and its derivatives, and extreme weights.

use super::{near, rng, uniform};
use autograd::check::{assert_close, max_error, second_directional};
use autograd::{Param, Real, Tape, Tensor, Var, check, diff};
use flows::check::{copy_params, randomize};
use flows::layers::Planar;
use flows::models::{PlanarBase, PlanarConfig, PlanarFlow};
use flows::{Bijection, Context, Flow, Module};

fn parameter<T: Real>(layer: &Planar<T>, name: &str) -> Param<T> {
    layer.params().into_iter().find(|(path, _)| path == name).unwrap().1
}

/// A layer of the plane with these parameters.
fn layer<T: Real>(w: [f64; 2], u: [f64; 2], b: f64) -> Planar<T> {
    let layer = Planar::new(2, 0, &mut rng(1));
    for (name, values) in [("w", &w[..]), ("u", &u), ("b", &[b])] {
        parameter(&layer, name).set(Tensor::from_fn([values.len()], |i| T::from_f64(values[i])));
    }
    layer
}

fn rows<T: Real>(numbers: &Tensor<f64>) -> Var<T> {
    Var::from(numbers.cast())
}

#[test]
fn it_begins_as_the_identity() {
    let flow: Flow<f64> =
        PlanarFlow::build(&PlanarConfig { dims: 3, layers: 4, base: PlanarBase::Gaussian, condition: 0 }, &mut rng(2));
    let x = uniform(&[5, 3], -3.0, 3.0, &mut rng(3));
    let mapped = flow.bijection().to_latent(&Var::from(x.clone()), Context::default());
    assert!(max_error(mapped.value.value(), &x) < 1e-14);
    assert!(max_error(mapped.log_det.value(), &Tensor::zeros([5])) < 1e-14);
}

#[test]
fn the_map_is_the_papers() {
    let (w, u, b): ([f64; 2], [f64; 2], f64) = ([0.8, -1.3], [-2.0, 0.7], 0.4);
    let s = w[0] * u[0] + w[1] * u[1];
    let m = s.exp().ln_1p() - 1.0;
    let square = w[0] * w[0] + w[1] * w[1];
    let constrained = [0, 1].map(|i| u[i] + (m - s) * w[i] / square);
    let z = [1.1, 0.3];
    let a: f64 = w[0] * z[0] + w[1] * z[1] + b;
    let mapped = layer::<f64>(w, u, b).to_data(&Var::from(Tensor::from_slice([1, 2], &z)), Context::default());
    for i in 0..2 {
        near(mapped.value.value().as_slice()[i], z[i] + constrained[i] * a.tanh(), 1e-14);
    }
    let product = w[0] * constrained[0] + w[1] * constrained[1];
    near(mapped.log_det.item(), (1.0 + (1.0 - a.tanh().powi(2)) * product).abs().ln(), 1e-13);
}

/// Stretches from e⁻⁸⁰ to 10³, and weights from small to large.
fn extremes() -> impl Iterator<Item = ([f64; 2], [f64; 2], f64)> {
    let along = [-1e3, -80.0, -30.0, -5.0, -1.5, 0.0, 2.0, 30.0, 1e3];
    along.into_iter().flat_map(|s| {
        [1e-3, 1.0, 1e3].map(move |size| {
            // A part of u along w, and one across.
            let (w, across) = ([0.6 * size, 0.8 * size], 0.3);
            ([w[0], w[1]], [0.6 * s / size - 0.8 * across, 0.8 * s / size + 0.6 * across], 0.5)
        })
    })
}

#[test]
fn round_trips_at_extreme_weights() {
    let x = uniform(&[200, 2], -4.0, 4.0, &mut rng(4));
    for (w, u, b) in extremes() {
        let layer = layer::<f64>(w, u, b);
        let there = layer.to_latent(&rows(&x), Context::default());
        let back = layer.to_data(&there.value, Context::default());
        // û·tanh a may be far larger than x, and what rounding leaves of it is all that is lost: where z
        // moves fast with x, x moves slowly with z.
        let size = there.value.value().as_slice().iter().fold(1.0, |size: f64, z| size.max(z.abs()));
        assert_close(&format!("{w:?} {u:?}"), back.value.value(), &x, 1e-12 * size);
        assert!(there.log_det.value().all_finite());
        // The other direction at its result.
        for (there, back) in there.log_det.value().as_slice().iter().zip(back.log_det.value().as_slice()) {
            assert!((there + back).abs() < 1e-4 || *there > 20.0, "{w:?} {u:?}: {there} and {back}");
        }
    }
}

#[test]
fn single_precision_finds_the_same_points_at_extreme_weights() {
    let x = uniform(&[200, 2], -4.0, 4.0, &mut rng(5));
    for (w, u, b) in extremes() {
        let (wide, narrow) = (layer::<f64>(w, u, b), layer::<f32>(w, u, b));
        copy_params(&narrow, &wide).unwrap();
        let tape = Tape::new();
        let variable = tape.variable(x.cast::<f32>());
        let found = narrow.to_latent(&variable, Context::default());
        let back = narrow.to_data(&rows::<f32>(&found.value.value().cast()), Context::default());
        let size = found.value.value().as_slice().iter().fold(1.0, |size: f64, z| size.max(z.to_f64().abs()));
        // z → x magnifies what rounding leaves of z by as much as it stretches.
        let stretch = 1.0 + (w[0] * u[0] + w[1] * u[1]).max(0.0);
        assert_close(&format!("{w:?} {u:?}"), &back.value.value().cast(), &x, 2e-6 * size * stretch);
        let slopes = tape.vjp(&found.log_det, &found.log_det.zeros_like().shift(1.0), &[&variable]);
        assert!(slopes[0].value().as_slice().iter().all(|slope| !slope.is_nan()), "{w:?} {u:?}");
    }
}

#[test]
fn without_a_direction_it_is_a_shift() {
    let layer = layer::<f64>([0.0, 0.0], [2.0, -1.0], 0.7);
    let x = uniform(&[3, 2], -2.0, 2.0, &mut rng(6));
    let data = layer.to_data(&Var::from(x.clone()), Context::default());
    let shift = 0.7f64.tanh();
    for (row, x) in data.value.value().as_slice().chunks(2).zip(x.as_slice().chunks(2)) {
        near(row[0], x[0] + 2.0 * shift, 1e-15);
        near(row[1], x[1] - shift, 1e-15);
    }
    assert_eq!(data.log_det.value().as_slice(), [0.0; 3]);
    let back = layer.to_latent(&data.value, Context::default());
    assert!(max_error(back.value.value(), &x) < 1e-15);
}

/// x or z, then w, u and b, as one row to differentiate with respect to: a layer whose own parameters are 0 takes them
/// from its condition.
fn packed(dims: usize, to_data: bool) -> impl Fn(&Var<f64>) -> Var<f64> {
    let features = 2 * dims + 1;
    let layer = Planar::new(dims, features, &mut rng(7));
    for (path, param) in layer.params() {
        let unit = |i: usize| f64::from(u8::from(path == "condition.weight" && i / features == i % features));
        param.set(Tensor::from_fn(param.shape(), unit));
    }
    move |all| {
        let x = all.slice(0, 0..dims).reshape([1, dims]);
        let condition = all.slice(0, dims..dims + features).reshape([1, features]);
        let cx = Context { condition: Some(&condition), ..Context::default() };
        let mapped = if to_data { layer.to_data(&x, cx) } else { layer.to_latent(&x, cx) };
        Var::concat(0, &[&mapped.value.reshape([dims]), &mapped.log_det])
    }
}

#[test]
fn derivatives_are_those_of_differences() {
    for to_data in [false, true] {
        for seed in 0..8 {
            let (mut rng, dims) = (rng(seed), 1 + seed as usize % 3);
            let f = packed(dims, to_data);
            let all = 3 * dims + 1;
            let at = uniform(&[all], -1.2, 1.2, &mut rng);
            let plain = |at: &Tensor<f64>| f(&Var::from(at.clone())).into_value();
            let scale = plain(&at).as_slice().iter().fold(1.0, |size: f64, y| size.max(y.abs()));
            assert_close("first", &diff::jacobian(&f, &at), &check::jacobian(plain, &at), 1e-6 * scale);
            // uᵀHu of each result.
            let u = uniform(&[all], -1.0, 1.0, &mut rng);
            let expected = second_directional(plain, &at, &u);
            for o in 0..=dims {
                let hessian = diff::hvp(|all| f(all).slice(0, o..o + 1), &at, &u);
                let found: f64 = hessian.as_slice().iter().zip(u.as_slice()).map(|(h, u)| h * u).sum();
                near(found, expected.as_slice()[o], 1e-4 * expected.as_slice()[o].abs().max(scale));
            }
        }
    }
}

#[test]
fn densities_over_both_bases_integrate_to_one_and_are_those_of_samples() {
    for base in [PlanarBase::Gaussian, PlanarBase::Uniform] {
        let flow: Flow<f64> = PlanarFlow::build(&PlanarConfig { dims: 2, layers: 2, base, condition: 0 }, &mut rng(8));
        randomize(&flow, 0.6, &mut rng(9));
        let (cells, reach) = (400, 9.0);
        let width = 2.0 * reach / cells as f64;
        let middle = |i: usize| -reach + (i as f64 + 0.5) * width;
        let grid =
            Tensor::from_fn([cells * cells, 2], |i| middle(if i % 2 == 0 { i / 2 % cells } else { i / 2 / cells }));
        let log_prob = flow.log_prob_of(&grid).unwrap();
        let total: f64 = log_prob.as_slice().iter().map(|p| p.exp() * width * width).sum();
        // The uniform base's density has an edge, and a cell is on one side of it.
        near(total, 1.0, if base == PlanarBase::Uniform { 0.02 } else { 1e-4 });
        let (x, known) = flow.sample_with_log_prob(500, Context::default(), &mut rng(10));
        assert_close("density of samples", &flow.log_prob_of(&x).unwrap(), &known, 1e-9);
    }
}

#[test]
fn a_planar_flow_without_layers_is_its_base() {
    for (base, fourth) in [(PlanarBase::Gaussian, 3.0), (PlanarBase::Uniform, 9.0 / 5.0)] {
        let flow: Flow<f64> = PlanarFlow::build(&PlanarConfig { dims: 2, layers: 0, base, condition: 0 }, &mut rng(11));
        let x = flow.sample(100_000, Context::default(), 1.0, &mut rng(12));
        let moment = |power: i32| x.as_slice().iter().map(|x| x.powi(power)).sum::<f64>() / x.as_slice().len() as f64;
        for (power, expected) in [(1, 0.0), (2, 1.0), (4, fourth)] {
            near(moment(power), expected, 0.05);
        }
    }
}

#[test]
#[should_panic(expected = "planar: this layer needs a condition")]
fn a_layer_under_a_condition_refuses_to_go_without() {
    let _ = Planar::<f64>::new(2, 3, &mut rng(13)).to_data(&Var::from(Tensor::zeros([1, 2])), Context::default());
}
