//! The variational autoencoder: latents that are not the data's equals (the lecture's recap).
//!
//! Kingma & Welling, *Auto-Encoding Variational Bayes*, 2014; Rezende, Mohamed & Wierstra, *Stochastic
//! Backpropagation and Approximate Inference in Deep Generative Models*, 2014.

mod config;
mod importance;
mod likelihood;
mod posterior;

pub use config::{Coder, Refinement, VaeConfig};
pub use likelihood::Likelihood;
pub use posterior::{Drawn, Posterior};

use crate::base::{Base, StandardNormal};
use crate::bijection::{Bijection, Chain, Context, Mapped};
use crate::flow::Flow;
use crate::module::{Module, Visitor};
use crate::nn::Network;
use crate::noise::Noise;
use crate::univariate::softly_bounded;
use autograd::{Real, Tensor, Var};
use rand::Rng;

/// A density over data with latents of another number of dimensions, whose integral has no closed form:
///
/// <!--
/// p(x) = ∫ p(x|z)·p(z) dz              z ~ N(0, I), p(x|z) by the decoder
/// log p(x) ≥ ELBO = E_q log p(x|z) − KL(q(z|x) ‖ p(z))       q(z|x) = N(μ, diag σ²) by the encoder
/// -->
///
#[doc = include_str!("../../../formulas/marginal-likelihood.html")]
///
/// `p(x|z)` is the decoder's. With the encoder's `q(z|x)` in place of the posterior there is a bound:
///
#[doc = include_str!("../../../formulas/elbo.html")]
///
/// The gap is `KL(q(z|x) ‖ p(z|x))`: a flow has none, as its latents follow from x. With ε drawn apart from μ and σ,
///
/// <!-- z = μ(x) + σ(x) ⊙ ε,   ε ~ N(0, I) -->
///
#[doc = include_str!("../../../formulas/reparameterization.html")]
///
/// the bound is a function of ε, and its gradient passes through z. [`Vae::refined_by`] bends q with
/// a flow, which narrows the gap; [`Vae::log_prob_by_importance`] closes it with enough draws.
///
/// Data may pass [preprocessing](Vae::preceded_by) y = g(x), such as a logit, whose log-determinant counts:
/// then `log p(x) = log p(y) + log|det ∂y/∂x|`, and bits per dimension are those of flows behind the same.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use flows::models::{Coder, Likelihood, Refinement, Vae, VaeConfig};
/// use flows::nn::{Adam, AdamConfig};
/// use flows::{Context, Module, Noise};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let (coder, likelihood) = (Coder::Dense(vec![32]), Likelihood::Gaussian);
/// let config = VaeConfig { image: [3, 1, 1], latents: 2, coder, likelihood, refinement: Refinement::None };
/// let vae: Vae<f32> = Vae::build(&config, &mut rng);
/// let mut adam = Adam::new(vae.params(), AdamConfig::default());
/// let x = Noise::new(1).normals(64, 3);                                     // the data: [64, 3]
/// for step in 0..3 {
///     let tape = Tape::new();
///     let x = tape.constant(x.clone());
///     let noise = x.constant_like(vae.noise(64, Noise::for_step(0, step)));
///     let loss = -vae.elbo(&x, &noise, Context::default()).value().mean_all();
///     adam.step(&tape.backward(&loss), 1e-3);
/// }
/// let nats = vae.log_prob_by_importance(&x, 100, Noise::new(2)).unwrap();   // [64]
/// let drawn = vae.sample(5, 1.0, &mut rng);                                 // [5, 3]
/// assert_eq!((nats.shape(), drawn.shape()), (&[64].into(), &[5, 3].into()));
/// ```
///
/// # On the slides
///
/// - **Lecture:** lectures 5 and 6, recap
/// - **Paper:** Kingma & Welling: Auto-Encoding VB (2014), figures 2 to 5
/// - **Command:** `zoo reconstruct runs/vae-mnist`
/// - **File:** `flows/src/models/vae/mod.rs`
#[derive(Debug)]
pub struct Vae<T: Real> {
    encoder: Box<dyn Network<T>>,
    decoder: Box<dyn Network<T>>,
    likelihood: Likelihood,
    refinement: Option<Flow<T>>,
    preprocessing: Chain<T>,
    dims: usize,
    latents: usize,
}

/// The bound of each row and its two parts, in nats.
#[derive(Clone, Debug)]
pub struct Elbo<T: Real> {
    /// `log p(x|z)` at the z drawn, `[batch]`, of data before the preprocessing.
    pub reconstruction: Var<T>,
    /// `KL(q(z|x) ‖ p(z))`, `[batch]`: in closed form, or, of a refined posterior, estimated from the z drawn.
    pub divergence: Var<T>,
}

impl<T: Real> Elbo<T> {
    /// Reconstruction − divergence, `[batch]`: its mean over draws of z is at most `log p(x)`.
    #[must_use]
    pub fn value(&self) -> Var<T> {
        &self.reconstruction - &self.divergence
    }
}

impl<T: Real> Vae<T> {
    /// A variational autoencoder with networks of one's own over rows of `dims` numbers: the encoder maps
    /// `[batch, dims]` to μ and then log σ of all `latents`, the decoder `[batch, latents]` to the
    /// likelihood's parameters.
    #[must_use]
    pub fn new(
        encoder: impl Network<T> + 'static,
        decoder: impl Network<T> + 'static,
        likelihood: Likelihood,
        [dims, latents]: [usize; 2],
    ) -> Self {
        let (encoder, decoder) = (Box::new(encoder), Box::new(decoder));
        Self { encoder, decoder, likelihood, refinement: None, preprocessing: Chain::new(Vec::new()), dims, latents }
    }

    /// The same with posteriors that `flow` bends, z → x of it, from z₀ of the encoder's Gaussian (Rezende & Mohamed
    /// 2015; Kingma et al. 2016):
    ///
    /// <!-- z = f(z₀ | features),   log q(z|x) = log q(z₀|x) − log|det ∂z/∂z₀| -->
    ///
    #[doc = include_str!("../../../formulas/refined-posterior.html")]
    ///
    /// f is told features of x. The encoder gives as many features after μ and log σ as the flow's condition has. The
    /// flow's own base is not used.
    ///
    /// # Panics
    /// If the flow is not over rows of as many numbers as there are latents.
    #[must_use]
    pub fn refined_by(self, flow: Flow<T>) -> Self {
        let (found, latents) = (flow.event(), self.latents);
        assert!(found[..] == [latents], "VAE: a flow over rows of shape {found} for {latents} latents");
        Self { refinement: Some(flow), ..self }
    }

    /// The same over data that pass `layer` first, before what was there: preprocessing as part of the density.
    #[must_use]
    pub fn preceded_by(self, layer: impl Bijection<T> + 'static) -> Self {
        let layers: Vec<Box<dyn Bijection<T>>> = vec![Box::new(layer), Box::new(self.preprocessing)];
        Self { preprocessing: Chain::new(layers), ..self }
    }

    /// What data pass before the encoder, and a decoder's numbers on their way back.
    #[must_use]
    pub fn preprocessing(&self) -> &dyn Bijection<T> {
        &self.preprocessing
    }

    /// Sets the parameters of the preprocessing that start from data, given a first batch.
    pub fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) {
        self.preprocessing.initialize(x, cx);
    }

    /// The numbers in one row of data.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The dimensions of z.
    #[must_use]
    pub fn latents(&self) -> usize {
        self.latents
    }

    /// The distribution of the data given z.
    #[must_use]
    pub fn likelihood(&self) -> Likelihood {
        self.likelihood
    }

    /// The flow that bends posteriors, where there is one.
    #[must_use]
    pub fn refinement(&self) -> Option<&Flow<T>> {
        self.refinement.as_ref()
    }

    /// ε for [`Vae::elbo`] of some rows, `[rows, latents]`; unrelated to what a dequantization draws from the
    /// same noise.
    #[must_use]
    pub fn noise(&self, rows: usize, noise: Noise) -> Tensor<T> {
        noise.other(0).normals(rows, self.latents)
    }

    /// The encoder's Gaussian for each row of data, `[batch, dims]`.
    #[must_use]
    pub fn encode(&self, x: &Var<T>, cx: Context<'_, T>) -> Posterior<T> {
        self.posterior(&self.preprocessing.to_latent(x, cx).value)
    }

    /// q of preprocessed data.
    fn posterior(&self, y: &Var<T>) -> Posterior<T> {
        let (codes, latents) = (self.encoder.apply(y, None), self.latents);
        let [mean, log_std] = [0, 1].map(|part| codes.slice(1, part * latents..(part + 1) * latents));
        let features = self.refinement.as_ref().map_or(0, Flow::condition);
        let features = (features > 0).then(|| codes.slice(1, 2 * latents..2 * latents + features));
        Posterior { mean, log_std: softly_bounded(&log_std), features }
    }

    /// Latents from a posterior, refined where it is to be, with `log q(z|x)` and the divergence; ε is from
    /// N(0, I), `[batch, latents]`.
    #[must_use]
    pub fn draw(&self, posterior: &Posterior<T>, noise: &Var<T>) -> Drawn<T> {
        let Drawn { z: first, log_q, divergence } = posterior.draw(noise);
        let Some(flow) = &self.refinement else { return Drawn { z: first, log_q, divergence } };
        let cx = Context { condition: posterior.features.as_ref(), ..Context::default() };
        let Mapped { value: z, log_det } = flow.bijection().to_data(&first, cx);
        // log q(z) − log p(z) = [log q(z₀) − log p(z₀)] + [log p(z₀) − log p(z) − log det], and the
        // expectation of the first bracket has a closed form: only what the flow changes has noise.
        let changed = StandardNormal.log_prob(&first) - StandardNormal.log_prob(&z) - &log_det;
        Drawn { z, log_q: log_q - log_det, divergence: divergence + changed }
    }

    /// The evidence lower bound of each row at one draw of z, made of ε from N(0, I), `[batch, latents]`; see
    /// [`Vae::noise`]. Differentiable.
    #[must_use]
    pub fn elbo(&self, x: &Var<T>, noise: &Var<T>, cx: Context<'_, T>) -> Elbo<T> {
        let Mapped { value: y, log_det } = self.preprocessing.to_latent(x, cx);
        let Drawn { z, divergence, .. } = self.draw(&self.posterior(&y), noise);
        let reconstruction = self.likelihood.log_prob(&y, &self.decoder.apply(&z, None)) + log_det;
        Elbo { reconstruction, divergence }
    }

    /// The decoder's mean for latents `[batch, latents]`: the data whose preprocessing is `E[y|z]` (for a
    /// Bernoulli likelihood the chances of a 1), `[batch, dims]`.
    #[must_use]
    pub fn decode(&self, z: &Var<T>) -> Var<T> {
        let y = self.likelihood.mean(&self.decoder.apply(z, None));
        self.preprocessing.to_data(&y, Context::default()).value
    }

    /// The decoder's mean for the middle of each row's posterior.
    #[must_use]
    pub fn reconstruct(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let posterior = self.encode(x, cx);
        let middle = posterior.mean.zeros_like();
        self.decode(&self.draw(&posterior, &middle).z)
    }

    /// `count` samples, `[count, dims]`: z from N(0, I), scaled by the temperature, then x from p(x|z).
    #[must_use]
    pub fn sample(&self, count: usize, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        let z = Var::from(StandardNormal.sample([count, self.latents].into(), temperature, rng));
        let y = self.likelihood.sample(&self.decoder.apply(&z, None), rng);
        self.preprocessing.to_data(&Var::from(y), Context::default()).value.into_value()
    }
}

impl<T: Real> Module<T> for Vae<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("encoder", &self.encoder);
        visitor.part("decoder", &self.decoder);
        if let Some(flow) = &self.refinement {
            visitor.part("posterior", flow);
        }
        visitor.part("preprocessing", &self.preprocessing);
    }
}
