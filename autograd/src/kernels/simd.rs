//! Loops compiled for the vector instructions of the machine: for the kernels of this crate, and of
//! a [`CustomOp`](crate::CustomOp).
//!
//! A loop is written once, as ordinary safe Rust over slices, in the [`Kernel::run`] of a small
//! struct. [`dispatch`] holds a copy of it for each instruction set, and runs the best one that the
//! machine can execute; the compiler turns the scalar loop into vector code in each. For that the
//! loop must have no branches and no calls: both sides of every choice are computed.
//!
//! The instruction set reaches the loop as a type parameter, because one thing must differ: a fused multiply-add is one
//! instruction where there is hardware for it and a slow library call where there is not (see [`Math::mul_add`]).
//!
//! ```
//! use autograd::Real;
//! use autograd::simd::{Isa, Kernel, dispatch};
//!
//! /// `x ← x·σ(x)`.
//! struct Swish<'a, T>(&'a mut [T]);
//!
//! impl<T: Real> Kernel for Swish<'_, T> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<I: Isa>(self) {
//!         for x in self.0 {
//!             *x = *x * x.sigmoid::<I>();
//!         }
//!     }
//! }
//!
//! let mut x = [0.0f32, 2.0];
//! dispatch(Swish(&mut x));
//! assert!((x[1] - 2.0 / (1.0 + (-2.0f32).exp())).abs() < 1e-6);
//! ```
//!
//! With the feature `levels`, `on_every_level` runs a test at each instruction set of the machine.

#![allow(
    unsafe_code,
    reason = "a function compiled for extra CPU features is callable only once they are known to be there"
)]

pub use super::math::Math;

use std::sync::OnceLock;
#[cfg(any(test, feature = "levels"))]
pub use testing::on_every_level;

/// An instruction set, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Whatever the whole program was compiled for.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2Fma,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The best level of this machine, asked once.
    fn detected() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(Self::detect)
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        macro_rules! has {
            ($($feature:tt)+) => { $(is_x86_feature_detected!($feature))&&+ };
        }
        let (avx2, avx512) = (has!("avx2" "fma" "bmi1" "bmi2"), has!("avx512f" "avx512bw" "avx512dq" "avx512vl"));
        match (avx2, avx512) {
            (true, true) => Self::Avx512,
            (true, false) => Self::Avx2Fma,
            (false, _) => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::Portable
    }

    /// The level [`dispatch`] uses: the best one, unless a test has asked for another.
    pub(crate) fn current() -> Self {
        #[cfg(any(test, feature = "levels"))]
        if let Some(level) = testing::forced() {
            return level;
        }
        Self::detected()
    }

    /// Whether this machine has the instructions.
    pub(crate) fn is_available(self) -> bool {
        self <= Self::detected()
    }

    /// The elements of a vector.
    pub(crate) fn vector<T>(self) -> usize {
        let bytes = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 64,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Fma => 32,
            Self::Portable => 16,
        };
        bytes / size_of::<T>()
    }

    /// The levels this machine has.
    #[cfg(any(test, feature = "levels"))]
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let all = [Self::Portable, Self::Avx2Fma, Self::Avx512];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Self::Portable];
        all.into_iter().filter(|level| level.is_available())
    }
}

/// The instruction set a loop body is being compiled for.
pub trait Isa {
    /// Whether a fused multiply-add is a single instruction.
    const FUSED: bool;
}

/// [`Level::Portable`] as a type.
struct Baseline;
impl Isa for Baseline {
    const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
}

/// Any level with fused multiply-add, as a type.
#[cfg(target_arch = "x86_64")]
struct Fused;
#[cfg(target_arch = "x86_64")]
impl Isa for Fused {
    const FUSED: bool = true;
}

/// `a·b + c`, with one rounding where that costs nothing and two elsewhere.
#[inline(always)]
pub(crate) fn mul_add<I: Isa>(a: f32, b: f32, c: f32) -> f32 {
    if I::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// [`mul_add`] in double precision.
#[inline(always)]
pub(crate) fn mul_add_f64<I: Isa>(a: f64, b: f64, c: f64) -> f64 {
    if I::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// A loop, with its operands, that [`dispatch`] can run on any instruction set.
pub trait Kernel {
    /// What the loop returns.
    type Output;

    /// The loop. Implementations must be `#[inline(always)]`, as must what they call:
    /// only code that ends up inside [`dispatch`]'s functions is compiled for their features.
    fn run<I: Isa>(self) -> Self::Output;
}

/// Runs `kernel` on the best instruction set of this machine.
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match Level::current() {
        // SAFETY: `detect` returns this level only when the CPU has each of the features that
        // `on_avx512` enables, and tests force only levels up to the detected one.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { on_avx512(kernel) },
        // SAFETY: as above, for the features that `on_avx2` enables.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2Fma => unsafe { on_avx2(kernel) },
        Level::Portable => kernel.run::<Baseline>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]
fn on_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn on_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

/// Running one test on every level the machine has.
#[cfg(any(test, feature = "levels"))]
mod testing {
    use super::Level;
    use std::cell::Cell;

    thread_local! {
        static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
    }

    pub(super) fn forced() -> Option<Level> {
        FORCED.get()
    }

    /// Calls `body` once for each level of the machine, with [`dispatch`](super::dispatch) on this thread held to that
    /// level.
    pub fn on_every_level(mut body: impl FnMut(Level)) {
        /// Lifts the override even when `body` panics.
        struct Lift;
        impl Drop for Lift {
            fn drop(&mut self) {
                FORCED.set(None);
            }
        }
        let _lift = Lift;
        for level in Level::available() {
            FORCED.set(Some(level));
            body(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells the levels apart by what they compute: 1 + 2⁻⁴⁶ loses its tail without fusing.
    struct Residue<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for Residue<'_> {
        type Output = bool;
        #[inline(always)]
        fn run<I: Isa>(self) -> bool {
            for (out, &x) in self.1.iter_mut().zip(self.0) {
                *out = mul_add::<I>(x, x, -(x * x));
            }
            I::FUSED
        }
    }

    #[test]
    fn the_override_reaches_the_loop() {
        let x = [1.0 + f32::EPSILON; 37];
        on_every_level(|level| {
            let mut out = [0.0; 37];
            let fused = dispatch(Residue(&x, &mut out));
            assert_eq!(Level::current(), level);
            assert_eq!(fused, level > Level::Portable || Baseline::FUSED);
            assert!(out.iter().all(|&r| (r != 0.0) == fused), "{level:?}");
        });
        assert_eq!(Level::current(), Level::detected());
    }
}
