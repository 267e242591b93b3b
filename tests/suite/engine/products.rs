//! Products in the table of operations: matrices in every transposition, convolutions and their
//! adjoints in every geometry.

use super::case::Case;
use super::draw::{REAL, tensor};
use super::operations::Entry;
use autograd::{ConvSpec, Tensor, Var};
use proptest::prelude::*;

pub(super) fn all() -> Vec<Entry> {
    vec![
        ("matmul", matmul(false, false, |a, b| a.matmul(b))),
        ("matmul_t", matmul(false, true, |a, b| a.matmul_t(b))),
        ("t_matmul", matmul(true, false, |a, b| a.t_matmul(b))),
        ("conv2d", conv2d(|g| vec![g.input(), g.weight()], |x, g| x[0].conv2d(&x[1], g.spec()))),
        (
            "conv2d_transposed",
            conv2d(
                |g| vec![g.output(), g.weight()],
                |x, g| x[0].conv2d_transposed(&x[1], g.spec(), [g.size(0), g.size(1)]),
            ),
        ),
        ("conv2d by weight", conv2d(|g| vec![g.input(), g.output()], |x, g| by_weight(&x[0], &x[1], g))),
        ("conv1d", conv1d()),
    ]
}

/// The adjoint of `conv2d` in its weight has no method: a recorded sweep gives it.
pub(super) fn by_weight(x: &Var<f64>, dy: &Var<f64>, g: &Geometry) -> Var<f64> {
    let tape = x.tape().or(dy.tape()).cloned().unwrap_or_default();
    let weight = tape.variable(Tensor::zeros(g.weight()));
    let y = x.conv2d(&weight, g.spec());
    tape.vjp_recorded(&y, dy, &[&weight]).remove(0)
}

/// `[…, m, k]` and `[…, k, n]`, either transposed, the leading axes broadcasting.
fn matmul(ta: bool, tb: bool, f: fn(&Var<f64>, &Var<f64>) -> Var<f64>) -> BoxedStrategy<Case> {
    let lead = prop::collection::vec((1..3usize, 0..3usize), 0..3);
    ([1..4usize, 1..5, 1..4], lead, 0..3usize, 0..3usize)
        .prop_flat_map(move |([m, k, n], lead, drop_a, drop_b)| {
            // Of each leading axis one side may have 1; and whole leading axes may be missing.
            let side = |one: usize, dropped: usize, last: [usize; 2]| -> Vec<usize> {
                let extents = lead.iter().map(|&(extent, which)| if which == one { 1 } else { extent });
                extents.skip(dropped.min(lead.len())).chain(last).collect()
            };
            let a = side(0, if drop_b == 0 { drop_a } else { 0 }, if ta { [k, m] } else { [m, k] });
            let b = side(1, drop_b, if tb { [n, k] } else { [k, n] });
            (tensor(&a, REAL), tensor(&b, REAL))
        })
        .prop_map(move |(a, b)| Case::new(vec![a, b], move |x| f(&x[0], &x[1])))
        .boxed()
}

/// The sizes of a drawn convolution; pairs are `[vertical, horizontal]`.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) channels: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    /// By how much the padded image is larger than the kernel's reach.
    pub(super) spare: [usize; 2],
}

impl Geometry {
    fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    pub(super) fn size(&self, axis: usize) -> usize {
        (self.reach(axis) + self.spare[axis]).saturating_sub(2 * self.padding[axis]).max(1)
    }

    fn out(&self, axis: usize) -> usize {
        (self.size(axis) + 2 * self.padding[axis] - self.reach(axis)) / self.stride[axis] + 1
    }

    pub(super) fn spec(&self) -> ConvSpec {
        ConvSpec { stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    pub(super) fn input(&self) -> [usize; 4] {
        [self.batch, self.channels[0], self.size(0), self.size(1)]
    }

    pub(super) fn weight(&self) -> [usize; 4] {
        [self.channels[1], self.channels[0], self.kernel[0], self.kernel[1]]
    }

    pub(super) fn output(&self) -> [usize; 4] {
        [self.batch, self.channels[1], self.out(0), self.out(1)]
    }
}

/// Any geometry with at most this many channels, images, and spare rows and columns.
pub(super) fn geometry(channels: usize, batch: usize, spare: usize) -> impl Strategy<Value = Geometry> {
    let pair = |lo: usize, hi: usize| [lo..hi, lo..hi];
    let sizes = (1..=batch, pair(1, channels + 1), pair(0, spare + 1));
    (sizes, pair(1, 4), pair(1, 4), pair(0, 3), pair(1, 4)).prop_map(
        |((batch, channels, spare), kernel, stride, padding, dilation)| Geometry {
            batch,
            channels,
            kernel,
            stride,
            padding,
            dilation,
            spare,
        },
    )
}

fn conv2d(shapes: fn(&Geometry) -> Vec<[usize; 4]>, f: fn(&[Var<f64>], &Geometry) -> Var<f64>) -> BoxedStrategy<Case> {
    geometry(2, 2, 3)
        .prop_flat_map(move |geometry| {
            let inputs: Vec<_> = shapes(&geometry).iter().map(|shape| tensor(shape, REAL)).collect();
            (inputs, Just(geometry))
        })
        .prop_map(move |(inputs, geometry)| {
            let shown = format!("{geometry:?}");
            Case { with: shown, ..Case::new(inputs, move |x| f(x, &geometry)) }
        })
        .boxed()
}

fn conv1d() -> BoxedStrategy<Case> {
    ([1..3usize, 1..3, 1..3], 1..4usize, 1..4usize, [0..4usize, 0..3], 0..4usize)
        .prop_flat_map(|([batch, inputs, outputs], kernel, dilation, [before, after], spare)| {
            let length = ((kernel - 1) * dilation + 1 + spare).saturating_sub(before + after).max(1);
            let x = tensor(&[batch, inputs, length], REAL);
            (x, tensor(&[outputs, inputs, kernel], REAL), Just((dilation, before, after)))
        })
        .prop_map(|(x, w, (dilation, before, after))| {
            Case::new(vec![x, w], move |x| x[0].conv1d(&x[1], dilation, before, after)).with(&(dilation, before, after))
        })
        .boxed()
}
