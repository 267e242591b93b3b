//! How operations walk over tensors: broadcasting, reductions over any axes, moving blocks about.
//! The arithmetic itself is in [`crate::kernels`].

use crate::elementwise::{Binary, Unary};
use crate::kernels::{self, Conv2d};
use crate::parallel::{self, split};
use crate::real::Real;
use crate::shape::{Axes, Shape};
use crate::stairs::StaircaseMask;
use crate::taps::KernelMask;
use crate::tensor::Tensor;
use crate::walk::Walk;

/// Pieces of a split start at multiples of this many elements: whole cache lines.
const UNIT: usize = 16;

pub(crate) fn unary<T: Real>(f: Unary, mut x: Tensor<T>) -> Tensor<T> {
    if x.is_unshared() {
        split(x.as_mut_slice(), UNIT, &|_, piece| T::unary_in_place(f, piece));
        return x;
    }
    let mut out = Tensor::stale(x.shape());
    let source = x.as_slice();
    split(out.as_mut_slice(), UNIT, &|start, piece| T::unary(f, &source[start..start + piece.len()], piece));
    out
}

pub(crate) fn binary<T: Real>(f: Binary, mut a: Tensor<T>, mut b: Tensor<T>) -> Tensor<T> {
    if a.shape() == b.shape() {
        if a.is_unshared() {
            let right = b.as_slice();
            split(a.as_mut_slice(), UNIT, &|start, piece| {
                T::binary_assign(f, piece, &right[start..start + piece.len()]);
            });
            return a;
        }
        if b.is_unshared() {
            let left = a.as_slice();
            split(b.as_mut_slice(), UNIT, &|start, piece| {
                T::binary_assign_right(f, &left[start..start + piece.len()], piece);
            });
            return b;
        }
        let mut out = Tensor::stale(a.shape());
        let (left, right) = (a.as_slice(), b.as_slice());
        split(out.as_mut_slice(), UNIT, &|start, piece| {
            let range = start..start + piece.len();
            T::binary(f, &left[range.clone()], &right[range], piece);
        });
        return out;
    }
    let shape = a.shape().broadcast(b.shape()).expect("shapes were checked by the caller");
    if *a.shape() == shape && a.is_unshared() {
        let walk = Walk::new(&shape, &[a.shape(), b.shape()]);
        let right = b.as_slice();
        split(a.as_mut_slice(), walk.row, &|start, piece| {
            walk.rows(start, piece, |row, at| match walk.inner[1] {
                0 => T::binary_scalar_assign(f, row, right[at[1]]),
                _ => T::binary_assign(f, row, &right[at[1]..at[1] + walk.row]),
            });
        });
        return a;
    }
    if *b.shape() == shape && b.is_unshared() {
        let walk = Walk::new(&shape, &[a.shape(), b.shape()]);
        let left = a.as_slice();
        split(b.as_mut_slice(), walk.row, &|start, piece| {
            walk.rows(start, piece, |row, at| match walk.inner[0] {
                0 => T::binary_scalar_left_assign(f, left[at[0]], row),
                _ => T::binary_assign_right(f, &left[at[0]..at[0] + walk.row], row),
            });
        });
        return b;
    }
    let mut out = Tensor::stale(&shape);
    let walk = Walk::new(&shape, &[a.shape(), b.shape()]);
    let (left, right) = (a.as_slice(), b.as_slice());
    split(out.as_mut_slice(), walk.row, &|start, piece| {
        walk.rows(start, piece, |row, at| match (walk.inner[0], walk.inner[1]) {
            (0, 0) => {
                T::binary(f, &left[at[0]..=at[0]], &right[at[1]..=at[1]], &mut row[..1]);
                let value = row[0];
                row.fill(value);
            }
            (0, _) => T::binary_scalar_left(f, left[at[0]], &right[at[1]..at[1] + walk.row], row),
            (_, 0) => T::binary_scalar(f, &left[at[0]..at[0] + walk.row], right[at[1]], row),
            _ => T::binary(f, &left[at[0]..at[0] + walk.row], &right[at[1]..at[1] + walk.row], row),
        });
    });
    out
}

pub(crate) fn broadcast_to<T: Real>(x: &Tensor<T>, shape: &Shape) -> Tensor<T> {
    if x.shape() == shape {
        return x.clone();
    }
    let mut out = Tensor::stale(shape);
    let walk = Walk::new(shape, &[x.shape()]);
    let source = x.as_slice();
    split(out.as_mut_slice(), walk.row, &|start, piece| {
        walk.rows(start, piece, |row, at| match walk.inner[0] {
            0 => row.fill(source[at[0]]),
            _ => row.copy_from_slice(&source[at[0]..at[0] + walk.row]),
        });
    });
    out
}

pub(crate) fn select<T: Real>(mask: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale(a.shape());
    let (m, a, b) = (mask.as_slice(), a.as_slice(), b.as_slice());
    split(out.as_mut_slice(), UNIT, &|start, piece| {
        let range = start..start + piece.len();
        T::select(&m[range.clone()], &a[range.clone()], &b[range], piece);
    });
    out
}

/// A reduction of the middle axis of `[outer, middle, inner]`.
type ReduceAxis<T> = fn(&[T], usize, usize, usize, &mut [T]);

pub(crate) fn reduce<T: Real>(x: &Tensor<T>, axes: &[usize], kernel: ReduceAxis<T>) -> Tensor<T> {
    let mut sorted: Axes = axes.into();
    sorted.sort_unstable();
    sorted.dedup();
    let mut out = x.clone();
    // Each run of neighboring axes is one reduction; the innermost goes first.
    while let Some(&last) = sorted.last() {
        let mut first = last;
        sorted.pop();
        while sorted.last() == Some(&first.wrapping_sub(1)) {
            first -= 1;
            sorted.pop();
        }
        let shape = out.shape();
        let outer: usize = shape[..first].iter().product();
        let middle: usize = shape[first..=last].iter().product();
        let inner: usize = shape[last + 1..].iter().product();
        let kept: Shape = shape[..first].iter().chain(&shape[last + 1..]).copied().collect();
        let mut next = Tensor::stale(kept);
        let source = out.as_slice();
        if outer > 1 && middle * inner > 0 && outer * middle * inner >= parallel::GRAIN * 2 {
            // One piece a thread: whole outer rows.
            let per = outer.div_ceil(parallel::threads()).max(1) * inner;
            parallel::side_by_side(next.as_mut_slice(), per, &|start, piece| {
                let first = start / inner.max(1);
                let rows = piece.len() / inner.max(1);
                kernel(&source[first * middle * inner..(first + rows) * middle * inner], rows, middle, inner, piece);
            });
        } else {
            kernel(source, outer, middle, inner, next.as_mut_slice());
        }
        out = next;
    }
    out
}

pub(crate) fn permute<T: Real>(x: &Tensor<T>, order: &[usize]) -> Tensor<T> {
    let shape: Shape = order.iter().map(|&axis| x.shape()[axis]).collect();
    let own = x.shape().strides();
    let strides: Axes = order.iter().map(|&axis| own[axis]).collect();
    let mut out = Tensor::stale(&shape);
    let source = x.as_slice();
    let Some((&row, outer)) = shape.split_last() else {
        return x.clone();
    };
    let stride = strides[outer.len()];
    let walk = Walk { row, outer: outer.into(), strides: vec![strides[..outer.len()].into()], inner: Axes::new() };
    split(out.as_mut_slice(), row, &|start, piece| {
        walk.rows(start, piece, |row, at| match stride {
            1 => row.copy_from_slice(&source[at[0]..at[0] + row.len()]),
            _ => row.iter_mut().zip(source[at[0]..].iter().step_by(stride)).for_each(|(to, &from)| *to = from),
        });
    });
    out
}

pub(crate) fn slice<T: Real>(x: &Tensor<T>, axis: usize, start: usize, step: usize, len: usize) -> Tensor<T> {
    let (outer, extent, inner) = x.shape().around(axis);
    let mut out = Tensor::stale(x.shape().with(axis, len));
    let (source, target) = (x.as_slice(), out.as_mut_slice());
    for o in 0..outer {
        let from = &source[o * extent * inner..(o + 1) * extent * inner];
        let to = &mut target[o * len * inner..(o + 1) * len * inner];
        if step == 1 {
            to.copy_from_slice(&from[start * inner..(start + len) * inner]);
        } else if inner == 1 && len > 0 {
            to.iter_mut().zip(from[start..].iter().step_by(step)).for_each(|(to, &from)| *to = from);
        } else {
            for (i, to) in to.chunks_exact_mut(inner.max(1)).enumerate() {
                let at = (start + i * step) * inner;
                to.copy_from_slice(&from[at..at + inner]);
            }
        }
    }
    out
}

pub(crate) fn embed<T: Real>(x: &Tensor<T>, axis: usize, start: usize, step: usize, size: usize) -> Tensor<T> {
    let (outer, len, inner) = x.shape().around(axis);
    let mut out = Tensor::zeros(x.shape().with(axis, size));
    let (source, target) = (x.as_slice(), out.as_mut_slice());
    for o in 0..outer {
        let from = &source[o * len * inner..(o + 1) * len * inner];
        let to = &mut target[o * size * inner..(o + 1) * size * inner];
        if step == 1 {
            to[start * inner..(start + len) * inner].copy_from_slice(from);
        } else if inner == 1 && len > 0 {
            to[start..].iter_mut().step_by(step).zip(from).for_each(|(to, &from)| *to = from);
        } else {
            for (i, from) in from.chunks_exact(inner.max(1)).enumerate() {
                let at = (start + i * step) * inner;
                to[at..at + inner].copy_from_slice(from);
            }
        }
    }
    out
}

pub(crate) fn concat<T: Real>(inputs: &[Tensor<T>], axis: usize) -> Tensor<T> {
    let size = inputs.iter().map(|x| x.shape()[axis]).sum();
    let (outer, _, inner) = inputs[0].shape().around(axis);
    let mut out = Tensor::stale(inputs[0].shape().with(axis, size));
    let target = out.as_mut_slice();
    let mut start = 0;
    for x in inputs {
        let width = x.shape()[axis] * inner;
        let source = x.as_slice();
        for o in 0..outer {
            let to = o * size * inner + start;
            target[to..to + width].copy_from_slice(&source[o * width..(o + 1) * width]);
        }
        start += width;
    }
    out
}

pub(crate) fn gather<T: Real>(x: &Tensor<T>, axis: usize, indices: &[usize]) -> Tensor<T> {
    let (outer, extent, inner) = x.shape().around(axis);
    let mut out = Tensor::stale(x.shape().with(axis, indices.len()));
    let (source, target) = (x.as_slice(), out.as_mut_slice());
    for o in 0..outer {
        let from = &source[o * extent * inner..(o + 1) * extent * inner];
        let to = &mut target[o * indices.len() * inner..(o + 1) * indices.len() * inner];
        if inner == 1 {
            to.iter_mut().zip(indices).for_each(|(to, &i)| *to = from[i]);
            continue;
        }
        for (to, &i) in to.chunks_exact_mut(inner.max(1)).zip(indices) {
            to.copy_from_slice(&from[i * inner..(i + 1) * inner]);
        }
    }
    out
}

pub(crate) fn scatter_add<T: Real>(x: &Tensor<T>, axis: usize, indices: &[usize], size: usize) -> Tensor<T> {
    let (outer, len, inner) = x.shape().around(axis);
    let mut out = Tensor::zeros(x.shape().with(axis, size));
    let (source, target) = (x.as_slice(), out.as_mut_slice());
    for o in 0..outer {
        let from = &source[o * len * inner..(o + 1) * len * inner];
        let to = &mut target[o * size * inner..(o + 1) * size * inner];
        if inner == 1 {
            from.iter().zip(indices).for_each(|(&from, &i)| to[i] += from);
            continue;
        }
        for (from, &i) in from.chunks_exact(inner.max(1)).zip(indices) {
            T::binary_assign(Binary::Add, &mut to[i * inner..(i + 1) * inner], from);
        }
    }
    out
}

/// `[.., m, k]·[.., k, n]` with equally many matrices on both sides; transposes are strides.
pub(crate) fn matmul<T: Real>(a: &Tensor<T>, ta: bool, b: &Tensor<T>, tb: bool) -> Tensor<T> {
    let lead = a.shape().rank() - 2;
    let (rows, cols) = (a.shape()[lead], a.shape()[lead + 1]);
    let (m, k) = if ta { (cols, rows) } else { (rows, cols) };
    let n = if tb { b.shape()[lead] } else { b.shape()[lead + 1] };
    let a_strides = if ta { (1, m as isize) } else { (k as isize, 1) };
    let b_strides = if tb { (1, k as isize) } else { (n as isize, 1) };
    let mut shape = a.shape().with(lead, m);
    shape = shape.with(lead + 1, n);
    let mut out = Tensor::stale(shape);
    let (left, right) = (a.as_slice(), b.as_slice());
    let one = |i: usize, target: &mut [T], threads: usize| {
        let (a, b) = (&left[i * m * k..(i + 1) * m * k], &right[i * k * n..(i + 1) * k * n]);
        kernels::matmul(threads, (m, k, n), a, a_strides, b, b_strides, target);
    };
    let count: usize = a.shape()[..lead].iter().product();
    if m * n == 0 || count == 0 {
        return out;
    }
    if count == 1 {
        one(0, out.as_mut_slice(), parallel::threads());
    } else {
        let per = if count * m * n * k >= 1 << 18 { count.div_ceil(parallel::threads()) } else { count };
        parallel::side_by_side(out.as_mut_slice(), per * m * n, &|start, piece| {
            for (i, target) in piece.chunks_exact_mut(m * n).enumerate() {
                one(start / (m * n) + i, target, 1);
            }
        });
    }
    out
}

pub(crate) fn stairs<T: Real>(stairs: &StaircaseMask, x: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let batch = x.shape()[0];
    let mut out = Tensor::stale([batch, stairs.outputs()]);
    kernels::stairs::forward(stairs, batch, parallel::threads(), x.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn stairs_by_input<T: Real>(stairs: &StaircaseMask, dy: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let batch = dy.shape()[0];
    let mut out = Tensor::stale([batch, stairs.inputs()]);
    kernels::stairs::by_input(stairs, batch, parallel::threads(), dy.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn stairs_by_weight<T: Real>(stairs: &StaircaseMask, x: &Tensor<T>, dy: &Tensor<T>) -> Tensor<T> {
    let batch = x.shape()[0];
    let mut out = Tensor::stale([stairs.outputs(), stairs.inputs()]);
    kernels::stairs::by_weight(stairs, batch, parallel::threads(), x.as_slice(), dy.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn conv<T: Real>(geometry: &Conv2d, x: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale(output_shape(geometry));
    kernels::conv::forward(geometry, parallel::threads(), x.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn conv_by_input<T: Real>(geometry: &Conv2d, dy: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale([geometry.batch, geometry.in_channels, geometry.in_h, geometry.in_w]);
    kernels::conv::by_input(geometry, parallel::threads(), dy.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn conv_by_weight<T: Real>(geometry: &Conv2d, x: &Tensor<T>, dy: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale([geometry.out_channels, geometry.in_channels, geometry.kernel_h, geometry.kernel_w]);
    kernels::conv::by_weight(geometry, parallel::threads(), x.as_slice(), dy.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn taps<T: Real>(geometry: &Conv2d, taps: &KernelMask, x: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale(output_shape(geometry));
    let threads = parallel::threads();
    kernels::conv::taps::forward(taps, geometry, threads, x.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn taps_by_input<T: Real>(geometry: &Conv2d, taps: &KernelMask, dy: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let mut out = Tensor::stale([geometry.batch, geometry.in_channels, geometry.in_h, geometry.in_w]);
    let threads = parallel::threads();
    kernels::conv::taps::by_input(taps, geometry, threads, dy.as_slice(), w.as_slice(), out.as_mut_slice());
    out
}

pub(crate) fn taps_by_weight<T: Real>(
    geometry: &Conv2d,
    taps: &KernelMask,
    x: &Tensor<T>,
    dy: &Tensor<T>,
) -> Tensor<T> {
    let mut out = Tensor::stale(taps.shape());
    let threads = parallel::threads();
    kernels::conv::taps::by_weight(taps, geometry, threads, x.as_slice(), dy.as_slice(), out.as_mut_slice());
    out
}

/// The shape of what a convolution gives.
pub(crate) fn output_shape(geometry: &Conv2d) -> Shape {
    Shape::from([geometry.batch, geometry.out_channels, geometry.out_h(), geometry.out_w()])
}
