//! The networks of couplings.

use crate::module::Module;
use autograd::{Real, Var};
use std::fmt::Debug;

/// A network of a coupling: any function of its input, as it is never inverted.
pub trait Network<T: Real>: Module<T> + Debug + Send + Sync {
    /// The network of `x`, `[batch, inputs, …]`, with an optional condition `[batch, features]`. The result is
    /// `[batch, outputs, …]`.
    ///
    /// # Panics
    /// If the sizes do not fit the network.
    #[track_caller]
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T>;
}

impl<T: Real, N: Network<T> + ?Sized> Network<T> for Box<N> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        self.as_ref().apply(x, condition)
    }
}
