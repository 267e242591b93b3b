//! The sizes at which maps are tried.

use autograd::{Shape, Tensor};
use flows::nn::{Activation, ResNetConfig};
use proptest::prelude::*;
use rand::{Rng, RngExt};

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Event {
    /// A row of values.
    Row(usize),
    /// Channels, height and width.
    Image([usize; 3]),
    /// An image as a flat row.
    Flat([usize; 3]),
}

/// The samples that an entry takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Events {
    /// Rows of at least this many values.
    Rows { least: usize },
    /// Images with at least this many channels, whose sides can be halved this many times.
    Images { channels: usize, halvings: usize },
    /// Images as flat rows, with sides that can be halved up to twice.
    Flat,
    /// The same, given another image of the same size as a flat row.
    FlatGivenImage,
}

/// The sizes of a case, and the seed of its values.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Sizes {
    pub(in super::super) event: Event,
    pub(in super::super) batch: usize,
    pub(in super::super) hidden: usize,
    pub(in super::super) depth: usize,
    pub(in super::super) layers: usize,
    /// How many times an image is squeezed.
    pub(in super::super) squeezes: usize,
    /// Classes of a condition; 0 without one.
    pub(in super::super) classes: usize,
    /// Features of a track for each dimension, behind the classes; 0 without one.
    pub(in super::super) track: usize,
    pub(in super::super) seed: u64,
}

impl Events {
    /// Draws of sizes, with classes and a track or without.
    pub(super) fn sizes(self, takes_classes: bool, takes_track: bool) -> impl Strategy<Value = Sizes> + use<> {
        let classes = if takes_classes { (0..4usize).boxed() } else { Just(0).boxed() };
        let track = match self {
            // One number for each pixel.
            Self::FlatGivenImage => Just(1).boxed(),
            _ if takes_track => (0..3usize).boxed(),
            _ => Just(0).boxed(),
        };
        let most: usize = if matches!(self, Self::Flat | Self::FlatGivenImage) { 3 } else { 5 };
        (self.events(), 1..most, 1..10usize, 0..3usize, 1..6usize, classes, track, any::<u64>()).prop_map(
            |((event, squeezes), batch, hidden, depth, layers, classes, track, seed)| Sizes {
                event,
                batch,
                hidden,
                depth,
                layers,
                squeezes,
                classes,
                track,
                seed,
            },
        )
    }

    fn events(self) -> BoxedStrategy<(Event, usize)> {
        let images = |channels: std::ops::RangeInclusive<usize>, halvings: usize| {
            let side = || (1..=4usize >> halvings).prop_map(move |blocks| blocks << halvings);
            (channels, side(), side()).prop_map(|(channels, height, width)| [channels, height, width])
        };
        match self {
            Self::Rows { least } => (least..8).prop_map(|dims| (Event::Row(dims), 0)).boxed(),
            Self::Images { channels, halvings } => {
                images(channels..=3, halvings).prop_map(move |image| (Event::Image(image), halvings)).boxed()
            }
            Self::Flat | Self::FlatGivenImage => (0..=2usize)
                .prop_flat_map(move |squeezes| {
                    images(1..=2, squeezes).prop_map(move |image| (Event::Flat(image), squeezes))
                })
                .boxed(),
        }
    }

    pub(super) fn typical(self, seed: u64) -> Sizes {
        let (event, squeezes) = match self {
            Self::Rows { .. } => (Event::Row(4), 0),
            Self::Images { halvings, .. } => (Event::Image([2, 2, 2]), halvings),
            Self::Flat | Self::FlatGivenImage => (Event::Flat([1, 2, 2]), 1),
        };
        let track = usize::from(matches!(self, Self::FlatGivenImage));
        Sizes { event, batch: 3, hidden: 5, depth: 1, layers: 4, squeezes, classes: 0, track, seed }
    }
}

impl Sizes {
    /// The shape of one sample.
    pub(super) fn shape(&self) -> Shape {
        match self.event {
            Event::Row(_) | Event::Flat(_) => [self.dims()].into(),
            Event::Image(image) => image.into(),
        }
    }

    /// Elements of one sample.
    pub(super) fn dims(&self) -> usize {
        self.image().iter().product()
    }

    /// Channels, height and width; the values of a row are channels of one pixel.
    pub(super) const fn image(&self) -> [usize; 3] {
        match self.event {
            Event::Row(dims) => [dims, 1, 1],
            Event::Image(image) | Event::Flat(image) => image,
        }
    }

    pub(super) const fn activation(&self) -> Activation {
        [Activation::Relu, Activation::Tanh, Activation::Elu][(self.seed % 3) as usize]
    }

    /// A small network over images.
    pub(super) fn res_net(&self, inputs: usize, outputs: usize, normalized: bool) -> ResNetConfig {
        let channels = self.hidden.div_ceil(2);
        ResNetConfig { inputs, outputs, channels, blocks: self.depth, condition: self.classes, normalized }
    }

    /// Whether a bit of the seed is set: a choice that is the same in both element types.
    pub(super) const fn choice(&self, which: usize) -> bool {
        // The low bits choose the activation.
        self.seed >> (8 + 5 * which % 53) & 1 == 1
    }

    /// Random classes of some rows as one-hot vectors, and random tracks behind them.
    pub(super) fn condition(&self, rows: usize, rng: &mut impl Rng) -> Option<Tensor<f64>> {
        let (count, width) = (self.classes, self.classes + self.dims() * self.track);
        (width > 0).then(|| {
            let classes: Vec<usize> = (0..rows).map(|_| rng.random_range(0..count.max(1))).collect();
            Tensor::from_fn([rows, width], |i| match (i / width, i % width) {
                (row, feature) if feature < count => f64::from(u8::from(classes[row] == feature)),
                _ => rng.random_range(-1.0..1.0),
            })
        })
    }
}
