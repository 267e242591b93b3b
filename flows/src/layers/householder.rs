//! A trainable rotation: a product of reflections.

use crate::{Bijection, Context, Mapped, nn::Init, parameters};
use autograd::{Param, Real, Tensor, Var};
use rand::Rng;
use std::sync::Arc;

/// A product of n Householder reflections (Tomczak & Welling 2016; in Gaussianization flows, Meng et al. 2020), on
/// `[batch, D]`, or a separate product for each of G groups, on `[G, batch, D]`:
///
/// <!-- z = H₁H₂⋯Hₙ·x,   Hⱼ = I − 2·vⱼvⱼᵀ/‖vⱼ‖²,   log|det| = 0 -->
#[doc = include_str!("../../formulas/householder.html")]
///
/// The product is computed as `I − Uᵀ·T·U`, with rows v/‖v‖ of U and an upper triangular T (the compact WY form,
/// Schreiber & Van Loan 1989): three narrow matrix products instead of n passes over the batch.
///
/// The v start normally distributed. The loss does not depend on ‖v‖, so gradient steps only make v longer.
#[derive(Debug)]
pub struct Householder<T: Real> {
    v: Param<T>,
}

impl<T: Real> Householder<T> {
    /// `reflections` random reflections of `dims` dimensions, for each of `groups` groups. At most `dims`: more make no
    /// other rotations, and lose digits.
    pub fn new(groups: usize, dims: usize, reflections: usize, rng: &mut dyn Rng) -> Self {
        let shape = [groups, reflections.min(dims), dims];
        Self { v: Param::new(Init::Normal { std: 1.0 }.draw(&shape, dims, rng)) }
    }

    /// `x − x·Uᵀ·Tᵀ·U` for rows x, or with T instead of Tᵀ for the inverse.
    fn reflected(&self, x: &Var<T>, back: bool) -> Var<T> {
        let v = self.v.on(x);
        let [groups, count, dims] = [0, 1, 2].map(|axis| v.extent(axis));
        if count == 0 {
            return x.clone();
        }
        let norm = v.square().sum(&[2]).sqrt().reshape([groups, count, 1]);
        let units = v / norm;
        let middle = triangle(&units);
        let (units, middle) = if x.shape().rank() == 2 {
            (units.reshape([count, dims]), middle.reshape([count, count]))
        } else {
            (units, middle)
        };
        let along = x.matmul_t(&units);
        let along = if back { along.matmul(&middle) } else { along.matmul_t(&middle) };
        x - along.matmul(&units)
    }
}

/// T of `H₁⋯Hₙ = I − Uᵀ·T·U` for unit vectors `[groups, n, D]`: 2 on the diagonal, then pairs of ever larger blocks
/// T₁, T₂ joined by the corner `−T₁·(U₁·U₂ᵀ)·T₂`.
fn triangle<T: Real>(units: &Var<T>) -> Var<T> {
    let (groups, count) = (units.extent(0), units.extent(1));
    let padded = count.next_power_of_two();
    let products = units.matmul_t(units).pad(1, 0, padded - count).pad(2, 0, padded - count);
    let products = products.reshape([groups * padded * padded]);
    let mut blocks = units.constant_like(Tensor::full([groups * padded, 1, 1], T::from_f64(2.0)));
    let mut size = 1;
    while size < padded {
        let pairs = groups * padded / (2 * size);
        let halves = blocks.reshape([pairs, 2, size, size]);
        let half = |which: usize| halves.slice(1, which..which + 1).reshape([pairs, size, size]);
        let (first, second) = (half(0), half(1));
        let between = products.gather(0, &between_pairs(groups, padded, size)).reshape([pairs, size, size]);
        let corner = -first.matmul(&between).matmul(&second);
        let upper = Var::concat(2, &[&first, &corner]);
        let lower = Var::concat(2, &[&first.zeros_like(), &second]);
        blocks = Var::concat(1, &[&upper, &lower]);
        size *= 2;
    }
    blocks.reshape([groups, padded, padded]).slice(1, 0..count).slice(2, 0..count)
}

/// The indices, in `[groups, n, n]`, of the products `U₁·U₂ᵀ` of each pair of blocks.
fn between_pairs(groups: usize, n: usize, size: usize) -> Arc<[usize]> {
    let place =
        |group: usize, start: usize, row: usize, column: usize| (group * n + start + row) * n + start + size + column;
    (0..groups)
        .flat_map(|group| (0..n).step_by(2 * size).map(move |start| (group, start)))
        .flat_map(|(group, start)| (0..size * size).map(move |i| place(group, start, i / size, i % size)))
        .collect()
}

impl<T: Real> Bijection<T> for Householder<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(self.reflected(x, false))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(self.reflected(z, true))
    }
}

parameters!(Householder: v);

#[cfg(test)]
mod tests {
    use super::Householder;
    use crate::{Bijection, Context, Module};
    use autograd::{Tensor, Var};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// One reflection after the other, the last vector's first.
    fn one_by_one(vectors: &[f64], x: &[f64]) -> Vec<f64> {
        let mut x = x.to_vec();
        for v in vectors.chunks_exact(x.len()).rev() {
            let along: f64 = v.iter().zip(&x).map(|(v, x)| v * x).sum();
            let length: f64 = v.iter().map(|v| v * v).sum();
            x.iter_mut().zip(v).for_each(|(x, v)| *x -= 2.0 * along / length * v);
        }
        x
    }

    #[test]
    fn all_at_once_is_one_by_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (dims, count) in [(1, 1), (4, 1), (4, 2), (3, 5), (6, 6), (7, 3)] {
            let layer = Householder::<f64>::new(1, dims, count, &mut rng);
            let vectors = layer.params()[0].1.value();
            let x = Tensor::from_fn([2, dims], |i| (i as f64).cos());
            let z = layer.to_latent(&Var::from(x.clone()), Context::default()).value.into_value();
            for (x, z) in x.as_slice().chunks(dims).zip(z.as_slice().chunks(dims)) {
                let expected = one_by_one(vectors.as_slice(), x);
                assert!(z.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-13), "{z:?} and {expected:?}");
            }
        }
    }

    #[test]
    fn nearly_parallel_vectors_stay_a_rotation_in_single_precision() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let layer = Householder::<f32>::new(1, 8, 8, &mut rng);
        layer.params()[0].1.update(|v| v.iter_mut().enumerate().for_each(|(i, v)| *v = 1.0 + 1e-3 * (i as f32).sin()));
        let x = Tensor::from_fn([1, 8], |i| (i as f32).cos());
        let z = layer.to_latent(&Var::from(x.clone()), Context::default()).value;
        let back = layer.to_data(&z, Context::default()).value.into_value();
        let error = back.as_slice().iter().zip(x.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 1e-4, "{error}");
    }

    #[test]
    fn reflections_beyond_the_dimensions_are_left_out_and_cost_no_digits() {
        let layer = Householder::<f32>::new(1, 3, 200, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(layer.params()[0].1.shape().to_vec(), [1, 3, 3]);
        let x = Tensor::from_fn([1000, 3], |i| 3.0 * (i as f32).sin());
        let z = layer.to_latent(&Var::from(x.clone()), Context::default()).value;
        let back = layer.to_data(&z, Context::default()).value.into_value();
        let error = back.as_slice().iter().zip(x.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 5e-6, "{error}");
    }
}
