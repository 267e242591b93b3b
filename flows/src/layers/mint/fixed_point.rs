//! z → x by the authors' fixed-point iteration.

use super::{Mint, Solution};
use crate::round_trip::largest;
use autograd::{Real, Tensor, Var};
use std::sync::Arc;

/// An error `|z(x) − z|` of at most this many units in the last place of the sample's max(|z|, 1) is rounding.
const CONVERGED: f64 = 64.0;

pub(super) fn solve<T: Real>(layer: &Mint<T>, z: &Tensor<T>, step: f64, most: usize) -> Solution<T> {
    let batch = z.shape()[0];
    let each: usize = layer.image.iter().product();
    let all = Var::from(z.clone());
    let weights = layer.weights(&all);
    let mut x = (&all / layer.t(&all)).into_value();
    let (mut log_det, mut iterations) = (Tensor::zeros([batch]), vec![0; batch]);
    let (mut current, mut errors) = (vec![f64::INFINITY; batch], Vec::new());
    let mut open: Arc<[usize]> = (0..batch).collect();
    for iteration in 0..=most {
        if open.is_empty() {
            break;
        }
        let (at, target) = (Var::from(x.clone()).gather(0, &open), all.gather(0, &open));
        let pass = layer.pass(&at, &weights);
        let diagonal = layer.diagonal_at(&pass, &weights);
        let excess = &target - &pass.value;
        let next = at + (&excess / &diagonal).scale(step);
        let log_dets = diagonal.ln().sum_per_sample();
        let rows = |of: &Var<T>, i: usize| of.value().as_slice()[i * each..(i + 1) * each].to_vec();
        let mut still = Vec::new();
        for (i, &row) in open.iter().enumerate() {
            let error = largest(&rows(&excess, i));
            (current[row], iterations[row]) = (error, iteration);
            log_det.as_mut_slice()[row] = -log_dets.value().as_slice()[i];
            let rounding = CONVERGED * T::EPSILON * largest(&rows(&target, i)).max(1.0);
            // A sample that is not finite stays so.
            if error > rounding && error.is_finite() && iteration < most {
                x.as_mut_slice()[row * each..(row + 1) * each].copy_from_slice(&rows(&next, i));
                still.push(row);
            }
        }
        errors.push(current.iter().copied().fold(0.0, f64::max));
        open = still.into();
    }
    Solution { value: x, log_det, iterations, errors }
}
