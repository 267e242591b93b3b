//! The vector registers of x86, as [`Vector`]s.

#![allow(unsafe_code, reason = "vector instructions")]

use super::tile::Vector;
use std::arch::x86_64::{
    __m256, __m256d, __m512, __m512d, _mm256_add_pd, _mm256_add_ps, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd,
    _mm256_loadu_ps, _mm256_max_pd, _mm256_max_ps, _mm256_set1_pd, _mm256_set1_ps, _mm256_setzero_pd,
    _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps, _mm256_sub_pd, _mm256_sub_ps, _mm512_add_pd, _mm512_add_ps,
    _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_max_pd, _mm512_max_ps, _mm512_set1_pd,
    _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd, _mm512_storeu_ps, _mm512_sub_pd,
    _mm512_sub_ps,
};

macro_rules! vector {
    ($T:ty, $S:ty, $len:literal: $zero:ident $load:ident $store:ident $splat:ident $mul_add:ident $add:ident $sub:ident $max:ident) => {
        impl Vector<$T> for $S {
            const LEN: usize = $len;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller guarantees the instruction.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn load(from: *const $T) -> Self {
                // SAFETY: the caller guarantees the instruction and that `from` is valid.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $T) {
                // SAFETY: the caller guarantees the instruction and that `to` is valid.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn splat(from: *const $T) -> Self {
                // SAFETY: the caller guarantees the instruction and that `from` is valid.
                unsafe { $splat(*from) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
                // SAFETY: the caller guarantees the instruction.
                unsafe { $mul_add(self, by, plus) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the caller guarantees the instruction.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: the caller guarantees the instruction.
                unsafe { $sub(self, other) }
            }

            #[inline(always)]
            unsafe fn positive(self) -> Self {
                // SAFETY: the caller guarantees the instruction, which gives its second operand for a NaN.
                unsafe { $max(self, $zero()) }
            }
        }
    };
}

vector!(f32, __m512, 16: _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_fmadd_ps _mm512_add_ps _mm512_sub_ps _mm512_max_ps);
vector!(f64, __m512d, 8: _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_fmadd_pd _mm512_add_pd _mm512_sub_pd _mm512_max_pd);
vector!(f32, __m256, 8: _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_add_ps _mm256_sub_ps _mm256_max_ps);
vector!(f64, __m256d, 4: _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_add_pd _mm256_sub_pd _mm256_max_pd);
