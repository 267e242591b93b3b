//! Interpolation between latents.

use crate::data::rows::Rows;
use autograd::Tensor;
use std::f64::consts::FRAC_PI_2;

/// A mixture of rows: the index and the weight of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend(pub Vec<(usize, f64)>);

/// The lecture's manifold through four rows (Dinh et al. 2017, RealNVP): `size × size` mixtures
///
/// <!-- z = cos φ·(cos φ′·z₁ + sin φ′·z₂) + sin φ·(cos φ′·z₃ + sin φ′·z₄) -->
#[doc = include_str!("../../../flows/formulas/manifold.html")]
///
/// with φ from 0 to π/2 downward and φ' to the right. The corners are the four rows themselves.
pub fn manifold(corners: [usize; 4], size: usize) -> Vec<Blend> {
    let at = |place: usize| (share(place, size) * FRAC_PI_2).sin_cos();
    let blend = |i: usize| {
        let ((sin_down, cos_down), (sin_right, cos_right)) = (at(i / size), at(i % size));
        let weights = [cos_down * cos_right, cos_down * sin_right, sin_down * cos_right, sin_down * sin_right];
        Blend(corners.into_iter().zip(weights).collect())
    };
    (0..size * size).map(blend).collect()
}

/// `steps` mixtures from one row to another, both included: along the arc between their directions or, if `straight`,
/// along a line.
///
/// In many dimensions, normal latents lie in a thin shell around the origin. The middle of a straight line between two of
/// them is closer to the origin, by a factor of about √2, than any latent the model has seen, and decodes to something
/// duller than data. An arc stays in the shell.
pub fn line(latents: &Tensor<f32>, [from, to]: [usize; 2], steps: usize, straight: bool) -> Vec<Blend> {
    let width = latents.shape()[1];
    let row = |i: usize| latents.as_slice()[i * width..(i + 1) * width].iter().map(|&z| f64::from(z));
    let dot = |a: usize, b: usize| row(a).zip(row(b)).map(|(a, b)| a * b).sum::<f64>();
    let cos = dot(from, to) / (dot(from, from) * dot(to, to)).sqrt();
    let angle = cos.clamp(-1.0, 1.0).acos();
    let blend = |step: usize| {
        let t = share(step, steps);
        // There is no arc between rows in the same or in opposite directions, or from the origin.
        let weights = if !straight && angle.sin() > 1e-4 {
            [(1.0 - t) * angle, t * angle].map(|part| part.sin() / angle.sin())
        } else {
            [1.0 - t, t]
        };
        Blend([from, to].into_iter().zip(weights).collect())
    };
    (0..steps).map(blend).collect()
}

/// How far one of `count` places is from the first to the last, from 0 to 1.
fn share(place: usize, count: usize) -> f64 {
    place as f64 / (count - 1).max(1) as f64
}

/// Mixes latents. Classes are mixed with the same weights, scaled to sum to 1: halfway between a 3 and an 8 the model is
/// given half of each class, and at the ends the rows' own classes.
pub fn blended(latents: &Rows<f32>, blends: &[Blend]) -> Rows<f32> {
    let total = |blend: &Blend| blend.0.iter().map(|(_, weight)| weight).sum::<f64>();
    let x = mixed(latents.x(), blends, |_| 1.0);
    let classes = latents.condition().map(|classes| mixed(classes, blends, |blend| total(blend).recip()));
    Rows::new(x, classes)
}

fn mixed(rows: &Tensor<f32>, blends: &[Blend], scale: impl Fn(&Blend) -> f64) -> Tensor<f32> {
    let width = rows.shape()[1];
    let values = rows.as_slice();
    let mut out = Tensor::zeros([blends.len(), width]);
    for (row, blend) in out.as_mut_slice().chunks_exact_mut(width).zip(blends) {
        let scale = scale(blend);
        for (k, mixed) in row.iter_mut().enumerate() {
            let sum: f64 = blend.0.iter().map(|&(from, weight)| weight * f64::from(values[from * width + k])).sum();
            *mixed = (sum * scale) as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rows::one_hot;

    fn latents() -> Rows<f32> {
        let z = Tensor::from_slice([4, 2], &[3.0, 0.0, 0.0, 4.0, -1.0, 0.5, 6.0, 0.0]);
        Rows::new(z, Some(one_hot(&[0, 1, 2, 1], 3)))
    }

    #[track_caller]
    fn near(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
    }

    #[test]
    fn the_corners_of_a_manifold_are_its_rows() {
        let rows = latents();
        let found = blended(&rows, &manifold([0, 1, 2, 3], 5));
        assert_eq!(found.count(), 25);
        for (corner, place) in [0, 4, 20, 24].into_iter().enumerate() {
            near(found.range(place..place + 1).x().as_slice(), rows.range(corner..corner + 1).x().as_slice());
            let [own, given] = [(&rows, corner), (&found, place)].map(|(rows, i)| rows.range(i..i + 1));
            near(given.condition().unwrap().as_slice(), own.condition().unwrap().as_slice());
        }
        // In the middle both angles are 45°, and so every weight is 1/2, or 1/4 for classes.
        near(found.range(12..13).x().as_slice(), &[4.0, 2.25]);
        near(found.range(12..13).condition().unwrap().as_slice(), &[0.25, 0.5, 0.25]);
        assert_eq!(manifold([0; 4], 1).len(), 1);
    }

    #[test]
    fn arcs_keep_their_distance_from_the_origin_and_lines_do_not() {
        let rows = latents();
        let lengths = |straight| {
            let found = blended(&rows, &line(rows.x(), [0, 1], 3, straight));
            near(&found.x().as_slice()[..2], &[3.0, 0.0]);
            near(&found.x().as_slice()[4..], &[0.0, 4.0]);
            near(&found.condition().unwrap().as_slice()[3..6], &[0.5, 0.5, 0.0]);
            found.x().as_slice()[2].hypot(found.x().as_slice()[3])
        };
        near(&[lengths(false), lengths(true)], &[5.0 * 0.5f32.sqrt(), 2.5]);
    }

    #[test]
    fn rows_without_an_arc_between_them_are_joined_by_a_line() {
        let z = Tensor::from_slice([4, 2], &[3.0, 0.0, 6.0, 0.0, -3.0, 0.0, 0.0, 0.0]);
        for (to, middle) in [(1, 4.5), (2, 0.0), (3, 1.5), (0, 3.0)] {
            let found = blended(&Rows::plain(z.clone()), &line(&z, [0, to], 3, false));
            near(&found.x().as_slice()[2..4], &[middle, 0.0]);
        }
    }
}
