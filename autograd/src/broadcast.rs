//! Walking over tensors of different shapes together, row by row.

use crate::parallel::{self, UNIT};
use crate::shape::{Axes, Shape};

/// A walk over a result in rows, with the offset of each of `N` operands at the beginning of each.
pub(crate) struct Walk<const N: usize> {
    /// Elements in a row.
    pub(crate) row: usize,
    /// Extents of the axes above the row, outermost first.
    pub(crate) outer: Axes,
    /// Each operand's strides over those axes.
    pub(crate) strides: [Axes; N],
    /// Each operand's stride along the row: 0 or 1 where it is broadcast.
    pub(crate) inner: [usize; N],
}

impl<const N: usize> Walk<N> {
    /// Over `shape`, to which each of `operands` broadcasts.
    pub(crate) fn new(shape: &Shape, operands: [&Shape; N]) -> Self {
        let strides = operands.map(|operand| operand.strides_within(shape));
        // Neighboring axes that every operand passes in one stride become one.
        let mut outer = Axes::new();
        let mut merged = [(); N].map(|()| Axes::new());
        for axis in (0..shape.rank()).filter(|&axis| shape[axis] != 1) {
            let mut pairs = strides.iter().zip(&merged);
            let joins =
                !outer.is_empty() && pairs.all(|(s, m)| m.last().is_some_and(|&last| last == s[axis] * shape[axis]));
            match outer.last_mut().filter(|_| joins) {
                Some(last) => *last *= shape[axis],
                None => outer.push(shape[axis]),
            }
            for (m, s) in merged.iter_mut().zip(&strides) {
                if joins {
                    m.pop();
                }
                m.push(s[axis]);
            }
        }
        let row = outer.pop().unwrap_or(1);
        let inner = merged.each_mut().map(|m| m.pop().unwrap_or(0));
        Self { row, outer, strides: merged, inner }
    }

    /// Calls `visit` with each row of `out`, or with parts of the only one, and the operands' offsets there,
    /// split over the threads.
    pub(crate) fn split<T: Send>(&self, out: &mut [T], visit: impl Fn(&mut [T], [usize; N]) + Sync) {
        let unit = if self.outer.is_empty() { UNIT } else { self.row };
        parallel::split(out, unit, &|start, piece| self.rows(start, piece, &visit));
    }

    /// The rows of `piece`, which starts at element `start` of the result.
    fn rows<T>(&self, start: usize, piece: &mut [T], visit: impl Fn(&mut [T], [usize; N])) {
        if piece.is_empty() {
            // An extent of 0 has no digits to count in.
            return;
        }
        if self.outer.is_empty() {
            return visit(piece, self.inner.map(|stride| stride * start));
        }
        let mut index = Axes::from_elem(0, self.outer.len());
        let mut rest = start / self.row;
        for axis in (0..self.outer.len()).rev() {
            index[axis] = rest % self.outer[axis];
            rest /= self.outer[axis];
        }
        let offset = |strides: &Axes| strides.iter().zip(&index).map(|(stride, i)| stride * i).sum();
        let mut at = self.strides.each_ref().map(offset);
        for row in piece.chunks_exact_mut(self.row) {
            visit(row, at);
            for axis in (0..self.outer.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.outer[axis] {
                    at.iter_mut().zip(&self.strides).for_each(|(at, strides)| *at += strides[axis]);
                    break;
                }
                let back = |strides: &Axes| strides[axis] * (self.outer[axis] - 1);
                at.iter_mut().zip(&self.strides).for_each(|(at, strides)| *at -= back(strides));
                index[axis] = 0;
            }
        }
    }
}
