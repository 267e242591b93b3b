//! Elementwise kernels: one pass over slices, with the operation chosen once, outside the loop.
//!
//! Where operands and result lie (apart, in place, a number broadcast) is a [`Place`] or a
//! [`Pair`]; which function is applied is one `match`. The product of the two is left to the
//! compiler. Slices of one call have one length; anything else panics at the caller's line.
//!
//! NaN gives NaN in every function of numbers (also `Relu`, `Clamp`, `Maximum`, `Minimum`);
//! `Step`, `Within` and the comparisons give 0 for it. [`super::SliceKernels`] documents the functions.

use std::marker::PhantomData;

use super::simd::{Isa, Kernel, dispatch};
use crate::elementwise::{Binary, Unary};
use crate::real::Real;

/// A function of one number: a closure, or a [`named`] one of [`Math`](super::Math).
///
/// The difference is that the compiler may decide against inlining a closure that has grown
/// large, and only what is inlined is compiled for the instruction set in use. Closures here
/// are a few instructions; whatever is more has a name.
trait Function<T> {
    fn at(&self, x: T) -> T;
}

impl<T, F: Fn(T) -> T> Function<T> for F {
    #[inline(always)]
    fn at(&self, x: T) -> T {
        self(x)
    }
}

/// A method of [`Math`](super::Math) as a [`Function`] that is always inlined.
macro_rules! named {
    ($name:ident::<$isa:ident>) => {{
        struct Named<I>(PhantomData<I>);
        impl<T: Real, I: Isa> Function<T> for Named<I> {
            #[inline(always)]
            fn at(&self, x: T) -> T {
                x.$name::<I>()
            }
        }
        Named::<$isa>(PhantomData)
    }};
}

/// Where a function of one number reads and writes.
trait Place<T> {
    fn each(self, f: impl Function<T>);
}

/// Where a function of two numbers reads and writes.
trait Pair<T> {
    fn each(self, f: impl Fn(T, T) -> T);
}

/// Defines the places: a struct of slices and numbers, and the loop over them.
macro_rules! places {
    ($($kind:ident $name:ident { $($field:ident: $type:ty),+ } |$this:ident, $f:ident| $body:expr;)+) => {$(
        struct $name<'a, T> { $($field: $type),+ }
        impl<T: Copy> $kind<T> for $name<'_, T> {
            #[inline(always)]
            fn each(self, $f: places!(@function $kind T)) {
                let $this = self;
                $body
            }
        }
    )+};
    (@function Place $t:ident) => { impl Function<$t> };
    (@function Pair $t:ident) => { impl Fn($t, $t) -> $t };
}

places! {
    Place Apart { x: &'a [T], out: &'a mut [T] } |s, f| {
        for (out, &x) in s.out.iter_mut().zip(s.x) { *out = f.at(x); }
    };
    Place InPlace { x: &'a mut [T] } |s, f| {
        for x in s.x { *x = f.at(*x); }
    };
    Pair Three { a: &'a [T], b: &'a [T], out: &'a mut [T] } |s, f| {
        for ((out, &a), &b) in s.out.iter_mut().zip(s.a).zip(s.b) { *out = f(a, b); }
    };
    Pair IntoLeft { a: &'a mut [T], b: &'a [T] } |s, f| {
        for (a, &b) in s.a.iter_mut().zip(s.b) { *a = f(*a, b); }
    };
    Pair IntoRight { a: &'a [T], b: &'a mut [T] } |s, f| {
        for (&a, b) in s.a.iter().zip(s.b) { *b = f(a, *b); }
    };
    Pair ByNumber { a: &'a [T], b: T, out: &'a mut [T] } |s, f| {
        for (out, &a) in s.out.iter_mut().zip(s.a) { *out = f(a, s.b); }
    };
    Pair NumberBy { a: T, b: &'a [T], out: &'a mut [T] } |s, f| {
        for (out, &b) in s.out.iter_mut().zip(s.b) { *out = f(s.a, b); }
    };
    Pair ByNumberInPlace { a: &'a mut [T], b: T } |s, f| {
        for a in s.a { *a = f(*a, s.b); }
    };
    Pair NumberByInPlace { a: T, b: &'a mut [T] } |s, f| {
        for b in s.b { *b = f(s.a, *b); }
    };
}

/// A function of one number and where to apply it.
struct Apply<P>(Unary, P);

impl<P> Apply<P> {
    #[inline(always)]
    fn to<I: Isa, T: Real>(self)
    where
        P: Place<T>,
    {
        let Self(op, place) = self;
        let (zero, one) = (T::ZERO, T::ONE);
        let flag = |on: bool| if on { one } else { zero };
        match op {
            Unary::Affine { scale, shift } => {
                let (scale, shift) = (T::from_f64(scale), T::from_f64(shift));
                place.each(|x: T| x.mul_add::<I>(scale, shift));
            }
            Unary::Abs => place.each(T::abs),
            Unary::Sign => place.each(|x: T| {
                let below = if x < zero { -one } else { x };
                if x > zero { one } else { below }
            }),
            Unary::Step => place.each(|x: T| flag(x > zero)),
            Unary::Within { lo, hi } => {
                let (lo, hi) = (T::from_f64(lo), T::from_f64(hi));
                place.each(|x: T| flag((lo <= x) & (x <= hi)));
            }
            Unary::Square => place.each(|x: T| x * x),
            Unary::Sqrt => place.each(T::sqrt),
            Unary::Recip => place.each(|x: T| one / x),
            Unary::Powf(1.0) => place.each(|x: T| x),
            Unary::Powf(2.0) => place.each(|x: T| x * x),
            Unary::Powf(3.0) => place.each(|x: T| x * x * x),
            Unary::Powf(-1.0) => place.each(|x: T| one / x),
            Unary::Powf(exponent) => {
                let exponent = T::from_f64(exponent);
                place.each(|x: T| x.pow(exponent));
            }
            Unary::Exp => place.each(named!(exp::<I>)),
            Unary::Expm1 => place.each(named!(expm1::<I>)),
            Unary::Ln => place.each(named!(ln::<I>)),
            Unary::Ln1p => place.each(named!(ln1p::<I>)),
            Unary::Sin => place.each(T::sin),
            Unary::Cos => place.each(T::cos),
            Unary::Tanh => place.each(named!(tanh::<I>)),
            Unary::Sigmoid => place.each(named!(sigmoid::<I>)),
            Unary::Softplus => place.each(named!(softplus::<I>)),
            Unary::LogSigmoid => place.each(named!(log_sigmoid::<I>)),
            Unary::Relu => place.each(|x: T| if x <= zero { zero } else { x }),
            Unary::LeakyRelu(slope) => {
                let slope = T::from_f64(slope);
                place.each(|x: T| {
                    let scaled = slope * x;
                    if x > zero { x } else { scaled }
                });
            }
            Unary::Elu => place.each(named!(elu::<I>)),
            Unary::Clamp { lo, hi } => {
                let (lo, hi) = (T::from_f64(lo), T::from_f64(hi));
                place.each(|x: T| {
                    let x = if x < lo { lo } else { x };
                    if x > hi { hi } else { x }
                });
            }
            Unary::Erf => place.each(named!(erf::<I>)),
            Unary::NormalCdf => place.each(named!(normal_cdf::<I>)),
            Unary::LogNormalCdf => place.each(named!(log_normal_cdf::<I>)),
            Unary::NormalScore => place.each(named!(normal_score::<I>)),
            Unary::LogNormalQuantile => place.each(named!(log_normal_quantile::<I>)),
        }
    }
}

/// A function of two numbers and where to apply it.
struct Combine<P>(Binary, P);

impl<P> Combine<P> {
    #[inline(always)]
    fn to<I: Isa, T: Real>(self)
    where
        P: Pair<T>,
    {
        let Self(op, place) = self;
        let (zero, one) = (T::ZERO, T::ONE);
        let flag = |on: bool| if on { one } else { zero };
        match op {
            Binary::Add => place.each(|a, b| a + b),
            Binary::Sub => place.each(|a, b| a - b),
            Binary::Mul => place.each(|a, b| a * b),
            Binary::Div => place.each(|a, b| a / b),
            Binary::Pow => place.each(T::pow),
            Binary::Maximum => place.each(maximum),
            Binary::Minimum => place.each(|a, b| -maximum(-a, -b)),
            Binary::Greater => place.each(|a, b| flag(a > b)),
            Binary::GreaterEqual => place.each(|a, b| flag(a >= b)),
            Binary::StepMul => place.each(|a, b| if b > zero { a } else { zero }),
            Binary::TanhGrad => place.each(|a, b| a * (-b).mul_add::<I>(b, one)),
            Binary::SigmoidGrad => place.each(|a, b| a * (b * (one - b))),
        }
    }
}

/// The larger of two numbers; NaN if either is.
#[inline(always)]
pub(super) fn maximum<T: Real>(a: T, b: T) -> T {
    #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
    let keep = (a > b) | (a != a);
    if keep { a } else { b }
}

/// Makes kernels of the two structs above; `T` is named through the place.
macro_rules! kernels {
    ($($outer:ident($($place:ident),+);)+) => {$($(
        impl<T: Real> Kernel for $outer<$place<'_, T>> {
            type Output = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                self.to::<I, T>();
            }
        }
    )+)+};
}

kernels! {
    Apply(Apart, InPlace);
    Combine(Three, IntoLeft, IntoRight, ByNumber, NumberBy, ByNumberInPlace, NumberByInPlace);
}

/// Declares a function for each place; slices must have the length of the first one in brackets.
macro_rules! entries {
    ($($name:ident($Op:ident, $($arg:ident: $of:ty),+) = $outer:ident $place:ident [$long:ident $($other:ident)*];)+) => {$(
        #[track_caller]
        pub(crate) fn $name<T: Real>(op: $Op, $($arg: $of),+) {
            $(assert_eq!($other.len(), $long.len(), "{op:?}: lengths");)*
            dispatch($outer(op, $place { $($arg),+ }));
        }
    )+};
}

entries! {
    unary(Unary, x: &[T], out: &mut [T]) = Apply Apart [out x];
    unary_in_place(Unary, x: &mut [T]) = Apply InPlace [x];
    binary(Binary, a: &[T], b: &[T], out: &mut [T]) = Combine Three [out a b];
    binary_assign(Binary, a: &mut [T], b: &[T]) = Combine IntoLeft [a b];
    binary_assign_right(Binary, a: &[T], b: &mut [T]) = Combine IntoRight [b a];
    binary_scalar(Binary, a: &[T], b: T, out: &mut [T]) = Combine ByNumber [out a];
    binary_scalar_left(Binary, a: T, b: &[T], out: &mut [T]) = Combine NumberBy [out b];
    binary_scalar_assign(Binary, a: &mut [T], b: T) = Combine ByNumberInPlace [a];
    binary_scalar_left_assign(Binary, a: T, b: &mut [T]) = Combine NumberByInPlace [b];
}

#[track_caller]
pub(crate) fn select<T: Real>(mask: &[T], a: &[T], b: &[T], out: &mut [T]) {
    let n = out.len();
    assert_eq!((mask.len(), a.len(), b.len()), (n, n, n), "select: lengths");
    dispatch(Select { mask, a, b, out });
}

struct Select<'a, T> {
    mask: &'a [T],
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Kernel for Select<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let choices = self.mask.iter().zip(self.a).zip(self.b);
        for (out, ((&mask, &a), &b)) in self.out.iter_mut().zip(choices) {
            *out = if mask > T::ZERO { a } else { b };
        }
    }
}

#[cfg(test)]
mod tests;
