//! What the judge learns from: shifted digits, and images that are no digits.

use super::{CLASSES, DIMS, SIDE};
use flows::Noise;

/// Digits move by at most this many pixels.
const SHIFT: f64 = 2.0;
/// One row in this many becomes an image that is no digit.
const NO_DIGIT: usize = 16;
/// The side of the blocks that are put in another order.
const BLOCK: usize = 4;

/// A source of uniform samples in [0, 1).
type Uniform<'a> = &'a mut dyn FnMut() -> f64;

/// Changes the pixels of digits, `[rows, 784]`, and the probabilities of their classes, `[rows, 10]`, into what is
/// learned in one step. Digits are shifted by up to 2 pixels. Every sixteenth becomes an image that is no digit, of which
/// the judge shall not be sure: all its classes are equally probable (outlier exposure; Hendrycks, Mazeika & Dietterich
/// 2019).
pub(super) fn vary(pixels: &mut [f32], classes: &mut [f32], noise: Noise) {
    noise.rows(pixels.len() / DIMS, |row, uniform| {
        let image = &mut pixels[row * DIMS..(row + 1) * DIMS];
        let classes = &mut classes[row * CLASSES..(row + 1) * CLASSES];
        if row % NO_DIGIT == NO_DIGIT - 1 {
            spoil(image, uniform);
            classes.fill(1.0 / CLASSES as f32);
        } else {
            shift(image, [(); 2].map(|()| ((2.0 * SHIFT + 1.0) * uniform() - SHIFT).floor() as isize));
        }
    });
}

/// Moves an image down and to the right. What enters is black.
fn shift(image: &mut [f32], [down, right]: [isize; 2]) {
    let old = image.to_vec();
    let from = |to: usize, by: isize| to.checked_add_signed(-by).filter(|&from| from < SIDE);
    for (i, pixel) in image.iter_mut().enumerate() {
        let at = from(i / SIDE, down).zip(from(i % SIDE, right));
        *pixel = at.map_or(0.0, |(row, column)| old[row * SIDE + column]);
    }
}

/// Makes an image that is no digit.
fn spoil(image: &mut [f32], uniform: Uniform<'_>) {
    match (4.0 * uniform()) as usize {
        0 => specks(image, uniform),
        1 => {
            // As a flow does that goes astray in the middle of an image.
            let row = (uniform() * (SIDE / 2) as f64) as usize;
            specks(&mut image[row * SIDE..], uniform);
        }
        2 => {
            let gray = if uniform() < 0.5 { 0.0 } else { uniform() as f32 };
            image.fill(gray);
        }
        _ => shuffle(image, uniform),
    }
}

/// Noise: a share of the pixels are lit, and the others black.
fn specks(pixels: &mut [f32], uniform: Uniform<'_>) {
    let (share, white) = (uniform().powi(2), uniform() < 0.5);
    for pixel in pixels {
        *pixel = if uniform() >= share {
            0.0
        } else if white {
            1.0
        } else {
            uniform() as f32
        };
    }
}

/// Puts the blocks of an image in another order.
fn shuffle(image: &mut [f32], uniform: Uniform<'_>) {
    const ROW: usize = SIDE / BLOCK;
    let place = |block: usize, i: usize| (block / ROW * BLOCK + i / BLOCK) * SIDE + block % ROW * BLOCK + i % BLOCK;
    for last in (1..ROW * ROW).rev() {
        let other = (uniform() * (last + 1) as f64) as usize;
        for i in 0..BLOCK * BLOCK {
            image.swap(place(last, i), place(other, i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_shifted_and_every_sixteenth_is_spoiled() {
        let digit: Vec<f32> = (0..DIMS).map(|i| if i / SIDE == 9 && i % SIDE == 12 { 1.0 } else { 0.0 }).collect();
        let (mut pixels, mut classes) = (digit.repeat(800), [&[1.0][..], &[0.0; 9]].concat().repeat(800));
        vary(&mut pixels, &mut classes, Noise::new(1));
        let mut places = std::collections::BTreeSet::new();
        for (row, image) in pixels.chunks(DIMS).enumerate() {
            let probabilities = &classes[row * CLASSES..(row + 1) * CLASSES];
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            if row % 16 == 15 {
                assert_eq!(probabilities, [0.1; 10]);
                continue;
            }
            assert_eq!(probabilities[0], 1.0);
            let lit: Vec<usize> = (0..DIMS).filter(|&i| image[i] > 0.0).collect();
            assert_eq!(lit.len(), 1);
            places.insert((lit[0] / SIDE, lit[0] % SIDE));
        }
        assert_eq!((places.len(), places.first(), places.last()), (25, Some(&(7, 10)), Some(&(11, 14))));
    }

    #[test]
    fn shuffled_blocks_keep_their_pixels() {
        let mut image: Vec<f32> = (0..DIMS).map(|i| i as f32).collect();
        let before = image.clone();
        let mut state = 0.5;
        shuffle(&mut image, &mut || {
            state = (state * 97.0 + 0.123) % 1.0;
            state
        });
        assert_ne!(image, before);
        image.sort_by(f32::total_cmp);
        assert_eq!(image, before);
    }
}
