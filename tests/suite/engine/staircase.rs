//! Products under stairs: their lines in the table of operations, and what is promised of them
//! against the same product with a mask multiplied in.

use super::case::Case;
use super::draw::{REAL, noise, tensor};
use super::operations::Entry;
use super::panics::caught;
use super::{Outcome, close, hold, inner, same_bits, same_on_threads};
use autograd::{Real, Shape, StaircaseMask, Tape, Tensor, Var, parallel};
use proptest::prelude::*;

/// Places of the three values among their shapes.
const X: usize = 0;
const W: usize = 1;
const DY: usize = 2;

pub(super) fn all() -> Vec<Entry> {
    vec![
        ("matmul_t_masked", table([X, W], |x, w, stairs| x.matmul_t_masked(w, stairs))),
        ("stairs by input", table([DY, W], by_input)),
        ("stairs by weight", table([X, DY], by_weight)),
    ]
}

/// The adjoints have no methods of their own: they are what a sweep records.
fn by_input<T: Real>(dy: &Var<T>, w: &Var<T>, stairs: &StaircaseMask) -> Var<T> {
    let tape = dy.tape().or(w.tape()).cloned().unwrap_or_default();
    let batch = &dy.shape()[..dy.shape().rank() - 1];
    let x = tape.variable(Tensor::zeros(shape(batch, stairs.inputs())));
    tape.vjp_recorded(&x.matmul_t_masked(w, stairs), dy, &[&x]).remove(0)
}

fn by_weight<T: Real>(x: &Var<T>, dy: &Var<T>, stairs: &StaircaseMask) -> Var<T> {
    let tape = x.tape().or(dy.tape()).cloned().unwrap_or_default();
    let w = tape.variable(Tensor::zeros([stairs.outputs(), stairs.inputs()]));
    tape.vjp_recorded(&x.matmul_t_masked(&w, stairs), dy, &[&w]).remove(0)
}

fn shape(batch: &[usize], width: usize) -> Shape {
    batch.iter().copied().chain([width]).collect()
}

/// Any stairs with at most so many inputs and outputs: wide steps and high ones, from the first
/// input or not, to the last or not.
fn stairs(inputs: usize, outputs: usize) -> impl Strategy<Value = StaircaseMask> {
    (1..=inputs, 1..=outputs, 1..=inputs).prop_flat_map(|(inputs, outputs, coarse)| {
        // `seen` in multiples of something: equal ones next to each other are likely.
        prop::collection::vec(0..=inputs, outputs).prop_map(move |mut seen| {
            seen.sort_unstable();
            StaircaseMask::new(seen.iter().map(|seen| seen / coarse * coarse).collect::<Vec<_>>(), inputs)
        })
    })
}

/// Small products of two of the values, for finite differences.
fn table(operands: [usize; 2], f: fn(&Var<f64>, &Var<f64>, &StaircaseMask) -> Var<f64>) -> BoxedStrategy<Case> {
    (stairs(4, 4), prop::collection::vec(1..3usize, 0..3))
        .prop_flat_map(move |(stairs, batch)| {
            let (inputs, outputs) = (stairs.inputs(), stairs.outputs());
            let shapes = [shape(&batch, inputs), shape(&[outputs], inputs), shape(&batch, outputs)];
            (operands.map(|which| tensor(&shapes[which], REAL)), Just(stairs))
        })
        .prop_map(move |([a, b], stairs)| {
            let shown = format!("{stairs:?}");
            Case { with: shown, ..Case::new(vec![a, b], move |x| f(&x[0], &x[1], &stairs)) }
        })
        .boxed()
}

/// All three products of noise.
fn products<T: Real>(stairs: &StaircaseMask, batch: &[usize], weight: &Tensor<T>) -> [Tensor<T>; 3] {
    let x = Var::from(noise(shape(batch, stairs.inputs()), 1).cast::<T>());
    let dy = Var::from(noise(shape(batch, stairs.outputs()), 3).cast::<T>());
    let w = Var::from(weight.clone());
    [x.matmul_t_masked(&w, stairs), by_input(&dy, &w, stairs), by_weight(&x, &dy, stairs)].map(Var::into_value)
}

fn weight<T: Real>(stairs: &StaircaseMask) -> Tensor<T> {
    noise([stairs.outputs(), stairs.inputs()], 2).cast()
}

/// The same three with the mask multiplied in, summed in `f64` over the numbers that `T` holds.
fn as_defined<T: Real>(stairs: &StaircaseMask, batch: &[usize]) -> Outcome {
    let rounded = |width: usize, seed: u64| Var::from(noise(shape(batch, width), seed).cast::<T>().cast::<f64>());
    let (inputs, outputs, rows) = (stairs.inputs(), stairs.outputs(), batch.iter().product::<usize>());
    let (x, dy) = (rounded(inputs, 1).reshape([rows, inputs]), rounded(outputs, 3).reshape([rows, outputs]));
    let mask = Var::from(stairs.mask::<f64>());
    let masked = &mask * Var::from(weight::<T>(stairs).cast::<f64>());
    let expected = [x.matmul_t(&masked), dy.matmul(&masked), mask * dy.t_matmul(&x)];
    let shapes = [shape(batch, outputs), shape(batch, inputs), shape(&[outputs], inputs)];
    let terms = [inputs, outputs, rows];
    for (i, (got, expected)) in products::<T>(stairs, batch, &weight(stairs)).iter().zip(expected).enumerate() {
        // Terms are at most 1 in size and each is rounded at most twice.
        let bound = 2.0 * T::EPSILON * (terms[i] as f64).max(4.0);
        let what = ["forward", "by input", "by weight"][i];
        close(what, &got.cast(), expected.reshape(&shapes[i]).value(), bound)?;
    }
    Ok(())
}

fn in_both_types(stairs: &StaircaseMask, batch: &[usize]) -> Outcome {
    as_defined::<f64>(stairs, batch).and_then(|()| as_defined::<f32>(stairs, batch))
}

/// Batches of any rank, some without rows.
fn batch() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..6usize, 0..4)
}

#[test]
fn small_products_are_those_with_a_mask() {
    hold(400, &(stairs(20, 20), batch()), |(stairs, batch)| in_both_types(&stairs, &batch)).unwrap();
}

/// Several blocks of columns, tiles of rows and pieces of tiles, and sizes next to theirs.
#[test]
fn large_products_are_those_with_a_mask() {
    let rows = prop_oneof![1..9usize, 47..50usize, 95..101usize, 190..200usize, 255..260usize];
    hold(40, &(stairs(200, 200), rows), |(stairs, rows)| in_both_types(&stairs, &[rows])).unwrap();
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
        for stairs in [full(outputs, inputs), empty(outputs, inputs)] {
            for rows in [0, 1, 5, 100] {
                in_both_types(&stairs, &[rows]).unwrap();
            }
            in_both_types(&stairs, &[]).unwrap();
        }
    }
    // One step, in the middle of a block and at its end.
    for at in [1, 63, 64, 65, 99] {
        let step = StaircaseMask::new((0..100).map(|o| if o < at { 0 } else { 100 }).collect::<Vec<_>>(), 100);
        in_both_types(&step, &[50]).unwrap();
    }
}

/// ⟨dy, x·(M∘W)ᵀ⟩ is one number, whichever of the three is asked for it.
#[test]
fn the_three_products_are_each_others_adjoints() {
    hold(200, &(stairs(90, 90), 1..60usize), |(stairs, rows)| {
        let (x, dy) = (noise([rows, stairs.inputs()], 1), noise([rows, stairs.outputs()], 3));
        let w = weight::<f64>(&stairs);
        let [y, dx, dw] = products(&stairs, &[rows], &w);
        let ((forward, size), by_input, by_weight) = (inner(&dy, &y), inner(&x, &dx).0, inner(&w, &dw).0);
        let bound = 1e-12 * size.max(1.0);
        prop_assert!((forward - by_input).abs() <= bound, "{forward} forward, {by_input} by input");
        prop_assert!((forward - by_weight).abs() <= bound, "{forward} forward, {by_weight} by weight");
        Ok(())
    })
    .unwrap();
}

fn beyond_is_nothing<T: Real>(stairs: &StaircaseMask, rows: usize) -> Outcome {
    let ones = stairs.mask::<T>();
    let mut poisoned = weight::<T>(stairs);
    let poisons = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30];
    for (i, (w, &one)) in poisoned.as_mut_slice().iter_mut().zip(ones.as_slice()).enumerate() {
        if one == T::ZERO {
            *w = T::from_f64(poisons[i % 4]);
        }
    }
    let (clean, other) = (products(stairs, &[rows], &weight::<T>(stairs)), products(stairs, &[rows], &poisoned));
    for (clean, other) in clean.iter().zip(&other) {
        same_bits("what lies beyond the stairs", clean, other)?;
    }
    let dead = ones.as_slice().iter().zip(clean[2].as_slice()).filter(|(one, _)| **one == T::ZERO);
    for (_, dw) in dead {
        prop_assert!(dw.to_f64().to_bits() == 0, "a gradient beyond the stairs: {dw}");
    }
    Ok(())
}

#[test]
fn what_lies_beyond_the_stairs_counts_as_zero_whatever_it_is() {
    hold(100, &(stairs(150, 150), 1..60usize), |(stairs, rows)| {
        beyond_is_nothing::<f64>(&stairs, rows).and_then(|()| beyond_is_nothing::<f32>(&stairs, rows))
    })
    .unwrap();
}

/// Not even where the batch holds what makes every product a NaN.
#[test]
fn gradients_beyond_the_stairs_are_zero_for_an_infinite_batch() {
    let stairs = StaircaseMask::new([0, 1, 1, 3], 4);
    let infinite = |width: usize| Var::from(Tensor::full([2, width], f64::INFINITY));
    let dw = by_weight(&infinite(4), &infinite(4), &stairs).into_value();
    for (dw, one) in dw.as_slice().iter().zip(stairs.mask::<f64>().as_slice()) {
        assert_eq!(*dw, if *one == 0.0 { 0.0 } else { f64::INFINITY });
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let of = |outputs: usize, inputs: usize, power: i32| {
        let seen = |o: usize| ((o as f64 / outputs as f64).powi(power) * inputs as f64) as usize;
        StaircaseMask::new((0..outputs).map(seen).collect::<Vec<_>>(), inputs)
    };
    for (stairs, rows) in [(of(300, 200, 1), 100), (of(129, 515, 3), 50), (of(515, 129, 0), 385), (of(64, 900, 1), 7)] {
        same_on_threads(|| products::<f32>(&stairs, &[rows], &weight(&stairs)));
        same_on_threads(|| products::<f64>(&stairs, &[rows], &weight(&stairs)));
    }
}

#[test]
fn what_stairs_know_of_themselves() {
    let stairs = StaircaseMask::new([0, 0, 2, 3, 3], 4);
    assert_eq!((stairs.inputs(), stairs.outputs(), stairs.ones()), (4, 5, 8));
    assert_eq!(stairs.mask::<f64>().as_slice().iter().sum::<f64>(), 8.0);
    assert!(!stairs.is_full() && StaircaseMask::new([2, 2], 2).is_full() && StaircaseMask::new([], 2).is_full());
    assert_eq!([0, 1, 2, 3].map(|input| stairs.first_to_see(input)), [2, 2, 3, 5]);
}

#[test]
fn what_does_not_fit_is_refused_where_it_was_asked_for() {
    let falls = caught(|| StaircaseMask::new([1, 2, 1], 3));
    assert_eq!(falls.message, "stairs: output 1 sees 2 inputs and output 2 only 1");
    let exceeds = caught(|| StaircaseMask::new([1, 4], 3));
    assert_eq!(exceeds.message, "stairs: the last output sees 4 of 3 inputs");
    let tape = Tape::new();
    let [x, w] = [[2, 4], [2, 3]].map(|shape| tape.variable(Tensor::<f64>::zeros(shape)));
    let misfit = caught(|| x.matmul_t_masked(&w, &StaircaseMask::new([1, 2], 3)));
    assert_eq!(misfit.message, "matmul_t_masked: [2, 4] · [2, 3]ᵀ with stairs of 2 outputs over 3 inputs");
    let scalar = Var::from(Tensor::scalar(1.0));
    let rankless = caught(|| scalar.matmul_t_masked(&w, &StaircaseMask::new([1, 2], 3)));
    for panic in [falls, exceeds, misfit, rankless] {
        assert!(panic.file.ends_with("stairs.rs") && panic.line > 200, "{panic:?}");
    }
}
