//! `+ − × ÷` on values and references. An operand given by value may be overwritten where
//! nobody else holds its buffer, so chains of temporaries reuse one buffer.

use crate::elementwise::{Binary, Unary};
use crate::real::Real;
use crate::var::Var;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Implements an operator; `clone` after a reference makes a value of it.
macro_rules! arithmetic {
    ($($trait:ident $method:ident $function:expr;)*) => {$(
        arithmetic!(@one $trait $method $function, [Var<T>], [Var<T>]);
        arithmetic!(@one $trait $method $function, [Var<T>], [&Var<T>] clone);
        arithmetic!(@one $trait $method $function, [&Var<T>] clone, [Var<T>]);
        arithmetic!(@one $trait $method $function, [&Var<T>] clone, [&Var<T>] clone);
    )*};
    (@one $trait:ident $method:ident $function:expr, [$L:ty] $($left:ident)?, [$R:ty] $($right:ident)?) => {
        impl<T: Real> $trait<$R> for $L {
            type Output = Var<T>;

            #[track_caller]
            fn $method(self, right: $R) -> Var<T> {
                self$(.$left())?.zip(right$(.$right())?, $function)
            }
        }
    };
}

arithmetic! {
    Add add Binary::Add;
    Sub sub Binary::Sub;
    Mul mul Binary::Mul;
    Div div Binary::Div;
}

impl<T: Real> Neg for Var<T> {
    type Output = Self;

    #[track_caller]
    fn neg(self) -> Self {
        self.then(Unary::Affine { scale: -1.0, shift: 0.0 })
    }
}

impl<T: Real> Neg for &Var<T> {
    type Output = Var<T>;

    #[track_caller]
    fn neg(self) -> Var<T> {
        self.scale(-1.0)
    }
}
