//! Functions far into their tails, against values computed by mpmath: the function and its gradient, in `f64` and
//! `f32`.

use super::special_values as table;
use autograd::{Real, Tape, Tensor, Var, diff};
use table::Row;

/// A function of one value.
type Function<T> = fn(&Var<T>) -> Var<T>;

/// How far from the table a result may be: `relative·|expected| + absolute`.
#[derive(Clone, Copy)]
struct Allowed {
    relative: f64,
    absolute: f64,
}

impl Allowed {
    fn check(self, what: &str, x: f64, got: f64, expected: f64) -> Option<String> {
        let error = (got - expected).abs();
        let fine = got == expected || error <= self.relative * expected.abs() + self.absolute;
        (!fine).then(|| format!("{what}({x}) = {got:e}, expected {expected:e}: off by {error:.2e}"))
    }
}

/// Evaluates each row of a table, and its gradient.
fn compare<T: Real>(name: &str, f: fn(&Var<T>) -> Var<T>, rows: &[Row], relative: f64, tiny: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    for &(x, value, slope) in rows {
        let at = Tensor::from_slice([1], &[T::from_f64(x)]);
        let (got, gradient) = diff::vjp(f, &at, &Tensor::full([1], T::ONE));
        let allowed = Allowed { relative, absolute: tiny };
        // The table has f64 arguments: rounding an argument to f32 is not an error of the function.
        let shift = slope * (at.item().to_f64() - x);
        wrong.extend(allowed.check(name, x, got.item().to_f64(), value + shift));
        let absolute = match name {
            // −r·(x + r), where x and r nearly cancel far to the left: the error grows as x².
            "normal_score" => 2.0 * T::EPSILON * x.powi(2).max(1.0),
            // Computed from the output, as 1 − y²: right in absolute terms only.
            "sigmoid" | "tanh" => 2.0 * T::EPSILON,
            _ => tiny,
        };
        let allowed = Allowed { relative: relative * 20.0, absolute };
        wrong.extend(allowed.check(&format!("{name}'"), x, gradient.item().to_f64(), slope));
    }
    wrong
}

macro_rules! in_both_types {
    ($($name:ident $rows:ident $f64:expr, $f32:expr;)*) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name);
            // Below the smallest normal number, only absolute differences mean something.
            let mut wrong = compare::<f64>(name, Var::$name, table::$rows, $f64, f64::MIN_POSITIVE);
            assert!(wrong.is_empty(), "f64:\n{}", wrong.join("\n"));
            wrong = compare::<f32>(name, Var::$name, table::$rows, $f32, f32::MIN_POSITIVE.into());
            assert!(wrong.is_empty(), "f32:\n{}", wrong.join("\n"));
        }
    )*};
}

in_both_types! {
    softplus SOFTPLUS 2e-15, 1e-6;
    log_sigmoid LOG_SIGMOID 2e-15, 1e-6;
    sigmoid SIGMOID 2e-15, 1e-6;
    tanh TANH 2e-15, 1e-6;
    erf ERF 2e-15, 1e-6;
    normal_cdf NORMAL_CDF 1e-13, 1e-5;
    log_normal_cdf LOG_NORMAL_CDF 1e-13, 2e-6;
    normal_score NORMAL_SCORE 1e-10, 1e-5;
    log_normal_quantile LOG_NORMAL_QUANTILE 1e-12, 1e-5;
}

/// The value and gradient of a function of one tensor.
fn both<T: Real>(f: impl Fn(&Var<T>) -> Var<T>, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x = tape.variable(Tensor::from_fn([x.len()], |i| T::from_f64(x[i])));
    let y = f(&x);
    let seed = Var::from(Tensor::full(y.shape(), T::ONE));
    let gradient = tape.vjp(&y, &seed, &[&x]).remove(0);
    let numbers = |x: &Tensor<T>| x.as_slice().iter().map(|x| x.to_f64()).collect();
    (numbers(y.value()), numbers(gradient.value()))
}

fn sums_of_exponentials<T: Real>() {
    let tolerance = 4.0 * T::EPSILON;
    for shift in [-1e4, -1e2, 0.0, 1e2, 1e4] {
        // ln(e^s + e^s + e^(s−1) + e^(s−2000)) − s, whatever s is.
        let x = [shift, shift, shift - 1.0, shift - 2000.0];
        let total = 2.0 + (-1.0f64).exp();
        let (y, slope) = both::<T>(|x| x.logsumexp(&[0]), &x);
        let size = f64::abs(shift).max(1.0);
        assert!((y[0] - (shift + total.ln())).abs() <= tolerance * size, "{} at {shift}: {y:?}", T::NAME);
        for (slope, x) in slope.iter().zip(x) {
            let expected = (x - shift).exp() / total;
            // An ulp of the arguments' size is a relative error of their exponentials.
            assert!((slope - expected).abs() <= tolerance * size * expected, "{} at {shift}: {slope}", T::NAME);
        }
        let (probabilities, _) = both::<T>(|x| x.softmax(&[0]), &x);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() <= tolerance * size, "{probabilities:?}");
        let (logs, slopes) = both::<T>(|x| x.log_softmax(&[0]), &x);
        assert!((logs[3] + 2000.0 + total.ln()).abs() <= 2000.0 * tolerance + tolerance * size, "{logs:?}");
        assert!(slopes.iter().all(|x| x.is_finite()), "{slopes:?}");
    }
    let nothing = f64::NEG_INFINITY;
    let (y, slope) = both::<T>(|x| x.logsumexp(&[0]), &[nothing, 2.0, nothing]);
    assert_eq!((y[0], slope), (2.0, vec![0.0, 1.0, 0.0]), "impossible terms add nothing");
    let empty = both::<T>(|x| x.logsumexp(&[0]), &[nothing, nothing]).0;
    assert_eq!(empty, [nothing], "the logarithm of a sum of nothing");
}

#[test]
fn logsumexp_and_softmax_at_any_offset() {
    sums_of_exponentials::<f64>();
    sums_of_exponentials::<f32>();
}

fn edges<T: Real>() {
    let (infinity, nan) = (f64::INFINITY, f64::NAN);
    let at = |f: fn(&Var<T>) -> Var<T>, x: f64| (both(f, &[x]).0[0], both(f, &[x]).1[0]);
    // Zero is the kink of these; which side is taken is documented.
    assert_eq!(at(Var::abs, 0.0), (0.0, 0.0));
    assert_eq!(at(Var::relu, 0.0), (0.0, 0.0));
    assert_eq!(at(Var::elu, 0.0).0, 0.0);
    assert_eq!(at(Var::sign, 0.0), (0.0, 0.0));
    assert_eq!(at(Var::step, 0.0), (0.0, 0.0));
    assert_eq!(at(|x| x.clamp(-1.0, 1.0), 1.0), (1.0, 1.0));
    assert_eq!(at(|x| x.clamp(-1.0, 1.0), 1.5), (1.0, 0.0));
    assert_eq!(at(|x| x.powf(2.0), 0.0), (0.0, 0.0));
    assert_eq!(at(Var::elu, -1e4), (-1.0, 0.0));
    assert_eq!(at(Var::exp, -1e4), (0.0, 0.0));
    assert_eq!(at(Var::exp, 1e4).0, infinity);
    assert_eq!(at(Var::expm1, -1e4), (-1.0, 0.0));
    assert_eq!(at(Var::ln, 0.0).0, -infinity);
    assert_eq!(at(Var::softplus, infinity), (infinity, 1.0));
    assert_eq!(at(Var::softplus, -infinity), (0.0, 0.0));
    assert_eq!(at(Var::log_sigmoid, infinity), (0.0, 0.0));
    assert_eq!(at(Var::log_normal_quantile, -infinity).0, -infinity);
    // Every function gives NaN for NaN, except those whose result is a yes or no.
    let through: [Function<T>; 22] = [
        Var::abs,
        Var::square,
        Var::sqrt,
        Var::recip,
        Var::exp,
        Var::expm1,
        Var::ln,
        Var::ln1p,
        Var::sin,
        Var::cos,
        Var::tanh,
        Var::sigmoid,
        Var::softplus,
        Var::log_sigmoid,
        Var::relu,
        Var::elu,
        Var::erf,
        Var::normal_cdf,
        Var::log_normal_cdf,
        Var::log_normal_quantile,
        |x| x.clamp(-1.0, 1.0),
        |x| x.leaky_relu(0.1),
    ];
    for (i, f) in through.into_iter().enumerate() {
        assert!(at(f, nan).0.is_nan(), "{}: function {i} of NaN is {}", T::NAME, at(f, nan).0);
    }
    let one = |x: f64| Var::from(Tensor::from_slice([1], &[T::from_f64(x)]));
    for (a, b) in [(nan, 1.0), (1.0, nan)] {
        assert!(one(a).maximum(&one(b)).item().to_f64().is_nan(), "{} maximum of {a}, {b}", T::NAME);
        assert!(one(a).minimum(&one(b)).item().to_f64().is_nan(), "{} minimum of {a}, {b}", T::NAME);
    }
    let mask = one(-1.0);
    assert_eq!(mask.select(&one(nan), &one(3.0)).item().to_f64(), 3.0, "select does not multiply by its mask");
}

#[test]
fn kinks_infinities_and_nan_in_f64() {
    edges::<f64>();
}

#[test]
fn kinks_infinities_and_nan_in_f32() {
    edges::<f32>();
}

/// Where two are equal, each takes half of the gradient; equal maxima share it.
#[test]
fn ties_share_the_gradient() {
    let pair = Tensor::from_slice([2], &[1.5, 1.5]);
    let halves = Tensor::from_slice([2], &[0.5, 0.5]);
    for f in [Var::maximum, Var::minimum] as [fn(&Var<f64>, &Var<f64>) -> Var<f64>; 2] {
        let gradient = diff::gradient(|x| f(&x.slice(0, 0..1), &x.slice(0, 1..2)), &pair);
        assert_eq!(gradient.as_slice(), halves.as_slice());
    }
    let three = Tensor::from_slice([4], &[2.0, -1.0, 2.0, 2.0]);
    let gradient = diff::gradient(|x| x.max(&[0]), &three);
    assert_eq!(gradient.as_slice(), [1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0]);
}
