//! User-defined operations: in the table of operations, and the properties they have besides.

use super::case::Case;
use super::draw::{Domain, tensor};
use super::operations::Entry;
use super::panics::caught;
use autograd::{CustomOp, Tape, Tensor, Var, diff};
use proptest::prelude::*;

/// `√(a² + b²)`: by its rule, by a fast derivative too, by ordinary operations, or wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hypot {
    ByRule,
    Fast,
    Composed,
    /// The fast derivative is twice what it should be, and the rule's has another shape.
    Wrong,
}

impl CustomOp<f64> for Hypot {
    fn name(&self) -> &str {
        "hypot"
    }

    fn evaluate(&self, inputs: &[Tensor<f64>]) -> Tensor<f64> {
        let (a, b) = (inputs[0].as_slice(), inputs[1].as_slice());
        Tensor::from_fn(inputs[0].shape(), |i| a[i].hypot(b[i]))
    }

    fn derivative(&self, i: usize, inputs: &[Var<f64>], y: &Var<f64>, g: &Var<f64>) -> Var<f64> {
        match self {
            Self::ByRule | Self::Fast => g * &inputs[i] / y,
            Self::Composed => diff::vjp_by(|x| (x[0].square() + x[1].square()).sqrt(), inputs, i, g),
            Self::Wrong => g.reshape([1, g.shape().elements(), 1]).sum(&[1]),
        }
    }

    fn fast_derivative(
        &self,
        i: usize,
        inputs: &[Tensor<f64>],
        y: &Tensor<f64>,
        g: &Tensor<f64>,
    ) -> Option<Tensor<f64>> {
        let factor = match self {
            Self::ByRule | Self::Composed => return None,
            Self::Fast => 1.0,
            Self::Wrong => 2.0,
        };
        let (x, y, g) = (inputs[i].as_slice(), y.as_slice(), g.as_slice());
        Some(Tensor::from_fn(inputs[i].shape(), |k| factor * g[k] * x[k] / y[k]))
    }
}

pub(super) fn all() -> Vec<Entry> {
    let table = |op: Hypot| {
        let pairs = super::draw::shape().prop_flat_map(|shape| {
            let domain = Domain::Between(0.3, 2.0);
            (tensor(&shape, domain), tensor(&shape, domain))
        });
        // Inputs that depend on each other too.
        let f = move |x: &[Var<f64>]| Var::custom(op, &[&x[0], &(&x[0] * &x[1])]);
        pairs.prop_map(move |(a, b)| Case::new(vec![a, b], f)).boxed()
    };
    vec![
        ("custom, by its rule", table(Hypot::ByRule)),
        ("custom, fast", table(Hypot::Fast)),
        ("custom, composed", table(Hypot::Composed)),
    ]
}

#[test]
fn the_fast_derivative_is_for_sweeps_that_are_not_recorded() {
    let tape = Tape::new();
    let [a, b] = [3.0, 4.0].map(|x| tape.variable(Tensor::full([2], x)));
    let y = Var::custom(Hypot::Wrong, &[&a, &b]);
    let g = Var::from(Tensor::full([2], 1.0));
    assert_eq!(tape.vjp(&y, &g, &[&a])[0].value().as_slice(), [1.2; 2]);
    let wrong = caught(|| tape.vjp_recorded(&y, &g, &[&a]));
    assert_eq!(wrong.message, "hypot: the derivative by input 0 has shape [1, 1], the input [2]");
}

#[test]
fn errors_and_faults_use_its_name() {
    let (one, two) = (Tape::checked(), Tape::new());
    let [a, b] = [&one, &two].map(|tape| tape.variable(Tensor::full([1], f64::INFINITY)));
    let mixed = caught(|| Var::custom(Hypot::ByRule, &[&a, &b]));
    assert_eq!(mixed.message, "hypot: its operands were computed on two different tapes");
    assert_eq!(mixed.file, file!());
    let _ = Var::custom(Hypot::ByRule, &[&a, &a]);
    assert_eq!(one.fault().expect("an infinity").operation(), "hypot");
}
