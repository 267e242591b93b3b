//! Parameters: the tensors that are trained and stored in checkpoints.

use crate::real::Real;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::var::Var;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Identifies a parameter; unique in one run of a program.
pub(crate) type ParamId = u64;

/// A tensor that belongs to a model. Cloning gives another handle to the same tensor.
///
/// Most parameters are trainable. A *buffer* is stored in checkpoints too but has no gradient:
/// running statistics, the flag of a data-dependent initialization.
#[derive(Clone)]
#[must_use]
pub struct Param<T: Real>(Arc<Inner<T>>);

struct Inner<T: Real> {
    id: ParamId,
    value: RwLock<Tensor<T>>,
    trainable: AtomicBool,
    buffer: bool,
}

impl<T: Real> Param<T> {
    /// A trainable parameter that starts at `value`.
    pub fn new(value: Tensor<T>) -> Self {
        Self::with(value, false)
    }

    /// A tensor that is saved with the model but never trained.
    pub fn buffer(value: Tensor<T>) -> Self {
        Self::with(value, true)
    }

    fn with(value: Tensor<T>, buffer: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inner { id, value: RwLock::new(value), trainable: AtomicBool::new(!buffer), buffer }))
    }

    /// The parameter as a leaf of `x`'s tape, or, where `x` has none, as a plain value.
    #[track_caller]
    pub fn on(&self, x: &Var<T>) -> Var<T> {
        match x.place() {
            Some(place) => place.tape.parameter(self),
            None => Var::from(self.value()),
        }
    }

    /// The current value. Shares the buffer; a later [`Param::set`] does not change it.
    pub fn value(&self) -> Tensor<T> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The extents, which never change.
    pub fn shape(&self) -> Shape {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).shape().clone()
    }

    /// Replaces the value.
    ///
    /// # Panics
    /// If the shape differs.
    #[track_caller]
    pub fn set(&self, value: Tensor<T>) {
        let mut own = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        assert!(
            own.shape() == value.shape(),
            "set: the parameter has shape {}, the value {}",
            own.shape(),
            value.shape()
        );
        *own = value;
    }

    /// Changes the elements in place.
    pub fn update(&self, change: impl FnOnce(&mut [T])) {
        change(self.0.value.write().unwrap_or_else(PoisonError::into_inner).as_mut_slice());
    }

    /// Whether it gets gradients.
    pub fn is_trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Whether it is a buffer, made by [`Param::buffer`].
    pub fn is_buffer(&self) -> bool {
        self.0.buffer
    }

    /// Freezes the parameter, or unfreezes it; a buffer stays as it is. A frozen parameter is a constant,
    /// and gradients still reach what was computed before it.
    pub fn set_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable && !self.0.buffer, Ordering::Relaxed);
    }

    pub(crate) fn id(&self) -> ParamId {
        self.0.id
    }
}

impl<T: Real> fmt::Debug for Param<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param<{}>{}", T::NAME, self.shape())
    }
}
