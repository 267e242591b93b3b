//! A fixed reordering of the dimensions.

use crate::{Bijection, Context, Mapped, Module, Visitor};
use autograd::{Real, Var, outline};
use rand::{Rng, seq::SliceRandom};
use std::sync::Arc;

/// A permutation of the D dimensions of `[batch, D]`:
///
/// <!-- zᵢ = x_{order(i)},   log|det| = 0 -->
#[doc = include_str!("../../formulas/permutation.html")]
#[derive(Clone, Debug)]
pub struct Permutation {
    order: Arc<[usize]>,
    back: Arc<[usize]>,
}

/// Two places, and those under construction, for each dimension.
fn spend(dims: usize) {
    outline::spend(dims.saturating_mul(8));
}

impl Permutation {
    /// Latent dimension i is data dimension `order[i]`.
    ///
    /// # Panics
    /// If `order` does not name each dimension once.
    pub fn new(order: &[usize]) -> Self {
        let mut back = vec![usize::MAX; order.len()];
        for (to, &from) in order.iter().enumerate() {
            assert!(
                from < order.len() && back[from] == usize::MAX,
                "permutation: {from} is out of range or named twice"
            );
            back[from] = to;
        }
        Self { order: order.into(), back: back.into() }
    }

    /// The dimensions in reverse order.
    pub fn reversal(dims: usize) -> Self {
        spend(dims);
        Self::new(&(0..dims).rev().collect::<Vec<_>>())
    }

    /// First the even dimensions (0, 2, 4, …), then the odd ones, so halves of the result are NICE's odd/even partition.
    pub fn even_odd(dims: usize) -> Self {
        spend(dims);
        Self::new(&(0..dims).step_by(2).chain((1..dims).step_by(2)).collect::<Vec<_>>())
    }

    /// A random order.
    pub fn random(dims: usize, rng: &mut dyn Rng) -> Self {
        spend(dims);
        let mut order: Vec<usize> = (0..dims).collect();
        order.shuffle(rng);
        Self::new(&order)
    }
}

impl<T: Real> Bijection<T> for Permutation {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(x.gather(1, &self.order))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(z.gather(1, &self.back))
    }
}

impl<T: Real> Module<T> for Permutation {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("order", self.order.clone());
    }
}
