//! The encoder's posterior over the latents.

use crate::base::{Base, StandardNormal};
use autograd::{Real, Var};

/// `q(z₀ | x) = N(μ, diag σ²)` for each row of a batch.
#[derive(Clone, Debug)]
pub struct Posterior<T: Real> {
    /// μ, `[batch, latents]`.
    pub mu: Var<T>,
    /// log σ, `[batch, latents]`, softly bounded to ±5.
    pub log_sigma: Var<T>,
    /// Features of x for a refinement, `[batch, features]`.
    pub features: Option<Var<T>>,
}

/// Latents drawn from a posterior.
#[derive(Clone, Debug)]
pub struct Drawn<T: Real> {
    /// z, `[batch, latents]`.
    pub z: Var<T>,
    /// `log q(z | x)` in nats, `[batch]`.
    pub log_q: Var<T>,
    /// `KL(q ‖ p)` in nats, `[batch]`: in closed form if q is Gaussian, otherwise an unbiased estimate from this z.
    pub divergence: Var<T>,
}

impl<T: Real> Posterior<T> {
    /// The divergence from N(0, I) in nats, `[batch]` (Kingma & Welling 2014, appendix B):
    ///
    /// <!-- KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σⱼ (μⱼ² + σⱼ² − 1 − log σⱼ²) -->
    #[doc = include_str!("../../../formulas/gaussian-divergence.html")]
    pub fn divergence(&self) -> Var<T> {
        let log_variance = self.log_sigma.scale(2.0);
        // expm1 does not cancel near σ = 1.
        (self.mu.square() + log_variance.expm1() - log_variance).sum_per_sample().scale(0.5)
    }

    /// z₀ with `log q(z₀ | x)`, from ε ~ N(0, I), `[batch, latents]`: the reparameterization trick, through which μ and
    /// σ get gradients.
    ///
    /// <!-- z = μ(x) + σ(x) ⊙ ε,   ε ~ N(0, I) -->
    #[doc = include_str!("../../../formulas/reparameterization.html")]
    pub fn draw(&self, noise: &Var<T>) -> Drawn<T> {
        let z = &self.mu + self.log_sigma.exp() * noise;
        let log_q = StandardNormal.log_prob(noise) - self.log_sigma.sum_per_sample();
        Drawn { z, log_q, divergence: self.divergence() }
    }

    /// The batch repeated, `[times·batch, …]`.
    pub(super) fn repeated(&self, times: usize) -> Self {
        let repeat = |x: &Var<T>| repeated(x, times);
        let features = self.features.as_ref().map(repeat);
        Self { mu: repeat(&self.mu), log_sigma: repeat(&self.log_sigma), features }
    }
}

/// A batch repeated, `[batch, n]` to `[times·batch, n]`.
pub(super) fn repeated<T: Real>(x: &Var<T>, times: usize) -> Var<T> {
    let (batch, width) = (x.extent(0), x.extent(1));
    x.reshape([1, batch, width]).broadcast_to([times, batch, width]).reshape([times * batch, width])
}
