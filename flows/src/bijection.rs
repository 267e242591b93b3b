//! The trait that every map implements, and how maps combine.

use crate::{Module, Noise, Visitor, parameters};
use autograd::{Real, Tensor, Var};
use std::{fmt::Debug, sync::Arc};

/// Whether a map is being trained. Layers with batch statistics behave differently then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Training.
    Train,
    /// Evaluation and sampling.
    #[default]
    Evaluate,
}

/// What a map may depend on in addition to its input.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, T: Real> {
    /// A condition for each row, `[batch, features]`, such as a one-hot class.
    pub condition: Option<&'a Var<T>>,
    /// Training or evaluation.
    pub mode: Mode,
    /// Noise for layers that add some. Without it they add none.
    pub noise: Option<Noise>,
}

impl<T: Real> Default for Context<'_, T> {
    fn default() -> Self {
        Self { condition: None, mode: Mode::Evaluate, noise: None }
    }
}

impl<'a, T: Real> Context<'a, T> {
    /// Training, with this noise.
    pub fn training(noise: Noise) -> Self {
        Self { mode: Mode::Train, noise: Some(noise), ..Self::default() }
    }

    /// Evaluation, with this noise.
    pub fn evaluation(noise: Noise) -> Self {
        Self { noise: Some(noise), ..Self::default() }
    }

    /// The same with this condition, `[batch, features]`.
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
    /// A result with the same log-determinant for every sample.
    pub fn with_constant(value: Var<T>, log_det: f64) -> Self {
        let log_det = value.constant_like(Tensor::full([value.extent(0)], T::from_f64(log_det)));
        Self { value, log_det }
    }

    /// A result of a volume-preserving map.
    pub fn volume_preserving(value: Var<T>) -> Self {
        Self::with_constant(value, 0.0)
    }
}

/// An invertible map between data `x` and latent `z`, both `[batch, …]`.
///
/// Both f and f⁻¹ of the change of variables, each with its own log-determinant. A [`Flow`](crate::Flow) adds the
/// density of z.
///
/// In evaluation, rows do not depend on each other. Both directions are differentiable with respect to their input and
/// the parameters.
pub trait Bijection<T: Real>: Module<T> + Debug + Send + Sync {
    /// x → z, the lecture's f⁻¹. `log_det` is `log|det ∂z/∂x|`, shape `[batch]`.
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T>;

    /// z → x, the lecture's f. `log_det` is `log|det ∂x/∂z|`, shape `[batch]`.
    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T>;

    /// Sets the parameters that are initialized from data, given a first batch, and returns its latents. Most maps have
    /// none.
    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        self.to_latent(x, cx).value
    }

    /// Adds a batch of training data, after `seen` others, to the statistics for evaluation, and returns its latents.
    /// Only layers with batch statistics have any: see [`crate::Flow::calibrate`].
    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, _seen: u64) -> Var<T> {
        self.to_latent(x, cx).value
    }

    /// The smallest and the largest value that an element of x can have, if the map is not over the whole real line.
    /// What [`Bijection::to_data`] returns lies between them.
    fn support(&self) -> Option<[T; 2]> {
        None
    }

    /// The maps that this one is made of, in the order in which data pass through them. None if it is not a [`Chain`].
    fn layers(&self) -> &[Box<dyn Bijection<T>>] {
        &[]
    }
}

/// Maps one after another: data enter the first, and latents leave the last.
///
/// `f⁻¹ = f_K⁻¹ ∘ … ∘ f₁⁻¹`, and the log-determinants add up.
#[derive(Debug)]
pub struct Chain<T: Real> {
    layers: Vec<Box<dyn Bijection<T>>>,
}

impl<T: Real> Chain<T> {
    /// The layers in the order in which data pass through them.
    pub fn new(layers: Vec<Box<dyn Bijection<T>>>) -> Self {
        Self { layers }
    }
}

/// Maps a batch through layers, adding up log-determinants.
pub(crate) fn through<'a, T: Real, B: 'a>(
    start: &Var<T>,
    layers: impl Iterator<Item = &'a B>,
    step: impl Fn(&'a B, &Var<T>) -> Mapped<T>,
) -> Mapped<T> {
    layers.fold(Mapped::volume_preserving(start.clone()), |before, layer| {
        let Mapped { value, log_det } = step(layer, &before.value);
        Mapped { value, log_det: before.log_det + log_det }
    })
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

    fn support(&self) -> Option<[T; 2]> {
        self.layers.first().and_then(|layer| layer.support())
    }

    fn layers(&self) -> &[Box<dyn Bijection<T>>] {
        &self.layers
    }
}

parameters!(Chain: layers);

/// A pointer to a map is a map.
macro_rules! pointers {
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

                fn support(&self) -> Option<[T; 2]> {
                    self.as_ref().support()
                }

                fn layers(&self) -> &[Box<dyn Bijection<T>>] {
                    self.as_ref().layers()
                }
            }
        )*
    };
}

pointers!(Box, Arc);

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
