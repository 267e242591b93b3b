//! Building the models that make data normal one dimension at a time.

use super::{Blueprint, Space, sane};
use anyhow::{Result, bail};
use autograd::Real;
use flows::Flow;
use flows::layers::Logit;
use flows::models::{GaussianizationConfig, GaussianizationFlow, PatchRotations, Rbig, RbigConfig};
use flows::rbig::Marginals;
use rand::Rng;

/// The margin λ of the logit before images, that of RBIG's published figure on MNIST.
const MARGIN: f64 = 1e-5;

impl Blueprint {
    /// An RBIG that has seen no data.
    pub(super) fn rbig<T: Real>(&self, layers: usize, marginals: Marginals) -> Result<Flow<T>> {
        let dims = self.space.dims();
        let (Marginals::Histogram { bins: each } | Marginals::Kernels { kernels: each }) = marginals;
        self.without_classes()?;
        sane(self.name(), &[dims, layers, each], dims > 0 && layers > 0 && each > 0)?;
        Ok(self.behind_the_logit(Rbig::build(&RbigConfig { dims, layers, marginals })))
    }

    /// A Gaussianization flow with fresh parameters.
    pub(super) fn gaussianization<T: Real>(
        &self,
        layers: usize,
        kernels: usize,
        reflections: usize,
        patch: Option<usize>,
        rng: &mut dyn Rng,
    ) -> Result<Flow<T>> {
        let dims = self.space.dims();
        self.without_classes()?;
        let positive = [dims, layers, kernels, reflections].iter().all(|&size| size > 0);
        sane(self.name(), &[dims, layers, kernels, reflections], positive)?;
        let patches = match (patch, self.space) {
            (None, _) => None,
            (Some(side), Space::Images { channels, height, width }) => {
                if side == 0 || !height.is_multiple_of(side) || !width.is_multiple_of(side) {
                    bail!("patches of {side}×{side} do not fill images of {height}×{width}: use another checkpoint");
                }
                Some(PatchRotations { image: [channels, height, width], side, shared: false })
            }
            (Some(_), _) => {
                bail!("there are no patches in {}: use another checkpoint, this one is damaged", self.space.describe())
            }
        };
        let config = GaussianizationConfig { dims, layers, kernels, reflections, patches };
        Ok(self.behind_the_logit(GaussianizationFlow::build(&config, rng)))
    }

    fn behind_the_logit<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.space {
            Space::Images { .. } => flow.preceded_by(Logit::new(MARGIN)),
            Space::Table { .. } | Space::Signal { .. } => flow,
        }
    }

    pub(super) fn without_classes(&self) -> Result<()> {
        if self.classes > 0 {
            bail!("{} takes no classes: leave out --conditional", self.name());
        }
        Ok(())
    }
}
