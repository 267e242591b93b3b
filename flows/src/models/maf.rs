//! MAF, and MADE, which is one layer of it (lecture 8).
//!
//! Germain, Gregor, Murray & Larochelle, *MADE: Masked Autoencoder for Distribution Estimation*, 2015;
//! Papamakarios, Pavlakou & Murray, *Masked Autoregressive Flow for Density Estimation*, 2017.

use super::Norm;
use crate::layers::{Autoregressive, Permutation, Reads};
use crate::nn::{Activation, Made, MadeConfig};
use crate::univariate::{Affine, Gated, Kind, Mixture, Univariate};
use crate::{Bijection, Chain, Contaminated, Flow, StandardNormal};
use autograd::Real;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The order of the dimensions in an autoregressive model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The data's own order.
    #[default]
    Given,
    /// From the last to the first.
    Reversed,
    /// A random order drawn from this seed.
    Random(u64),
}

impl Order {
    /// The permutation that puts the dimensions in this order, unless they already are.
    fn permutation(self, dims: usize) -> Option<Permutation> {
        match self {
            Self::Given => None,
            Self::Reversed => Some(Permutation::reversal(dims)),
            Self::Random(seed) => Some(Permutation::random(dims, &mut ChaCha8Rng::seed_from_u64(seed))),
        }
    }
}

/// The map of each dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// [`Affine`].
    #[default]
    None,
    /// [`Gated`], IAF's other form.
    Sigmoid,
}

/// The sizes of a MAF or of an IAF.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoregressiveConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Autoregressive layers; the order of the dimensions is reversed between them.
    pub layers: usize,
    /// The order of the dimensions in the first layer that data pass through, also in an IAF.
    pub order: Order,
    /// Units in each hidden layer of each network.
    pub hidden: Vec<usize>,
    /// What follows each layer.
    pub norm: Norm,
    /// Components of the maps of a MAF's last layer, the one nearest the latents: with more than one they are mixtures of
    /// Gaussians. An IAF has 1.
    pub components: usize,
    /// The maps of all layers that are not mixtures; IAF's paper has both.
    pub gate: Gate,
    /// Features of the condition; 0 without one.
    pub condition: usize,
    /// Whether the networks read `sign(x)·ln(1 + |x|)` in place of x (see [`MadeConfig::symlog`]). If a layer's output
    /// is far from anything seen in training, the next layer's output is then not much farther still.
    #[serde(default)]
    pub symlog: bool,
    /// l and u of the [bound](crate::univariate::Bound) `−l ≤ α ≤ u` of all log-scales that are not gates or mixtures. With
    /// a small l no layer stretches much from x to z.
    #[serde(default = "widest")]
    pub log_scales: [f64; 2],
    /// Whether the base is a [`Contaminated`] normal instead of N(0, I): then a row that the layers make an outlier of is
    /// unlikely, but not beyond all others.
    #[serde(default)]
    pub outliers: bool,
}

const fn widest() -> [f64; 2] {
    [5.0; 2]
}

impl AutoregressiveConfig {
    /// Affine layers in the data's own order, with hidden layers of these widths, and nothing else.
    pub const fn new(dims: usize, layers: usize, hidden: Vec<usize>) -> Self {
        let (order, norm, gate) = (Order::Given, Norm::None, Gate::None);
        let (components, condition, symlog, log_scales, outliers) = (1, 0, false, widest(), false);
        Self { dims, layers, order, hidden, norm, components, gate, condition, symlog, log_scales, outliers }
    }
}

/// Masked autoregressive flow, in the direction x → z.
///
/// A density is a product of conditionals. Here they are Gaussian, and one network gives all μ and α at once:
///
/// <!-- p(x) = Πᵢ₌₁ᴰ p(xᵢ | x_<i),   p(xᵢ | x_<i) = N(xᵢ; μᵢ(x_<i), exp(2αᵢ(x_<i))) -->
#[doc = include_str!("../../formulas/autoregressive.html")]
///
/// So x is z, scaled and shifted; from x to z all dimensions are mapped at once:
///
/// <!--
/// zᵢ = (xᵢ − μᵢ(x_<i))·exp(−αᵢ(x_<i))   all i at once
/// xᵢ = exp(αᵢ(x_<i))·zᵢ + μᵢ(x_<i)   i = 1…D in order
/// -->
#[doc = include_str!("../../formulas/maf.html")]
/// <!-- log|det ∂z/∂x| = −Σᵢ₌₁ᴰ αᵢ(x_<i) -->
#[doc = include_str!("../../formulas/maf-determinant.html")]
///
/// Over K layers, without normalization (a normalizing layer adds its own log-determinant):
///
/// <!-- log p(x) = log N(z; 0, I) − Σₖ₌₁ᴷ Σᵢ₌₁ᴰ αᵢ⁽ᵏ⁾ -->
#[doc = include_str!("../../formulas/maf-density.html")]
///
/// A normalizing layer (or nothing) follows each layer, and the order of the dimensions is reversed before the next. α has
/// the fixed [bound](crate::univariate::Bound). One layer is MADE with Gaussian conditionals. With several components the
/// last layer's maps are [mixtures](Mixture) of Gaussians: one layer is then the paper's MADE `MoG`, and L + 1 layers are
/// its MAF `MoG` (L).
///
/// A density takes one pass a layer; a sample takes the dimensions in order, in the work of about one pass (see
/// [`Causal`](crate::nn::Causal)).
///
/// The papers report, in bits per dimension on MNIST: MADE 2.04, MAF with 5 layers 1.89, with 10 layers 1.91.
///
/// # On the slides
///
/// One layer, MADE:
///
/// - **Lecture:** lecture 8, autoregressive
/// - **Paper:** Germain et al.: MADE (2015), figure 1
/// - **Command:** `zoo train made`
/// - **File:** `flows/src/models/maf.rs`
///
/// Several, MAF:
///
/// - **Lecture:** lecture 8, MAF
/// - **Paper:** Papamakarios, Pavlakou & Murray: MAF (2017), figure 1
/// - **Command:** `zoo train maf --data banana`, then `zoo latents runs/maf-banana`
/// - **File:** `flows/src/models/maf.rs`
#[derive(Clone, Copy, Debug)]
pub struct Maf;

impl Maf {
    /// A MAF over rows of D values.
    ///
    /// # Panics
    /// If there are no components, `config.dims` is 0, or a hidden layer has no units.
    pub fn build<T: Real>(config: &AutoregressiveConfig, rng: &mut dyn Rng) -> Flow<T> {
        autoregressive(config, Reads::Data, rng)
    }
}

/// A MAF or an IAF, which differ in what the networks read.
pub(super) fn autoregressive<T: Real>(config: &AutoregressiveConfig, reads: Reads, rng: &mut dyn Rng) -> Flow<T> {
    let AutoregressiveConfig { layers: count, order, hidden, norm, components, gate, .. } = config;
    let &AutoregressiveConfig { dims, condition, symlog, log_scales, outliers, .. } = config;
    let mixture = Mixture::new(*components, Kind::Gaussian);
    let made = |outputs: usize, rng: &mut dyn Rng| {
        let hidden = hidden.clone();
        Made::new(&MadeConfig { dims, hidden, outputs, condition, activation: Activation::Relu, symlog }, rng)
    };
    let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
    if let Some(permutation) = order.permutation(dims) {
        layers.push(Box::new(permutation));
    }
    for i in 0..*count {
        if i > 0 {
            layers.push(Box::new(Permutation::reversal(dims)));
        }
        if i + 1 == *count && *components > 1 {
            let start = Univariate::<T>::start(&mixture);
            layers.push(Box::new(Autoregressive::new(made(start.len(), rng).starting_at(&start), mixture, reads)));
            break;
        }
        let net = made(2, rng);
        // In the sequential direction a change of one dimension may grow from each dimension to the next. An IAF maps
        // data to latents in this direction, so its networks' outputs start at 0: no dimension depends on another then.
        let net = if reads == Reads::Latent { net.zero_initialized() } else { net };
        layers.push(match gate {
            Gate::None => Box::new(Autoregressive::new(net, Affine::within(log_scales), reads)),
            Gate::Sigmoid => Box::new(Autoregressive::new(net, Gated, reads)),
        });
        layers.extend(norm.layer(dims, None));
    }
    let layers = Chain::new(layers);
    let flow = if outliers {
        Flow::new(layers, Contaminated::default(), [dims])
    } else {
        Flow::new(layers, StandardNormal, [dims])
    };
    flow.conditioned_on(condition)
}
