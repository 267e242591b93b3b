//! Matrix products and convolutions, with and without masks.

use crate::bilinear::{Bilinear, Side};
use crate::elementwise::Unary;
use crate::kernel_mask::KernelMask;
use crate::kernels::Conv2d;
use crate::op::Op;
use crate::real::Real;
use crate::shape::Shape;
use crate::staircase::StaircaseMask;
use crate::var::{Var, applied, apply};
use smallvec::smallvec;

/// How a convolution's kernel moves over its input, along height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Distance between neighboring outputs' windows.
    pub stride: [usize; 2],
    /// Zeros added on both sides.
    pub padding: [usize; 2],
    /// Distance between neighboring elements of a window.
    pub dilation: [usize; 2],
}

impl ConvSpec {
    /// Stride 1, dilation 1, and this padding on all sides.
    pub const fn padded(padding: usize) -> Self {
        Self { stride: [1, 1], padding: [padding, padding], dilation: [1, 1] }
    }
}

impl<T: Real> Var<T> {
    /// The matrix product over the last two axes: `[…, m, k]·[…, k, n] → […, m, n]`. Leading axes broadcast.
    #[track_caller]
    pub fn matmul(&self, other: &Self) -> Self {
        self.matmul_as(false, other, false)
    }

    /// `x·yᵀ`: as [`Var::matmul`] with the second operand transposed, by strides and without a copy.
    #[track_caller]
    pub fn matmul_t(&self, other: &Self) -> Self {
        self.matmul_as(false, other, true)
    }

    /// `xᵀ·y`: as [`Var::matmul`] with the first operand transposed, by strides and without a copy.
    #[track_caller]
    pub fn t_matmul(&self, other: &Self) -> Self {
        self.matmul_as(true, other, false)
    }

    #[track_caller]
    pub(crate) fn matmul_as(&self, ta: bool, other: &Self, tb: bool) -> Self {
        let (a, b) = (self.shape(), other.shape());
        let mark = |t: bool| if t { "ᵀ" } else { "" };
        // Not a closure that panics: its panic would be reported here and not at the caller's line.
        let mismatch = || format!("matmul: {a}{} · {b}{}", mark(ta), mark(tb));
        assert!(a.rank() >= 2 && b.rank() >= 2, "{}", mismatch());
        let (la, lb) = (a.rank() - 2, b.rank() - 2);
        let inner_a = if ta { a[la] } else { a[la + 1] };
        let inner_b = if tb { b[lb + 1] } else { b[lb] };
        assert!(inner_a == inner_b, "{}", mismatch());
        if la > 0 && lb == 0 && !ta {
            // One matrix on the right for all on the left: a single tall product.
            let rows = a[..=la].iter().product();
            let cols = if tb { b[0] } else { b[1] };
            let tall = self.reshape([rows, a[la + 1]]).matmul_as(false, other, tb);
            return tall.reshape(a.with(la + 1, cols));
        }
        let Some(lead) = Shape::new(&a[..la]).broadcast(&Shape::new(&b[..lb])) else { panic!("{}", mismatch()) };
        let stretch = |x: &Self, from: usize| {
            let full: Shape = lead.iter().chain(&x.shape()[from..]).copied().collect();
            x.broadcast_to(full)
        };
        apply(Op::MatMul { ta, tb }, smallvec![stretch(self, la), stretch(other, lb)])
    }

    /// `x·(M∘W)ᵀ`, a masked linear layer: `[…, inputs]` and weights `[outputs, inputs]` to `[…, outputs]`, where M is
    /// `mask`. Takes little more than the part of the work of [`Var::matmul_t`] that the mask leaves.
    ///
    /// A masked weight counts as 0 whatever its value, and its gradient is exactly 0. (An infinity or a
    /// NaN in the *input* may spread to outputs that do not see it, as 0·∞ does where the mask is
    /// multiplied.)
    ///
    /// ```
    /// use autograd::{StaircaseMask, Tensor, Var};
    ///
    /// let x = Var::from(Tensor::from_slice([1, 2], &[1.0f32, 10.0]));
    /// let weight = Var::from(Tensor::from_slice([3, 2], &[f32::NAN, f32::NAN, 2.0, f32::NAN, 3.0, 4.0]));
    /// let y = x.matmul_t_masked(&weight, &StaircaseMask::new([0, 1, 2], 2));
    /// assert_eq!(y.value().as_slice(), [0.0, 2.0, 43.0]);
    /// ```
    #[track_caller]
    pub fn matmul_t_masked(&self, weight: &Self, mask: &StaircaseMask) -> Self {
        let (x, w) = (self.shape(), weight.shape());
        let (inputs, outputs) = (mask.inputs(), mask.outputs());
        assert!(
            x.last() == Some(&inputs) && w[..] == [outputs, inputs],
            "matmul_t_masked: {x} · {w}ᵀ with a mask of {outputs} outputs over {inputs} inputs"
        );
        let last = x.rank() - 1;
        let rows = self.reshape([x[..last].iter().product(), inputs]);
        let y = Bilinear::Linear(mask.clone()).side(Side::Output, rows, weight.clone());
        y.reshape(x.with(last, outputs))
    }

    /// The convolution (cross-correlation) of images `[batch, in, height, width]` with kernels
    /// `[out, in, kernel height, kernel width]`.
    #[track_caller]
    pub fn conv2d(&self, weight: &Self, spec: ConvSpec) -> Self {
        let geometry = geometry("conv2d", self.shape(), weight.shape(), spec);
        Bilinear::Conv(geometry).side(Side::Output, self.clone(), weight.clone())
    }

    /// `x ⋆ W + b`: [`Var::conv2d`] with a bias `[out]` for each channel. The sum is formed before the output is written.
    #[track_caller]
    pub fn conv2d_biased(&self, weight: &Self, bias: &Self, spec: ConvSpec) -> Self {
        self.biased_conv(weight, bias, spec, false)
    }

    /// `max(x ⋆ W + b, 0)`: [`Var::conv2d_biased`] and [`Var::relu`] in one.
    #[track_caller]
    pub fn conv2d_biased_relu(&self, weight: &Self, bias: &Self, spec: ConvSpec) -> Self {
        applied(Op::Unary(Unary::Relu), self.biased_conv(weight, bias, spec, true))
    }

    #[track_caller]
    fn biased_conv(&self, weight: &Self, bias: &Self, spec: ConvSpec, relu: bool) -> Self {
        let geometry = geometry("conv2d_biased", self.shape(), weight.shape(), spec);
        let outputs = geometry.output.channels;
        assert!(bias.shape()[..] == [outputs], "conv2d_biased: a bias {} for {outputs} channels", bias.shape());
        apply(Op::BiasedConv { geometry, relu }, smallvec![self.clone(), weight.clone(), bias.clone()])
    }

    /// [`Var::conv2d`] under a mask: `x ⋆ (M∘W)`, where M is `mask`. With stride 1 it does only the part
    /// of the work that the mask leaves.
    ///
    /// A masked weight counts as 0 whatever its value, and its gradient is exactly 0.
    ///
    /// ```
    /// use autograd::{ConvSpec, KernelMask, Tensor, Var};
    ///
    /// let image = Var::from(Tensor::from_slice([1, 1, 2, 2], &[1.0f32, 10.0, 100.0, 1000.0]));
    /// let mut weight = Tensor::full([1, 1, 3, 3], 1.0);
    /// weight.as_mut_slice()[8] = f32::NAN;
    /// let mask = KernelMask::preceding(&[0], &[0], [3, 3]);
    /// let sums = image.conv2d_masked(&Var::from(weight), ConvSpec::padded(1), &mask);
    /// assert_eq!(sums.value().as_slice(), [1.0, 11.0, 111.0, 1111.0]);
    /// ```
    #[track_caller]
    pub fn conv2d_masked(&self, weight: &Self, spec: ConvSpec, mask: &KernelMask) -> Self {
        let (x, w) = (self.shape(), weight.shape());
        let fits = w[..] == mask.shape();
        assert!(fits, "conv2d_masked: images {x} with kernels {w} and a mask of {:?}", mask.shape());
        let geometry = geometry("conv2d_masked", x, w, spec);
        Bilinear::MaskedConv(geometry, mask.clone()).side(Side::Output, self.clone(), weight.clone())
    }

    /// The transposed convolution: the adjoint of [`Var::conv2d`] in its images. Maps
    /// `[batch, out, …]` to `[batch, in, height, width]` with kernels `[out, in, …]`.
    ///
    /// # Panics
    /// If a convolution of images of that size would not give this shape.
    #[track_caller]
    pub fn conv2d_transposed(&self, weight: &Self, spec: ConvSpec, size: [usize; 2]) -> Self {
        let (y, w) = (self.shape(), weight.shape());
        assert!(y.rank() == 4 && w.rank() == 4 && y[1] == w[0], "conv2d_transposed: {y} with kernels {w}");
        let geometry = geometry("conv2d_transposed", &[y[0], w[1], size[0], size[1]].into(), w, spec);
        let forward = Shape::from(geometry.shape(Side::Output));
        assert!(forward == *y, "conv2d_transposed: images of {size:?} convolve to {forward}, not to {y}");
        Bilinear::Conv(geometry).side(Side::Input, self.clone(), weight.clone())
    }

    /// The convolution of signals `[batch, in, length]` with kernels `[out, in, kernel length]`. `before` and `after`
    /// zeros are added at the ends: `(kernel − 1)·dilation` before and none after makes it causal.
    #[track_caller]
    pub fn conv1d(&self, weight: &Self, dilation: usize, before: usize, after: usize) -> Self {
        let (x, w) = (self.shape(), weight.shape());
        assert!(x.rank() == 3 && w.rank() == 3 && x[1] == w[1], "conv1d: signals {x} with kernels {w}");
        let image = self.pad(2, before, after).reshape([x[0], x[1], 1, x[2] + before + after]);
        let spec = ConvSpec { stride: [1, 1], padding: [0, 0], dilation: [1, dilation] };
        let y = image.conv2d(&weight.reshape([w[0], w[1], 1, w[2]]), spec);
        let length = y.extent(3);
        y.reshape([x[0], w[0], length])
    }
}

#[track_caller]
fn geometry(operation: &str, x: &Shape, w: &Shape, spec: ConvSpec) -> Conv2d {
    let (Ok(images), Ok(kernels)) = (x[..].try_into(), w[..].try_into()) else {
        panic!("{operation}: images {x} with kernels {w}, where both have four axes");
    };
    match Conv2d::new(images, kernels, spec) {
        Ok(geometry) => geometry,
        Err(why) => panic!("{operation}: images {x} with kernels {w}: {why}"),
    }
}
