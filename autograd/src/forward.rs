//! The forward side over whole tensors: broadcasting, reductions over any axes, moving blocks about.
//! The arithmetic itself is in [`crate::kernels`].

use crate::bilinear::Side;
use crate::broadcast::Walk;
use crate::elementwise::{Binary, Unary};
use crate::kernels::conv::Finish;
use crate::kernels::{self, Conv2d, Extent};
use crate::parallel::{self, UNIT, split};
use crate::real::Real;
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;

pub(crate) fn unary<T: Real>(f: Unary, mut x: Tensor<T>) -> Tensor<T> {
    if x.is_unshared() {
        split(x.as_mut_slice(), UNIT, &|_, piece| T::unary_in_place(f, piece));
        return x;
    }
    let source = x.as_slice();
    Tensor::computed(x.shape(), |out| {
        split(out, UNIT, &|start, piece| T::unary(f, &source[start..start + piece.len()], piece));
    })
}

pub(crate) fn binary<T: Real>(f: Binary, mut a: Tensor<T>, mut b: Tensor<T>) -> Tensor<T> {
    let shape = a.shape().broadcast(b.shape()).expect("shapes were checked by the caller");
    let walk = Walk::new(&shape, [a.shape(), b.shape()]);
    if *a.shape() == shape && a.is_unshared() {
        let right = b.as_slice();
        walk.split(a.as_mut_slice(), |row, [_, at]| match walk.inner[1] {
            0 => T::binary_scalar_assign(f, row, right[at]),
            _ => T::binary_assign(f, row, &right[at..at + row.len()]),
        });
        return a;
    }
    if *b.shape() == shape && b.is_unshared() {
        let left = a.as_slice();
        walk.split(b.as_mut_slice(), |row, [at, _]| match walk.inner[0] {
            0 => T::binary_scalar_left_assign(f, left[at], row),
            _ => T::binary_assign_right(f, &left[at..at + row.len()], row),
        });
        return b;
    }
    let (left, right) = (a.as_slice(), b.as_slice());
    Tensor::computed(&shape, |out| {
        walk.split(out, |row, [a, b]| match walk.inner {
            [0, 0] => {
                T::binary(f, &left[a..=a], &right[b..=b], &mut row[..1]);
                row.fill(row[0]);
            }
            [0, _] => T::binary_scalar_left(f, left[a], &right[b..b + row.len()], row),
            [_, 0] => T::binary_scalar(f, &left[a..a + row.len()], right[b], row),
            _ => T::binary(f, &left[a..a + row.len()], &right[b..b + row.len()], row),
        });
    })
}

pub(crate) fn broadcast_to<T: Real>(x: &Tensor<T>, shape: &Shape) -> Tensor<T> {
    if x.shape() == shape {
        return x.clone();
    }
    let (walk, source) = (Walk::new(shape, [x.shape()]), x.as_slice());
    Tensor::computed(shape, |out| {
        walk.split(out, |row, [at]| match walk.inner[0] {
            0 => row.fill(source[at]),
            _ => row.copy_from_slice(&source[at..at + row.len()]),
        });
    })
}

pub(crate) fn select<T: Real>(mask: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    let (m, left, right) = (mask.as_slice(), a.as_slice(), b.as_slice());
    Tensor::computed(a.shape(), |out| {
        split(out, UNIT, &|start, piece| {
            let range = start..start + piece.len();
            T::select(&m[range.clone()], &left[range.clone()], &right[range], piece);
        });
    })
}

/// A convolution of `x` with `w` and a bias for each channel, and where `relu` its positive part.
pub(crate) fn biased_conv<T: Real>(geometry: &Conv2d, inputs: &[Tensor<T>], relu: bool) -> Tensor<T> {
    Tensor::computed(geometry.shape(Side::Output), |out| {
        let operands = [inputs[0].as_slice(), inputs[1].as_slice()];
        let finish = Finish { bias: inputs[2].as_slice(), relu };
        kernels::conv::biased(geometry, parallel::threads(), operands, finish, out);
    })
}

/// A reduction of the middle axis of `[outer, middle, inner]`.
type ReduceAxis<T> = fn(&[T], Extent, &mut [T]);

pub(crate) fn reduce<T: Real>(x: &Tensor<T>, axes: &[usize], kernel: ReduceAxis<T>) -> Tensor<T> {
    let mut sorted: Axes = axes.into();
    sorted.sort_unstable();
    let mut reduced = x.clone();
    // Each run of neighboring axes is one reduction; the innermost goes first.
    while let Some(last) = sorted.pop() {
        let mut first = last;
        while sorted.last() == Some(&first.wrapping_sub(1)) {
            first -= 1;
            sorted.pop();
        }
        let shape = reduced.shape();
        let extent = |axes: &[usize]| axes.iter().product::<usize>();
        let (outer, middle, inner) =
            (extent(&shape[..first]), extent(&shape[first..=last]), extent(&shape[last + 1..]));
        let kept: Shape = shape[..first].iter().chain(&shape[last + 1..]).copied().collect();
        let source = reduced.as_slice();
        reduced = Tensor::computed(kept, |out| {
            if outer <= 1 || middle * inner == 0 || outer * middle * inner < parallel::GRAIN * 2 {
                return kernel(source, Extent { outer, reduce: middle, inner }, out);
            }
            // One piece a thread: whole outer rows.
            let per = outer.div_ceil(parallel::threads()) * inner;
            parallel::side_by_side(out, per, &|start, piece| {
                let (first, rows) = (start / inner, piece.len() / inner);
                let source = &source[first * middle * inner..][..rows * middle * inner];
                kernel(source, Extent { outer: rows, reduce: middle, inner }, piece);
            });
        });
    }
    reduced
}

pub(crate) fn permute<T: Real>(x: &Tensor<T>, order: &[usize]) -> Tensor<T> {
    let own = x.shape().strides();
    let mut outer: Axes = order.iter().map(|&axis| x.shape()[axis]).collect();
    let mut strides: Axes = order.iter().map(|&axis| own[axis]).collect();
    let shape: Shape = outer.iter().copied().collect();
    let (Some(row), Some(stride)) = (outer.pop(), strides.pop()) else {
        return x.clone();
    };
    let (walk, source) = (Walk { row, outer, strides: [strides], inner: [stride] }, x.as_slice());
    Tensor::computed(shape, |out| {
        walk.split(out, |row, [at]| match stride {
            1 => row.copy_from_slice(&source[at..at + row.len()]),
            _ => row.iter_mut().zip(source[at..].iter().step_by(stride)).for_each(|(to, &from)| *to = from),
        });
    })
}

/// The parts of both slices that belong to each of `outer` indices before an axis.
fn blocks<'a, T>(to: &'a mut [T], from: &'a [T], outer: usize) -> impl Iterator<Item = (&'a mut [T], &'a [T])> {
    let each = |len: usize| (len / outer.max(1)).max(1);
    let (to_each, from_each) = (each(to.len()), each(from.len()));
    to.chunks_exact_mut(to_each).zip(from.chunks_exact(from_each))
}

pub(crate) fn slice<T: Real>(x: &Tensor<T>, axis: usize, start: usize, step: usize, len: usize) -> Tensor<T> {
    let (outer, _, inner) = x.shape().around(axis);
    Tensor::computed(x.shape().with(axis, len), |out| {
        for (to, from) in blocks(out, x.as_slice(), outer) {
            let from = &from[start * inner..];
            match (step, inner) {
                (1, _) => to.copy_from_slice(&from[..to.len()]),
                (_, 1) => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from),
                _ => {
                    let from = from.chunks_exact(inner).step_by(step);
                    to.chunks_exact_mut(inner).zip(from).for_each(|(to, from)| to.copy_from_slice(from));
                }
            }
        }
    })
}

pub(crate) fn embed<T: Real>(x: &Tensor<T>, axis: usize, start: usize, step: usize, size: usize) -> Tensor<T> {
    let (outer, _, inner) = x.shape().around(axis);
    Tensor::computed(x.shape().with(axis, size), |out| {
        out.fill(T::ZERO);
        for (to, from) in blocks(out, x.as_slice(), outer) {
            let to = &mut to[start * inner..];
            match (step, inner) {
                (1, _) => to[..from.len()].copy_from_slice(from),
                (_, 1) => to.iter_mut().step_by(step).zip(from).for_each(|(to, &from)| *to = from),
                _ => {
                    let to = to.chunks_exact_mut(inner).step_by(step);
                    to.zip(from.chunks_exact(inner)).for_each(|(to, from)| to.copy_from_slice(from));
                }
            }
        }
    })
}

pub(crate) fn concat<T: Real>(inputs: &[Tensor<T>], axis: usize) -> Tensor<T> {
    let size = inputs.iter().map(|x| x.shape()[axis]).sum();
    let (outer, _, inner) = inputs[0].shape().around(axis);
    Tensor::computed(inputs[0].shape().with(axis, size), |out| {
        let mut start = 0;
        for x in inputs {
            let width = x.shape()[axis] * inner;
            for (to, from) in blocks(out, x.as_slice(), outer) {
                to[start..start + width].copy_from_slice(from);
            }
            start += width;
        }
    })
}

pub(crate) fn gather<T: Real>(x: &Tensor<T>, axis: usize, indices: &[usize]) -> Tensor<T> {
    let (outer, _, inner) = x.shape().around(axis);
    Tensor::computed(x.shape().with(axis, indices.len()), |out| {
        for (to, from) in blocks(out, x.as_slice(), outer) {
            if inner == 1 {
                to.iter_mut().zip(indices).for_each(|(to, &i)| *to = from[i]);
                continue;
            }
            for (to, &i) in to.chunks_exact_mut(inner).zip(indices) {
                to.copy_from_slice(&from[i * inner..(i + 1) * inner]);
            }
        }
    })
}

pub(crate) fn scatter_add<T: Real>(x: &Tensor<T>, axis: usize, indices: &[usize], size: usize) -> Tensor<T> {
    let (outer, _, inner) = x.shape().around(axis);
    Tensor::computed(x.shape().with(axis, size), |out| {
        out.fill(T::ZERO);
        for (to, from) in blocks(out, x.as_slice(), outer) {
            if inner == 1 {
                from.iter().zip(indices).for_each(|(&from, &i)| to[i] += from);
                continue;
            }
            for (from, &i) in from.chunks_exact(inner).zip(indices) {
                T::binary_assign(Binary::Add, &mut to[i * inner..(i + 1) * inner], from);
            }
        }
    })
}

/// `[.., m, k]·[.., k, n]` with equally many matrices on both sides; transposes are strides.
pub(crate) fn matmul<T: Real>(a: &Tensor<T>, ta: bool, b: &Tensor<T>, tb: bool) -> Tensor<T> {
    let lead = a.shape().rank() - 2;
    let (rows, cols) = (a.shape()[lead], a.shape()[lead + 1]);
    let (m, k) = if ta { (cols, rows) } else { (rows, cols) };
    let n = if tb { b.shape()[lead] } else { b.shape()[lead + 1] };
    let a_strides = if ta { (1, m) } else { (k, 1) };
    let b_strides = if tb { (1, k) } else { (n, 1) };
    let count: usize = a.shape()[..lead].iter().product();
    let (left, right) = (a.as_slice(), b.as_slice());
    let one = |i: usize, out: &mut [T], threads: usize| {
        let (a, b) = (&left[i * m * k..(i + 1) * m * k], &right[i * k * n..(i + 1) * k * n]);
        kernels::matmul(threads, [m, k, n], (a, a_strides), (b, b_strides), out);
    };
    Tensor::computed(a.shape().with(lead, m).with(lead + 1, n), |out| {
        if count == 1 {
            one(0, out, parallel::threads());
        } else if !out.is_empty() {
            let per = if count * m * n * k >= 1 << 18 { count.div_ceil(parallel::threads()) } else { count };
            parallel::side_by_side(out, per * m * n, &|start, piece| {
                for (i, out) in piece.chunks_exact_mut(m * n).enumerate() {
                    one(start / (m * n) + i, out, 1);
                }
            });
        }
    })
}
