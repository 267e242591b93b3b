//! 8-bit images of the same size, stored as bytes: four times smaller than floats.

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

    /// The images at `indices`, in that order, with their labels.
    pub fn select(&self, indices: &[usize]) -> Self {
        let pixels = indices.iter().flat_map(|&i| self.image(i)).copied().collect();
        let labels = self.labels.as_ref().map(|labels| indices.iter().map(|&i| labels[i]).collect());
        Self { count: indices.len(), pixels, labels, ..*self }
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
    fn selection_keeps_pixels_and_labels_together() {
        let picked = six().select(&[4, 0]);
        assert_eq!(picked.pixels, [8, 9, 0, 1]);
        assert_eq!(picked.labels, Some(vec![4, 0]));
        assert_eq!(picked.count, 2);
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
