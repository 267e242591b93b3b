//! What a blueprint builds: a flow or a VAE.

use crate::data::Space;
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

    /// What an entry of its images is, in words; a table's or a signal's needs none.
    pub fn describe_pixels(&self, space: &Space) -> Option<String> {
        let Space::Images { .. } = space else { return None };
        let is_discrete = matches!(self, Self::Vae(vae) if vae.likelihood().is_discrete());
        Some(match self.support().map(|ends| ends.map(|end| end.to_f64())) {
            _ if is_discrete => "a pixel is from 0, black, to 1, white".to_owned(),
            None => "a pixel is u = (level + noise)/256".to_owned(),
            Some([low, high]) => format!("a pixel is u = (level + noise)/256, {low:.6} ≤ u ≤ {high:.6}"),
        })
    }

    /// The smallest and the largest value of an element of x, if the density is not over the whole real line.
    pub fn support(&self) -> Option<[T; 2]> {
        match self {
            Self::Flow(flow) => flow.support(),
            Self::Vae(vae) => vae.preprocessing().support(),
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
