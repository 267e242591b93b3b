//! Base distributions, and what a flow makes of them.

use super::{near, rng, uniform};
use autograd::{Shape, Tensor, Var};
use flows::check::randomize;
use flows::layers::{Dequantize, Rescaling, Standardize};
use flows::models::{Nice, NiceConfig};
use flows::{
    Base, Bijection, Chain, Contaminated, Context, Flow, InputError, Logistic, Mapped, Module, StandardNormal, Uniform,
    Visitor, bits_per_dim,
};
use std::f64::consts::PI;

/// With many outliers that are not far away.
const CONTAMINATED: Contaminated = Contaminated { share: 0.2, spread: 4.0 };

fn bases() -> [(&'static str, Box<dyn Base<f64>>); 4] {
    [
        ("normal", Box::new(StandardNormal)),
        ("logistic", Box::new(Logistic)),
        ("uniform", Box::new(Uniform)),
        ("contaminated", Box::new(CONTAMINATED)),
    ]
}

const SECOND_MOMENTS: [f64; 4] = [1.0, PI * PI / 3.0, 1.0 / 3.0, 0.8 + 0.2 * 16.0];

/// The density at one value.
fn density(base: &dyn Base<f64>, z: f64) -> f64 {
    base.log_prob(&Var::from(Tensor::from_slice([1, 1], &[z]))).item().exp()
}

/// `∫ g(z)·p(z) dz` over [−40, 40] by the midpoint rule, whose cells end at 0 and 1.
fn expectation(base: &dyn Base<f64>, g: impl Fn(f64) -> f64) -> f64 {
    let cells = 80 * 500;
    let width = 1.0 / 500.0;
    (0..cells).map(|i| -40.0 + (f64::from(i) + 0.5) * width).map(|z| g(z) * density(base, z) * width).sum()
}

#[test]
fn densities_integrate_to_one_and_have_their_moments() {
    let means = [0.0, 0.0, 0.5, 0.0];
    for (i, (name, base)) in bases().iter().enumerate() {
        let moment = |g: fn(f64) -> f64| expectation(base.as_ref(), g);
        assert!((moment(|_| 1.0) - 1.0).abs() < 1e-6, "{name}");
        near(moment(|z| z), means[i], 1e-6);
        near(moment(|z| z * z), SECOND_MOMENTS[i], 1e-5);
    }
}

#[test]
fn log_densities_of_rows_are_sums_over_their_dimensions() {
    let z = Tensor::from_slice([2, 3], &[0.1, 0.9, 0.5, -2.0, 30.0, 0.0]);
    let logistic = |z: f64| -z.abs() - 2.0 * (-z.abs()).exp().ln_1p();
    let normal = |z: f64| -0.5 * z * z - 0.5 * (2.0 * PI).ln();

    let uniform = |z: f64| if (0.0..=1.0).contains(&z) { 0.0 } else { f64::NEG_INFINITY };
    let contaminated = |z: f64| (0.8 * normal(z).exp() + 0.2 * normal(z / 4.0).exp() / 4.0).ln();
    let formulas: [&dyn Fn(f64) -> f64; 4] = [&normal, &logistic, &uniform, &contaminated];
    for ((name, base), formula) in bases().iter().zip(formulas) {
        let found = base.log_prob(&Var::from(z.clone()));
        assert_eq!(found.shape(), &Shape::from([2]), "{name}");
        for (row, &found) in found.value().as_slice().iter().enumerate() {
            let expected: f64 = z.as_slice()[3 * row..3 * row + 3].iter().map(|&z| formula(z)).sum();
            assert!(found == expected || (found - expected).abs() < 1e-12, "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn samples_follow_their_distribution() {
    const COUNT: usize = 100_000;
    let normal_cdf = |z: f64| {
        // Midpoints again: independent of the engine's own erf.
        let steps = 200;
        let width = z / f64::from(steps);
        let phi = |t: f64| (-0.5 * t * t).exp() / (2.0 * PI).sqrt();
        0.5 + (0..steps).map(|i| phi((f64::from(i) + 0.5) * width) * width).sum::<f64>()
    };
    let logistic_cdf = |z: f64| 1.0 / (1.0 + (-z).exp());
    let contaminated_cdf = |z: f64| 0.8 * normal_cdf(z) + 0.2 * normal_cdf(z / 4.0);
    let cdfs: [&dyn Fn(f64) -> f64; 4] = [&normal_cdf, &logistic_cdf, &|z| z.clamp(0.0, 1.0), &contaminated_cdf];
    for (seed, ((name, base), cdf)) in bases().iter().zip(cdfs).enumerate() {
        let mut z = base.sample([COUNT / 4, 4].into(), 1.0, &mut rng(seed as u64)).as_slice().to_vec();
        z.sort_by(f64::total_cmp);
        let above = z.iter().enumerate().map(|(i, &z)| ((i as f64 + 0.5) / COUNT as f64 - cdf(z)).abs());
        // The Kolmogorov–Smirnov statistic of correct samples exceeds 1.95/√n once in a thousand.
        let statistic = above.fold(0.0, f64::max);
        assert!(statistic < 1.95 / (COUNT as f64).sqrt(), "{name}: {statistic}");
        // The second moment, to four standard errors: a wrong scale shows here first.
        let moment = |power: i32| z.iter().map(|z| z.powi(power)).sum::<f64>() / COUNT as f64;
        let error = ((moment(4) - moment(2).powi(2)) / COUNT as f64).sqrt();
        near(moment(2), SECOND_MOMENTS[seed], 4.0 * error);
    }
}

#[test]
fn an_outlier_costs_few_nats_and_ordinary_latents_none() {
    let at = |base: &dyn Base<f64>, z: f64| base.log_prob(&Var::from(Tensor::from_slice([1, 1], &[z]))).item();
    let base = Contaminated::default();
    for z in [0.0, -1.0, 3.0, 5.0] {
        near(at(&base, z), at(&StandardNormal, z), 1e-4);
    }
    assert!((-30.0..-20.0).contains(&at(&base, 200.0)), "{}", at(&base, 200.0));
    // In f32 too, where −½z² and what is added to it are large.
    let single = Base::<f32>::log_prob(&base, &Var::from(Tensor::from_slice([1, 1], &[200.0]))).item();
    near(f64::from(single), at(&base, 200.0), 1e-2);
}

#[test]
fn temperature_scales_samples_about_the_middle() {
    for (name, base) in bases() {
        let at = |temperature| base.sample([50, 2].into(), temperature, &mut rng(3));
        let middle = if name == "uniform" { 0.5 } else { 0.0 };
        let (hot, cool) = (at(1.0), at(0.25));
        for (hot, cool) in hot.as_slice().iter().zip(cool.as_slice()) {
            near(cool - middle, 0.25 * (hot - middle), 1e-12);
        }
    }
}

#[test]
fn a_small_nice_has_the_density_worked_out_by_hand() {
    let config = NiceConfig { dims: 3, couplings: 2, hidden: 2, depth: 1, condition: 0 };
    let flow: Flow<f64> = Nice::build(&config, &mut rng(0));
    let numbers = [
        ("layers.1.net.0.weight", vec![1.0, -2.0, 0.5, 1.0]),
        ("layers.1.net.0.bias", vec![0.1, -0.2]),
        ("layers.1.net.1.weight", vec![0.7, -0.3]),
        ("layers.1.net.1.bias", vec![0.05]),
        ("layers.2.net.0.weight", vec![1.5, -1.0]),
        ("layers.2.net.0.bias", vec![0.0, 0.4]),
        ("layers.2.net.1.weight", vec![0.2, 0.6, -0.8, 0.9]),
        ("layers.2.net.1.bias", vec![-0.1, 0.3]),
        ("layers.3.log_scale", vec![0.3, -0.5, 0.2]),
    ];
    let params = flow.params();
    assert_eq!(params.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), numbers.each_ref().map(|n| n.0));
    for ((_, param), (_, values)) in params.iter().zip(&numbers) {
        param.set(Tensor::from_slice(param.shape(), values));
    }
    let [a, b, c] = [0.6, -1.1, 0.8];
    // Even dimensions a, c are read; the odd one, b, is shifted by a network of two ReLUs.
    let relu = |x: f64| x.max(0.0);
    let shift = 0.7 * relu(a - 2.0 * c + 0.1) - 0.3 * relu(0.5 * a + c - 0.2) + 0.05;
    let b1 = b - shift;
    // Then they swap roles.
    let (h0, h1) = (relu(1.5 * b1), relu(-b1 + 0.4));
    let a1 = a - (0.2 * h0 + 0.6 * h1 - 0.1);
    let c1 = c - (-0.8 * h0 + 0.9 * h1 + 0.3);
    let z = [(-0.3f64).exp() * a1, 0.5f64.exp() * c1, (-0.2f64).exp() * b1];
    let logistic = |z: f64| -z.exp().ln_1p() - (-z).exp().ln_1p();
    let expected = z.map(logistic).iter().sum::<f64>() - (0.3 - 0.5 + 0.2);
    let x = Tensor::from_slice([1, 3], &[a, b, c]);
    near(flow.log_prob_of(&x).unwrap().item(), expected, 1e-12);
    for (found, expected) in flow.encode(&x).unwrap().as_slice().iter().zip(z) {
        near(*found, expected, 1e-12);
    }
    near(flow.loss(&Var::from(x), Context::default()).item(), -expected, 1e-12);
}

/// A NICE away from its start.
fn some_nice() -> Flow<f64> {
    let flow = Nice::build(&NiceConfig { dims: 5, couplings: 4, hidden: 7, depth: 2, condition: 0 }, &mut rng(1));
    randomize(&flow, 0.5, &mut rng(2));
    flow
}

#[test]
fn samples_come_with_their_density() {
    let flow = some_nice();
    let (x, log_prob) = flow.sample_with_log_prob(40, Context::default(), &mut rng(7));
    let again = flow.log_prob_of(&x).unwrap();
    assert_eq!(log_prob.shape(), again.shape());
    for (found, expected) in log_prob.as_slice().iter().zip(again.as_slice()) {
        near(*found, *expected, 1e-10);
    }
    let alone = flow.sample(40, Context::default(), 1.0, &mut rng(7));
    assert_eq!(super::bits(&alone), super::bits(&x));
}

#[test]
fn a_density_over_data_integrates_to_one() {
    // Of one dimension, through layers whose log-determinants would show in the total.
    let rescaling = Rescaling::new(1);
    randomize(&rescaling, 1.0, &mut rng(5));
    let layers = Chain::new(vec![Box::new(Standardize::new(&[0.7], &[1.9])), Box::new(rescaling)]);
    let flow = Flow::<f64>::new(layers, StandardNormal, [1]);
    let (cells, reach) = (20_000, 40.0);
    let width = 2.0 * reach / cells as f64;
    let grid = Tensor::from_fn([cells, 1], |i| -reach + (i as f64 + 0.5) * width);
    let total: f64 = flow.log_prob_of(&grid).unwrap().as_slice().iter().map(|p| p.exp() * width).sum();
    near(total, 1.0, 1e-9);
}

#[test]
fn bits_per_dim_are_those_of_a_density_over_levels() {
    // −log p of levels, by a flow that dequantizes first, over D·ln 2.
    let (inner, levels) = (some_nice(), uniform(&[6, 5], 0.0, 256.0, &mut rng(4)));
    let unit = Tensor::from_fn(levels.shape(), |i| levels.as_slice()[i] / 256.0);
    let of_unit = inner.log_prob_of(&unit).unwrap();
    let config = NiceConfig { dims: 5, couplings: 4, hidden: 7, depth: 2, condition: 0 };
    let model = FromLevels(Dequantize::new(256), Nice::build(&config, &mut rng(1)));
    randomize(&model.1, 0.5, &mut rng(2));
    let of_levels = Flow::new(model, Logistic, [5]).log_prob_of(&levels).unwrap();
    for (of_levels, of_unit) in of_levels.as_slice().iter().zip(of_unit.as_slice()) {
        near(bits_per_dim(*of_unit, 5, 256.0), -of_levels / (5.0 * 2.0f64.ln()), 1e-12);
    }
}

#[test]
fn the_published_nats_of_nice_give_its_published_bits() {
    // 1980.50 nats on MNIST (Dinh et al. 2015, table 1) are 4.36 bits per dimension.
    near(bits_per_dim(1980.50, 784, 256.0), 4.36, 0.005);
}

/// Dequantization before another flow's bijection.
#[derive(Debug)]
struct FromLevels(Dequantize, Flow<f64>);

impl Bijection<f64> for FromLevels {
    fn to_latent(&self, x: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
        let first = self.0.to_latent(x, cx);
        let second = self.1.bijection().to_latent(&first.value, cx);
        Mapped { value: second.value, log_det: first.log_det + second.log_det }
    }

    fn to_data(&self, z: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
        let first = self.1.bijection().to_data(z, cx);
        let second = self.0.to_data(&first.value, cx);
        Mapped { value: second.value, log_det: first.log_det + second.log_det }
    }
}

impl Module<f64> for FromLevels {
    fn visit(&self, visitor: &mut Visitor<f64>) {
        self.1.visit(visitor);
    }
}

#[test]
fn data_that_do_not_fit_are_rejected_with_a_message() {
    let flow = some_nice();
    let wrong = flow.log_prob_of(&Tensor::zeros([2, 4])).unwrap_err();
    assert_eq!(wrong, InputError::Shape { expected: [5].into(), found: [4].into() });
    assert_eq!(wrong.to_string(), "rows of shape [4] do not fit: this flow is over rows of shape [5]");
    assert!(flow.encode(&Tensor::zeros([5])).is_err());
    assert!(flow.decode(&Tensor::scalar(1.0)).is_err());
    assert!(flow.check(&Tensor::zeros([2, 5, 1])).is_err());
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut x = Tensor::zeros([3, 5]);
        x.as_mut_slice()[2 * 5 + 4] = value;
        let broken = flow.decode(&x).unwrap_err();
        assert!(matches!(broken, InputError::NotFinite { row: 2, element: 4, .. }));
        let said = format!("row 2, element 4 (counting from 0) is {value}: remove or repair such values first");
        assert_eq!(broken.to_string(), said);
    }
}

#[test]
fn no_rows_and_many_rows_are_mapped_too() {
    let flow = some_nice();
    assert_eq!(flow.log_prob_of(&Tensor::zeros([0, 5])).unwrap().shape(), &Shape::from([0]));
    assert_eq!(flow.encode(&Tensor::zeros([0, 5])).unwrap().shape(), &Shape::from([0, 5]));
    // More rows than one batch: each result must be in its place.
    let x = uniform(&[1203, 5], -2.0, 2.0, &mut rng(9));
    let whole = flow.log_prob(&Var::from(x.clone()), Context::default());
    for (found, expected) in flow.log_prob_of(&x).unwrap().as_slice().iter().zip(whole.value().as_slice()) {
        near(*found, *expected, 1e-12);
    }
    let back = flow.decode(&flow.encode(&x).unwrap()).unwrap();
    assert!(autograd::check::max_error(&back, &x) < 1e-10);
}
