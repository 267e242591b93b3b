//! The maps and models over images.

use super::{Entry, Events, Sizes, entry};
use autograd::Real;
use flows::check::Structure;
use flows::layers::{
    ActNorm, AffineCoupling, BatchNorm, FactorOut, Mask, Mint, PatchRotation, Patches, Reshape, Split, Squeeze,
};
use flows::models::{
    GaussianizationConfig, GaussianizationFlow, MintNet, MintNetConfig, MintScale, Norm, PatchRotations, RealNvp,
    RealNvpImageConfig,
};
use flows::nn::{ConvMask, Init, ResNet};
use flows::{Bijection, Chain, Flow};
use rand::Rng;
use std::sync::Arc;

pub(super) fn bijections() -> Vec<Entry> {
    let diagonal = |_: &Sizes| Structure::Diagonal;
    let images = Events::Images { channels: 1, halvings: 0 };
    let halves = Events::Images { channels: 2, halvings: 0 };
    let even = Events::Images { channels: 1, halvings: 1 };
    #[rustfmt::skip]
    let entries = vec![
        entry!(Map "checkerboard coupling", checkerboard, images, classes true, Line -> Line, |s| Structure::Coupling { read: where_true(s, |i| squares(s, i)) }),
        entry!(Map "coupling of channels", channels, halves, classes true, Line -> Line, |s| Structure::Coupling { read: where_true(s, |i| reads_channel(s, i)) }),
        entry!(Map "coupling of channels, normalized weights", channels_normalized, halves, classes true, Line -> Line, |s| Structure::Coupling { read: where_true(s, |i| reads_channel(s, i)) }),
        entry!(Map "ActNorm of images", act_norm, images, classes false, Line -> Line, diagonal),
        entry!(Map "ActNorm of squares", act_norm_squares, images, classes false, Line -> Line, diagonal),
        entry!(Map "ActNorm with a channel left out", act_norm_partial, halves, classes false, Line -> Line, diagonal),
        entry!(Map "BatchNorm of images", batch_norm, images, classes false, Line -> Line, diagonal),
        entry!(Map "BatchNorm of squares", batch_norm_squares, images, classes false, Line -> Line, diagonal),
        entry!(Map "BatchNorm with a channel left out", batch_norm_partial, halves, classes false, Line -> Line, diagonal),
        entry!(Map "squeeze", squeeze, even, classes false, Line -> Line, squeezed_order).latent_shape(|s| {
            let [channels, height, width] = s.image();
            [4 * channels, height / 2, width / 2].into()
        }),
        entry!(Map "reshape", reshape, images, classes false, Line -> Line, diagonal).latent_shape(|s| [s.dims()].into()),
        entry!(Map "MintNet's layer, mask A", mint_a, images, classes false, Line -> Line, |s| Structure::Triangular { order: (0..s.dims()).collect() }).cases(16),
        entry!(Map "MintNet's layer, mask B", mint_b, images, classes false, Line -> Line, |s| Structure::Triangular { order: (0..s.dims()).rev().collect() }).cases(16),
        entry!(Map "rotation of patches", patches_shared, Events::Flat, classes false, Line -> Line, patched),
        entry!(Map "rotation of each patch", patches_each, Events::Flat, classes false, Line -> Line, patched),
        entry!(Map "factoring out", factor_out, halves, classes true, Line -> Line, factored).scaling(|_| 2),
    ];
    entries
}

pub(super) fn models() -> Vec<Entry> {
    let dense = |_: &Sizes| Structure::Dense;
    #[rustfmt::skip]
    let entries = vec![
        entry!(Model "RealNVP over images", real_nvp, Events::Flat, classes true, Line -> Line, dense),
        entry!(Model "RealNVP over pixels", real_nvp_pixels, Events::Flat, classes true, Unit -> Image, dense),
    ];
    // Jacobians of sixteen couplings take their time, a column by a column.
    let real_nvp = entries.into_iter().map(|entry| entry.scaling(scalings).cases(12));
    #[rustfmt::skip]
    let mint = [
        entry!(Model "MintNet", mint_net, Events::Flat, classes false, Line -> Line, dense),
        entry!(Model "MintNet over pixels", mint_net_pixels, Events::Flat, classes false, Unit -> Image, dense),
    ];
    let gaussianization = entry!(Model "Gaussianization flow over patches", gaussianization, Events::Flat, classes false, Line -> Line, dense);
    // Of a root, derivatives take passes for each number.
    real_nvp
        .chain(mint.map(|entry| entry.scaling(|_| 5).cases(8)))
        .chain([gaussianization.scaling(|_| 4).cases(16)])
        .collect()
}

/// The elements of an image for which something is true.
fn where_true(s: &Sizes, f: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..s.dims()).filter(|&i| f(i)).collect()
}

/// Whether a checkerboard coupling reads an element; which squares is the seed's choice.
fn squares(s: &Sizes, i: usize) -> bool {
    let [_, height, width] = s.image();
    let (row, column) = (i / width % height, i % width);
    (row + column) % 2 == usize::from(s.choice(0))
}

/// Patches as large as the image can be halved, somewhere.
fn patches(s: &Sizes) -> Patches {
    let side = 1 << s.squeezes;
    Patches { image: s.image(), side, shift: [s.hidden, s.layers].map(|shift| shift % side) }
}

/// Numbers of the same patch, of whatever channel.
fn patched(s: &Sizes) -> Structure {
    let Patches { image: [_, height, width], side, shift: [down, right] } = patches(s);
    let patch = move |i: usize| {
        let (y, x) = (i / width % height, i % width);
        ((y + height - down % height) % height / side, (x + width - right % width) % width / side)
    };
    Structure::Custom(Arc::new(move |_, output, input| patch(output) == patch(input)))
}

fn gaussianization<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let patches = Some(PatchRotations { image: s.image(), side: 1 << s.squeezes, shared: s.choice(1) });
    // A logistic kernel's tail has x as the square of z: of many layers, x is beyond all numbers.
    let (dims, layers, kernels, reflections) = (s.dims(), s.layers.min(2), s.hidden, 1 + s.depth);
    GaussianizationFlow::build(&GaussianizationConfig { dims, layers, kernels, reflections, patches }, rng)
}

fn patches_shared<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(PatchRotation::new(patches(s), true, s.layers, rng))
}

fn patches_each<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(PatchRotation::new(patches(s), false, s.layers, rng))
}

fn split(s: &Sizes) -> Split {
    if s.choice(1) { Split::ReadFirst } else { Split::ReadLast }
}

/// Whether a coupling between halves of the channels reads an element.
fn reads_channel(s: &Sizes, i: usize) -> bool {
    let [channels, height, width] = s.image();
    let in_first = i / (height * width) < channels.div_ceil(2);
    in_first == (split(s) == Split::ReadFirst)
}

fn board<T: Real>(s: &Sizes) -> Mask<T> {
    Mask::checkerboard(s.image(), usize::from(s.choice(0)))
}

/// A mask that reads all of the first channel, and any part of the others.
fn partial<T: Real>(s: &Sizes) -> Mask<T> {
    let [_, height, width] = s.image();
    Mask::new(s.image(), |i| i < height * width || s.choice(i))
}

fn checkerboard<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let [channels, ..] = s.image();
    let net = ResNet::new(&s.res_net(channels, 2 * channels, s.choice(2)), rng);
    Box::new(AffineCoupling::new(board(s), channels, net))
}

fn coupling_of_channels<T: Real>(normalized: bool, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let (read, changed) = split(s).sizes(s.image()[0]);
    let net = ResNet::new(&s.res_net(read, 2 * changed, normalized), rng);
    Box::new(AffineCoupling::new(split(s), changed, net))
}

fn channels<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    coupling_of_channels(false, s, rng)
}

fn channels_normalized<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    coupling_of_channels(true, s, rng)
}

fn act_norm<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(ActNorm::new(s.image()[0]))
}

fn act_norm_squares<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(ActNorm::new(s.image()[0]).changed_by(board(s)))
}

fn act_norm_partial<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(ActNorm::new(s.image()[0]).changed_by(partial(s)))
}

fn batch_norm<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(BatchNorm::new(s.image()[0]))
}

fn batch_norm_squares<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(BatchNorm::new(s.image()[0]).changed_by(board(s)))
}

fn batch_norm_partial<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(BatchNorm::new(s.image()[0]).changed_by(partial(s)))
}

fn squeeze<T: Real>(_s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Squeeze)
}

/// Where each element of a squeezed image comes from.
fn squeezed_order(s: &Sizes) -> Structure {
    let [_, height, width] = s.image();
    let places = height / 2 * (width / 2);
    let from = |element: usize| {
        let (channel, place) = (element / places, element % places);
        let (row, column) = (place / (width / 2), place % (width / 2));
        let (within_row, within_column) = (channel / 2 % 2, channel % 2);
        channel / 4 * height * width + (2 * row + within_row) * width + 2 * column + within_column
    };
    Structure::Permutation { order: (0..s.dims()).map(from).collect() }
}

fn reshape<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Reshape::new(s.image(), [s.dims()]))
}

/// A coupling and a norm behind what leaves.
fn factor_out<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let [channels, height, width] = s.image();
    let inner = Sizes { event: super::Event::Image([channels / 2, height, width]), ..*s };
    Box::new(FactorOut::new(Chain::new(vec![checkerboard(&inner, rng), batch_norm(&inner, rng)])))
}

/// What leaves depends on itself alone; the rest does not depend on it.
fn factored(s: &Sizes) -> Structure {
    let [channels, height, width] = s.image();
    let first = channels.div_ceil(2) * height * width;
    let allows = move |_, output: usize, input: usize| output == input || (output >= first && input >= first);
    Structure::Custom(Arc::new(allows))
}

fn mint<T: Real>(mask: ConvMask, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Mint::new(mask, s.image(), s.hidden.div_ceil(3), Init::He { gain: 0.5 }, rng))
}

fn mint_a<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    mint(ConvMask::A, s, rng)
}

fn mint_b<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    mint(ConvMask::B, s, rng)
}

fn mint_net_after<T: Real>(logit: Option<f64>, s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let config = MintNetConfig {
        image: s.image(),
        scales: (0..=s.squeezes)
            .map(|scale| {
                let (pairs, branches) = [(2 - s.squeezes.min(1), s.hidden.div_ceil(3)), (1, 2), (1, 1)][scale];
                MintScale { pairs, branches }
            })
            .collect(),
        gain: 0.2,
        logit,
        act_norm: s.choice(0),
    };
    MintNet::build(&config, rng)
}

fn mint_net<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    mint_net_after(None, s, rng)
}

fn mint_net_pixels<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    mint_net_after(Some(1e-6), s, rng)
}

fn norm(s: &Sizes) -> Norm {
    [Norm::None, Norm::Batch, Norm::Act][(s.seed / 3 % 3) as usize]
}

/// How many maps an element may be scaled by: a coupling and a norm each.
fn scalings(s: &Sizes) -> usize {
    let couplings = 4 + 6 * s.squeezes;
    if norm(s) == Norm::None { couplings } else { 2 * couplings }
}

fn real_nvp_after<T: Real>(logit: Option<f64>, s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let config = RealNvpImageConfig {
        image: s.image(),
        squeezes: s.squeezes,
        channels: s.hidden.div_ceil(4),
        widening: 1 + usize::from(s.choice(0)),
        blocks: s.depth,
        weight_norm: s.choice(1),
        norm: norm(s),
        logit,
        condition: s.classes,
    };
    RealNvp::build_for_images(&config, rng)
}

fn real_nvp<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    real_nvp_after(None, s, rng)
}

fn real_nvp_pixels<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    real_nvp_after(Some(0.05), s, rng)
}
