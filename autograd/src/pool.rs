//! A pool of buffers, in place of the allocator.
//!
//! Every training step makes the same tensors in the same order. Their memory is taken from a free
//! list by size class and returned when the last handle is dropped. After the first step nothing is
//! allocated, and the buffer returned last, which is still in the cache, is reused first.

use crate::outline;
use crate::real::Real;
use bytemuck::{Pod, Zeroable};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// One cache line. Storage made of these is aligned to 64 bytes, which wide loads want.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);

/// Four classes an octave, enough for any buffer that fits in memory.
const CLASSES: usize = 4 * 44;

/// The free lists of one element type.
#[derive(Debug)]
pub struct Pool {
    free: [Mutex<Vec<Vec<Line>>>; CLASSES],
    fresh: AtomicU64,
    taken: AtomicU64,
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Self { free: [const { Mutex::new(Vec::new()) }; CLASSES], fresh: AtomicU64::new(0), taken: AtomicU64::new(0) }
    }

    /// At least `lines` lines, with arbitrary old contents.
    fn take(&self, lines: usize) -> Vec<Line> {
        let (class, capacity) = class_of(lines);
        self.taken.fetch_add((capacity * size_of::<Line>()) as u64, Ordering::Relaxed);
        let reused = self.free[class].lock().unwrap_or_else(PoisonError::into_inner).pop();
        reused.unwrap_or_else(|| {
            self.fresh.fetch_add(1, Ordering::Relaxed);
            vec![Line::zeroed(); capacity]
        })
    }

    fn give(&self, lines: Vec<Line>) {
        if !lines.is_empty() {
            let (class, _) = class_of(lines.len());
            self.free[class].lock().unwrap_or_else(PoisonError::into_inner).push(lines);
        }
    }

    fn clear(&self) {
        for list in &self.free {
            list.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

/// The class for a request of `lines`, and the lines of every buffer of that class: the request
/// rounded up to a quarter of its octave, which wastes at most a fifth.
fn class_of(lines: usize) -> (usize, usize) {
    if lines <= 4 {
        return (lines, lines);
    }
    let octave = (lines - 1).ilog2() as usize;
    let quarter = 1usize << (octave - 2);
    let steps = lines.div_ceil(quarter);
    (4 * (octave - 1) + steps - 4, steps * quarter)
}

/// How many buffers of this element type had to be newly allocated since the program started.
/// It no longer grows after the first step of a training loop.
pub fn fresh_buffers<T: Real>() -> u64 {
    T::pool().fresh.load(Ordering::Relaxed)
}

/// The bytes of all tensors of this element type since the program started, whether newly allocated or reused. What a
/// computation adds without a tape is about the most that a tape would keep of it.
pub fn bytes_taken<T: Real>() -> u64 {
    T::pool().taken.load(Ordering::Relaxed)
}

/// Returns the memory of all idle buffers of this element type to the allocator.
pub fn release<T: Real>() {
    T::pool().clear();
}

/// The storage of one tensor: `len` numbers, aligned, returned to the pool on drop.
pub(crate) struct Buffer<T: Real> {
    lines: Vec<Line>,
    of: PhantomData<T>,
    len: usize,
}

impl<T: Real> Buffer<T> {
    /// Storage for `len` numbers, with arbitrary old contents: to be overwritten.
    pub(crate) fn stale(len: usize) -> Self {
        let per_line = size_of::<Line>() / size_of::<T>();
        Self { lines: T::pool().take(len.div_ceil(per_line)), of: PhantomData, len }
    }

    /// No storage, for a tensor of an outline.
    pub(crate) fn absent(len: usize) -> Self {
        Self { lines: Vec::new(), of: PhantomData, len }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        bytemuck::cast_slice(&self.lines).get(..self.len).unwrap_or_else(|| {
            assert_outline();
            &[]
        })
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.lines).get_mut(..self.len).unwrap_or_else(|| {
            assert_outline();
            &mut []
        })
    }
}

/// Nothing may read what has no elements, except for the code of an outline, which sets up what it has just made.
#[cold]
fn assert_outline() {
    assert!(outline::is_active(), "tensor: it was made in an outline, and has a shape but no elements");
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        T::pool().give(std::mem::take(&mut self.lines));
    }
}

#[cfg(test)]
mod tests {
    use super::class_of;

    #[test]
    fn classes_cover_every_size_once_and_waste_little() {
        let mut last = (0, 0);
        for lines in 1..100_000 {
            let (class, capacity) = class_of(lines);
            assert!(capacity >= lines && capacity <= lines + lines / 4, "{lines} lines got {capacity}");
            assert_eq!(class_of(capacity), (class, capacity), "a buffer must return to the class it came from");
            if capacity == last.1 {
                assert_eq!(class, last.0);
            } else {
                assert_eq!(class, last.0 + 1, "classes are consecutive, {lines}");
            }
            last = (class, capacity);
        }
    }
}
