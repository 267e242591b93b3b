//! Small data sets to train on, the same ones every time.

use crate::folder::Folder;
use crate::formats::{gzip, idx};

/// Numbers that look random (SplitMix64): tests need no more than that.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) const fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Close to normal: the sum of twelve uniform numbers.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// Rows of correlated numbers around 0, of size about 1. Multiples of 2⁻¹⁰, so that they can be
/// printed and multiplied by powers of two without rounding.
pub(crate) fn rows(count: usize, columns: usize) -> Vec<f32> {
    let mut numbers = Numbers::new(7);
    let mut values = Vec::new();
    for _ in 0..count {
        let shared = numbers.normal();
        for column in 0..columns {
            let x = 0.6 * shared + 0.6 * numbers.normal() + 0.2 * shared * shared * (column % 2) as f32;
            values.push((x * 1024.0).round() / 1024.0);
        }
    }
    values
}

/// The same rows in other units: each column times its scale, plus its offset.
pub(crate) fn rescaled(values: &[f32], scales: &[f32], offsets: &[f32]) -> Vec<f32> {
    let columns = scales.len();
    values.iter().enumerate().map(|(i, x)| x * scales[i % columns] + offsets[i % columns]).collect()
}

/// A CSV file with a header, and all digits of each value.
pub(crate) fn csv(values: &[f32], columns: usize) -> String {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let lines = values.chunks_exact(columns).map(|row| {
        let cells: Vec<String> = row.iter().map(|&x| f64::from(x).to_string()).collect();
        cells.join(",")
    });
    std::iter::once(names.join(",")).chain(lines).collect::<Vec<_>>().join("\n") + "\n"
}

/// Images of a bright bar on a dark ground, one after another.
pub(crate) fn pictures(count: usize, side: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(11);
    let mut pixels = Vec::new();
    for _ in 0..count {
        let bar = numbers.bits() as usize % side;
        for i in 0..side * side {
            let ground = numbers.bits() % 40;
            pixels.push(if i % side == bar { 200 + ground as u8 } else { ground as u8 });
        }
    }
    pixels
}

/// Writes a folder of IDX images with labels: 100 to train on and 20 to test on.
pub(crate) fn image_folder(folder: &Folder, name: &str, side: usize, packed: bool) {
    let write = |file: &str, bytes: Vec<u8>| {
        let (bytes, ending) = if packed { (gzip(&bytes), ".gz") } else { (bytes, "") };
        folder.write(&format!("{name}/{file}{ending}"), bytes);
    };
    for (part, count) in [("train", 100), ("t10k", 20)] {
        let size = side as u32;
        write(&format!("{part}-images-idx3-ubyte"), idx(&[count, size, size], &pictures(count as usize, side)));
        write(&format!("{part}-labels-idx1-ubyte"), idx(&[count], &vec![3; count as usize]));
    }
}

/// Images whose label says which column the bright bar is in, and the labels: each in turn.
pub(crate) fn labeled(count: usize, side: usize) -> (Vec<u8>, Vec<u8>) {
    let mut numbers = Numbers::new(13 + count as u64);
    let labels: Vec<u8> = (0..count).map(|image| (image % side) as u8).collect();
    let mut pixels = Vec::new();
    for &label in &labels {
        for i in 0..side * side {
            let ground = (numbers.bits() % 60) as u8;
            pixels.push(if i % side == usize::from(label) { 180 + ground } else { ground });
        }
    }
    (pixels, labels)
}

/// Writes a folder of such images, 200 to train on and 40 to test on, with as many classes as columns.
pub(crate) fn labeled_folder(folder: &Folder, name: &str, side: usize) {
    for (part, count) in [("train", 200), ("t10k", 40)] {
        let (pixels, labels) = labeled(count, side);
        let size = side as u32;
        folder.write(&format!("{name}/{part}-images-idx3-ubyte"), idx(&[count as u32, size, size], &pixels));
        folder.write(&format!("{name}/{part}-labels-idx1-ubyte"), idx(&[count as u32], &labels));
    }
}
