//! Matrix products, by the `gemm` crate, behind one checked function.

#![allow(unsafe_code, reason = "the gemm crate takes pointers; every extent is checked before the call")]

mod transpose;

use super::scratch;
use crate::real::Real;
pub(super) use transpose::Transpose;

/// A matrix in a slice, and the distances in elements from row to row and from column to column, so that a transpose
/// is a swap of the two.
pub(crate) type Matrix<'a, T> = (&'a [T], (usize, usize));

/// An element type that has a matrix product.
pub trait Gemm: Transpose {
    /// `c ← a·b`, or where `keep` `c ← c + a·b`, on the calling thread: `a` is `m × k`, `b` is `k × n`, and the `m`
    /// rows of `c` lie `pitch` elements apart, for `sizes` of `[m, k, n]`.
    ///
    /// # Panics
    /// If a matrix reaches beyond its slice, or rows of `c` overlap.
    fn gemm(keep: bool, sizes: [usize; 3], a: Matrix<'_, Self>, b: Matrix<'_, Self>, c: &mut [Self], pitch: usize);

    /// `c ← a·b` as [`Gemm::gemm`], through a pointer.
    ///
    /// # Safety
    /// `c` must be valid for writing `n` elements in each of its `m` rows, and nothing else may
    /// access those elements meanwhile.
    ///
    /// # Panics
    /// If `a` or `b` reaches beyond its slice.
    unsafe fn gemm_into(sizes: [usize; 3], a: Matrix<'_, Self>, b: Matrix<'_, Self>, c: *mut Self, pitch: usize);
}

macro_rules! implement {
    ($($T:ty)*) => {$(
        impl Gemm for $T {
            fn gemm(keep: bool, sizes: [usize; 3], a: Matrix<'_, Self>, b: Matrix<'_, Self>, c: &mut [Self], pitch: usize) {
                let [m, _, n] = sizes;
                check_extent('c', m, n, (pitch, 1), c.len());
                assert!(m <= 1 || pitch >= n, "gemm: rows of c overlap: {m}×{n}, {pitch} apart");
                // SAFETY: `c` is borrowed exclusively, reaches as far as it should, and its elements are distinct.
                unsafe { product(keep, sizes, a, b, c.as_mut_ptr(), pitch) };
            }

            unsafe fn gemm_into(sizes: [usize; 3], a: Matrix<'_, Self>, b: Matrix<'_, Self>, c: *mut Self, pitch: usize) {
                // SAFETY: the caller vouches for `c`.
                unsafe { product(false, sizes, a, b, c, pitch) };
            }
        }
    )*};
}

implement!(f32 f64);

/// Panics unless a `rows × cols` matrix with these strides lies inside `len` elements.
#[track_caller]
fn check_extent(name: char, rows: usize, cols: usize, (row, col): (usize, usize), len: usize) {
    if rows == 0 || cols == 0 {
        return;
    }
    let last = (rows - 1).checked_mul(row).zip((cols - 1).checked_mul(col)).and_then(|(r, c)| r.checked_add(c));
    assert!(
        last.is_some_and(|last| last < len),
        "gemm: {name} is {rows}×{cols} with strides ({row}, {col}), beyond its {len} elements"
    );
}

/// Whether it is faster to compute a column-major `c` and transpose it.
///
/// The crate fills vectors along `c`'s contiguous side, so for a row-major `c` it repacks `b`, and where `b` is a
/// transpose, as in a linear layer, slowly: reading a row of it strides over memory. A column-major `c` repacks `a`
/// instead, which pays if `a` is much smaller. Measured on Zen 5 in `f32`: 64×1000·(1000×1000)ᵀ takes 0.50 ms instead
/// of 0.68, 32×512·(1000×512)ᵀ 0.14 instead of 0.48; where this says no, the crate's own way was as fast or faster.
fn prefers_columns([m, k, n]: [usize; 3], b_strides: (usize, usize)) -> bool {
    if b_strides.0 == 1 { m >= 16 && n / m >= 3 && k >= 128 } else { m >= 64 && n / m >= 7 && k >= 768 }
}

/// [`Gemm::gemm`] of either type, through a pointer.
///
/// # Safety
/// As for [`Gemm::gemm_into`]; where `keep`, `c` must be valid for reading too.
///
/// # Panics
/// As [`Gemm::gemm_into`].
unsafe fn product<T: Real>(
    keep: bool,
    sizes: [usize; 3],
    (a, a_strides): Matrix<'_, T>,
    (b, b_strides): Matrix<'_, T>,
    c: *mut T,
    pitch: usize,
) {
    let [m, k, n] = sizes;
    check_extent('a', m, k, a_strides, a.len());
    check_extent('b', k, n, b_strides, b.len());
    let signed = |(row, col): (usize, usize)| (row as isize, col as isize);
    let ((a_row, a_col), (b_row, b_col)) = (signed(a_strides), signed(b_strides));
    let (a_start, b_start, one) = (a.as_ptr(), b.as_ptr(), gemm::Parallelism::None);
    let into = |c: *mut T, strides: (usize, usize)| {
        let (c_row, c_col) = signed(strides);
        let (a, b) = ((a_start, a_col, a_row), (b_start, b_col, b_row));
        // What the crate calls `alpha` is the factor of the old `c`, its `beta` that of the product.
        let (old, new) = (if keep { T::ONE } else { T::ZERO }, T::ONE);
        // SAFETY: `a` and `b` lie inside their slices, as just checked. `c` is the caller's, who vouches
        // for it, or the scratch of exactly `m × n` below.
        unsafe {
            gemm::gemm(
                m, n, k, c, c_col, c_row, keep, a.0, a.1, a.2, b.0, b.1, b.2, old, new, false, false, false, one,
            );
        }
    };
    if keep || !(T::IS_FAST && a_strides.1 == 1 && prefers_columns(sizes, b_strides)) {
        return into(c, (pitch, 1));
    }
    scratch::with(m * n, |columns: &mut [T]| {
        into(columns.as_mut_ptr(), (1, m));
        // SAFETY: the caller vouches for the `m` rows of `n` elements of `c`.
        unsafe { T::transpose_into([n, m], columns, m, c, pitch) };
    });
}

#[cfg(test)]
mod tests {
    use super::Gemm;

    /// A number for each index, exact in `f32`, of either sign.
    fn number(i: usize, seed: usize) -> f64 {
        ((i * 7919 + seed * 104_729) % 2003) as f64 / 1024.0 - 1.0
    }

    /// Layouts of a `rows × cols` matrix, with and without something between its rows.
    fn layouts(rows: usize, cols: usize) -> [(usize, usize); 3] {
        [(cols, 1), (1, rows), (cols + 3, 1)]
    }

    fn check<T: Gemm + Into<f64> + std::fmt::Debug>(to: impl Fn(f64) -> T, sizes: &[[usize; 3]], tolerance: f64) {
        let reach = |rows: usize, cols: usize, (row, col): (usize, usize)| {
            (rows.saturating_sub(1) * row + cols.saturating_sub(1) * col) + 1
        };
        let numbers = |len: usize, seed: usize| (0..len).map(|i| number(i, seed)).collect::<Vec<f64>>();
        for &[m, k, n] in sizes {
            for (i, a_strides) in layouts(m, k).into_iter().enumerate() {
                for (j, b_strides) in layouts(k, n).into_iter().enumerate() {
                    for (pitch, keep) in [(n, false), (n + 3, false), (n, true), (n + 3, true)] {
                        let a = numbers(reach(m, k, a_strides), 1);
                        let b = numbers(reach(k, n, b_strides), 2);
                        let rounded = |x: &[f64]| x.iter().map(|&x| to(x)).collect::<Vec<T>>();
                        let old = numbers(reach(m, n, (pitch, 1)), 3);
                        let mut c = rounded(&if keep { old.clone() } else { vec![f64::NAN; old.len()] });
                        T::gemm(keep, [m, k, n], (&rounded(&a), a_strides), (&rounded(&b), b_strides), &mut c, pitch);
                        let at = |row: usize, col: usize, s: (usize, usize)| row * s.0 + col * s.1;
                        for row in 0..m {
                            for col in 0..n {
                                let term = |x| a[at(row, x, a_strides)] * b[at(x, col, b_strides)];
                                let kept = if keep { old[row * pitch + col] } else { 0.0 };
                                let expected = (0..k).map(term).sum::<f64>() + kept;
                                let found: f64 = c[row * pitch + col].into();
                                let close = (found - expected).abs() <= tolerance * (k as f64 + 1.0);
                                assert!(
                                    close,
                                    "{m}×{k}×{n}, layouts {i}{j}, pitch {pitch}, keep {keep}: \
                                     c[{row}][{col}] is {found} and should be {expected}"
                                );
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
        f32::gemm(false, [0, 3, 2], (&[], (3, 1)), (&[0.0; 6], (2, 1)), &mut [], 2);
        f64::gemm(false, [2, 3, 0], (&[0.0; 6], (3, 1)), (&[], (0, 1)), &mut [], 0);
    }

    #[test]
    #[should_panic(expected = "a is 2×3 with strides (3, 1), beyond its 5 elements")]
    fn too_short() {
        f32::gemm(false, [2, 3, 2], (&[0.0; 5], (3, 1)), (&[0.0; 6], (2, 1)), &mut [0.0; 4], 2);
    }

    #[test]
    #[should_panic(expected = "rows of c overlap")]
    fn overlapping() {
        f32::gemm(false, [2, 3, 2], (&[0.0; 6], (3, 1)), (&[0.0; 6], (2, 1)), &mut [0.0; 4], 1);
    }
}
