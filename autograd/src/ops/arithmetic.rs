//! `+ − × ÷` on values and references. An operand given by value may be overwritten where
//! nobody else holds its buffer, so chains of temporaries reuse one buffer.

use crate::elementwise::{Binary, Unary};
use crate::op::Op;
use crate::real::Real;
use crate::var::{Var, apply};
use smallvec::smallvec;
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! arithmetic {
    ($($trait:ident $method:ident $function:expr;)*) => {
        $(
            impl<T: Real> $trait for Var<T> {
                type Output = Var<T>;

                #[track_caller]
                fn $method(self, right: Var<T>) -> Var<T> {
                    self.zip(right, $function)
                }
            }

            impl<T: Real> $trait<&Var<T>> for Var<T> {
                type Output = Var<T>;

                #[track_caller]
                fn $method(self, right: &Var<T>) -> Var<T> {
                    self.zip(right.clone(), $function)
                }
            }

            impl<T: Real> $trait<Var<T>> for &Var<T> {
                type Output = Var<T>;

                #[track_caller]
                fn $method(self, right: Var<T>) -> Var<T> {
                    self.clone().zip(right, $function)
                }
            }

            impl<T: Real> $trait for &Var<T> {
                type Output = Var<T>;

                #[track_caller]
                fn $method(self, right: &Var<T>) -> Var<T> {
                    self.clone().zip(right.clone(), $function)
                }
            }
        )*
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
        apply(Op::Unary(Unary::Affine { scale: -1.0, shift: 0.0 }), smallvec![self])
    }
}

impl<T: Real> Neg for &Var<T> {
    type Output = Var<T>;

    #[track_caller]
    fn neg(self) -> Var<T> {
        self.scale(-1.0)
    }
}
