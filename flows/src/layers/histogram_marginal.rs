//! Gaussianizes each dimension by a histogram.

use crate::{Bijection, Context, Mapped, parameters, univariate::Elementwise};
use autograd::{Param, Real, Tensor, Var, special};
use std::f64::consts::PI;

/// The marginal layer of rotation-based iterative Gaussianization (Laparra et al. 2011), on `[batch, D]`: a histogram
/// with N bins for each dimension, whose distribution function F is linear in each bin:
///
/// <!--
/// z = {Φ⁻¹(F(x)), between the outermost edges; z₀ + (x − e₀)/σ, beyond one of them, e₀}
/// log dz/dx = {log f(x) − log φ(z); −log σ}
/// -->
#[doc = include_str!("../../formulas/histogram-marginal.html")]
///
/// Beyond the edges z is linear, so x is normal there: every x has a finite z, and the map increases everywhere. σ is the
/// histogram's standard deviation. (The slope of z at the edge depends on the few rows in the last bin, and over many
/// layers would move values beyond it far out.)
///
/// Nothing is trained. The buffers are `edges`, `[D, N + 1]`, and `masses`, `[D, N + 2]`: the probabilities of the left
/// tail, the bins and the right tail.
#[derive(Debug)]
pub struct HistogramMarginal<T: Real> {
    edges: Param<T>,
    masses: Param<T>,
}

/// One dimension's histogram.
struct Histogram {
    edges: Vec<f64>,
    masses: Vec<f64>,
    /// F and 1 − F at the edges, each summed from its own end.
    below: Vec<f64>,
    above: Vec<f64>,
    /// z at the edges.
    latents: Vec<f64>,
    /// ∂z/∂x beyond the outermost ones.
    slope: f64,
}

impl Histogram {
    fn new(edges: Vec<f64>, masses: Vec<f64>) -> Self {
        let cumulative = |masses: &mut dyn Iterator<Item = f64>| {
            let sum = |sum: &mut f64, mass| {
                *sum += mass;
                Some(*sum)
            };
            masses.take(edges.len()).scan(0.0, sum).collect::<Vec<f64>>()
        };
        let below = cumulative(&mut masses.iter().copied());
        let mut above = cumulative(&mut masses.iter().rev().copied());
        above.reverse();
        let latent = |(&below, &above): (&f64, &f64)| {
            let quantile = special::log_normal_quantile(f64::min(below, above).ln());
            if below < above { quantile } else { -quantile }
        };
        let latents = below.iter().zip(&above).map(latent).collect();
        let slope = slope(&edges, &masses);
        Self { edges, masses, below, above, latents, slope }
    }

    /// The constants of the bin or tail that a value is in, given the boundaries.
    fn constants(&self, at: f64, between: &[f64]) -> [f64; CONSTANTS] {
        let last = between.len() - 1;
        // A mass of 0 marks a tail.
        let tail = |edge: usize| [self.edges[edge], self.slope, 0.0, self.latents[edge], 0.0];
        if at < between[0] {
            return tail(0);
        }
        if at >= between[last] {
            return tail(last);
        }
        // A NaN is in the first bin and stays NaN.
        let bin = between.partition_point(|&edge| edge <= at).saturating_sub(1);
        let width = self.edges[bin + 1] - self.edges[bin];
        [self.edges[bin], width, self.masses[bin + 1], self.below[bin], self.above[bin + 1]]
    }
}

/// ∂z/∂x beyond the outermost edges: 1/σ, for the standard deviation σ between them.
fn slope(edges: &[f64], masses: &[f64]) -> f64 {
    let middle = f64::midpoint(edges[0], edges[edges.len() - 1]);
    let bins = || edges.windows(2).zip(&masses[1..edges.len()]);
    let total: f64 = bins().map(|(_, mass)| mass).sum();
    let mean = bins().map(|(bin, mass)| mass * (f64::midpoint(bin[0], bin[1]) - middle)).sum::<f64>() / total;
    let square = |(bin, mass): (&[f64], &f64)| {
        let from_mean = f64::midpoint(bin[0], bin[1]) - middle - mean;
        mass * (from_mean.powi(2) + (bin[1] - bin[0]).powi(2) / 12.0)
    };
    (bins().map(square).sum::<f64>() / total).sqrt().recip()
}

/// Of a bin: its left edge, its width, its mass, the mass below and above. Of a tail: the edge, ∂z/∂x, 0, z at the
/// edge, and 0.
const CONSTANTS: usize = 5;

impl<T: Real> HistogramMarginal<T> {
    /// Histograms of the columns of rows `[N, D]`, with bins of equal width from the smallest to the largest value.
    /// Each bin counts an extra hundredth of a row, so that none is empty, and each tail half a row.
    ///
    /// # Panics
    /// If there are no bins or no rows, or a value is not finite.
    pub fn from_rows(rows: &Tensor<T>, bins: usize) -> Self {
        let (count, dims) = (rows.shape()[0], rows.shape()[1]);
        assert!(bins > 0, "histogram marginal: no bins");
        assert!(count > 0 && rows.all_finite(), "histogram marginal: expected at least one row, and finite values");
        let (extra, tail) = (0.01, 0.5);
        let total = count as f64 + extra * bins as f64 + 2.0 * tail;
        let (mut edges, mut masses) = (Vec::new(), Vec::new());
        for dim in 0..dims {
            let column = || rows.as_slice()[dim..].iter().step_by(dims).map(|x| x.to_f64());
            let (least, most) = column().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            // Widens the bins of a column that hardly varies until T can represent them.
            let room =
                (1e3 * T::EPSILON * bins as f64 * least.abs().max(most.abs()).max(1.0) - (most - least)).max(0.0);
            let (low, width) = (least - 0.5 * room, (most - least + room) / bins as f64);
            let mut counts = vec![extra; bins];
            column().for_each(|x| counts[(((x - low) / width) as usize).min(bins - 1)] += 1.0);
            edges.extend((0..=bins).map(|i| low + width * i as f64));
            masses.push(tail / total);
            masses.extend(counts.iter().map(|count| count / total));
            masses.push(tail / total);
        }
        Self::new(&edges, &masses, bins)
    }

    /// With these edges, `[D, bins + 1]`, and masses, `[D, bins + 2]`.
    ///
    /// # Panics
    /// If their lengths do not fit, edges do not rise, or a mass is not positive.
    pub fn new(edges: &[f64], masses: &[f64], bins: usize) -> Self {
        assert!(bins > 0, "histogram marginal: no bins");
        let dims = edges.len() / (bins + 1);
        let fits = edges.len() == dims * (bins + 1) && masses.len() == dims * (bins + 2);
        assert!(fits, "histogram marginal: {} edges and {} masses for {bins} bins", edges.len(), masses.len());
        let rise = edges.chunks(bins + 1).all(|edges| edges.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rise, "histogram marginal: edges that do not rise");
        assert!(masses.iter().all(|&mass| mass > 0.0), "histogram marginal: a mass that is not positive");
        let buffer =
            |values: &[f64], width: usize| Param::buffer(Tensor::from_fn([dims, width], |i| T::from_f64(values[i])));
        Self { edges: buffer(edges, bins + 1), masses: buffer(masses, bins + 2) }
    }

    /// For `dims` dimensions, with bins of the same mass between 0, 1, 2 …, to be replaced by those of a checkpoint.
    pub(crate) fn unfitted(dims: usize, bins: usize) -> Self {
        let edge = |i: usize| T::from_f64((i % (bins + 1)) as f64);
        Self {
            edges: Param::buffer(Tensor::from_fn([dims, bins + 1], edge)),
            masses: Param::buffer(Tensor::full([dims, bins + 2], T::ONE)),
        }
    }

    fn histograms(&self) -> Vec<Histogram> {
        let (edges, masses) = (self.edges.value(), self.masses.value());
        let bins = edges.shape()[1] - 1;
        let wide = |row: &[T]| row.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        let rows = edges.as_slice().chunks(bins + 1).zip(masses.as_slice().chunks(bins + 2));
        rows.map(|(edges, masses)| {
            let masses = wide(masses);
            let total: f64 = masses.iter().sum();
            // A checkpoint's masses are rounded.
            Histogram::new(wide(edges), masses.iter().map(|mass| mass / total).collect())
        })
        .collect()
    }

    /// The constants of each value's bin or tail; `between` gives the boundaries.
    fn constants(&self, at: &Var<T>, between: impl Fn(&Histogram) -> &[f64]) -> [Var<T>; CONSTANTS] {
        let (histograms, dims) = (self.histograms(), at.extent(1));
        assert!(histograms.len() == dims, "histogram marginal: {dims} columns for {} histograms", histograms.len());
        let mut constants = [const { Vec::new() }; CONSTANTS];
        for (i, number) in at.value().as_slice().iter().enumerate() {
            let histogram = &histograms[i % dims];
            let own = histogram.constants(number.to_f64(), between(histogram));
            for (constants, constant) in constants.iter_mut().zip(own) {
                constants.push(T::from_f64(constant));
            }
        }
        constants.map(|constants| at.constant_like(Tensor::from_slice(at.shape(), &constants)))
    }
}

impl<T: Real> Bijection<T> for HistogramMarginal<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [edge, width, mass, below, above] = self.constants(x, |histogram| &histogram.edges);
        let (from_edge, zero, one) = (x - &edge, x.zeros_like(), x.zeros_like().shift(1.0));
        // In a tail `width` is the slope and `below` is z at the edge. The other formula is not used there, but must be
        // finite so that its derivatives are.
        let share = mass.select(&(&from_edge / &width), &zero);
        let mass_or_one = mass.select(&mass, &one);
        let (left, right) = (below.clone() + &mass * &share, above + &mass * share.affine(-1.0, 1.0));
        let side = left.detach().greater(&right.detach()).affine(-2.0, 1.0);
        let lighter = mass.select(&side.select(&left, &right), &one.scale(0.5));
        let quantile = lighter.ln().log_normal_quantile();
        let value = mass.select(&(&quantile * &side), &(below + from_edge * &width));
        let density = mass_or_one.ln() - width.ln() + quantile.square().affine(0.5, 0.5 * (2.0 * PI).ln());
        Elementwise { value, log_deriv: mass.select(&density, &width.ln()) }.into()
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [edge, width, mass, below, above] = self.constants(z, |histogram| &histogram.latents);
        let (zero, one) = (z.zeros_like(), z.zeros_like().shift(1.0));
        let bounded = mass.select(z, &zero);
        let (left, mass_or_one) = (zero.greater_equal(&bounded), mass.select(&mass, &one));
        let from_left = (bounded.normal_cdf() - &below) / &mass_or_one;
        let from_right = ((-&bounded).normal_cdf() - above) / &mass_or_one;
        let inside = &edge + &width * left.select(&from_left, &from_right.affine(-1.0, 1.0));
        let value = mass.select(&inside, &(&edge + (z - below) / &width));
        let density = mass_or_one.ln() - width.ln() + bounded.square().affine(0.5, 0.5 * (2.0 * PI).ln());
        Elementwise { value, log_deriv: -mass.select(&density, &width.ln()) }.into()
    }
}

parameters!(HistogramMarginal: edges, masses; tails = "linear");
