//! NICE: additive couplings and a rescaling (lecture 7).
//!
//! Dinh, Krueger & Bengio, *NICE: Non-linear Independent Components Estimation*, 2015.

use crate::layers::{Coupling, Permutation, Rescaling, Split};
use crate::nn::{Activation, Mlp, hidden_layers};
use crate::{Bijection, Chain, Flow, Logistic, univariate::Shift};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The sizes of a NICE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NiceConfig {
    /// Dimensions of the data, D ≥ 2.
    pub dims: usize,
    /// Additive couplings; the halves swap roles after each. Every dimension can depend on every other from 3 on.
    pub couplings: usize,
    /// Width of the couplings' hidden layers.
    pub hidden: usize,
    /// Hidden layers in each coupling's network.
    pub depth: usize,
    /// Features of the condition that every coupling's network reads besides its half; 0 without one.
    pub condition: usize,
}

impl NiceConfig {
    /// The paper's sizes for MNIST: 4 couplings, 5 hidden layers of 1000.
    pub const fn mnist() -> Self {
        Self { dims: 784, couplings: 4, hidden: 1000, depth: 5, condition: 0 }
    }
}

/// The model of the lecture's NICE slides, in the direction z → x. A [`Rescaling`] scales each latent by sᵢ = exp(σᵢ). Then
/// each additive [`Coupling`] shifts one half by a function m of the other, and the halves swap roles. At the end, they are
/// the even and the odd dimensions of x. With a logistic base the density is
///
/// <!-- log p(x) = −Σᵢ₌₁ᴰ [softplus(zᵢ) + softplus(−zᵢ)] − Σᵢ₌₁ᴰ σᵢ -->
#[doc = include_str!("../../formulas/nice-density.html")]
///
/// Each `m` is a network with ReLU hidden layers whose last layer starts at 0. [`Flow::initialize`] sets `σ` from a first
/// batch, which saves training its first thousands of steps. Under a condition `c`, such as a class, each is `m(h, c)`,
/// and the density is `p(x | c)`. On MNIST the paper reports 1980.50 nats, which is 4.36 bits per dimension.
///
/// # On the slides
///
/// - **Lecture:** lecture 7, additive coupling
/// - **Paper:** Dinh, Krueger & Bengio: NICE (2015), figure 5
/// - **Command:** `zoo train nice`
/// - **File:** `flows/src/models/nice.rs`
#[derive(Clone, Copy, Debug)]
pub struct Nice;

impl Nice {
    /// A NICE over rows of D values, with a logistic base.
    ///
    /// # Panics
    /// If `config.dims` is below 2.
    pub fn build<T: Real>(config: &NiceConfig, rng: &mut dyn Rng) -> Flow<T> {
        let &NiceConfig { dims, couplings, hidden, depth, condition } = config;
        assert!(dims >= 2, "NICE: a coupling needs at least 2 dimensions, not {dims}");
        let mut layers: Vec<Box<dyn Bijection<T>>> = vec![Box::new(Permutation::even_odd(dims))];
        for i in 0..couplings {
            let split = Split::alternating(i);
            let (read, changed) = split.sizes(dims);
            let net = Mlp::new(read + condition, &hidden_layers(hidden, depth), changed, Activation::Relu, rng)
                .zero_initialized();
            layers.push(Box::new(Coupling::new(split, Shift, net)));
        }
        layers.push(Box::new(Rescaling::new(dims)));
        Flow::new(Chain::new(layers), Logistic, [dims]).conditioned_on(condition)
    }
}
