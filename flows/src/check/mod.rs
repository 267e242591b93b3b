//! Properties that every bijection has, as functions that check one: ours, or one of your own.
//!
//! A map is checked at a [`Case`]: the map, a batch of data, and perhaps latents and a condition. [`all`] checks
//! everything. Each property also has its own function, which returns the worst error it found, or a [`Violation`]
//! that says where, in which direction, and by how much.
//!
//! | property | function |
//! |---|---|
//! | the log-determinant is that of a finite-difference Jacobian | [`log_det_by_differences`] |
//! | it is that of the tape's Jacobian | [`log_det_by_tape`] |
//! | the two directions invert each other; their log-determinants cancel | [`round_trip`], [`log_dets_cancel`] |
//! | the Jacobian is 0 where that is promised | [`zeros`] |
//! | a sample does not depend on the rest of its batch | [`independent_samples`] |
//! | gradients with respect to parameters and input | [`parameter_gradient`], [`input_gradient`], [`flow_gradient`] |
//! | `f32` agrees with `f64` | [`precision`], with [`copy_params`] |
//! | results are finite far out | [`finite`] |
//!
//! Parameters often start where a map is the identity, and there nearly any mistake passes: call [`randomize`] first.
//! [`measure`] returns the sizes of the errors instead of a verdict, for models too large for a fixed tolerance.
//!
//! ```
//! use autograd::{Param, Real, Tensor, Var};
//! use flows::check::{self, Case, Direction, Options, Property};
//! use flows::{Bijection, Context, Mapped, Module, Visitor};
//!
//! /// z = eˢ·x, with one s for all dimensions.
//! #[derive(Debug)]
//! struct Zoom<T: Real>(Param<T>);
//!
//! impl<T: Real> Module<T> for Zoom<T> {
//!     fn visit(&self, visitor: &mut Visitor<T>) {
//!         visitor.param("s", &self.0);
//!     }
//! }
//!
//! impl<T: Real> Bijection<T> for Zoom<T> {
//!     fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
//!         let s = self.0.on(x);
//!         let dims = x.extent(1) as f64; // leave this factor out, and see what `all` says
//!         Mapped { value: x * s.exp(), log_det: s.scale(dims).broadcast_to([x.extent(0)]) }
//!     }
//!
//!     fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
//!         let s = self.0.on(z).scale(-1.0);
//!         let dims = z.extent(1) as f64;
//!         Mapped { value: z * s.exp(), log_det: s.scale(dims).broadcast_to([z.extent(0)]) }
//!     }
//! }
//!
//! let map = Zoom(Param::new(Tensor::scalar(0.7)));
//! let x = Tensor::from_slice([2, 3], &[0.3, -1.0, 2.5, 0.0, 0.8, -0.4]);
//! check::all(&Case::new(&map, x.clone()), &Options::default()).unwrap();
//!
//! // A mistake: the log-determinant of one dimension instead of three.
//! # #[derive(Debug)]
//! # struct Wrong(Zoom<f64>);
//! # impl Module<f64> for Wrong { fn visit(&self, visitor: &mut Visitor<f64>) { self.0.visit(visitor) } }
//! # impl Bijection<f64> for Wrong {
//! #     fn to_latent(&self, x: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
//! #         let Mapped { value, log_det } = self.0.to_latent(x, cx);
//! #         Mapped { value, log_det: log_det.scale(1.0 / 3.0) }
//! #     }
//! #     fn to_data(&self, z: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> { self.0.to_data(z, cx) }
//! # }
//! # let wrong = Wrong(map);
//! let found = check::all(&Case::new(&wrong, x), &Options::default()).unwrap_err();
//! assert_eq!(found.property, Property::LogDetByDifferences);
//! assert_eq!(found.direction, Direction::ToLatent);
//! ```

mod batch;
mod case;
mod differences;
mod finite;
mod gradient;
mod log_det;
mod measure;
mod params;
mod precision;
mod round_trip;
mod scaled;
mod structure;
mod violation;

pub use batch::independent_samples;
pub use case::{Case, Direction};
pub use finite::finite;
pub use gradient::{flow_gradient, input_gradient, parameter_gradient};
pub use log_det::{log_det_by_differences, log_det_by_tape};
pub use measure::{Measured, measure};
pub use params::{CopyError, copy_params, randomize, randomize_with};
pub use precision::precision;
pub use round_trip::{log_dets_cancel, round_trip};
pub use structure::{Structure, zeros};
pub use violation::{Property, Violation};

use autograd::Tensor;

/// The tolerances of [`all`], relative to `max(1, |expected|)`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Log-determinant against a finite-difference Jacobian.
    pub differences: f64,
    /// Log-determinant against the tape's Jacobian.
    pub tape: f64,
    /// x → z → x and z → x → z.
    pub round_trip: f64,
    /// The sum of the two directions' log-determinants.
    pub cancel: f64,
    /// Entries of the Jacobian that are promised to be 0.
    pub zeros: f64,
    /// A sample alone against the same sample in a batch.
    pub samples: f64,
    /// Gradients against differences.
    pub gradient: f64,
    /// Which entries of the Jacobian are promised to be 0.
    pub structure: Structure,
    /// Data far out, for which results must be finite. None by default.
    pub far_data: Option<Tensor<f64>>,
    /// Latents far out, likewise.
    pub far_latents: Option<Tensor<f64>>,
    /// The seed of the random directions.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            differences: 1e-7,
            tape: 1e-9,
            round_trip: 1e-9,
            cancel: 1e-9,
            zeros: 1e-9,
            samples: 1e-12,
            gradient: 1e-6,
            structure: Structure::Dense,
            far_data: None,
            far_latents: None,
            seed: 0,
        }
    }
}

/// Checks every property of one map in one element type, and returns the worst error of each.
///
/// # Errors
/// The first property that does not hold.
///
/// # Panics
/// If there are not as many far inputs as rows of the case's condition.
pub fn all(case: &Case<'_>, options: &Options) -> Result<Vec<(Property, f64)>, Violation> {
    let mut found = vec![
        (Property::LogDetByDifferences, log_det_by_differences(case, options.differences)?),
        (Property::LogDetByTape, log_det_by_tape(case, options.tape)?),
        (Property::RoundTrip, round_trip(case, options.round_trip)?),
        (Property::LogDetsCancel, log_dets_cancel(case, options.cancel)?),
        (Property::Zeros, zeros(case, &options.structure, options.zeros)?),
        (Property::IndependentSamples, independent_samples(case, options.samples)?),
        (Property::InputGradient, input_gradient(case, options.gradient, options.seed)?),
        (Property::ParameterGradient, parameter_gradient(case, options.gradient, options.seed)?),
    ];
    for (direction, far) in [(Direction::ToLatent, &options.far_data), (Direction::ToData, &options.far_latents)] {
        if let Some(far) = far {
            finite(case.map, direction, far, case.condition.as_ref())?;
            found.push((Property::Finite, 0.0));
        }
    }
    Ok(found)
}
