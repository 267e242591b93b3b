//! A flow: a bijection and a base distribution make a density.

use crate::layers::Dequantize;
use crate::{Base, Bijection, Chain, Context, Dequantizer, Mapped, Module, Visitor};
use autograd::{Real, Shape, Tensor, Var};
use rand::Rng;
use std::{f64::consts::LN_2, sync::Arc};

/// Rows in one batch of the functions on tensors, of rows with this many dimensions. Longer rows come in smaller batches,
/// so that memory does not grow with their length.
pub fn rows_per_batch(dims: usize) -> usize {
    ((1 << 19) / dims.max(1)).clamp(1, 500)
}

/// A density over data, by the change of variables:
///
/// <!-- log p(x) = log p_Z(f⁻¹(x)) + log|det ∂f⁻¹(x)/∂x| -->
#[doc = include_str!("../formulas/change-of-variables.html")]
///
/// `log p_Z` is the [`Base`]'s, f the [`Bijection`]'s.
/// Clones share their parameters.
#[derive(Clone, Debug)]
pub struct Flow<T: Real> {
    bijection: Arc<dyn Bijection<T>>,
    preprocessing: Option<Arc<dyn Bijection<T>>>,
    /// The part of `bijection` after the preprocessing.
    core: Arc<dyn Bijection<T>>,
    base: Arc<dyn Base<T>>,
    dequantizer: Option<Arc<Dequantizer<T>>>,
    event: Shape,
    condition: usize,
    track: usize,
}

/// Data that do not fit a flow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Rows of another shape.
    #[error("rows of shape {found} do not fit: this flow is over rows of shape {expected}")]
    Shape {
        /// The shape of one row of the flow.
        expected: Shape,
        /// The shape of one row that was given.
        found: Shape,
    },
    /// An infinity or a NaN.
    #[error("row {row}, element {element} (counting from 0) is {value}: remove or repair such values first")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The element within the row, from 0.
        element: usize,
        /// The value.
        value: f64,
    },
    /// No condition where one is needed.
    #[error("this flow needs a condition with {features} features for each row: give one")]
    NoCondition {
        /// The number of features.
        features: usize,
    },
    /// A condition where none is taken.
    #[error("this flow takes no condition: leave it out")]
    Unconditional,
    /// A condition of another shape.
    #[error("a condition of shape {found} does not fit: these rows need one of shape {expected}")]
    Condition {
        /// As many rows as the data, and the flow's number of features.
        expected: Shape,
        /// The shape that was given.
        found: Shape,
    },
}

impl<T: Real> Flow<T> {
    /// The density that `bijection` gives to rows of shape `event` when their latents follow `base`.
    pub fn new(bijection: impl Bijection<T> + 'static, base: impl Base<T> + 'static, event: impl Into<Shape>) -> Self {
        let core: Arc<dyn Bijection<T>> = Arc::new(bijection);
        let (bijection, base) = (core.clone(), Arc::new(base));
        let (preprocessing, dequantizer, event) = (None, None, event.into());
        Self { bijection, preprocessing, core, base, dequantizer, event, condition: 0, track: 0 }
    }

    /// The same flow, declared to need a condition with this many features: its density is `p(x | condition)`.
    pub fn conditioned_on(self, features: usize) -> Self {
        Self { condition: features, ..self }
    }

    /// The same flow, declared to need a track behind its condition: this many features more for each dimension.
    pub fn given_track(self, features: usize) -> Self {
        Self { condition: self.condition + self.dims() * features, track: features, ..self }
    }

    /// The same flow over data that go through `layer` first: preprocessing as part of the density.
    pub fn preceded_by(self, layer: impl Bijection<T> + 'static) -> Self {
        let layer: Arc<dyn Bijection<T>> = Arc::new(layer);
        let bijection = Arc::new(Chain::new(vec![Box::new(layer.clone()), Box::new(self.bijection)]));
        let preprocessing: Arc<dyn Bijection<T>> = match self.preprocessing {
            None => layer,
            Some(before) => Arc::new(Chain::new(vec![Box::new(layer), Box::new(before)])),
        };
        Self { bijection, preprocessing: Some(preprocessing), ..self }
    }

    /// The same flow, with learned noise from levels to its data in place of uniform noise.
    pub fn dequantized_by(self, dequantizer: Dequantizer<T>) -> Self {
        Self { dequantizer: Some(Arc::new(dequantizer)), ..self }
    }

    /// The learned noise between levels and data, if it has some.
    pub fn dequantizer(&self) -> Option<&Dequantizer<T>> {
        self.dequantizer.as_deref()
    }

    /// Levels k ∈ {0 … L−1}, `[batch, D]`, as data u = (k + ε)/L, with −log q(ε | k) as log-determinant, which is 0 for
    /// uniform noise. ε comes from the context's noise. So one draw of `log P(k) ≥ log p(u) − log q(ε | k) − D log L`.
    pub fn dequantize(&self, levels: u32, k: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        match &self.dequantizer {
            None => Mapped::volume_preserving(Dequantize::new(levels).to_latent(k, cx).value),
            Some(learned) => learned.dequantize(levels, k, cx),
        }
    }

    /// The layers added by [`Flow::preceded_by`].
    pub fn preprocessing(&self) -> Option<&dyn Bijection<T>> {
        self.preprocessing.as_deref()
    }

    /// The density after the preprocessing, over preprocessed data. It shares its parameters with this flow.
    pub fn core(&self) -> Self {
        Self { bijection: self.core.clone(), preprocessing: None, dequantizer: None, ..self.clone() }
    }

    /// The map between data and latents.
    pub fn bijection(&self) -> &dyn Bijection<T> {
        self.bijection.as_ref()
    }

    /// The distribution of the latents.
    pub fn base(&self) -> &dyn Base<T> {
        self.base.as_ref()
    }

    /// The shape of one row of data.
    pub fn event(&self) -> &Shape {
        &self.event
    }

    /// The number of features of each row's condition, a track's included; 0 without one.
    pub fn condition(&self) -> usize {
        self.condition
    }

    /// The features that a track has for each dimension; 0 without one.
    pub fn track(&self) -> usize {
        self.track
    }

    /// The number of dimensions D of one row.
    pub fn dims(&self) -> usize {
        self.event.elements()
    }

    /// `log p(x)` of each row of `[batch, …]`, in nats. Shape `[batch]`. Differentiable.
    pub fn log_prob(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let Mapped { value: z, log_det } = self.bijection.to_latent(x, cx);
        self.base.log_prob(&z) + log_det
    }

    /// The negative mean log-likelihood of a batch, in nats: the loss of maximum likelihood.
    pub fn loss(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        -self.log_prob(x, cx).mean_all()
    }

    /// Sets the parameters that are initialized from data, given a first batch.
    pub fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) {
        self.bijection.initialize(x, cx);
    }

    /// Sets the statistics that layers such as [`crate::layers::BatchNorm`] use in evaluation, from batches of training
    /// data. Call it after training and before use. Other layers do not change.
    ///
    /// Each batch passes through the flow as in training. With more batches the statistics are closer to those of all data.
    pub fn calibrate<'a>(&self, batches: impl IntoIterator<Item = (Var<T>, Context<'a, T>)>) {
        for (seen, (x, cx)) in (0..).zip(batches) {
            self.bijection.calibrate(&x, cx, seen);
        }
    }

    /// `count` samples, `[count, …]`: latents from the base, mapped by f. A temperature below 1 keeps them closer to
    /// the mode.
    pub fn sample(&self, count: usize, cx: Context<'_, T>, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        let z = Var::from(self.base.sample(rows(count, &self.event), temperature, rng));
        self.bijection.to_data(&z, cx).value.into_value()
    }

    /// The smallest and the largest value that an element of x can have, if the density is not over the whole real line.
    pub fn support(&self) -> Option<[T; 2]> {
        self.bijection.support()
    }

    /// Samples with their log-densities in one pass: z is known, so `log p(x) = log p_Z(z) − log|det ∂x/∂z|` needs no
    /// inverse.
    pub fn sample_with_log_prob(&self, count: usize, cx: Context<'_, T>, rng: &mut dyn Rng) -> (Tensor<T>, Tensor<T>) {
        let z = Var::from(self.base.sample(rows(count, &self.event), 1.0, rng));
        let Mapped { value: x, log_det } = self.bijection.to_data(&z, cx);
        (x.into_value(), (self.base.log_prob(&z) - log_det).into_value())
    }

    /// `log p(x)` of each row in nats, shape `[rows]`. The rows are checked, and mapped in batches.
    ///
    /// # Errors
    /// If the rows have the wrong shape, a value is not finite, or the flow needs a condition.
    pub fn log_prob_of(&self, x: &Tensor<T>) -> Result<Tensor<T>, InputError> {
        self.log_prob_given(x, None)
    }

    /// `log p(x | condition)` of each row, as [`Flow::log_prob_of`]. The condition is `[rows, features]`, or
    /// `None` for a flow that takes none.
    ///
    /// # Errors
    /// As [`Flow::log_prob_of`], and if the condition does not fit the rows or the flow.
    pub fn log_prob_given<'c>(
        &self,
        x: &Tensor<T>,
        condition: impl Into<Option<&'c Tensor<T>>>,
    ) -> Result<Tensor<T>, InputError> {
        self.by_batches(x, condition.into(), &[], |x, cx| self.log_prob(x, cx))
    }

    /// x → z. The rows are checked, and mapped in batches.
    ///
    /// # Errors
    /// As [`Flow::log_prob_of`].
    pub fn encode(&self, x: &Tensor<T>) -> Result<Tensor<T>, InputError> {
        self.encode_given(x, None)
    }

    /// x → z under a condition, `[rows, features]` or `None`.
    ///
    /// # Errors
    /// As [`Flow::log_prob_given`].
    pub fn encode_given<'c>(
        &self,
        x: &Tensor<T>,
        condition: impl Into<Option<&'c Tensor<T>>>,
    ) -> Result<Tensor<T>, InputError> {
        self.by_batches(x, condition.into(), &self.event, |x, cx| self.bijection.to_latent(x, cx).value)
    }

    /// z → x. The rows are checked, and mapped in batches.
    ///
    /// # Errors
    /// As [`Flow::log_prob_of`].
    pub fn decode(&self, z: &Tensor<T>) -> Result<Tensor<T>, InputError> {
        self.decode_given(z, None)
    }

    /// z → x under a condition, `[rows, features]` or `None`.
    ///
    /// # Errors
    /// As [`Flow::log_prob_given`].
    pub fn decode_given<'c>(
        &self,
        z: &Tensor<T>,
        condition: impl Into<Option<&'c Tensor<T>>>,
    ) -> Result<Tensor<T>, InputError> {
        self.by_batches(z, condition.into(), &self.event, |z, cx| self.bijection.to_data(z, cx).value)
    }

    fn by_batches(
        &self,
        x: &Tensor<T>,
        condition: Option<&Tensor<T>>,
        row: &[usize],
        f: impl Fn(&Var<T>, Context<'_, T>) -> Var<T>,
    ) -> Result<Tensor<T>, InputError> {
        self.check(x)?;
        let count = x.shape()[0];
        self.check_condition(count, condition)?;
        let mut out = Tensor::zeros(rows(count, row));
        let width = row.iter().product::<usize>();
        let batch = rows_per_batch(self.dims());
        for start in (0..count).step_by(batch) {
            let end = (start + batch).min(count);
            let condition = condition.map(|condition| Var::from(condition.rows(start..end)));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let y = f(&Var::from(x.rows(start..end)), cx);
            out.as_mut_slice()[start * width..end * width].copy_from_slice(y.value().as_slice());
        }
        Ok(out)
    }

    fn check_condition(&self, count: usize, condition: Option<&Tensor<T>>) -> Result<(), InputError> {
        let features = self.condition;
        match condition {
            None if features == 0 => Ok(()),
            None => Err(InputError::NoCondition { features }),
            Some(_) if features == 0 => Err(InputError::Unconditional),
            Some(condition) => {
                let (expected, found) = (Shape::from([count, features]), condition.shape().clone());
                if found != expected {
                    return Err(InputError::Condition { expected, found });
                }
                finite(condition, features)
            }
        }
    }

    /// Checks that these rows can be mapped.
    ///
    /// # Errors
    /// As [`Flow::log_prob_of`].
    pub fn check(&self, x: &Tensor<T>) -> Result<(), InputError> {
        check_rows(x, &self.event)
    }
}

/// The shape of some rows.
fn rows(count: usize, row: &[usize]) -> Shape {
    std::iter::once(count).chain(row.iter().copied()).collect()
}

/// Checks that these are finite rows of this shape.
pub(crate) fn check_rows<T: Real>(x: &Tensor<T>, event: &Shape) -> Result<(), InputError> {
    let found = Shape::new(x.shape().get(1..).unwrap_or(&[]));
    if found != *event || x.shape().rank() == 0 {
        return Err(InputError::Shape { expected: event.clone(), found });
    }
    finite(x, event.elements().max(1))
}

/// Names the first value that is not finite, in rows of `width` values.
fn finite<T: Real>(rows: &Tensor<T>, width: usize) -> Result<(), InputError> {
    match rows.as_slice().iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let value = rows.as_slice()[at].to_f64();
            Err(InputError::NotFinite { row: at / width, element: at % width, value })
        }
    }
}

impl<T: Real> Module<T> for Flow<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.bijection.visit(visitor);
        visitor.part("base", self.base.as_ref());
        if let Some(dequantizer) = &self.dequantizer {
            visitor.part("dequantizer", dequantizer.as_ref());
        }
    }
}

/// Bits per dimension of a discrete value with L `levels`, from the log-density (nats) of its dequantized value u,
/// scaled to [0, 1]. Pixels have 256 levels.
///
/// <!-- bits/dim = log₂ L − log p(u)/(D log 2),   u ∈ [0, 1]ᴰ,   L = 256 -->
#[doc = include_str!("../formulas/bits-per-dim.html")]
pub fn bits_per_dim(log_prob: f64, dims: usize, levels: f64) -> f64 {
    levels.log2() - log_prob / (dims as f64 * LN_2)
}
