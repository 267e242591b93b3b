//! Rotation-based iterative Gaussianization (Laparra, Camps-Valls & Malo 2011, RBIG): a flow without gradients.
//!
//! Each column is made normal by itself, `zᵢ = Φ⁻¹(F̂ᵢ(xᵢ))`, which leaves dependence between them; a rotation turns
//! dependence into columns that are not normal; and so on. Why that is a way to learn: a flow's divergence from the data is
//! that of its latents from a normal distribution,
//!
//! <!--
//! KL(p_data‖p_model) = KL(p_z‖N(0, I)) = Σᵢ KL(p_zᵢ‖N(0, 1)) + T(z)        T(z) = Σᵢ H(zᵢ) − H(z)
//! -->
//!
#![doc = include_str!("../../formulas/gaussian-kl.html")]
#![doc = include_str!("../../formulas/total-correlation.html")]
//!
//! Marginals end the first sum and leave the total correlation T as it is; a rotation changes neither KL nor H(z), and
//! moves what it can from T to the first sum, where the next marginals find it. How far T falls with a rotation is measured
//! ([`fall_of_total_correlation`]); what all of them take off is T of the data, if nothing is left in the end.
//!
//! ```
//! use autograd::Tensor;
//! use flows::rbig::{Axes, Fitting, Marginals};
//! use rand::SeedableRng;
//! use std::ops::ControlFlow;
//!
//! // Points near a line.
//! let rows = Tensor::from_fn([400, 2], |i| ((i / 2 * 7 % 400) as f64 / 400.0) + 0.1 * ((i * i) as f64).sin());
//! let fitting = Fitting { layers: 5, marginals: Marginals::Histogram { bins: 20 }, axes: Axes::Principal };
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let fitted = fitting.fit(&rows, &rows, &mut rng, |_| ControlFlow::Continue(())).unwrap();
//! assert!(fitted.total_correlation() > 0.5);
//! let z = fitted.flow().encode(&rows).unwrap();           // [400, 2], about normal
//! # assert!(z.all_finite());
//! ```
//!
//! # On the slides
//!
//! - **Lecture:** lecture 8, Gaussianization
//! - **Paper:** Laparra, Camps-Valls & Malo: RBIG (2011), §II
//! - **Command:** `zoo gaussianize two-moons`; on MNIST `zoo train rbig`
//! - **File:** `flows/src/rbig/mod.rs`

mod chance;
mod marginals;

pub use chance::chance;
pub use marginals::Marginals;

use crate::base::{Base, StandardNormal};
use crate::bijection::{Bijection, Chain, Context, Mapped};
use crate::flow::Flow;
use crate::information::{Correlations, fall_of_total_correlation};
use crate::layers::Rotation;
use crate::orthogonal::{Ica, independent_axes, principal_axes, random_axes};
use autograd::{Real, Tensor, Var};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What rows are turned to between two layers of marginals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axes {
    /// Principal axes: fast, and takes all pairwise correlation off at once.
    #[default]
    Principal,
    /// Independent axes ([`independent_axes`]) or principal axes, whichever take more off the total correlation of
    /// the rows that are fitted: the columns that are least normal come out, so that few layers are needed. (Of
    /// normal rows that correlate the former know nothing.)
    Independent,
    /// Random axes: no look at the data at all, and the most layers.
    Random,
}

/// So many rotations in a row must together take off more than chance would, or the fitting ends without them. One
/// alone may have had bad luck with its axes, or take off too little to be told from chance.
const WINDOW: usize = 5;
/// A fall counts that is above so many standard deviations of what chance makes of independent normal rows.
const SIGNIFICANT: f64 = 2.0;

/// How RBIG is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitting {
    /// The most layers of marginals. Between two of them is a rotation.
    pub layers: usize,
    /// How the distribution of each column is estimated.
    pub marginals: Marginals,
    /// What the rows are turned to.
    pub axes: Axes,
}

/// What cannot be fitted; one line that says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few rows.
    #[error("{what} of {rows} rows cannot be fitted: give at least {needed}, or ask for fewer bins or kernels")]
    TooFew {
        /// What was to be fitted.
        what: String,
        /// The rows that there are.
        rows: usize,
        /// The rows that it takes.
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
    #[error("column {column} is {value} in every row: leave it out")]
    Constant {
        /// The column, from 0.
        column: usize,
        /// What it always is.
        value: f64,
    },
    /// There is an axis along which the normal rows do not vary.
    #[error("some columns follow from the others, so that rows have no density: leave them out")]
    Dependent,
}

/// One layer that was fitted.
#[derive(Clone, Debug)]
pub struct Layer<T: Real> {
    /// The map of each column by itself.
    pub marginals: Arc<dyn Bijection<T>>,
    /// The rotation that follows, if one does.
    pub rotation: Option<Arc<Rotation<T>>>,
    /// How far the rotation lets the total correlation of the held-out rows fall, in nats.
    pub fall: Option<f64>,
    /// The pairwise correlations of the held-out rows between the two.
    pub correlations: Correlations,
    /// The mean log-density of the held-out rows, in nats, if the flow ended with these marginals.
    pub log_prob: f64,
}

/// Why a fitting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The total correlation stopped falling.
    Gaussian,
    /// There were as many layers as asked for.
    Layers,
    /// It was told to.
    Interrupted,
}

/// Layers that were fitted to data.
#[derive(Clone, Debug)]
pub struct Fitted<T: Real> {
    /// The layers, in the order in which data pass them.
    pub layers: Vec<Layer<T>>,
    /// Why there are no more.
    pub ending: Ending,
    /// What the fall by five rotations counts from, in nats: two standard deviations of chance.
    pub tolerance: f64,
    dims: usize,
}

impl Fitting {
    /// Fits layer after layer to `rows` `[N, D]`, and judges each by `held_out` `[M, D]`. The rows that it was fitted
    /// to would make it look better than it is: principal axes of N independent normal rows seem to take about
    /// D²/4N nats off. Both may be the same where D is small and N is large.
    ///
    /// It ends where the last five rotations together let the total correlation of the held-out rows fall by no more
    /// than two standard deviations of what [`chance`] does in five rotations of as many independent normal rows; they
    /// are left out. Each layer is shown to `watch` as it is done, which may end the fitting.
    ///
    /// # Errors
    /// If a value is not finite, a column constant, columns follow from each other, or rows are too few: for a
    /// distribution 2, for kernels as many as there are kernels.
    ///
    /// # Panics
    /// If the two are not rows of equally many numbers, or no layers are asked for.
    pub fn fit<T: Real>(
        &self,
        rows: &Tensor<T>,
        held_out: &Tensor<T>,
        rng: &mut dyn Rng,
        mut watch: impl FnMut(&Layer<T>) -> ControlFlow<()>,
    ) -> Result<Fitted<T>, FitError> {
        let (shape, held_shape) = (rows.shape(), held_out.shape());
        assert!(
            shape.rank() == 2 && held_shape.rank() == 2 && shape[1] == held_shape[1],
            "rbig: {shape}, {held_shape}"
        );
        assert!(self.layers > 0, "rbig: no layers");
        let dims = shape[1];
        self.check(rows, held_out)?;
        let tolerance = SIGNIFICANT * (WINDOW as f64).sqrt() * chance(held_shape[0], dims, rng);
        let (mut x, mut y) = (Var::from(rows.clone()), Var::from(held_out.clone()));
        let mut log_det = Var::from(Tensor::zeros([held_shape[0]]));
        let mut fitted = Fitted { layers: Vec::new(), ending: Ending::Layers, tolerance, dims };
        loop {
            let last = fitted.layers.len() + 1 >= self.layers || dims == 1;
            let marginals: Arc<dyn Bijection<T>> = Arc::from(self.marginals.fit(x.value()));
            x = marginals.to_latent(&x, Context::default()).value;
            if fitted.layers.is_empty() && dims > 1 && has_flat_axis(x.value()) {
                return Err(FitError::Dependent);
            }
            let Mapped { value, log_det: more } = marginals.to_latent(&y, Context::default());
            (y, log_det) = (value, log_det + more);
            let mut layer = Layer {
                marginals,
                rotation: None,
                fall: None,
                correlations: Correlations::of(y.value()),
                log_prob: (StandardNormal.log_prob(&y) + &log_det).mean_all().item().to_f64(),
            };
            if !last {
                let rotation = Rotation::new(&self.axes.of(x.value(), rng));
                x = rotation.to_latent(&x, Context::default()).value;
                let turned = rotation.to_latent(&y, Context::default()).value;
                let fall = fall_of_total_correlation(y.value(), turned.value());
                (layer.fall, layer.rotation) = (Some(fall), Some(Arc::new(rotation)));
                y = turned;
            }
            let go_on = watch(&layer);
            fitted.layers.push(layer);
            if fitted.has_stopped() {
                fitted.ending = Ending::Gaussian;
                fitted.layers.truncate(fitted.layers.len() + 1 - WINDOW);
                break;
            }
            if last {
                break;
            }
            if go_on.is_break() {
                fitted.ending = Ending::Interrupted;
                break;
            }
        }
        // Behind the last marginals nothing is left for a rotation to prepare.
        if let Some(layer) = fitted.layers.last_mut() {
            (layer.rotation, layer.fall) = (None, None);
        }
        Ok(fitted)
    }

    fn check<T: Real>(&self, rows: &Tensor<T>, held_out: &Tensor<T>) -> Result<(), FitError> {
        let dims = rows.shape()[1];
        for rows in [rows, held_out] {
            if let Some(at) = rows.as_slice().iter().position(|x| !x.is_finite()) {
                return Err(FitError::NotFinite { row: at / dims, column: at % dims });
            }
        }
        let needed = self.marginals.least_rows();
        if rows.shape()[0] < needed {
            let what = self.marginals.describe();
            return Err(FitError::TooFew { what, rows: rows.shape()[0], needed });
        }
        if held_out.shape()[0] < 2 {
            let what = "what is judged by held-out rows".to_owned();
            return Err(FitError::TooFew { what, rows: held_out.shape()[0], needed: 2 });
        }
        match constant(rows) {
            Some(column) => Err(FitError::Constant { column, value: rows.as_slice()[column].to_f64() }),
            None => Ok(()),
        }
    }
}

/// The least variance along an axis, of columns that have 1 each, that is not taken for rounding.
const FLAT: f64 = 1e-10;

/// Whether normal rows have an axis along which they do not vary.
fn has_flat_axis<T: Real>(rows: &Tensor<T>) -> bool {
    // Fewer rows than columns have some in any case.
    rows.shape()[0] > rows.shape()[1] && principal_axes(rows).variances.iter().any(|&variance| variance < FLAT)
}

/// A column that hardly varies, beside rounding: the first such.
fn constant<T: Real>(rows: &Tensor<T>) -> Option<usize> {
    let x = Var::from(rows.clone());
    let (high, low) = (x.max(&[0]).into_value(), -(-x).max(&[0]));
    let columns = high.as_slice().iter().zip(low.value().as_slice()).map(|(high, low)| (high.to_f64(), low.to_f64()));
    let rounding = |high: f64, low: f64| 16.0 * T::EPSILON * high.abs().max(low.abs());
    columns.enumerate().find(|&(_, (high, low))| high - low <= rounding(high, low)).map(|(column, _)| column)
}

impl Axes {
    /// The axes of rows `[N, D]`, as an orthogonal matrix with an axis in each row.
    #[must_use]
    pub fn of<T: Real>(self, rows: &Tensor<T>, rng: &mut dyn Rng) -> Tensor<f64> {
        match self {
            Self::Principal => principal_axes(rows).axes,
            Self::Independent => {
                let x = Var::from(rows.clone());
                let fall =
                    |axes: &Tensor<f64>| fall_of_total_correlation(rows, x.matmul_t(&Var::from(axes.cast())).value());
                let (independent, principal) = (independent_axes(rows, Ica::default(), rng), principal_axes(rows).axes);
                if fall(&independent) > fall(&principal) { independent } else { principal }
            }
            Self::Random => random_axes(rows.shape()[1], rng),
        }
    }
}

impl<T: Real> Fitted<T> {
    /// Whether the last rotations took off no more than chance would.
    fn has_stopped(&self) -> bool {
        let last = self.layers.len().checked_sub(WINDOW).map(|from| &self.layers[from..]);
        last.is_some_and(|last| last.iter().filter_map(|layer| layer.fall).sum::<f64>() <= self.tolerance)
    }

    /// The flow of all layers. Nothing in it is trained.
    #[must_use]
    pub fn flow(&self) -> Flow<T> {
        self.first(self.layers.len())
    }

    /// The flow that ends with the marginals of the nth layer, from 1.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
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

    /// How many layers the held-out rows have the highest density under.
    #[must_use]
    pub fn best(&self) -> usize {
        let better = |a: &(usize, &Layer<T>), b: &(usize, &Layer<T>)| a.1.log_prob.total_cmp(&b.1.log_prob);
        self.layers
            .iter()
            .enumerate()
            .filter(|(_, layer)| layer.log_prob.is_finite())
            .max_by(better)
            .map_or(1, |(i, _)| i + 1)
    }

    /// All that the rotations took off the total correlation, in nats: an estimate of that of the data,
    /// `Σ H(xᵢ) − H(x)`, where nothing of it is left, and else of a part.
    #[must_use]
    pub fn total_correlation(&self) -> f64 {
        // The sum of nothing would be −0.
        self.layers.iter().filter_map(|layer| layer.fall).fold(0.0, |sum, fall| sum + fall)
    }
}
