//! Each dimension made normal through a histogram.

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::univariate::Elementwise;
use autograd::{Param, Real, Tensor, Var, special};
use std::f64::consts::PI;

/// The marginal layer of rotation-based iterative Gaussianization (Laparra et al. 2011), on `[batch, D]`: in each
/// dimension a histogram of N bins, whose distribution function F is a straight line in each bin,
///
/// <!--
/// to_latent:  z = Φ⁻¹(F(x)),   log|det ∂z/∂x| = Σ log f(x) − log φ(z)     between the outermost edges
///             z = z₀ + (x − e₀)/σ,   −log σ                             beyond an outermost edge e₀
/// -->
///
#[doc = include_str!("../../formulas/histogram-marginal.html")]
///
/// Beyond the edges x is normal: z goes on as a straight line. So every x has a finite z, the map rises everywhere,
/// and only f jumps, from bin to bin. The line's slope is that of a normal distribution with the histogram's
/// deviation σ. (With the slope that z has at the edge, which hangs on the few rows of the last bin, a number that is
/// a little further out than all that were fitted goes several times further out in each of many layers: its density
/// falls as the exponential of an exponential.)
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

/// Where a number lies.
enum Part {
    /// Beyond the edge of this number.
    Tail(usize),
    Bin(usize),
}

impl Histogram {
    fn new(edges: Vec<f64>, masses: Vec<f64>) -> Self {
        let sums = |masses: &mut dyn Iterator<Item = f64>| {
            let sum = |sum: &mut f64, mass: f64| {
                *sum += mass;
                Some(*sum)
            };
            masses.take(edges.len()).scan(0.0, sum).collect::<Vec<_>>()
        };
        let below = sums(&mut masses.iter().copied());
        let mut above = sums(&mut masses.iter().rev().copied());
        above.reverse();
        let latent = |(&below, &above): (&f64, &f64)| {
            let quantile = special::log_normal_quantile(f64::min(below, above).ln());
            if below < above { quantile } else { -quantile }
        };
        let latents = below.iter().zip(&above).map(latent).collect();
        let slope = slope(&edges, &masses);
        Self { edges, masses, below, above, latents, slope }
    }

    /// Which part a number is in, given where the parts meet.
    fn part(at: f64, between: &[f64]) -> Part {
        let last = between.len() - 1;
        if at < between[0] {
            Part::Tail(0)
        } else if at >= between[last] {
            Part::Tail(last)
        } else {
            // What is no number is in the first, and stays none.
            Part::Bin(between.partition_point(|&edge| edge <= at).saturating_sub(1))
        }
    }

    /// What is known of the part that a number is in.
    fn constants(&self, part: &Part) -> [f64; CONSTANTS] {
        match *part {
            // No mass of a bin tells a tail.
            Part::Tail(edge) => [self.edges[edge], self.slope, 0.0, self.latents[edge], 0.0],
            Part::Bin(bin) => {
                let width = self.edges[bin + 1] - self.edges[bin];
                [self.edges[bin], width, self.masses[bin + 1], self.below[bin], self.above[bin + 1]]
            }
        }
    }
}

/// ∂z/∂x beyond the outermost edges: 1/σ, for the deviation σ of what lies between them.
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

/// Of a bin: its left edge, its width, its mass, what is below and what is above. Of a tail: the edge, ∂z/∂x, 0, and
/// z at the edge.
const CONSTANTS: usize = 5;

impl<T: Real> HistogramMarginal<T> {
    /// Histograms of the columns of these rows, `[rows, D]`, with so many bins of equal width from the least number to
    /// the greatest. Each bin counts a hundredth of a row more than there are, so that none is empty, and each tail
    /// half a row.
    ///
    /// # Panics
    /// If there are no bins, no rows, or a number is not finite.
    #[must_use]
    pub fn from_rows(rows: &Tensor<T>, bins: usize) -> Self {
        let (count, dims) = (rows.shape()[0], rows.shape()[1]);
        assert!(bins > 0, "histogram marginal: no bins");
        assert!(count > 0 && rows.all_finite(), "histogram marginal: rows of finite numbers, at least one, are needed");
        let (extra, tail) = (0.01, 0.5);
        let total = count as f64 + extra * bins as f64 + 2.0 * tail;
        let (mut edges, mut masses) = (Vec::new(), Vec::new());
        for dim in 0..dims {
            let column = || rows.as_slice()[dim..].iter().step_by(dims).map(|x| x.to_f64());
            let (least, most) = column().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            // A column that hardly varies still has bins that its type can tell apart.
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

    /// With these edges, `[D, bins + 1]`, and masses, `[D, bins + 2]`, row after row.
    ///
    /// # Panics
    /// If their lengths do not fit, edges do not rise, or a mass is not positive.
    #[must_use]
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

    fn histograms(&self) -> Vec<Histogram> {
        let (edges, masses) = (self.edges.value(), self.masses.value());
        let bins = edges.shape()[1] - 1;
        let wide = |row: &[T]| row.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        let rows = edges.as_slice().chunks(bins + 1).zip(masses.as_slice().chunks(bins + 2));
        rows.map(|(edges, masses)| {
            let masses = wide(masses);
            let total: f64 = masses.iter().sum();
            // They were rounded, and may have come from anywhere.
            Histogram::new(wide(edges), masses.iter().map(|mass| mass / total).collect())
        })
        .collect()
    }

    /// The constants of the part that each number is in, beside it; `between` says where the parts meet.
    fn constants(&self, at: &Var<T>, between: impl Fn(&Histogram) -> &[f64]) -> [Var<T>; CONSTANTS] {
        let (histograms, dims) = (self.histograms(), at.extent(1));
        assert!(histograms.len() == dims, "histogram marginal: {dims} numbers for {} histograms", histograms.len());
        let mut constants = [const { Vec::new() }; CONSTANTS];
        for (i, number) in at.value().as_slice().iter().enumerate() {
            let histogram = &histograms[i % dims];
            let part = Histogram::part(number.to_f64(), between(histogram));
            for (constants, constant) in constants.iter_mut().zip(histogram.constants(&part)) {
                constants.push(T::from_f64(constant));
            }
        }
        constants.map(|constants| at.constant_like(Tensor::from_slice(at.shape(), &constants)))
    }

    /// x → z with its log-derivative, in operations.
    fn latent(&self, x: &Var<T>) -> Elementwise<T> {
        let [edge, width, mass, below, above] = self.constants(x, |histogram| &histogram.edges);
        let (from_edge, zero, one) = (x - &edge, x.zeros_like(), x.zeros_like().shift(1.0));
        // In a tail `width` is the slope and `below` is z at the edge; what the other formula says there is thrown
        // away, and must be finite for its derivatives' sake.
        let share = mass.select(&(&from_edge / &width), &zero);
        let mass_or_one = mass.select(&mass, &one);
        let (left, right) = (below.clone() + &mass * &share, above + &mass * share.affine(-1.0, 1.0));
        let side = left.detach().greater(&right.detach()).affine(-2.0, 1.0);
        let lighter = mass.select(&side.select(&left, &right), &one.scale(0.5));
        let quantile = lighter.ln().log_normal_quantile();
        let value = mass.select(&(&quantile * &side), &(below + from_edge * &width));
        let density = mass_or_one.ln() - width.ln() + quantile.square().affine(0.5, 0.5 * (2.0 * PI).ln());
        Elementwise { value, log_deriv: mass.select(&density, &width.ln()) }
    }

    /// z → x with its log-derivative, in operations.
    fn data(&self, z: &Var<T>) -> Elementwise<T> {
        let [edge, width, mass, below, above] = self.constants(z, |histogram| &histogram.latents);
        let (zero, one) = (z.zeros_like(), z.zeros_like().shift(1.0));
        let bounded = mass.select(z, &zero);
        let (left, mass_or_one) = (zero.greater_equal(&bounded), mass.select(&mass, &one));
        let from_left = (bounded.normal_cdf() - &below) / &mass_or_one;
        let from_right = ((-&bounded).normal_cdf() - above) / &mass_or_one;
        let inside = &edge + &width * left.select(&from_left, &from_right.affine(-1.0, 1.0));
        let value = mass.select(&inside, &(&edge + (z - below) / &width));
        let density = mass_or_one.ln() - width.ln() + bounded.square().affine(0.5, 0.5 * (2.0 * PI).ln());
        Elementwise { value, log_deriv: -mass.select(&density, &width.ln()) }
    }
}

impl<T: Real> Bijection<T> for HistogramMarginal<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.latent(x).into()
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.data(z).into()
    }
}

impl<T: Real> Module<T> for HistogramMarginal<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("edges", &self.edges);
        visitor.param("masses", &self.masses);
    }
}
