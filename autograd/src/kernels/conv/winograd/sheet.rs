//! Parts of images, place by place.

use super::super::geometry::Images;
use super::super::micro::TILE;
use crate::real::Real;
use std::ops::Range;

/// How a band of rows of a few images is laid out: all channels of a place next to each other, and the images one after
/// another. A row of zeros, or of what nobody reads, comes first. It stands for every place outside of the images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    pub(super) images: Images,
    /// Elements of a place: whole vectors.
    pub(super) lanes: usize,
    /// The side of the square of places that belongs to a tile, and how far before the tile's corner it begins.
    pub(super) side: usize,
    padding: [usize; 2],
}

impl Sheet {
    pub(super) fn new(images: Images, vector: usize, side: usize, padding: [usize; 2]) -> Self {
        Self { images, lanes: images.channels.next_multiple_of(vector), side, padding }
    }

    /// Places of the square of a tile.
    pub(super) fn square(&self) -> usize {
        self.side * self.side
    }

    /// The rows of the image that belong to a band of rows of tiles.
    fn rows(&self, band: &Range<usize>) -> Range<usize> {
        let inside = |row: usize| row.saturating_sub(self.padding[0]).min(self.images.height);
        inside(TILE * band.start)..inside(TILE * (band.end - 1) + self.side)
    }

    /// Places of a band of an image.
    pub(super) fn places(&self, band: &Range<usize>) -> usize {
        self.rows(band).len() * self.images.width
    }

    /// Where each place of the square of each tile is, for `width` tiles in each row of the band, image after image.
    pub(super) fn offsets(&self, band: &Range<usize>, width: usize, table: &mut [u32]) {
        let (rows, tiles) = (self.rows(band), band.len() * width);
        let place = |tile: usize, i: usize| {
            let corner = [band.start + tile % tiles / width, tile % width].map(|at| TILE * at);
            let (row, col) = (corner[0] + i / self.side, corner[1] + i % self.side);
            let (row, col) = (row.checked_sub(self.padding[0])?, col.checked_sub(self.padding[1])?);
            let is_inside = rows.contains(&row) && col < self.images.width;
            is_inside.then(|| 1 + (tile / tiles * rows.len() + row - rows.start) * self.images.width + col)
        };
        for (tile, offsets) in table.chunks_exact_mut(self.square()).enumerate() {
            for (i, offset) in offsets.iter_mut().enumerate() {
                *offset = (place(tile, i).unwrap_or(0) * self.lanes) as u32;
            }
        }
    }

    /// Lays out a band of these images.
    pub(super) fn lay_out<T: Real>(&self, band: &Range<usize>, images: &[T], sheet: &mut [T]) {
        let (first, places) = (self.rows(band).start * self.images.width, self.places(band));
        let sheets = sheet[self.lanes..].chunks_mut(places.max(1) * self.lanes);
        for (image, sheet) in images.chunks_exact(self.images.len()).zip(sheets) {
            let size = [self.images.channels, places];
            T::transpose(size, &image[first..], self.images.plane(), sheet, self.lanes);
        }
    }

    /// Writes a band of these images.
    pub(super) fn put<T: Real>(&self, band: &Range<usize>, sheet: &[T], images: &mut [T]) {
        let (first, places) = (self.rows(band).start * self.images.width, self.places(band));
        let sheets = sheet[self.lanes..].chunks(places.max(1) * self.lanes);
        for (image, sheet) in images.chunks_exact_mut(self.images.len()).zip(sheets) {
            let size = [places, self.images.channels];
            T::transpose(size, sheet, self.lanes, &mut image[first..], self.images.plane());
        }
    }
}
