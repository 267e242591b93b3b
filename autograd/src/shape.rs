//! Shapes: the extent of each axis, row-major, and how two of them broadcast.

use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// A short list of axes or extents; four fit without an allocation.
pub type Axes = SmallVec<[usize; 4]>;

/// The extents of a tensor, outermost first. A scalar has none.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Axes);

impl Shape {
    /// A shape with these extents.
    pub fn new(extents: &[usize]) -> Self {
        Self(Axes::from_slice(extents))
    }

    /// The number of elements: the product of the extents, 1 for a scalar. A product that is too large for `usize` is
    /// `usize::MAX`, more than any tensor has.
    pub fn elements(&self) -> usize {
        if self.0.contains(&0) { 0 } else { self.0.iter().fold(1, |product, &extent| product.saturating_mul(extent)) }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The shape that both broadcast to, in the manner of `NumPy`: axes are matched from the last,
    /// and an extent of 1 (or a missing axis) stretches. `None` where they do not fit.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.rank().max(other.rank());
        let mut out = Axes::from_elem(1, rank);
        for i in 0..rank {
            let a = self.nth_last(i);
            let b = other.nth_last(i);
            out[rank - 1 - i] = match (a, b) {
                _ if a == b => a,
                (1, _) => b,
                (_, 1) => a,
                _ => return None,
            };
        }
        Some(Self(out))
    }

    /// The extent of the `i`-th axis from the end, 1 beyond the first.
    fn nth_last(&self, i: usize) -> usize {
        if i < self.rank() { self.0[self.rank() - 1 - i] } else { 1 }
    }

    /// The axes of `self` along which a tensor of shape `small` was stretched to reach `self`.
    pub(crate) fn stretched_from(&self, small: &Self) -> Axes {
        let lead = self.rank() - small.rank();
        (0..self.rank()).filter(|&axis| axis < lead || (small[axis - lead] == 1 && self[axis] != 1)).collect()
    }

    /// The shape with these axes' extents set to 1.
    pub(crate) fn squashed(&self, axes: &[usize]) -> Self {
        Self(self.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect())
    }

    /// The same shape with one extent replaced.
    pub(crate) fn with(&self, axis: usize, extent: usize) -> Self {
        let mut out = self.clone();
        out.0[axis] = extent;
        out
    }

    /// The shape seen as `[outer, extent of axis, inner]`.
    pub(crate) fn around(&self, axis: usize) -> (usize, usize, usize) {
        (self[..axis].iter().product(), self[axis], self[axis + 1..].iter().product())
    }

    /// Element strides of a row-major tensor of this shape.
    pub(crate) fn strides(&self) -> Axes {
        let mut strides = Axes::from_elem(1, self.rank());
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self[axis];
        }
        strides
    }

    /// Strides that walk a tensor of this shape as if it had shape `target`: 0 along stretched axes.
    pub(crate) fn strides_within(&self, target: &Self) -> Axes {
        let own = self.strides();
        let lead = target.rank() - self.rank();
        (0..target.rank())
            .map(|axis| if axis < lead || self[axis - lead] == 1 { 0 } else { own[axis - lead] })
            .collect()
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl<E: AsRef<[usize]>> From<E> for Shape {
    fn from(extents: E) -> Self {
        Self::new(extents.as_ref())
    }
}

impl From<&Self> for Shape {
    fn from(shape: &Self) -> Self {
        shape.clone()
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(extents: I) -> Self {
        Self(extents.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn broadcasting_matches_axes_from_the_last() {
        let fits = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(&Shape::new(b)).map(|s| s.to_vec());
        assert_eq!(fits(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(fits(&[], &[2, 2]), Some(vec![2, 2]));
        assert_eq!(fits(&[2, 3], &[2]), None);
        assert_eq!(fits(&[0, 1], &[5]), Some(vec![0, 5]));
    }

    #[test]
    fn stretched_axes_are_those_to_sum_over() {
        let big = Shape::from([5, 3, 4]);
        assert_eq!(big.stretched_from(&Shape::from([3, 1])).as_slice(), &[0, 2]);
        assert_eq!(big.stretched_from(&big).as_slice(), &[] as &[usize]);
        assert_eq!(Shape::from([3, 1]).strides_within(&big).as_slice(), &[0, 1, 0]);
    }
}
