//! The tape: what was computed, in order, and the reverse sweep over it.

use crate::gradients::Gradients;
use crate::op::Op;
use crate::param::{Param, ParamId};
use crate::real::Real;
use crate::rules::{self, Recorded};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::trace::Fault;
use crate::var::{Place, Var};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A position on a tape.
pub(crate) type NodeId = usize;

/// A record of operations, made as they run. Cloning gives another handle to the same record.
///
/// A [`Var`] made by [`Tape::constant`] or [`Tape::variable`] knows its tape, and so does every
/// result computed from it. Only what depends on a variable or a parameter is recorded.
///
/// A tape serves one step: [`Tape::backward`] frees each record as it passes.
#[derive(Clone)]
#[must_use]
pub struct Tape<T: Real>(Rc<Record<T>>);

struct Record<T: Real> {
    id: u64,
    nodes: RefCell<Vec<Node<T>>>,
    params: RefCell<HashMap<ParamId, NodeId>>,
    spent: Cell<bool>,
    checks: bool,
    fault: RefCell<Option<Fault>>,
}

/// One recorded operation. A clone shares what it saved.
#[derive(Clone)]
pub(crate) struct Node<T: Real> {
    pub(crate) op: Op<T>,
    pub(crate) shape: Shape,
    pub(crate) parents: SmallVec<[Parent<T>; 3]>,
    /// The result, where a rule reads it.
    pub(crate) output: Option<Tensor<T>>,
    pub(crate) at: &'static Location<'static>,
}

/// An input of a recorded operation.
#[derive(Clone)]
pub(crate) struct Parent<T: Real> {
    /// Where it was recorded; `None` for a constant.
    pub(crate) node: Option<NodeId>,
    pub(crate) shape: Shape,
    /// Its value, where a rule reads it.
    pub(crate) value: Option<Tensor<T>>,
}

/// What a sweep does with the records and with its own operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// Free each record once passed. The gradients are plain values.
    Consume,
    /// Leave the records. The gradients are plain values.
    Keep,
    /// Leave the records and record the sweep itself, so that gradients have gradients.
    Record,
}

impl<T: Real> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::with_checks(false)
    }

    /// An empty tape that checks every result, and remembers the first operation that produced an
    /// infinity or a NaN: see [`Tape::fault`]. Slower; for finding where training went wrong.
    pub fn checked() -> Self {
        Self::with_checks(true)
    }

    fn with_checks(checks: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(Rc::new(Record {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            nodes: RefCell::default(),
            params: RefCell::default(),
            spent: Cell::new(false),
            checks,
            fault: RefCell::default(),
        }))
    }

    /// A value on this tape without a gradient: data.
    pub fn constant(&self, value: Tensor<T>) -> Var<T> {
        Var::placed(value, Place { tape: self.clone(), node: None })
    }

    /// A value on this tape that gets a gradient.
    #[track_caller]
    pub fn variable(&self, value: Tensor<T>) -> Var<T> {
        let node = self.push_leaf(&value);
        Var::placed(value, Place { tape: self.clone(), node: Some(node) })
    }

    /// The leaf that stands for a parameter: the same one each time it is used.
    #[track_caller]
    pub(crate) fn parameter(&self, param: &Param<T>) -> Var<T> {
        let value = param.value();
        if !param.is_trainable() {
            return self.constant(value);
        }
        let known = self.0.params.borrow().get(&param.id()).copied();
        let node = known.unwrap_or_else(|| {
            let node = self.push_leaf(&value);
            self.0.params.borrow_mut().insert(param.id(), node);
            node
        });
        Var::placed(value, Place { tape: self.clone(), node: Some(node) })
    }

    #[track_caller]
    fn push_leaf(&self, value: &Tensor<T>) -> NodeId {
        self.push(Node {
            op: Op::Leaf,
            shape: value.shape().clone(),
            parents: SmallVec::new(),
            output: None,
            at: Location::caller(),
        })
    }

    #[track_caller]
    pub(crate) fn push(&self, node: Node<T>) -> NodeId {
        assert!(
            !self.0.spent.get(),
            "{}: this tape was swept by `backward`; make a new tape for each step",
            node.op.name()
        );
        let mut nodes = self.0.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    /// How many operations and leaves are recorded.
    pub fn len(&self) -> usize {
        self.0.nodes.borrow().len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// On a [`Tape::checked`] tape, the first operation that gave an infinity or a NaN.
    pub fn fault(&self) -> Option<Fault> {
        self.0.fault.borrow().clone()
    }

    /// Remembers the first fault, if this tape checks for them.
    pub(crate) fn inspect(
        &self,
        name: impl FnOnce() -> String,
        value: &Tensor<T>,
        parents: &[Option<NodeId>],
        at: &'static Location<'static>,
    ) {
        if !self.0.checks || self.0.fault.borrow().is_some() || value.all_finite() {
            return;
        }
        let path = Fault::path(&self.0.nodes.borrow(), parents);
        *self.0.fault.borrow_mut() = Some(Fault::new(name(), value, at, path));
    }

    /// Tells tapes apart, across threads too.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The gradients of a scalar with respect to every parameter and variable it depends on.
    ///
    /// Frees the records as it goes: the tape cannot be used for recording afterward.
    ///
    /// # Panics
    /// If `loss` has more than one element or is not on this tape, or if the tape was swept before.
    #[track_caller]
    pub fn backward(&self, loss: &Var<T>) -> Gradients<T> {
        self.backward_scaled(loss, T::ONE)
    }

    /// The gradients of `weight·loss`: the contribution of a shard's mean to the mean over the batch.
    ///
    /// # Panics
    /// As [`Tape::backward`].
    #[track_caller]
    pub fn backward_scaled(&self, loss: &Var<T>, weight: T) -> Gradients<T> {
        assert!(loss.shape().elements() == 1, "backward: the loss must have one element, not shape {}", loss.shape());
        assert!(!self.0.spent.get(), "backward: this tape was already swept; make a new tape for each step");
        let seed = Var::from(Tensor::full(loss.shape(), weight));
        let found = match self.node_of(loss) {
            Some(root) => self.sweep(root, seed, None, Sweep::Consume),
            None => Vec::new(),
        };
        let params = self.0.params.borrow();
        Gradients::new(self.0.id, &params, found)
    }

    /// `Σ seed·∂y/∂xᵢ` for each of `xs`, as plain values; the tape can still be used.
    /// Zeros where `y` does not depend on `xᵢ`.
    #[track_caller]
    pub fn vjp(&self, y: &Var<T>, seed: &Var<T>, xs: &[&Var<T>]) -> Vec<Var<T>> {
        self.vjp_with(y, seed, xs, Sweep::Keep)
    }

    /// `Σ seed·∂y/∂xᵢ` for each of `xs`, recorded: the results can be differentiated again.
    #[track_caller]
    pub fn vjp_recorded(&self, y: &Var<T>, seed: &Var<T>, xs: &[&Var<T>]) -> Vec<Var<T>> {
        self.vjp_with(y, seed, xs, Sweep::Record)
    }

    #[track_caller]
    fn vjp_with(&self, y: &Var<T>, seed: &Var<T>, xs: &[&Var<T>], sweep: Sweep) -> Vec<Var<T>> {
        assert!(seed.shape() == y.shape(), "vjp: the seed has shape {}, the output {}", seed.shape(), y.shape());
        assert!(!self.0.spent.get(), "vjp: this tape was swept by `backward`; make a new tape for each step");
        // If the seed knew its tape, the sweep would be recorded.
        let seed = if sweep == Sweep::Record { seed.clone() } else { Var::from(seed.value().clone()) };
        let targets: Vec<Option<NodeId>> = xs.iter().map(|x| self.node_of(x)).collect();
        let mut found = match self.node_of(y) {
            Some(root) => self.sweep(root, seed, Some(&targets), sweep),
            None => Vec::new(),
        };
        let mut take = |target: Option<NodeId>, x: &Var<T>| {
            let gradient = target.and_then(|node| found.get_mut(node)?.clone());
            gradient.unwrap_or_else(|| self.constant(Tensor::zeros(x.shape())))
        };
        targets.iter().zip(xs).map(|(target, x)| take(*target, x)).collect()
    }

    #[track_caller]
    fn node_of(&self, x: &Var<T>) -> Option<NodeId> {
        let place = x.place()?;
        assert!(place.tape.is_same(self), "this value was computed on another tape");
        place.node
    }

    /// Sweeps back from `root`, whose gradient is `seed`, and returns the gradients of the leaves, or of `targets`
    /// where they are given.
    fn sweep(
        &self,
        root: NodeId,
        seed: Var<T>,
        targets: Option<&[Option<NodeId>]>,
        sweep: Sweep,
    ) -> Vec<Option<Var<T>>> {
        let leads = targets.map(|targets| self.leading_to(root, targets));
        let is_wanted = |node: NodeId| leads.as_ref().is_none_or(|leads| leads[node]);
        let is_target = |node: NodeId| targets.is_some_and(|targets| targets.contains(&Some(node)));
        if sweep == Sweep::Consume {
            self.0.spent.set(true);
        }
        let mut found: Vec<Option<Var<T>>> = vec![None; root + 1];
        if is_wanted(root) {
            found[root] = Some(seed);
        }
        for id in (0..=root).rev() {
            let node = match sweep {
                Sweep::Consume => {
                    let mut nodes = self.0.nodes.borrow_mut();
                    nodes.truncate(id + 1);
                    nodes.pop().expect("a sweep passes each record once")
                }
                Sweep::Keep | Sweep::Record => self.0.nodes.borrow()[id].clone(),
            };
            if matches!(node.op, Op::Leaf) {
                continue;
            }
            let gradient = if is_target(id) { found[id].clone() } else { found[id].take() };
            let Some(gradient) = gradient else { continue };
            let op = Recorded { node, tape: (sweep == Sweep::Record).then(|| self.clone()), id };
            let wanted = |i: usize| op.node.parents[i].node.filter(|&parent| is_wanted(parent));
            let last = (0..op.node.parents.len()).rev().find(|&i| wanted(i).is_some());
            let mut gradient = Some(gradient);
            for i in 0..op.node.parents.len() {
                let Some(parent) = wanted(i) else { continue };
                let g = if Some(i) == last { gradient.take() } else { gradient.clone() };
                let g = g.expect("the gradient is moved out at the last parent only");
                // Broadcasting is undone here, for every rule at once.
                let part = rules::derivative(&op, i, g).sum_to(&op.node.parents[i].shape);
                let name = || format!("the gradient of {}", op.node.op.name());
                self.inspect(name, part.value(), &[Some(parent)], op.node.at);
                found[parent] = Some(match found[parent].take() {
                    Some(sum) => sum + part,
                    None => part,
                });
            }
        }
        found
    }

    /// Which nodes up to `root` depend on one of `targets`.
    fn leading_to(&self, root: NodeId, targets: &[Option<NodeId>]) -> Vec<bool> {
        let nodes = self.0.nodes.borrow();
        let mut leads = vec![false; root + 1];
        for (id, node) in nodes[..=root].iter().enumerate() {
            leads[id] = targets.contains(&Some(id)) || node.parents.iter().any(|p| p.node.is_some_and(|p| leads[p]));
        }
        leads
    }
}

impl<T: Real> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("recorded", &self.len()).field("spent", &self.0.spent.get()).finish()
    }
}
