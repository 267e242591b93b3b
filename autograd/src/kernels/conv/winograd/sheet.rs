//! A part of an image, place by place.

use super::super::geometry::Images;
use crate::real::Real;
use std::ops::Range;

/// How a band of rows of an image is laid out: all channels of a place next to each other. A row of zeros, or of what
/// nobody reads, comes first. It stands for every place outside of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    pub(super) images: Images,
    /// Elements of a place: whole vectors.
    pub(super) lanes: usize,
    /// The side of the square of places that belongs to a tile, and how far before the tile's corner it begins.
    side: usize,
    padding: [usize; 2],
}

impl Sheet {
    pub(super) fn new(images: Images, vector: usize, side: usize, padding: [usize; 2]) -> Self {
        Self { images, lanes: images.channels.next_multiple_of(vector), side, padding }
    }

    /// The rows of the image that belong to a band of rows of tiles.
    fn rows(&self, band: &Range<usize>) -> Range<usize> {
        let inside = |row: usize| row.saturating_sub(self.padding[0]).min(self.images.height);
        inside(2 * band.start)..inside(2 * (band.end - 1) + self.side)
    }

    /// Elements that the longest of these bands takes.
    pub(super) fn len(&self, bands: impl Iterator<Item = Range<usize>>) -> usize {
        let rows = bands.map(|band| self.rows(&band).len()).max().unwrap_or(0);
        (rows * self.images.width + 1) * self.lanes
    }

    /// Where each place of the square of each tile is, for `width` tiles in each row of the band.
    pub(super) fn offsets(&self, band: Range<usize>, width: usize, table: &mut [u32]) {
        let rows = self.rows(&band);
        let place = |tile: usize, i: usize| {
            let (row, col) = (2 * (band.start + tile / width) + i / self.side, 2 * (tile % width) + i % self.side);
            let (row, col) = (row.checked_sub(self.padding[0])?, col.checked_sub(self.padding[1])?);
            let is_inside = rows.contains(&row) && col < self.images.width;
            is_inside.then(|| 1 + (row - rows.start) * self.images.width + col)
        };
        for (tile, offsets) in table.chunks_exact_mut(self.side * self.side).enumerate() {
            for (i, offset) in offsets.iter_mut().enumerate() {
                *offset = (place(tile, i).unwrap_or(0) * self.lanes) as u32;
            }
        }
    }

    /// Lays out a band of an image.
    pub(super) fn lay_out<T: Real>(&self, band: Range<usize>, image: &[T], sheet: &mut [T]) {
        let (rows, Images { channels, width, .. }) = (self.rows(&band), self.images);
        let from = &image[rows.start * width..];
        T::transpose([channels, rows.len() * width], from, self.images.plane(), &mut sheet[self.lanes..], self.lanes);
    }

    /// Writes a band of an image.
    pub(super) fn put<T: Real>(&self, band: Range<usize>, sheet: &[T], image: &mut [T]) {
        let (rows, Images { channels, width, .. }) = (self.rows(&band), self.images);
        let to = &mut image[rows.start * width..];
        T::transpose([rows.len() * width, channels], &sheet[self.lanes..], self.lanes, to, self.images.plane());
    }
}
