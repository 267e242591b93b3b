//! The variational autoencoder (the lecture's recap).
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

use crate::nn::Network;
use crate::univariate::{FIXED, softly_bounded};
use crate::{Base, Bijection, Chain, Context, Flow, Mapped, Module, Noise, StandardNormal, Visitor};
use autograd::{Real, Tensor, Var};
use rand::Rng;

/// A latent-variable model. The latent dimension differs from the data's, and the density is an integral without a
/// closed form:
///
/// <!-- p(x) = ∫ p(x | z)·p(z) dz,   p(z) = N(z; 0, I) -->
#[doc = include_str!("../../../formulas/marginal-likelihood.html")]
///
/// The decoder gives `p(x|z)`. With the encoder's `q(z|x)` there is a lower bound, the ELBO:
///
/// <!-- log p(x) ≥ E_{q(z|x)}[log p(x | z)] − KL(q(z | x) ‖ p(z)) -->
#[doc = include_str!("../../../formulas/elbo.html")]
///
/// The gap is `KL(q(z|x) ‖ p(z|x))`. A flow has none, since x determines its latents. With the reparameterization
/// trick,
///
/// <!-- z = μ(x) + σ(x) ⊙ ε,   ε ~ N(0, I) -->
#[doc = include_str!("../../../formulas/reparameterization.html")]
///
/// the gradient of the bound passes through z to μ and σ. [`Vae::refined_by`] narrows the gap with a flow;
/// [`Vae::log_prob_by_importance`] closes it in the limit of many draws.
///
/// With [preprocessing](Vae::preceded_by) y = g(x), such as a logit, `log p(x) = log p(y) + log|det ∂y/∂x|`, so bits
/// per dimension compare with those of flows.
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

/// The two terms of each row's ELBO, in nats.
#[derive(Clone, Debug)]
pub struct Elbo<T: Real> {
    /// `log p(x|z)` at a draw of z, `[batch]`, including the preprocessing.
    pub reconstruction: Var<T>,
    /// `KL(q(z|x) ‖ p(z))`, `[batch]`: in closed form, or for a refined posterior an estimate from that z.
    pub divergence: Var<T>,
}

impl<T: Real> Elbo<T> {
    /// Reconstruction − divergence, `[batch]`. Its mean over draws of z is at most `log p(x)`.
    pub fn value(&self) -> Var<T> {
        &self.reconstruction - &self.divergence
    }
}

impl<T: Real> Vae<T> {
    /// A variational autoencoder with custom networks: the encoder maps `[batch, dims]` to μ and then log σ of all
    /// `latents`, the decoder `[batch, latents]` to the likelihood's parameters.
    pub fn new(
        encoder: impl Network<T> + 'static,
        decoder: impl Network<T> + 'static,
        likelihood: Likelihood,
        [dims, latents]: [usize; 2],
    ) -> Self {
        let (encoder, decoder) = (Box::new(encoder), Box::new(decoder));
        Self { encoder, decoder, likelihood, refinement: None, preprocessing: Chain::new(Vec::new()), dims, latents }
    }

    /// The same with posteriors refined by `flow`, whose `to_data` maps z₀ from the encoder's Gaussian to z (Rezende &
    /// Mohamed 2015; Kingma et al. 2016):
    ///
    /// <!--
    /// z = f(z₀),   z₀ ~ N(μ(x), diag σ²(x))
    /// log q(z | x) = log q₀(z₀ | x) − log|det ∂f(z₀)/∂z₀|
    /// -->
    #[doc = include_str!("../../../formulas/refined-posterior.html")]
    ///
    /// If the flow takes a condition, the encoder gives that many features of x after μ and log σ. The flow's base is
    /// not used.
    ///
    /// # Panics
    /// If the flow's rows are not `[latents]`.
    pub fn refined_by(self, flow: Flow<T>) -> Self {
        let (found, latents) = (flow.event(), self.latents);
        assert!(found[..] == [latents], "VAE: a flow over rows of shape {found} for {latents} latents");
        Self { refinement: Some(flow), ..self }
    }

    /// The same over data that go through `layer` first: preprocessing as part of the density.
    pub fn preceded_by(self, layer: impl Bijection<T> + 'static) -> Self {
        let layers: Vec<Box<dyn Bijection<T>>> = vec![Box::new(layer), Box::new(self.preprocessing)];
        Self { preprocessing: Chain::new(layers), ..self }
    }

    /// The layers that data pass through before the encoder, and the decoder's output in reverse.
    pub fn preprocessing(&self) -> &dyn Bijection<T> {
        &self.preprocessing
    }

    /// Sets the parameters of the preprocessing that are initialized from data, given a first batch.
    pub fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) {
        self.preprocessing.initialize(x, cx);
    }

    /// The number of dimensions of one row of data.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The number of dimensions of z.
    pub fn latents(&self) -> usize {
        self.latents
    }

    /// The distribution of the data given z.
    pub fn likelihood(&self) -> Likelihood {
        self.likelihood
    }

    /// The flow that refines posteriors, if there is one.
    pub fn refinement(&self) -> Option<&Flow<T>> {
        self.refinement.as_ref()
    }

    /// ε for [`Vae::elbo`], `[rows, latents]`, independent of what dequantization draws from the same noise.
    pub fn noise(&self, rows: usize, noise: Noise) -> Tensor<T> {
        noise.other(0).normals(rows, self.latents)
    }

    /// The encoder's Gaussian for each row of data, `[batch, dims]`.
    pub fn encode(&self, x: &Var<T>, cx: Context<'_, T>) -> Posterior<T> {
        self.posterior(&self.preprocessing.to_latent(x, cx).value)
    }

    /// The posterior for preprocessed data.
    fn posterior(&self, y: &Var<T>) -> Posterior<T> {
        let (codes, latents) = (self.encoder.apply(y, None), self.latents);
        let [mu, log_sigma] = [0, 1].map(|part| codes.slice(1, part * latents..(part + 1) * latents));
        let features = self.refinement.as_ref().map_or(0, Flow::condition);
        let features = (features > 0).then(|| codes.slice(1, 2 * latents..2 * latents + features));
        Posterior { mu, log_sigma: softly_bounded(&log_sigma), features }
    }

    /// Latents from a posterior, refined if there is a flow, with `log q(z|x)` and the divergence, from ε ~ N(0, I),
    /// `[batch, latents]`.
    pub fn draw(&self, posterior: &Posterior<T>, noise: &Var<T>) -> Drawn<T> {
        let Drawn { z: first, log_q, divergence } = posterior.draw(noise);
        let Some(flow) = &self.refinement else { return Drawn { z: first, log_q, divergence } };
        let cx = Context { condition: posterior.features.as_ref(), ..Context::default() };
        let Mapped { value: z, log_det } = flow.bijection().to_data(&first, cx);
        // log q(z) − log p(z) = [log q(z₀) − log p(z₀)] + [log p(z₀) − log p(z) − log det]. The first bracket's
        // expectation has a closed form, so only the second is an estimate.
        let changed = StandardNormal.log_prob(&first) - StandardNormal.log_prob(&z) - &log_det;
        Drawn { z, log_q: log_q - log_det, divergence: divergence + changed }
    }

    /// The ELBO of each row at one draw of z, from ε ~ N(0, I), `[batch, latents]` ([`Vae::noise`]). Differentiable.
    pub fn elbo(&self, x: &Var<T>, noise: &Var<T>, cx: Context<'_, T>) -> Elbo<T> {
        let Mapped { value: y, log_det } = self.preprocessing.to_latent(x, cx);
        let Drawn { z, divergence, .. } = self.draw(&self.posterior(&y), noise);
        let reconstruction = self.likelihood.log_prob(&y, &self.decoder.apply(&z, None)) + log_det;
        Elbo { reconstruction, divergence }
    }

    /// The data at the decoder's mean `E[y|z]` for latents `[batch, latents]` (for a Bernoulli likelihood, the
    /// probability of a 1), `[batch, dims]`.
    pub fn decode(&self, z: &Var<T>) -> Var<T> {
        let y = self.likelihood.mean(&self.decoder.apply(z, None));
        self.preprocessing.to_data(&y, Context::default()).value
    }

    /// The decoder's mean at the posterior's mean μ (refined, if there is a flow) of each row.
    pub fn reconstruct(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let posterior = self.encode(x, cx);
        let zero = posterior.mu.zeros_like();
        self.decode(&self.draw(&posterior, &zero).z)
    }

    /// `count` samples, `[count, dims]`: z from N(0, I) scaled by the temperature, then x from p(x|z).
    pub fn sample(&self, count: usize, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        let z = Var::from(StandardNormal.sample([count, self.latents].into(), temperature, rng));
        let y = self.likelihood.sample(&self.decoder.apply(&z, None), rng);
        self.preprocessing.to_data(&Var::from(y), Context::default()).value.into_value()
    }
}

impl<T: Real> Module<T> for Vae<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("prior", "standard normal");
        visitor.constant("log_scale_bound", FIXED);
        visitor.part("encoder", &self.encoder);
        visitor.part("decoder", &self.decoder);
        visitor.part("posterior", &self.refinement);
        visitor.part("preprocessing", &self.preprocessing);
    }
}
