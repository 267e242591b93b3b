//! Products under a staircase mask: their entries in the table of operations, and comparisons
//! with the same product with the mask multiplied in.

use super::case::Case;
use super::draw::{REAL, noise, tensor};
use super::operations::Entry;
use super::panics::caught;
use super::{Outcome, close, hold, inner, masked_counts_as_zero, same_on_threads};
use autograd::{Real, Shape, StaircaseMask, Tape, Tensor, Var, parallel};
use proptest::prelude::*;

/// Indices of the three values among their shapes.
const X: usize = 0;
const W: usize = 1;
const DY: usize = 2;

pub(super) fn all() -> Vec<Entry> {
    vec![
        ("matmul_t_masked", table([X, W], |x, w, mask| x.matmul_t_masked(w, mask))),
        ("matmul_t_masked by input", table([DY, W], by_input)),
        ("matmul_t_masked by weight", table([X, DY], by_weight)),
    ]
}

/// The adjoints have no methods: a recorded sweep gives them.
fn by_input<T: Real>(dy: &Var<T>, w: &Var<T>, mask: &StaircaseMask) -> Var<T> {
    let tape = dy.tape().or(w.tape()).cloned().unwrap_or_default();
    let batch = &dy.shape()[..dy.shape().rank() - 1];
    let x = tape.variable(Tensor::zeros(shape(batch, mask.inputs())));
    tape.vjp_recorded(&x.matmul_t_masked(w, mask), dy, &[&x]).remove(0)
}

fn by_weight<T: Real>(x: &Var<T>, dy: &Var<T>, mask: &StaircaseMask) -> Var<T> {
    let tape = x.tape().or(dy.tape()).cloned().unwrap_or_default();
    let w = tape.variable(Tensor::zeros([mask.outputs(), mask.inputs()]));
    tape.vjp_recorded(&x.matmul_t_masked(&w, mask), dy, &[&w]).remove(0)
}

fn shape(batch: &[usize], width: usize) -> Shape {
    batch.iter().copied().chain([width]).collect()
}

/// Any mask with at most this many inputs and outputs: wide steps and high ones, from the first
/// input or not, to the last or not.
fn masks(inputs: usize, outputs: usize) -> impl Strategy<Value = StaircaseMask> {
    (1..=inputs, 1..=outputs, 1..=inputs).prop_flat_map(|(inputs, outputs, coarse)| {
        // `seen` in multiples of `coarse`, so that equal neighbors are likely.
        prop::collection::vec(0..=inputs, outputs).prop_map(move |mut seen| {
            seen.sort_unstable();
            StaircaseMask::new(seen.iter().map(|seen| seen / coarse * coarse).collect::<Vec<_>>(), inputs)
        })
    })
}

/// Small products of two of the values, for finite differences.
fn table(operands: [usize; 2], f: fn(&Var<f64>, &Var<f64>, &StaircaseMask) -> Var<f64>) -> BoxedStrategy<Case> {
    (masks(4, 4), prop::collection::vec(1..3usize, 0..3))
        .prop_flat_map(move |(mask, batch)| {
            let (inputs, outputs) = (mask.inputs(), mask.outputs());
            let shapes = [shape(&batch, inputs), shape(&[outputs], inputs), shape(&batch, outputs)];
            (operands.map(|which| tensor(&shapes[which], REAL)), Just(mask))
        })
        .prop_map(move |([a, b], mask)| {
            let shown = format!("{mask:?}");
            Case { with: shown, ..Case::new(vec![a, b], move |x| f(&x[0], &x[1], &mask)) }
        })
        .boxed()
}

/// All three products of noise.
fn products<T: Real>(mask: &StaircaseMask, batch: &[usize], weight: &Tensor<T>) -> [Tensor<T>; 3] {
    let x = Var::from(noise(shape(batch, mask.inputs()), 1).cast::<T>());
    let dy = Var::from(noise(shape(batch, mask.outputs()), 3).cast::<T>());
    let w = Var::from(weight.clone());
    [x.matmul_t_masked(&w, mask), by_input(&dy, &w, mask), by_weight(&x, &dy, mask)].map(Var::into_value)
}

fn weight<T: Real>(mask: &StaircaseMask) -> Tensor<T> {
    noise([mask.outputs(), mask.inputs()], 2).cast()
}

/// The same three with the mask multiplied in, summed in `f64` over the numbers that `T` holds.
fn as_defined<T: Real>(mask: &StaircaseMask, batch: &[usize]) -> Outcome {
    let rounded = |width: usize, seed: u64| Var::from(noise(shape(batch, width), seed).cast::<T>().cast::<f64>());
    let (inputs, outputs, rows) = (mask.inputs(), mask.outputs(), batch.iter().product::<usize>());
    let (x, dy) = (rounded(inputs, 1).reshape([rows, inputs]), rounded(outputs, 3).reshape([rows, outputs]));
    let ones = Var::from(mask.mask::<f64>());
    let masked = &ones * Var::from(weight::<T>(mask).cast::<f64>());
    let expected = [x.matmul_t(&masked), dy.matmul(&masked), ones * dy.t_matmul(&x)];
    let shapes = [shape(batch, outputs), shape(batch, inputs), shape(&[outputs], inputs)];
    let terms = [inputs, outputs, rows];
    for (i, (got, expected)) in products::<T>(mask, batch, &weight(mask)).iter().zip(expected).enumerate() {
        // Terms are at most 1 in size and each is rounded at most twice.
        let bound = 2.0 * T::EPSILON * (terms[i] as f64).max(4.0);
        let what = ["forward", "by input", "by weight"][i];
        close(what, &got.cast(), expected.reshape(&shapes[i]).value(), bound)?;
    }
    Ok(())
}

fn in_both_types(mask: &StaircaseMask, batch: &[usize]) -> Outcome {
    as_defined::<f64>(mask, batch).and_then(|()| as_defined::<f32>(mask, batch))
}

/// Batches of any rank, some without rows.
fn batch() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..6usize, 0..4)
}

#[test]
fn small_products_are_those_with_a_mask() {
    hold(400, &(masks(20, 20), batch()), |(mask, batch)| in_both_types(&mask, &batch)).unwrap();
}

/// Several blocks of columns, tiles of rows and pieces of tiles, and sizes next to theirs.
#[test]
fn large_products_are_those_with_a_mask() {
    let rows = prop_oneof![1..9usize, 47..50usize, 95..101usize, 190..200usize, 255..260usize];
    hold(40, &(masks(200, 200), rows), |(mask, rows)| in_both_types(&mask, &[rows])).unwrap();
}

/// As in MADE: of `units` sorted units, unit `k` of degree `k mod most + 1`.
fn degrees(units: usize, most: usize) -> Vec<usize> {
    let mut degrees: Vec<usize> = (0..units).map(|k| k % most + 1).collect();
    degrees.sort_unstable();
    degrees
}

/// What an output of degree `d` sees of sorted units: all of lower degree or, if `equal`, of equal too.
fn between(below: &[usize], above: &[usize], equal: bool) -> StaircaseMask {
    let seen = above.iter().map(|&d| below.partition_point(|&b| b < d || equal && b == d));
    StaircaseMask::new(seen.collect::<Vec<_>>(), below.len())
}

#[test]
fn the_layers_of_an_autoregressive_network() {
    for (pixels, hidden, rows) in [(784, 1024, 20), (30, 100, 200), (2, 64, 50), (1, 8, 3)] {
        let (inputs, units) = ((1..=pixels).collect::<Vec<_>>(), degrees(hidden, (pixels - 1).max(1)));
        let doubled: Vec<usize> = inputs.iter().flat_map(|&d| [d, d]).collect();
        let layers = [between(&inputs, &units, true), between(&units, &units, true), between(&units, &doubled, false)];
        for threads in [1, 2] {
            for layer in &layers {
                parallel::with_threads(threads, || in_both_types(layer, &[rows])).unwrap();
            }
        }
    }
}

#[test]
fn corners() {
    let full = |outputs: usize, inputs: usize| StaircaseMask::new(vec![inputs; outputs], inputs);
    let empty = |outputs: usize, inputs: usize| StaircaseMask::new(vec![0; outputs], inputs);
    let sizes = [(0, 0), (0, 3), (3, 0), (1, 1), (1, 100), (100, 1), (130, 70)];
    for (outputs, inputs) in sizes {
        for mask in [full(outputs, inputs), empty(outputs, inputs)] {
            for rows in [0, 1, 5, 100] {
                in_both_types(&mask, &[rows]).unwrap();
            }
            in_both_types(&mask, &[]).unwrap();
        }
    }
    // One step, in the middle of a block and at its end.
    for at in [1, 63, 64, 65, 99] {
        let step = StaircaseMask::new((0..100).map(|o| if o < at { 0 } else { 100 }).collect::<Vec<_>>(), 100);
        in_both_types(&step, &[50]).unwrap();
    }
}

/// All three give the same ⟨dy, x·(M∘W)ᵀ⟩.
#[test]
fn the_three_products_are_each_others_adjoints() {
    hold(200, &(masks(90, 90), 1..60usize), |(mask, rows)| {
        let (x, dy) = (noise([rows, mask.inputs()], 1), noise([rows, mask.outputs()], 3));
        let w = weight::<f64>(&mask);
        let [y, dx, dw] = products(&mask, &[rows], &w);
        let ((forward, size), by_input, by_weight) = (inner(&dy, &y), inner(&x, &dx).0, inner(&w, &dw).0);
        let bound = 1e-12 * size.max(1.0);
        prop_assert!((forward - by_input).abs() <= bound, "{forward} forward, {by_input} by input");
        prop_assert!((forward - by_weight).abs() <= bound, "{forward} forward, {by_weight} by weight");
        Ok(())
    })
    .unwrap();
}

fn masked_is_zero<T: Real>(mask: &StaircaseMask, rows: usize) -> Outcome {
    masked_counts_as_zero(&mask.mask(), &weight::<T>(mask), |weight| products(mask, &[rows], weight))
}

#[test]
fn masked_weights_count_as_zero_whatever_they_hold() {
    hold(100, &(masks(150, 150), 1..60usize), |(mask, rows)| {
        masked_is_zero::<f64>(&mask, rows).and_then(|()| masked_is_zero::<f32>(&mask, rows))
    })
    .unwrap();
}

/// Even where the batch makes every product a NaN.
#[test]
fn gradients_of_masked_weights_are_zero_for_an_infinite_batch() {
    let mask = StaircaseMask::new([0, 1, 1, 3], 4);
    let infinite = |width: usize| Var::from(Tensor::full([2, width], f64::INFINITY));
    let dw = by_weight(&infinite(4), &infinite(4), &mask).into_value();
    for (dw, one) in dw.as_slice().iter().zip(mask.mask::<f64>().as_slice()) {
        assert_eq!(*dw, if *one == 0.0 { 0.0 } else { f64::INFINITY });
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let of = |outputs: usize, inputs: usize, power: i32| {
        let seen = |o: usize| ((o as f64 / outputs as f64).powi(power) * inputs as f64) as usize;
        StaircaseMask::new((0..outputs).map(seen).collect::<Vec<_>>(), inputs)
    };
    let half = StaircaseMask::new((0..200).map(|o| if o < 100 { 0 } else { 64 }).collect::<Vec<_>>(), 64);
    let empty = StaircaseMask::new(vec![0; 130], 1024);
    let sloped = [(of(300, 200, 1), 100), (of(129, 515, 3), 50), (of(515, 129, 0), 385), (of(64, 900, 1), 7)];
    for (mask, rows) in sloped.into_iter().chain([(half, 385), (empty, 13)]) {
        same_on_threads(|| products::<f32>(&mask, &[rows], &weight(&mask)));
        same_on_threads(|| products::<f64>(&mask, &[rows], &weight(&mask)));
    }
}

#[test]
fn sizes_counts_and_mask() {
    let mask = StaircaseMask::new([0, 0, 2, 3, 3], 4);
    assert_eq!((mask.inputs(), mask.outputs(), mask.ones()), (4, 5, 8));
    assert_eq!(mask.mask::<f64>().as_slice().iter().sum::<f64>(), 8.0);
    assert!(!mask.is_full() && StaircaseMask::new([2, 2], 2).is_full() && StaircaseMask::new([], 2).is_full());
    assert_eq!([0, 1, 2, 3].map(|input| mask.first_to_see(input)), [2, 2, 3, 5]);
}

#[test]
fn mismatches_are_reported_at_the_callers_line() {
    let decreases = caught(|| StaircaseMask::new([1, 2, 1], 3));
    assert_eq!(decreases.message, "staircase mask: output 1 sees 2 inputs and output 2 only 1");
    let exceeds = caught(|| StaircaseMask::new([1, 4], 3));
    assert_eq!(exceeds.message, "staircase mask: the last output sees 4 of 3 inputs");
    let tape = Tape::new();
    let [x, w] = [[2, 4], [2, 3]].map(|shape| tape.variable(Tensor::<f64>::zeros(shape)));
    let mismatch = caught(|| x.matmul_t_masked(&w, &StaircaseMask::new([1, 2], 3)));
    assert_eq!(mismatch.message, "matmul_t_masked: [2, 4] · [2, 3]ᵀ with a mask of 2 outputs over 3 inputs");
    let scalar = Var::from(Tensor::scalar(1.0));
    let rankless = caught(|| scalar.matmul_t_masked(&w, &StaircaseMask::new([1, 2], 3)));
    for panic in [decreases, exceeds, mismatch, rankless] {
        assert!(panic.file.ends_with("staircase.rs") && panic.line > 200, "{panic:?}");
    }
}
