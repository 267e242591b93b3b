//! Rational-quadratic splines (Durkan, Bekasov, Murray & Papamakarios, *Neural Spline Flows*, 2019).

use super::{Elementwise, Parameters, Univariate};
use crate::module::Visitor;
use autograd::{Real, Var};

/// The least width and height of a bin, as a fraction of the interval's, and the least derivative at a knot.
const LEAST: f64 = 1e-3;

/// A spline of K bins on [−B, B] and the identity outside, from x to z:
///
/// <!--
/// ξ = (x − xₖ)/wₖ,   s = hₖ/wₖ,   q = s + (dₖ + dₖ₊₁ − 2s)ξ·(1 − ξ)
/// z = zₖ + hₖ·(s·ξ² + dₖ·ξ·(1 − ξ))/q
/// dz/dx = s²·(dₖ₊₁·ξ² + 2s·ξ·(1 − ξ) + dₖ·(1 − ξ)²)/q²
/// -->
#[doc = include_str!("../../formulas/rational-quadratic.html")]
///
/// θ consists of the logits of the K widths w, the logits of the K heights h, and the K − 1 derivatives d at the inner
/// knots. Widths and heights are softmaxes scaled to 2B, each at least 1e-3 of it; d is softplus + 1e-3, shifted so that
/// θ = 0 is the identity. At the ends d = 1, so the derivative is continuous everywhere.
///
/// The inverse has a closed form. With η = (z − zₖ)/hₖ, ξ solves a quadratic equation, whose discriminant (over hₖ²) is a
/// sum of squares, with u = dₖ(1 − η) − dₖ₊₁η:
///
/// ```text
/// r = √(u² + 4s²η(1 − η))
/// ξ = 2sη / (2sη + r + u)              where u ≥ 0
/// ξ = (r − u) / (r − u + 2s(1 − η))    where u < 0: the same, and neither cancels
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RationalQuadratic {
    bins: usize,
    bound: f64,
}

/// The bin of each value.
struct Bin<T: Real> {
    x: Var<T>,
    z: Var<T>,
    width: Var<T>,
    height: Var<T>,
    /// Derivatives at the left and at the right knot.
    left: Var<T>,
    right: Var<T>,
}

impl RationalQuadratic {
    /// A spline of K `bins` on [−B, B] with B = `bound`. K = 8 and B = 5 are usual.
    ///
    /// # Panics
    /// If there are no bins or more than 500, or `bound` is not positive.
    pub fn new(bins: usize, bound: f64) -> Self {
        assert!((1..=500).contains(&bins), "rational-quadratic spline: {bins} bins, not 1 to 500");
        assert!(bound > 0.0, "rational-quadratic spline: the bound {bound} is not positive");
        Self { bins, bound }
    }

    /// 1 where a value is within [−B, B]; and the value there, 0 elsewhere: what is computed and then not used must be
    /// finite, with finite derivatives.
    fn inside<T: Real>(self, v: &Var<T>) -> (Var<T>, Var<T>) {
        let within = v.detach().within(-self.bound, self.bound);
        let inside = within.select(v, &v.zeros_like());
        (within, inside)
    }

    /// The bin of each x, or of each z.
    fn bin<T: Real>(self, v: &Var<T>, theta: &Parameters<T>, by_z: bool) -> Bin<T> {
        let (bins, axis, bound) = (self.bins, theta.axis(), self.bound);
        let sizes = |from: usize| {
            let free = 1.0 - bins as f64 * LEAST;
            theta.list(from..from + bins).softmax(&[axis]).affine(2.0 * bound * free, 2.0 * bound * LEAST)
        };
        let (widths, heights) = (sizes(0), sizes(bins));
        let at_zero = (1.0 - LEAST).exp_m1().ln();
        let derivatives = theta.list(2 * bins..3 * bins - 1).shift(at_zero).softplus().shift(LEAST);
        let place = theta.facing(v).detach();
        let (zeros, ones) = (place.zeros_like(), place.zeros_like().shift(1.0));
        let derivatives = Var::concat(axis, &[&ones, &derivatives, &ones]);
        // 1 where the value is at or beyond each inner knot.
        let searched = if by_z { heights.detach() } else { widths.detach() };
        let mut knot = zeros.shift(-bound);
        let mut beyond = Vec::with_capacity(bins + 1);
        beyond.push(ones);
        for k in 0..bins - 1 {
            knot = knot + searched.slice(axis, k..k + 1);
            beyond.push(place.greater_equal(&knot));
        }
        beyond.push(zeros);
        let steps: Vec<&Var<T>> = beyond.iter().collect();
        let (started, passed) = (Var::concat(axis, &steps[..bins]), Var::concat(axis, &steps[1..]));
        let here = started - &passed;
        let of = |list: &Var<T>| (list * &here).sum(&[axis]);
        let before = |list: &Var<T>| (list * &passed).sum(&[axis]).shift(-bound);
        Bin {
            x: before(&widths),
            z: before(&heights),
            width: of(&widths),
            height: of(&heights),
            left: of(&derivatives.slice(axis, 0..bins)),
            right: of(&derivatives.slice(axis, 1..bins + 1)),
        }
    }
}

impl<T: Real> Bin<T> {
    /// z and `log dz/dx` at a place ξ between 0 and 1 in the bin.
    fn at(&self, xi: &Var<T>) -> Elementwise<T> {
        let s = &self.height / &self.width;
        let rest = xi.affine(-1.0, 1.0);
        let product = xi * &rest;
        let q = &s + (&self.left + &self.right - s.scale(2.0)) * &product;
        let value = &self.z + &self.height * (&s * xi.square() + &self.left * &product) / &q;
        let slope = &self.right * xi.square() + s.scale(2.0) * &product + &self.left * rest.square();
        Elementwise { value, log_deriv: (s.ln() - q.ln()).scale(2.0) + slope.ln() }
    }

    /// The place ξ in the bin that maps to z.
    fn place_of(&self, z: &Var<T>) -> Var<T> {
        let eta = (z - &self.z) / &self.height;
        let (rest, twice) = (eta.affine(-1.0, 1.0), (&self.height / &self.width).scale(2.0));
        let u = &self.left * &rest - &self.right * &eta;
        let root = (u.square() + twice.square() * &eta * &rest).sqrt();
        let rising = u.detach().greater_equal(&u.zeros_like());
        let sum = root + rising.select(&u, &-&u);
        let (left, right) = (&twice * eta, twice * rest);
        let (numerator, other) = (rising.select(&left, &sum), rising.select(&sum, &right));
        &numerator / (&numerator + other)
    }
}

impl<T: Real> Univariate<T> for RationalQuadratic {
    fn parameters(&self) -> usize {
        3 * self.bins - 1
    }

    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        let (within, inside) = self.inside(x);
        let bin = self.bin(&inside, theta, false);
        let Elementwise { value, log_deriv } = bin.at(&((inside - &bin.x) / &bin.width));
        Elementwise { value: within.select(&value, x), log_deriv: within.select(&log_deriv, &x.zeros_like()) }
    }

    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        let (within, inside) = self.inside(z);
        let bin = self.bin(&inside, theta, true);
        let xi = bin.place_of(&inside);
        let value = &bin.x + &bin.width * &xi;
        let log_deriv = -bin.at(&xi).log_deriv;
        Elementwise { value: within.select(&value, z), log_deriv: within.select(&log_deriv, &z.zeros_like()) }
    }

    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("map", "rational-quadratic");
        visitor.constant("bound", self.bound);
        visitor.constant("least", LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::{Elementwise, LEAST, Parameters, RationalQuadratic, Univariate};
    use autograd::{Real, Tensor, Var, check, diff};

    const BINS: usize = 5;
    const SPLINE: RationalQuadratic = RationalQuadratic { bins: BINS, bound: 2.0 };

    /// The same for each of some values: bins from wide to narrow, derivatives from flat to steep.
    fn theta<T: Real>(count: usize) -> Parameters<T> {
        let one = |j: usize| T::from_f64(2.5 * (1.0 + 1.7 * j as f64).sin());
        Parameters::last(Var::from(Tensor::from_fn([1, count, 3 * BINS - 1], |i| one(i % (3 * BINS - 1)))))
    }

    fn row<T: Real>(numbers: &[f64]) -> Var<T> {
        let numbers: Vec<T> = numbers.iter().map(|&x| T::from_f64(x)).collect();
        Var::from(Tensor::from_slice([1, numbers.len()], &numbers))
    }

    /// All knots of x, with both ends.
    fn knots() -> Vec<f64> {
        let logits: Vec<f64> = (0..BINS).map(|j| theta::<f64>(1).nth(j).item()).collect();
        let sum: f64 = logits.iter().map(|l| l.exp()).sum();
        let free = 1.0 - BINS as f64 * LEAST;
        let widths = logits.iter().map(|l| 4.0 * (LEAST + free * l.exp() / sum));
        let inner = widths.take(BINS - 1).scan(-2.0, |knot, width| {
            *knot += width;
            Some(*knot)
        });
        [-2.0].into_iter().chain(inner).chain([2.0]).collect()
    }

    #[test]
    fn both_directions_agree_at_knots_ends_and_outside() {
        let knots = knots();
        for offset in [0.0, 1e-15, -1e-15, 1e-9, -1e-9, 5.0, -5.0, 1e6] {
            let x = row::<f64>(&knots.iter().map(|knot| knot + offset).collect::<Vec<_>>());
            let theta = theta(knots.len());
            let there = SPLINE.to_latent(&x, &theta);
            let back = SPLINE.to_data(&there.value, &theta);
            check::assert_close("x", back.value.value(), x.value(), 1e-12);
            let sum = there.log_deriv + back.log_deriv;
            check::assert_close("log-derivatives", sum.value(), sum.zeros_like().value(), 1e-8);
        }
    }

    #[test]
    fn value_and_derivative_are_continuous_at_knots() {
        for knot in knots() {
            let theta = theta(1);
            let [left, right] = [-1e-10, 1e-10].map(|step| SPLINE.to_latent(&row(&[knot + step]), &theta));
            check::assert_close("z", left.value.value(), right.value.value(), 1e-7);
            check::assert_close("log-derivative", left.log_deriv.value(), right.log_deriv.value(), 1e-6);
        }
    }

    #[test]
    fn it_rises_and_is_the_identity_outside_and_at_zero_parameters() {
        let numbers: Vec<f64> = (-300..=300).map(|i| f64::from(i) / 100.0).collect();
        let x = row::<f64>(&numbers);
        let Elementwise { value, log_deriv } = SPLINE.to_latent(&x, &theta(numbers.len()));
        assert!(value.value().as_slice().windows(2).all(|pair| pair[0] < pair[1]));
        for (i, &x) in numbers.iter().enumerate().filter(|(_, x)| x.abs() >= 2.0) {
            assert!((value.value().as_slice()[i] - x).abs() < 1e-14 && log_deriv.value().as_slice()[i].abs() < 1e-12);
        }
        let zeros = Parameters::last(Var::from(Tensor::zeros([1, numbers.len(), 3 * BINS - 1])));
        let Elementwise { value, log_deriv } = SPLINE.to_latent(&x, &zeros);
        check::assert_close("identity", value.value(), x.value(), 1e-14);
        check::assert_close("no volume", log_deriv.value(), x.zeros_like().value(), 1e-14);
    }

    #[test]
    fn narrow_bins_and_steep_derivatives_keep_their_digits_in_f32() {
        let numbers: Vec<f64> = (-250..=250).map(|i| f64::from(i) / 100.0).collect();
        let one = [30.0, -30.0, 0.0, -30.0, 30.0, 15.0, -30.0, 15.0, -30.0, 30.0, -8.0, 9.0, -8.0, 9.0f32];
        let theta = Parameters::last(Var::from(Tensor::from_fn([1, numbers.len(), 14], |i| one[i % 14])));
        let z = row::<f32>(&numbers);
        let x = SPLINE.to_data(&z, &theta);
        assert!(x.value.value().as_slice().windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(x.log_deriv.value().as_slice().iter().all(|l| l.is_finite()));
        for (x, z) in x.value.value().as_slice().iter().zip(&numbers).filter(|(_, z)| z.abs() >= 2.0) {
            assert!((f64::from(*x) - z).abs() < 1e-5);
        }
    }

    #[test]
    fn derivatives_are_finite_everywhere() {
        let numbers: Vec<f64> = knots().into_iter().chain([0.1, 3.0, -1e6]).collect();
        for to_data in [false, true] {
            let both = |x: &Var<f64>| {
                let theta = theta(numbers.len());
                let mapped = if to_data { SPLINE.to_data(x, &theta) } else { SPLINE.to_latent(x, &theta) };
                Var::concat(1, &[&mapped.value, &mapped.log_deriv])
            };
            let jacobian = diff::jacobian(both, row(&numbers).value());
            assert!(jacobian.as_slice().iter().all(|slope| slope.is_finite()));
        }
    }
}
