//! f32 against f64: every elementwise function at lengths that fill vector registers and leave
//! remainders, and each element the same wherever in the slice it lies.

use super::draw::noise;
use autograd::elementwise::{Binary, Unary};
use autograd::{Real, Tensor, Var};

/// Each function, and the interval it is tested on.
const UNARY: [(Unary, f64, f64); 29] = [
    (Unary::Affine { scale: 2.5, shift: -0.75 }, -9.0, 9.0),
    (Unary::Abs, -9.0, 9.0),
    (Unary::Sign, -9.0, 9.0),
    (Unary::Step, -9.0, 9.0),
    (Unary::Within { lo: -1.5, hi: 2.0 }, -9.0, 9.0),
    (Unary::Square, -9.0, 9.0),
    (Unary::Sqrt, 0.0, 90.0),
    (Unary::Recip, 0.01, 9.0),
    (Unary::Powf(2.5), 0.1, 9.0),
    (Unary::Exp, -80.0, 80.0),
    (Unary::Expm1, -20.0, 80.0),
    (Unary::Ln, 1e-30, 90.0),
    (Unary::Ln1p, -0.99, 90.0),
    (Unary::Sin, -9.0, 9.0),
    (Unary::Cos, -9.0, 9.0),
    (Unary::Tanh, -12.0, 12.0),
    (Unary::Sigmoid, -80.0, 30.0),
    (Unary::Softplus, -80.0, 90.0),
    (Unary::LogSigmoid, -90.0, 80.0),
    (Unary::Relu, -9.0, 9.0),
    (Unary::LeakyRelu(0.25), -9.0, 9.0),
    (Unary::Elu, -20.0, 20.0),
    (Unary::Clamp { lo: -1.5, hi: 2.0 }, -9.0, 9.0),
    (Unary::Erf, -5.0, 5.0),
    (Unary::NormalCdf, -6.0, 6.0),
    (Unary::LogNormalCdf, -50.0, 6.0),
    (Unary::NormalScore, -50.0, 6.0),
    (Unary::LogNormalQuantile, -60.0, -0.001),
    (Unary::Powf(-1.0), 0.1, 9.0),
];

const BINARY: [Binary; 12] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Maximum,
    Binary::Minimum,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::StepMul,
    Binary::TanhGrad,
    Binary::SigmoidGrad,
];

/// `n` numbers between two, exact in f32.
fn between(n: usize, lo: f64, hi: f64) -> Tensor<f32> {
    let noise = noise([n], n as u64);
    Tensor::from_fn([n], |i| (lo + (hi - lo) * 0.5 * (noise.as_slice()[i] + 1.0)) as f32)
}

fn var<T: Real>(x: &Tensor<f32>) -> Var<T> {
    Var::from(x.cast())
}

/// Within a few roundings of the result in f64.
fn compare(what: &str, x: &Tensor<f32>, single: &Tensor<f32>, double: &Tensor<f64>) {
    for (i, (&got, &expected)) in single.as_slice().iter().zip(double.as_slice()).enumerate() {
        let allowed = 1e-6 * expected.abs() + 1e-30;
        let fine = (f64::from(got) - expected).abs() <= allowed;
        assert!(fine, "{what} at {}: {got:e} in f32, {expected:e} in f64", x.as_slice()[i]);
    }
}

#[test]
fn functions_of_one_value() {
    for (f, lo, hi) in UNARY {
        for n in (1..40).chain([1000]) {
            let x = between(n, lo, hi);
            let single = var::<f32>(&x).map(f).into_value();
            compare(&format!("{f:?}"), &x, &single, var::<f64>(&x).map(f).value());
            for i in [0, n / 2, n - 1] {
                // A vector's lane, a remainder and a lone element: the same bits.
                let alone = var::<f32>(&x.rows(i..i + 1)).map(f).item();
                assert_eq!(alone.to_bits(), single.as_slice()[i].to_bits(), "{f:?}, element {i} of {n}");
            }
        }
    }
}

#[test]
fn functions_of_two_values() {
    for f in BINARY {
        for n in (1..40).chain([1000]) {
            let (a, b) = (between(n, 0.1, 3.0), between(n + 1, -0.9, 2.0).rows(0..n));
            let number = b.rows(n - 1..n);
            // `x·(1 − b²)` and `b·(1 − b)` cancel near 1: the function does that, not its kernel.
            let cancels = matches!(f, Binary::TanhGrad | Binary::SigmoidGrad | Binary::Add | Binary::Sub);
            let forms = [(&a, &b), (&a, &number), (&number, &a)];
            for (left, right) in forms {
                if f == Binary::Pow && left.as_slice()[0] < 0.0 {
                    continue;
                }
                let single = var::<f32>(left).zip(var(right), f).into_value();
                let double = var::<f64>(left).zip(var(right), f).into_value();
                let worst = single.as_slice().iter().zip(double.as_slice());
                let worst = worst
                    .map(|(s, d)| (s.to_f64() - d).abs() / if cancels { d.abs().max(1.0) } else { d.abs() + 1e-30 });
                let worst = worst.fold(0.0, f64::max);
                assert!(worst <= 2e-6, "{f:?} of {} and {} numbers: off by {worst:.1e}", left.shape(), right.shape());
            }
        }
    }
}
