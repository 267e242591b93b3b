//! Every bijection and every model, with what sizes it takes, where it may be looked at, and which
//! zeros its Jacobian promises. The entries themselves are in `registry/rows.rs`, `registry/signals.rs`
//! and `registry/images.rs`.

mod images;
mod rows;
mod signals;
mod sizes;

pub(super) use sizes::{Event, Sizes};

use autograd::{Real, Shape, Tensor, Var};
use flows::check::{Case, Structure, copy_params, randomize};
use flows::{Bijection, Context, Flow, Inverted, StandardNormal};
use proptest::prelude::*;
use rand::{Rng, RngExt};
use sizes::Events;

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
    fn draw(self, shape: &Shape, rng: &mut impl Rng) -> Option<Tensor<f64>> {
        let (lo, hi) = match self {
            Self::Line => (-3.0, 3.0),
            Self::Unit => (1e-3, 1.0 - 1e-3),
            Self::Levels => (0.5, 255.5),
            Self::Image => return None,
        };
        Some(Tensor::from_fn(shape, |_| rng.random_range(lo..hi)))
    }

    /// Numbers as far out as the domain goes, or far enough.
    pub(super) fn far(self, shape: &Shape, rng: &mut impl Rng) -> Tensor<f64> {
        let places: &[f64] = match self {
            Self::Line | Self::Image => &[0.0, 30.0, -1e3, 1e3, -1e6, 1e6],
            Self::Unit => &[0.0, 1e-30, 1e-12, 0.5, 1.0 - 1e-12, 1.0],
            Self::Levels => &[0.0, 1e-12, 128.0, 255.0, 256.0],
        };
        Tensor::from_fn(shape, |_| places[rng.random_range(0..places.len())])
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
    events: Events,
    takes_classes: bool,
    data: Domain,
    latents: Domain,
    structure: fn(&Sizes) -> Structure,
    latent_shape: fn(&Sizes) -> Shape,
    scaling: fn(&Sizes) -> usize,
    cases: u32,
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

/// Draws of sizes and numbers that an entry is tried at, unless it says otherwise.
const CASES: u32 = 32;

macro_rules! entry {
    ($kind:ident $name:literal, $build:ident, $events:expr, classes $classes:literal, $data:ident -> $latents:ident, $structure:expr) => {
        super::Entry {
            name: $name,
            wide: super::Build::$kind($build::<f64>),
            narrow: super::Build::$kind($build::<f32>),
            events: $events,
            takes_classes: $classes,
            data: super::Domain::$data,
            latents: super::Domain::$latents,
            structure: $structure,
            latent_shape: super::Sizes::shape,
            scaling: |_| 1,
            cases: super::CASES,
            inverted: false,
        }
    };
}
use entry;

/// All of them; each bijection as it is and inverted.
pub(super) fn entries() -> Vec<Entry> {
    let bijections = || rows::bijections().into_iter().chain(signals::bijections()).chain(images::bijections());
    let inverted = bijections().map(|entry| Entry { inverted: true, ..entry });
    let models = rows::models().into_iter().chain(signals::models()).chain(images::models());
    bijections().chain(inverted).chain(models).collect()
}

impl Entry {
    /// The same with so many maps in a row whose scales multiply.
    const fn scaling(self, scaling: fn(&Sizes) -> usize) -> Self {
        Self { scaling, ..self }
    }

    /// The same with latents of another shape than the data.
    const fn latent_shape(self, latent_shape: fn(&Sizes) -> Shape) -> Self {
        Self { latent_shape, ..self }
    }

    /// The same tried at so many draws.
    const fn cases(self, cases: u32) -> Self {
        Self { cases, ..self }
    }

    pub(super) fn title(&self) -> String {
        if self.inverted { format!("inverted {}", self.name) } else { self.name.to_owned() }
    }

    /// At how many draws it is to be tried.
    pub(super) const fn draws(&self) -> u32 {
        self.cases
    }

    /// What sizes it is to be tried at.
    pub(super) fn sizes(&self) -> impl Strategy<Value = Sizes> + use<> {
        self.events.sizes(self.takes_classes)
    }

    /// Some sizes that do not hide anything.
    pub(super) fn typical(&self, seed: u64) -> Sizes {
        self.events.typical(seed)
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

    /// The shapes of a batch of its data and of its latents.
    pub(super) fn shapes(&self, sizes: &Sizes) -> (Shape, Shape) {
        let (data, latents) = (sizes.shape(), (self.latent_shape)(sizes));
        let (data, latents) = if self.inverted { (latents, data) } else { (data, latents) };
        (rows_of(sizes.batch, &data), rows_of(sizes.batch, &latents))
    }

    /// How many of its maps in a row each scale by a parameter: what is extreme for one of them is
    /// beyond all numbers, and rightly so, when it is taken to that power.
    pub(super) fn scalings(&self, sizes: &Sizes) -> f64 {
        (self.scaling)(sizes).max(1) as f64
    }

    /// The same map in both element types, its parameters about `scale` away from where they start.
    pub(super) fn subject(&self, sizes: &Sizes, scale: f64) -> Subject {
        let mut rng = super::rng(sizes.seed ^ 1);
        let wide = self.make(self.wide, sizes, |map| {
            randomize(map, scale, &mut rng);
            self.calibrate(map, sizes, &mut rng);
        });
        let narrow = self.make(self.narrow, sizes, |_| ());
        copy_params(&wide, &narrow).expect("the same model in both types");
        let condition = sizes.condition(sizes.batch, &mut rng);
        let ((data, latents), (data_shape, latent_shape)) = (self.domains(), self.shapes(sizes));
        let (x, z) = match (data.draw(&data_shape, &mut rng), latents.draw(&latent_shape, &mut rng)) {
            (Some(x), z) => (x, z),
            // Data that are some map's image: found through the map itself.
            (None, Some(z)) => {
                let given = condition.clone().map(Var::from);
                let cx = Context { condition: given.as_ref(), ..Context::default() };
                (wide.bijection().to_data(&Var::from(z.clone()), cx).value.into_value(), Some(z))
            }
            (None, None) => unreachable!("one side of every map has a domain of its own"),
        };
        Subject { wide, narrow, x, z, condition }
    }

    /// Gives statistics that are kept, where there are any, values that they do not begin with.
    fn calibrate(&self, map: &dyn Bijection<f64>, sizes: &Sizes, rng: &mut impl Rng) {
        // Few rows would have variances near 0.
        let rows = 8;
        // Any numbers will do where the data have no domain of their own.
        let shape = rows_of(rows, &sizes.shape());
        let Some(x) = self.data.draw(&shape, rng).or_else(|| Domain::Line.draw(&shape, rng)) else { return };
        let condition = sizes.condition(rows, rng).map(Var::from);
        map.calibrate(&Var::from(x), Context { condition: condition.as_ref(), ..Context::default() }, 0);
    }

    /// The map in one element type, after `prepare` saw it as it is before any inversion.
    fn make<T: Real>(&self, build: Build<T>, sizes: &Sizes, mut prepare: impl FnMut(&dyn Bijection<T>)) -> Flow<T> {
        // The same seed for both element types: what is drawn and no parameter, such as an order of
        // dimensions, is then the same too.
        let mut rng = super::rng(sizes.seed);
        match build {
            Build::Model(build) => {
                let flow = build(sizes, &mut rng);
                prepare(flow.bijection());
                flow
            }
            Build::Map(build) => {
                let map = build(sizes, &mut rng);
                prepare(map.as_ref());
                if self.inverted {
                    Flow::new(Inverted(map), StandardNormal, (self.latent_shape)(sizes))
                } else {
                    Flow::new(map, StandardNormal, sizes.shape())
                }
            }
        }
    }
}

/// The shape of so many rows of an event.
fn rows_of(rows: usize, event: &Shape) -> Shape {
    std::iter::once(rows).chain(event.iter().copied()).collect()
}
