//! Working memory that stays with its thread: a kernel allocates nothing after its first use of a size.

use crate::pool::Line;
use bytemuck::{Pod, Zeroable};
use std::cell::RefCell;

thread_local! {
    /// Idle buffers, the last one used on top. Nested uses pop further down and push back in
    /// reverse, so each depth finds the buffer it had grown the last time.
    static IDLE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `work` a buffer of `len` elements, aligned to 64 bytes, holding whatever was in it before.
pub fn with<T: Pod, R>(len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut lines = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    let needed = (len * size_of::<T>()).div_ceil(size_of::<Line>());
    if lines.len() < needed {
        lines.resize(needed, Line::zeroed());
    }
    let result = work(&mut bytemuck::cast_slice_mut(&mut lines)[..len]);
    IDLE.with_borrow_mut(|idle| idle.push(lines));
    result
}
