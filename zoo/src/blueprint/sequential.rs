//! Building the models that go through the dimensions in order.

use super::{Architecture, Blueprint, Space, sane};
use anyhow::{Result, bail};
use autograd::Real;
use flows::Flow;
use flows::layers::Logit;
use flows::models::{AutoregressiveConfig, Gate, Maf, Norm, Order, ParallelWaveNetConfig, WaveNetFlowConfig};
use rand::Rng;

/// The most layers in a cycle: beyond it a dilation is longer than any signal.
const MOST_DILATIONS: usize = 24;

/// The margin λ of the logit before MADE, MAF, IAF and `MintNet` on images, that of MAF's paper and of `MintNet`'s.
const NARROW_MARGIN: f64 = 1e-6;

impl Blueprint {
    /// The sizes of an autoregressive model of Gaussian conditionals.
    pub(super) fn autoregressive(
        &self,
        layers: usize,
        (hidden, depth): (usize, usize),
        norm: Norm,
        order: Order,
    ) -> Result<AutoregressiveConfig> {
        let (dims, condition) = (self.space.dims(), self.classes);
        sane(self.name(), &[dims, layers, hidden, depth, condition], hidden > 0 && dims > 0)?;
        let (hidden, components, gate) = (vec![hidden; depth], 1, Gate::None);
        Ok(AutoregressiveConfig { dims, layers, order, hidden, norm, components, gate, condition })
    }

    /// A MADE or a MAF of these sizes, whose last layer's conditionals have so many components.
    pub(super) fn masked<T: Real>(
        &self,
        sizes: AutoregressiveConfig,
        components: usize,
        rng: &mut dyn Rng,
    ) -> Result<Flow<T>> {
        sane(self.name(), &[components], components > 0)?;
        Ok(self.over_the_line(Maf::build(&AutoregressiveConfig { components, ..sizes }, rng)))
    }

    /// Pixels are carried from [0, 1] to the whole line first.
    pub(super) fn over_the_line<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.space {
            Space::Images { .. } => flow.preceded_by(Logit::new(NARROW_MARGIN)),
            Space::Table { .. } | Space::Signal { .. } => flow,
        }
    }

    /// The steps of time of a signal.
    fn steps(&self) -> Result<usize> {
        match self.space {
            Space::Signal { samples, .. } => Ok(samples),
            _ => bail!(
                "{} is a model of signals, but the data are {}: choose --data speech",
                self.name(),
                self.space.describe()
            ),
        }
    }

    /// The sizes of a WaveNet.
    ///
    /// # Errors
    /// If this is none, or there is none of these sizes.
    pub fn wave_net(&self) -> Result<WaveNetFlowConfig> {
        let Architecture::WaveNet { channels, skip, layers, cycles, components } = self.architecture else {
            bail!("{} is no wavenet", self.name());
        };
        let (length, condition) = (self.steps()?, self.classes);
        let sizes = [length, channels, skip, layers, cycles, components];
        sane(self.name(), &sizes, sizes.iter().all(|&size| size > 0) && layers <= MOST_DILATIONS)?;
        Ok(WaveNetFlowConfig { length, channels, skip, layers, cycles, components, condition })
    }

    /// The sizes of a Parallel WaveNet, and the steps of its signals.
    ///
    /// # Errors
    /// If this is none, or there is none of these sizes.
    pub fn parallel_wave_net(&self) -> Result<(ParallelWaveNetConfig, usize)> {
        let Architecture::ParallelWaveNet { flows, channels, skip, layers, cycles } = self.architecture else {
            bail!("{} is no parallel-wavenet", self.name());
        };
        let (length, condition) = (self.steps()?, self.classes);
        let sizes = [length, flows, channels, skip, layers, cycles];
        sane(self.name(), &sizes, sizes.iter().all(|&size| size > 0) && layers <= MOST_DILATIONS)?;
        Ok((ParallelWaveNetConfig { channels, skip, layers, cycles: vec![cycles; flows], condition }, length))
    }
}
