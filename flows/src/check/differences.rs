//! Finite differences with an error estimate, for many inputs at once.
//!
//! [`autograd::check`] takes one step size, which is right for smooth functions. A network of ReLUs has kinks, where a
//! step that crosses one is wrong, and a map with a bounded domain has no value beyond its edge. So here the step
//! shrinks until two extrapolations agree: small enough for the kinks, large enough for the rounding.

use super::case::{Case, pick};
use super::{Direction, Violation};
use autograd::Tensor;

/// The first step, relative to `max(1, |x|)`.
const FIRST: f64 = 1e-3;
/// From one step to the next.
const FALL: f64 = 0.125;
/// The last step is 1e-3/8⁷ ≈ 5e-10.
const LEVELS: u32 = 8;
/// Two extrapolations that agree to this, relative to `max(1, |slope|)`, are accepted.
const AGREE: f64 = 1e-10;
/// A kink that changes the slope by less than this, relative to the same, is ignored.
const KINK: f64 = 1e-8;
/// Rows in one batch: enough for a matrix product, few enough for the memory.
const ROWS: usize = 192;

/// Where the function is evaluated for one slope, in steps.
const STENCIL: [f64; 6] = [1.0, -1.0, 0.5, -0.5, 0.25, -0.25];

/// Slopes of several outputs, and their uncertainty.
#[derive(Clone, Debug)]
struct Slope {
    by_output: Vec<f64>,
    /// The extrapolations' difference, half the kink, or the rounding, whichever is most.
    uncertainty: f64,
    /// Whether a smaller step would be no better.
    settled: bool,
}

/// The slope from values at the stencil's points: two Richardson extrapolations, one from each pair of neighboring
/// steps, whose difference is the error.
///
/// Near a kink, both extrapolations agree on the mean of the slopes to its two sides. So the one-sided slopes are
/// compared too, without the part of their difference that is linear in the step, which comes from curvature.
fn slope(values: [&[f64]; 6], step: f64) -> Slope {
    let [up0, down0, up1, down1, up2, down2] = values;
    let mut by_output = Vec::with_capacity(up0.len());
    let (mut uncertainty, mut settled): (f64, bool) = (0.0, true);
    for i in 0..up0.len() {
        let coarse = (up0[i] - down0[i]) / (2.0 * step);
        let middle = (up1[i] - down1[i]) / step;
        let fine = (up2[i] - down2[i]) / (0.5 * step);
        let (first, second) = ((4.0 * middle - coarse) / 3.0, (4.0 * fine - middle) / 3.0);
        let size = second.abs().max(1.0);
        let error = (first - second).abs() / size;
        let error = if error.is_nan() { f64::INFINITY } else { error };
        let bend = |near: f64, far: f64, run: f64| (far - near) / (run * step);
        let wide = bend(up1[i], up0[i], 0.5) - bend(down0[i], down1[i], 0.5);
        let narrow = bend(up2[i], up1[i], 0.25) - bend(down1[i], down2[i], 0.25);
        let kink = (2.0 * narrow - wide).abs() / (2.0 * size);
        let kink = if kink.is_nan() { f64::INFINITY } else { kink };
        let rounding = 16.0 * f64::EPSILON * up0[i].abs().max(1.0) / (step * size);
        uncertainty = uncertainty.max(error).max(kink).max(rounding);
        // The next step's rounding would be more than what these two differ by.
        settled &= error <= AGREE.max(rounding / FALL) && kink <= KINK.max(rounding / FALL);
        by_output.push(second);
    }
    Slope { by_output, uncertainty, settled }
}

fn step_at(level: u32, x: f64) -> f64 {
    FIRST * FALL.powi(level as i32) * x.abs().max(1.0)
}

/// The best slopes so far of some inputs, and which of them need smaller steps.
struct Search {
    best: Vec<Option<Slope>>,
    open: Vec<usize>,
}

impl Search {
    /// Takes in the slopes of the open inputs for one step, and closes those that are settled.
    fn absorb(&mut self, found: impl IntoIterator<Item = Slope>) {
        let open = std::mem::take(&mut self.open);
        for (input, found) in open.into_iter().zip(found) {
            if !found.settled {
                self.open.push(input);
            }
            let best = &mut self.best[input];
            if best.as_ref().is_none_or(|best| found.uncertainty < best.uncertainty) {
                *best = Some(found);
            }
        }
    }
}

/// The derivative at 0 of a function of one variable.
pub(super) fn derivative(mut f: impl FnMut(f64) -> Result<f64, Violation>, size: f64) -> Result<f64, Violation> {
    let mut search = Search { best: vec![None], open: vec![0] };
    for level in 0..LEVELS {
        let step = step_at(level, 0.0) / size.max(f64::MIN_POSITIVE);
        let mut values = [[0.0]; 6];
        for (value, point) in values.iter_mut().zip(STENCIL) {
            *value = [f(point * step)?];
        }
        search.absorb([slope(values.each_ref().map(<[f64; 1]>::as_slice), step)]);
        if search.open.is_empty() {
            break;
        }
    }
    Ok(search.best[0].as_ref().map_or(f64::NAN, |best| best.by_output[0]))
}

/// The Jacobian of one sample, `[outputs, inputs]`. The moved copies of the sample are the rows of a batch.
pub(super) fn jacobian(
    case: &Case<'_>,
    direction: Direction,
    points: &Tensor<f64>,
    sample: usize,
) -> Result<Tensor<f64>, Violation> {
    let point = pick(points, &[sample]);
    let dims = point.shape().elements();
    let mut search = Search { best: vec![None; dims], open: Vec::new() };
    let mut start = 0;
    let columns: Vec<usize> = (0..dims).collect();
    for block in columns.chunks(ROWS / STENCIL.len()) {
        search.open = block.to_vec();
        let mut half_settled = None;
        for level in start..LEVELS {
            let found = slopes(case, direction, &point, sample, &search.open, level)?;
            search.absorb(found);
            if 2 * search.open.len() <= block.len() && half_settled.is_none() {
                half_settled = Some(level);
            }
            if search.open.is_empty() {
                break;
            }
        }
        // Where most columns needed a small step, the next ones will too.
        start = half_settled.unwrap_or(start);
    }
    let by_input = |input: usize| &search.best[input].as_ref().expect("every column was tried").by_output;
    Ok(Tensor::from_fn([dims, dims], |i| by_input(i % dims)[i / dims]))
}

/// These columns of the Jacobian, with the steps of one level.
fn slopes(
    case: &Case<'_>,
    direction: Direction,
    point: &Tensor<f64>,
    sample: usize,
    columns: &[usize],
    level: u32,
) -> Result<Vec<Slope>, Violation> {
    let dims = point.shape().elements();
    let step = |column: usize| step_at(level, point.as_slice()[column]);
    let mut moved = pick(point, &vec![0; STENCIL.len() * columns.len()]);
    for (rows, &column) in moved.as_mut_slice().chunks_exact_mut(STENCIL.len() * dims).zip(columns) {
        for (row, point) in rows.chunks_exact_mut(dims).zip(STENCIL) {
            row[column] += point * step(column);
        }
    }
    let (value, _) = case.run_rows(direction, &moved, &vec![sample; moved.shape()[0]])?;
    let outputs = value.as_slice().chunks_exact(STENCIL.len() * dims);
    let slopes = outputs
        .zip(columns)
        .map(|(rows, &column)| slope(std::array::from_fn(|i| &rows[i * dims..(i + 1) * dims]), step(column)));
    Ok(slopes.collect())
}

#[cfg(test)]
mod tests {
    use super::derivative;

    fn at(f: impl Fn(f64) -> f64) -> f64 {
        derivative(|h| Ok(f(h)), 1.0).unwrap()
    }

    #[test]
    fn smooth_slopes_have_ten_digits() {
        assert!((at(|h| (1.0 + h).exp()) - 1.0f64.exp()).abs() < 1e-10);
        assert!((at(|h| (30.0 * h).sin()) - 30.0).abs() < 1e-8);
    }

    #[test]
    fn a_sharp_bend_is_not_lost_to_rounding() {
        // The first steps nearly agree, and later ones less and less: the first is best.
        for bend in [1.0, 3.0, 10.0, 30.0] {
            let slope = at(|h| 3.0 + (bend * (h + 0.1)).tanh());
            let exact = bend / (bend * 0.1).cosh().powi(2);
            assert!((slope - exact).abs() < 1e-8 * exact.max(1.0), "{bend}: {slope}, not {exact}");
        }
    }

    #[test]
    fn a_kink_or_an_edge_near_the_point_does_not_show() {
        for distance in [3e-4, 1e-5, 2e-7] {
            let kink = at(|h| 2.0 * h + 5.0 * (h - distance).max(0.0));
            assert!((kink - 2.0).abs() < 1e-6, "{distance}: {kink}");
        }
        // A slight kink right at the point: large steps agree on a wrong slope.
        for (bend, distance) in [(1e-4, 1e-6), (1e-4, -1e-7), (1e-3, 1e-7), (1e-2, -2e-7), (1.0, 1e-7)] {
            let kink =
                at(|h| 20.0 + 2.0 * h + bend * (h - distance).max(0.0)) - if distance < 0.0 { bend } else { 0.0 };
            assert!((kink - 2.0).abs() < 1e-6, "{bend} at {distance}: {kink}");
        }
        let edge = at(|h| (1e-4 + h).ln());
        assert!((edge - 1e4).abs() < 1e-3, "{edge}");
    }
}
