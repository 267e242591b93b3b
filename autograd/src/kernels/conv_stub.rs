//! stub
#[path = "conv/geometry.rs"]
mod geometry;
pub use geometry::*;
use crate::real::Real;
pub(crate) fn each<T: Real>(g: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    for b in 0..g.batch { for o in 0..g.out_channels { for i in 0..g.in_channels { for y in 0..g.out_h() { for x in 0..g.out_w() { for p in 0..g.kernel_h { for q in 0..g.kernel_w {
        let (iy, ix) = (y * g.stride[0] + p * g.dilation[0], x * g.stride[1] + q * g.dilation[1]);
        if iy < g.padding[0] || ix < g.padding[1] { continue; }
        let (iy, ix) = (iy - g.padding[0], ix - g.padding[1]);
        if iy >= g.in_h || ix >= g.in_w { continue; }
        f(((b * g.in_channels + i) * g.in_h + iy) * g.in_w + ix, ((o * g.in_channels + i) * g.kernel_h + p) * g.kernel_w + q, ((b * g.out_channels + o) * g.out_h() + y) * g.out_w() + x);
    } } } } } } }
}
pub(crate) fn forward<T: Real>(g: &Conv2d, x: &[T], w: &[T], y: &mut [T], _t: usize) { y.fill(T::ZERO); each::<T>(g, |i, j, k| y[k] += x[i] * w[j]); }
pub(crate) fn by_input<T: Real>(g: &Conv2d, dy: &[T], w: &[T], dx: &mut [T], _t: usize) { dx.fill(T::ZERO); each::<T>(g, |i, j, k| dx[i] += dy[k] * w[j]); }
pub(crate) fn by_weight<T: Real>(g: &Conv2d, x: &[T], dy: &[T], dw: &mut [T], _t: usize) { dw.fill(T::ZERO); each::<T>(g, |i, j, k| dw[j] += x[i] * dy[k]); }
