//! Unnormalized densities of the plane.

use autograd::{Real, Tensor, Var};
use std::f64::consts::PI;

/// The four test energies of Rezende & Mohamed 2015 (*Variational Inference with Normalizing Flows*, table 1), for
/// densities `exp(−U(x))/Z` of the plane:
///
/// <!--
/// U₁ = ½((‖x‖ − 2)/0.4)² − log(exp(−½((x₁ − 2)/0.6)²) + exp(−½((x₁ + 2)/0.6)²))
/// U₂ = ½((x₂ − w₁)/0.4)² + wall
/// U₃ = −log(exp(−½((x₂ − w₁)/0.35)²) + exp(−½((x₂ − w₁ + w₂)/0.35)²)) + wall
/// U₄ = −log(exp(−½((x₂ − w₁)/0.4)²) + exp(−½((x₂ − w₁ + w₃)/0.35)²)) + wall
/// w₁ = sin(πx₁/2),   w₂ = 3·exp(−½((x₁ − 1)/0.6)²),   w₃ = 3·σ((x₁ − 1)/0.3),
/// wall = ½(max(|x₁| − 4, 0)/0.4)²
/// -->
#[doc = include_str!("../formulas/energies.html")]
///
/// The paper states the last three without a wall and draws them for |x| ≤ 4. They are then infinite bands: Z is infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Energy {
    /// Two arcs of a ring.
    U1,
    /// A wave.
    U2,
    /// A wave that splits in the middle and joins again.
    U3,
    /// A wave that splits in two.
    U4,
}

/// The |x₁| where the walls begin.
const WALL: f64 = 4.0;
/// The range of integration on both axes, and the cells along each.
const REACH: f64 = 8.0;
const CELLS: usize = 640;

impl Energy {
    /// All four.
    pub const ALL: [Self; 4] = [Self::U1, Self::U2, Self::U3, Self::U4];

    /// U of each row of `[batch, 2]`, in nats. Shape `[batch]`.
    ///
    /// # Panics
    /// If the rows do not have two columns.
    pub fn of<T: Real>(self, x: &Var<T>) -> Var<T> {
        assert!(x.shape().rank() == 2 && x.extent(1) == 2, "energy: rows of 2 columns, not {}", x.shape());
        let [first, second] = [0, 1].map(|axis| x.slice(1, axis..axis + 1).reshape([x.extent(0)]));
        // −½((y − mean)/scale)²
        let bump = |y: &Var<T>, mean: f64, scale: f64| y.affine(1.0 / scale, -mean / scale).square().scale(-0.5);
        // −ln(eᵃ + eᵇ)
        let either = |a: Var<T>, b: Var<T>| -(a.maximum(&b) + (-(&a - &b).abs()).exp().ln1p());
        let outside = first.abs().shift(-WALL).relu().scale(1.0 / 0.4).square().scale(0.5);
        let from_wave = second - first.scale(PI / 2.0).sin();
        match self {
            Self::U1 => {
                // √0 has no derivative: keep the length positive.
                let radius = x.square().sum_per_sample().shift(1e-24).sqrt();
                either(bump(&first, 2.0, 0.6), bump(&first, -2.0, 0.6)) - bump(&radius, 2.0, 0.4)
            }
            Self::U2 => outside - bump(&from_wave, 0.0, 0.4),
            Self::U3 => {
                let apart = bump(&first, 1.0, 0.6).exp().scale(3.0);
                outside + either(bump(&from_wave, 0.0, 0.35), bump(&(&from_wave + apart), 0.0, 0.35))
            }
            Self::U4 => {
                let apart = first.affine(1.0 / 0.3, -1.0 / 0.3).sigmoid().scale(3.0);
                outside + either(bump(&from_wave, 0.0, 0.4), bump(&(&from_wave + apart), 0.0, 0.35))
            }
        }
    }

    /// `ln Z = ln ∫ exp(−U(x)) dx` in nats, by the midpoint rule, to six digits.
    pub fn log_normalizer(self) -> f64 {
        let width = 2.0 * REACH / CELLS as f64;
        let middle = |i: usize| -REACH + (i as f64 + 0.5) * width;
        let row = |row: usize| {
            let cells = Tensor::from_fn([CELLS, 2], |i| middle(if i % 2 == 0 { i / 2 } else { row }));
            (-self.of::<f64>(&Var::from(cells))).exp().sum_all().item()
        };
        ((0..CELLS).map(row).sum::<f64>() * width * width).ln()
    }
}
