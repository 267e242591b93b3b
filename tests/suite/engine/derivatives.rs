//! Every operation's derivatives of order one and two against central differences, and its
//! Jacobian's two products against each other.

use super::case::{Case, View};
use super::draw::noise;
use super::operations::{self, Entry};
use super::{Outcome, close, hold, inner};
use autograd::{Tensor, Var, check, diff};
use proptest::prelude::TestCaseError;

/// Jacobians of at most this size are compared whole; of larger ones, products with them are.
const WHOLE: usize = 40;
const CASES: u32 = 48;

/// Runs a property over the whole table, and reports how each failing operation fails.
pub(super) fn over(table: Vec<Entry>, cases: u32, property: impl Fn(&Case) -> Outcome) {
    let failures: Vec<String> = table
        .into_iter()
        .filter_map(|(name, calls)| Some(format!("{name}: {}", hold(cases, &calls, |case| property(&case)).err()?)))
        .collect();
    assert!(failures.is_empty(), "{} operations fail:\n{}", failures.len(), failures.join("\n\n"));
}

/// Arbitrary directions and weights.
pub(super) fn direction(like: &Tensor<f64>, seed: u64) -> Tensor<f64> {
    noise(like.shape(), seed)
}

pub(super) fn values(f: &dyn Fn(&Var<f64>) -> Var<f64>) -> impl Fn(&Tensor<f64>) -> Tensor<f64> {
    move |x| f(&Var::from(x.clone())).into_value()
}

/// The first derivative by the tape against differences.
pub(super) fn order_one(view: &View) -> Outcome {
    let View { by, at, f } = view;
    let y = values(f)(at);
    if at.shape().elements() <= WHOLE && y.shape().elements() <= WHOLE {
        let whole = check::jacobian(values(f), at);
        return close(&format!("Jacobian by {by}"), &diff::jacobian(f, at), &whole, 1e-7);
    }
    let u = direction(at, 1);
    close(&format!("J·u by {by}"), &diff::jvp(f, at, &u).1, &check::directional(values(f), at, &u), 1e-7)
}

/// The second derivative by the tape against differences of the first, and three ways to compute it against each other.
pub(super) fn order_two(view: &View) -> Outcome {
    let View { by, at, f } = view;
    let y = values(f)(at);
    let (v, u) = (direction(&y, 2), direction(at, 3));
    let weighed = |x: &Var<f64>| (f(x) * Var::from(v.clone())).sum_all();
    let exact = diff::hvp(weighed, at, &u);
    let slope = |x: &Tensor<f64>| diff::vjp(f, x, &v).1;
    close(&format!("Hessian·u by {by}"), &exact, &check::directional(slope, at, &u), 1e-6)?;
    // And against differences of values alone, which are independent of the first derivative.
    let bent = check::second_directional(values(&weighed), at, &u);
    close(&format!("uᵀ·Hessian·u by {by}"), &Tensor::scalar(inner(&u, &exact).0), &bent, 1e-5)?;
    // The same through a vjp that is itself a function: its jvp sweeps a recorded sweep's record.
    let jvp = diff::jvp(|x| recorded_vjp(f, x, &v), at, &u).1;
    close(&format!("jvp of vjp by {by}"), &jvp, &exact, 1e-9)
}

/// `vᵀ·∂f/∂x` as a function of `x` that can be differentiated again.
pub(super) fn recorded_vjp(f: &dyn Fn(&Var<f64>) -> Var<f64>, x: &Var<f64>, v: &Tensor<f64>) -> Var<f64> {
    let tape = x.tape().expect("diff gives its functions recorded values").clone();
    let y = f(x);
    tape.vjp_recorded(&y, &Var::from(v.clone()), &[x]).remove(0)
}

#[test]
fn first_derivatives_equal_differences() {
    over(operations::all(), CASES, |case| case.views().iter().try_for_each(order_one));
}

#[test]
fn second_derivatives_equal_differences_of_first_ones() {
    over(operations::all(), CASES, |case| case.views().iter().try_for_each(order_two));
}

#[test]
fn the_jacobian_from_the_left_and_from_the_right() {
    over(operations::all(), CASES, |case| {
        case.views().iter().try_for_each(|View { by, at, f }| {
            let u = direction(at, 4);
            let (y, jvp) = diff::jvp(f, at, &u);
            let v = direction(&y, 5);
            let (value, vjp) = diff::vjp(f, at, &v);
            close("f(x) of vjp and of jvp", &value, &y, 0.0)?;
            let ((left, size), (right, other)) = (inner(&v, &jvp), inner(&vjp, &u));
            let bound = 1e-12 * size.max(other).max(1.0);
            if (left - right).abs() <= bound {
                return Ok(());
            }
            Err(TestCaseError::fail(format!("⟨v, Ju⟩ = {left} but ⟨Jᵀv, u⟩ = {right} by {by}")))
        })
    });
}

#[test]
fn the_table_names_every_elementwise_function() {
    let names: Vec<&str> = operations::elementwise().iter().map(|(name, _)| *name).collect();
    let variants = variants(include_str!("../../../autograd/src/elementwise.rs"));
    assert!(variants.len() > 35, "elementwise.rs was not understood: {variants:?}");
    let missing: Vec<&String> = variants.iter().filter(|variant| !names.contains(&variant.as_str())).collect();
    assert!(missing.is_empty(), "no line in operations.rs for {missing:?}");
}

/// The variants of the enums of a source file, in the form `log_sigmoid`.
fn variants(source: &str) -> Vec<String> {
    let is_variant = |line: &&str| line.starts_with("    ") && line[4..].starts_with(char::is_uppercase);
    source.lines().filter(is_variant).map(|line| snake(line.trim())).collect()
}

fn snake(line: &str) -> String {
    let mut name = String::new();
    for c in line.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
