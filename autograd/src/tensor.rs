//! Tensors: a shape and a shared, pooled buffer, row-major.

use crate::outline;
use crate::pool::Buffer;
use crate::real::Real;
use crate::shape::Shape;
use std::fmt;
use std::sync::Arc;

/// An array of numbers in row-major order. Cloning shares the buffer; writing to a shared buffer copies it first.
#[derive(Clone)]
pub struct Tensor<T: Real> {
    shape: Shape,
    buffer: Arc<Buffer<T>>,
}

impl<T: Real> Tensor<T> {
    /// The elements are what `write` sets them to. It gets those of an old buffer, and must set them all.
    /// In an [outline](crate::outline) it is not called.
    pub fn computed(shape: impl Into<Shape>, write: impl FnOnce(&mut [T])) -> Self {
        let shape = shape.into();
        if outline::is_active() {
            outline::spend(shape.elements().saturating_add(outline::PER_TENSOR));
            return Self { buffer: Arc::new(Buffer::absent(shape.elements())), shape };
        }
        let mut buffer = Buffer::stale(shape.elements());
        write(buffer.as_mut_slice());
        Self { shape, buffer: Arc::new(buffer) }
    }

    /// All elements `value`.
    pub fn full(shape: impl Into<Shape>, value: T) -> Self {
        Self::computed(shape, |out| out.fill(value))
    }

    /// All elements 0.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(shape, T::ZERO)
    }

    /// A tensor without axes.
    pub fn scalar(value: T) -> Self {
        Self::full([], value)
    }

    /// The elements `values`, in row-major order.
    ///
    /// # Panics
    /// If the shape holds another number of elements.
    #[track_caller]
    pub fn from_slice(shape: impl Into<Shape>, values: &[T]) -> Self {
        let shape = shape.into();
        assert!(
            shape.elements() == values.len(),
            "tensor: shape {shape} holds {} elements, but {} were given",
            shape.elements(),
            values.len()
        );
        Self::computed(shape, |out| out.copy_from_slice(values))
    }

    /// The element at flat position `i` is `f(i)`.
    pub fn from_fn(shape: impl Into<Shape>, mut f: impl FnMut(usize) -> T) -> Self {
        Self::computed(shape, |out| out.iter_mut().enumerate().for_each(|(i, x)| *x = f(i)))
    }

    /// The extents.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements, in row-major order.
    pub fn as_slice(&self) -> &[T] {
        self.buffer.as_slice()
    }

    /// The elements, to write to. Copies them first where another tensor shares the buffer.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        if Arc::get_mut(&mut self.buffer).is_none() {
            let shared = self.buffer.as_slice();
            let own = Self::computed(self.shape.clone(), |own| own.copy_from_slice(shared));
            self.buffer = own.buffer;
        }
        Arc::get_mut(&mut self.buffer).expect("the buffer was just made our own").as_mut_slice()
    }

    /// Whether no other tensor shares the buffer, so that it may be written in place.
    pub(crate) fn is_unshared(&mut self) -> bool {
        Arc::get_mut(&mut self.buffer).is_some()
    }

    /// The only element of a tensor that has one.
    ///
    /// # Panics
    /// If there is not exactly one element.
    #[track_caller]
    pub fn item(&self) -> T {
        assert!(self.shape.elements() == 1, "item: shape {} has {} elements", self.shape, self.shape.elements());
        self.as_slice()[0]
    }

    /// The same elements under another shape.
    ///
    /// # Panics
    /// If the shape holds another number of elements.
    #[track_caller]
    pub fn reshape(mut self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(
            shape.elements() == self.shape.elements(),
            "reshape: {} has {} elements, {shape} has {}",
            self.shape,
            self.shape.elements(),
            shape.elements()
        );
        self.shape = shape;
        self
    }

    /// Rows `range` of the first axis, copied.
    ///
    /// # Panics
    /// If the range reaches beyond the first axis.
    #[track_caller]
    pub fn rows(&self, range: std::ops::Range<usize>) -> Self {
        let count = self.shape.first().copied().unwrap_or(0);
        assert!(range.start <= range.end && range.end <= count, "rows: {range:?} of a tensor with {count} rows");
        let width = self.shape[1..].iter().product::<usize>();
        Self::from_slice(self.shape.with(0, range.len()), &self.as_slice()[range.start * width..range.end * width])
    }

    /// The same elements as another element type, rounded where that is narrower.
    pub fn cast<U: Real>(&self) -> Tensor<U> {
        let source = self.as_slice();
        Tensor::from_fn(self.shape.clone(), |i| U::from_f64(source[i].to_f64()))
    }

    /// Whether no element is infinite or NaN.
    pub fn all_finite(&self) -> bool {
        T::all_finite(self.as_slice())
    }
}

impl<T: Real> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        write!(f, "Tensor<{}>{} ", T::NAME, self.shape)?;
        let values = self.as_slice();
        f.debug_list().entries(values.iter().take(SHOWN)).finish()?;
        if values.len() > SHOWN { write!(f, " and {} more", values.len() - SHOWN) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Tensor;

    #[test]
    fn writing_to_a_shared_buffer_leaves_the_other_alone() {
        let a = Tensor::from_slice([2], &[1.0f32, 2.0]);
        let mut b = a.clone();
        b.as_mut_slice()[0] = 9.0;
        assert_eq!(a.as_slice(), &[1.0, 2.0]);
        assert_eq!(b.as_slice(), &[9.0, 2.0]);
    }

    #[test]
    fn buffers_are_aligned_for_the_widest_loads() {
        for len in [1, 17, 1000] {
            assert_eq!(Tensor::<f32>::zeros([len]).as_slice().as_ptr().align_offset(64), 0);
        }
    }
}
