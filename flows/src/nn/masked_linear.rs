//! A dense layer with a staircase mask.

use super::Init;
use crate::module::parameters;
use autograd::{Param, Real, StaircaseMask, Tensor, Var};
use rand::Rng;

/// `y = x·(M∘W)ᵀ + b`, `[batch, in] → [batch, out]`, where output o sees the first `seen[o]` inputs
/// (Germain et al. 2015). Masked products are skipped, not multiplied by 0.
#[derive(Debug)]
pub struct MaskedLinear<T: Real> {
    pub(super) weight: Param<T>,
    pub(super) bias: Param<T>,
    stairs: StaircaseMask,
}

impl<T: Real> MaskedLinear<T> {
    /// A layer where output o sees the first `seen[o]` inputs. Unmasked weights are drawn from `init`, with the number of
    /// inputs that their output sees as fan-in; masked weights are 0 and stay 0.
    ///
    /// # Panics
    /// If `seen` decreases anywhere, or is larger than `inputs`.
    pub fn new(inputs: usize, seen: &[usize], init: Init, rng: &mut dyn Rng) -> Self {
        let mut weight = Tensor::zeros([seen.len(), inputs]);
        if inputs > 0 {
            for (row, &seen) in weight.as_mut_slice().chunks_exact_mut(inputs).zip(seen) {
                row[..seen].copy_from_slice(init.draw::<T>(&[seen], seen, rng).as_slice());
            }
        }
        let bias = Param::new(Tensor::zeros([seen.len()]));
        Self { weight: Param::new(weight), bias, stairs: StaircaseMask::new(seen, inputs) }
    }

    /// How many inputs each output sees.
    pub(super) fn seen(&self) -> &[usize] {
        self.stairs.seen()
    }

    /// `x·(M∘W)ᵀ + b`.
    ///
    /// # Panics
    /// If `x` does not have this layer's number of inputs.
    #[track_caller]
    pub fn apply(&self, x: &Var<T>) -> Var<T> {
        x.matmul_t_masked(&self.weight.on(x), &self.stairs) + self.bias.on(x)
    }
}

parameters!(MaskedLinear: weight, bias);
