//! Every operation: its definition, in place as out of place, at every level and length.

use super::*;
use crate::kernels::simd::on_every_level;

/// The functions of one number, and what the standard library says of them; the rest are tested by ULP.
type Scalar = fn(f64) -> f64;
const UNARY: [(Unary, Option<Scalar>); 30] = [
    (Unary::Affine { scale: 2.5, shift: -1.0 }, Some(|x| 2.5 * x - 1.0)),
    (Unary::Abs, Some(f64::abs)),
    (Unary::Sign, Some(|x| if x == 0.0 || x.is_nan() { x } else { x.signum() })),
    (Unary::Step, Some(|x| flag(x > 0.0))),
    (Unary::Within { lo: -0.5, hi: 1.0 }, Some(|x| flag((-0.5..=1.0).contains(&x)))),
    (Unary::Square, Some(|x| x * x)),
    (Unary::Sqrt, Some(f64::sqrt)),
    (Unary::Recip, Some(f64::recip)),
    (Unary::Powf(1.7), Some(|x| x.powf(1.7))),
    (Unary::Powf(3.0), Some(|x| x.powi(3))),
    (Unary::Powf(-1.0), Some(|x| x.powi(-1))),
    (Unary::Exp, Some(f64::exp)),
    (Unary::Expm1, None),
    (Unary::Ln, Some(f64::ln)),
    (Unary::Ln1p, None),
    (Unary::Sin, Some(f64::sin)),
    (Unary::Cos, Some(f64::cos)),
    (Unary::Tanh, Some(f64::tanh)),
    (Unary::Sigmoid, None),
    (Unary::Softplus, None),
    (Unary::LogSigmoid, None),
    (Unary::Relu, Some(|x| if x.is_nan() { x } else { x.max(0.0) })),
    (Unary::LeakyRelu(0.1), Some(|x| x * if x > 0.0 { 1.0 } else { 0.1 })),
    (Unary::Elu, Some(|x| if x > 0.0 { x } else { x.exp_m1() })),
    (Unary::Clamp { lo: -0.5, hi: 1.0 }, Some(|x| x.clamp(-0.5, 1.0))),
    (Unary::Erf, None),
    (Unary::NormalCdf, None),
    (Unary::LogNormalCdf, None),
    (Unary::NormalScore, None),
    (Unary::LogNormalQuantile, None),
];

/// The functions of two numbers, by their definitions.
type Pair = (Binary, fn(f64, f64) -> f64);
const BINARY: [Pair; 12] = [
    (Binary::Add, |a, b| a + b),
    (Binary::Sub, |a, b| a - b),
    (Binary::Mul, |a, b| a * b),
    (Binary::Div, |a, b| a / b),
    (Binary::Pow, f64::powf),
    (Binary::Maximum, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }),
    (Binary::Minimum, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }),
    (Binary::Greater, |a, b| flag(a > b)),
    (Binary::GreaterEqual, |a, b| flag(a >= b)),
    (Binary::StepMul, |a, b| if b > 0.0 { a } else { 0.0 }),
    (Binary::TanhGrad, |a, b| a * (1.0 - b * b)),
    (Binary::SigmoidGrad, |a, b| a * b * (1.0 - b)),
];

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

/// Numbers of both signs, with everything awkward early on.
fn numbers<T: Real>(n: usize, seed: f64) -> Vec<T> {
    let awkward = [f64::NAN, 0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, 0.5, -0.5];
    let turn = seed as usize;
    (0..n)
        .map(|k| match awkward.get((k + turn) % (n.max(20))) {
            Some(&x) => T::from_f64(x),
            None => T::from_f64(3.0 * ((k as f64 + seed) * 12.9898).sin()),
        })
        .collect()
}

#[track_caller]
fn near<T: Real>(got: T, want: f64, tolerance: f64, what: &dyn std::fmt::Debug) {
    let got = got.to_f64();
    let same = got == want || (got.is_nan() && want.is_nan());
    assert!(same || (got - want).abs() <= tolerance * want.abs().max(1.0), "{what:?}: {got:e} instead of {want:e}");
}

/// Equal, or NaN both.
#[track_caller]
fn same<T: Real + std::fmt::Debug>(a: &[T], b: &[T], what: &dyn std::fmt::Debug) {
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        let both_nan = a.to_f64().is_nan() && b.to_f64().is_nan();
        assert!(a == b || both_nan, "{what:?} at {k}: {a:?} and {b:?}");
    }
}

const LENGTHS: [usize; 11] = [0, 1, 2, 7, 8, 15, 17, 31, 33, 64, 259];

fn every_unary<T: Real + std::fmt::Debug>(tolerance: f64) {
    for n in LENGTHS {
        let x: Vec<T> = numbers(n, 3.0);
        for (op, definition) in UNARY {
            on_every_level(|level| {
                let what = (op, level, n);
                let mut out = vec![T::ONE; n];
                unary(op, &x, &mut out);
                let mut in_place = x.clone();
                unary_in_place(op, &mut in_place);
                same(&out, &in_place, &what);
                for (&x, &got) in x.iter().zip(&out) {
                    // One element alone goes through the remainder of the vector loop.
                    let mut alone = [x];
                    unary_in_place(op, &mut alone);
                    same(&alone, &[got], &what);
                    if let Some(definition) = definition {
                        near(got, definition(x.to_f64()), tolerance, &(what, x));
                    }
                }
            });
        }
    }
}

#[test]
fn unary_functions() {
    every_unary::<f32>(1e-6);
    every_unary::<f64>(1e-14);
}

fn every_binary<T: Real + std::fmt::Debug>(tolerance: f64) {
    for n in LENGTHS {
        let (a, b): (Vec<T>, Vec<T>) = (numbers(n, 1.0), numbers(n, 2.0));
        for (op, definition) in BINARY {
            on_every_level(|level| {
                let what = (op, level, n);
                let mut out = vec![T::ONE; n];
                binary(op, &a, &b, &mut out);
                for ((&a, &b), &got) in a.iter().zip(&b).zip(&out) {
                    near(got, definition(a.to_f64(), b.to_f64()), tolerance, &(what, a, b));
                }
                let (mut left, mut right) = (a.clone(), b.clone());
                binary_assign(op, &mut left, &b);
                binary_assign_right(op, &a, &mut right);
                same(&left, &out, &what);
                same(&right, &out, &what);

                let number = T::from_f64(0.75);
                let numbers = vec![number; n];
                binary(op, &a, &numbers, &mut out);
                let (mut apart, mut in_place) = (vec![T::ONE; n], a.clone());
                binary_scalar(op, &a, number, &mut apart);
                binary_scalar_assign(op, &mut in_place, number);
                same(&apart, &out, &what);
                same(&in_place, &out, &what);

                binary(op, &numbers, &b, &mut out);
                let mut in_place = b.clone();
                binary_scalar_left(op, number, &b, &mut apart);
                binary_scalar_left_assign(op, number, &mut in_place);
                same(&apart, &out, &what);
                same(&in_place, &out, &what);
            });
        }
    }
}

#[test]
fn binary_functions() {
    every_binary::<f32>(1e-6);
    every_binary::<f64>(1e-14);
}

#[test]
fn select_and_a_step_of_descent() {
    for n in LENGTHS {
        let (a, b, mask): (Vec<f32>, Vec<f32>, Vec<f32>) = (numbers(n, 1.0), numbers(n, 2.0), numbers(n, 3.0));
        on_every_level(|level| {
            let mut out = vec![0.0; n];
            select(&mask, &a, &b, &mut out);
            let mut moved = b.clone();
            crate::kernels::optimizer::sgd(0.3, 0.0, false, &mut moved, &a, None);
            for k in 0..n {
                same(&[out[k]], &[if mask[k] > 0.0 { a[k] } else { b[k] }], &level);
                near(moved[k], f64::from(b[k]) - 0.3 * f64::from(a[k]), 1e-6, &level);
            }
        });
    }
}

#[test]
#[should_panic(expected = "Add: lengths")]
fn lengths_are_checked() {
    binary_assign(Binary::Add, &mut [0.0], &[1.0, 2.0]);
}
