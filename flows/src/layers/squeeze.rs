//! Trades resolution for channels.

use crate::{Bijection, Context, Mapped, without_parameters};
use autograd::{Real, Var};

/// The squeeze (Dinh et al. 2017, `RealNVP`, §3.6): every 2×2 block of pixels becomes four channels,
/// `[batch, C, H, W] → [batch, 4C, H/2, W/2]`. Channel `4c + 2i + j` holds row i, column j of channel c's blocks. A
/// permutation: log|det| = 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Squeeze;

impl<T: Real> Bijection<T> for Squeeze {
    /// # Panics
    /// If the height or the width is odd.
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let &[batch, channels, height, width] = &**x.shape() else { panic!("squeeze: images, not {}", x.shape()) };
        assert!(
            height.is_multiple_of(2) && width.is_multiple_of(2),
            "squeeze: {height}×{width} has no whole 2×2 blocks"
        );
        let blocks = x.reshape([batch, channels, height / 2, 2, width / 2, 2]);
        let squeezed = blocks.permute(&[0, 1, 3, 5, 2, 4]).reshape([batch, 4 * channels, height / 2, width / 2]);
        Mapped::volume_preserving(squeezed)
    }

    /// # Panics
    /// If the channels are not a multiple of four.
    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let &[batch, channels, height, width] = &**z.shape() else { panic!("squeeze: images, not {}", z.shape()) };
        assert!(channels.is_multiple_of(4), "squeeze: {channels} channels are not a multiple of 4");
        let blocks = z.reshape([batch, channels / 4, 2, 2, height, width]);
        let spread = blocks.permute(&[0, 1, 4, 2, 5, 3]).reshape([batch, channels / 4, 2 * height, 2 * width]);
        Mapped::volume_preserving(spread)
    }
}

without_parameters!(Squeeze; channel = "4c + 2i + j");
