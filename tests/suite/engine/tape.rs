//! What a tape records, what it refuses, and how it says so.

use super::draw::noise;
use super::panics::caught;
use autograd::{ConvSpec, Param, Tape, Tensor, Var};
use std::sync::Arc;

fn value(shape: &[usize]) -> Tensor<f64> {
    noise(shape, 7)
}

#[test]
fn nothing_is_recorded_where_nothing_asks_for_gradients() {
    let tape = Tape::new();
    let frozen = Param::new(value(&[3, 2]));
    frozen.set_trainable(false);
    let buffer = Param::buffer(value(&[3]));
    let x = tape.constant(value(&[2, 2]));
    let y = (x.matmul_t(&frozen.on(&x)) + buffer.on(&x)).tanh().sum_all();
    assert!(tape.is_empty(), "{tape:?}");
    assert!(y.tape().is_some(), "a constant still knows its tape");
    assert!(tape.backward(&y).of(&frozen).is_none());
}

#[test]
fn a_record_is_one_operation_that_a_variable_leads_to() {
    let tape = Tape::new();
    let (x, w) = (tape.constant(value(&[4])), tape.variable(value(&[4])));
    assert_eq!(tape.len(), 1, "the variable");
    let aside = x.exp().sum_all();
    assert_eq!(tape.len(), 1, "constants alone leave no record");
    let y = (&x * &w).sum_all() + aside;
    assert_eq!(tape.len(), 4, "a product and two sums");
    let detached = y.detach().exp() * y.detach();
    let sign = w.sign();
    assert_eq!(tape.len(), 4, "nor does what comes after detach, nor what has no derivative");
    assert!(detached.tape().is_some() && sign.tape().is_some());
}

#[test]
fn a_parameter_is_one_leaf_however_often_it_is_used() {
    let tape = Tape::new();
    let w = Param::new(Tensor::from_slice([1], &[3.0]));
    let x = tape.constant(Tensor::from_slice([1], &[2.0]));
    let y = w.on(&x) * &x + w.on(&x).square();
    let leaves_and_operations = 1 + 3;
    assert_eq!(tape.len(), leaves_and_operations);
    assert_eq!(tape.backward(&y.sum_all()).of(&w).unwrap().as_slice(), [2.0 + 6.0]);
}

#[test]
fn values_without_a_tape_compute_and_forget() {
    let w = Param::new(value(&[3]));
    let x = Var::from(value(&[3]));
    let y = (w.on(&x) * &x).softplus();
    assert!(y.tape().is_none());
    // Once joined with a tape's variable it is a constant there.
    let tape = Tape::new();
    let v = tape.variable(value(&[3]));
    let loss = (&v * &y).sum_all();
    let gradients = tape.backward(&loss);
    assert_eq!(gradients.wrt(&v).unwrap().as_slice(), y.value().as_slice());
    assert!(gradients.of(&w).is_none());
}

#[test]
fn detach_stops_gradients_and_frozen_parameters_let_them_pass() {
    let tape = Tape::new();
    let (before, frozen) = (Param::new(value(&[2, 2])), Param::new(noise([2, 2], 8)));
    frozen.set_trainable(false);
    let x = tape.constant(value(&[3, 2]));
    let hidden = x.matmul(&before.on(&x)).tanh();
    let y = hidden.matmul(&frozen.on(&x)).square().sum_all() + hidden.detach().sum_all();
    let gradients = tape.backward(&y);
    assert!(gradients.of(&frozen).is_none());
    let found = gradients.of(&before).expect("a frozen layer does not hide the layers before it").clone();

    let tape = Tape::new();
    let x = tape.constant(value(&[3, 2]));
    let hidden = x.matmul(&before.on(&x)).tanh();
    let without = hidden.matmul(&frozen.on(&x)).square().sum_all();
    assert_eq!(tape.backward(&without).of(&before).unwrap().as_slice(), found.as_slice());

    frozen.set_trainable(true);
    let buffer = Param::buffer(value(&[2]));
    buffer.set_trainable(true);
    assert!(frozen.is_trainable() && !buffer.is_trainable() && buffer.is_buffer());
}

#[test]
fn gradients_by_parameters_can_be_measured_and_changed() {
    let tape = Tape::new();
    let (a, b) = (Param::new(value(&[2])), Param::new(value(&[2, 2])));
    let x = tape.constant(Tensor::full([2], 1.0));
    let loss = (a.on(&x).scale(2.0) - b.on(&x)).sum_all();
    let mut gradients = tape.backward(&loss);
    // Twice 2·2 for `a`, which is broadcast over two rows, and four times −1 for `b`.
    assert_eq!(gradients.norm(), (2.0f64 * 16.0 + 4.0).sqrt());
    gradients.tensors_mut().for_each(|gradient| gradient.as_mut_slice().fill(0.5));
    gradients.of_mut(&a).unwrap().as_mut_slice()[0] = 3.0;
    assert_eq!(gradients.of(&a).unwrap().as_slice(), [3.0, 0.5]);
    assert_eq!(gradients.of(&b).unwrap().as_slice(), [0.5; 4]);
}

#[test]
fn what_a_loss_does_not_depend_on_has_no_gradient() {
    let tape = Tape::new();
    let (x, unused) = (tape.variable(value(&[2])), tape.variable(value(&[3])));
    let idle = Param::new(value(&[1]));
    let aside = unused.exp() * idle.on(&x);
    let loss = x.square().sum_all();
    let gradients = tape.vjp(&loss, &Var::from(Tensor::scalar(1.0)), &[&unused, &x]);
    assert_eq!(gradients[0].value().as_slice(), [0.0; 3], "vjp gives zeros of its shape");
    assert!(aside.value().all_finite());
    let gradients = tape.backward(&loss);
    assert!(gradients.wrt(&unused).is_none() && gradients.of(&idle).is_none());
    assert!(gradients.wrt(&x).is_some());
    assert!(gradients.wrt(&tape.constant(value(&[2]))).is_none());
}

#[test]
fn a_vjp_leaves_the_tape_as_it_was() {
    let tape = Tape::new();
    let x = tape.variable(value(&[3]));
    let (y, recorded) = (x.tanh(), x.sigmoid());
    let before = tape.len();
    let by_constant = tape.vjp(&y, &Var::from(value(&[3])), &[&x]).remove(0);
    assert_eq!(tape.len(), before);
    let again = tape.vjp(&y, &Var::from(value(&[3])), &[&x]).remove(0);
    assert_eq!(by_constant.value().as_slice(), again.value().as_slice());
    // A seed that could itself be differentiated by changes nothing about that.
    let _ = tape.vjp(&y, &recorded, &[&x]);
    assert_eq!(tape.len(), before, "a plain sweep is not recorded, whatever its seed");
}

#[test]
fn intermediate_values_can_be_asked_about() {
    let tape = Tape::new();
    let x = tape.variable(value(&[3]));
    let middle = x.exp();
    let y = (&middle * &middle).sum_all();
    let gradients = tape.vjp(&y, &Var::from(Tensor::scalar(1.0)), &[&middle, &x]);
    for i in 0..3 {
        let m = middle.value().as_slice()[i];
        assert!((gradients[0].value().as_slice()[i] - 2.0 * m).abs() < 1e-14);
        assert!((gradients[1].value().as_slice()[i] - 2.0 * m * m).abs() < 1e-14);
    }
}

#[test]
fn a_swept_tape_says_so() {
    let tape = Tape::new();
    let x = tape.variable(value(&[2]));
    let loss = x.square().sum_all();
    let _ = tape.backward(&loss);
    let advice = "make a new tape for each step";
    let again = caught(|| tape.backward(&loss));
    assert!(again.message.starts_with("backward:") && again.message.contains(advice), "{again:?}");
    let line = line!() + 1;
    let later = caught(|| &x + &x);
    assert!(later.message.starts_with("add:") && later.message.contains(advice), "{later:?}");
    assert_eq!((later.file.as_str(), later.line), (file!(), line));
    let vjp = caught(|| tape.vjp(&loss, &Var::from(Tensor::scalar(1.0)), &[&x]));
    assert!(vjp.message.contains(advice), "{vjp:?}");
}

#[test]
fn two_tapes_do_not_mix() {
    let (one, two) = (Tape::new(), Tape::new());
    let (a, b) = (one.variable(value(&[2])), two.constant(value(&[2])));
    let mixed = caught(|| &a * &b);
    assert_eq!(mixed.message, "mul: its operands were computed on two different tapes");
    assert_eq!(mixed.file, file!());
    let foreign = caught(|| two.backward(&a.sum_all()));
    assert!(foreign.message.contains("another tape"), "{foreign:?}");
}

/// The message names the operation and the shapes; the place is the caller's, here.
fn refuses(work: impl FnOnce() -> Var<f64>, parts: &[&str]) {
    let caught = caught(work);
    for part in parts {
        assert!(caught.message.contains(part), "`{part}` is not in: {}", caught.message);
    }
    assert_eq!(caught.file, file!(), "reported at another place: {caught:?}");
}

#[test]
fn mismatched_shapes_are_reported_at_the_callers_line() {
    let var = |shape: &[usize]| Var::from(value(shape));
    let spec = ConvSpec::padded(0);
    let indices: Arc<[usize]> = [0, 7].into();
    refuses(|| var(&[2, 3]) + var(&[2]), &["add", "[2, 3]", "[2]"]);
    refuses(|| &var(&[2, 3]) / var(&[4, 3]), &["div", "[2, 3]", "[4, 3]"]);
    refuses(|| var(&[2, 3]).maximum(&var(&[4])), &["maximum", "[2, 3]", "[4]"]);
    refuses(|| var(&[2]).pow(&var(&[3])), &["pow", "[2]", "[3]"]);
    refuses(|| var(&[2]).select(&var(&[3]), &var(&[2])), &["select", "[2]", "[3]"]);
    refuses(|| var(&[2, 3]).matmul(&var(&[2, 3])), &["matmul", "[2, 3] · [2, 3]"]);
    refuses(|| var(&[2, 3]).matmul_t(&var(&[2, 4])), &["matmul", "[2, 3] · [2, 4]ᵀ"]);
    refuses(|| var(&[2, 3]).t_matmul(&var(&[3, 4])), &["matmul", "[2, 3]ᵀ · [3, 4]"]);
    refuses(|| var(&[3]).matmul(&var(&[3, 4])), &["matmul", "[3] · [3, 4]"]);
    refuses(|| var(&[2, 2, 3]).matmul(&var(&[3, 3, 1])), &["matmul", "[2, 2, 3] · [3, 3, 1]"]);
    refuses(|| var(&[1, 2, 3, 3]).conv2d(&var(&[1, 3, 1, 1]), spec), &["conv2d", "[1, 2, 3, 3]", "[1, 3, 1, 1]"]);
    refuses(|| var(&[1, 2, 3, 3]).conv2d(&var(&[1, 2, 4, 1]), spec), &["conv2d"]);
    refuses(
        || var(&[1, 2, 3, 3]).conv2d_transposed(&var(&[2, 1, 2, 2]), spec, [9, 9]),
        &["conv2d_transposed", "[1, 2, 3, 3]"],
    );
    refuses(|| var(&[1, 2, 3]).conv1d(&var(&[1, 3, 1]), 1, 0, 0), &["conv1d", "[1, 2, 3]", "[1, 3, 1]"]);
    refuses(|| var(&[2, 3]).reshape([7]), &["reshape", "[2, 3]", "[7]"]);
    refuses(|| var(&[2, 3]).broadcast_to([3, 2]), &["broadcast_to", "[2, 3]", "[3, 2]"]);
    refuses(|| var(&[2, 3]).permute(&[0, 0]), &["permute", "[0, 0]", "[2, 3]"]);
    refuses(|| var(&[2, 3]).transpose().reshape([6]).transpose(), &["transpose", "[6]"]);
    refuses(|| var(&[2, 3]).slice(1, 2..4), &["slice", "[2, 3]"]);
    refuses(|| var(&[2, 3]).slice_step(1, 0, 2, 3), &["slice", "[2, 3]"]);
    refuses(|| var(&[2, 3]).slice(1, 5..5), &["slice", "[2, 3]"]);
    refuses(|| var(&[2, 3]).embed(1, 2, 1, 4), &["embed"]);
    refuses(|| var(&[2, 0]).embed(1, 5, 1, 4), &["embed"]);
    refuses(|| Var::concat(0, &[&var(&[2, 3]), &var(&[2, 4])]), &["concat", "[2, 3]", "[2, 4]"]);
    refuses(|| var(&[2, 3]).gather(1, &indices), &["gather", "7", "[2, 3]"]);
    refuses(|| var(&[2, 3]).scatter_add(0, &indices, 5), &["scatter_add", "[2, 3]"]);
    refuses(|| var(&[2, 3]).sum(&[2]), &["sum", "[2]", "[2, 3]"]);
    refuses(|| var(&[2, 3]).max(&[5]), &["max", "[5]", "[2, 3]"]);
    refuses(|| var(&[2, 3]).logsumexp(&[2]), &["logsumexp", "[2]", "[2, 3]"]);
    let tape = Tape::new();
    let x = tape.variable(value(&[2]));
    refuses(|| tape.vjp(&x, &Var::from(value(&[3])), &[&x]).remove(0), &["[3]", "[2]"]);
    let loss = caught(|| tape.backward(&x));
    assert!(loss.message.contains("backward") && loss.message.contains("[2]") && loss.file == file!(), "{loss:?}");
}
