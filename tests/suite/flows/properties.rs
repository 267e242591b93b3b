//! The properties, each over every entry of the registry. Those of one map alone, as it is and inverted:
//!
//! ```text
//! FLOW_ENTRY="coupling, affine" cargo test -p tests --test properties
//! ```

use super::registry::{Domain, Entry, Sizes, Subject, entries};
use autograd::Shape;
use flows::check::{self, Direction, Violation};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// How far parameters are moved from their start. With several scalings in a row each moves less, so their product moves
/// about as far: where a Jacobian's condition number is 1e5, neither single precision nor differences have digits left.
fn away(entry: &Entry, sizes: &Sizes) -> f64 {
    0.7 / entry.scalings(sizes).sqrt()
}

/// The draws: the same in each run, so everyone sees the same failures; another value of `FLOW_CASES` gives others.
/// (A kink near a point can mislead differences, and a test that fails once in a hundred runs teaches people to run it
/// again.)
fn draws(config: ProptestConfig) -> TestRunner {
    let number = std::env::var("FLOW_CASES").ok().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Tests a property of every entry at drawn sizes and values, and names every entry that fails.
fn hold(property: impl Fn(&Entry, &Sizes, &Subject) -> Result<(), Violation>) {
    let failure = |entry: Entry| {
        let config = ProptestConfig { cases: entry.draws(), failure_persistence: None, ..ProptestConfig::default() };
        let outcome = draws(config).run(&entry.sizes(), |sizes| {
            let subject = entry.subject(&sizes, away(&entry, &sizes));
            property(&entry, &sizes, &subject).map_err(|violation| TestCaseError::fail(violation.to_string()))
        });
        outcome.err().map(|error| format!("{}: {error}", entry.title()))
    };
    let failures: Vec<String> = entries().into_iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn log_det_agrees_with_a_jacobian_by_differences() {
    hold(|_, _, subject| check::log_det_by_differences(&subject.case(), 1e-7).map(drop));
}

#[test]
fn log_det_agrees_with_the_tapes_jacobian() {
    hold(|_, _, subject| check::log_det_by_tape(&subject.case(), 1e-9).map(drop));
}

#[test]
fn round_trips_return_to_their_start() {
    hold(|_, _, subject| check::round_trip(&subject.case(), 1e-9).map(drop));
}

#[test]
fn log_dets_of_both_directions_cancel() {
    hold(|_, _, subject| check::log_dets_cancel(&subject.case(), 1e-9).map(drop));
}

#[test]
fn jacobians_are_0_where_promised() {
    hold(|entry, sizes, subject| check::zeros(&subject.case(), &entry.structure(sizes), 1e-9).map(drop));
}

#[test]
fn samples_do_not_depend_on_their_batch() {
    hold(|_, _, subject| check::independent_samples(&subject.case(), 1e-12).map(drop));
}

#[test]
fn gradients_by_parameters_agree_with_differences() {
    hold(|_, sizes, subject| check::parameter_gradient(&subject.case(), 1e-6, sizes.seed).map(drop));
}

#[test]
fn gradients_by_the_input_agree_with_differences() {
    hold(|_, sizes, subject| check::input_gradient(&subject.case(), 1e-6, sizes.seed).map(drop));
}

#[test]
fn gradients_of_log_p_agree_with_differences() {
    hold(|_, sizes, subject| {
        check::flow_gradient(&subject.wide, &subject.x, subject.condition.as_ref(), 1e-6, sizes.seed).map(drop)
    });
}

#[test]
fn single_precision_follows_double() {
    hold(|_, _, subject| check::precision(&subject.case(), subject.narrow.bijection(), 2e-4).map(drop));
}

#[test]
fn far_inputs_have_finite_answers() {
    hold(far);
}

#[test]
fn extreme_parameters_have_finite_answers() {
    // exp(30·N(0, 1)) fits f64, and exp(8·N(0, 1)) fits f32. The product of several such numbers does not, so each of
    // several scalings gets its share.
    hold(|entry, sizes, _| far(entry, sizes, &entry.subject(sizes, 30.0 / entry.scalings(sizes))));
    hold(|entry, sizes, _| far_narrow(entry, sizes, &entry.subject(sizes, 8.0 / entry.scalings(sizes))));
}

/// The domain and the shape of each direction's input.
fn sides(entry: &Entry, sizes: &Sizes) -> [(Direction, Domain, Shape); 2] {
    let ((data, latents), (data_shape, latent_shape)) = (entry.domains(), entry.shapes(sizes));
    [(Direction::ToLatent, data, data_shape), (Direction::ToData, latents, latent_shape)]
}

/// Data and latents at the ends of their domains, in `f64`.
fn far(entry: &Entry, sizes: &Sizes, subject: &Subject) -> Result<(), Violation> {
    let mut rng = super::rng(sizes.seed ^ 2);
    for (direction, domain, shape) in sides(entry, sizes) {
        let points = domain.far(&shape, &mut rng);
        check::finite(subject.wide.bijection(), direction, &points, subject.condition.as_ref())?;
    }
    Ok(())
}

/// The same in `f32`.
fn far_narrow(entry: &Entry, sizes: &Sizes, subject: &Subject) -> Result<(), Violation> {
    let condition = subject.condition.as_ref().map(autograd::Tensor::cast);
    let mut rng = super::rng(sizes.seed ^ 2);
    for (direction, domain, shape) in sides(entry, sizes) {
        let points = domain.far(&shape, &mut rng).cast();
        check::finite(subject.narrow.bijection(), direction, &points, condition.as_ref())?;
    }
    Ok(())
}

#[test]
fn checks_leave_parameters_as_they_were() {
    for entry in entries() {
        let sizes = entry.typical(5);
        let subject = entry.subject(&sizes, away(&entry, &sizes));
        let before = super::param_bits(&subject.wide);
        check::all(&subject.case(), &check::Options::default()).unwrap();
        assert_eq!(super::param_bits(&subject.wide), before, "{}", entry.title());
    }
}

#[test]
fn everything_with_parameters_is_away_from_the_identity() {
    // At an initial rescaling or a coupling of zeros the properties above would prove nothing.
    for entry in entries() {
        let sizes = entry.typical(11);
        let (moved, start) = (entry.subject(&sizes, away(&entry, &sizes)), entry.subject(&sizes, 0.0));
        let trainable = moved.wide.bijection().params().iter().any(|(_, param)| param.is_trainable());
        let encoded = |subject: &Subject| subject.wide.encode_given(&moved.x, moved.condition.as_ref()).unwrap();
        let [there, before] = [&moved, &start].map(encoded);
        assert_eq!(trainable, autograd::check::max_error(&there, &before) > 1e-3, "{}", entry.title());
    }
}
