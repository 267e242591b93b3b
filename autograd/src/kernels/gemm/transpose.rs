//! Transposes of matrices, eight by eight in registers where that is worth it.

#![allow(unsafe_code, reason = "vector instructions")]

/// Panics unless `rows` rows of `cols` elements, `pitch` apart, lie in a slice of `len`.
#[track_caller]
fn check([rows, cols]: [usize; 2], pitch: usize, len: usize) {
    let last = (rows.saturating_sub(1)).checked_mul(pitch).and_then(|last| last.checked_add(cols));
    let inside = cols <= pitch && last.is_some_and(|last| last <= len);
    assert!(rows == 0 || cols == 0 || inside, "transpose: {rows}×{cols}, rows {pitch} apart, beyond {len} elements");
}

/// An element type with a transpose.
pub trait Transpose: Copy + Sized {
    /// Whether it is in registers.
    const IS_FAST: bool = false;

    /// `to[col][row] = from[row][col]` for `size` rows and columns of `from`, where rows of either are as far apart as
    /// its pitch.
    ///
    /// # Panics
    /// If a matrix reaches beyond its slice, or rows of `to` overlap.
    #[track_caller]
    fn transpose(size: [usize; 2], from: &[Self], from_pitch: usize, to: &mut [Self], to_pitch: usize) {
        check([size[1], size[0]], to_pitch, to.len());
        // SAFETY: `to` was just checked, and is borrowed exclusively.
        unsafe { Self::transpose_into(size, from, from_pitch, to.as_mut_ptr(), to_pitch) };
    }

    /// The same through a pointer.
    ///
    /// # Safety
    /// `to` is valid for writing as many elements as `from` has rows in as many rows as `from` has
    /// columns, which nothing else accesses meanwhile.
    ///
    /// # Panics
    /// If `from` reaches beyond its slice.
    #[track_caller]
    unsafe fn transpose_into(size: [usize; 2], from: &[Self], from_pitch: usize, to: *mut Self, to_pitch: usize) {
        check(size, from_pitch, from.len());
        // SAFETY: `from` was just checked; the caller vouches for `to`.
        unsafe { plain(size, [0, 0], from, from_pitch, to, to_pitch) };
    }
}

impl Transpose for f64 {}

impl Transpose for f32 {
    const IS_FAST: bool = true;

    #[track_caller]
    unsafe fn transpose_into(size: [usize; 2], from: &[Self], from_pitch: usize, to: *mut Self, to_pitch: usize) {
        check(size, from_pitch, from.len());
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx") {
            let [rows, cols] = size;
            let whole = [rows / 8 * 8, cols / 8 * 8];
            // SAFETY: the machine has AVX; `from` was just checked, and the caller vouches for `to`.
            return unsafe {
                x86::blocks(size, from.as_ptr(), from_pitch, to, to_pitch);
                plain([whole[0], cols], [0, whole[1]], from, from_pitch, to, to_pitch);
                plain(size, [whole[0], 0], from, from_pitch, to, to_pitch);
            };
        }
        // SAFETY: as above.
        unsafe { plain(size, [0, 0], from, from_pitch, to, to_pitch) };
    }
}

/// `to[col][row] = from[row][col]`, element by element, for the rows and columns from `first` on.
///
/// # Safety
/// As for [`Transpose::transpose_into`].
unsafe fn plain<T: Copy>(
    [rows, cols]: [usize; 2],
    first: [usize; 2],
    from: &[T],
    from_pitch: usize,
    to: *mut T,
    to_pitch: usize,
) {
    for row in first[0]..rows {
        for col in first[1]..cols {
            // SAFETY: the caller vouches for the `cols` rows of `rows` elements of `to`.
            unsafe { *to.add(col * to_pitch + row) = from[row * from_pitch + col] };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };

    /// Transposes 8 × 8 elements.
    ///
    /// # Safety
    /// `from` is valid for eight elements in each of eight rows `from_pitch` apart, and so is `to`
    /// for rows `to_pitch` apart.
    #[target_feature(enable = "avx")]
    unsafe fn eight(from: *const f32, from_pitch: usize, to: *mut f32, to_pitch: usize) {
        // SAFETY: the eight elements of each row are valid, says the caller.
        let rows: [_; 8] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(from.add(i * from_pitch)) });
        // Pairs of rows, then fours, each within the halves of a register; then the halves.
        let pairs: [_; 8] = std::array::from_fn(|i| {
            let (a, b) = (rows[i / 2 * 2], rows[i / 2 * 2 + 1]);
            if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
        });
        let fours: [_; 8] = std::array::from_fn(|i| {
            let (a, b) = (pairs[i / 4 * 4 + i % 4 / 2], pairs[i / 4 * 4 + i % 4 / 2 + 2]);
            if i % 2 == 0 { _mm256_shuffle_ps::<0b01_00_01_00>(a, b) } else { _mm256_shuffle_ps::<0b11_10_11_10>(a, b) }
        });
        for i in 0..8 {
            let (a, b) = (fours[i % 4], fours[i % 4 + 4]);
            let row = if i < 4 { _mm256_permute2f128_ps::<0x20>(a, b) } else { _mm256_permute2f128_ps::<0x31>(a, b) };
            // SAFETY: the eight elements of each row are valid, says the caller.
            unsafe { _mm256_storeu_ps(to.add(i * to_pitch), row) };
        }
    }

    /// Transposes all whole blocks of 8 × 8 elements.
    ///
    /// # Safety
    /// `from` is valid for `rows` rows of `cols` elements, `from_pitch` apart, and `to` for as many
    /// columns, with rows `to_pitch` apart.
    #[target_feature(enable = "avx")]
    pub(super) unsafe fn blocks(
        [rows, cols]: [usize; 2],
        from: *const f32,
        from_pitch: usize,
        to: *mut f32,
        to_pitch: usize,
    ) {
        let (rows, cols) = (rows / 8 * 8, cols / 8 * 8);
        // SAFETY: every block lies in the part that the caller says is valid.
        let block = |row: usize, col: usize| unsafe {
            eight(from.add(row * from_pitch + col), from_pitch, to.add(col * to_pitch + row), to_pitch);
        };
        // The shorter side goes fastest: the cache lines that a block leaves half done, on either
        // side, are then still in the first-level cache when the next block needs them.
        if rows < cols {
            (0..cols).step_by(8).for_each(|col| (0..rows).step_by(8).for_each(|row| block(row, col)));
        } else {
            (0..rows).step_by(8).for_each(|row| (0..cols).step_by(8).for_each(|col| block(row, col)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Transpose;

    #[test]
    fn elements_change_places_and_no_others_are_touched() {
        for rows in (0..20).chain([31, 32, 65]) {
            for cols in (0..20).chain([40, 47]) {
                let (from_pitch, to_pitch) = (cols + 3, rows + 5);
                let from: Vec<f32> = (0..rows * from_pitch).map(|i| i as f32).collect();
                let wide: Vec<f64> = from.iter().copied().map(f64::from).collect();
                let mut to = vec![-1.0; cols * to_pitch];
                let mut to_wide = vec![-1.0; cols * to_pitch];
                f32::transpose([rows, cols], &from, from_pitch, &mut to, to_pitch);
                f64::transpose([rows, cols], &wide, from_pitch, &mut to_wide, to_pitch);
                for (i, (&narrow, &wide)) in to.iter().zip(&to_wide).enumerate() {
                    let (col, row) = (i / to_pitch, i % to_pitch);
                    let expected = if row < rows { (row * from_pitch + col) as f32 } else { -1.0 };
                    assert!(narrow == expected && wide == f64::from(expected), "{rows}×{cols}: ({row}, {col})");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "beyond 11 elements")]
    fn too_short_to_read() {
        f32::transpose([3, 4], &[0.0; 11], 4, &mut [0.0; 12], 3);
    }

    #[test]
    #[should_panic(expected = "beyond 11 elements")]
    fn too_short_to_write() {
        f32::transpose([3, 4], &[0.0; 12], 4, &mut [0.0; 11], 3);
    }
}
