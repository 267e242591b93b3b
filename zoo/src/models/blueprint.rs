//! What must be known to build a model again: kept in every checkpoint.

use super::{Entry, Learns, Model, ModelSpec, named};
use crate::data::Space;
use anyhow::{Result, bail};
use autograd::Real;
use flows::Flow;
use flows::layers::{Logit, Standardize};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The highest sampling rate of a signal, in Hz. No sound is recorded beyond it.
const HIGHEST_RATE: u32 = 192_000;
/// The standard deviation of speech, about.
const LOUDNESS: f64 = 0.2;

/// A model, its sizes, and the data that it is a density of.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Blueprint {
    entry: &'static dyn Entry,
    /// The library's configuration of the model.
    pub(super) sizes: Value,
    /// The data's space.
    pub space: Space,
    /// The classes of a class-conditional model, which is given a row's class as a one-hot vector; 0 for a model of
    /// the data as a whole.
    pub classes: usize,
}

/// A blueprint as checkpoints have it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    model: String,
    sizes: Value,
    space: Space,
    classes: usize,
}

impl From<Blueprint> for Stored {
    fn from(blueprint: Blueprint) -> Self {
        let model = blueprint.name().to_owned();
        let Blueprint { sizes, space, classes, .. } = blueprint;
        Self { model, sizes, space, classes }
    }
}

impl TryFrom<Stored> for Blueprint {
    type Error = anyhow::Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let Stored { model, sizes, space, classes } = stored;
        let Some(entry) = named(&model) else { bail!("there is no model {model:?}") };
        entry.parse(&sizes)?;
        Ok(Self { entry, sizes, space, classes })
    }
}

impl PartialEq for Blueprint {
    fn eq(&self, other: &Self) -> bool {
        Stored::from(self.clone()) == Stored::from(other.clone())
    }
}

impl std::fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Stored::from(self.clone()).fmt(f)
    }
}

/// The number types that models are built in.
pub trait Precision: Real {
    /// The model of a blueprint that was checked.
    ///
    /// # Errors
    /// If the sizes are another model's.
    fn build(blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<Self>>;
}

impl Precision for f32 {
    fn build(blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<Self>> {
        blueprint.entry.build_f32(blueprint, rng)
    }
}

impl Precision for f64 {
    fn build(blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<Self>> {
        blueprint.entry.build_f64(blueprint, rng)
    }
}

impl Blueprint {
    /// A model of these sizes.
    ///
    /// # Errors
    /// If the sizes cannot be written as JSON.
    pub fn new<S: ModelSpec>(spec: &'static S, config: &S::Config, space: Space, classes: usize) -> Result<Self> {
        Ok(Self { entry: spec, sizes: serde_json::to_value(config)?, space, classes })
    }

    /// The model's name, as commands take it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.entry.about().name
    }

    /// What the program knows of the model.
    #[must_use]
    pub fn entry(&self) -> &'static dyn Entry {
        self.entry
    }

    /// Whether this is that model.
    #[must_use]
    pub fn is<S: ModelSpec>(&self) -> bool {
        self.name() == S::ABOUT.name
    }

    /// Whether the model is fitted layer by layer, without gradients.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        self.entry.about().learns == Learns::ByFitting
    }

    /// The library's configuration, if this is that model.
    #[must_use]
    pub fn config<S: ModelSpec>(&self) -> Option<S::Config> {
        if self.is::<S>() { S::Config::deserialize(&self.sizes).ok() } else { None }
    }

    /// The model with fresh parameters drawn from `rng`.
    ///
    /// # Errors
    /// If the sizes make no model.
    pub fn build<T: Precision>(&self, rng: &mut dyn Rng) -> Result<Model<T>> {
        if let Space::Signal { rate, .. } = self.space
            && !(1..=HIGHEST_RATE).contains(&rate)
        {
            bail!("there are no signals at {rate} Hz: use another checkpoint, this one is damaged");
        }
        self.entry.check(self)?;
        Ok(match T::build(self, rng)? {
            Model::Flow(flow) => Model::Flow(self.standardized(flow)),
            Model::Vae(vae) => Model::Vae(match self.standardization() {
                Some(layer) => vae.preceded_by(layer),
                None => vae,
            }),
        })
    }

    /// The same of a model that is a flow.
    ///
    /// # Errors
    /// If the sizes make no model, or one that is not a flow.
    pub fn flow<T: Precision>(&self, rng: &mut dyn Rng) -> Result<Flow<T>> {
        match self.build(rng)?.into_flow() {
            Some(flow) => Ok(flow),
            None => bail!("{} is not a flow", self.name()),
        }
    }

    /// A flow behind the standardization of this space, if it has one.
    #[must_use]
    pub fn standardized<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.standardization() {
            Some(layer) => flow.preceded_by(layer),
            None => flow,
        }
    }

    /// Its statistics are buffers: set from data, or read from a checkpoint.
    fn standardization<T: Real>(&self) -> Option<Standardize<T>> {
        let (dims, deviation) = match self.space {
            Space::Table { columns, standardized: true } => (columns, 1.0),
            Space::Signal { samples, .. } => (samples, LOUDNESS),
            Space::Table { .. } | Space::Images { .. } => return None,
        };
        Some(Standardize::new(&vec![0.0; dims], &vec![deviation; dims]))
    }
}

/// A flow behind a logit of margin λ, which maps pixels in [0, 1] to the real line. Other data needs none.
pub(super) fn behind_logit<T: Real>(flow: Flow<T>, space: Space, margin: f64) -> Model<T> {
    Model::Flow(match space {
        Space::Images { .. } => flow.preceded_by(Logit::new(margin)),
        Space::Table { .. } | Space::Signal { .. } => flow,
    })
}

/// The largest size that is believed. Beyond it a checkpoint is damaged.
const LARGEST: usize = 1 << 20;

/// Refuses sizes that no model can have: `positive` ones that are 0, and any that are absurdly large.
pub(super) fn check_sizes(model: &str, positive: &[usize], others: &[usize]) -> Result<()> {
    let sizes = [positive, others].concat();
    if positive.contains(&0) || sizes.iter().any(|&size| size > LARGEST) {
        bail!(
            "{model} cannot have the sizes {sizes:?}: use narrower data, or another checkpoint if this one is damaged"
        );
    }
    Ok(())
}

/// Channels, height and width; a table is an image of one pixel with a channel for each column.
pub(super) fn as_image(model: &str, space: Space) -> Result<[usize; 3]> {
    match space {
        Space::Images { channels, height, width } => Ok([channels, height, width]),
        Space::Table { columns, .. } => Ok([columns, 1, 1]),
        Space::Signal { .. } => bail!("{model} is not a model of signals: choose other --data, or the model wavenet"),
    }
}

/// Refuses a configuration for other images than the data's.
pub(super) fn check_image(model: &str, image: [usize; 3], space: Space) -> Result<()> {
    if as_image(model, space)? != image {
        bail!("this {model} is over images of {image:?}, but the data are {}", space.describe());
    }
    check_sizes(model, &image, &[space.dims()])
}

/// Refuses images that cannot be squeezed, each time to half the height and width, that often.
pub(super) fn check_squeezes(model: &str, [_, height, width]: [usize; 3], squeezes: usize) -> Result<()> {
    let whole = |side: usize| squeezes < 16 && side > 0 && side.is_multiple_of(1 << squeezes);
    if !whole(height) || !whole(width) {
        bail!(
            "{model} cannot squeeze images of {height}×{width} {squeezes} times: both sides must be multiples of 2 to that power"
        );
    }
    Ok(())
}

/// The values in an image of this shape. A damaged checkpoint may have any.
pub(super) fn elements(image: [usize; 3]) -> usize {
    image.iter().fold(1, |product, &side| product.saturating_mul(side))
}

/// How often both sides of an image can be halved.
pub(super) const fn halvings(height: usize, width: usize) -> usize {
    let (height, width) = (height.trailing_zeros(), width.trailing_zeros());
    (if height < width { height } else { width }) as usize
}

/// The weights of fully connected layers from one width to the next.
pub(super) fn dense_weights(widths: &[usize]) -> f64 {
    widths.windows(2).map(|pair| pair[0] as f64 * pair[1] as f64).sum()
}
