//! The comparisons must be able to fail: wrong derivatives, made on purpose, are caught by the
//! same functions that pass the right ones.

use super::case::View;
use super::derivatives::{order_one, order_two};
use super::draw::noise;
use super::{close, same_bits};
use autograd::{Tensor, Var};

fn view(f: impl Fn(&Var<f64>) -> Var<f64> + 'static) -> View {
    View { by: "x".to_owned(), at: noise([2, 3], 1), f: Box::new(f) }
}

#[test]
fn a_forgotten_term_is_caught() {
    // x·σ(x) without the slope of its sigmoid.
    let wrong = view(|x| x * x.detach().sigmoid());
    assert!(order_one(&view(|x| x * x.sigmoid())).is_ok());
    assert!(order_one(&wrong).is_err());
}

#[test]
fn a_wrong_sign_is_caught() {
    // The value of sin x, with minus its slope: 2·sin(x₀) − sin(x) at x = x₀.
    assert!(order_one(&view(|x| x.detach().sin().scale(2.0) - x.sin())).is_err());
}

#[test]
fn a_factor_close_to_one_is_caught() {
    // The value of eˣ, with a slope too large by 1e-6.
    assert!(order_one(&view(|x| x.exp().scale(1.0 + 1e-6) - x.detach().exp().scale(1e-6))).is_err());
}

#[test]
fn one_wrong_element_of_many_is_caught() {
    let wrong = |x: &Var<f64>| {
        let (left, right) = (x.slice(1, 0..2), x.slice(1, 2..3).detach());
        Var::concat(1, &[&left, &right]).tanh()
    };
    assert!(order_one(&view(wrong)).is_err());
}

#[test]
fn a_broadcast_undone_by_the_wrong_factor_is_caught() {
    // Each of two rows adds its gradient to the bias; here only one does.
    let wrong = |bias: &Var<f64>| {
        let half = bias.scale(0.5) + bias.detach().scale(0.5);
        half.slice(0, 0..1).broadcast_to([2, 3]).square()
    };
    assert!(order_one(&view(wrong)).is_err());
    assert!(order_one(&view(|bias| bias.slice(0, 0..1).broadcast_to([2, 3]).square())).is_ok());
}

#[test]
fn a_right_slope_with_a_wrong_curvature_is_caught() {
    // x³ as x₀²·x + 2·x₀²·(x − x₀): right to order one at x₀, straight beyond.
    let straight = |x: &Var<f64>| {
        let fixed = x.detach();
        &fixed.square() * x + fixed.square().scale(2.0) * (x - &fixed)
    };
    let moving = view(|x| x.powf(3.0));
    assert!(order_one(&moving).is_ok() && order_two(&moving).is_ok());
    assert!(order_two(&view(straight)).is_err());
}

#[test]
fn not_a_number_and_wrong_shapes_are_never_close() {
    let (a, b) = (Tensor::from_slice([2], &[1.0, f64::NAN]), Tensor::from_slice([2], &[1.0, 2.0]));
    assert!(close("NaN", &a, &b, 1.0).is_err() && close("NaN", &b, &a, 1.0).is_err());
    assert!(close("shapes", &b, &b.clone().reshape([2, 1]), 1.0).is_err());
    let next = Tensor::from_slice([2], &[1.0, f64::from_bits(2.0f64.to_bits() + 1)]);
    assert!(same_bits("one bit", &b, &next).is_err());
    assert!(close("one bit", &b, &next, 0.0).is_err());
    assert!(same_bits("zeros", &Tensor::scalar(0.0), &Tensor::scalar(-0.0)).is_err());
}
