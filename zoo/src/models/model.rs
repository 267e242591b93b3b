//! What a blueprint builds: a flow or a VAE.

use autograd::Real;
use flows::models::Vae;
use flows::{Flow, Module, Visitor};

/// A model of any kind. Code that needs a flow asks for one with [`Model::into_flow`].
#[derive(Debug)]
pub enum Model<T: Real> {
    /// Has as many latents as data dimensions, and an exact density.
    Flow(Flow<T>),
    /// Has latents that are sampled given the data, and a density known by a bound and an estimate.
    Vae(Vae<T>),
}

impl<T: Real> Model<T> {
    /// The flow, if it is one.
    pub fn into_flow(self) -> Option<Flow<T>> {
        match self {
            Self::Flow(flow) => Some(flow),
            Self::Vae(_) => None,
        }
    }
}

impl<T: Real> Module<T> for Model<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        match self {
            Self::Flow(flow) => flow.visit(visitor),
            Self::Vae(vae) => vae.visit(visitor),
        }
    }
}
