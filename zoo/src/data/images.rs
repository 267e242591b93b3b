//! 8-bit images of the same size, stored as bytes: four times smaller than floats.

use super::Parts;
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
    pub fn image(&self, i: usize) -> &[u8] {
        let dims = self.dims();
        &self.pixels[i * dims..(i + 1) * dims]
    }

    /// The images in these parts, with their labels. Each index is in one part.
    pub(super) fn split(self, parts: &Parts<Vec<usize>>) -> Parts<Self> {
        let Self { channels, height, width, .. } = self;
        let dims = self.dims();
        let labels = self.labels.map(|labels| parts.of(labels, 1));
        let images =
            |pixels: Vec<u8>| Self { count: pixels.len() / dims, channels, height, width, pixels, labels: None };
        let mut all = parts.of(self.pixels, dims).map(images);
        if let Some(labels) = labels {
            all.train.labels = Some(labels.train);
            all.validation.labels = Some(labels.validation);
            all.test.labels = Some(labels.test);
        }
        all
    }

    /// The pixels of the images at `indices`, as floats from 0 to 255.
    pub fn levels(&self, indices: &[usize]) -> Vec<f32> {
        let mut levels = Vec::with_capacity(indices.len() * self.dims());
        for &i in indices {
            levels.extend(self.image(i).iter().map(|&pixel| f32::from(pixel)));
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn six() -> Images {
        Images::new([6, 1, 1, 2], (0..12).collect(), Some((0..6).collect())).unwrap()
    }

    #[test]
    fn parts_keep_pixels_and_labels_together() {
        let parts = Parts { train: vec![4, 0, 1], validation: vec![3, 2], test: vec![5] };
        let Parts { train, validation, test } = six().split(&parts);
        assert_eq!((train.pixels, train.labels), (vec![8, 9, 0, 1, 2, 3], Some(vec![4, 0, 1])));
        assert_eq!((validation.pixels, validation.labels), (vec![6, 7, 4, 5], Some(vec![3, 2])));
        assert_eq!((test.count, test.pixels, test.labels), (1, vec![10, 11], Some(vec![5])));
        let unlabeled = Images { labels: None, ..six() };
        assert_eq!(unlabeled.split(&parts).validation.labels, None);
    }

    #[test]
    fn levels_are_the_pixels_as_floats() {
        assert_eq!(six().levels(&[5, 5]), [10.0, 11.0, 10.0, 11.0]);
    }

    #[test]
    fn inconsistent_sizes_are_refused() {
        assert!(Images::new([2, 1, 2, 2], vec![0; 7], None).is_err());
        assert!(Images::new([2, 1, 1, 1], vec![0; 2], Some(vec![0])).is_err());
        assert!(Images::new([usize::MAX, 3, 2, 2], vec![0; 2], None).is_err());
    }
}
