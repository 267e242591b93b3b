//! The derivative of z → x in one sweep, in `f64`, eight samples at a time.
//!
//! With J = ∂z/∂x at the root, a gradient g by x makes `−λ` the gradient by z(x) − z, where `Jᵀλ = g`. Backward through the
//! layer, the convolutions have transposed kernels, which see the elements after the center: the mask is mirrored. So λ is
//! found by the same visits as x ([`super::sweep`]), from the last element to the first. The ELUs' derivatives are known, so
//! each λᵢ is the root of a linear function, in one step.

use super::sweep::{AllReaders, images, in_groups, lanes, same, values};
use crate::nn::ConvMask;
use autograd::lanes::{Eight, add_product};
use autograd::{CustomOp, Real, Shape, Tensor, Var};

/// The root x of z(x) = z, as a function of z(x) − z at this x.
#[derive(Debug)]
pub(super) struct Root<T: Real> {
    /// x, `[batch, C, H, W]`.
    pub(super) x: Tensor<T>,
    pub(super) mask: ConvMask,
    pub(super) weights: [Tensor<T>; 3],
    /// The derivatives of both ELUs at x, `[batch, K·C, H, W]`.
    pub(super) slopes: [Tensor<T>; 2],
    /// t, `[C, H, W]`.
    pub(super) t: Tensor<T>,
}

/// A weight `[out, in, k, k]` for the way back, `[in, out, k, k]` with taps in reverse order.
fn transposed<T: Real>(weight: &Tensor<T>, mirrored: bool) -> Vec<f64> {
    let &[outputs, inputs, height, width] = &**weight.shape() else { unreachable!("kernels have four axes") };
    let (taps, old) = (height * width, weight.as_slice());
    let at = |i: usize| (i / taps % outputs * inputs + i / taps / outputs) * taps + (taps - 1 - i % taps);
    let mut new: Vec<f64> = (0..old.len()).map(|i| old[at(i)].to_f64()).collect();
    if mirrored {
        new.reverse();
    }
    new
}

impl<T: Real> Root<T> {
    /// `−λ`, of g's shape.
    fn solve(&self, g: &Tensor<T>) -> Tensor<T> {
        let (shape, mirrored) = (g.shape(), self.mask == ConvMask::A);
        let image = [shape[1], shape[2], shape[3]];
        let branches = self.slopes[0].shape()[1] / image[0];
        let [w1, w2, w3] = self.weights.each_ref().map(|weight| transposed(weight, mirrored));
        let weights = [w3, w2, w1];
        let units = [branches * image[0], branches * image[0], image[0]];
        let readers = AllReaders::new(image, branches, &weights, &units.map(|units| vec![0.0; units]));
        let center = |channel: usize| std::array::from_fn(|i| readers.center(i, channel, &weights[i]));
        let centers: Vec<[Vec<f64>; 3]> = (0..image[0]).map(center).collect();
        let t = values(&self.t, mirrored);
        let groups = in_groups(shape[0], |rows| {
            let [late, early] = [1, 0].map(|i| lanes(&self.slopes[i], rows.clone(), mirrored));
            let g = lanes(g, rows, mirrored);
            group(&readers, &centers, [&late, &early], &g, &t, image)
        });
        images(|group| &groups[group], shape, mirrored)
    }
}

/// `−λ` of eight samples, `[position][channel]`. `slopes` are those of the layer's second ELU, then of its first.
fn group(
    readers: &AllReaders,
    centers: &[[Vec<f64>; 3]],
    slopes: [&[Eight]; 2],
    g: &[Eight],
    t: &[f64],
    [_, height, width]: [usize; 3],
) -> Vec<Eight> {
    let (positions, branches) = (height * width, centers[0][0].len());
    // What the units are with λᵢ = 0, and their derivatives by λᵢ.
    let [mut known, mut by_lambda] = [0, 1].map(|_| vec![vec![same(0.0); branches]; 2]);
    readers.visit(|channel, i, sums, own| {
        let [first, second, third] = &centers[channel];
        let slope = |layer: usize, unit: usize| &slopes[layer][(channel * branches + unit) * positions + i % positions];
        for layer in 0..2 {
            known[layer].copy_from_slice(&sums[layer]);
            if layer == 0 {
                by_lambda[0].iter_mut().zip(first).for_each(|(unit, &weight)| *unit = same(weight));
            } else {
                by_lambda[1].fill(same(0.0));
                for units in [&mut known, &mut by_lambda] {
                    let (before, after) = units.split_at_mut(1);
                    add_product(second, &before[0], &mut after[0]);
                }
            }
            for units in [&mut known[layer], &mut by_lambda[layer]] {
                for (unit, values) in units.iter_mut().enumerate() {
                    values.iter_mut().zip(slope(layer, unit)).for_each(|(value, slope)| *value *= slope);
                }
            }
        }
        let (mut sum, mut diagonal) = ([sums[2][0]], [same(t[i])]);
        add_product(third, &known[1], &mut sum);
        add_product(third, &by_lambda[1], &mut diagonal);
        // t·λ + d·λ + sum = −g, for −λ in place of λ.
        let lambda: Eight = std::array::from_fn(|lane| (-g[i][lane] - sum[0][lane]) / diagonal[0][lane]);
        for (own, (known, by_lambda)) in own.into_iter().zip(known.iter().zip(&by_lambda)) {
            for (unit, (known, by_lambda)) in own.iter_mut().zip(known.iter().zip(by_lambda)) {
                *unit = std::array::from_fn(|lane| known[lane] + by_lambda[lane] * lambda[lane]);
            }
        }
        lambda
    })
}

impl<T: Real> CustomOp<T> for Root<T> {
    fn name(&self) -> &str {
        "MintNet's root"
    }

    fn evaluate(&self, _: &[Tensor<T>]) -> Tensor<T> {
        self.x.clone()
    }

    fn derivative(&self, _: usize, _: &[Var<T>], _: &Var<T>, _: &Var<T>) -> Var<T> {
        panic!("MintNet: for derivatives of derivatives from z to x, call MintSolver::set_recorded(true)")
    }

    fn fast_derivative(&self, _: usize, _: &[Tensor<T>], _: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
        let shape: &Shape = self.x.shape();
        Some(self.solve(Var::from(g.clone()).broadcast_to(shape.clone()).value()))
    }
}
