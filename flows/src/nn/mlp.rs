//! A plain network of linear layers.

use super::{Init, Linear, Network};
use crate::module::{Module, Visitor};
use autograd::{Real, Var, elementwise::Unary, outline};
use rand::Rng;

/// The nonlinearity between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `tanh x`.
    Tanh,
    /// `x` above 0, `eˣ − 1` below.
    Elu,
}

impl Activation {
    /// The name, in small letters.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Elu => "elu",
        }
    }

    /// The function itself.
    pub fn apply<T: Real>(self, x: Var<T>) -> Var<T> {
        x.then(match self {
            Self::Relu => Unary::Relu,
            Self::Tanh => Unary::Tanh,
            Self::Elu => Unary::Elu,
        })
    }

    /// The function at one value.
    pub fn of<T: Real>(self, x: T) -> T {
        match self {
            Self::Relu | Self::Elu if x > T::ZERO => x,
            Self::Relu => T::ZERO,
            Self::Tanh => T::from_f64(x.to_f64().tanh()),
            Self::Elu => T::from_f64(x.to_f64().exp_m1()),
        }
    }
}

/// `depth` hidden layers of the same width.
pub(crate) fn hidden_layers(width: usize, depth: usize) -> Vec<usize> {
    outline::spend(depth.saturating_mul(6));
    vec![width; depth]
}

/// Linear layers with an activation after each but the last, `[batch, in] → [batch, out]`.
#[derive(Debug)]
pub struct Mlp<T: Real> {
    layers: Vec<Linear<T>>,
    activation: Activation,
}

impl<T: Real> Mlp<T> {
    /// A network with hidden layers of these widths. Weights are drawn to keep the scale of activations from layer to
    /// layer (He et al. 2015).
    pub fn new(inputs: usize, hidden: &[usize], outputs: usize, activation: Activation, rng: &mut dyn Rng) -> Self {
        let init = Init::He { gain: 1.0 };
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain(&[outputs]).copied().collect();
        let layers = widths.windows(2).map(|pair| Linear::new(pair[0], pair[1], init, rng)).collect();
        Self { layers, activation }
    }

    /// The same network with its last weights at 0: it starts as the function 0, and a coupling with it as the identity.
    pub fn zero_initialized(self) -> Self {
        if let Some(last) = self.layers.last() {
            last.weight.update(|w| w.fill(T::ZERO));
        }
        self
    }
}

impl<T: Real> Network<T> for Mlp<T> {
    /// The condition's features follow those of `x`.
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        let mut h = match condition {
            Some(condition) => Var::concat(1, &[x, condition]),
            None => x.clone(),
        };
        for (i, layer) in self.layers.iter().enumerate() {
            if i > 0 {
                h = self.activation.apply(h);
            }
            h = layer.apply(&h);
        }
        h
    }
}

impl<T: Real> Module<T> for Mlp<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("activation", self.activation.name());
        self.layers.visit(visitor);
    }
}
