//! What stands inside a coupling.

use crate::module::Module;
use autograd::{Real, Var};
use std::fmt::Debug;

/// A network that a coupling calls: any function of its input, never inverted.
pub trait Network<T: Real>: Module<T> + Debug + Send + Sync {
    /// The network of `x`, `[batch, inputs, …]`, under a condition `[batch, features]` where there
    /// is one. The result is `[batch, outputs, …]`.
    ///
    /// # Panics
    /// If the sizes are not the network's.
    #[must_use]
    #[track_caller]
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T>;
}

impl<T: Real, N: Network<T> + ?Sized> Network<T> for Box<N> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        self.as_ref().apply(x, condition)
    }
}
