//! The maps and models over rows.

use super::Domain::{Image, Levels, Line, Unit};
use super::{Entry, Events, Sizes, entry};
use autograd::{Real, Tensor};
use flows::check::Structure;
use flows::layers::{
    ActNorm, BatchNorm, Coupling, Dequantize, HistogramMarginal, Householder, KernelMarginal, Logit, Mask, Partition,
    Permutation, Planar, Rescaling, Rotation, Split, Standardize,
};
use flows::models::{
    AutoregressiveConfig, Gate, GaussianizationConfig, GaussianizationFlow, Iaf, Maf, Nice, NiceConfig, Norm, Order,
    PlanarBase, PlanarConfig, PlanarFlow, RealNvp, RealNvpConfig,
};
use flows::nn::{Made, MadeConfig, Mlp};
use flows::univariate::{Affine, Shift};
use flows::{Bijection, Chain, Inverted, Module};
use rand::{Rng, RngExt};

pub(super) fn bijections() -> Vec<Entry> {
    let diagonal = |_: &Sizes| Structure::Diagonal;
    let rows = Events::Rows { least: 1 };
    vec![
        entry!(Map "affine coupling, learned bounds", rows, coupling_structure, |s, rng| affine(partition::<T>(s), s, rng))
            .classes()
            .cases(96),
        entry!(Map "planar", rows, dense, |s, rng| Planar::new(s.dims(), s.classes, rng)).classes(),
        entry!(Map "planar, held back", rows, dense, |s, rng| planar_held_back(s, rng)).classes(),
        entry!(Map "rescaling", rows, diagonal, |s, rng| Rescaling::new(s.dims())),
        entry!(Map "ActNorm", rows, diagonal, |s, rng| ActNorm::new(s.dims())),
        entry!(Map "ActNorm, masked", rows, diagonal, |s, rng| ActNorm::new(s.dims()).changed_by(mask(s))),
        entry!(Map "BatchNorm", rows, diagonal, |s, rng| BatchNorm::new(s.dims())),
        entry!(Map "BatchNorm, masked", rows, diagonal, |s, rng| BatchNorm::new(s.dims()).changed_by(mask(s))),
        entry!(Map "reversal", rows, reversed, |s, rng| Permutation::reversal(s.dims())),
        entry!(Map "even and odd", rows, evens_first, |s, rng| Permutation::even_odd(s.dims())),
        entry!(Map "random permutation", rows, dense, |s, rng| Permutation::random(s.dims(), rng)),
        entry!(Map "dequantize, no noise", rows, diagonal, |s, rng| Dequantize::new(256)).between(Levels, Unit),
        entry!(Map "logit", rows, diagonal, |s, rng| logit(rng)).between(Unit, Line),
        entry!(Map "standardize", rows, diagonal, |s, rng| standardize(s, rng)),
        entry!(Map "rotation", rows, dense, |s, rng| Rotation::random(s.dims(), rng)),
        entry!(Map "Householder reflections", rows, dense, |s, rng| Householder::new(1, s.dims(), s.layers, rng)),
        entry!(Map "kernel marginal", rows, diagonal, |s, rng| KernelMarginal::new(s.dims(), s.hidden)),
        entry!(Map "histogram marginal", rows, diagonal, |s, rng| histogram_marginal(s, rng)),
        entry!(Map "chain", rows, dense, |s, rng| chain(s, rng)).classes().scaling(|s| s.layers),
        entry!(Map "chain from pixels", rows, dense, |s, rng| Chain::new(vec![
            Box::new(Dequantize::new(256)),
            Box::new(logit(rng)),
            shift(Split::ReadFirst, s, rng),
            Box::new(Rescaling::new(s.dims())),
        ]))
        .between(Levels, Image),
    ]
}

pub(super) fn models() -> Vec<Entry> {
    let (pairs, rows) = (Events::Rows { least: 2 }, Events::Rows { least: 1 });
    let entries = vec![
        entry!(Model "NICE", pairs, dense, |s, rng| {
            let &Sizes { layers: couplings, hidden, depth, classes: condition, .. } = s;
            Nice::build(&NiceConfig { dims: s.dims(), couplings, hidden, depth, condition }, rng)
        }),
        entry!(Model "RealNVP", pairs, dense, |s, rng| RealNvp::build(&real_nvp(Norm::None, s), rng))
            .scaling(|s| s.layers),
        // Two scalings a coupling.
        entry!(Model "RealNVP, BatchNorm", pairs, dense, |s, rng| RealNvp::build(&real_nvp(Norm::Batch, s), rng))
            .scaling(|s| 2 * s.layers),
        entry!(Model "RealNVP, ActNorm", pairs, dense, |s, rng| RealNvp::build(&real_nvp(Norm::Act, s), rng))
            .scaling(|s| 2 * s.layers),
        // In order, each dimension may stretch what all before it have stretched, and a second layer goes on from there:
        // far from the start such maps are bijections that no f64 can follow.
        entry!(Model "MADE", rows, in_order, |s, rng| Maf::build(&autoregressive(1, Norm::None, s), rng))
            .scaling(Sizes::dims),
        entry!(Model "MAF", rows, dense, |s, rng| {
            let norm = if s.choice(0) { Norm::Act } else { Norm::None };
            Maf::build(&autoregressive(s.layers, norm, s), rng)
        })
        .scaling(|s| 8 * s.dims()),
        entry!(Model "MAF, BatchNorm", pairs, dense, |s, rng| {
            Maf::build(&autoregressive(s.layers, Norm::Batch, s), rng)
        })
        .scaling(|s| 8 * s.dims()),
        entry!(Model "MAF, mixtures", rows, dense, |s, rng| {
            let config = autoregressive(s.layers, Norm::Act, s);
            Maf::build(&AutoregressiveConfig { components: 1 + s.hidden % 3, ..config }, rng)
        })
        .scaling(|s| 8 * s.dims()),
        entry!(Model "planar flow", rows, dense, |s, rng| {
            let (dims, layers, condition) = (s.dims(), s.layers, s.classes);
            PlanarFlow::build(&PlanarConfig { dims, layers, base: PlanarBase::Gaussian, condition }, rng)
        })
        .scaling(|s| s.layers),
        entry!(Model "IAF", rows, dense, |s, rng| {
            let gate = if s.choice(0) { Gate::Sigmoid } else { Gate::None };
            Iaf::build(&AutoregressiveConfig { gate, ..autoregressive(s.layers, Norm::None, s) }, rng)
        })
        .between(Image, Line)
        .scaling(|s| 8 * s.dims()),
    ];
    let gaussianization = entry!(Model "Gaussianization flow", rows, dense, |s, rng| {
        // A logistic kernel's tail has x as the square of z: with many layers, x overflows.
        let (dims, layers, kernels, reflections) = (s.dims(), s.layers.min(2), s.hidden, 1 + s.depth);
        GaussianizationFlow::build(&GaussianizationConfig { dims, layers, kernels, reflections, patches: None }, rng)
    });
    entries.into_iter().map(Entry::classes).chain([gaussianization.scaling(|_| 4)]).collect()
}

fn dense(_: &Sizes) -> Structure {
    Structure::Dense
}

pub(super) fn in_order(s: &Sizes) -> Structure {
    Structure::Triangular { order: (0..s.dims()).collect() }
}

fn reversed(s: &Sizes) -> Structure {
    Structure::Permutation { order: (0..s.dims()).rev().collect() }
}

fn evens_first(s: &Sizes) -> Structure {
    Structure::Permutation { order: (0..s.dims()).step_by(2).chain((1..s.dims()).step_by(2)).collect() }
}

/// Halves either way, or any mask.
pub(super) fn partition<T: Real>(s: &Sizes) -> Partition<T> {
    match (s.choice(11), s.choice(12)) {
        (true, _) => mask(s).into(),
        (false, true) => Split::ReadLast.into(),
        (false, false) => Split::ReadFirst.into(),
    }
}

/// The zeros of a coupling with this partition.
pub(super) fn coupling_structure(s: &Sizes) -> Structure {
    let mask = partition::<f64>(s).mask([s.dims()]);
    Structure::Coupling { read: (0..s.dims()).filter(|&i| mask.of_changed().as_slice()[i] == 0.0).collect() }
}

/// Any mask, also one that reads everything or nothing.
fn mask<T: Real>(s: &Sizes) -> Mask<T> {
    Mask::new([s.dims()], |i| s.choice(i))
}

fn affine<T: Real>(partition: impl Into<Partition<T>>, s: &Sizes, rng: &mut dyn Rng) -> Coupling<T, Affine<T>> {
    let partition = partition.into();
    let (read, changed) = partition.sizes(s.dims());
    let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], 2 * changed, s.activation(), rng);
    Coupling::new(partition, Affine::learned(changed), net)
}

fn shift<T: Real>(split: Split, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let (read, changed) = split.sizes(s.dims());
    let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], changed, s.activation(), rng);
    Box::new(Coupling::new(split, Shift, net))
}

/// With layers of different widths, some of them narrower than the input.
pub(super) fn masked<T: Real>(outputs: usize, s: &Sizes, rng: &mut dyn Rng) -> Made<T> {
    let hidden = (0..s.depth).map(|layer| 1 + (s.hidden + 5 * layer) % 11).collect();
    let (dims, condition, activation, symlog) = (s.dims(), s.classes, s.activation(), s.seed % 2 == 1);
    Made::new(&MadeConfig { dims, hidden, outputs, condition, activation, symlog }, rng)
}

fn autoregressive(layers: usize, norm: Norm, s: &Sizes) -> AutoregressiveConfig {
    AutoregressiveConfig {
        order: if layers > 1 { Order::Random(7) } else { Order::Given },
        norm,
        condition: s.classes,
        symlog: s.seed % 2 == 1,
        outliers: s.seed % 3 == 1,
        ..AutoregressiveConfig::new(s.dims(), layers.min(2), vec![s.hidden; s.depth])
    }
}

fn real_nvp(norm: Norm, s: &Sizes) -> RealNvpConfig {
    let &Sizes { layers: couplings, hidden, depth, classes: condition, .. } = s;
    RealNvpConfig { dims: s.dims(), couplings, hidden, depth, norm, condition }
}

/// With `w·u` so far below −1 that without the constraint there would be no inverse.
fn planar_held_back<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Planar<T> {
    let layer: Planar<T> = Planar::new(s.dims(), s.classes, rng);
    let params = layer.params();
    let of = |name: &str| params.iter().find(|(path, _)| path == name).map(|(_, param)| param.clone()).unwrap();
    let (w, u) = (of("w").value(), of("u"));
    u.set(Tensor::from_fn(w.shape(), |i| T::from_f64(-2.5 * w.as_slice()[i].to_f64())));
    layer
}

fn logit(rng: &mut dyn Rng) -> Logit {
    Logit::new([1e-6, 1e-5, 0.05][rng.random_range(0..3)])
}

fn standardize<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Standardize<T> {
    let mut numbers = |lo, hi| (0..s.dims()).map(|_| rng.random_range(lo..hi)).collect::<Vec<f64>>();
    Standardize::new(&numbers(-2.0, 2.0), &numbers(0.2, 3.0))
}

fn histogram_marginal<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> HistogramMarginal<T> {
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
    HistogramMarginal::new(&edges, &numbers(s.dims() * (bins + 2)), bins)
}

fn chain<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Chain<T> {
    let mut layer = || -> Box<dyn Bijection<T>> {
        let layer: Box<dyn Bijection<T>> = match rng.random_range(0..8) {
            0 => shift(Split::ReadFirst, s, rng),
            1 => shift(Split::ReadLast, s, rng),
            2 => Box::new(affine(Split::ReadFirst, s, rng)),
            3 => Box::new(affine(Split::ReadLast, s, rng)),
            4 => Box::new(Rescaling::new(s.dims())),
            5 => Box::new(ActNorm::new(s.dims())),
            6 => Box::new(Permutation::random(s.dims(), rng)),
            _ => Box::new(standardize(s, rng)),
        };
        if rng.random() { layer } else { Box::new(Inverted(layer)) }
    };
    Chain::new((0..s.layers).map(|_| layer()).collect())
}
