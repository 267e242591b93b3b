//! Matrix products, by the `gemm` crate, behind one checked function.

#![allow(unsafe_code, reason = "the gemm crate takes pointers; every extent is checked before the call")]

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

macro_rules! by_crate {
    ($T:ty) => {
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
                check_extent('a', m, k, a_strides, a.len());
                check_extent('b', k, n, b_strides, b.len());
                check_extent('c', m, n, c_strides, c.len());
                check_distinct(m, n, c_strides);
                // SAFETY: all three matrices lie inside their slices and no two elements of `c`
                // coincide, as just checked; `c` is borrowed exclusively, so it overlaps neither
                // `a` nor `b`. (The crate's own `alpha` multiplies the old `c`, its `beta` the product.)
                unsafe {
                    gemm::gemm(
                        m,
                        n,
                        k,
                        c.as_mut_ptr(),
                        c_strides.1,
                        c_strides.0,
                        beta != 0.0,
                        a.as_ptr(),
                        a_strides.1,
                        a_strides.0,
                        b.as_ptr(),
                        b_strides.1,
                        b_strides.0,
                        beta,
                        alpha,
                        false,
                        false,
                        false,
                        gemm::Parallelism::None,
                    );
                }
            }
        }
    };
}

by_crate!(f32);
by_crate!(f64);
