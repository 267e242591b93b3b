//! 8-bit images of the same size, stored as bytes: four times smaller than floats.

use super::split;
use anyhow::{Result, ensure};

/// Images in the order count, channel, row, column, perhaps with a label each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub count: usize,
    /// 1 for gray, 3 for RGB.
    pub channels: usize,
    /// Pixels in a column.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// All pixels.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Option<Vec<u8>>,
}

impl Images {
    /// Images of these sizes.
    pub fn new([count, channels, height, width]: [usize; 4], pixels: Vec<u8>, labels: Option<Vec<u8>>) -> Result<Self> {
        let wanted = [channels, height, width].iter().try_fold(count, |product, &n| product.checked_mul(n));
        let labeled = labels.as_ref().is_none_or(|labels| labels.len() == count);
        let fits = wanted == Some(pixels.len()) && labeled;
        ensure!(fits, "{} pixels do not fill {count} labeled images of {channels}x{height}x{width}", pixels.len());
        Ok(Self { count, channels, height, width, pixels, labels })
    }

    /// Entries of one image.
    pub fn dims(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The pixels of image `i`.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, i: usize) -> &[u8] {
        let dims = self.dims();
        &self.pixels[i * dims..(i + 1) * dims]
    }

    /// The images at `indices`, in that order, with their labels.
    pub fn select(&self, indices: &[usize]) -> Self {
        let pixels = indices.iter().flat_map(|&i| self.image(i)).copied().collect();
        let labels = self.labels.as_ref().map(|labels| indices.iter().map(|&i| labels[i]).collect());
        Self { count: indices.len(), pixels, labels, ..*self }
    }

    /// Copies the images at `indices` into `batch`, as floats from 0 to 255, replacing its contents.
    pub fn gather(&self, indices: &[usize], batch: &mut Vec<f32>) {
        batch.clear();
        batch.reserve(indices.len() * self.dims());
        for &i in indices {
            batch.extend(self.image(i).iter().map(|&pixel| f32::from(pixel)));
        }
    }

    /// Sets random images aside. Returns the remaining images and the ones set aside.
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
    fn holding_out_neither_loses_nor_repeats_images() {
        let (kept, held) = six().hold_out(2, 3);
        assert_eq!((kept.count, held.count), (4, 2));
        let mut labels = [kept.labels.unwrap(), held.labels.unwrap()].concat();
        labels.sort_unstable();
        assert_eq!(labels, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn inconsistent_sizes_are_refused() {
        assert!(Images::new([2, 1, 2, 2], vec![0; 7], None).is_err());
        assert!(Images::new([2, 1, 1, 1], vec![0; 2], Some(vec![0])).is_err());
        assert!(Images::new([usize::MAX, 3, 2, 2], vec![0; 2], None).is_err());
    }
}
