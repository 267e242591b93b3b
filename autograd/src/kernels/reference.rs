//! The same functions in their plainest form, in `f64`: what the fast kernels are tested against.

use crate::elementwise::{Binary, Unary};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

pub(crate) fn unary(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Affine { scale, shift } => scale * x + shift,
        Unary::Abs => x.abs(),
        Unary::Sign => if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 * x },
        Unary::Step => f64::from(x > 0.0),
        Unary::Within { lo, hi } => f64::from(lo <= x && x <= hi),
        Unary::Square => x * x,
        Unary::Sqrt => x.sqrt(),
        Unary::Recip => 1.0 / x,
        Unary::Powf(p) => x.powf(p),
        Unary::Exp => x.exp(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Ln => x.ln(),
        Unary::Ln1p => x.ln_1p(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::LogSigmoid => x.min(0.0) - (-x.abs()).exp().ln_1p(),
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(slope) => if x > 0.0 { x } else { slope * x },
        Unary::Elu => if x > 0.0 { x } else { x.exp_m1() },
        Unary::Clamp { lo, hi } => x.clamp(lo, hi),
        Unary::Erf => libm::erf(x),
        Unary::NormalCdf => 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
        Unary::LogNormalCdf => (0.5 * libm::erfc(-x * FRAC_1_SQRT_2)).ln(),
        Unary::NormalScore => (-0.5 * x * x - 0.5 * (2.0 * PI).ln()).exp() / (0.5 * libm::erfc(-x * FRAC_1_SQRT_2)),
        Unary::LogNormalQuantile => {
            let (mut lo, mut hi) = (-37.0, 37.0);
            for _ in 0..200 {
                let middle = 0.5 * (lo + hi);
                if unary(Unary::LogNormalCdf, middle) < x { lo = middle } else { hi = middle }
            }
            0.5 * (lo + hi)
        }
    }
}

pub(crate) fn binary(f: Binary, a: f64, b: f64) -> f64 {
    match f {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::Greater => f64::from(a > b),
        Binary::GreaterEqual => f64::from(a >= b),
        Binary::StepMul => if b > 0.0 { a } else { 0.0 },
        Binary::TanhGrad => a * (1.0 - b * b),
        Binary::SigmoidGrad => a * b * (1.0 - b),
    }
}
