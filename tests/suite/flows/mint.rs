//! `MintNet`'s layer: dependences, the diagonal in closed form, and both inversions.

use super::{bits, rng, uniform};
use autograd::check::max_error;
use autograd::{Tape, Tensor, Var, diff, parallel};
use flows::check::randomize;
use flows::layers::{Inversion, Mint, MintSolver};
use flows::models::{MintNet, MintNetConfig, MintScale};
use flows::nn::{ConvMask, Init, MaskedConv2d};
use flows::{Bijection, Chain, Context, Distance, Module, RoundTrip};

/// Every root to machine precision.
const SWEEP: Inversion = Inversion::Sweep { evaluations: 200 };

pub(super) const MASKS: [ConvMask; 2] = [ConvMask::A, ConvMask::B];

/// Channels, height, width and branches.
pub(super) const SIZES: [([usize; 3], usize); 6] =
    [([1, 3, 3], 4), ([2, 3, 4], 3), ([4, 4, 4], 2), ([3, 1, 5], 1), ([2, 4, 1], 5), ([5, 1, 1], 2)];

/// A layer whose parameters are about `scale` away from where they start.
pub(super) fn layer(mask: ConvMask, image: [usize; 3], branches: usize, scale: f64, seed: u64) -> Mint<f64> {
    let mut rng = rng(seed);
    let layer = Mint::new(mask, image, branches, Init::He { gain: 0.5 }, &mut rng);
    randomize(&layer, scale, &mut rng);
    layer
}

pub(super) fn images(batch: usize, [channels, height, width]: [usize; 3], seed: u64) -> Tensor<f64> {
    uniform(&[batch, channels, height, width], -3.0, 3.0, &mut rng(seed ^ 99))
}

pub(super) fn latents(map: &dyn Bijection<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    map.to_latent(&Var::from(x.clone()), Context::default()).value.into_value()
}

pub(super) fn set_inversion(map: &dyn Bijection<f64>, inversion: Inversion) {
    MintSolver::of(map).expect("a MintNet layer").set_inversion(inversion);
}

/// Whether a changed input changes an output, entry by entry, `[output][input]`.
fn dependences(map: impl Fn(&Tensor<f64>) -> Tensor<f64>, x: &Tensor<f64>) -> Vec<Vec<bool>> {
    let before = map(x);
    let inputs = x.shape().elements();
    let changed: Vec<Tensor<f64>> = (0..inputs)
        .map(|input| {
            let mut moved = x.clone();
            moved.as_mut_slice()[input] += 0.37;
            map(&moved)
        })
        .collect();
    (0..before.shape().elements())
        .map(|output| changed.iter().map(|after| after.as_slice()[output] != before.as_slice()[output]).collect())
        .collect()
}

/// Whether an element comes before another or is the same, in the order of a mask.
fn up_to(mask: ConvMask, input: usize, output: usize) -> bool {
    match mask {
        ConvMask::A => input <= output,
        ConvMask::B => input >= output,
    }
}

#[test]
fn a_masked_convolution_reads_what_its_mask_says_and_nothing_else() {
    let [channels, height, width] = [3, 3, 4];
    let places = height * width;
    for mask in MASKS {
        for [from, to] in [[1, 4], [4, 4], [4, 1], [2, 3]] {
            let (inputs, outputs) = (from * channels, to * channels);
            let conv = MaskedConv2d::<f64>::new(mask, [channels, 3, 3], inputs, outputs, Init::Torch, &mut rng(7));
            let x = images(1, [inputs, height, width], 8);
            let apply = |x: &Tensor<f64>| {
                let x = Var::from(x.clone());
                conv.apply(&x, &conv.weight().on(&x)).into_value()
            };
            for (output, reads) in dependences(apply, &x).iter().enumerate() {
                for (input, &reads) in reads.iter().enumerate() {
                    // Where each lies in the image: unit h belongs to channel h/K.
                    let place = |i: usize, k: usize| i / places / k * places + i % places;
                    let (to, from) = (place(output, to), place(input, from));
                    let row_and_column = |i: usize| [i % places / width, i % width];
                    let [to_rc, from_rc] = [to, from].map(row_and_column);
                    let near = (0..2).all(|axis| to_rc[axis].abs_diff(from_rc[axis]) <= 1);
                    let expected = near && up_to(mask, from, to);
                    assert_eq!(reads, expected, "{mask:?}: output {output}, input {input}");
                }
            }
        }
    }
}

#[test]
fn masked_weights_have_no_gradient() {
    for mask in MASKS {
        let conv = MaskedConv2d::<f64>::new(mask, [2, 3, 3], 4, 6, Init::Torch, &mut rng(3));
        let tape = Tape::new();
        let x = tape.constant(images(2, [4, 3, 3], 4));
        let gradients = tape.backward(&conv.apply(&x, &conv.weight().on(&x)).square().sum_all());
        let of_weight = gradients.of(conv.weight()).expect("the weight was used").as_slice();
        for (i, &gradient) in of_weight.iter().enumerate() {
            let (output, input, tap) = (i / 9 / 4, i / 9 % 4, i % 9);
            // Both in raster order, a channel's taps after all of those of the channels before.
            let (from, to) = (input / 2 * 9 + tap, output / 3 * 9 + 4);
            assert_eq!(gradient != 0.0, up_to(mask, from, to), "{mask:?}: {output}, {input}, {tap}");
        }
    }
}

#[test]
fn the_jacobian_is_triangular_and_its_diagonal_is_the_closed_form() {
    for mask in MASKS {
        for (seed, (image, branches)) in (0..).zip(SIZES) {
            let layer = layer(mask, image, branches, 1.5, seed);
            let x = images(1, image, seed);
            let dims = x.shape().elements();
            let jacobian = diff::jacobian(|x| layer.to_latent(x, Context::default()).value, &x);
            let expected = autograd::check::jacobian(|x: &Tensor<f64>| latents(&layer, x), &x);
            let (jacobian, expected) = (jacobian.as_slice(), expected.as_slice());
            let diagonal = layer.diagonal(&Var::from(x.clone()));
            for output in 0..dims {
                for input in 0..dims {
                    let at = output * dims + input;
                    assert!((jacobian[at] - expected[at]).abs() < 1e-6, "{} and {}", jacobian[at], expected[at]);
                    assert!(up_to(mask, input, output) || jacobian[at] == 0.0, "{mask:?}: {output} sees {input}");
                }
                let (found, by_tape) = (diagonal.value().as_slice()[output], jacobian[output * dims + output]);
                assert!(found > 0.0 && (found - by_tape).abs() < 1e-12 * found.max(1.0), "{found}, not {by_tape}");
            }
            let log_det = layer.to_latent(&Var::from(x), Context::default()).log_det.item();
            let sum: f64 = (0..dims).map(|i| jacobian[i * dims + i].ln()).sum();
            assert!((log_det - sum).abs() < 1e-11 * sum.abs().max(1.0), "{log_det}, not {sum}");
        }
    }
}

#[test]
fn a_pair_makes_every_element_depend_on_every_other() {
    for image in [[1, 4, 4], [3, 2, 3]] {
        let [a, b] = MASKS.map(|mask| layer(mask, image, 2, 1.0, 5));
        let x = images(1, image, 6);
        let all = |map: &dyn Bijection<f64>| {
            dependences(|x| latents(map, x), &x).iter().all(|reads| reads.iter().all(|&reads| reads))
        };
        assert!(!all(&a) && !all(&b), "{image:?}");
        let pair: Vec<Box<dyn Bijection<f64>>> = vec![Box::new(a), Box::new(b)];
        assert!(all(&Chain::new(pair)), "{image:?}");
    }
}

#[test]
fn both_inversions_find_x_far_from_the_start() {
    for mask in MASKS {
        for (seed, (image, branches)) in (0..).zip(SIZES) {
            let layer = layer(mask, image, branches, 3.0, seed);
            let x = images(4, image, seed);
            let z = latents(&layer, &x);
            let (sweep, fixed) =
                (layer.solve(&z, SWEEP), layer.solve(&z, Inversion::FixedPoint { step: 0.5, iterations: 1000 }));
            for (name, found) in [("sweep", &sweep), ("fixed point", &fixed)] {
                assert!(max_error(&found.value, &x) < 1e-9, "{name}: {}", max_error(&found.value, &x));
                assert!(found.errors.last().is_some_and(|&error| error < 1e-10), "{name}: {:?}", found.errors.last());
                let log_det = layer.to_latent(&Var::from(x.clone()), Context::default()).log_det;
                assert!(max_error(&found.log_det, (-log_det).value()) < 1e-9, "{name}");
            }
            assert!(max_error(&sweep.value, &fixed.value) < 1e-9);
            assert!(sweep.iterations.iter().all(|&evaluations| evaluations < 20), "{:?}", sweep.iterations);
        }
    }
}

#[test]
fn rows_and_threads_do_not_matter_to_the_sweep() {
    let image = [2, 3, 4];
    let layer = layer(ConvMask::B, image, 3, 1.0, 1);
    let z = images(19, image, 2);
    let alone: Vec<u64> = (0..19).flat_map(|i| bits(&layer.solve(&z.rows(i..i + 1), SWEEP).value)).collect();
    // Fewer than go side by side, as many, and a few more; a group a thread, and more.
    for batch in [1, 5, 8, 9, 16, 19] {
        for threads in [1, 2, 3] {
            let found = parallel::with_threads(threads, || layer.solve(&z.rows(0..batch), SWEEP));
            assert_eq!(bits(&found.value), alone[..batch * 24], "{batch} rows, {threads} threads");
            assert_eq!((found.log_det.shape()[0], found.iterations.len()), (batch, batch));
        }
    }
}

#[test]
fn a_sweep_with_fewer_evaluations_is_less_accurate() {
    for mask in MASKS {
        let image = [2, 4, 4];
        let layer = layer(mask, image, 3, 1.5, 13);
        let x = images(10, image, 14);
        let z = latents(&layer, &x);
        let full = layer.solve(&z, SWEEP);
        let needed = *full.iterations.iter().max().unwrap();
        assert!(needed > 3, "{needed} show nothing");
        let errors: Vec<f64> =
            (1..=needed).map(|most| layer.solve(&z, Inversion::Sweep { evaluations: most }).errors[0]).collect();
        assert!(errors[0] > 1e-3 && errors[1] < errors[0] && errors[2] < 0.3 * errors[1], "{errors:?}");
        let enough = layer.solve(&z, Inversion::Sweep { evaluations: needed });
        assert_eq!((bits(&enough.value), enough.iterations), (bits(&full.value), full.iterations));
        let short = layer.solve(&z, Inversion::Sweep { evaluations: 2 });
        assert!(short.iterations.iter().all(|&evaluations| evaluations == 2));
        // Through the trait it is the same, and so is its error, to the last bits of the pass.
        set_inversion(&layer, Inversion::Sweep { evaluations: 2 });
        let trip = RoundTrip::of(&layer, &z);
        assert_eq!((bits(&trip.data), trip.error.to_bits()), (bits(&short.value), short.errors[0].to_bits()));
        let apart = short.value.as_slice().iter().zip(x.as_slice()).map(|(a, b)| (a - b).abs());
        assert_eq!(Distance::between(&trip.data, &x).max_abs, apart.fold(0.0, f64::max));
    }
}

#[test]
fn a_linear_layer_takes_one_evaluation() {
    let image = [2, 3, 3];
    for mask in MASKS {
        let layer = layer(mask, image, 3, 1.0, 19);
        // No ELU input is below 0: the units have to follow the last, unevaluated step.
        for (path, param) in layer.params() {
            let shift = if path == "0.bias" { 300.0 } else { 2e4 };
            if path == "0.bias" || path == "1.bias" {
                param.update(|b| b.iter_mut().for_each(|b| *b += shift));
            }
        }
        let x = images(9, image, 20);
        let found = layer.solve(&latents(&layer, &x), Inversion::Sweep { evaluations: 1 });
        assert!(max_error(&found.value, &x) < 1e-8, "{mask:?}: {}", max_error(&found.value, &x));
    }
}

#[test]
fn the_sweep_handles_extreme_weights_and_scales() {
    let image = [2, 3, 3];
    for mask in MASKS {
        for (scale, shift) in [(30.0, 0.0), (3.0, -30.0), (1.0, 40.0), (1e-3, -3.0)] {
            let layer = layer(mask, image, 3, scale, 15);
            for (path, param) in layer.params() {
                if path.ends_with("scale") {
                    param.update(|s| s.iter_mut().for_each(|s| *s += shift));
                }
            }
            let x = images(9, image, 16);
            let z = latents(&layer, &x);
            let found = layer.solve(&z, SWEEP);
            let size = z.as_slice().iter().fold(1.0, |size: f64, z| size.max(z.abs()));
            let error = found.errors[0];
            assert!(error < 1e-10 * size, "{mask:?}, {scale}, {shift}: {error} of {size}");
            assert!(found.iterations.iter().all(|&evaluations| evaluations < 100), "{:?}", found.iterations);
        }
    }
}

#[test]
fn latents_that_are_not_finite_end_the_sweep_and_do_not_affect_other_rows() {
    let image = [2, 3, 3];
    for mask in MASKS {
        let layer = layer(mask, image, 2, 1.0, 17);
        let mut z = images(9, image, 18);
        let expected = layer.solve(&z, SWEEP).value;
        for (row, odd) in [(1, f64::NAN), (3, f64::INFINITY), (6, f64::NEG_INFINITY), (8, f64::MAX)] {
            z.as_mut_slice()[18 * row + 7] = odd;
        }
        let found = layer.solve(&z, SWEEP).value;
        for row in 0..9 {
            let [found, expected] = [&found, &expected].map(|of| of.rows(row..row + 1));
            if [1, 3, 6].contains(&row) {
                assert!(!found.as_slice()[7].is_finite(), "{mask:?}: {found:?}");
            } else if row != 8 {
                assert_eq!(bits(&found), bits(&expected), "{mask:?}: row {row}");
            }
        }
    }
}

#[test]
fn the_fixed_point_goes_on_while_its_error_rises() {
    let image = [2, 4, 4];
    let layer = layer(ConvMask::A, image, 3, 6.0, 3);
    let x = images(3, image, 4);
    let z = latents(&layer, &x);
    let found = layer.solve(&z, Inversion::FixedPoint { step: 0.5, iterations: 1000 });
    let errors = &found.errors;
    let peak = errors.iter().copied().fold(0.0, f64::max);
    assert!(peak > 2.0 * errors[0], "it should have risen from {} to show anything", errors[0]);
    assert!(max_error(&found.value, &x) < 1e-9, "{}", max_error(&found.value, &x));
    // Each sample takes as many iterations as it would alone, and the batch as many as the slowest.
    let slowest = *found.iterations.iter().max().unwrap();
    assert_eq!(errors.len(), slowest + 1);
    for i in 0..3 {
        let alone = layer.solve(&z.rows(i..i + 1), Inversion::FixedPoint { step: 0.5, iterations: 1000 });
        assert_eq!(alone.iterations, [found.iterations[i]]);
        assert!(max_error(&alone.value, &found.value.rows(i..i + 1)) < 1e-12);
    }
    // Stopped early, it says so; through the trait it is the same.
    let stopped = layer.solve(&z, Inversion::FixedPoint { step: 0.5, iterations: 7 });
    assert_eq!((stopped.iterations, &stopped.errors[..]), (vec![7; 3], &errors[..8]));
    set_inversion(&layer, Inversion::FixedPoint { step: 0.5, iterations: 7 });
    assert_eq!(bits(layer.to_data(&Var::from(z), Context::default()).value.value()), bits(&stopped.value));
}

#[test]
fn a_nan_ends_the_fixed_point_and_does_not_affect_other_rows() {
    let image = [1, 3, 3];
    let layer = layer(ConvMask::A, image, 2, 1.0, 5);
    let mut z = images(3, image, 6);
    let expected = layer.solve(&z, SWEEP).value;
    z.as_mut_slice()[9 + 4] = f64::NAN;
    let (sweep, fixed) =
        (layer.solve(&z, SWEEP), layer.solve(&z, Inversion::FixedPoint { step: 1.0, iterations: 500 }));
    for row in [0, 2] {
        for found in [&sweep, &fixed] {
            assert!(max_error(&found.value.rows(row..row + 1), &expected.rows(row..row + 1)) < 1e-10);
        }
    }
    assert!(sweep.value.rows(1..2).as_slice()[4].is_nan());
    assert_eq!((fixed.iterations[1], fixed.errors[0]), (0, f64::INFINITY));
}

#[test]
fn weights_of_zero_cut_no_path() {
    let image = [2, 2, 2];
    for mask in MASKS {
        let layer = layer(mask, image, 2, 1.0, 7);
        for (path, param) in layer.params() {
            if path.ends_with("weight") {
                // Zeros of either sign among them.
                param.update(|w| w.iter_mut().step_by(2).enumerate().for_each(|(i, w)| *w = [0.0, -0.0][i % 2]));
            }
        }
        let x = images(2, image, 8);
        let found = layer.solve(&latents(&layer, &x), SWEEP);
        assert!(max_error(&found.value, &x) < 1e-12);
        let tape = Tape::new();
        let gradients = tape.backward(&layer.to_latent(&tape.constant(x), Context::default()).log_det.sum_all());
        assert!(layer.params().iter().all(|(_, p)| gradients.of(p).is_none_or(|g| g.all_finite())));
    }
}

#[test]
fn a_model_begins_near_the_identity_and_the_papers_sizes_build() {
    let scales = [5, 3, 2].map(|branches| MintScale { pairs: 1, branches }).to_vec();
    let config = MintNetConfig { image: [1, 8, 8], scales, logit: None, ..MintNetConfig::mnist() };
    let flow = MintNet::build::<f64>(&config, &mut rng(1));
    let x = uniform(&[2, 64], -2.0, 2.0, &mut rng(2));
    assert!(max_error(&flow.encode(&x).unwrap(), &x) < 1e-3);
    let mnist = MintNet::build::<f32>(&MintNetConfig::mnist(), &mut rng(3));
    // Per layer 9·(C·KC + KC·KC + KC·C) weights, 2·KC + C biases and a t for each pixel.
    let sizes = [(1, 45, 12), (4, 44, 12), (16, 32, 16)];
    let each = |(c, h, layers): (usize, usize, usize)| layers * (9 * (2 * c * h + h * h) + 2 * h + c + 784);
    let found: usize = mnist.params().iter().map(|(_, param)| param.shape().elements()).sum();
    assert_eq!(found, sizes.into_iter().map(each).sum());
}
