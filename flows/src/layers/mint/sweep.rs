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

/// A layer's parameters as the sweep reads them.
#[derive(Debug)]
pub(super) struct Sweep {
    image: [usize; 3],
    /// Units of a channel in what each convolution reads, and in the last one's outputs.
    units: [usize; 4],
    /// Each convolution, by channel of its outputs.
    convs: [Vec<Readers>; 3],
    centers: Vec<Center>,
    t: Vec<f64>,
    mirrored: bool,
    search: Search,
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
fn values<T: Real>(tensor: &Tensor<T>, mirrored: bool) -> Vec<f64> {
    let mut values: Vec<f64> = tensor.as_slice().iter().map(|x| x.to_f64()).collect();
    if mirrored {
        values.reverse();
    }
    values
}

/// The same value for all samples.
fn same(x: f64) -> Eight {
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

impl Sweep {
    pub(super) fn of<T: Real>(layer: &Mint<T>, most: usize) -> Self {
        let mirrored = layer.mask == ConvMask::B;
        let plain = Var::from(layer.scale.value());
        let weights = layer.weights(&plain).map(|weight| values(weight.value(), mirrored));
        let branches = layer.branches();
        let units = [1, branches, branches, 1];
        let (channels, side) = (layer.image[0], layer.convs[0].side());
        let taps = side * side;
        let convs = std::array::from_fn(|i| {
            let biases = values(&layer.convs[i].bias().value(), mirrored);
            (0..channels).map(|c| Readers::new(c, &weights[i], &biases, [units[i], units[i + 1]], side)).collect()
        });
        // The center taps of one convolution within a channel.
        let center = |i: usize, channel: usize| -> Vec<f64> {
            let [from, to] = [units[i], units[i + 1]];
            let at = |k, l| ((channel * to + l) * channels * from + channel * from + k) * taps + taps / 2;
            (0..from * to).map(|j| weights[i][at(j / to, j % to)]).collect()
        };
        let centers = (0..channels).map(|c| Center::new(center(0, c), center(1, c), center(2, c))).collect();
        let t = values(plain.softplus().value(), mirrored);
        let search = Search { most, precision: T::EPSILON };
        Self { image: layer.image, units, convs, centers, t, mirrored, search }
    }

    /// x of all samples, in groups of eight; the groups are split over the threads.
    pub(super) fn solve<T: Real>(&self, z: &Tensor<T>) -> Vec<Group> {
        let batch = z.shape()[0];
        let mut groups = vec![Group::default(); batch.div_ceil(LANES)];
        let per = groups.len().div_ceil(parallel::threads());
        parallel::side_by_side(&mut groups, per, &|start, groups| {
            for (i, group) in (start..).zip(groups) {
                let rows = i * LANES..batch.min((i + 1) * LANES);
                *group = self.group(&self.side_by_side(&z.rows(rows)));
            }
        });
        groups
    }

    /// Up to eight samples as lanes, `[channel][position]`. Empty lanes repeat the first sample.
    fn side_by_side<T: Real>(&self, z: &Tensor<T>) -> Vec<Eight> {
        let each: usize = self.image.iter().product();
        let rows = z.shape()[0];
        let at = |i: usize| if self.mirrored { each - 1 - i } else { i };
        let of = |lane: usize, i: usize| z.as_slice()[if lane < rows { lane } else { 0 } * each + at(i)].to_f64();
        (0..each).map(|i| std::array::from_fn(|lane| of(lane, i))).collect()
    }

    fn group(&self, target: &[Eight]) -> Group {
        let [channels, height, width] = self.image;
        let positions = height * width;
        // The inputs of each convolution, `[position][unit]`.
        let [mut x, mut first, mut second] = [0, 1, 2].map(|i| vec![same(0.0); positions * channels * self.units[i]]);
        let mut units = Units::new(self.units[1]);
        let mut sums = [1, 2, 3].map(|i| vec![same(0.0); self.units[i]]);
        let mut group = Group::default();
        for channel in 0..channels {
            let [into_first, into_second, out] = self.convs.each_ref().map(|conv| &conv[channel]);
            for position in 0..positions {
                let at = [position / width, position % width];
                into_first.read(at, self.image, &x, &mut sums[0]);
                into_second.read(at, self.image, &first, &mut sums[1]);
                out.read(at, self.image, &second, &mut sums[2]);
                let i = channel * positions + position;
                let rest = std::array::from_fn(|lane| sums[2][0][lane] - target[i][lane]);
                let known = Known { center: &self.centers[channel], hidden: [&sums[0], &sums[1]], rest, t: self.t[i] };
                let Found { x: found, slope, evaluations } = units.root(&known, &same(0.0), self.search);
                let at = position * channels + channel;
                x[at] = found;
                for (all, own) in [&mut first, &mut second].into_iter().zip(&units.hidden) {
                    all[at * own.len()..(at + 1) * own.len()].copy_from_slice(own);
                }
                for lane in 0..LANES {
                    group.log_det[lane] -= slope[lane].ln();
                    group.evaluations[lane] = group.evaluations[lane].max(evaluations[lane]);
                }
            }
        }
        group.x = x;
        group
    }

    /// x of all groups as images.
    pub(super) fn images<T: Real>(&self, groups: &[Group], shape: &Shape) -> Tensor<T> {
        let [channels, height, width] = self.image;
        let (positions, each) = (height * width, channels * height * width);
        Tensor::from_fn(shape, |i| {
            let (row, element) = (i / each, i % each);
            let element = if self.mirrored { each - 1 - element } else { element };
            let at = element % positions * channels + element / positions;
            T::from_f64(groups[row / LANES].x[at][row % LANES])
        })
    }
}
