//! How a `MintNet` inverts itself, and what that took.

use super::root::STEPS;
use crate::module::{Module, Visitor};
use autograd::Real;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The two algorithms for z → x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inversion {
    /// One sweep over the image in the mask's order, solving for one element at a time.
    Sweep {
        /// The most evaluations for each root, at least 1.
        evaluations: usize,
    },
    /// The authors' fixed-point iteration on all elements at once: `x ← x + step·(z − z(x))/(t + d)`.
    FixedPoint {
        /// The step size α, between 0 and 2.
        step: f64,
        /// The most iterations.
        iterations: usize,
    },
}

impl Default for Inversion {
    /// A sweep that finds every root to machine precision.
    fn default() -> Self {
        Self::Sweep { evaluations: STEPS }
    }
}

/// What the inversions since the last [`MintSolver::take_stats`] took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SolverStats {
    /// Inversions, one for each layer and batch.
    pub searches: usize,
    /// The most evaluations for any root, or iterations for any sample.
    pub most: usize,
}

/// The inversion settings and statistics that all [`Mint`](super::Mint) layers of a model share.
///
/// ```
/// use autograd::{Tensor, Var};
/// use flows::layers::{Mint, MintSolver};
/// use flows::{Bijection, Context, nn::{ConvMask, Init}};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let layer = Mint::<f64>::new(ConvMask::A, [1, 4, 4], 3, Init::He { gain: 1.0 }, &mut rng);
/// layer.to_data(&Var::from(Tensor::full([2, 1, 4, 4], 0.5)), Context::default());
/// let stats = MintSolver::of(&layer).unwrap().take_stats();
/// assert_eq!(stats.searches, 1);
/// assert!(stats.most > 1);
/// ```
#[derive(Debug, Default)]
pub struct MintSolver {
    inversion: Mutex<Inversion>,
    searches: AtomicUsize,
    most: AtomicUsize,
    recorded: AtomicBool,
}

impl MintSolver {
    /// The solver of a model's `MintNet` layers; `None` if it has no such layer.
    pub fn of<T: Real>(model: &(impl Module<T> + ?Sized)) -> Option<Arc<Self>> {
        Visitor::handles(model).into_iter().next()
    }

    /// The algorithm in use.
    pub fn inversion(&self) -> Inversion {
        *self.inversion.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses this algorithm from now on.
    pub fn set_inversion(&self, inversion: Inversion) {
        *self.inversion.lock().unwrap_or_else(PoisonError::into_inner) = inversion;
    }

    /// Whether derivatives of z → x come from recorded passes, as many as the longest chain of elements that depend on
    /// each other, about C·(2H + W). This is slow, but supports second derivatives, which the usual way does not.
    pub fn set_recorded(&self, recorded: bool) {
        self.recorded.store(recorded, Ordering::Relaxed);
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Relaxed)
    }

    /// The statistics so far, which start again from 0.
    pub fn take_stats(&self) -> SolverStats {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        SolverStats { searches: take(&self.searches), most: take(&self.most) }
    }

    pub(super) fn record(&self, iterations: &[usize]) {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(iterations.iter().copied().max().unwrap_or(0), Ordering::Relaxed);
    }
}
