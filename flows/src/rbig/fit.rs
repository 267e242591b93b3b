//! Fitting RBIG layer by layer.

use super::information::{Correlations, fall_of_total_correlation};
use super::{Axes, Marginals, chance};
use crate::layers::Rotation;
use crate::orthogonal::principal_axes;
use crate::{Base, Bijection, Chain, Context, Flow, Mapped, StandardNormal};
use autograd::{Real, Tensor, Var};
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::{ops::ControlFlow, sync::Arc};

/// This many rotations in a row must together reduce the total correlation by more than chance would.
const WINDOW: usize = 5;
/// A fall is significant above this many standard deviations of what chance gives on independent normal rows.
const SIGNIFICANT: f64 = 2.0;

/// Fewer held-out rows have no estimate of entropy.
const LEAST_HELD_OUT: usize = 3;

/// How RBIG is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitting {
    /// The most layers of marginals, with a rotation between each two.
    pub layers: usize,
    /// How the distribution of each column is estimated.
    pub marginals: Marginals,
    /// How the rotations are chosen.
    pub axes: Axes,
}

/// Why rows cannot be fitted, in one line that says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few rows.
    #[error("{what} needs at least {needed} rows, and there are {rows}: give more, or ask for fewer bins or kernels")]
    TooFew {
        /// What needs them.
        what: String,
        /// The number of rows given.
        rows: usize,
        /// The number of rows needed.
        needed: usize,
    },
    /// Too few held-out rows.
    #[error("a fit is judged by at least {needed} held-out rows, and there are {rows}: give more data")]
    TooFewHeldOut {
        /// The number of rows given.
        rows: usize,
        /// The number of rows needed.
        needed: usize,
    },
    /// A value that is not finite.
    #[error("row {row}, column {column} (counting from 0) is not finite: remove or repair such values first")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
    },
    /// A column without a distribution.
    #[error("column {column} (counting from 0) is {value} in every row: give more rows, or leave it out")]
    Constant {
        /// The column, from 0.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// There is an axis along which the Gaussianized rows do not vary.
    #[error("some columns follow from the others, so that rows have no density: leave them out")]
    Dependent,
    /// The caller stopped it within the first layer.
    #[error("interrupted before the first layer was fitted")]
    Interrupted,
}

/// One fitted layer.
#[derive(Clone, Debug)]
pub struct Layer<T: Real> {
    /// The map of each column by itself.
    pub marginals: Arc<dyn Bijection<T>>,
    /// The rotation that follows, if one does.
    pub rotation: Option<Arc<Rotation<T>>>,
    /// By how much the rotation reduces the total correlation of the held-out rows, in nats. None without a rotation,
    /// or if the rows' entropies cannot be estimated, such as those of equal values.
    pub fall: Option<f64>,
    /// The pairwise correlations of the held-out rows between the two.
    pub correlations: Correlations,
    /// The mean log-density of the held-out rows, in nats, if the flow ended with these marginals.
    pub log_prob: f64,
}

/// A layer that was fitted before: the map of each column by itself, and the rotation that follows.
pub type Earlier<T> = (Arc<dyn Bijection<T>>, Arc<Rotation<T>>);

/// Why a fitting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The total correlation no longer decreased.
    Gaussian,
    /// The requested number of layers was reached.
    Layers,
    /// There are no more rows than dimensions, so that the rows do not vary along some of the axes that they would choose.
    FewRows,
    /// The caller stopped it.
    Interrupted,
}

/// Layers that were fitted to data.
#[derive(Clone, Debug)]
pub struct Fitted<T: Real> {
    /// The layers, in the order in which data pass through them.
    pub layers: Vec<Layer<T>>,
    /// Why there are no more.
    pub ending: Ending,
    /// The least significant fall over five rotations, in nats: two standard deviations of chance.
    pub tolerance: f64,
    dims: usize,
}

/// A layer, and the rows it was fitted to: z after the marginals, x after the rotation.
struct Step<T: Real> {
    marginals: Arc<dyn Bijection<T>>,
    z: Var<T>,
    rotation: Option<Arc<Rotation<T>>>,
    x: Var<T>,
}

impl<T: Real> Step<T> {
    /// Maps rows by a layer.
    fn by(marginals: Arc<dyn Bijection<T>>, rotation: Option<Arc<Rotation<T>>>, rows: &Var<T>) -> Self {
        let z = marginals.to_latent(rows, Context::default()).value;
        let x = rotation.as_ref().map_or_else(|| z.clone(), |by| by.to_latent(&z, Context::default()).value);
        Self { marginals, z, rotation, x }
    }
}

/// Held-out rows, mapped by the layers so far.
struct HeldOut<T: Real> {
    rows: Var<T>,
    log_det: Var<T>,
}

impl Fitting {
    /// Fits layer after layer to `rows` `[N, D]`, until the total correlation of the rows `held_out` `[M, D]` no longer
    /// decreases: until the last five rotations together reduce it by no more than two standard deviations of what
    /// five rotations of independent normal rows do by [`chance`]. Those five are left out.
    ///
    /// Both may be the same rows only if D is small and N is large: the principal axes of N independent normal rows seem
    /// to reduce their own total correlation by about D²/4N nats. `watch` sees each finished layer, and may end the
    /// fitting.
    ///
    /// # Errors
    /// If a value is not finite, a column is constant, columns follow from each other, or there are fewer rows than
    /// [`Marginals::least_rows`], or fewer than three held-out rows.
    ///
    /// # Panics
    /// If the two do not have the same number of columns, or `layers` is 0.
    pub fn fit<T: Real>(
        &self,
        rows: &Tensor<T>,
        held_out: &Tensor<T>,
        rng: &mut dyn Rng,
        watch: impl FnMut(&Layer<T>) -> ControlFlow<()>,
    ) -> Result<Fitted<T>, FitError> {
        self.resume(rows, held_out, Vec::new(), rng, watch, &|| true)
    }

    /// As [`Fitting::fit`], with the first layers as an earlier fit to the same rows, from the same `rng`, made them. The
    /// result is that of one fit: every layer draws from a random stream of its own. `watch` sees the earlier layers
    /// too. `go_on` is asked several times within each new layer: where it says no, that layer is dropped.
    ///
    /// # Errors
    /// As [`Fitting::fit`], and [`FitError::Interrupted`] if there is no other layer.
    ///
    /// # Panics
    /// As [`Fitting::fit`].
    pub fn resume<T: Real>(
        &self,
        rows: &Tensor<T>,
        held_out: &Tensor<T>,
        earlier: Vec<Earlier<T>>,
        rng: &mut dyn Rng,
        mut watch: impl FnMut(&Layer<T>) -> ControlFlow<()>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Fitted<T>, FitError> {
        let (shape, held_shape) = (rows.shape(), held_out.shape());
        let fits = shape.rank() == 2 && held_shape.rank() == 2 && shape[1] == held_shape[1];
        assert!(fits, "rbig: rows of shape {shape}, held-out rows of shape {held_shape}");
        assert!(self.layers > 0, "rbig: no layers");
        self.check(rows, held_out)?;
        let dims = shape[1];
        let tolerance = SIGNIFICANT * (WINDOW as f64).sqrt() * chance(held_shape[0], dims, rng);
        let mut streams = ChaCha8Rng::seed_from_u64(rng.next_u64());
        let mut earlier = earlier.into_iter();
        let mut x = Var::from(rows.clone());
        let log_det = Var::from(Tensor::zeros([held_shape[0]]));
        let mut held_out = HeldOut { rows: Var::from(held_out.clone()), log_det };
        let few_rows = dims > 1 && self.layers > 1 && self.axes != Axes::Random && shape[0] <= dims;
        let ending = if few_rows { Ending::FewRows } else { Ending::Layers };
        let mut fitted = Fitted { layers: Vec::new(), ending, tolerance, dims };
        loop {
            let last = fitted.layers.len() + 1 >= self.layers || dims == 1 || few_rows;
            streams.set_stream(fitted.layers.len() as u64);
            streams.set_word_pos(0);
            let step = match earlier.next() {
                Some((marginals, rotation)) => Some(Step::by(marginals, (!last).then_some(rotation), &x)),
                None => self.fit_layer(&x, !last, &mut streams, go_on),
            };
            let Some(step) = step else {
                fitted.ending = Ending::Interrupted;
                break;
            };
            if fitted.layers.is_empty() && dims > 1 && has_flat_axis(step.z.value()) {
                return Err(FitError::Dependent);
            }
            x = step.x;
            let layer = held_out.pass(step.marginals, step.rotation);
            let go_on = watch(&layer);
            fitted.layers.push(layer);
            if fitted.has_stopped() {
                fitted.ending = Ending::Gaussian;
                fitted.layers.truncate(fitted.layers.len() + 1 - WINDOW);
            } else if !last && go_on.is_break() {
                fitted.ending = Ending::Interrupted;
            } else if !last {
                continue;
            }
            break;
        }
        if fitted.layers.is_empty() {
            return Err(FitError::Interrupted);
        }
        // After the last marginals there is nothing left for a rotation to prepare.
        if let Some(layer) = fitted.layers.last_mut() {
            (layer.rotation, layer.fall) = (None, None);
        }
        Ok(fitted)
    }

    /// One layer, fitted to rows x:
    ///
    /// 1. Gaussianize each dimension: `zᵢ = Φ⁻¹(F̂ᵢ(xᵢ))`.
    /// 2. Rotate, except in the last layer: `x ← Q·z`.
    ///
    /// None where `go_on` says so in between.
    fn fit_layer<T: Real>(
        &self,
        x: &Var<T>,
        rotate: bool,
        rng: &mut dyn Rng,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Step<T>> {
        if !go_on() {
            return None;
        }
        let marginals: Arc<dyn Bijection<T>> = Arc::from(self.marginals.fit(x.value()));
        let step = Step::by(marginals, None, x);
        if !rotate {
            return Some(step);
        }
        let axes = if go_on() { self.axes.of_while(step.z.value(), rng, go_on)? } else { return None };
        let rotation = Arc::new(Rotation::new(&axes));
        let x = rotation.to_latent(&step.z, Context::default()).value;
        Some(Step { rotation: Some(rotation), x, ..step })
    }

    fn check<T: Real>(&self, rows: &Tensor<T>, held_out: &Tensor<T>) -> Result<(), FitError> {
        let dims = rows.shape()[1];
        for rows in [rows, held_out] {
            if let Some(at) = rows.as_slice().iter().position(|x| !x.is_finite()) {
                return Err(FitError::NotFinite { row: at / dims, column: at % dims });
            }
        }
        let (needed, [count, held]) = (self.marginals.least_rows(), [rows, held_out].map(|rows| rows.shape()[0]));
        if count < needed {
            return Err(FitError::TooFew { what: self.marginals.describe(), rows: count, needed });
        }
        if held < LEAST_HELD_OUT {
            return Err(FitError::TooFewHeldOut { rows: held, needed: LEAST_HELD_OUT });
        }
        match constant(rows) {
            Some(column) => Err(FitError::Constant { column, value: rows.as_slice()[column].to_f64() }),
            None => Ok(()),
        }
    }
}

impl<T: Real> HeldOut<T> {
    /// Maps the rows by a layer, and judges it by them.
    fn pass(&mut self, marginals: Arc<dyn Bijection<T>>, rotation: Option<Arc<Rotation<T>>>) -> Layer<T> {
        let Mapped { value: z, log_det } = marginals.to_latent(&self.rows, Context::default());
        self.log_det = &self.log_det + log_det;
        let log_prob = (StandardNormal.log_prob(&z) + &self.log_det).mean_all().item().to_f64();
        let correlations = Correlations::of(z.value());
        let mut fall = None;
        self.rows = z;
        if let Some(rotation) = &rotation {
            let rotated = rotation.to_latent(&self.rows, Context::default()).value;
            fall = Some(fall_of_total_correlation(self.rows.value(), rotated.value())).filter(|fall| fall.is_finite());
            self.rows = rotated;
        }
        Layer { marginals, rotation, fall, correlations, log_prob }
    }
}

/// A smaller variance along an axis, of columns with variance 1, counts as rounding.
const FLAT: f64 = 1e-10;

/// Whether there is an axis along which Gaussianized rows do not vary.
fn has_flat_axis<T: Real>(rows: &Tensor<T>) -> bool {
    // With fewer rows than columns there always is.
    rows.shape()[0] > rows.shape()[1] && principal_axes(rows).variances.iter().any(|&variance| variance < FLAT)
}

/// The first column that varies by no more than rounding.
fn constant<T: Real>(rows: &Tensor<T>) -> Option<usize> {
    let x = Var::from(rows.clone());
    let (high, low) = (x.max(&[0]).into_value(), -(-x).max(&[0]));
    let columns = high.as_slice().iter().zip(low.value().as_slice()).map(|(high, low)| (high.to_f64(), low.to_f64()));
    let rounding = |high: f64, low: f64| 16.0 * T::EPSILON * high.abs().max(low.abs());
    columns.enumerate().find(|&(_, (high, low))| high - low <= rounding(high, low)).map(|(column, _)| column)
}

impl<T: Real> Fitted<T> {
    /// Whether the last rotations reduced the total correlation by no more than chance would.
    fn has_stopped(&self) -> bool {
        let last = self.layers.len().checked_sub(WINDOW).map(|from| &self.layers[from..]);
        last.is_some_and(|last| last.iter().filter_map(|layer| layer.fall).sum::<f64>() <= self.tolerance)
    }

    /// The flow of all layers. None of its parameters are trainable.
    pub fn flow(&self) -> Flow<T> {
        self.first(self.layers.len())
    }

    /// The flow of the first `layers` layers, which ends with marginals.
    ///
    /// # Panics
    /// If there are fewer layers, or `layers` is 0.
    pub fn first(&self, layers: usize) -> Flow<T> {
        assert!((1..=self.layers.len()).contains(&layers), "rbig: {layers} of {} layers", self.layers.len());
        let mut chain: Vec<Box<dyn Bijection<T>>> = Vec::new();
        for (i, layer) in self.layers[..layers].iter().enumerate() {
            chain.push(Box::new(layer.marginals.clone()));
            if let (Some(rotation), true) = (&layer.rotation, i + 1 < layers) {
                chain.push(Box::new(rotation.clone()));
            }
        }
        Flow::new(Chain::new(chain), StandardNormal, [self.dims])
    }

    /// The number of layers that gives the held-out rows the highest density.
    pub fn best(&self) -> usize {
        let finite = self.layers.iter().enumerate().filter(|(_, layer)| layer.log_prob.is_finite());
        finite.max_by(|(_, a), (_, b)| a.log_prob.total_cmp(&b.log_prob)).map_or(1, |(i, _)| i + 1)
    }

    /// The reduction in total correlation by all rotations, in nats: an estimate of that of the data,
    /// `Σ H(xᵢ) − H(x)`, if none is left at the end, and otherwise of part of it.
    pub fn total_correlation(&self) -> f64 {
        // The sum of nothing would be −0.
        self.layers.iter().filter_map(|layer| layer.fall).fold(0.0, |sum, fall| sum + fall)
    }
}
