//! An operation with drawn inputs, and the views of it that the properties differentiate.

use super::draw::{self, Domain, tensor};
use autograd::{Tensor, Var};
use proptest::prelude::*;
use std::fmt;
use std::rc::Rc;

/// A function of several values.
pub(super) type Function = Rc<dyn Fn(&[Var<f64>]) -> Var<f64>>;

/// A function of one.
type FunctionOfOne = dyn Fn(&Var<f64>) -> Var<f64>;

/// One drawn call.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) inputs: Vec<Tensor<f64>>,
    pub(super) function: Function,
    /// The arguments that are not tensors, for the error message.
    pub(super) with: String,
}

/// A case as a function of one value: of one of its inputs, or of all of them joined.
pub(super) struct View {
    pub(super) by: String,
    pub(super) at: Tensor<f64>,
    pub(super) f: Box<FunctionOfOne>,
}

impl Case {
    pub(super) fn new(inputs: Vec<Tensor<f64>>, function: impl Fn(&[Var<f64>]) -> Var<f64> + 'static) -> Self {
        Self { inputs, function: Rc::new(function), with: String::new() }
    }

    pub(super) fn with(mut self, what: &dyn fmt::Debug) -> Self {
        self.with = format!("{what:?}");
        self
    }

    pub(super) fn plain(&self) -> Vec<Var<f64>> {
        self.inputs.iter().cloned().map(Var::from).collect()
    }

    /// By each input alone, the others being constants, and by all at once. What a record keeps
    /// depends on which inputs ask for gradients, so these are different code paths.
    pub(super) fn views(&self) -> Vec<View> {
        let mut views: Vec<View> = (0..self.inputs.len()).map(|i| self.by_one(i)).collect();
        if self.inputs.len() > 1 {
            views.push(self.by_all());
        }
        views
    }

    fn by_one(&self, i: usize) -> View {
        let (inputs, function) = (self.plain(), Rc::clone(&self.function));
        let f = move |x: &Var<f64>| {
            let mut inputs = inputs.clone();
            inputs[i] = x.clone();
            function(&inputs)
        };
        View { by: format!("input {i}"), at: self.inputs[i].clone(), f: Box::new(f) }
    }

    fn by_all(&self) -> View {
        let joined: Vec<f64> = self.inputs.iter().flat_map(|x| x.as_slice().iter().copied()).collect();
        let shapes: Vec<_> = self.inputs.iter().map(|x| x.shape().clone()).collect();
        let function = Rc::clone(&self.function);
        let f = move |x: &Var<f64>| {
            let mut start = 0;
            let parts = shapes.iter().map(|shape| {
                let range = start..start + shape.elements();
                start = range.end;
                x.slice(0, range).reshape(shape)
            });
            function(&parts.collect::<Vec<_>>())
        };
        View { by: "all inputs".to_owned(), at: Tensor::from_slice([joined.len()], &joined), f: Box::new(f) }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.inputs, self.with)
    }
}

/// A function of one tensor of any shape.
pub(super) fn unary(domain: Domain, f: impl Fn(&Var<f64>) -> Var<f64> + 'static) -> BoxedStrategy<Case> {
    let f = Rc::new(f);
    let x = draw::shape().prop_flat_map(move |shape| tensor(&shape, domain));
    x.prop_map(move |x| {
        let f = Rc::clone(&f);
        Case::new(vec![x], move |x| f(&x[0]))
    })
    .boxed()
}

/// A function of two tensors of shapes that broadcast.
pub(super) fn binary(
    (a, b): (Domain, Domain),
    f: impl Fn(&Var<f64>, &Var<f64>) -> Var<f64> + 'static,
) -> BoxedStrategy<Case> {
    let f = Rc::new(f);
    draw::broadcasting(2)
        .prop_flat_map(move |shapes| (tensor(&shapes[0], a), tensor(&shapes[1], b)))
        .prop_map(move |(a, b)| {
            let f = Rc::clone(&f);
            Case::new(vec![a, b], move |x| f(&x[0], &x[1]))
        })
        .boxed()
}

/// A function of one tensor and of arguments drawn for its shape, of `ranks` axes.
pub(super) fn shaped<S>(
    ranks: std::ops::Range<usize>,
    domain: Domain,
    arguments: impl Fn(&[usize]) -> S + 'static,
    f: impl Fn(&Var<f64>, &S::Value) -> Var<f64> + 'static,
) -> BoxedStrategy<Case>
where
    S: Strategy + 'static,
    S::Value: Clone + 'static,
{
    let f = Rc::new(f);
    draw::shape_of(ranks)
        .prop_flat_map(move |shape| (tensor(&shape, domain), arguments(&shape)))
        .prop_map(move |(x, arguments)| {
            let f = Rc::clone(&f);
            let shown = format!("{arguments:?}");
            Case { with: shown, ..Case::new(vec![x], move |x| f(&x[0], &arguments)) }
        })
        .boxed()
}
