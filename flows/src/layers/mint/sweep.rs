//! z → x in one sweep over an image's elements, in `f64`, eight samples at a time.
//!
//! The order of mask A is that of memory: channel by channel, row by row. At an element's turn, the sums of the hidden
//! units of its channel and position are computed, complete except for the element itself. The element is the root of a
//! function of one variable ([`super::root`]), which also gives the units. Mask B is mask A with images, weights and
//! biases reversed.

use super::Mint;
use super::root::{Center, Found, Known, Search, Units};
use crate::nn::ConvMask;
use autograd::lanes::{Eight, LANES, add_product};
use autograd::{Real, Shape, Tensor, Var, parallel};
use std::ops::Range;

/// A layer's parameters as the sweep reads them.
#[derive(Debug)]
pub(super) struct Sweep {
    readers: AllReaders,
    centers: Vec<Center>,
    t: Vec<f64>,
    mirrored: bool,
    search: Search,
}

/// Three convolutions over an image, in the order of mask A.
#[derive(Debug)]
pub(super) struct AllReaders {
    image: [usize; 3],
    /// Units of a channel in what each convolution reads, and in the last one's outputs.
    units: [usize; 4],
    /// Each convolution, by channel of its outputs.
    convs: [Vec<Readers>; 3],
}

/// The weights of one channel's units on the units before them.
#[derive(Debug)]
struct Readers {
    biases: Vec<f64>,
    /// For each tap `[in][out]`, from the units of the channels before and, before the center, of this one.
    taps: Vec<Vec<f64>>,
    /// The side of the kernels.
    side: usize,
}

/// The x of eight samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// `[position][channel]`.
    pub(super) x: Vec<Eight>,
    /// `−Σ ln(t + d)`.
    pub(super) log_det: Eight,
    /// The most evaluations for any root.
    pub(super) evaluations: [usize; LANES],
}

/// Values in `f64`, reversed for mask B.
pub(super) fn values<T: Real>(tensor: &Tensor<T>, mirrored: bool) -> Vec<f64> {
    let mut values: Vec<f64> = tensor.as_slice().iter().map(|x| x.to_f64()).collect();
    if mirrored {
        values.reverse();
    }
    values
}

/// The same value for all samples.
pub(super) fn same(x: f64) -> Eight {
    [x; LANES]
}

impl Readers {
    /// Those of one channel, from a masked weight `[out, in, side, side]` with this many inputs and outputs for each
    /// channel.
    fn new(channel: usize, weight: &[f64], biases: &[f64], [from, to]: [usize; 2], side: usize) -> Self {
        let taps = side * side;
        let inputs = weight.len() / taps / biases.len();
        let of_tap = |tap: usize| {
            let reach = if tap < taps / 2 { channel + 1 } else { channel };
            let at = |i: usize| ((channel * to + i % to) * inputs + i / to) * taps + tap;
            (0..reach * from * to).map(|i| weight[at(i)]).collect()
        };
        let biases = biases[channel * to..(channel + 1) * to].to_vec();
        Self { biases, taps: (0..taps).map(of_tap).collect(), side }
    }

    /// The sums of these units at one position, over all inputs before it, `[position][unit]`.
    fn read(&self, [row, column]: [usize; 2], image: [usize; 3], inputs: &[Eight], sums: &mut [Eight]) {
        let [_, height, width] = image;
        let each = inputs.len() / (height * width);
        for (sum, &bias) in sums.iter_mut().zip(&self.biases) {
            *sum = same(bias);
        }
        for (tap, weights) in self.taps.iter().enumerate() {
            let padding = self.side / 2;
            let (below, beside) = (row + tap / self.side, column + tap % self.side);
            // Outside is the padding.
            if (padding..height + padding).contains(&below) && (padding..width + padding).contains(&beside) {
                let at = (below - padding) * width + beside - padding;
                let seen = &inputs[at * each..][..weights.len() / sums.len()];
                add_product(weights, seen, sums);
            }
        }
    }
}

impl AllReaders {
    /// From masked weights `[out, in, side, side]` and biases, with K units of each channel in the hidden layers.
    pub(super) fn new(image: [usize; 3], branches: usize, weights: &[Vec<f64>; 3], biases: &[Vec<f64>; 3]) -> Self {
        let units = [1, branches, branches, 1];
        let convs = std::array::from_fn(|i| {
            let (channels, [from, to]) = (image[0], [units[i], units[i + 1]]);
            let side = (weights[i].len() / (channels * from * channels * to)).isqrt();
            (0..channels).map(|c| Readers::new(c, &weights[i], &biases[i], [from, to], side)).collect()
        });
        Self { image, units, convs }
    }

    /// The center taps `[in][out]` of convolution `i` within a channel.
    pub(super) fn center(&self, i: usize, channel: usize, weight: &[f64]) -> Vec<f64> {
        let ([from, to], channels) = ([self.units[i], self.units[i + 1]], self.image[0]);
        let taps = weight.len() / (channels * from * channels * to);
        let at = |k, l| ((channel * to + l) * channels * from + channel * from + k) * taps + taps / 2;
        (0..from * to).map(|j| weight[at(j / to, j % to)]).collect()
    }

    /// Visits the elements in order. `element` gets the element's channel, its place in `[channel][position]`, and the
    /// three convolutions' sums over everything before it; it returns the element's value, and writes those of the hidden
    /// units of its channel and position. Returns all elements, `[position][channel]`.
    pub(super) fn visit(
        &self,
        mut element: impl FnMut(usize, usize, &[Vec<Eight>; 3], [&mut [Eight]; 2]) -> Eight,
    ) -> Vec<Eight> {
        let [channels, height, width] = self.image;
        let positions = height * width;
        // The inputs of each convolution, `[position][unit]`.
        let [mut x, mut first, mut second] = [0, 1, 2].map(|i| vec![same(0.0); positions * channels * self.units[i]]);
        let mut sums = [1, 2, 3].map(|i| vec![same(0.0); self.units[i]]);
        for channel in 0..channels {
            for position in 0..positions {
                let at = [position / width, position % width];
                for ((conv, inputs), sums) in self.convs.iter().zip([&x, &first, &second]).zip(&mut sums) {
                    conv[channel].read(at, self.image, inputs, sums);
                }
                let at = position * channels + channel;
                let own = [&mut first, &mut second].map(|all| &mut all[at * self.units[1]..(at + 1) * self.units[1]]);
                x[at] = element(channel, channel * positions + position, &sums, own);
            }
        }
        x
    }
}

/// Calls `solve` for the rows of each group of eight of a batch; the groups are split over the threads.
pub(super) fn in_groups<G: Default + Clone + Send>(batch: usize, solve: impl Fn(Range<usize>) -> G + Sync) -> Vec<G> {
    let mut groups = vec![G::default(); batch.div_ceil(LANES)];
    let per = groups.len().div_ceil(parallel::threads());
    parallel::side_by_side(&mut groups, per, &|start, groups| {
        for (i, group) in (start..).zip(groups) {
            *group = solve(i * LANES..batch.min((i + 1) * LANES));
        }
    });
    groups
}

/// Up to eight samples `[rows, units, height, width]` as lanes, `[unit][position]`, reversed for mask B. Empty lanes
/// repeat the first sample.
pub(super) fn lanes<T: Real>(tensor: &Tensor<T>, rows: Range<usize>, mirrored: bool) -> Vec<Eight> {
    let each: usize = tensor.shape()[1..].iter().product();
    let at = |i: usize| if mirrored { each - 1 - i } else { i };
    let row = |lane: usize| if lane < rows.len() { rows.start + lane } else { rows.start };
    let of = |lane: usize, i: usize| tensor.as_slice()[row(lane) * each + at(i)].to_f64();
    (0..each).map(|i| std::array::from_fn(|lane| of(lane, i))).collect()
}

/// Elements of all groups, `[position][channel]`, as images of this shape.
pub(super) fn images<'a, T: Real>(groups: impl Fn(usize) -> &'a [Eight], shape: &Shape, mirrored: bool) -> Tensor<T> {
    let (channels, positions) = (shape[1], shape[2] * shape[3]);
    let each = channels * positions;
    Tensor::from_fn(shape, |i| {
        let (row, element) = (i / each, i % each);
        let element = if mirrored { each - 1 - element } else { element };
        let at = element % positions * channels + element / positions;
        T::from_f64(groups(row / LANES)[at][row % LANES])
    })
}

impl Sweep {
    pub(super) fn of<T: Real>(layer: &Mint<T>, most: usize) -> Self {
        let mirrored = layer.mask == ConvMask::B;
        let plain = Var::from(layer.scale.value());
        let weights = layer.weights(&plain).map(|weight| values(weight.value(), mirrored));
        let biases = layer.convs.each_ref().map(|conv| values(&conv.bias().value(), mirrored));
        let readers = AllReaders::new(layer.image, layer.branches(), &weights, &biases);
        let center = |i: usize, channel: usize| readers.center(i, channel, &weights[i]);
        let centers = (0..layer.image[0]).map(|c| Center::new(center(0, c), center(1, c), center(2, c))).collect();
        let t = values(plain.softplus().value(), mirrored);
        let search = Search { most, precision: T::EPSILON };
        Self { readers, centers, t, mirrored, search }
    }

    /// x of all samples, in groups of eight.
    pub(super) fn solve<T: Real>(&self, z: &Tensor<T>) -> Vec<Group> {
        in_groups(z.shape()[0], |rows| self.group(&lanes(z, rows, self.mirrored)))
    }

    fn group(&self, target: &[Eight]) -> Group {
        let mut units = Units::new(self.readers.units[1]);
        let mut group = Group::default();
        group.x = self.readers.visit(|channel, i, sums, [first, second]| {
            let rest = std::array::from_fn(|lane| sums[2][0][lane] - target[i][lane]);
            let known = Known { center: &self.centers[channel], hidden: [&sums[0], &sums[1]], rest, t: self.t[i] };
            let Found { x, slope, evaluations } = units.root(&known, &same(0.0), self.search);
            first.copy_from_slice(&units.hidden[0]);
            second.copy_from_slice(&units.hidden[1]);
            for lane in 0..LANES {
                group.log_det[lane] -= slope[lane].ln();
                group.evaluations[lane] = group.evaluations[lane].max(evaluations[lane]);
            }
            x
        });
        group
    }

    /// x of all groups as images.
    pub(super) fn images<T: Real>(&self, groups: &[Group], shape: &Shape) -> Tensor<T> {
        images(|group| &groups[group].x, shape, self.mirrored)
    }
}
