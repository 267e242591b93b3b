//! stub
use super::reference;
use crate::elementwise::{Binary, Unary};

pub trait Lanes: Copy + Sized {
    fn unary(f: Unary, x: &[Self], out: &mut [Self]);
    fn unary_in_place(f: Unary, x: &mut [Self]);
    fn binary(f: Binary, a: &[Self], b: &[Self], out: &mut [Self]);
    fn binary_assign(f: Binary, a: &mut [Self], b: &[Self]);
    fn binary_assign_right(f: Binary, a: &[Self], b: &mut [Self]);
    fn binary_scalar(f: Binary, a: &[Self], b: Self, out: &mut [Self]);
    fn binary_scalar_left(f: Binary, a: Self, b: &[Self], out: &mut [Self]);
    fn binary_scalar_assign(f: Binary, a: &mut [Self], b: Self);
    fn select(mask: &[Self], a: &[Self], b: &[Self], out: &mut [Self]);
    fn sum_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    fn max_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    fn logsumexp_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    fn sum_of_squares(x: &[Self]) -> f64;
    fn all_finite(x: &[Self]) -> bool;
}

macro_rules! naive { ($T:ty) => {
impl Lanes for $T {
    fn unary(f: Unary, x: &[Self], out: &mut [Self]) { for (o, x) in out.iter_mut().zip(x) { *o = reference::unary(f, *x as f64) as $T } }
    fn unary_in_place(f: Unary, x: &mut [Self]) { for x in x { *x = reference::unary(f, *x as f64) as $T } }
    fn binary(f: Binary, a: &[Self], b: &[Self], out: &mut [Self]) { for i in 0..out.len() { out[i] = reference::binary(f, a[i] as f64, b[i] as f64) as $T } }
    fn binary_assign(f: Binary, a: &mut [Self], b: &[Self]) { for i in 0..a.len() { a[i] = reference::binary(f, a[i] as f64, b[i] as f64) as $T } }
    fn binary_assign_right(f: Binary, a: &[Self], b: &mut [Self]) { for i in 0..a.len() { b[i] = reference::binary(f, a[i] as f64, b[i] as f64) as $T } }
    fn binary_scalar(f: Binary, a: &[Self], b: Self, out: &mut [Self]) { for i in 0..a.len() { out[i] = reference::binary(f, a[i] as f64, b as f64) as $T } }
    fn binary_scalar_left(f: Binary, a: Self, b: &[Self], out: &mut [Self]) { for i in 0..b.len() { out[i] = reference::binary(f, a as f64, b[i] as f64) as $T } }
    fn binary_scalar_assign(f: Binary, a: &mut [Self], b: Self) { for i in 0..a.len() { a[i] = reference::binary(f, a[i] as f64, b as f64) as $T } }
    fn select(mask: &[Self], a: &[Self], b: &[Self], out: &mut [Self]) { for i in 0..a.len() { out[i] = if mask[i] > 0.0 { a[i] } else { b[i] } } }
    fn sum_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
        for o in 0..outer { for i in 0..inner { out[o * inner + i] = (0..middle).map(|m| x[(o * middle + m) * inner + i] as f64).sum::<f64>() as $T } }
    }
    fn max_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
        for o in 0..outer { for i in 0..inner { out[o * inner + i] = (0..middle).map(|m| x[(o * middle + m) * inner + i]).fold(<$T>::NEG_INFINITY, <$T>::max) } }
    }
    fn logsumexp_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
        for o in 0..outer { for i in 0..inner {
            let it = || (0..middle).map(|m| x[(o * middle + m) * inner + i] as f64);
            let max = it().fold(f64::NEG_INFINITY, f64::max);
            out[o * inner + i] = if max.is_infinite() { max as $T } else { (max + it().map(|x| (x - max).exp()).sum::<f64>().ln()) as $T } } }
    }
    fn sum_of_squares(x: &[Self]) -> f64 { x.iter().map(|&x| x as f64 * x as f64).sum() }
    fn all_finite(x: &[Self]) -> bool { x.iter().all(|x| x.is_finite()) }
} } }
naive!(f32); naive!(f64);
