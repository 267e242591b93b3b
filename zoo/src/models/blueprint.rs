//! What must be known to build a model again: kept in every checkpoint.

use super::{Kind, Learns, Model, ModelSpec, Standardized, with_spec};
use crate::data::Space;
use crate::runs::memory::{self, Bytes};
use crate::runs::strict;
use anyhow::{Context as _, Result, anyhow, bail};
use autograd::outline::{PER_TENSOR, TooLarge, outline};
use autograd::{Param, Real, Shape};
use clap::{ArgMatches, FromArgMatches as _};
use flows::layers::{Logit, Standardize};
use flows::{Bijection, Constant, Dequantizer, DequantizerConfig, Flow, Module};
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The highest sampling rate of a signal, in Hz. No sound is recorded beyond it.
const HIGHEST_RATE: u32 = 192_000;
/// The standard deviation of speech, about.
const LOUDNESS: f64 = 0.2;
/// The largest plausible size. Beyond it a checkpoint is damaged.
const LARGEST: usize = 1 << 20;
/// The most memory that a model in training may take, in numbers of four bytes: 4 GB.
const MOST: u64 = 1 << 30;
/// How many times training keeps each weight: with its gradient, the optimizer's moments, the average, and the best.
const COPIES: u64 = 8;

/// A model, its sizes, and the data that it is a density of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// The model.
    #[serde(rename = "model")]
    pub kind: Kind,
    /// The library's configuration of the model, as JSON.
    sizes: Value,
    /// The data's space.
    pub space: Space,
    /// The classes of a class-conditional model, which is given a row's class as a one-hot vector; 0 for a model of
    /// the data as a whole.
    pub classes: usize,
    /// The learned noise between pixel levels, in place of uniform noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dequantizer: Option<DequantizerConfig>,
}

impl Blueprint {
    /// A model of these sizes.
    /// Fails if the sizes cannot be written as JSON.
    pub fn new<S: ModelSpec>(config: &S::Config, space: Space, classes: usize) -> Result<Self> {
        Ok(Self { kind: S::ABOUT.kind, sizes: serde_json::to_value(config)?, space, classes, dequantizer: None })
    }

    /// The model's name, as commands take it.
    pub const fn name(&self) -> &'static str {
        self.kind.about().name
    }

    /// Whether this is that model.
    pub fn is<S: ModelSpec>(&self) -> bool {
        self.kind == S::ABOUT.kind
    }

    /// The library's configuration, if this is that model.
    pub fn config<S: ModelSpec>(&self) -> Option<S::Config> {
        if self.is::<S>() { self.parsed::<S>().ok() } else { None }
    }

    fn parsed<S: ModelSpec>(&self) -> Result<S::Config> {
        S::Config::deserialize(&self.sizes).with_context(|| format!("these are not the sizes of {}", self.name()))
    }

    /// Refuses sizes that are not this model's configuration, and keys that it does not have.
    pub fn parse(&self) -> Result<()> {
        with_spec!(self.kind, S => strict::read::<<S as ModelSpec>::Config>(&self.sizes).map(|_| ()))
            .with_context(|| format!("these are not the sizes of {}", self.name()))
    }

    /// Changes the sizes as the model's own options ask. `seed` is the run's.
    /// Fails if there is no such model.
    pub fn adjust(&mut self, options: &ArgMatches, seed: u64) -> Result<()> {
        self.sizes = with_spec!(self.kind, S => {
            let mut config = self.parsed::<S>()?;
            S::adjust(&mut config, &<S as ModelSpec>::Options::from_arg_matches(options)?, self.space, seed)?;
            serde_json::to_value(config)?
        });
        Ok(())
    }

    /// Takes what holds no weights, such as the base, from a new blueprint of the same model.
    /// Fails if it is of another model.
    pub fn renew(&mut self, new: &Self) -> Result<()> {
        self.sizes = with_spec!(self.kind, S => {
            let mut config = self.parsed::<S>()?;
            S::renew(&mut config, &new.parsed::<S>()?);
            serde_json::to_value(config)?
        });
        Ok(())
    }

    /// The same with the sizes that older files leave out.
    /// Fails if there is no such model.
    pub fn completed(mut self) -> Result<Self> {
        self.sizes = with_spec!(self.kind, S => serde_json::to_value(self.parsed::<S>()?)?);
        Ok(self)
    }

    /// Refuses sizes that make no model, or not one of this space. It says nothing about memory: see
    /// [`Blueprint::outline`].
    pub fn check(&self) -> Result<()> {
        let (&Self { space, classes, .. }, name) = (self, self.name());
        if let Space::Signal { rate, .. } = space
            && !(1..=HIGHEST_RATE).contains(&rate)
        {
            bail!("there are no signals at {rate} Hz: use another checkpoint, this one is damaged");
        }
        if classes > 0 && !self.kind.about().conditional {
            bail!("{name} takes no classes: leave out --conditional");
        }
        if let Some(size) = implausible(&self.sizes).or_else(|| Some(space.dims()).filter(|&dims| dims > LARGEST)) {
            bail!(
                "{name} cannot have a size of {size}: use narrower data, or another checkpoint if this one is damaged"
            );
        }
        self.check_dequantizer()?;
        with_spec!(self.kind, S => {
            if S::check(&self.parsed::<S>()?, space)? != [space.dims(), classes] {
                let described = space.describe();
                bail!("this {name} does not have the sizes of {described}: use another checkpoint, this one is damaged");
            }
            Ok(())
        })
    }

    fn check_dequantizer(&self) -> Result<()> {
        let Some(DequantizerConfig { couplings, channels, blocks }) = self.dequantizer else { return Ok(()) };
        let name = self.name();
        if !(self.kind.takes_learned_noise() && matches!(self.space, Space::Images { .. })) {
            let data = self.space.describe();
            bail!(
                "learned noise is for flows over images that are trained, not for {name} over {data}: leave out --dequantization"
            );
        }
        if couplings.max(channels).max(blocks) > LARGEST {
            bail!("{name} cannot have learned noise of such sizes: use another checkpoint, this one is damaged");
        }
        check_positive(name, &[couplings, channels])
    }

    /// The parameters that the model would have, with shapes but without elements, of sizes that
    /// [were checked](Blueprint::check).
    /// Fails if the model, with what it keeps beside its parameters, exceeds the [limit](autograd::outline::outline()).
    pub fn outline(&self, limit: u64) -> Result<Vec<(String, Param<f32>)>, TooLarge> {
        outline(limit, || match self.built(&mut ChaCha8Rng::seed_from_u64(0)) {
            Ok(model) => model.params(),
            Err(_) => Vec::new(),
        })
    }

    /// Refuses a model that takes too much memory to train, before any of it is allocated.
    pub fn check_memory(&self) -> Result<()> {
        let copies = if self.is_fitted() { 1 } else { COPIES };
        let limit = MOST.min(memory::limit() / 4);
        let (name, described, most) = (self.name(), self.space.describe(), Bytes(4.0 * limit as f64));
        let params = self.outline(limit / copies).map_err(|_| {
            anyhow!("{name} of these sizes over {described} takes more than {most} to train: choose smaller sizes or narrower data")
        })?;
        // A checkpoint of it must be one that can be read.
        self.outline(self::limit(params.iter().map(|(_, param)| param.shape()))).map_err(|_| {
            anyhow!("{described} are too large for so small a {name}: choose larger sizes or smaller data")
        })?;
        Ok(())
    }

    /// What to know before a long training, in one line.
    pub fn warning(&self) -> Option<String> {
        with_spec!(self.kind, S => S::warning(&self.parsed::<S>().ok()?, self.space))
    }

    /// The features of the track that the model is given for each sample of a signal; 0 without one.
    pub fn track(&self) -> usize {
        with_spec!(self.kind, S => self.parsed::<S>().map_or(0, |config| S::track(&config)))
    }

    /// Whether evaluation uses statistics of training batches, which must be collected for the weights evaluated.
    pub fn uses_batch_statistics(&self) -> bool {
        with_spec!(self.kind, S => self.parsed::<S>().is_ok_and(|config| S::uses_batch_statistics(&config)))
    }

    /// Whether the model is fitted layer by layer, without gradients.
    pub fn is_fitted(&self) -> bool {
        self.kind.about().learns == Learns::ByFitting
    }

    /// The model with fresh parameters drawn from `rng`.
    /// Fails if there is none of these sizes, or it takes too much memory.
    pub fn build<T: Real>(&self, rng: &mut dyn Rng) -> Result<Model<T>> {
        self.check()?;
        self.check_memory()?;
        self.built(rng)
    }

    fn built<T: Real>(&self, rng: &mut dyn Rng) -> Result<Model<T>> {
        Ok(match with_spec!(self.kind, S => S::build(&self.parsed::<S>()?, self.space, rng)) {
            Model::Flow(flow) => Model::Flow(self.dequantized(self.standardized(flow), rng)),
            Model::Vae(vae) => Model::Vae(match self.standardization() {
                Some(layer) => vae.preceded_by(layer),
                None => vae,
            }),
        })
    }

    /// The same of a model that must be a flow.
    pub fn flow<T: Real>(&self, rng: &mut dyn Rng) -> Result<Flow<T>> {
        self.build(rng)?.into_flow().with_context(|| format!("{} is not a flow", self.name()))
    }

    /// The constants by path that a model of this blueprint computes with, and the levels of its data.
    pub fn constants<T: Real>(&self, model: &(impl Module<T> + ?Sized)) -> BTreeMap<String, Constant> {
        let levels = self.space.levels().map(|levels| ("levels".to_owned(), f64::from(levels).into()));
        model.constants().into_iter().chain(levels).collect()
    }

    /// A flow behind the standardization of this space, if it has one.
    pub fn standardized<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.standardization() {
            Some(layer) => flow.preceded_by(layer),
            None => flow,
        }
    }

    /// A flow with fresh learned noise, if this blueprint has some.
    pub fn dequantized<T: Real>(&self, flow: Flow<T>, rng: &mut dyn Rng) -> Flow<T> {
        match (self.dequantizer, self.space) {
            (Some(config), Space::Images { channels, height, width }) => {
                flow.dequantized_by(Dequantizer::build(&config, [channels, height, width], rng))
            }
            _ => flow,
        }
    }

    /// Its statistics are buffers: set from data, or read from a checkpoint.
    fn standardization<T: Real>(&self) -> Option<Box<dyn Bijection<T>>> {
        match self.space {
            Space::Table { columns, standardized: true } => Some(Box::new(Standardized::new(columns))),
            Space::Signal { samples, .. } => Some(Box::new(Standardize::about_zero(samples, LOUDNESS))),
            Space::Table { .. } | Space::Images { .. } => None,
        }
    }
}

/// A flow behind a logit of margin λ, which maps pixels in [0, 1] to the real line. Other data needs none.
pub(super) fn behind_logit<T: Real>(flow: Flow<T>, space: Space, margin: f64) -> Model<T> {
    Model::Flow(match space {
        Space::Images { .. } => flow.preceded_by(Logit::new(margin)),
        Space::Table { .. } | Space::Signal { .. } => flow,
    })
}

/// What a checkpoint with tensors of these shapes allows its model, as the limit of an outline: eight times what they
/// hold, since a model keeps masks and orders too, and initial weights are drawn before they are kept; and 16 MB.
pub fn limit(shapes: impl IntoIterator<Item = impl Into<Shape>>) -> u64 {
    let tensors = shapes.into_iter().map(|shape| (shape.into().elements() + PER_TENSOR) as u64);
    (1 << 22) + 8 * tensors.sum::<u64>()
}

/// A size in a configuration beyond the largest plausible one. Products of three sizes thus never overflow.
fn implausible(sizes: &Value) -> Option<usize> {
    match sizes {
        Value::Number(size) => size.as_u64().map(|size| size as usize).filter(|&size| size > LARGEST),
        Value::Array(list) => list.iter().find_map(implausible),
        // The seed of a random order is no size.
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| *key != "random").find_map(|(_, size)| implausible(size))
        }
        _ => None,
    }
}

/// Refuses sizes that are 0.
pub(super) fn check_positive(model: &str, sizes: &[usize]) -> Result<()> {
    if sizes.contains(&0) {
        bail!("{model} cannot have the sizes {sizes:?}: use other data, or another checkpoint if this one is damaged");
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
    check_positive(model, &image)
}

/// Refuses images whose height and width cannot be halved that often.
pub(super) fn check_squeezes(model: &str, [_, height, width]: [usize; 3], squeezes: usize) -> Result<()> {
    let whole = |side: usize| squeezes < 16 && side > 0 && side.is_multiple_of(1 << squeezes);
    if !whole(height) || !whole(width) {
        let multiples = format!("both sides must be multiples of 2^{squeezes}");
        bail!("{model} cannot squeeze images of {height}×{width} {squeezes} times: {multiples}");
    }
    Ok(())
}

/// How often both sides of an image can be halved.
pub(super) const fn halvings(height: usize, width: usize) -> usize {
    let (height, width) = (height.trailing_zeros(), width.trailing_zeros());
    (if height < width { height } else { width }) as usize
}
