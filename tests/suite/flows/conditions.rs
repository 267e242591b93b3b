//! Densities given a condition, and conditions that do not fit.

use super::{bits, near, rng, uniform};
use autograd::{Shape, Tensor, Var};
use flows::check::randomize;
use flows::layers::Standardize;
use flows::models::{Nice, NiceConfig};
use flows::{Context, Flow, InputError};

/// A NICE given one of three classes, away from its start.
fn conditional() -> Flow<f64> {
    let config = NiceConfig { dims: 4, couplings: 4, hidden: 7, depth: 2, condition: 3 };
    let flow = Nice::build(&config, &mut rng(1));
    randomize(&flow, 0.5, &mut rng(2));
    flow
}

/// Classes in turn, as one-hot rows.
fn in_turn(rows: usize) -> Tensor<f64> {
    Tensor::from_fn([rows, 3], |i| f64::from(u8::from(i / 3 % 3 == i % 3)))
}

#[test]
fn every_row_is_mapped_under_its_own_condition() {
    let (flow, rows) = (conditional(), 1203);
    // The same point in every row, and more rows than one batch.
    let point = uniform(&[1, 4], -1.0, 1.0, &mut rng(3));
    let x = Tensor::from_fn([rows, 4], |i| point.as_slice()[i % 4]);
    let condition = in_turn(rows);
    let log_p = flow.log_prob_given(&x, &condition).unwrap();
    let z = flow.encode_given(&x, &condition).unwrap();
    for (i, &found) in log_p.as_slice().iter().enumerate() {
        near(found, log_p.as_slice()[i % 3], 1e-12);
        near(z.as_slice()[4 * i], z.as_slice()[4 * (i % 3)], 1e-12);
    }
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        assert!((log_p.as_slice()[a] - log_p.as_slice()[b]).abs() > 1e-3, "classes {a} and {b} are the same");
    }
    let given = Var::from(condition.clone());
    let whole = flow.log_prob(&Var::from(x.clone()), Context::default().given(&given));
    assert!(autograd::check::max_error(&log_p, whole.value()) < 1e-12);
    let back = flow.decode_given(&z, &condition).unwrap();
    assert!(autograd::check::max_error(&back, &x) < 1e-10);
}

#[test]
fn conditions_that_do_not_fit_are_rejected_with_a_message() {
    let (flow, x) = (conditional(), Tensor::zeros([5, 4]));
    assert_eq!(flow.condition(), 3);
    let none = flow.log_prob_of(&x).unwrap_err();
    assert_eq!(none, InputError::NoCondition { features: 3 });
    assert_eq!(none.to_string(), "this flow needs a condition with 3 features for each row: give one");
    assert!(flow.encode(&x).is_err() && flow.decode(&x).is_err());
    for shape in [&[4, 3][..], &[5, 2], &[5], &[5, 3, 1]] {
        let wrong = flow.encode_given(&x, &Tensor::zeros(shape)).unwrap_err();
        let (expected, found) = (Shape::from([5, 3]), Shape::new(shape));
        let words = format!("a condition of shape {found} does not fit: these rows need one of shape [5, 3]");
        assert_eq!(wrong.to_string(), words);
        assert_eq!(wrong, InputError::Condition { expected, found });
    }
    let mut condition = in_turn(5);
    condition.as_mut_slice()[7] = f64::NAN;
    let broken = flow.decode_given(&x, &condition).unwrap_err();
    assert!(matches!(broken, InputError::NotFinite { row: 2, element: 1, .. }));
    // Preprocessing before a flow does not change this.
    let flow = conditional().preceded_by(Standardize::new(&[0.0; 4], &[2.0; 4]));
    assert_eq!(flow.log_prob_of(&x).unwrap_err(), none);

    let config = NiceConfig { dims: 4, couplings: 1, hidden: 2, depth: 1, condition: 0 };
    let plain: Flow<f64> = Nice::build(&config, &mut rng(1));
    let unwanted = plain.log_prob_given(&x, &in_turn(5)).unwrap_err();
    assert_eq!(unwanted.to_string(), "this flow takes no condition: leave it out");
    assert_eq!(bits(&plain.log_prob_given(&x, None).unwrap()), bits(&plain.log_prob_of(&x).unwrap()));
}
