//! Every bijection and every model, with what sizes it takes, where it may be looked at, and which
//! zeros its Jacobian promises.

use autograd::{Real, Tensor};
use flows::check::{Case, Structure, copy_params, randomise};
use flows::layers::{AdditiveCoupling, Dequantise, Logit, Permutation, Rescaling, Split, Standardise};
use flows::models::{Nice, NiceConfig};
use flows::nn::{Activation, Mlp};
use flows::{Bijection, Chain, Flow, Inverted, StandardNormal};
use proptest::prelude::*;
use rand::{Rng, RngExt};

/// Where numbers may be drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Domain {
    /// The whole line.
    Line,
    /// [0, 1].
    Unit,
    /// [0, 256].
    Levels,
    /// Wherever the other side's numbers are mapped to.
    Image,
}

impl Domain {
    /// Numbers from the middle of the domain, or none where the other side has them.
    fn draw(self, shape: &[usize], rng: &mut impl Rng) -> Option<Tensor<f64>> {
        let (lo, hi) = match self {
            Self::Line => (-3.0, 3.0),
            Self::Unit => (1e-3, 1.0 - 1e-3),
            Self::Levels => (0.5, 255.5),
            Self::Image => return None,
        };
        Some(Tensor::from_fn(shape, |_| rng.random_range(lo..hi)))
    }

    /// Numbers as far out as the domain goes, or far enough.
    pub(super) fn far(self, shape: &[usize], rng: &mut impl Rng) -> Tensor<f64> {
        let places: &[f64] = match self {
            Self::Line | Self::Image => &[0.0, 30.0, -1e3, 1e3, -1e6, 1e6],
            Self::Unit => &[0.0, 1e-30, 1e-12, 0.5, 1.0 - 1e-12, 1.0],
            Self::Levels => &[0.0, 1e-12, 128.0, 255.0, 256.0],
        };
        Tensor::from_fn(shape, |_| places[rng.random_range(0..places.len())])
    }
}

/// The sizes of a case, and the seed of its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) dims: usize,
    pub(super) batch: usize,
    pub(super) hidden: usize,
    pub(super) depth: usize,
    pub(super) layers: usize,
    /// Classes of a condition; 0 without one.
    pub(super) classes: usize,
    pub(super) seed: u64,
}

impl Sizes {
    fn activation(&self) -> Activation {
        [Activation::Relu, Activation::Tanh, Activation::Elu][(self.seed % 3) as usize]
    }

    fn read(&self, split: Split) -> Vec<usize> {
        let first = self.dims.div_ceil(2);
        match split {
            Split::ReadFirst => (0..first).collect(),
            Split::ReadLast => (first..self.dims).collect(),
        }
    }
}

type Map<T> = fn(&Sizes, &mut dyn Rng) -> Box<dyn Bijection<T>>;
type Model<T> = fn(&Sizes, &mut dyn Rng) -> Flow<T>;

/// How something is made, in one element type.
#[derive(Clone, Copy)]
enum Build<T: Real> {
    Map(Map<T>),
    Model(Model<T>),
}

/// One line of the registry.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    wide: Build<f64>,
    narrow: Build<f32>,
    least_dims: usize,
    takes_classes: bool,
    data: Domain,
    latents: Domain,
    structure: fn(&Sizes) -> Structure,
    inverted: bool,
}

/// A map at chosen points, in both element types; a bijection comes with a normal base.
pub(super) struct Subject {
    pub(super) wide: Flow<f64>,
    pub(super) narrow: Flow<f32>,
    pub(super) x: Tensor<f64>,
    pub(super) z: Option<Tensor<f64>>,
    pub(super) condition: Option<Tensor<f64>>,
}

impl Subject {
    pub(super) fn case(&self) -> Case<'_> {
        let case = Case::new(self.wide.bijection(), self.x.clone());
        let case = match &self.z {
            Some(z) => case.with_latents(z.clone()),
            None => case,
        };
        match &self.condition {
            Some(condition) => case.given(condition.clone()),
            None => case,
        }
    }
}

macro_rules! entry {
    ($kind:ident $name:literal, $build:ident, dims $least:literal.., classes $classes:literal, $data:ident -> $latents:ident, $structure:expr) => {
        Entry {
            name: $name,
            wide: Build::$kind($build::<f64>),
            narrow: Build::$kind($build::<f32>),
            least_dims: $least,
            takes_classes: $classes,
            data: Domain::$data,
            latents: Domain::$latents,
            structure: $structure,
            inverted: false,
        }
    };
}

/// All of them; each bijection as it is and inverted.
pub(super) fn entries() -> Vec<Entry> {
    let dense = |_: &Sizes| Structure::Dense;
    let diagonal = |_: &Sizes| Structure::Diagonal;
    #[rustfmt::skip]
    let bijections = [
        entry!(Map "additive coupling, reads first", read_first, dims 1.., classes true, Line -> Line, |s| Structure::Coupling { read: s.read(Split::ReadFirst) }),
        entry!(Map "additive coupling, reads last", read_last, dims 1.., classes true, Line -> Line, |s| Structure::Coupling { read: s.read(Split::ReadLast) }),
        entry!(Map "rescaling", rescaling, dims 1.., classes false, Line -> Line, diagonal),
        entry!(Map "reversal", reversal, dims 1.., classes false, Line -> Line, |s| Structure::Permutation { order: (0..s.dims).rev().collect() }),
        entry!(Map "even and odd", even_odd, dims 1.., classes false, Line -> Line, |s| Structure::Permutation { order: (0..s.dims).step_by(2).chain((1..s.dims).step_by(2)).collect() }),
        entry!(Map "random permutation", shuffled, dims 1.., classes false, Line -> Line, dense),
        entry!(Map "dequantise, no noise", dequantise, dims 1.., classes false, Levels -> Unit, diagonal),
        entry!(Map "logit", logit, dims 1.., classes false, Unit -> Line, diagonal),
        entry!(Map "standardise", standardise, dims 1.., classes false, Line -> Line, diagonal),
        entry!(Map "chain", chain, dims 1.., classes true, Line -> Line, dense),
        entry!(Map "chain from pixels", from_pixels, dims 1.., classes false, Levels -> Image, dense),
    ];
    let inverted = bijections.map(|entry| Entry { inverted: true, ..entry });
    let models = [entry!(Model "NICE", nice, dims 2.., classes true, Line -> Line, dense)];
    bijections.into_iter().chain(inverted).chain(models).collect()
}

impl Entry {
    pub(super) fn title(&self) -> String {
        if self.inverted { format!("inverted {}", self.name) } else { self.name.to_owned() }
    }

    /// What sizes it is to be tried at.
    pub(super) fn sizes(&self) -> impl Strategy<Value = Sizes> + use<> {
        let classes = if self.takes_classes { (0..4usize).boxed() } else { Just(0).boxed() };
        (self.least_dims..8, 1..5usize, 1..10usize, 0..3usize, 1..6usize, classes, any::<u64>()).prop_map(
            |(dims, batch, hidden, depth, layers, classes, seed)| Sizes {
                dims,
                batch,
                hidden,
                depth,
                layers,
                classes,
                seed,
            },
        )
    }

    /// The zeros it promises.
    pub(super) fn structure(&self, sizes: &Sizes) -> Structure {
        match ((self.structure)(sizes), self.inverted) {
            (Structure::Permutation { order }, true) => {
                let place = |i| order.iter().position(|&from| from == i).expect("an order names each dimension");
                Structure::Permutation { order: (0..order.len()).map(place).collect() }
            }
            // The others are the same in both directions.
            (structure, _) => structure,
        }
    }

    /// Where its data and its latents lie.
    pub(super) fn domains(&self) -> (Domain, Domain) {
        if self.inverted { (self.latents, self.data) } else { (self.data, self.latents) }
    }

    /// The same map in both element types, its parameters about `scale` away from where they start.
    pub(super) fn subject(&self, sizes: &Sizes, scale: f64) -> Subject {
        let wide = make(self.wide, sizes, self.inverted);
        let narrow = make(self.narrow, sizes, self.inverted);
        let mut rng = super::rng(sizes.seed ^ 1);
        randomise(&wide, scale, &mut rng);
        copy_params(&wide, &narrow).expect("the same model in both types");
        let shape = [sizes.batch, sizes.dims];
        let condition = (sizes.classes > 0).then(|| {
            let classes: Vec<usize> = (0..sizes.batch).map(|_| rng.random_range(0..sizes.classes)).collect();
            let one_hot = |i: usize| f64::from(u8::from(classes[i / sizes.classes] == i % sizes.classes));
            Tensor::from_fn([sizes.batch, sizes.classes], one_hot)
        });
        let (data, latents) = self.domains();
        let (x, z) = (data.draw(&shape, &mut rng), latents.draw(&shape, &mut rng));
        let (x, z) = match (x, z) {
            (Some(x), z) => (x, z),
            // An inverted map whose data are some other map's image: found through the map itself.
            (None, Some(z)) => (wide.decode(&z).expect("latents that fit"), Some(z)),
            (None, None) => unreachable!("one side of every map has a domain of its own"),
        };
        Subject { wide, narrow, x, z, condition }
    }
}

fn make<T: Real>(build: Build<T>, sizes: &Sizes, inverted: bool) -> Flow<T> {
    // The same seed for both element types: what is drawn and no parameter, such as an order of
    // dimensions, is then the same too.
    let mut rng = super::rng(sizes.seed);
    match build {
        Build::Model(build) => build(sizes, &mut rng),
        Build::Map(build) if inverted => Flow::new(Inverted(build(sizes, &mut rng)), StandardNormal, [sizes.dims]),
        Build::Map(build) => Flow::new(build(sizes, &mut rng), StandardNormal, [sizes.dims]),
    }
}

fn coupling<T: Real>(split: Split, s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let (read, changed) = split.sizes(s.dims);
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
    Box::new(Rescaling::new(s.dims))
}

fn reversal<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::reversal(s.dims))
}

fn even_odd<T: Real>(s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::even_odd(s.dims))
}

fn shuffled<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Permutation::random(s.dims, rng))
}

fn dequantise<T: Real>(_s: &Sizes, _rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Dequantise::new(256))
}

fn logit<T: Real>(_s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Logit::new([1e-6, 1e-5, 0.05][rng.random_range(0..3)]))
}

fn standardise<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let mut numbers = |lo, hi| (0..s.dims).map(|_| rng.random_range(lo..hi)).collect::<Vec<f64>>();
    Box::new(Standardise::new(&numbers(-2.0, 2.0), &numbers(0.2, 3.0)))
}

fn chain<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let kinds = [read_first::<T>, read_last, rescaling, shuffled, standardise];
    let mut layer = || {
        let layer = kinds[rng.random_range(0..kinds.len())](s, rng);
        if rng.random() { layer } else { Box::new(Inverted(layer)) as Box<dyn Bijection<T>> }
    };
    Box::new(Chain::new((0..s.layers).map(|_| layer()).collect()))
}

fn from_pixels<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Chain::new(vec![dequantise(s, rng), logit(s, rng), read_first(s, rng), rescaling(s, rng)]))
}

fn nice<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let &Sizes { dims, layers: couplings, hidden, depth, classes: condition, .. } = s;
    Nice::build(&NiceConfig { dims, couplings, hidden, depth, condition }, rng)
}
