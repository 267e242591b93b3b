//! z → x in one sweep through an image's numbers, in `f64`.
//!
//! In the order of mask A an image's numbers are in the order in which they lie in memory: channel by channel, row
//! by row. When one becomes known, so do the hidden units of its channel at its place, and all of them are at once
//! added to the sums of whatever reads them and is still unknown: the multiply-adds of one pass, each done once.
//! The units at a number's own place depend on the number itself: they are part of the root that is looked for.
//!
//! Read from the end, the images, weights and biases of mask B are those of mask A.

use super::Mint;
use super::root::{Centre, Found, Known, Units};
use crate::nn::{CENTRE, ConvMask, TAPS};
use autograd::{Real, Tensor, Var, parallel};

/// One convolution's weights and biases, `[tap][in][out]` and `[out]`.
#[derive(Debug)]
struct Packed {
    inputs: usize,
    outputs: usize,
    weights: Vec<f64>,
    biases: Vec<f64>,
}

/// A layer's parameters as the sweep reads them.
#[derive(Debug)]
pub(super) struct Sweep {
    image: [usize; 3],
    branches: usize,
    convs: [Packed; 3],
    centres: Vec<Centre>,
    t: Vec<f64>,
    mirrored: bool,
}

/// One sample's x.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) x: Vec<f64>,
    /// `−Σ ln(t + d)`.
    pub(super) log_det: f64,
    /// The most that a root took.
    pub(super) evaluations: usize,
}

/// What has come in so far, `[place][unit]`, for each of the three convolutions' outputs.
type Sums = [Vec<f64>; 3];

/// Numbers in `f64`, from the end where mask B makes that the beginning.
fn numbers<T: Real>(tensor: &Tensor<T>, mirrored: bool) -> Vec<f64> {
    let mut numbers: Vec<f64> = tensor.as_slice().iter().map(|x| x.to_f64()).collect();
    if mirrored {
        numbers.reverse();
    }
    numbers
}

impl Packed {
    /// From a masked weight `[out, in, 3, 3]`.
    fn new<T: Real>(weight: &Tensor<T>, bias: &Tensor<T>, mirrored: bool) -> Self {
        let (outputs, inputs) = (weight.shape()[0], weight.shape()[1]);
        let from = numbers(weight, mirrored);
        let mut weights = vec![0.0; from.len()];
        for (i, &w) in from.iter().enumerate() {
            let (output, input, tap) = (i / TAPS / inputs, i / TAPS % inputs, i % TAPS);
            weights[(tap * inputs + input) * outputs + output] = w;
        }
        Self { inputs, outputs, weights, biases: numbers(bias, mirrored) }
    }

    fn weight(&self, tap: usize, input: usize, output: usize) -> f64 {
        self.weights[(tap * self.inputs + input) * self.outputs + output]
    }

    /// Adds a channel's units at one place to the sums of all units that read them and come later.
    fn spread(&self, at: [usize; 3], image: [usize; 3], units: &[f64], sums: &mut [f64]) {
        let ([channel, row, column], [channels, height, width]) = (at, image);
        for tap in 0..TAPS {
            // The place whose kernel has this one under its tap.
            let (below, beside) = (row + 1, column + 1);
            let (Some(row), Some(column)) = (below.checked_sub(tap / 3), beside.checked_sub(tap % 3)) else { continue };
            if row >= height || column >= width {
                continue;
            }
            // Later within the channel are those that see it before their centre, and all of the channels after it.
            let first_channel = if tap < CENTRE { channel } else { channel + 1 };
            let first = first_channel * (self.outputs / channels);
            let into = (row * width + column) * self.outputs;
            let readers = &mut sums[into + first..into + self.outputs];
            if readers.is_empty() {
                continue;
            }
            for (input, &unit) in (channel * units.len()..).zip(units) {
                let from = (tap * self.inputs + input) * self.outputs;
                for (sum, w) in readers.iter_mut().zip(&self.weights[from + first..from + self.outputs]) {
                    *sum += w * unit;
                }
            }
        }
    }
}

impl Sweep {
    pub(super) fn of<T: Real>(layer: &Mint<T>) -> Self {
        let mirrored = layer.mask == ConvMask::B;
        let plain = Var::from(layer.scale.value());
        let weights = layer.weights(&plain);
        let convs: [Packed; 3] =
            std::array::from_fn(|i| Packed::new(weights[i].value(), &layer.convs[i].bias().value(), mirrored));
        let branches = layer.branches();
        let centres = (0..layer.image[0]).map(|channel| centre(&convs, branches, channel)).collect();
        Self { image: layer.image, branches, convs, centres, t: numbers(plain.softplus().value(), mirrored), mirrored }
    }

    /// All samples' x; rows side by side on as many threads as there may be.
    pub(super) fn solve<T: Real>(&self, z: &Tensor<T>) -> Vec<Row> {
        let mut rows = vec![Row::default(); z.shape()[0]];
        let per = rows.len().div_ceil(parallel::threads());
        parallel::side_by_side(&mut rows, per, &|start, rows| {
            let mut units = Units::new(self.branches);
            for (i, row) in (start..).zip(rows) {
                *row = self.row(&numbers(&z.rows(i..i + 1), self.mirrored), &mut units);
            }
        });
        rows
    }

    fn row(&self, target: &[f64], units: &mut Units) -> Row {
        let [_, height, width] = self.image;
        let places = height * width;
        let mut sums: Sums = self.convs.each_ref().map(|conv| conv.biases.repeat(places));
        let mut row = Row { x: Vec::with_capacity(target.len()), ..Row::default() };
        for (i, (&target, &t)) in target.iter().zip(&self.t).enumerate() {
            let (channel, place) = (i / places, i % places);
            let own = (place * self.centres.len() + channel) * self.branches;
            let hidden = [0, 1].map(|l| &sums[l][own..own + self.branches]);
            let rest = sums[2][place * self.centres.len() + channel] - target;
            let known = Known { centre: &self.centres[channel], hidden, rest, t };
            let Found { x, slope, evaluations } = units.root(&known, 0.0);
            row.x.push(x);
            row.log_det -= slope.ln();
            row.evaluations = row.evaluations.max(evaluations);
            let at = [channel, place / width, place % width];
            let [first, second, third] = &self.convs;
            first.spread(at, self.image, &[x], &mut sums[0]);
            second.spread(at, self.image, &units.hidden[0], &mut sums[1]);
            third.spread(at, self.image, &units.hidden[1], &mut sums[2]);
        }
        if self.mirrored {
            row.x.reverse();
        }
        row
    }
}

/// The centre taps between the units of one channel.
fn centre([first, second, third]: &[Packed; 3], branches: usize, channel: usize) -> Centre {
    let units = channel * branches..(channel + 1) * branches;
    let each = |f: &dyn Fn(usize) -> f64| units.clone().map(f).collect::<Vec<f64>>();
    let first = each(&|k| first.weight(CENTRE, channel, k));
    let third = each(&|l| third.weight(CENTRE, l, channel));
    let second: Vec<f64> = units.clone().flat_map(|k| each(&|l| second.weight(CENTRE, k, l))).collect();
    let terms = second.iter().enumerate().map(|(i, w)| (third[i % branches] * w * first[i / branches]).abs());
    let steepest = terms.sum();
    Centre { first, second, third, steepest }
}
