//! The result of a backward sweep: one gradient for each parameter and variable.

use crate::param::{Param, ParamId};
use crate::real::Real;
use crate::tape::NodeId;
use crate::tensor::Tensor;
use crate::var::Var;
use std::collections::HashMap;

/// The gradients of one scalar, by [`Param`] and by [`Var`].
#[derive(Debug)]
#[must_use]
pub struct Gradients<T: Real> {
    /// The tape that was swept.
    tape: u64,
    by_param: HashMap<ParamId, Tensor<T>>,
    by_node: HashMap<NodeId, Tensor<T>>,
}

impl<T: Real> Gradients<T> {
    pub(crate) fn new(tape: u64, params: &HashMap<ParamId, NodeId>, mut found: Vec<Option<Var<T>>>) -> Self {
        let mut take = |node: NodeId| Some(found.get_mut(node)?.take()?.into_value());
        let by_param = params.iter().filter_map(|(&param, &node)| Some((param, take(node)?))).collect();
        let rest = found.into_iter().enumerate();
        let by_node = rest.filter_map(|(node, gradient)| Some((node, gradient?.into_value()))).collect();
        Self { tape, by_param, by_node }
    }

    /// The gradient by a parameter; `None` where the scalar does not depend on it.
    pub fn of(&self, param: &Param<T>) -> Option<&Tensor<T>> {
        self.by_param.get(&param.id())
    }

    /// The same, to write to.
    pub fn of_mut(&mut self, param: &Param<T>) -> Option<&mut Tensor<T>> {
        self.by_param.get_mut(&param.id())
    }

    /// The gradient by a variable of the swept tape; `None` where the scalar does not depend on it.
    ///
    /// # Panics
    /// If the variable is of another tape.
    #[track_caller]
    pub fn wrt(&self, variable: &Var<T>) -> Option<&Tensor<T>> {
        let place = variable.place()?;
        assert!(place.tape.id() == self.tape, "wrt: this variable is of another tape than these gradients");
        self.by_node.get(&place.node?)
    }

    /// The gradients by parameters, in no particular order.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor<T>> {
        self.by_param.values_mut()
    }

    /// The Euclidean norm of all parameters' gradients together.
    pub fn norm(&self) -> f64 {
        let mut squares: Vec<(ParamId, f64)> =
            self.by_param.iter().map(|(&id, g)| (id, T::sum_of_squares(g.as_slice()))).collect();
        // A hash map's order differs from run to run; a sum in another order would too.
        squares.sort_by_key(|&(id, _)| id);
        squares.iter().map(|(_, square)| square).sum::<f64>().sqrt()
    }

    /// Adds another shard's gradients by parameters. Those by variables are a shard's own and stay so.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (id, part) in other.by_param {
            let total = match self.by_param.remove(&id) {
                Some(sum) => (Var::from(sum) + Var::from(part)).into_value(),
                None => part,
            };
            self.by_param.insert(id, total);
        }
        self.by_node.clear();
    }
}
