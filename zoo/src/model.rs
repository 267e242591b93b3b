//! What a blueprint makes: a flow, or a model that is none.

use autograd::Real;
use flows::models::Vae;
use flows::{Flow, Module, Visitor};

/// A model of any of the lectures' kinds. Whoever can do with a flow alone asks for one.
#[derive(Debug)]
pub enum Model<T: Real> {
    /// Latents that are the data's equals, and a density in closed form.
    Flow(Flow<T>),
    /// Latents that do not follow from the data, and a density by a bound and an estimate.
    Vae(Vae<T>),
}

impl<T: Real> Model<T> {
    /// The flow, where it is one.
    #[must_use]
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
