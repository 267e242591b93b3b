//! Tests of the harness: masked couplings and normalizing layers with one planted mistake each, of the kinds that are
//! easily made in them, and the properties that must find it.

use super::mutations::{Suspect, entry};
use autograd::{Param, Real, Tensor, Var};
use flows::check::Property::{
    self, IndependentSamples, LogDetByDifferences, LogDetByTape, LogDetsCancel, RoundTrip, Zeros,
};
use flows::check::Structure;
use flows::layers::Mask;
use flows::{Bijection, Context, Mapped, Module, Visitor};

/// Channels, height and width, small enough to test every entry of the Jacobian.
const EVENT: [usize; 3] = [2, 2, 3];
const DIMS: usize = 12;

/// Elements of each channel.
const PLACES: usize = 6;

/// A mistake in the masked affine coupling `x₂ = z₂⊙exp(α(z₁)) + μ(z₁)`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// `to_data` reads what `to_latent` changes.
    MaskInvertedOneWay,
    /// The log-determinant is summed over elements that are read too, where nothing is scaled.
    LogDetOfAll,
    /// Elements that are read are shifted too.
    ShiftNotMasked,
    /// Elements that are read are scaled too.
    ScaleNotMasked,
    /// `to_data` is that of the authors' `z₂ = x₂⊙exp(−α) − μ`, `to_latent` that of the lecture.
    OtherForm,
    /// The network reads everything.
    ReadsAll,
}

#[derive(Debug)]
struct Coupling<T: Real> {
    scale: Param<T>,
    shift: Param<T>,
    flaw: Flaw,
}

impl<T: Real> Coupling<T> {
    fn new(flaw: Flaw) -> Self {
        let weight = |from: usize| Param::new(Tensor::from_fn([DIMS, DIMS], |i| T::from_f64(0.5 * entry(from + i))));
        Self { scale: weight(0), shift: weight(500), flaw }
    }

    /// Log-scales, shifts, and the log-determinant.
    fn coefficients(&self, x: &Var<T>, mask: &Mask<T>) -> [Var<T>; 3] {
        let read = if self.flaw == Flaw::ReadsAll { x.clone() } else { mask.read(x) };
        let net = |weight: &Param<T>| read.flatten().matmul_t(&weight.on(x)).tanh().reshape(x.shape());
        let (scale, shift) = (net(&self.scale).scale(0.7), net(&self.shift));
        let counted = if self.flaw == Flaw::LogDetOfAll { scale.clone() } else { mask.changed(&scale) };
        let scale = if self.flaw == Flaw::ScaleNotMasked { scale } else { mask.changed(&scale) };
        let shift = if self.flaw == Flaw::ShiftNotMasked { shift } else { mask.changed(&shift) };
        [scale, shift, counted.sum_per_sample()]
    }
}

impl<T: Real> Bijection<T> for Coupling<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [scale, shift, log_det] = self.coefficients(x, &Mask::checkerboard(EVENT, 0));
        Mapped { value: (x - shift) * (-scale).exp(), log_det: -log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let layer = usize::from(self.flaw == Flaw::MaskInvertedOneWay);
        let [scale, shift, log_det] = self.coefficients(z, &Mask::checkerboard(EVENT, layer));
        let value = match self.flaw {
            Flaw::OtherForm => (z + shift) * scale.exp(),
            _ => z * scale.exp() + shift,
        };
        Mapped { value, log_det }
    }
}

impl<T: Real> Module<T> for Coupling<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("scale", &self.scale);
        visitor.param("shift", &self.shift);
    }
}

/// A mistake in a normalizing layer over the squares of a checkerboard.
#[derive(Clone, Copy, Debug, PartialEq)]
enum NormFlaw {
    None,
    /// The log-determinant counts each feature once, not once for each element.
    PlacesForgotten,
    /// It counts elements that are not scaled too.
    PlacesOfAll,
    /// Elements that must not change are shifted.
    ShiftNotMasked,
    /// The batch's own means and variances are used in evaluation.
    BatchStatistics,
    /// The same without a gradient.
    DetachedBatchStatistics,
    /// Only the means are the batch's own.
    BatchMean,
}

/// `z = (x − mean)·γ/√variance` by channels, where the mask changes something.
#[derive(Debug)]
struct Norm<T: Real> {
    log_gamma: Param<T>,
    mean: Param<T>,
    variance: Param<T>,
    flaw: NormFlaw,
}

impl<T: Real> Norm<T> {
    fn new(flaw: NormFlaw) -> Self {
        let of = |numbers: [f64; 2]| Tensor::from_slice([2, 1, 1], &numbers.map(T::from_f64));
        let (mean, variance) = (Param::buffer(of([0.3, -0.8])), Param::buffer(of([1.7, 0.4])));
        Self { log_gamma: Param::new(of([0.5, -0.4])), mean, variance, flaw }
    }

    /// Means, log-scales and the log-determinant.
    fn coefficients(&self, x: &Var<T>, own: bool) -> [Var<T>; 3] {
        let mask = Mask::checkerboard(EVENT, 0);
        let (mut mean, mut variance) = (self.mean.on(x), self.variance.on(x));
        if own {
            let batch_mean = x.mean(&[0, 2, 3]).reshape([2, 1, 1]);
            if self.flaw != NormFlaw::BatchMean {
                variance = (x - &batch_mean).square().mean(&[0, 2, 3]).reshape([2, 1, 1]).shift(1e-5);
            }
            mean = batch_mean;
            if self.flaw == NormFlaw::DetachedBatchStatistics {
                (mean, variance) = (mean.detach(), variance.detach());
            }
        }
        let scale = self.log_gamma.on(x) - variance.ln().scale(0.5);
        let places = match self.flaw {
            NormFlaw::PlacesForgotten => 1.0,
            NormFlaw::PlacesOfAll => PLACES as f64,
            _ => PLACES as f64 / 2.0,
        };
        let log_det = scale.sum_all().scale(places).broadcast_to([x.extent(0)]);
        let ones = x.constant_like(Tensor::full(EVENT, T::ONE));
        let mean = if self.flaw == NormFlaw::ShiftNotMasked { mean * ones } else { mask.changed(&mean) };
        [mean, mask.changed(&scale), log_det]
    }
}

impl<T: Real> Bijection<T> for Norm<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let flaws = [NormFlaw::BatchStatistics, NormFlaw::DetachedBatchStatistics, NormFlaw::BatchMean];
        let [mean, scale, log_det] = self.coefficients(x, flaws.contains(&self.flaw));
        Mapped { value: (x - mean) * scale.exp(), log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [mean, scale, log_det] = self.coefficients(z, false);
        let mean = if self.flaw == NormFlaw::ShiftNotMasked {
            // In one direction only: in both, it would be another correct map.
            Mask::checkerboard(EVENT, 0).changed(&mean)
        } else {
            mean
        };
        Mapped { value: z * (-scale).exp() + mean, log_det: -log_det }
    }
}

impl<T: Real> Module<T> for Norm<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("log_gamma", &self.log_gamma);
        visitor.param("mean", &self.mean);
        visitor.param("variance", &self.variance);
    }
}

fn data() -> Tensor<f64> {
    Tensor::from_fn([3, EVENT[0], EVENT[1], EVENT[2]], |i| 1.5 * entry(1000 + i))
}

/// The elements that are read.
fn read() -> Vec<usize> {
    (0..DIMS).filter(|i| (i / 3 % 2 + i % 3) % 2 == 0).collect()
}

fn coupling_found_by(flaw: Flaw) -> Vec<Property> {
    let (map, narrow) = (Coupling::new(flaw), Coupling::new(flaw));
    let promised = Structure::Coupling { read: read() };
    Suspect { map: &map, narrow: &narrow, data: data(), promised }.found_by()
}

fn norm_found_by(flaw: NormFlaw) -> Vec<Property> {
    let (map, narrow) = (Norm::new(flaw), Norm::new(flaw));
    Suspect { map: &map, narrow: &narrow, data: data(), promised: Structure::Diagonal }.found_by()
}

#[test]
fn correct_maps_pass_everything() {
    assert_eq!(coupling_found_by(Flaw::None), []);
    assert_eq!(norm_found_by(NormFlaw::None), []);
}

#[test]
fn a_mask_inverted_one_way_shows_in_round_trips_and_zeros() {
    // Each direction alone is a correct coupling with a correct log-determinant.
    assert_eq!(coupling_found_by(Flaw::MaskInvertedOneWay), [RoundTrip, LogDetsCancel, Zeros]);
}

#[test]
fn a_log_det_summed_over_all_entries_shows_though_the_directions_cancel() {
    assert_eq!(coupling_found_by(Flaw::LogDetOfAll), [LogDetByDifferences, LogDetByTape]);
}

#[test]
fn coefficients_that_are_not_masked_show_nearly_everywhere() {
    let nearly_all = [LogDetByDifferences, LogDetByTape, RoundTrip, LogDetsCancel, Zeros];
    assert_eq!(coupling_found_by(Flaw::ShiftNotMasked), nearly_all);
    assert_eq!(coupling_found_by(Flaw::ScaleNotMasked), nearly_all);
    assert_eq!(coupling_found_by(Flaw::ReadsAll), nearly_all);
}

#[test]
fn one_form_with_the_inverse_of_another_shows_in_round_trips_alone() {
    // Both have the same log-determinant.
    assert_eq!(coupling_found_by(Flaw::OtherForm), [RoundTrip]);
}

#[test]
fn a_norm_that_miscounts_elements_shows_in_the_log_det_alone() {
    assert_eq!(norm_found_by(NormFlaw::PlacesForgotten), [LogDetByDifferences, LogDetByTape]);
    assert_eq!(norm_found_by(NormFlaw::PlacesOfAll), [LogDetByDifferences, LogDetByTape]);
}

#[test]
fn a_norms_shift_that_is_masked_one_way_shows_in_round_trips_alone() {
    assert_eq!(norm_found_by(NormFlaw::ShiftNotMasked), [RoundTrip]);
}

#[test]
fn batch_statistics_in_evaluation_show_in_dependent_samples() {
    for flaw in [NormFlaw::BatchStatistics, NormFlaw::DetachedBatchStatistics, NormFlaw::BatchMean] {
        let found = norm_found_by(flaw);
        assert!(found.contains(&IndependentSamples), "{flaw:?}: {found:?}");
    }
}
