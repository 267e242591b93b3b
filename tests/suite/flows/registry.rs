//! Every bijection and every model, with the sizes to try it at, where to evaluate it, and which zeros its Jacobian
//! promises. The entries themselves are in `registry/`. With `FLOW_ENTRY` set, only those with this text in their name.

mod images;
mod rows;
mod signals;
mod sizes;
mod univariate;

pub(super) use sizes::{Event, Sizes};
pub(super) use univariate::maps;

use autograd::{Real, Shape, Tensor, Var};
use flows::check::{Case, Structure, copy_params, randomize};
use flows::{Bijection, Context, Flow, Inverted, StandardNormal};
use proptest::prelude::*;
use rand::{Rng, RngExt};
use sizes::Events;
use std::sync::Arc;

/// A set of values to draw from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Domain {
    /// The whole line.
    Line,
    /// [0, 1].
    Unit,
    /// (0, 1).
    Open,
    /// [0, 256].
    Levels,
    /// The image of the other side's domain.
    Image,
}

impl Domain {
    /// Numbers from the middle of the domain; none for an image.
    fn draw(self, shape: &Shape, rng: &mut impl Rng) -> Option<Tensor<f64>> {
        let (lo, hi) = match self {
            Self::Line => (-3.0, 3.0),
            Self::Unit | Self::Open => (1e-3, 1.0 - 1e-3),
            Self::Levels => (0.5, 255.5),
            Self::Image => return None,
        };
        Some(Tensor::from_fn(shape, |_| rng.random_range(lo..hi)))
    }

    /// Numbers at the ends of the domain, or far out.
    pub(super) fn far(self, shape: &Shape, rng: &mut impl Rng) -> Tensor<f64> {
        let places: &[f64] = match self {
            Self::Line | Self::Image => &[0.0, 30.0, -1e3, 1e3, -1e6, 1e6],
            Self::Unit => &[0.0, 1e-30, 1e-12, 0.5, 1.0 - 1e-12, 1.0],
            Self::Open => &[1e-30, 1e-6, 0.5, 1.0 - 1e-6],
            Self::Levels => &[0.0, 1e-12, 128.0, 255.0, 256.0],
        };
        Tensor::from_fn(shape, |_| places[rng.random_range(0..places.len())])
    }
}

/// A bijection or a model in one element type.
enum Made<T: Real> {
    Map(Box<dyn Bijection<T>>),
    Model(Flow<T>),
}

type Build<T> = Arc<dyn Fn(&Sizes, &mut dyn Rng) -> Made<T>>;

/// One line of the registry.
#[derive(Clone)]
pub(super) struct Entry {
    name: String,
    wide: Build<f64>,
    narrow: Build<f32>,
    events: Events,
    takes_classes: bool,
    takes_track: bool,
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

/// An entry over the whole line, built by an expression of the sizes `s` and a source of random numbers `rng`; it may
/// name the element type `T`.
macro_rules! entry {
    (Map $name:expr, $events:expr, $structure:expr, |$s:ident, $rng:ident| $build:expr) => {
        super::entry!(@ $name, $events, $structure, |$s, $rng| super::Made::Map(Box::new($build)))
    };
    (Model $name:expr, $events:expr, $structure:expr, |$s:ident, $rng:ident| $build:expr) => {
        super::entry!(@ $name, $events, $structure, |$s, $rng| super::Made::Model($build))
    };
    (@ $name:expr, $events:expr, $structure:expr, |$s:ident, $rng:ident| $build:expr) => {{
        #[allow(unused_variables)]
        fn build<T: autograd::Real>($s: &super::Sizes, $rng: &mut dyn rand::Rng) -> super::Made<T> {
            $build
        }
        super::Entry::new($name, $events, $structure, std::sync::Arc::new(build), std::sync::Arc::new(build))
    }};
}
use entry;

/// All of them; each bijection as it is and inverted.
pub(super) fn entries() -> Vec<Entry> {
    let bijections = || {
        let rows = rows::bijections().into_iter().chain(univariate::bijections());
        rows.chain(signals::bijections()).chain(images::bijections())
    };
    let inverted = bijections().map(|entry| Entry { inverted: true, ..entry });
    let models = rows::models().into_iter().chain(signals::models()).chain(images::models());
    let mut entries: Vec<Entry> = bijections().chain(inverted).chain(models).collect();
    if let Ok(wanted) = std::env::var("FLOW_ENTRY") {
        entries.retain(|entry| entry.title().contains(&wanted));
        assert!(!entries.is_empty(), "no entry of the registry has {wanted:?} in its name");
    }
    entries
}

impl Entry {
    /// An entry without classes, tried at 32 draws.
    fn new(
        name: impl Into<String>,
        events: Events,
        structure: fn(&Sizes) -> Structure,
        wide: Build<f64>,
        narrow: Build<f32>,
    ) -> Self {
        Self {
            name: name.into(),
            wide,
            narrow,
            events,
            takes_classes: false,
            takes_track: false,
            data: Domain::Line,
            latents: Domain::Line,
            structure,
            latent_shape: Sizes::shape,
            scaling: |_| 1,
            cases: 32,
            inverted: false,
        }
    }

    /// The same with classes as its condition.
    fn classes(self) -> Self {
        Self { takes_classes: true, ..self }
    }

    /// The same with a track as its condition.
    fn tracks(self) -> Self {
        Self { takes_track: true, ..self }
    }

    /// The same between these domains of data and latents.
    fn between(self, data: Domain, latents: Domain) -> Self {
        Self { data, latents, ..self }
    }

    /// The same where this many maps in a row multiply their scales.
    fn scaling(self, scaling: fn(&Sizes) -> usize) -> Self {
        Self { scaling, ..self }
    }

    /// The same with latents of another shape than the data.
    fn latent_shape(self, latent_shape: fn(&Sizes) -> Shape) -> Self {
        Self { latent_shape, ..self }
    }

    /// The same tried at this many draws.
    fn cases(self, cases: u32) -> Self {
        Self { cases, ..self }
    }

    pub(super) fn title(&self) -> String {
        if self.inverted { format!("inverted {}", self.name) } else { self.name.clone() }
    }

    /// The number of draws to try it at.
    pub(super) const fn draws(&self) -> u32 {
        self.cases
    }

    /// The sizes to try it at.
    pub(super) fn sizes(&self) -> impl Strategy<Value = Sizes> + use<> {
        self.events.sizes(self.takes_classes, self.takes_track)
    }

    /// Typical sizes.
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

    /// How many of its maps in a row scale by a parameter. What is extreme for one of them overflows, and rightly so, when
    /// taken to that power.
    pub(super) fn scalings(&self, sizes: &Sizes) -> f64 {
        (self.scaling)(sizes).max(1) as f64
    }

    /// The same map in both element types, its parameters about `scale` away from where they start.
    pub(super) fn subject(&self, sizes: &Sizes, scale: f64) -> Subject {
        let mut rng = super::rng(sizes.seed ^ 1);
        let wide = self.make(&self.wide, sizes, |map| {
            randomize(map, scale, &mut rng);
            self.calibrate(map, sizes, &mut rng);
        });
        let narrow = self.make(&self.narrow, sizes, |_| ());
        copy_params(&wide, &narrow).expect("the same model in both types");
        let condition = sizes.condition(sizes.batch, &mut rng);
        let ((data, latents), (data_shape, latent_shape)) = (self.domains(), self.shapes(sizes));
        let (x, z) = match (data.draw(&data_shape, &mut rng), latents.draw(&latent_shape, &mut rng)) {
            (Some(x), z) => (x, z),
            // Data that are an image come from the map itself.
            (None, Some(z)) => {
                let given = condition.clone().map(Var::from);
                let cx = Context { condition: given.as_ref(), ..Context::default() };
                (wide.bijection().to_data(&Var::from(z.clone()), cx).value.into_value(), Some(z))
            }
            (None, None) => unreachable!("one side of every map has its own domain"),
        };
        Subject { wide, narrow, x, z, condition }
    }

    /// Moves running statistics, if there are any, away from their start.
    fn calibrate(&self, map: &dyn Bijection<f64>, sizes: &Sizes, rng: &mut impl Rng) {
        // With few rows, variances could be near 0.
        let rows = 8;
        // Any values will do where the data have no domain.
        let shape = rows_of(rows, &sizes.shape());
        let Some(x) = self.data.draw(&shape, rng).or_else(|| Domain::Line.draw(&shape, rng)) else { return };
        let condition = sizes.condition(rows, rng).map(Var::from);
        map.calibrate(&Var::from(x), Context { condition: condition.as_ref(), ..Context::default() }, 0);
    }

    /// The map in one element type; `prepare` is given it before any inversion.
    fn make<T: Real>(&self, build: &Build<T>, sizes: &Sizes, mut prepare: impl FnMut(&dyn Bijection<T>)) -> Flow<T> {
        // One seed for both element types: random choices that are not parameters, such as an order of dimensions, are
        // then the same too.
        match build(sizes, &mut super::rng(sizes.seed)) {
            Made::Model(flow) => {
                prepare(flow.bijection());
                flow
            }
            Made::Map(map) => {
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

/// The shape of a batch of events.
fn rows_of(rows: usize, event: &Shape) -> Shape {
    std::iter::once(rows).chain(event.iter().copied()).collect()
}
