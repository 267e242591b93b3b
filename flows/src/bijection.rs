//! The trait every map implements, and the two ways maps combine.

use crate::module::{Module, Visitor};
use crate::noise::Noise;
use autograd::{Real, Tensor, Var};
use std::fmt::Debug;
use std::sync::Arc;

/// Whether a map is being trained or used. Layers with batch statistics differ between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Training.
    Train,
    /// Evaluation and sampling.
    #[default]
    Evaluate,
}

/// What a map may depend on besides its input.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, T: Real> {
    /// A condition for each row, `[batch, features]`: a class as one-hot numbers, a side vector.
    pub condition: Option<&'a Var<T>>,
    /// Training or evaluation.
    pub mode: Mode,
    /// Noise for layers that add some; without it they add none.
    pub noise: Option<Noise>,
}

impl<T: Real> Default for Context<'_, T> {
    fn default() -> Self {
        Self { condition: None, mode: Mode::Evaluate, noise: None }
    }
}

impl<'a, T: Real> Context<'a, T> {
    /// Training, with this noise.
    #[must_use]
    pub fn training(noise: Noise) -> Self {
        Self { mode: Mode::Train, noise: Some(noise), ..Self::default() }
    }

    /// Evaluation, with this noise.
    #[must_use]
    pub fn evaluation(noise: Noise) -> Self {
        Self { noise: Some(noise), ..Self::default() }
    }

    /// The same with a condition, `[batch, features]`.
    #[must_use]
    pub fn given(self, condition: &'a Var<T>) -> Self {
        Self { condition: Some(condition), ..self }
    }
}

/// A mapped batch, and the map's log-determinant for each sample.
#[derive(Clone, Debug)]
pub struct Mapped<T: Real> {
    /// The result, `[batch, …]`.
    pub value: Var<T>,
    /// `log|det|` of the map's Jacobian in the direction in which it was called, shape `[batch]`.
    pub log_det: Var<T>,
}

impl<T: Real> Mapped<T> {
    /// A result whose log-determinant is the same number for every sample.
    #[must_use]
    pub fn with_constant(value: Var<T>, log_det: f64) -> Self {
        let log_det = value.constant_like(Tensor::full([value.extent(0)], T::from_f64(log_det)));
        Self { value, log_det }
    }

    /// A result of a map that keeps volumes.
    #[must_use]
    pub fn volume_preserving(value: Var<T>) -> Self {
        Self::with_constant(value, 0.0)
    }
}

/// An invertible map between data `x` and latent `z`, both `[batch, …]`.
///
/// Of the change of variables it has both f and f⁻¹, each with its own log-determinant; a [`Flow`](crate::Flow) adds
/// the density of z:
///
/// <!-- log p(x) = log p_Z(f⁻¹(x)) + log|det ∂f⁻¹(x)/∂x| -->
#[doc = include_str!("../formulas/change-of-variables.html")]
///
/// Rows are mapped independently of each other in evaluation. Both directions are differentiable
/// in their input and in the parameters.
pub trait Bijection<T: Real>: Module<T> + Debug + Send + Sync {
    /// x → z, the lecture's f⁻¹. `log_det` is `log|det ∂z/∂x|`, shape `[batch]`.
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T>;

    /// z → x, the lecture's f. `log_det` is `log|det ∂x/∂z|`, shape `[batch]`.
    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T>;

    /// Sets parameters that start from data, given a first batch, and returns its latents.
    /// Most maps have none.
    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        self.to_latent(x, cx).value
    }

    /// Takes a further batch of training data into the statistics that evaluation uses, after `seen`
    /// others, and returns its latents. Only layers with batch statistics have any: see
    /// [`crate::Flow::calibrate`].
    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, _seen: u64) -> Var<T> {
        self.to_latent(x, cx).value
    }
}

/// Maps one after another: data enters the first and leaves the last as latent.
///
/// `f⁻¹ = f_K⁻¹ ∘ … ∘ f₁⁻¹`, and the log-determinants add up.
#[derive(Debug)]
pub struct Chain<T: Real> {
    layers: Vec<Box<dyn Bijection<T>>>,
}

impl<T: Real> Chain<T> {
    /// The layers in the order in which data passes them.
    #[must_use]
    pub fn new(layers: Vec<Box<dyn Bijection<T>>>) -> Self {
        Self { layers }
    }

    /// The layers in the order in which data passes them.
    #[must_use]
    pub fn layers(&self) -> &[Box<dyn Bijection<T>>] {
        &self.layers
    }
}

/// Carries a batch through maps, adding up log-determinants.
fn through<'a, T: Real, B: 'a>(
    start: &Var<T>,
    layers: impl Iterator<Item = &'a B>,
    step: impl Fn(&'a B, &Var<T>) -> Mapped<T>,
) -> Mapped<T> {
    let mut carried = Mapped::volume_preserving(start.clone());
    for layer in layers {
        let Mapped { value, log_det } = step(layer, &carried.value);
        carried = Mapped { value, log_det: carried.log_det + log_det };
    }
    carried
}

impl<T: Real> Bijection<T> for Chain<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        through(x, self.layers.iter(), |layer, x| layer.to_latent(x, cx))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        through(z, self.layers.iter().rev(), |layer, z| layer.to_data(z, cx))
    }

    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        self.layers.iter().fold(x.clone(), |x, layer| layer.initialize(&x, cx))
    }

    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, seen: u64) -> Var<T> {
        self.layers.iter().fold(x.clone(), |x, layer| layer.calibrate(&x, cx, seen))
    }
}

impl<T: Real> Module<T> for Chain<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (i, layer) in self.layers.iter().enumerate() {
            visitor.part(format_args!("layers.{i}"), layer.as_ref());
        }
    }
}

/// What points at a map maps as it does.
macro_rules! as_what_it_points_at {
    ($($pointer:ident),*) => {
        $(
            impl<T: Real, B: Bijection<T> + ?Sized> Bijection<T> for $pointer<B> {
                fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
                    self.as_ref().to_latent(x, cx)
                }

                fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
                    self.as_ref().to_data(z, cx)
                }

                fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
                    self.as_ref().initialize(x, cx)
                }

                fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, seen: u64) -> Var<T> {
                    self.as_ref().calibrate(x, cx, seen)
                }
            }
        )*
    };
}

as_what_it_points_at!(Box, Arc);

/// A map with its directions exchanged: how a MAF becomes an IAF.
#[derive(Debug)]
pub struct Inverted<B>(pub B);

impl<T: Real, B: Bijection<T>> Bijection<T> for Inverted<B> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.0.to_data(x, cx)
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.0.to_latent(z, cx)
    }
}

impl<T: Real, B: Module<T>> Module<T> for Inverted<B> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.0.visit(visitor);
    }
}
