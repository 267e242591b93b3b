//! The derivatives of `MintNet`'s z → x.

use super::mint::{MASKS, SIZES, images, latents, layer, set_inversion};
use super::{bits, rng, uniform};
use autograd::check::max_error;
use autograd::{Tape, Tensor, Var, diff, parallel};
use flows::layers::{Inversion, Mint, MintSolver};
use flows::{Bijection, Context, Mapped, Module};

/// Gradients of a sum of x and of the log-determinant, with different weights everywhere: by z, if it is a variable, and
/// by all parameters.
fn gradients(layer: &Mint<f64>, z: &Tensor<f64>, by_latent: bool) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let input = if by_latent { tape.variable(z.clone()) } else { tape.constant(z.clone()) };
    let Mapped { value, log_det } = layer.to_data(&input, Context::default());
    let mut draw = rng(21);
    let [of_value, of_log_det] = [value.shape(), log_det.shape()].map(|shape| uniform(shape, -1.0, 1.0, &mut draw));
    let loss =
        (value * input.constant_like(of_value)).sum_all() + (log_det * input.constant_like(of_log_det)).sum_all();
    let found = tape.backward(&loss);
    let by_parameters = layer.params().into_iter().map(|(path, param)| found.of(&param).expect(&path).clone());
    found.wrt(&input).cloned().into_iter().chain(by_parameters).collect()
}

#[test]
fn the_sweep_back_has_the_gradients_of_the_recorded_passes() {
    for mask in MASKS {
        for (seed, (image, branches)) in (0..).zip(SIZES) {
            let layer = layer(mask, image, branches, 1.5, seed);
            let solver = MintSolver::of(&layer).unwrap();
            // More than go side by side.
            let z = latents(&layer, &images(10, image, seed));
            for by_latent in [true, false] {
                let found = gradients(&layer, &z, by_latent);
                solver.set_recorded(true);
                let expected = gradients(&layer, &z, by_latent);
                solver.set_recorded(false);
                assert_eq!(found.len(), expected.len());
                assert_eq!(found.len(), 7 + usize::from(by_latent));
                for (found, expected) in found.iter().zip(&expected) {
                    let size = expected.as_slice().iter().fold(1.0, |size: f64, g| size.max(g.abs()));
                    let error = max_error(found, expected);
                    assert!(error < 1e-9 * size, "{mask:?}, {image:?}: {error} of {size}");
                }
                let threaded = parallel::with_threads(2, || gradients(&layer, &z, by_latent));
                assert!(found.iter().map(bits).eq(threaded.iter().map(bits)), "{mask:?}, {image:?}: threads");
            }
        }
    }
}

#[test]
fn what_is_recorded_does_not_grow_with_the_image() {
    let records = |side: usize, recorded: bool| {
        let image = [1, side, side];
        let layer = layer(MASKS[0], image, 1, 1.0, 0);
        MintSolver::of(&layer).unwrap().set_recorded(recorded);
        let tape = Tape::new();
        layer.to_data(&tape.variable(images(1, image, 0)), Context::default());
        tape.len()
    };
    let [small, large] = [3, 28].map(|side| records(side, false));
    assert_eq!(small, large);
    let by_passes = records(28, true);
    assert!(by_passes > 20 * large, "{by_passes} and {large}");
}

#[test]
#[should_panic = "MintSolver::set_recorded"]
fn second_derivatives_say_what_they_need() {
    let layer = layer(MASKS[0], [1, 2, 2], 2, 1.0, 0);
    let z = images(1, [1, 2, 2], 0);
    diff::hvp(|z| layer.to_data(z, Context::default()).value.square().sum_all(), &z, &z);
}

#[test]
fn derivatives_of_the_root_are_those_of_the_inverse_up_to_the_second() {
    for mask in MASKS {
        for (image, branches) in [([1, 2, 3], 2), ([2, 2, 2], 2)] {
            let layer = layer(mask, image, branches, 1.0, 9);
            let z = latents(&layer, &images(1, image, 10));
            let solver = MintSolver::of(&layer).unwrap();
            for inversion in [Inversion::default(), Inversion::FixedPoint { step: 1.0, iterations: 500 }] {
                set_inversion(&layer, inversion);
                let to_data = |z: &Var<f64>| layer.to_data(z, Context::default()).value;
                let inverse = diff::jacobian(to_data, &z);
                let x = to_data(&Var::from(z.clone())).into_value();
                let jacobian = diff::jacobian(|x| layer.to_latent(x, Context::default()).value, &x);
                let dims = x.shape().elements();
                let product = Var::from(inverse).matmul(&Var::from(jacobian)).into_value();
                let identity = Tensor::from_fn([dims, dims], |i| f64::from(u8::from(i % (dims + 1) == 0)));
                assert!(max_error(&product, &identity) < 1e-11);
                let curved = |z: &Var<f64>| (to_data(z) * z.constant_like(images(1, image, 12))).sum_all();
                let along = images(1, image, 11);
                solver.set_recorded(true);
                let found = diff::hvp(curved, &z, &along);
                solver.set_recorded(false);
                let gradient = |h: f64| {
                    let moved = Tensor::from_fn(z.shape().clone(), |i| z.as_slice()[i] + h * along.as_slice()[i]);
                    let tape = Tape::new();
                    let moved = tape.variable(moved);
                    tape.backward(&curved(&moved)).wrt(&moved).expect("z was used").clone()
                };
                let (up, down) = (gradient(1e-6), gradient(-1e-6));
                let expected = Tensor::from_fn(z.shape().clone(), |i| (up.as_slice()[i] - down.as_slice()[i]) / 2e-6);
                assert!(max_error(&found, &expected) < 1e-6, "{}", max_error(&found, &expected));
            }
        }
    }
}
