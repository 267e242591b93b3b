//! A mixture of logistic distributions of one number, in logarithms throughout: right however far out.

use crate::log_sum::LogSum;
use autograd::special::{increasing_root, log_normal_cdf, log_normal_quantile, normal_score, softplus};
use std::f64::consts::{LN_2, PI};

/// Places are clamped to this many scales, so that their logarithms stay finite.
const FURTHEST: f64 = 1e300;

#[derive(Clone, Copy, Debug)]
struct Kernel {
    log_weight: f64,
    location: f64,
    log_scale: f64,
}

impl Kernel {
    /// `(x − μ)/h`.
    fn place(&self, x: f64) -> f64 {
        ((x - self.location) * (-self.log_scale).exp()).clamp(-FURTHEST, FURTHEST)
    }

    /// `ln(w·σ(v))`: its part of a tail.
    fn log_part(&self, v: f64) -> f64 {
        self.log_weight - softplus(-v)
    }
}

/// One number's mixture of logistic distributions, and the trick that makes it normal:
///
/// ```text
/// F(x) = Σₖ wₖ·σ((x − μₖ)/hₖ)      w = softmax(logits)
/// z(x) = Φ⁻¹(F(x))                  log ∂z/∂x = log f(x) − log φ(z)
/// ```
///
/// All is computed from the logarithm of the lighter tail, F or 1 − F, so that z is right where one of them cannot
/// be told from 1 and the other underflows.
#[derive(Clone, Debug)]
pub struct LogisticMixture {
    kernels: Vec<Kernel>,
}

/// The lighter tail T at x.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// 1 where T = F, −1 where T = 1 − F.
    side: f64,
    /// The logarithm of the largest kernel's part of T, and of T over that: apart, since their sum far out would have
    /// lost the second.
    largest: f64,
    rest: f64,
    /// ln(f/T).
    log_hazard: f64,
}

/// z, its slope's logarithm, and that one's derivative by x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) z: f64,
    pub(super) log_deriv: f64,
    pub(super) d_log_deriv: f64,
}

impl LogisticMixture {
    /// With these logits of the weights, locations μ and log-scales log h.
    ///
    /// # Panics
    /// If there are none, or not equally many of each.
    #[track_caller]
    pub fn new(logits: &[f64], locations: &[f64], log_scales: &[f64]) -> Self {
        let count = logits.len();
        assert!(
            count > 0 && locations.len() == count && log_scales.len() == count,
            "logistic mixture: {count} logits, {} locations and {} log-scales",
            locations.len(),
            log_scales.len()
        );
        let all = LogSum::of(logits.iter().copied());
        let kernels = logits.iter().zip(locations).zip(log_scales).map(|((logit, &location), &log_scale)| Kernel {
            log_weight: logit - all,
            location,
            log_scale,
        });
        Self { kernels: kernels.collect() }
    }

    /// `ln F(x)`.
    pub fn log_cdf(&self, x: f64) -> f64 {
        self.parts(x, 1.0).iter().sum()
    }

    /// `ln(1 − F(x))`.
    pub fn log_survival(&self, x: f64) -> f64 {
        self.parts(x, -1.0).iter().sum()
    }

    /// `ln f(x)`.
    pub fn log_density(&self, x: f64) -> f64 {
        let tail = self.tail(x);
        tail.log() + tail.log_hazard
    }

    /// x → z, with `log ∂z/∂x`.
    pub fn to_latent(&self, x: f64) -> (f64, f64) {
        if !x.is_finite() {
            // An infinite x has an infinite z, and NaN gives NaN.
            return (x, f64::NAN);
        }
        self.tail(x).latent()
    }

    /// z → x, with `log ∂x/∂z`: the root of z(x) = z, to machine precision.
    pub fn to_data(&self, z: f64) -> (f64, f64) {
        // Where each kernel alone would have it: none has more than Φ(z) to the left of the least of them, and none
        // less to the left of the greatest.
        let place = log_normal_cdf(z) - log_normal_cdf(-z);
        let (mut low, mut high, mut middle) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        for kernel in &self.kernels {
            let own = (kernel.location + kernel.log_scale.exp() * place).clamp(-f64::MAX, f64::MAX);
            (low, high) = (low.min(own), high.max(own));
            middle += kernel.log_weight.exp() * own;
        }
        if !z.is_finite() || !middle.is_finite() {
            return (if z.is_finite() { middle.clamp(-f64::MAX, f64::MAX) } else { z }, f64::NAN);
        }
        let (x, log_deriv) = increasing_root(z, [low, high], middle, |x| self.tail(x).latent());
        (x, -log_deriv)
    }

    /// The largest part of the tail on one side, and the tail over it.
    fn parts(&self, x: f64, side: f64) -> [f64; 2] {
        let parts = || self.kernels.iter().map(|k| k.log_part(side * k.place(x)));
        let largest = parts().fold(f64::NEG_INFINITY, f64::max);
        [largest, LogSum::of(parts().map(|part| part - largest))]
    }

    fn tail(&self, x: f64) -> Tail {
        let left = self.parts(x, 1.0);
        let is_lighter = left[0] + left[1] <= -LN_2;
        let (side, [largest, rest]) = if is_lighter { (1.0, left) } else { (-1.0, self.parts(x, -1.0)) };
        // Each kernel's part of the tail times its own hazard: far out, where ln f and ln T are both beyond all
        // digits, their difference is not.
        let hazard = |k: &Kernel| {
            let v = side * k.place(x);
            k.log_part(v) - largest - softplus(v) - k.log_scale
        };
        Tail { side, largest, rest, log_hazard: LogSum::of(self.kernels.iter().map(hazard)) - rest }
    }

    /// The results of a forward pass at x.
    pub(super) fn point(&self, x: f64) -> Point {
        if !x.is_finite() {
            return Point { z: x, log_deriv: f64::NAN, d_log_deriv: f64::NAN };
        }
        let tail = self.tail(x);
        let (z, log_deriv) = tail.latent();
        // ∂/∂x of ln f, which is even: of each kernel's part of it, −tanh(u/2)/h.
        let d_log_deriv = |k: &Kernel| {
            let v = tail.side * k.place(x);
            tail.side * (0.5 * v).tanh() * (tail.log_part_of_density(k, v) - k.log_scale).exp()
        };
        Point { z, log_deriv, d_log_deriv: z * log_deriv.exp() - self.kernels.iter().map(d_log_deriv).sum::<f64>() }
    }

    /// Adds `g_z·∂z/∂θ + g_log_deriv·∂(log-derivative)/∂θ` at x, for θ the logits, the locations and the log-scales.
    pub(super) fn add_gradient(
        &self,
        x: f64,
        g_z: f64,
        g_log_deriv: f64,
        [logits, locations, log_scales]: [&mut [f64]; 3],
    ) {
        let tail = self.tail(x);
        let (z, _) = tail.latent();
        // z moves with ln T, and the log-derivative is ln f − ln φ(z).
        let by_tail = (g_z + g_log_deriv * z) * tail.side / normal_score(tail.side * z);
        for (i, k) in self.kernels.iter().enumerate() {
            let v = tail.side * k.place(x);
            let of_tail = (k.log_part(v) - tail.largest - tail.rest).exp();
            let of_density = tail.log_part_of_density(k, v).exp();
            let weight = k.log_weight.exp();
            logits[i] += by_tail * (of_tail - weight) + g_log_deriv * (of_density - weight);
            // By v: of ln σ(v), and of ln σ′(v).
            let along = by_tail * of_tail * (-softplus(v)).exp() - g_log_deriv * of_density * (0.5 * v).tanh();
            locations[i] -= along * tail.side * (-k.log_scale).exp();
            log_scales[i] -= along * v + g_log_deriv * of_density;
        }
    }
}

impl Tail {
    /// ln T.
    fn log(&self) -> f64 {
        self.largest + self.rest
    }

    fn latent(&self) -> (f64, f64) {
        let quantile = log_normal_quantile(self.log());
        (self.side * quantile, self.log_hazard - normal_score(quantile).ln())
    }

    /// The logarithm of a kernel's part of the density f at v.
    fn log_part_of_density(&self, k: &Kernel, v: f64) -> f64 {
        k.log_part(v) - self.largest - self.rest - softplus(v) - k.log_scale - self.log_hazard
    }
}

/// `σ·(4√π/(π⁴n))^⅕`: the scale of n logistic kernels that smooth a normal sample of deviation σ best, in the mean
/// square of the density's error (Meng et al. 2020, Gaussianization Flows; after Silverman 1986).
pub fn logistic_bandwidth(deviation: f64, count: usize) -> f64 {
    deviation * (4.0 * PI.sqrt() / (PI.powi(4) * count as f64)).powf(0.2)
}
