//! Images among the zeros of their padding: elements are spread over the places of a padded plane while they are read,
//! and collected from them while they are written. Processors with matrix units have vector instructions for both.

#![allow(unsafe_code, reason = "vector instructions that read and write through masks")]

use super::tiles::BLOCK;
use crate::kernels::conv::Finish;

/// Places that a vector takes.
pub(super) const VECTOR: usize = 16;

/// Which places of a padded plane have an element.
pub(super) struct Places {
    vectors: Vec<Vector>,
    elements: usize,
}

/// The places of one vector.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "read by the instructions alone"))]
struct Vector {
    /// A bit for each place: whether it has an element.
    mask: u16,
    /// The elements before.
    before: usize,
}

impl Places {
    /// This many places, rounded up to two vectors.
    pub(super) fn new(count: usize, has_element: impl Fn(usize) -> bool) -> Self {
        let mut elements = 0;
        let vector = |nth: usize| {
            let mask = (0..VECTOR).fold(0, |mask, i| mask | u16::from(has_element(nth * VECTOR + i)) << i);
            let before = elements;
            elements += mask.count_ones() as usize;
            Vector { mask, before }
        };
        Self { vectors: (0..count.div_ceil(2 * VECTOR) * 2).map(vector).collect(), elements }
    }

    /// The number of places.
    pub(super) fn count(&self) -> usize {
        self.vectors.len() * VECTOR
    }

    /// Sets `to[place]` to the pair of the elements of two planes at that place, rounded; to 0 where there is none.
    pub(super) fn across(&self, first: &[f32], second: &[f32], to: &mut [u32]) {
        assert!(first.len() == self.elements && second.len() == self.elements && to.len() >= self.count());
        // SAFETY: only processors with these instructions have matrix units. The slices were just checked.
        unsafe { instructions::across(&self.vectors, first.as_ptr(), second.as_ptr(), to.as_mut_ptr()) };
    }

    /// Sets the row of 16 numbers from `to[q·pitch]` on to the elements at places 32·q … 32·q + 31 of a plane, rounded and
    /// in pairs of neighbors.
    pub(super) fn along(&self, from: &[f32], to: &mut [u32], pitch: usize) {
        let rows = self.vectors.len() / 2;
        assert!(from.len() == self.elements && (rows == 0 || to.len() >= (rows - 1) * pitch + VECTOR));
        // SAFETY: as above.
        unsafe { instructions::along(&self.vectors, from.as_ptr(), to.as_mut_ptr().cast(), 2 * pitch) };
    }

    /// Finishes the sums of 32 places from `first` on, in a row for each channel, and writes those at elements to the
    /// planes of `out`.
    pub(super) fn collect(&self, first: usize, sums: &[[f32; BLOCK]; BLOCK], finish: Finish<'_, f32>, out: &mut [f32]) {
        let channels = out.len() / self.elements.max(1);
        assert!(channels <= BLOCK && (finish.bias.is_empty() || finish.bias.len() >= channels));
        let two = &self.vectors[first / VECTOR..][..2];
        // SAFETY: as above; `out` is as many planes of all elements as there are `channels`.
        unsafe { instructions::collect(two, &sums[..channels], finish, out.as_mut_ptr(), self.elements) };
    }
}

#[cfg(target_arch = "x86_64")]
mod instructions {
    use super::super::pack::{half, pair};
    use super::{BLOCK, Finish, VECTOR, Vector};
    use std::arch::x86_64::{
        __m512, _mm512_add_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_compress_ps,
        _mm512_maskz_expandloadu_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    /// The elements of a vector, with zeros between.
    ///
    /// # Safety
    /// `plane` is valid for reading them.
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn spread(vector: Vector, plane: *const f32) -> [f32; VECTOR] {
        let mut spread = [0.0; VECTOR];
        // SAFETY: only elements are read, says the caller; the array holds a vector.
        unsafe {
            let elements: __m512 = _mm512_maskz_expandloadu_ps(vector.mask, plane.add(vector.before));
            _mm512_storeu_ps(spread.as_mut_ptr(), elements);
        }
        spread
    }

    /// # Safety
    /// The planes are valid for reading all elements, `to` for writing all places.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn across(vectors: &[Vector], first: *const f32, second: *const f32, to: *mut u32) {
        for (nth, &vector) in vectors.iter().enumerate() {
            // SAFETY: the caller vouches for elements and places.
            let (first, second, to) = unsafe {
                (spread(vector, first), spread(vector, second), &mut *to.add(nth * VECTOR).cast::<[u32; VECTOR]>())
            };
            for i in 0..VECTOR {
                to[i] = pair(first[i], second[i]);
            }
        }
    }

    /// # Safety
    /// `from` is valid for reading all elements, `to` for writing 32 numbers for each two vectors, `pitch` apart.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn along(vectors: &[Vector], from: *const f32, to: *mut u16, pitch: usize) {
        for (nth, &vector) in vectors.iter().enumerate() {
            let at = nth / 2 * pitch + nth % 2 * VECTOR;
            // SAFETY: the caller vouches for elements and rows.
            let (from, to) = unsafe { (spread(vector, from), &mut *to.add(at).cast::<[u16; VECTOR]>()) };
            for i in 0..VECTOR {
                to[i] = half(from[i]);
            }
        }
    }

    /// # Safety
    /// `out` is valid for writing the elements of both vectors in as many planes, `pitch` apart, as `sums` has rows.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn collect(
        two: &[Vector],
        sums: &[[f32; BLOCK]],
        finish: Finish<'_, f32>,
        out: *mut f32,
        pitch: usize,
    ) {
        for (nth, sums) in sums.iter().enumerate() {
            // -0 leaves every number as it is.
            let bias = _mm512_set1_ps(finish.bias.get(nth).copied().unwrap_or(-0.0));
            for (&Vector { mask, before }, sums) in two.iter().zip(sums.chunks_exact(VECTOR)) {
                let written = ((1u32 << mask.count_ones()) - 1) as u16;
                // SAFETY: `sums` has a vector, and as many elements are written as the mask has bits.
                unsafe {
                    let mut sums = _mm512_add_ps(_mm512_loadu_ps(sums.as_ptr()), bias);
                    if finish.relu {
                        // In this order a NaN stays one.
                        sums = _mm512_max_ps(_mm512_setzero_ps(), sums);
                    }
                    let elements = _mm512_maskz_compress_ps(mask, sums);
                    _mm512_mask_storeu_ps(out.add(nth * pitch + before), written, elements);
                }
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod instructions {
    use super::{BLOCK, Finish, Vector};

    pub(super) unsafe fn across(_: &[Vector], _: *const f32, _: *const f32, _: *mut u32) {
        unreachable!("half precision: the machine has no matrix units")
    }

    pub(super) unsafe fn along(_: &[Vector], _: *const f32, _: *mut u16, _: usize) {
        unreachable!("half precision: the machine has no matrix units")
    }

    pub(super) unsafe fn collect(_: &[Vector], _: &[[f32; BLOCK]], _: Finish<'_, f32>, _: *mut f32, _: usize) {
        unreachable!("half precision: the machine has no matrix units")
    }
}
