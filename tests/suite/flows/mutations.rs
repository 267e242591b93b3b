//! Tests of the harness: maps with one planted mistake each, and the properties that must find it.

use autograd::{Param, Real, Tensor, Var};
use flows::check::Property::{
    self, Finite, IndependentSamples, InputGradient, LogDetByDifferences, LogDetByTape, LogDetsCancel,
    ParameterGradient, Precision, RoundTrip, Shapes, Zeros,
};
use flows::check::{self, Case, Direction, Options, Structure, Violation, copy_params};
use flows::{Bijection, Context, Mapped, Module, Visitor};

/// A mistake in an affine coupling that is otherwise correct.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// The log-determinants of both directions have the wrong sign, so that they still cancel.
    WrongSign,
    /// The last dimension's term is missing from both log-determinants, so that they still cancel.
    ForgottenTerm,
    /// The half that is read is one dimension too large, consistently.
    SplitOffByOne,
    /// The mask lets a dimension depend on itself through the network.
    MaskOffByOne,
    /// The batch's mean is added.
    BatchLeak,
    /// The same without a gradient, as running statistics would.
    DetachedBatchLeak,
    /// One infinite or NaN sample spoils all others.
    BatchPoison,
    /// `to_data` is off by one part in a million.
    NotQuiteInverse,
    /// Only the log-determinants do not quite cancel.
    NotQuiteCancelling,
    /// The log-determinant is correct in value and has no gradient.
    DetachedLogDet,
    /// The value is correct, but its gradient misses the shift's network.
    DetachedShift,
    /// Single precision loses digits that double keeps.
    Cancellation,
    /// Overflows far out.
    Overflow,
    /// One log-determinant for the whole batch.
    LogDetShape,
}

/// The affine coupling `z₂ = x₂·exp(s(x₁)) + t(x₁)` of four dimensions, two of them read, with a flaw.
#[derive(Debug)]
struct Coupling<T: Real> {
    scale: Param<T>,
    shift: Param<T>,
    flaw: Flaw,
}

const DIMS: usize = 4;

impl<T: Real> Coupling<T> {
    fn new(flaw: Flaw) -> Self {
        let weight = |from: usize| Param::new(Tensor::from_fn([DIMS, DIMS], |i| T::from_f64(entry(from + i))));
        Self { scale: weight(0), shift: weight(100), flaw }
    }

    fn read(&self) -> usize {
        if self.flaw == Flaw::SplitOffByOne { 3 } else { 2 }
    }

    /// A network's output for every dimension: `tanh(W·x)` of what is read, 0 where nothing changes.
    fn net(&self, x: &Var<T>, weight: &Param<T>) -> Var<T> {
        let read = self.read();
        let seen = if self.flaw == Flaw::MaskOffByOne { read + 1 } else { read };
        let inputs = x.constant_like(Tensor::from_fn([DIMS], |i| T::from_f64(f64::from(u8::from(i < seen)))));
        let outputs = x.constant_like(Tensor::from_fn([DIMS], |i| T::from_f64(f64::from(u8::from(i >= read)))));
        (x * inputs).matmul_t(&weight.on(x)).tanh() * outputs
    }

    /// The scales' logarithms and the shifts.
    fn coefficients(&self, x: &Var<T>) -> (Var<T>, Var<T>) {
        let s = self.net(x, &self.scale).scale(0.5);
        let mut t = self.net(x, &self.shift);
        t = match self.flaw {
            Flaw::BatchLeak => t + x.mean(&[0]).scale(1e-3),
            Flaw::DetachedBatchLeak => t + x.mean(&[0]).scale(1e-3).detach(),
            Flaw::BatchPoison => t + x.sum_all().scale(0.0),
            Flaw::DetachedShift => t.detach(),
            _ => t,
        };
        (s, t)
    }

    fn log_det(&self, s: &Var<T>) -> Var<T> {
        match self.flaw {
            Flaw::WrongSign => -s.sum_per_sample(),
            Flaw::ForgottenTerm => s.slice(1, 0..DIMS - 1).sum_per_sample(),
            Flaw::DetachedLogDet => s.sum_per_sample().detach(),
            Flaw::LogDetShape => s.sum_all(),
            _ => s.sum_per_sample(),
        }
    }
}

/// Varied values between −1 and 1.
pub(super) fn entry(i: usize) -> f64 {
    (1.0 + 2.7 * i as f64).sin()
}

impl<T: Real> Bijection<T> for Coupling<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let (s, t) = self.coefficients(x);
        let value = x * s.exp() + t;
        let value = match self.flaw {
            Flaw::Cancellation => value.shift(1e5).shift(-1e5),
            Flaw::Overflow => value.exp().ln(),
            _ => value,
        };
        Mapped { value, log_det: self.log_det(&s) }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let (s, t) = self.coefficients(z);
        let value = (z - t) * (-&s).exp();
        let log_det = -self.log_det(&s);
        match self.flaw {
            Flaw::NotQuiteInverse => Mapped { value: value.scale(1.0 + 1e-6), log_det },
            Flaw::NotQuiteCancelling => Mapped { value, log_det: log_det.scale(1.0 + 1e-6) },
            _ => Mapped { value, log_det },
        }
    }
}

impl<T: Real> Module<T> for Coupling<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("scale", &self.scale);
        visitor.param("shift", &self.shift);
    }
}

fn data() -> Tensor<f64> {
    Tensor::from_fn([3, DIMS], |i| 1.5 * entry(200 + i))
}

fn promised() -> Structure {
    Structure::Coupling { read: vec![0, 1] }
}

/// A flawed map, given to the harness.
fn suspected<R>(flaw: Flaw, of: impl FnOnce(&Suspect<'_>) -> R) -> R {
    let (map, narrow) = (Coupling::<f64>::new(flaw), Coupling::<f32>::new(flaw));
    of(&Suspect { map: &map, narrow: &narrow, data: data(), promised: promised() })
}

/// The result of one property for a flawed map.
fn verdict(flaw: Flaw, property: Property) -> Result<f64, Violation> {
    suspected(flaw, |suspect| suspect.verdict(property))
}

/// A map that may be flawed, in both element types, with the data to test it at.
pub(super) struct Suspect<'a> {
    pub(super) map: &'a dyn Bijection<f64>,
    pub(super) narrow: &'a dyn Bijection<f32>,
    pub(super) data: Tensor<f64>,
    pub(super) promised: Structure,
}

impl Suspect<'_> {
    /// The result of one property.
    fn verdict(&self, property: Property) -> Result<f64, Violation> {
        let &Self { map, narrow, .. } = self;
        copy_params(map, narrow).unwrap();
        let options = Options::default();
        let case = Case::new(map, self.data.clone());
        match property {
            Shapes | LogDetByDifferences => check::log_det_by_differences(&case, options.differences),
            LogDetByTape => check::log_det_by_tape(&case, options.tape),
            RoundTrip => check::round_trip(&case, options.round_trip),
            LogDetsCancel => check::log_dets_cancel(&case, options.cancel),
            Zeros => check::zeros(&case, &self.promised, options.zeros),
            IndependentSamples => check::independent_samples(&case, options.samples),
            InputGradient => check::input_gradient(&case, options.gradient, 0),
            ParameterGradient => check::parameter_gradient(&case, options.gradient, 0),
            Precision => check::precision(&case, narrow, 1e-5),
            Finite => {
                let far = Tensor::from_fn(self.data.shape(), |i| 1e4 * entry(i));
                check::finite(map, Direction::ToLatent, &far, None).map(|()| 0.0)
            }
        }
    }

    /// The properties that it lacks, each with its violation.
    #[track_caller]
    pub(super) fn found_by(&self) -> Vec<Property> {
        let fails = |&property: &Property| match self.verdict(property) {
            Ok(_) => false,
            Err(violation) => {
                assert_eq!(violation.property, property, "{violation}");
                true
            }
        };
        PROPERTIES.into_iter().filter(fails).collect()
    }
}

const PROPERTIES: [Property; 10] = [
    LogDetByDifferences,
    LogDetByTape,
    RoundTrip,
    LogDetsCancel,
    Zeros,
    IndependentSamples,
    InputGradient,
    ParameterGradient,
    Precision,
    Finite,
];

/// Asserts that exactly these properties find a flaw.
#[track_caller]
fn seen_by(flaw: Flaw, expected: &[Property]) {
    let found = suspected(flaw, |suspect| suspect.found_by());
    assert_eq!(found, expected, "{flaw:?}");
}

#[test]
fn a_correct_map_passes_everything() {
    seen_by(Flaw::None, &[]);
    let map = Coupling::<f64>::new(Flaw::None);
    let options = Options { structure: promised(), far_data: Some(data()), ..Options::default() };
    let report = check::all(&Case::new(&map, data()), &options).unwrap();
    assert_eq!(report.len(), 9);
}

#[test]
fn a_wrong_sign_shows_in_the_log_det_though_the_directions_cancel() {
    seen_by(Flaw::WrongSign, &[LogDetByDifferences, LogDetByTape]);
}

#[test]
fn a_forgotten_term_shows_in_the_log_det_though_the_directions_cancel() {
    seen_by(Flaw::ForgottenTerm, &[LogDetByDifferences, LogDetByTape]);
}

#[test]
fn a_split_off_by_one_shows_in_the_zeros_alone() {
    // It is a bijection with the correct log-determinant, but not the one that was promised.
    seen_by(Flaw::SplitOffByOne, &[Zeros]);
    let found = verdict(Flaw::SplitOffByOne, Zeros).unwrap_err();
    // Output 3 now reads input 2.
    assert!(found.to_string().contains("the derivative of output 3 by input 2"), "{found}");
}

#[test]
fn a_mask_off_by_one_shows_in_log_det_and_round_trip() {
    seen_by(Flaw::MaskOffByOne, &[LogDetByDifferences, LogDetByTape, RoundTrip, LogDetsCancel, Zeros]);
}

#[test]
fn a_leak_within_the_batch_shows() {
    for flaw in [Flaw::BatchLeak, Flaw::DetachedBatchLeak, Flaw::BatchPoison] {
        let found = verdict(flaw, IndependentSamples).unwrap_err();
        assert_eq!(found.property, IndependentSamples, "{flaw:?}: {found}");
    }
    seen_by(Flaw::BatchPoison, &[IndependentSamples]);
}

#[test]
fn a_not_quite_inverse_shows_in_round_trips() {
    // Its Jacobian is off as little, which differences still see. The inverse reads points that are off, so its
    // log-determinant differs.
    seen_by(Flaw::NotQuiteInverse, &[LogDetByDifferences, LogDetByTape, RoundTrip, LogDetsCancel]);
    seen_by(Flaw::NotQuiteCancelling, &[LogDetByDifferences, LogDetByTape, LogDetsCancel]);
    let found = verdict(Flaw::NotQuiteCancelling, LogDetByTape).unwrap_err();
    assert_eq!(found.direction, Direction::ToData);
}

#[test]
fn a_detached_log_det_shows_in_gradients_alone() {
    seen_by(Flaw::DetachedLogDet, &[InputGradient, ParameterGradient]);
    let found = verdict(Flaw::DetachedLogDet, ParameterGradient).unwrap_err();
    // The log-determinant depends on the scale, not on the shift.
    assert!(found.message.starts_with("the derivative along scale is"), "{found}");
}

#[test]
fn a_detached_value_shows_in_gradients() {
    seen_by(Flaw::DetachedShift, &[InputGradient, ParameterGradient]);
}

#[test]
fn lost_digits_show_in_single_precision_alone() {
    seen_by(Flaw::Cancellation, &[Precision]);
}

#[test]
fn an_overflow_shows_far_out_alone() {
    seen_by(Flaw::Overflow, &[Finite]);
}

#[test]
fn a_log_det_for_the_whole_batch_is_a_wrong_shape() {
    let found = verdict(Flaw::LogDetShape, LogDetByDifferences).unwrap_err();
    assert_eq!(found.to_string(), "shapes, to_latent: the log-determinant has shape [], and should have [3]");
}

#[test]
fn the_flow_level_gradient_sees_a_detached_log_det_too() {
    let of = |flaw| {
        let flow = flows::Flow::new(Coupling::<f64>::new(flaw), flows::Logistic, [DIMS]);
        check::flow_gradient(&flow, &data(), None, 1e-6, 0)
    };
    of(Flaw::None).unwrap();
    assert_eq!(of(Flaw::DetachedLogDet).unwrap_err().property, ParameterGradient);
}

#[test]
fn data_around_a_large_number_are_measured_in_their_own_spread() {
    let (center, spread) = (1e12, 1e8);
    let far = Tensor::from_fn(data().shape(), |i| center + spread * data().as_slice()[i]);
    let of = |flaw| {
        let units = flows::layers::Standardize::new(&[center; DIMS], &[spread; DIMS]);
        let map = flows::Chain::new(vec![Box::new(units), Box::new(Coupling::<f64>::new(flaw))]);
        check::measure(&Case::new(&map, far.clone()), 2).unwrap()
    };
    let right = of(Flaw::None);
    assert!(right.round_trip_x < 1e-10 && right.round_trip_z < 1e-10, "{right}");
    assert!(right.log_det_vs_difference() < 1e-6 && right.log_det_cancel_x < 1e-12, "{right}");
    let off = of(Flaw::NotQuiteInverse);
    assert!(off.round_trip_x > 1e-7 && off.log_det_to_data > 3e-6, "{off}");
}

#[test]
fn measured_errors_are_the_sizes_of_the_mistakes() {
    let of = |flaw| check::measure(&Case::new(&Coupling::<f64>::new(flaw), data()), 2).unwrap();
    let right = of(Flaw::None);
    assert_eq!((right.samples, right.differenced, right.dims), (3, 2, DIMS));
    assert!(right.round_trip_x < 1e-14 && right.round_trip_z < 1e-14, "{right}");
    assert!(right.log_det_cancel_x < 1e-14 && right.log_det_cancel_z < 1e-14, "{right}");
    assert!(right.log_det_vs_difference() < 1e-8, "{right}");
    let off = of(Flaw::NotQuiteInverse);
    // Four dimensions, each stretched by 1 + 1e-6.
    super::near(off.log_det_to_data, 4.0 * 1e-6f64.ln_1p(), 1e-8);
    assert!(off.log_det_to_latent < 1e-8 && off.log_det_cancel_x < 1e-14, "{off}");
    // In standard deviations of each dimension.
    let in_deviations = |j: usize| {
        let column: Vec<f64> = data().as_slice()[j..].iter().step_by(DIMS).copied().collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / column.len() as f64;
        column.iter().fold(0.0f64, |m, x| m.max(x.abs())) / variance.sqrt()
    };
    let largest = (0..DIMS).map(in_deviations).fold(0.0, f64::max);
    super::near(off.round_trip_x, 1e-6 * largest, 1e-12);
}
