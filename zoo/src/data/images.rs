//! A set of equally large 8-bit images, kept as bytes: four times smaller than floats.

use super::{DataError, split};

/// Images in the order count, channel, row, column, with a label each where labels are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// How many images.
    pub count: usize,
    /// 1 for gray, 3 for red-green-blue.
    pub channels: usize,
    /// Rows of one image.
    pub height: usize,
    /// Columns of one image.
    pub width: usize,
    /// All the pixels.
    pub pixels: Vec<u8>,
    /// One class an image.
    pub labels: Option<Vec<u8>>,
}

impl Images {
    /// Checks that the sizes agree with each other.
    pub fn new(
        [count, channels, height, width]: [usize; 4],
        pixels: Vec<u8>,
        labels: Option<Vec<u8>>,
    ) -> Result<Self, DataError> {
        let wanted = [channels, height, width].iter().try_fold(count, |product, &n| product.checked_mul(n));
        let labeled = labels.as_ref().is_none_or(|labels| labels.len() == count);
        if wanted != Some(pixels.len()) || !labeled {
            return Err(DataError::Shape {
                values: pixels.len(),
                shape: format!("{count} labeled images of {channels}x{height}x{width}"),
            });
        }
        Ok(Self { count, channels, height, width, pixels, labels })
    }

    /// Values of one image.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The pixels of image `i`. Panics, as a slice would, when there is no such image.
    #[must_use]
    pub fn image(&self, i: usize) -> &[u8] {
        let dims = self.dims();
        &self.pixels[i * dims..(i + 1) * dims]
    }

    /// The images at `indices`, in that order, with their labels.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.dims());
        for &i in indices {
            pixels.extend_from_slice(self.image(i));
        }
        let labels = self.labels.as_ref();
        Self {
            count: indices.len(),
            pixels,
            labels: labels.map(|labels| indices.iter().map(|&i| labels[i]).collect()),
            ..*self
        }
    }

    /// The images at `indices` as floats from 0 to 255, one image after another, into `batch`,
    /// which is cleared first and so can be used again for the next batch.
    pub fn gather(&self, indices: &[usize], batch: &mut Vec<f32>) {
        batch.clear();
        batch.reserve(indices.len() * self.dims());
        for &i in indices {
            batch.extend(self.image(i).iter().map(|&pixel| f32::from(pixel)));
        }
    }

    /// Sets `held_out` images aside, drawn by `seed`; returns what remains and what was held out.
    #[must_use]
    pub fn hold_out(&self, held_out: usize, seed: u64) -> (Self, Self) {
        let order = split::permutation(self.count, seed);
        let (kept, held_out) = order.split_at(self.count.saturating_sub(held_out));
        (self.select(kept), self.select(held_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn six() -> Images {
        Images::new([6, 1, 1, 2], (0..12).collect(), Some((0..6).collect())).unwrap()
    }

    #[test]
    fn selection_keeps_pixels_and_labels_together() {
        let picked = six().select(&[4, 0]);
        assert_eq!(picked.pixels, [8, 9, 0, 1]);
        assert_eq!(picked.labels, Some(vec![4, 0]));
        assert_eq!(picked.count, 2);
    }

    #[test]
    fn a_batch_is_the_pixels_as_floats() {
        let mut batch = vec![7.0; 30];
        six().gather(&[5, 5], &mut batch);
        assert_eq!(batch, [10.0, 11.0, 10.0, 11.0]);
    }

    #[test]
    fn holding_out_loses_nothing_and_doubles_nothing() {
        let (kept, held) = six().hold_out(2, 3);
        assert_eq!((kept.count, held.count), (4, 2));
        let mut labels = [kept.labels.unwrap(), held.labels.unwrap()].concat();
        labels.sort_unstable();
        assert_eq!(labels, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn disagreeing_sizes_are_refused() {
        assert!(Images::new([2, 1, 2, 2], vec![0; 7], None).is_err());
        assert!(Images::new([2, 1, 1, 1], vec![0; 2], Some(vec![0])).is_err());
        assert!(Images::new([usize::MAX, 3, 2, 2], vec![0; 2], None).is_err());
    }
}
