//! Convolutions under a kernel mask: their entries in the table of operations, and comparisons with
//! the same convolution with the mask multiplied in.

use super::case::Case;
use super::draw::{REAL, noise, tensor};
use super::operations::Entry;
use super::panics::caught;
use super::products::{Geometry, geometry};
use super::{Outcome, close, hold, inner, masked_counts_as_zero, same_on_threads};
use autograd::{ConvSpec, KernelMask, Real, Tape, Tensor, Var};
use proptest::prelude::*;

pub(super) fn all() -> Vec<Entry> {
    vec![
        ("conv2d_masked", table(|g| [g.input(), g.weight()], forward)),
        ("conv2d_masked by input", table(|g| [g.output(), g.weight()], by_input)),
        ("conv2d_masked by weight", table(|g| [g.input(), g.output()], by_weight)),
    ]
}

fn forward<T: Real>(x: &Var<T>, w: &Var<T>, g: &Geometry, mask: &KernelMask) -> Var<T> {
    x.conv2d_masked(w, g.spec(), mask)
}

/// The adjoints have no methods: a recorded sweep gives them.
fn by_input<T: Real>(dy: &Var<T>, w: &Var<T>, g: &Geometry, mask: &KernelMask) -> Var<T> {
    let tape = dy.tape().or(w.tape()).cloned().unwrap_or_default();
    let x = tape.variable(Tensor::zeros(g.input()));
    tape.vjp_recorded(&forward(&x, w, g, mask), dy, &[&x]).remove(0)
}

fn by_weight<T: Real>(x: &Var<T>, dy: &Var<T>, g: &Geometry, mask: &KernelMask) -> Var<T> {
    let tape = x.tape().or(dy.tape()).cloned().unwrap_or_default();
    let w = tape.variable(Tensor::zeros(g.weight()));
    tape.vjp_recorded(&forward(x, &w, g, mask), dy, &[&w]).remove(0)
}

/// Masks of models, with groups in any order, and random masks.
fn masks_of(g: &Geometry) -> impl Strategy<Value = KernelMask> + use<> {
    let (shape, [inputs, outputs]) = (g.weight(), g.channels);
    let groups = |channels: usize| prop::collection::vec(0..4usize, channels);
    let len = shape.iter().product::<usize>();
    (0..4u8, groups(outputs), groups(inputs), prop::collection::vec(prop::bool::ANY, len)).prop_map(
        move |(kind, outputs, inputs, any)| {
            let [_, ins, height, width] = shape;
            let kernel = [height, width];
            match kind {
                0 => KernelMask::preceding(&outputs, &inputs, kernel),
                1 => KernelMask::following(&outputs, &inputs, kernel),
                2 => KernelMask::new(shape, |o, i, [row, col]| any[((o * ins + i) * height + row) * width + col]),
                _ => KernelMask::new(shape, |o, _, _| outputs[o] > 1),
            }
        },
    )
}

fn drawn(channels: usize, batch: usize, spare: usize) -> impl Strategy<Value = (Geometry, KernelMask)> {
    // Half of them of stride 1, which has special kernels.
    let stride = (geometry(channels, batch, spare), prop::bool::ANY);
    let all = stride.prop_map(|(g, whole)| if whole { Geometry { stride: [1, 1], ..g } } else { g });
    all.prop_flat_map(|g| (masks_of(&g), Just(g))).prop_map(|(mask, g)| (g, mask))
}

type Product = fn(&Var<f64>, &Var<f64>, &Geometry, &KernelMask) -> Var<f64>;

/// Small products of two of the values, for finite differences.
fn table(shapes: fn(&Geometry) -> [[usize; 4]; 2], f: Product) -> BoxedStrategy<Case> {
    drawn(2, 2, 2)
        .prop_flat_map(move |(g, mask)| (shapes(&g).map(|shape| tensor(&shape, REAL)), Just(g), Just(mask)))
        .prop_map(move |([a, b], g, mask)| {
            let shown = format!("{g:?}, {mask:?}: {:?}", mask.mask::<f64>().as_slice());
            Case { with: shown, ..Case::new(vec![a, b], move |x| f(&x[0], &x[1], &g, &mask)) }
        })
        .boxed()
}

/// All three products of noise.
fn products<T: Real>(g: &Geometry, mask: &KernelMask, weight: &Tensor<T>) -> [Tensor<T>; 3] {
    let [x, dy] = [(g.input(), 1), (g.output(), 3)].map(|(shape, seed)| Var::from(noise(shape, seed).cast::<T>()));
    let w = Var::from(weight.clone());
    [forward(&x, &w, g, mask), by_input(&dy, &w, g, mask), by_weight(&x, &dy, g, mask)].map(Var::into_value)
}

fn weight<T: Real>(g: &Geometry) -> Tensor<T> {
    noise(g.weight(), 2).cast()
}

/// The same three with the mask multiplied in, computed in `f64` from the numbers that `T` holds.
fn as_masked<T: Real>(g: &Geometry, mask: &KernelMask) -> Outcome {
    let [x, w, dy] = [(g.input(), 1), (g.weight(), 2), (g.output(), 3)]
        .map(|(shape, seed)| Var::from(noise(shape, seed).cast::<T>().cast::<f64>()));
    let ones = Var::from(mask.mask::<f64>());
    let masked = &ones * &w;
    let tape = Tape::new();
    let (x_leaf, w_leaf) = (tape.variable(x.into_value()), tape.variable(masked.into_value()));
    let y = x_leaf.conv2d(&w_leaf, g.spec());
    let gradients = tape.vjp(&y, &dy, &[&x_leaf, &w_leaf]);
    let expected = [y.detach(), gradients[0].clone(), ones * &gradients[1]];
    let [_, inputs, height, width] = g.input();
    let kernel = g.kernel[0] * g.kernel[1];
    let terms = [inputs * kernel, g.channels[1] * kernel, g.batch * height * width];
    for (i, (got, expected)) in products::<T>(g, mask, &weight(g)).iter().zip(expected).enumerate() {
        // Terms are at most 1 in size and each is rounded at most twice, on either side.
        let bound = 4.0 * T::EPSILON * (terms[i] as f64).max(4.0);
        close(["forward", "by input", "by weight"][i], &got.cast(), expected.value(), bound)?;
    }
    Ok(())
}

fn in_both_types(g: &Geometry, mask: &KernelMask) -> Outcome {
    as_masked::<f64>(g, mask).and_then(|()| as_masked::<f32>(g, mask))
}

#[test]
fn small_convolutions_of_any_geometry() {
    hold(400, &drawn(5, 3, 6), |(g, mask)| in_both_types(&g, &mask)).unwrap();
}

/// Several tiles of channels and terms, and several chunks of images, the last one not full.
#[test]
fn larger_convolutions() {
    hold(40, &drawn(17, 37, 9), |(g, mask)| in_both_types(&g, &mask)).unwrap();
}

/// `groups` of `inputs` and of `outputs` channels each, 3×3 kernels.
fn image(batch: usize, groups: usize, [inputs, outputs]: [usize; 2], side: usize) -> (Geometry, [KernelMask; 2]) {
    let g = Geometry {
        batch,
        channels: [groups * inputs, groups * outputs],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
        spare: [side - 1, side - 1],
    };
    let of = |each: usize| (0..groups * each).map(|channel| channel / each).collect::<Vec<_>>();
    let masks = [KernelMask::preceding, KernelMask::following].map(|mask| mask(&of(outputs), &of(inputs), [3, 3]));
    (g, masks)
}

/// MintNet's layers on its three sizes of image.
fn of_mintnet(batch: usize) -> Vec<(Geometry, [KernelMask; 2])> {
    let sizes = [(1, 45, 28), (4, 11, 14), (16, 2, 7)];
    let layers = |(groups, each, side)| [[1, each], [each, each], [each, 1]].map(|io| image(batch, groups, io, side));
    sizes.into_iter().flat_map(layers).collect()
}

#[test]
fn the_layers_of_mintnet() {
    for (g, masks) in of_mintnet(2) {
        for mask in masks {
            in_both_types(&g, &mask).unwrap();
        }
    }
    // Several chunks of images, the last one not full.
    for (g, masks) in [image(19, 3, [2, 3], 9), image(300, 2, [1, 2], 3)] {
        masks.iter().for_each(|mask| in_both_types(&g, mask).unwrap());
    }
}

/// All three give the same ⟨dy, x ⋆ (M∘w)⟩.
#[test]
fn the_three_products_are_each_others_adjoints() {
    hold(200, &drawn(6, 20, 5), |(g, mask)| {
        let (x, dy, w) = (noise(g.input(), 1), noise(g.output(), 3), weight::<f64>(&g));
        let [y, dx, dw] = products(&g, &mask, &w);
        let ((forward, size), by_input, by_weight) = (inner(&dy, &y), inner(&x, &dx).0, inner(&w, &dw).0);
        let bound = 1e-12 * size.max(1.0);
        prop_assert!((forward - by_input).abs() <= bound, "{forward} forward, {by_input} by input");
        prop_assert!((forward - by_weight).abs() <= bound, "{forward} forward, {by_weight} by weight");
        Ok(())
    })
    .unwrap();
}

fn masked_is_zero<T: Real>(g: &Geometry, mask: &KernelMask) -> Outcome {
    masked_counts_as_zero(&mask.mask(), &weight::<T>(g), |weight| products(g, mask, weight))
}

#[test]
fn masked_weights_count_as_zero_whatever_they_hold() {
    hold(100, &drawn(8, 18, 5), |(g, mask)| {
        masked_is_zero::<f64>(&g, &mask).and_then(|()| masked_is_zero::<f32>(&g, &mask))
    })
    .unwrap();
}

/// Even where the images make every product a NaN.
#[test]
fn gradients_of_masked_weights_are_zero_for_infinite_images() {
    for spec in [ConvSpec::padded(1), ConvSpec { stride: [2, 2], ..ConvSpec::padded(1) }] {
        let mask = KernelMask::preceding(&[0, 1], &[0, 1, 2], [3, 3]);
        let tape = Tape::new();
        let x = Var::from(Tensor::full([2, 3, 4, 4], f64::INFINITY));
        let w = tape.variable(Tensor::full([2, 3, 3, 3], 1.0));
        let y = x.conv2d_masked(&w, spec, &mask);
        let dy = Var::from(Tensor::full(y.shape(), f64::INFINITY));
        let dw = tape.vjp(&y, &dy, &[&w]).remove(0).into_value();
        for (dw, one) in dw.as_slice().iter().zip(mask.mask::<f64>().as_slice()) {
            assert_eq!(*one == 0.0, *dw == 0.0, "{dw} where the mask is {one}");
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for (g, [mask, _]) in of_mintnet(5).into_iter().chain([image(37, 2, [3, 7], 9), image(300, 2, [1, 2], 3)]) {
        same_on_threads(|| products::<f32>(&g, &mask, &weight(&g)));
        same_on_threads(|| products::<f64>(&g, &mask, &weight(&g)));
    }
}

#[test]
fn empty_masks_and_empty_batches() {
    let (g, [mask, _]) = image(3, 2, [2, 2], 4);
    let empty = KernelMask::new(mask.shape(), |_, _, _| false);
    for product in products::<f32>(&g, &empty, &weight(&g)) {
        assert!(product.as_slice().iter().all(|&x| x == 0.0));
    }
    assert_eq!((empty.count(), mask.count()), (0, 4 * 9 + 8 * 5));
    let none = Geometry { batch: 0, ..g };
    in_both_types(&none, &mask).unwrap();
}

#[test]
fn masks_of_image_models() {
    let first = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let last = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let before = KernelMask::preceding(&[0, 1], &[1, 0], [3, 3]);
    assert_eq!(before.mask::<f64>().as_slice(), [[0.0; 9], first, first, [1.0; 9]].concat());
    let after = KernelMask::following(&[0, 1], &[1, 0], [3, 3]);
    assert_eq!(after.mask::<f64>().as_slice(), [[1.0; 9], last, last, [0.0; 9]].concat());
    assert_eq!((before.count(), before.shape()), (19, [2, 2, 3, 3]));
    assert!(before == before.clone() && before == KernelMask::preceding(&[0, 1], &[1, 0], [3, 3]) && before != after);
}

#[test]
fn mismatches_are_reported_at_the_callers_line() {
    let start = line!();
    let tape = Tape::new();
    let [x, w] = [[2, 4, 5, 5], [2, 4, 3, 3]].map(|shape| tape.variable(Tensor::<f64>::zeros(shape)));
    let mismatch = caught(|| x.conv2d_masked(&w, ConvSpec::padded(1), &KernelMask::new([2, 4, 1, 3], |_, _, _| true)));
    let message = "conv2d_masked: images [2, 4, 5, 5] with kernels [2, 4, 3, 3] and a mask of [2, 4, 1, 3]";
    assert_eq!(mismatch.message, message);
    let many = caught(|| KernelMask::new([1 << 20, 1 << 20, 3, 3], |_, _, _| true));
    assert_eq!(many.message, "kernel mask: too many weights in [1048576, 1048576, 3, 3]");
    for panic in [mismatch, many] {
        assert!(panic.file.ends_with("kernel_mask.rs") && panic.line > start, "{panic:?}");
    }
}
