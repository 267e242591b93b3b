//! Values that may have a place on a tape.

use crate::custom::CustomOp;
use crate::op::{Inputs, Op};
use crate::outline;
use crate::real::Real;
use crate::rules::{Saves, saves};
use crate::shape::Shape;
use crate::tape::{Node, NodeId, Parent, Tape};
use crate::tensor::Tensor;
use smallvec::{SmallVec, smallvec};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A value that may have a place on a tape: the data carries the tape.
///
/// A `Var` made by [`Tape::constant`] or [`Tape::variable`] knows its tape; one made from a
/// [`Tensor`] by `Var::from` knows none, and computing with it leaves no record. The same code
/// handles both. Cloning is cheap: the buffer is shared.
///
/// # Panics
/// Operations panic where shapes, axes or ranges do not fit. The message names the operation and the shapes, and is
/// reported at the caller's line.
#[derive(Clone)]
pub struct Var<T: Real> {
    value: Tensor<T>,
    place: Option<Place<T>>,
}

/// Where a value belongs: its tape and, if it is recorded there, its position.
#[derive(Clone)]
pub(crate) struct Place<T: Real> {
    pub(crate) tape: Tape<T>,
    pub(crate) node: Option<NodeId>,
}

impl<T: Real> Var<T> {
    pub(crate) fn placed(value: Tensor<T>, place: Place<T>) -> Self {
        Self { value, place: Some(place) }
    }

    pub(crate) fn place(&self) -> Option<&Place<T>> {
        self.place.as_ref()
    }

    /// The tensor.
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The tensor, without the tape.
    pub fn into_value(self) -> Tensor<T> {
        self.value
    }

    /// The extents.
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The extent of one axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn extent(&self, axis: usize) -> usize {
        let shape = self.shape();
        assert!(axis < shape.rank(), "extent: axis {axis} of a tensor of shape {shape}");
        shape[axis]
    }

    /// The only element of a value that has one.
    ///
    /// # Panics
    /// If there is not exactly one element.
    #[track_caller]
    pub fn item(&self) -> T {
        self.value.item()
    }

    /// The same value as a constant: gradients stop here. It still knows its tape.
    pub fn detach(&self) -> Self {
        self.constant_like(self.value.clone())
    }

    /// The tape this value was computed on, if any.
    pub fn tape(&self) -> Option<&Tape<T>> {
        self.place.as_ref().map(|place| &place.tape)
    }

    /// The result of an operation of your own.
    ///
    /// # Panics
    /// If there are no inputs, or they are on different tapes.
    #[track_caller]
    pub fn custom(op: impl CustomOp<T> + 'static, inputs: &[&Self]) -> Self {
        assert!(!inputs.is_empty(), "{}: no inputs", op.name());
        apply(Op::Custom(Arc::new(op)), inputs.iter().map(|&input| input.clone()).collect())
    }

    /// A constant on the same tape as this value, or on none where it has none.
    pub fn constant_like(&self, value: Tensor<T>) -> Self {
        let place = self.place.as_ref().map(|place| Place { tape: place.tape.clone(), node: None });
        Self { value, place }
    }
}

impl<T: Real> From<Tensor<T>> for Var<T> {
    fn from(value: Tensor<T>) -> Self {
        Self { value, place: None }
    }
}

impl<T: Real> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            None => "no tape".to_owned(),
            Some(Place { node: None, .. }) => "constant".to_owned(),
            Some(Place { node: Some(node), .. }) => format!("node {node}"),
        };
        write!(f, "Var({place}) {:?}", self.value)
    }
}

/// Values given to an operation.
pub(crate) type Operands<T> = SmallVec<[Var<T>; 3]>;

/// Runs an operation, and records it where one of its operands asks for gradients.
///
/// Operands are taken by value: one whose buffer nobody else holds may be overwritten.
#[track_caller]
pub(crate) fn apply<T: Real>(op: Op<T>, operands: Operands<T>) -> Var<T> {
    carry_out(op, operands, Op::evaluate)
}

/// Records an operation on a value to which it was already applied.
#[track_caller]
pub(crate) fn applied<T: Real>(op: Op<T>, value: Var<T>) -> Var<T> {
    carry_out(op, smallvec![value], |_, mut inputs| inputs.remove(0))
}

#[track_caller]
fn carry_out<T: Real>(
    op: Op<T>,
    operands: Operands<T>,
    evaluate: impl FnOnce(&Op<T>, Inputs<T>) -> Tensor<T>,
) -> Var<T> {
    let at = Location::caller();
    assert!(!outline::is_active(), "{}: an outline has no values to compute with", op.name());
    let mut tape: Option<Tape<T>> = None;
    for operand in &operands {
        if let Some(place) = &operand.place {
            match &tape {
                Some(tape) => assert!(
                    tape.is_same(&place.tape),
                    "{}: its operands were computed on two different tapes",
                    op.name()
                ),
                None => tape = Some(place.tape.clone()),
            }
        }
    }
    let Some(tape) = tape else {
        return Var::from(evaluate(&op, operands.into_iter().map(Var::into_value).collect()));
    };
    let nodes: SmallVec<[Option<NodeId>; 3]> =
        operands.iter().map(|operand| operand.place.as_ref().and_then(|place| place.node)).collect();
    if op.is_piecewise_constant() || nodes.iter().all(Option::is_none) {
        let value = evaluate(&op, operands.into_iter().map(Var::into_value).collect());
        tape.inspect(|| op.name(), &value, &nodes, at);
        return Var::placed(value, Place { tape, node: None });
    }
    // What the rules of the inputs that ask for gradients read.
    let wanted = (0..nodes.len()).filter(|&i| nodes[i].is_some());
    let kept: SmallVec<[Saves; 4]> = wanted.flat_map(|i| saves(&op, i)).copied().collect();
    let parents: SmallVec<[Parent<T>; 3]> = operands
        .iter()
        .zip(&nodes)
        .enumerate()
        .map(|(i, (operand, &node))| Parent {
            node,
            shape: operand.shape().clone(),
            value: kept.iter().any(|kept| kept.input(i)).then(|| operand.value.clone()),
        })
        .collect();
    let inputs: Inputs<T> = operands.into_iter().map(Var::into_value).collect();
    let value = evaluate(&op, inputs);
    tape.inspect(|| op.name(), &value, &nodes, at);
    let output = kept.contains(&Saves::Output).then(|| value.clone());
    let node = tape.push(Node { op, shape: value.shape().clone(), parents, output, at });
    Var::placed(value, Place { tape, node: Some(node) })
}
