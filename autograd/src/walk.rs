//! Walking over tensors of different shapes side by side, row by row.

use crate::shape::{Axes, Shape};

/// A walk over a broadcast result in rows, along which each operand either advances by one or stays.
pub(crate) struct Walk {
    /// Elements in a row.
    pub(crate) row: usize,
    /// Extents of the axes above the row, outermost first.
    pub(crate) outer: Axes,
    /// Each operand's strides over those axes.
    pub(crate) strides: Vec<Axes>,
    /// Each operand's stride along the row: 0 or 1.
    pub(crate) inner: Axes,
}

impl Walk {
    pub(crate) fn new(shape: &Shape, operands: &[&Shape]) -> Self {
        let strides: Vec<Axes> = operands.iter().map(|operand| operand.strides_within(shape)).collect();
        // Neighboring axes that every operand passes in one stride become one.
        let mut extents = Axes::new();
        let mut merged: Vec<Axes> = vec![Axes::new(); operands.len()];
        for axis in 0..shape.rank() {
            let joins = extents.last().is_some()
                && strides
                    .iter()
                    .zip(&merged)
                    .all(|(s, m)| m.last().is_some_and(|&last| last == s[axis] * shape[axis]));
            if shape[axis] == 1 {
                continue;
            }
            if joins {
                *extents.last_mut().expect("checked above") *= shape[axis];
            } else {
                extents.push(shape[axis]);
            }
            for (s, m) in strides.iter().zip(&mut merged) {
                if joins {
                    *m.last_mut().expect("as long as the extents") = s[axis];
                } else {
                    m.push(s[axis]);
                }
            }
        }
        let row = extents.pop().unwrap_or(1);
        let inner = merged.iter_mut().map(|m| m.pop().unwrap_or(0)).collect();
        Self { row, outer: extents, strides: merged, inner }
    }

    /// Visits the rows of `piece`, which starts at element `start` of the result, with each
    /// operand's offset at the row's beginning.
    pub(crate) fn rows<T>(&self, start: usize, piece: &mut [T], mut visit: impl FnMut(&mut [T], &[usize])) {
        if piece.is_empty() {
            // An extent of 0 has no digits to count in.
            return;
        }
        let mut index = Axes::from_elem(0, self.outer.len());
        let mut rest = start / self.row.max(1);
        for axis in (0..self.outer.len()).rev() {
            index[axis] = rest % self.outer[axis];
            rest /= self.outer[axis];
        }
        let mut at: Axes =
            self.strides.iter().map(|strides| strides.iter().zip(&index).map(|(stride, i)| stride * i).sum()).collect();
        for row in piece.chunks_exact_mut(self.row.max(1)) {
            visit(row, &at);
            for axis in (0..self.outer.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.outer[axis] {
                    for (at, strides) in at.iter_mut().zip(&self.strides) {
                        *at += strides[axis];
                    }
                    break;
                }
                for (at, strides) in at.iter_mut().zip(&self.strides) {
                    *at -= strides[axis] * (self.outer[axis] - 1);
                }
                index[axis] = 0;
            }
        }
    }
}
