//! The maps and models over images.

use super::Domain::{Image, Line, Open, Unit};
use super::{Entry, Events, Sizes, entry};
use autograd::Real;
use flows::check::Structure;
use flows::layers::{
    ActNorm, BatchNorm, Coupling, FactorOut, Mask, Mint, PatchRotation, Patches, Reshape, Split, Squeeze,
};
use flows::models::{
    GaussianizationConfig, GaussianizationFlow, MintNet, MintNetConfig, MintScale, Norm, PatchRotations, RealNvp,
    RealNvpImageConfig,
};
use flows::nn::{ConvMask, Init, ResNet};
use flows::univariate::Affine;
use flows::{Chain, Dequantizer, DequantizerConfig, Flow};
use rand::Rng;
use std::sync::Arc;

pub(super) fn bijections() -> Vec<Entry> {
    let diagonal = |_: &Sizes| Structure::Diagonal;
    let channels = |s: &Sizes| Structure::Coupling { read: where_true(s, |i| reads_channel(s, i)) };
    let images = Events::Images { channels: 1, halvings: 0 };
    let halves = Events::Images { channels: 2, halvings: 0 };
    let even = Events::Images { channels: 1, halvings: 1 };
    vec![
        entry!(Map "checkerboard coupling", images, |s| Structure::Coupling { read: where_true(s, |i| squares(s, i)) }, |s, rng| {
            checkerboard::<T>(s, rng)
        })
        .classes(),
        entry!(Map "coupling of channels", halves, channels, |s, rng| coupling_of_channels::<T>(false, s, rng)).classes(),
        entry!(Map "coupling of channels, normalized weights", halves, channels, |s, rng| {
            coupling_of_channels::<T>(true, s, rng)
        })
        .classes(),
        entry!(Map "ActNorm of images", images, diagonal, |s, rng| ActNorm::new(s.image()[0])),
        entry!(Map "ActNorm of squares", images, diagonal, |s, rng| ActNorm::new(s.image()[0]).changed_by(board(s))),
        entry!(Map "ActNorm with a channel left out", halves, diagonal, |s, rng| {
            ActNorm::new(s.image()[0]).changed_by(partial(s))
        }),
        entry!(Map "BatchNorm of images", images, diagonal, |s, rng| BatchNorm::new(s.image()[0])),
        entry!(Map "BatchNorm of squares", images, diagonal, |s, rng| BatchNorm::new(s.image()[0]).changed_by(board(s))),
        entry!(Map "BatchNorm with a channel left out", halves, diagonal, |s, rng| {
            BatchNorm::new(s.image()[0]).changed_by(partial(s))
        }),
        entry!(Map "squeeze", even, squeezed_order, |s, rng| Squeeze).latent_shape(|s| {
            let [channels, height, width] = s.image();
            [4 * channels, height / 2, width / 2].into()
        }),
        entry!(Map "reshape", images, diagonal, |s, rng| Reshape::new(s.image(), [s.dims()]))
            .latent_shape(|s| [s.dims()].into()),
        entry!(Map "MintNet's layer, mask A", images, |s| Structure::Triangular { order: (0..s.dims()).collect() }, |s, rng| {
            mint(ConvMask::A, s, rng)
        })
        .cases(16),
        entry!(Map "MintNet's layer, mask B", images, |s| Structure::Triangular { order: (0..s.dims()).rev().collect() }, |s, rng| {
            mint(ConvMask::B, s, rng)
        })
        .cases(16),
        entry!(Map "rotation of patches", Events::Flat, patched, |s, rng| {
            PatchRotation::new(patches(s), true, s.layers, rng)
        }),
        entry!(Map "rotation of each patch", Events::Flat, patched, |s, rng| {
            PatchRotation::new(patches(s), false, s.layers, rng)
        }),
        entry!(Map "factoring out", halves, factored, |s, rng| factor_out::<T>(s, rng)).classes().scaling(|_| 2),
    ]
}

pub(super) fn models() -> Vec<Entry> {
    let (dense, flat) = (|_: &Sizes| Structure::Dense, Events::Flat);
    let real_nvp = [
        entry!(Model "RealNVP over images", flat, dense, |s, rng| real_nvp(None, false, s, rng)),
        entry!(Model "RealNVP over images, squeezed first", flat, dense, |s, rng| real_nvp(None, true, s, rng)),
        entry!(Model "RealNVP over pixels", flat, dense, |s, rng| real_nvp(Some(0.05), false, s, rng))
            .between(Unit, Image),
    ];
    let mint = [
        entry!(Model "MintNet", flat, dense, |s, rng| mint_net(None, s, rng)),
        entry!(Model "MintNet over pixels", flat, dense, |s, rng| mint_net(Some(1e-6), s, rng)).between(Unit, Image),
    ];
    let gaussianization =
        entry!(Model "Gaussianization flow over patches", flat, dense, |s, rng| gaussianization(s, rng));
    let noise = entry!(Model "noise of a dequantizer", Events::FlatGivenImage, dense, |s, rng| dequantizer(s, rng));
    // Jacobians of sixteen couplings take time, one column after another; so do derivatives of roots.
    let real_nvp = real_nvp.into_iter().map(|entry| entry.classes().scaling(scalings).cases(12));
    real_nvp
        .chain(mint.map(|entry| entry.scaling(|_| 5).cases(8)))
        .chain([gaussianization.scaling(|_| 4).cases(16), noise.between(Open, Line).scaling(|_| 16).cases(12)])
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

/// The largest patches that the sizes allow, at some shift.
fn patches(s: &Sizes) -> Patches {
    let side = 1 << s.squeezes;
    Patches { image: s.image(), side, shift: [s.hidden, s.layers].map(|shift| shift % side) }
}

/// Elements of the same patch, in any channel.
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
    // A logistic kernel's tail has x as the square of z: with many layers, x overflows.
    let (dims, layers, kernels, reflections) = (s.dims(), s.layers.min(2), s.hidden, 1 + s.depth);
    GaussianizationFlow::build(&GaussianizationConfig { dims, layers, kernels, reflections, patches }, rng)
}

fn dequantizer<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let config = DequantizerConfig { couplings: s.layers.min(4), channels: s.hidden.div_ceil(2), blocks: s.depth };
    Dequantizer::build(&config, s.image(), rng).noise().clone()
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

fn checkerboard<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Coupling<T, Affine<T>> {
    let [channels, ..] = s.image();
    let net = ResNet::new(&s.res_net(channels, 2 * channels, s.choice(2)), rng);
    Coupling::new(board(s), Affine::learned(channels), net)
}

fn coupling_of_channels<T: Real>(normalized: bool, s: &Sizes, rng: &mut dyn Rng) -> Coupling<T, Affine<T>> {
    let (read, changed) = split(s).sizes(s.image()[0]);
    let net = ResNet::new(&s.res_net(read, 2 * changed, normalized), rng);
    Coupling::new(split(s), Affine::learned(changed), net)
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

/// A coupling and a norm behind what leaves.
fn factor_out<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> FactorOut<Chain<T>> {
    let [channels, height, width] = s.image();
    let inner = Sizes { event: super::Event::Image([channels / 2, height, width]), ..*s };
    FactorOut::new(Chain::new(vec![Box::new(checkerboard(&inner, rng)), Box::new(BatchNorm::new(channels / 2))]))
}

/// What leaves depends on itself alone; the rest does not depend on it.
fn factored(s: &Sizes) -> Structure {
    let [channels, height, width] = s.image();
    let first = channels.div_ceil(2) * height * width;
    let allows = move |_, output: usize, input: usize| output == input || (output >= first && input >= first);
    Structure::Custom(Arc::new(allows))
}

fn mint<T: Real>(mask: ConvMask, s: &Sizes, rng: &mut dyn Rng) -> Mint<T> {
    Mint::new(mask, s.image(), s.hidden.div_ceil(3), Init::He { gain: 0.5 }, rng)
}

fn mint_net<T: Real>(logit: Option<f64>, s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
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

fn norm(s: &Sizes) -> Norm {
    [Norm::None, Norm::Batch, Norm::Act][(s.seed / 3 % 3) as usize]
}

/// How many maps an element may be scaled by: a coupling and a norm each.
fn scalings(s: &Sizes) -> usize {
    let couplings = 4 + 6 * s.squeezes;
    if norm(s) == Norm::None { couplings } else { 2 * couplings }
}

fn real_nvp<T: Real>(logit: Option<f64>, squeeze_first: bool, s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let config = RealNvpImageConfig {
        image: s.image(),
        squeezes: s.squeezes,
        squeeze_first: squeeze_first && s.squeezes > 0,
        couplings: 3,
        last: 4,
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
