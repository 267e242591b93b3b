//! Rows of another shape.

use crate::{Bijection, Context, Mapped, without_parameters};
use autograd::{Real, Shape, Var};

/// Reshapes rows, for example from flat rows to images for convolutions. log|det| = 0.
#[derive(Clone, Debug)]
pub struct Reshape {
    data: Shape,
    latent: Shape,
}

impl Reshape {
    /// From events of one shape to events of another.
    ///
    /// # Panics
    /// If they do not have the same number of elements.
    #[track_caller]
    pub fn new(data: impl Into<Shape>, latent: impl Into<Shape>) -> Self {
        let (data, latent) = (data.into(), latent.into());
        assert!(
            data.elements() == latent.elements(),
            "reshape: {data} and {latent} have different numbers of elements"
        );
        Self { data, latent }
    }
}

fn shaped<T: Real>(x: &Var<T>, event: &Shape) -> Mapped<T> {
    let shape: Shape = std::iter::once(x.extent(0)).chain(event.iter().copied()).collect();
    Mapped::volume_preserving(x.reshape(shape))
}

impl<T: Real> Bijection<T> for Reshape {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        shaped(x, &self.latent)
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        shaped(z, &self.data)
    }
}

without_parameters!(Reshape);
