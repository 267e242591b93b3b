//! The maps and models over rows of numbers.

use super::{Entry, Events, Sizes, entry};
use autograd::{Real, Tensor};
use flows::check::Structure;
use flows::layers::{
    ActNorm, AdditiveCoupling, Affine, AffineCoupling, Autoregressive, BatchNorm, Dequantize, Gate, HistogramMarginal,
    Householder, KernelMarginal, Kind, Logit, Mask, Mixture, Permutation, Planar, Reads, Rescaling, Rotation, Split,
    Standardize,
};
use flows::models::{
    AutoregressiveConfig, GaussianizationConfig, GaussianizationFlow, Iaf, Maf, Nice, NiceConfig, Norm, Order,
    PlanarBase, PlanarConfig, PlanarFlow, RealNvp, RealNvpConfig,
};
use flows::nn::{Made, MadeConfig, Mlp};
use flows::{Bijection, Chain, Flow, Inverted, Module};
use rand::{Rng, RngExt};

pub(super) fn bijections() -> Vec<Entry> {
    let dense = |_: &Sizes| Structure::Dense;
    let diagonal = |_: &Sizes| Structure::Diagonal;
    let in_order = |s: &Sizes| Structure::Triangular { order: (0..s.dims()).collect() };
    let rows = Events::Rows { least: 1 };
    #[rustfmt::skip]
    let entries = vec![
        entry!(Map "additive coupling, reads first", read_first, rows, classes true, Line -> Line, |s| coupling_of(s, Split::ReadFirst)),
        entry!(Map "additive coupling, reads last", read_last, rows, classes true, Line -> Line, |s| coupling_of(s, Split::ReadLast)),
        entry!(Map "affine coupling, reads first", affine_first, rows, classes true, Line -> Line, |s| coupling_of(s, Split::ReadFirst)),
        entry!(Map "affine coupling, reads last", affine_last, rows, classes true, Line -> Line, |s| coupling_of(s, Split::ReadLast)),
        entry!(Map "affine coupling, masked", affine_masked, rows, classes true, Line -> Line, |s| Structure::Coupling { read: (0..s.dims()).filter(|&i| s.choice(i)).collect() }),
        entry!(Map "autoregressive, reads data", reads_data, rows, classes true, Line -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "autoregressive, reads latents", reads_latents, rows, classes true, Image -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "autoregressive, gated", gated, rows, classes true, Image -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "autoregressive, Gaussian mixtures", gaussian_mixtures, rows, classes true, Line -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "autoregressive, logistic mixtures", logistic_mixtures, rows, classes true, Line -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "planar", planar, rows, classes true, Line -> Line, dense),
        entry!(Map "planar, held back", planar_held_back, rows, classes true, Line -> Line, dense),
        entry!(Map "rescaling", rescaling, rows, classes false, Line -> Line, diagonal),
        entry!(Map "ActNorm", act_norm, rows, classes false, Line -> Line, diagonal),
        entry!(Map "ActNorm, masked", act_norm_masked, rows, classes false, Line -> Line, diagonal),
        entry!(Map "BatchNorm", batch_norm, rows, classes false, Line -> Line, diagonal),
        entry!(Map "BatchNorm, masked", batch_norm_masked, rows, classes false, Line -> Line, diagonal),
        entry!(Map "reversal", reversal, rows, classes false, Line -> Line, |s| Structure::Permutation { order: (0..s.dims()).rev().collect() }),
        entry!(Map "even and odd", even_odd, rows, classes false, Line -> Line, |s| Structure::Permutation { order: (0..s.dims()).step_by(2).chain((1..s.dims()).step_by(2)).collect() }),
        entry!(Map "random permutation", shuffled, rows, classes false, Line -> Line, dense),
        entry!(Map "dequantize, no noise", dequantize, rows, classes false, Levels -> Unit, diagonal),
        entry!(Map "logit", logit, rows, classes false, Unit -> Line, diagonal),
        entry!(Map "standardize", standardize, rows, classes false, Line -> Line, diagonal),
        entry!(Map "rotation", rotation, rows, classes false, Line -> Line, dense),
        entry!(Map "Householder reflections", householder, rows, classes false, Line -> Line, dense),
        entry!(Map "kernel marginal", kernel_marginal, rows, classes false, Line -> Line, diagonal),
        entry!(Map "histogram marginal", histogram_marginal, rows, classes false, Line -> Line, diagonal),
        entry!(Map "chain", chain, rows, classes true, Line -> Line, dense).scaling(|s| s.layers),
        entry!(Map "chain from pixels", from_pixels, rows, classes false, Levels -> Image, dense),
    ];
    entries
}

pub(super) fn models() -> Vec<Entry> {
    let dense = |_: &Sizes| Structure::Dense;
    let rows = Events::Rows { least: 2 };
    #[rustfmt::skip]
    let entries = vec![
        entry!(Model "NICE", nice, rows, classes true, Line -> Line, dense),
        entry!(Model "RealNVP", real_nvp, rows, classes true, Line -> Line, dense).scaling(|s| s.layers),
        // Two scalings a coupling.
        entry!(Model "RealNVP, BatchNorm", real_nvp_batch, rows, classes true, Line -> Line, dense).scaling(|s| 2 * s.layers),
        entry!(Model "RealNVP, ActNorm", real_nvp_act, rows, classes true, Line -> Line, dense).scaling(|s| 2 * s.layers),
        entry!(Model "Gaussianization flow", gaussianization, Events::Rows { least: 1 }, classes false, Line -> Line, dense).scaling(|_| 4),
        // In order, each dimension may stretch what all before it have stretched, and a second layer goes
        // on from there: far from the start such maps are bijections that no f64 can follow.
        entry!(Model "MADE", made, Events::Rows { least: 1 }, classes true, Line -> Line, |s| Structure::Triangular { order: (0..s.dims()).collect() }).scaling(Sizes::dims),
        entry!(Model "MAF", maf, Events::Rows { least: 1 }, classes true, Line -> Line, dense).scaling(|s| 8 * s.dims()),
        entry!(Model "MAF, BatchNorm", maf_batch, rows, classes true, Line -> Line, dense).scaling(|s| 8 * s.dims()),
        entry!(Model "MAF, mixtures", maf_mixtures, Events::Rows { least: 1 }, classes true, Line -> Line, dense).scaling(|s| 8 * s.dims()),
        entry!(Model "planar flow", planar_flow, Events::Rows { least: 1 }, classes true, Line -> Line, dense).scaling(|s| s.layers),
        entry!(Model "IAF", iaf, Events::Rows { least: 1 }, classes true, Image -> Line, dense).scaling(|s| 8 * s.dims()),
    ];
    entries
}

fn coupling_of(s: &Sizes, split: Split) -> Structure {
    let first = s.dims().div_ceil(2);
    let read = match split {
        Split::ReadFirst => 0..first,
        Split::ReadLast => first..s.dims(),
    };
    Structure::Coupling { read: read.collect() }
}

fn affine<T: Real>(split: Split, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let (read, changed) = split.sizes(s.dims());
    let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], 2 * changed, s.activation(), rng);
    Box::new(AffineCoupling::new(split, changed, net))
}

fn affine_first<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    affine(Split::ReadFirst, s, rng)
}

fn affine_last<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    affine(Split::ReadLast, s, rng)
}

/// Any mask: that which reads everything, and that which reads nothing, are among them.
fn mask<T: Real>(s: &Sizes) -> Mask<T> {
    Mask::new([s.dims()], |i| s.choice(i))
}

fn affine_masked<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let net = Mlp::new(s.dims() + s.classes, &vec![s.hidden; s.depth], 2 * s.dims(), s.activation(), rng);
    Box::new(AffineCoupling::new(mask(s), s.dims(), net))
}

fn masked<T: Real>(outputs: usize, s: &Sizes, rng: &mut dyn Rng) -> Made<T> {
    // Layers of different widths, some with fewer units than there are dimensions.
    let hidden = (0..s.depth).map(|layer| 1 + (s.hidden + 5 * layer) % 11).collect();
    Made::new(&MadeConfig { dims: s.dims(), hidden, outputs, condition: s.classes, activation: s.activation() }, rng)
}

fn autoregressive<T: Real>(reads: Reads, gate: Gate, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Autoregressive::new(masked(2, s, rng), Affine { gate }, reads))
}

fn mixtures<T: Real>(kind: Kind, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let mixture = Mixture::new(s.layers, kind);
    let start = mixture.start();
    Box::new(Autoregressive::new(masked(start.len(), s, rng).starting_at(&start), mixture, Reads::Data))
}

fn gaussian_mixtures<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    mixtures(Kind::Gaussian, s, rng)
}

fn logistic_mixtures<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    mixtures(Kind::Logistic, s, rng)
}

fn reads_data<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    autoregressive(Reads::Data, Gate::None, s, rng)
}

fn reads_latents<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    autoregressive(Reads::Latent, Gate::None, s, rng)
}

fn gated<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    autoregressive(Reads::Latent, Gate::Sigmoid, s, rng)
}

fn autoregressive_sizes(layers: usize, norm: Norm, s: &Sizes) -> AutoregressiveConfig {
    AutoregressiveConfig {
        dims: s.dims(),
        layers: layers.min(2),
        order: if layers > 1 { Order::Random(7) } else { Order::Given },
        hidden: vec![s.hidden; s.depth],
        norm,
        components: 1,
        condition: s.classes,
    }
}

fn made<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    Maf::build(&autoregressive_sizes(1, Norm::None, s), rng)
}

fn maf<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let norm = if s.choice(0) { Norm::Act } else { Norm::None };
    Maf::build(&autoregressive_sizes(s.layers, norm, s), rng)
}

fn maf_batch<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    Maf::build(&autoregressive_sizes(s.layers, Norm::Batch, s), rng)
}

fn maf_mixtures<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let config = autoregressive_sizes(s.layers, Norm::Act, s);
    Maf::build(&AutoregressiveConfig { components: 1 + s.hidden % 3, ..config }, rng)
}

fn iaf<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let gate = if s.choice(0) { Gate::Sigmoid } else { Gate::None };
    Iaf::build(&autoregressive_sizes(s.layers, Norm::None, s), gate, rng)
}

fn planar<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Planar::new(s.dims(), s.classes, rng))
}

/// With `w·u` so far below −1 that without the constraint there would be no inverse.
fn planar_held_back<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let layer: Planar<T> = Planar::new(s.dims(), s.classes, rng);
    let params = layer.params();
    let of = |name: &str| params.iter().find(|(path, _)| path == name).map(|(_, param)| param.clone()).unwrap();
    let (w, u) = (of("w").value(), of("u"));
    u.set(Tensor::from_fn(w.shape(), |i| T::from_f64(-2.5 * w.as_slice()[i].to_f64())));
    Box::new(layer)
}

fn planar_flow<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let (dims, layers, condition) = (s.dims(), s.layers, s.classes);
    PlanarFlow::build(&PlanarConfig { dims, layers, base: PlanarBase::Gaussian, condition }, rng)
}

fn act_norm<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(ActNorm::new(s.dims()))
}

fn act_norm_masked<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(ActNorm::new(s.dims()).changed_by(mask(s)))
}

fn batch_norm<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(BatchNorm::new(s.dims()))
}

fn batch_norm_masked<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(BatchNorm::new(s.dims()).changed_by(mask(s)))
}

fn coupling<T: Real>(split: Split, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let (read, changed) = split.sizes(s.dims());
    let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], changed, s.activation(), rng);
    Box::new(AdditiveCoupling::new(split, net))
}

fn read_first<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    coupling(Split::ReadFirst, s, rng)
}

fn read_last<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    coupling(Split::ReadLast, s, rng)
}

fn rescaling<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Rescaling::new(s.dims()))
}

fn reversal<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::reversal(s.dims()))
}

fn even_odd<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::even_odd(s.dims()))
}

fn shuffled<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::random(s.dims(), rng))
}

fn dequantize<T: Real>(_s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Dequantize::new(256))
}

fn logit<T: Real>(_s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Logit::new([1e-6, 1e-5, 0.05][rng.random_range(0..3)]))
}

fn standardize<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let mut numbers = |lo, hi| (0..s.dims()).map(|_| rng.random_range(lo..hi)).collect::<Vec<f64>>();
    Box::new(Standardize::new(&numbers(-2.0, 2.0), &numbers(0.2, 3.0)))
}

fn rotation<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Rotation::random(s.dims(), rng))
}

fn householder<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Householder::new(1, s.dims(), s.layers, rng))
}

fn kernel_marginal<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(KernelMarginal::new(s.dims(), s.hidden))
}

fn histogram_marginal<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let bins = s.hidden;
    let mut numbers = |count: usize| (0..count).map(|_| rng.random_range(0.3..2.0)).collect::<Vec<f64>>();
    let rising = |widths: Vec<f64>| {
        let sum = |sum: &mut f64, width| {
            *sum += width;
            Some(*sum)
        };
        widths.into_iter().scan(-3.0, sum).collect::<Vec<f64>>()
    };
    let edges: Vec<f64> = (0..s.dims()).flat_map(|_| rising(numbers(bins + 1))).collect();
    Box::new(HistogramMarginal::new(&edges, &numbers(s.dims() * (bins + 2)), bins))
}

fn chain<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let kinds = [read_first::<T>, read_last, affine_first, affine_last, rescaling, act_norm, shuffled, standardize];
    let mut layer = || {
        let layer = kinds[rng.random_range(0..kinds.len())](s, rng);
        if rng.random() { layer } else { Box::new(Inverted(layer)) as Box<dyn Bijection<T>> }
    };
    Box::new(Chain::new((0..s.layers).map(|_| layer()).collect()))
}

fn from_pixels<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Chain::new(vec![dequantize(s, rng), logit(s, rng), read_first(s, rng), rescaling(s, rng)]))
}

fn gaussianization<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    // A logistic kernel's tail has x as the square of z: of many layers, x is beyond all numbers.
    let (dims, layers, kernels, reflections) = (s.dims(), s.layers.min(2), s.hidden, 1 + s.depth);
    GaussianizationFlow::build(&GaussianizationConfig { dims, layers, kernels, reflections, patches: None }, rng)
}

fn nice<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let &Sizes { layers: couplings, hidden, depth, classes: condition, .. } = s;
    Nice::build(&NiceConfig { dims: s.dims(), couplings, hidden, depth, condition }, rng)
}

fn real_nvp_with<T: Real>(norm: Norm, s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let (dims, couplings, hidden, depth, condition) = (s.dims(), s.layers, s.hidden, s.depth, s.classes);
    RealNvp::build(&RealNvpConfig { dims, couplings, hidden, depth, norm, condition }, rng)
}

fn real_nvp<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    real_nvp_with(Norm::None, s, rng)
}

fn real_nvp_batch<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    real_nvp_with(Norm::Batch, s, rng)
}

fn real_nvp_act<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    real_nvp_with(Norm::Act, s, rng)
}
