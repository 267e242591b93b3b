//! What an encoder's numbers say of the latents.

use crate::base::{Base, StandardNormal};
use autograd::{Real, Var};

/// `q(z₀ | x) = N(μ, diag σ²)` for each row of a batch, and what the layers that refine it are told of x.
#[derive(Clone, Debug)]
pub struct Posterior<T: Real> {
    /// μ, `[batch, latents]`.
    pub mean: Var<T>,
    /// log σ, `[batch, latents]`, softly bounded to ±5.
    pub log_std: Var<T>,
    /// Features of x, `[batch, features]`, where the refinement asks for some.
    pub features: Option<Var<T>>,
}

/// Latents drawn from a posterior.
#[derive(Clone, Debug)]
pub struct Drawn<T: Real> {
    /// z, `[batch, latents]`.
    pub z: Var<T>,
    /// `log q(z | x)` in nats, `[batch]`.
    pub log_q: Var<T>,
    /// `KL(q ‖ p)` in nats, `[batch]`: in closed form where q is Gaussian, else an estimate from this z. Its
    /// mean over draws is the divergence.
    pub divergence: Var<T>,
}

impl<T: Real> Posterior<T> {
    /// The divergence from N(0, I) in nats, `[batch]` (Kingma & Welling 2014, appendix B):
    ///
    /// <!-- KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σⱼ (μⱼ² + σⱼ² − 1 − log σⱼ²) -->
    #[doc = include_str!("../../../formulas/gaussian-divergence.html")]
    #[must_use]
    pub fn divergence(&self) -> Var<T> {
        let log_variance = self.log_std.scale(2.0);
        // e^s − 1 by itself: near σ = 1 the sum would cancel.
        (self.mean.square() + log_variance.expm1() - log_variance).sum_per_sample().scale(0.5)
    }

    /// z₀ with `log q(z₀ | x)`, from ε of N(0, I), `[batch, latents]`: the reparameterization, through which
    /// gradients pass to μ and σ.
    ///
    /// <!-- z = μ(x) + σ(x) ⊙ ε,   ε ~ N(0, I) -->
    #[doc = include_str!("../../../formulas/reparameterization.html")]
    #[must_use]
    pub fn draw(&self, noise: &Var<T>) -> Drawn<T> {
        let z = &self.mean + self.log_std.exp() * noise;
        let log_q = StandardNormal.log_prob(noise) - self.log_std.sum_per_sample();
        Drawn { z, log_q, divergence: self.divergence() }
    }

    /// The same rows so many times over, `[times·batch, …]`.
    pub(super) fn repeated(&self, times: usize) -> Self {
        let repeat = |x: &Var<T>| repeated(x, times);
        let features = self.features.as_ref().map(repeat);
        Self { mean: repeat(&self.mean), log_std: repeat(&self.log_std), features }
    }
}

/// Rows so many times over, all of them before they begin again: `[batch, n]` to `[times·batch, n]`.
pub(super) fn repeated<T: Real>(x: &Var<T>, times: usize) -> Var<T> {
    let (batch, width) = (x.extent(0), x.extent(1));
    x.reshape([1, batch, width]).broadcast_to([times, batch, width]).reshape([times * batch, width])
}
