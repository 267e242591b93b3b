//! `Tape::checked` names the first operation that gave an infinity or a NaN, where it was called, and what led there.

use autograd::{Tape, Tensor, Var};

fn on(tape: &Tape<f64>, values: &[f64]) -> Var<f64> {
    tape.variable(Tensor::from_slice([values.len()], values))
}

#[test]
fn the_first_fault_is_named_with_its_place_and_path() {
    let tape = Tape::checked();
    let x = on(&tape, &[1.0, -2.0, 0.5]);
    let shifted = x.shift(0.25);
    assert!(tape.fault().is_none());
    let line = line!() + 1;
    let logarithm = shifted.ln();
    let later = logarithm.square().sqrt();
    assert!(later.value().as_slice()[1].is_nan());
    let fault = tape.fault().expect("the logarithm of a negative number");
    assert_eq!(fault.operation(), "ln");
    assert!(fault.location().starts_with(&format!("{}:{line}:", file!())), "{}", fault.location());
    let path = fault.path_to();
    assert_eq!(path.len(), 2, "{path:?}");
    assert!(path[0].starts_with("affine [3] at") && path[0].contains("tracing.rs"), "{path:?}");
    assert!(path[1].starts_with("leaf [3] at"), "{path:?}");
    let text = fault.to_string();
    assert!(text.contains("ln at") && text.contains("NaN at element 1 of shape [3]"), "{text}");
    assert!(text.contains("\n  from affine"), "{text}");
}

#[test]
fn operators_and_constants_are_looked_at_too() {
    let tape = Tape::checked();
    let x = tape.constant(Tensor::from_slice([2], &[0.0f64, 1.0]));
    let line = line!() + 1;
    let quotient = &x / &x;
    assert!(quotient.value().as_slice()[0].is_nan());
    let fault = tape.fault().expect("0/0");
    assert_eq!(fault.operation(), "div");
    assert!(fault.location().starts_with(&format!("{}:{line}:", file!())), "{}", fault.location());
    assert!(fault.path_to().is_empty(), "nothing is recorded of constants");
}

#[test]
fn a_fault_of_the_backward_sweep_names_the_operation_it_passed() {
    let tape = Tape::checked();
    let x = on(&tape, &[4.0, 0.0]);
    let line = line!() + 1;
    let root = x.sqrt();
    let loss = root.sum_all();
    assert!(tape.fault().is_none(), "√0 is 0");
    let gradients = tape.backward(&loss);
    assert!(!gradients.wrt(&x).unwrap().all_finite());
    let fault = tape.fault().expect("the slope of the square root at 0");
    assert!(fault.operation().contains("sqrt"), "{fault}");
    assert!(fault.location().starts_with(&format!("{}:{line}:", file!())), "{}", fault.location());
}

#[test]
fn long_paths_are_cut_and_finite_work_has_no_fault() {
    let tape = Tape::checked();
    let mut x = on(&tape, &[1.0]);
    for _ in 0..40 {
        x = x.scale(1.5);
    }
    assert!(tape.fault().is_none());
    let bad = x.scale(1e300).exp();
    assert_eq!(bad.item(), f64::INFINITY);
    let fault = tape.fault().expect("an overflow");
    assert_eq!(fault.operation(), "exp");
    assert!((4..40).contains(&fault.path_to().len()), "{fault}");
    let unchecked = Tape::new();
    let ln = on(&unchecked, &[-1.0]).ln();
    assert!(ln.item().is_nan() && unchecked.fault().is_none(), "an ordinary tape does not look");
}

#[test]
fn the_path_follows_the_latest_input() {
    let tape = Tape::checked();
    let (early, x) = (on(&tape, &[1.0]), on(&tape, &[-1.0]));
    let late = x.tanh();
    let bad = (early / late.relu()).square();
    assert_eq!(bad.item(), f64::INFINITY);
    let path = tape.fault().expect("a division by 0").path_to().to_vec();
    let names: Vec<&str> = path.iter().filter_map(|step| step.split(' ').next()).collect();
    assert_eq!(names, ["relu", "tanh", "leaf"]);
}
