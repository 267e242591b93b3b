//! A trainable rotation within each patch of an image.

use super::{Householder, Permutation};
use crate::{Bijection, Context, Mapped, Module, Visitor};
use autograd::{Real, Var, outline};
use rand::Rng;
use std::sync::Arc;

/// How an image is divided into patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Channels, height and width.
    pub image: [usize; 3],
    /// Height and width of a patch, which divide those of the image.
    pub side: usize,
    /// The offset of the first patch from the corner, down and to the right. Patches wrap around the edges.
    pub shift: [usize; 2],
}

impl Patches {
    /// The number of patches.
    pub const fn count(&self) -> usize {
        let [_, height, width] = self.image;
        height / self.side * (width / self.side)
    }

    /// The dimensions of each: all channels of its pixels.
    pub const fn dims(&self) -> usize {
        self.image[0] * self.side * self.side
    }

    /// The indices in a flat image of the first patch's elements, then of the next one's.
    fn order(&self) -> Vec<usize> {
        let Self { image: [channels, height, width], side, shift: [down, right] } = *self;
        let mut order = Vec::with_capacity(channels * height * width);
        for (top, left) in
            (0..height).step_by(side).flat_map(|top| (0..width).step_by(side).map(move |left| (top, left)))
        {
            for channel in 0..channels {
                for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                    let (y, x) = ((top + y + down) % height, (left + x + right) % width);
                    order.push((channel * height + y) * width + x);
                }
            }
        }
        order
    }
}

/// A product of [`Householder`] reflections within each patch of images as flat rows, `[batch, D]`: one product for all
/// patches, or a separate one for each (patch-based rotations, Meng et al. 2020, §4.2). log|det| = 0.
#[derive(Debug)]
pub struct PatchRotation<T: Real> {
    order: Permutation,
    patches: Patches,
    shared: bool,
    rotation: Householder<T>,
}

impl<T: Real> PatchRotation<T> {
    /// With this many random reflections.
    ///
    /// # Panics
    /// If `side` does not divide the image's height and width.
    pub fn new(patches: Patches, shared: bool, reflections: usize, rng: &mut dyn Rng) -> Self {
        let Patches { image: [_, height, width], side, .. } = patches;
        assert!(
            side > 0 && height.is_multiple_of(side) && width.is_multiple_of(side),
            "patches: images of {height}×{width} cannot be divided into patches of {side}×{side}"
        );
        outline::spend(patches.count().saturating_mul(patches.dims()).saturating_mul(8));
        let groups = if shared { 1 } else { patches.count() };
        let rotation = Householder::new(groups, patches.dims(), reflections, rng);
        Self { order: Permutation::new(&patches.order()), patches, shared, rotation }
    }

    fn rotated(&self, x: &Var<T>, rotate: impl Fn(&Var<T>) -> Var<T>) -> Mapped<T> {
        let (batch, count, dims) = (x.extent(0), self.patches.count(), self.patches.dims());
        let sorted = self.order.to_latent(x, Context::default()).value;
        let rotated = if self.shared {
            rotate(&sorted.reshape([batch * count, dims]))
        } else {
            rotate(&sorted.reshape([batch, count, dims]).permute(&[1, 0, 2])).permute(&[1, 0, 2])
        };
        self.order.to_data(&rotated.reshape([batch, count * dims]), Context::default())
    }
}

impl<T: Real> Bijection<T> for PatchRotation<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.rotated(x, |patches| self.rotation.to_latent(patches, cx).value)
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.rotated(z, |patches| self.rotation.to_data(patches, cx).value)
    }
}

impl<T: Real> Module<T> for PatchRotation<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.rotation.visit(visitor);
        visitor.constant("shift", Arc::<[usize]>::from(self.patches.shift));
    }
}
