//! Matrix products, by the `gemm` crate, behind one checked function.

#![allow(unsafe_code, reason = "the gemm crate takes pointers; every extent is checked before the call")]

pub(super) mod scratch;
mod transpose;

use transpose::Transpose;

/// An element type that has a matrix product.
pub trait Gemm: Copy + Sized {
    /// `c ← alpha·a·b + beta·c`, where `a` is `m × k`, `b` is `k × n` and `c` is `m × n`.
    ///
    /// Strides are in elements, `(from row to row, from column to column)`, and not negative, so
    /// that a transpose is a swap of the two. With `beta` 0 the old contents of `c` are not read: a
    /// NaN there does not spread. Runs on the calling thread.
    ///
    /// # Panics
    /// If a matrix reaches beyond its slice, a stride is negative, or two elements of `c` coincide.
    #[expect(clippy::too_many_arguments, reason = "the BLAS signature, which readers know")]
    fn gemm(
        m: usize,
        k: usize,
        n: usize,
        alpha: Self,
        a: &[Self],
        a_strides: (isize, isize),
        b: &[Self],
        b_strides: (isize, isize),
        beta: Self,
        c: &mut [Self],
        c_strides: (isize, isize),
    );

    /// `c ← a·b` into rows that lie `c_row` elements apart, through a pointer.
    ///
    /// # Safety
    /// `c` must be valid for writing `n` elements in each of `m` such rows, and nothing else may
    /// access those elements meanwhile.
    ///
    /// # Panics
    /// If `a` or `b` reaches beyond its slice, or a stride is negative.
    #[expect(clippy::too_many_arguments, reason = "as above")]
    unsafe fn gemm_into(
        m: usize,
        k: usize,
        n: usize,
        a: &[Self],
        a_strides: (isize, isize),
        b: &[Self],
        b_strides: (isize, isize),
        c: *mut Self,
        c_row: isize,
    );

    /// `to[col][row] = from[row][col]` for `size` rows and columns of `from`, where rows of either
    /// are as far apart as its pitch.
    ///
    /// # Panics
    /// If a matrix reaches beyond its slice, or rows of `to` overlap.
    fn transpose(size: [usize; 2], from: &[Self], from_pitch: usize, to: &mut [Self], to_pitch: usize);
}

/// Panics unless a `rows × cols` matrix with these strides lies inside `len` elements.
#[track_caller]
fn check_extent(name: char, rows: usize, cols: usize, (row, col): (isize, isize), len: usize) {
    if rows == 0 || cols == 0 {
        return;
    }
    let last = usize::try_from(row).ok().zip(usize::try_from(col).ok()).and_then(|(row, col)| {
        let down = (rows - 1).checked_mul(row)?;
        let along = (cols - 1).checked_mul(col)?;
        down.checked_add(along)
    });
    assert!(
        last.is_some_and(|last| last < len),
        "gemm: {name} is {rows}×{cols} with strides ({row}, {col}), beyond its {len} elements"
    );
}

/// Panics if two elements of the `rows × cols` matrix `c` lie at the same place.
#[track_caller]
fn check_distinct(rows: usize, cols: usize, (row, col): (isize, isize)) {
    let (row, col) = (row.unsigned_abs(), col.unsigned_abs());
    let apart = |step: usize, count: usize| count <= 1 || step > 0;
    let nested = |inner: usize, count: usize, outer: usize| (count - 1) * inner < outer;
    let distinct = rows == 0
        || cols == 0
        || (apart(row, rows)
            && apart(col, cols)
            && (rows == 1 || cols == 1 || nested(col, cols, row) || nested(row, rows, col)));
    assert!(distinct, "gemm: rows of c overlap: {rows}×{cols} with strides ({row}, {col})");
}

/// Whether a row-major `c` is had sooner by making it column-major and transposing that.
///
/// The crate fills vectors along `c`'s contiguous side, so for a row-major `c` it repacks `b`, and
/// where `b` is a transpose, as in a linear layer, slowly: reading a row of it strides over memory.
/// A column-major `c` repacks `a` instead, which pays if `a` is much smaller. Measured on Zen 5 in
/// `f32`: 64×1000·(1000×1000)ᵀ takes 0.50 ms instead of 0.68, 32×512·(1000×512)ᵀ 0.14 instead of
/// 0.48; where this says no, the crate's own way was as fast or faster.
fn rather_by_columns(m: usize, k: usize, n: usize, b_strides: (isize, isize)) -> bool {
    if b_strides.0 == 1 { m >= 16 && n / m >= 3 && k >= 128 } else { m >= 64 && n / m >= 7 && k >= 768 }
}

macro_rules! by_crate {
    ($T:ty, $fast_transpose:literal) => {
        impl Gemm for $T {
            fn gemm(
                m: usize,
                k: usize,
                n: usize,
                alpha: Self,
                a: &[Self],
                a_strides: (isize, isize),
                b: &[Self],
                b_strides: (isize, isize),
                beta: Self,
                c: &mut [Self],
                c_strides: (isize, isize),
            ) {
                check_extent('c', m, n, c_strides, c.len());
                check_distinct(m, n, c_strides);
                let c = c.as_mut_ptr();
                // SAFETY: `c` is borrowed exclusively, reaches as far as it should, and its elements
                // are distinct.
                unsafe { product((m, k, n), alpha, a, a_strides, b, b_strides, beta, c, c_strides) };
            }

            unsafe fn gemm_into(
                m: usize,
                k: usize,
                n: usize,
                a: &[Self],
                a_strides: (isize, isize),
                b: &[Self],
                b_strides: (isize, isize),
                c: *mut Self,
                c_row: isize,
            ) {
                // SAFETY: the caller vouches for `c`.
                unsafe { product((m, k, n), 1.0, a, a_strides, b, b_strides, 0.0, c, (c_row, 1)) };
            }

            fn transpose(size: [usize; 2], from: &[Self], from_pitch: usize, to: &mut [Self], to_pitch: usize) {
                <$T as Transpose>::transpose(size, from, from_pitch, to, to_pitch);
            }
        }

        /// [`Gemm::gemm`] of sizes `(m, k, n)` through a pointer.
        ///
        /// # Safety
        /// `c` is valid for reading (if `beta` is not 0) and writing `m × n` elements at these
        /// strides, which are distinct and which nothing else accesses meanwhile.
        ///
        /// # Panics
        /// If `a` or `b` reaches beyond its slice, or a stride of theirs is negative.
        #[expect(clippy::too_many_arguments, reason = "the BLAS signature")]
        unsafe fn product(
            (m, k, n): (usize, usize, usize),
            alpha: $T,
            a: &[$T],
            a_strides: (isize, isize),
            b: &[$T],
            b_strides: (isize, isize),
            beta: $T,
            c: *mut $T,
            c_strides: (isize, isize),
        ) {
            check_extent('a', m, k, a_strides, a.len());
            check_extent('b', k, n, b_strides, b.len());
            let (a, b) = (a.as_ptr(), b.as_ptr());
            let into = |c: *mut $T, (c_row, c_col): (isize, isize)| {
                let ((a_row, a_col), (b_row, b_col)) = (a_strides, b_strides);
                let one = gemm::Parallelism::None;
                // SAFETY: `a` and `b` lie inside their slices, as just checked. `c` is the caller's,
                // who vouches for it, or the scratch of exactly `m × n` below. (What the crate calls
                // `alpha` multiplies the old `c`, its `beta` the product.)
                unsafe {
                    gemm::gemm(
                        m,
                        n,
                        k,
                        c,
                        c_col,
                        c_row,
                        beta != 0.0,
                        a,
                        a_col,
                        a_row,
                        b,
                        b_col,
                        b_row,
                        beta,
                        alpha,
                        false,
                        false,
                        false,
                        one,
                    );
                }
            };
            let all_by_rows = a_strides.1 == 1 && c_strides.1 == 1;
            if !($fast_transpose && beta == 0.0 && all_by_rows && rather_by_columns(m, k, n, b_strides)) {
                return into(c, c_strides);
            }
            scratch::with(m * n, |columns: &mut [$T]| {
                into(columns.as_mut_ptr(), (1, m as isize));
                // SAFETY: the caller vouches for the `m` rows of `n` elements of `c`.
                unsafe { <$T>::transpose_into([n, m], columns, m, c, c_strides.0 as usize) };
            });
        }
    };
}

mod single {
    use super::{Gemm, Transpose, check_distinct, check_extent, rather_by_columns, scratch};
    by_crate!(f32, true);
}

mod double {
    use super::{Gemm, Transpose, check_distinct, check_extent, rather_by_columns, scratch};
    by_crate!(f64, false);
}

#[cfg(test)]
mod tests {
    use super::Gemm;

    /// A number for each index, exact in `f32`, of either sign.
    fn number(i: usize, seed: usize) -> f64 {
        ((i * 7919 + seed * 104_729) % 2003) as f64 / 1024.0 - 1.0
    }

    /// Two layouts of a `rows × cols` matrix, and something between its rows.
    fn layouts(rows: usize, cols: usize) -> [(isize, isize); 3] {
        let (rows, cols) = (rows as isize, cols as isize);
        [(cols, 1), (1, rows), (cols + 3, 1)]
    }

    fn check<T: Gemm + Into<f64> + std::fmt::Debug>(to: impl Fn(f64) -> T, sizes: &[[usize; 3]], tolerance: f64) {
        for &[m, k, n] in sizes {
            for (i, a_strides) in layouts(m, k).into_iter().enumerate() {
                for (j, b_strides) in layouts(k, n).into_iter().enumerate() {
                    for (l, c_strides) in layouts(m, n).into_iter().enumerate() {
                        let len = |rows: usize, cols: usize, (row, col): (isize, isize)| {
                            (rows.saturating_sub(1) * row as usize + cols.saturating_sub(1) * col as usize) + 1
                        };
                        let a: Vec<f64> = (0..len(m, k, a_strides)).map(|x| number(x, 1)).collect();
                        let b: Vec<f64> = (0..len(k, n, b_strides)).map(|x| number(x, 2)).collect();
                        let old: Vec<f64> = (0..len(m, n, c_strides)).map(|x| number(x, 3)).collect();
                        let at = |row: usize, col: usize, s: (isize, isize)| row * s.0 as usize + col * s.1 as usize;
                        for (alpha, beta) in [(1.0, 0.0), (0.5, 0.0), (1.0, 1.0), (-2.0, 0.25)] {
                            let (a_of, b_of): (Vec<T>, Vec<T>) =
                                (a.iter().map(|&x| to(x)).collect(), b.iter().map(|&x| to(x)).collect());
                            let mut c: Vec<T> =
                                old.iter().map(|&x| to(if beta == 0.0 { f64::NAN } else { x })).collect();
                            let (alpha_of, beta_of) = (to(alpha), to(beta));
                            T::gemm(m, k, n, alpha_of, &a_of, a_strides, &b_of, b_strides, beta_of, &mut c, c_strides);
                            for row in 0..m {
                                for col in 0..n {
                                    let term = |x| a[at(row, x, a_strides)] * b[at(x, col, b_strides)];
                                    let sum: f64 = (0..k).map(term).sum();
                                    let kept = if beta == 0.0 { 0.0 } else { beta * old[at(row, col, c_strides)] };
                                    let (found, expected) = (c[at(row, col, c_strides)], alpha * sum + kept);
                                    let found: f64 = found.into();
                                    let close = (found - expected).abs() <= tolerance * (k as f64 + 1.0);
                                    assert!(
                                        close,
                                        "{m}×{k}×{n}, layouts {i}{j}{l}, α {alpha}, β {beta}: \
                                         c[{row}][{col}] is {found} and should be {expected}"
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    const SIZES: [[usize; 3]; 12] = [
        [1, 1, 1],
        [1, 7, 5],
        [5, 7, 1],
        [3, 1, 4],
        [4, 2, 9],
        [7, 0, 3],
        [17, 33, 9],
        [31, 64, 70],
        [16, 130, 48],
        [19, 128, 61],
        [65, 40, 2],
        [2, 300, 65],
    ];

    #[test]
    fn single_precision() {
        check(|x| x as f32, &SIZES, 3e-6);
        check(|x| x as f32, &[[65, 770, 460]], 3e-6);
    }

    #[test]
    fn double_precision() {
        check(|x| x, &SIZES, 1e-14);
    }

    #[test]
    fn empty() {
        f32::gemm(0, 3, 2, 1.0, &[], (3, 1), &[0.0; 6], (2, 1), 0.0, &mut [], (2, 1));
        f64::gemm(2, 3, 0, 1.0, &[0.0; 6], (3, 1), &[], (0, 1), 0.0, &mut [], (0, 1));
    }

    #[test]
    #[should_panic(expected = "a is 2×3 with strides (3, 1), beyond its 5 elements")]
    fn too_short() {
        f32::gemm(2, 3, 2, 1.0, &[0.0; 5], (3, 1), &[0.0; 6], (2, 1), 0.0, &mut [0.0; 4], (2, 1));
    }

    #[test]
    #[should_panic(expected = "rows of c overlap")]
    fn overlapping() {
        f32::gemm(2, 3, 2, 1.0, &[0.0; 6], (3, 1), &[0.0; 6], (2, 1), 0.0, &mut [0.0; 4], (1, 1));
    }
}
