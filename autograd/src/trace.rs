//! The first operation that produced an infinity or a NaN, and the path to it.

use crate::real::Real;
use crate::tape::{Node, NodeId};
use crate::tensor::Tensor;
use std::fmt;
use std::panic::Location;

/// How many operations of the path are kept.
const DEPTH: usize = 12;

/// The first non-finite value on a tape made by [`crate::Tape::checked`].
#[derive(Clone, Debug)]
pub struct Fault {
    operation: String,
    at: &'static Location<'static>,
    shape: String,
    index: usize,
    value: f64,
    path: Vec<String>,
}

impl Fault {
    pub(crate) fn new<T: Real>(
        operation: String,
        value: &Tensor<T>,
        at: &'static Location<'static>,
        path: Vec<String>,
    ) -> Self {
        let index = value.as_slice().iter().position(|x| !x.is_finite()).unwrap_or(0);
        Self {
            operation,
            at,
            shape: value.shape().to_string(),
            index,
            value: value.as_slice().get(index).map_or(f64::NAN, |x| x.to_f64()),
            path,
        }
    }

    /// The recorded operations that led to a result with these parents, nearest first.
    pub(crate) fn path<T: Real>(nodes: &[Node<T>], parents: &[Option<NodeId>]) -> Vec<String> {
        let mut path = Vec::new();
        let mut next = parents.iter().flatten().max().copied();
        while let Some(node) = next.and_then(|id| nodes.get(id))
            && path.len() < DEPTH
        {
            path.push(format!("{} {} at {}", node.op.name(), node.shape, node.at));
            next = node.parents.iter().filter_map(|parent| parent.node).max();
        }
        path
    }

    /// The name of the operation.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Where in the source it was called.
    pub fn location(&self) -> String {
        self.at.to_string()
    }

    /// The operations whose results it was computed from, nearest first, following the latest input.
    pub fn path_to(&self) -> &[String] {
        &self.path
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, at, shape, index, value, path } = self;
        write!(f, "{operation} at {at} gave {value} at element {index} of shape {shape}")?;
        for step in path {
            write!(f, "\n  from {step}")?;
        }
        Ok(())
    }
}
