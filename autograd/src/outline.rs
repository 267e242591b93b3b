//! Outlines: models built for the names and shapes of their parameters alone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a tensor counts beyond its elements, for its name and its handles.
pub const PER_TENSOR: usize = 4096;

thread_local! {
    /// What is left of the limit, inside an outline.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What was to be outlined is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "this is larger than its limit")
    }
}

impl std::error::Error for TooLarge {}

/// Runs code that builds a model, without the memory that the model takes: on this thread, tensors made meanwhile have
/// a shape but no elements. The same code that will build the model thus tells all sizes first, however large they are.
///
/// Each tensor counts its elements and [`PER_TENSOR`], and the code adds with [`spend`] what it keeps beside tensors.
/// Where that exceeds `limit`, the code is left at once, so that neither its memory nor its time exceed what the limit
/// allows.
///
/// In an outline, slices of tensors made there are empty, and operations on [`Var`](crate::Var)s panic: there are no
/// values. What is returned serves for its shapes.
///
/// ```
/// use autograd::{Param, Tensor, outline};
///
/// let build = |n: usize| Param::new(Tensor::<f32>::zeros([n, n]));
/// let huge = 1 << 20;
/// assert_eq!(outline::outline(1 << 41, || build(huge)).unwrap().shape().elements(), 1 << 40);
/// assert!(outline::outline(1 << 39, || build(huge)).is_err());
/// ```
///
/// # Errors
/// If the limit is exceeded.
///
/// # Panics
/// Inside another outline.
pub fn outline<R>(limit: u64, build: impl FnOnce() -> R) -> Result<R, TooLarge> {
    assert!(!is_active(), "outline: inside another outline");
    LEFT.set(Some(limit));
    let built = catch_unwind(AssertUnwindSafe(build));
    LEFT.set(None);
    built.map_err(|payload| match payload.downcast::<TooLarge>() {
        Ok(too_large) => *too_large,
        Err(payload) => resume_unwind(payload),
    })
}

/// Whether this thread is inside an outline.
pub fn is_active() -> bool {
    LEFT.get().is_some()
}

/// Counts memory beside tensors, in elements, before it is allocated. Does nothing outside outlines.
pub fn spend(elements: usize) {
    if let Some(left) = LEFT.get() {
        match left.checked_sub(elements as u64) {
            Some(left) => LEFT.set(Some(left)),
            // Unlike a panic this says nothing on standard error.
            None => resume_unwind(Box::new(TooLarge)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_TENSOR, TooLarge, is_active, outline, spend};
    use crate::{Param, Tensor, Var};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn panics<R>(f: impl FnOnce() -> R) -> bool {
        catch_unwind(AssertUnwindSafe(f)).is_err()
    }

    #[test]
    fn tensors_count_their_elements_and_themselves() {
        let make = || (0..3).map(|_| Tensor::<f64>::full([5, 2], 1.0)).collect::<Vec<_>>();
        let cost = 3 * (10 + PER_TENSOR as u64);
        assert_eq!(outline(cost, make).unwrap()[2].shape().to_vec(), [5, 2]);
        assert_eq!(outline(cost - 1, make).unwrap_err(), TooLarge);
        assert_eq!(outline(9, || spend(10)).unwrap_err(), TooLarge);
        assert!(!is_active());
        // Outside nothing is counted.
        spend(usize::MAX);
    }

    #[test]
    fn shapes_whose_product_overflows_are_too_large() {
        for shape in [vec![usize::MAX, 2], vec![1 << 32, 1 << 32], vec![1 << 63, 2, 1 << 20]] {
            assert_eq!(outline(1 << 62, || Tensor::<f32>::zeros(&shape)).unwrap_err(), TooLarge);
        }
    }

    #[test]
    fn an_outlined_parameter_can_be_set_up_but_has_no_elements() {
        let param = outline(1 << 50, || {
            let param = Param::new(Tensor::<f32>::zeros([1 << 40]));
            param.update(|all| all.fill(1.0));
            param.set(Tensor::from_fn([1 << 40], |_| unreachable!("there are no elements")));
            let handle = param.clone();
            let mut value = param.value();
            assert!(value.as_mut_slice().is_empty());
            handle
        });
        let param = param.unwrap();
        assert!(panics(|| param.value().as_slice().len()));
    }

    #[test]
    fn panics_pass_through_and_operations_panic() {
        assert!(panics(|| outline(100, || panic!("another"))));
        assert!(!is_active());
        let x = Var::from(Tensor::<f32>::zeros([2]));
        assert!(panics(|| outline(1 << 20, || x.exp())));
        assert!(!is_active());
    }
}
