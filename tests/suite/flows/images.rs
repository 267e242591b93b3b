//! Layers and networks over images: which pixel goes where, what reads what, and how they start.

use super::{bits, near, rng, uniform};
use autograd::{Tensor, Var, check, diff};
use flows::check::randomize;
use flows::layers::{ActNorm, Coupling, FactorOut, Logit, Mask, PatchRotation, Patches, Split, Squeeze};
use flows::models::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
use flows::nn::{Activation, Conv2d, Init, Mlp, Network, ResNet, ResNetConfig};
use flows::univariate::Affine;
use flows::{Base, Bijection, Chain, Context, Flow, Module, StandardNormal};
use std::f64::consts::PI;

fn images(shape: [usize; 4], seed: u64) -> Var<f64> {
    Var::from(uniform(&shape, -2.0, 2.0, &mut rng(seed)))
}

fn log_normal(z: f64) -> f64 {
    -0.5 * z * z - 0.5 * (2.0 * PI).ln()
}

#[test]
fn a_squeeze_puts_every_pixel_into_the_channel_of_its_place_in_the_block() {
    let [batch, channels, height, width] = [2, 3, 4, 6];
    let x = Tensor::from_fn([batch, channels, height, width], |i| i as f64);
    let z = Squeeze.to_latent(&Var::from(x.clone()), Context::default()).value.into_value();
    assert_eq!(**z.shape(), [batch, 4 * channels, height / 2, width / 2]);
    let at = |tensor: &Tensor<f64>, [b, c, row, column]: [usize; 4]| {
        let shape = tensor.shape();
        tensor.as_slice()[((b * shape[1] + c) * shape[2] + row) * shape[3] + column]
    };
    for b in 0..batch {
        for c in 0..channels {
            for row in 0..height {
                for column in 0..width {
                    let channel = 4 * c + 2 * (row % 2) + column % 2;
                    let found = at(&z, [b, channel, row / 2, column / 2]);
                    assert_eq!(found, at(&x, [b, c, row, column]));
                }
            }
        }
    }
}

#[test]
fn checkerboards_alternate_and_two_in_a_row_cover_everything() {
    for image @ [channels, height, width] in [[1, 4, 4], [2, 3, 3], [3, 1, 5], [1, 7, 2], [2, 1, 1]] {
        let changed = |layer| Mask::<f64>::checkerboard(image, layer).of_changed().as_slice().to_vec();
        let (first, second) = (changed(0), changed(1));
        assert!(first.iter().zip(&second).all(|(a, b)| a + b == 1.0), "{image:?}");
        assert_eq!(changed(2), first);
        for c in 0..channels {
            let at = |row: usize, column: usize| first[(c * height + row) * width + column];
            assert_eq!(at(0, 0), 0.0, "the first square is read first");
            for row in 0..height {
                for column in 0..width {
                    assert!(row == 0 || at(row, column) != at(row - 1, column), "{image:?}");
                    assert!(column == 0 || at(row, column) != at(row, column - 1), "{image:?}");
                }
            }
        }
    }
}

#[test]
fn patches_are_squares_that_wrap_around_the_edges_and_only_their_pixels_mix() {
    let four = Patches { image: [1, 4, 4], side: 2, shift: [0, 0] };
    let colors = Patches { image: [2, 2, 2], ..four };
    // Pixels of patches, each row by row.
    let cases: [(Patches, &[&[usize]]); 3] = [
        (four, &[&[0, 1, 4, 5], &[2, 3, 6, 7], &[8, 9, 12, 13], &[10, 11, 14, 15]]),
        (Patches { shift: [1, 3], ..four }, &[&[7, 4, 11, 8], &[5, 6, 9, 10], &[15, 12, 3, 0], &[13, 14, 1, 2]]),
        (colors, &[&[0, 1, 2, 3, 4, 5, 6, 7]]),
    ];
    for (patches, pixels) in cases {
        for shared in [true, false] {
            let layer = PatchRotation::<f64>::new(patches, shared, 3, &mut rng(1));
            let dims = pixels.concat().len();
            // What becomes of an image of a single one.
            let rotated = |at: usize| {
                let one = Tensor::from_fn([1, dims], |i| f64::from(u8::from(i == at)));
                layer.to_latent(&Var::from(one), Context::default()).value.into_value()
            };
            for patch in pixels {
                for (k, &at) in patch.iter().enumerate() {
                    let (z, first) = (rotated(at), rotated(pixels[0][k]));
                    for i in 0..dims {
                        assert_eq!(z.as_slice()[i].abs() > 1e-12, patch.contains(&i), "{patches:?}: {at} to {i}");
                    }
                    if shared {
                        for (&own, &other) in patch.iter().zip(pixels[0]) {
                            near(z.as_slice()[own], first.as_slice()[other], 1e-14);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_mask_reads_or_changes_every_element() {
    let mask = Mask::<f64>::new([2, 3], |i| i % 3 == 1);
    let x = Var::from(uniform(&[4, 2, 3], -1.0, 1.0, &mut rng(1)));
    assert_eq!(**mask.event(), [2, 3]);
    assert_eq!(bits((mask.read(&x) + mask.changed(&x)).value()), bits(x.value()));
    assert_eq!(mask.of_changed().as_slice(), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
}

#[test]
fn after_a_pair_of_checkerboards_every_pixel_depends_on_its_neighbors() {
    for image @ [_, height, width] in [[1, 4, 4], [1, 3, 5]] {
        let layer = |i: usize| -> Box<dyn Bijection<f64>> {
            let net = ResNet::new(&res_net(1, 2, false), &mut rng(i as u64));
            Box::new(Coupling::new(Mask::checkerboard(image, i), Affine::learned(1), net))
        };
        let pair = Chain::new(vec![layer(0), layer(1)]);
        randomize(&pair, 0.5, &mut rng(7));
        let x = uniform(&[1, 1, height, width], -2.0, 2.0, &mut rng(8));
        let slopes = diff::jacobian(|x| pair.to_latent(x, Context::default()).value, &x);
        let slope = |of: usize, by: usize| slopes.as_slice()[of * height * width + by];
        for at in 0..height * width {
            let (row, column) = (at / width, at % width);
            let beside = [(row > 0, at.wrapping_sub(width)), (row + 1 < height, at + width)];
            let beside = beside.into_iter().chain([(column > 0, at.wrapping_sub(1)), (column + 1 < width, at + 1)]);
            for (_, neighbor) in beside.filter(|(exists, _)| *exists) {
                assert!(slope(at, neighbor) != 0.0, "{image:?}: pixel {at} does not depend on {neighbor}");
            }
        }
    }
}

fn res_net(inputs: usize, outputs: usize, normalized: bool) -> ResNetConfig {
    ResNetConfig { inputs, outputs, channels: 12, blocks: 2, condition: 0, normalized }
}

#[test]
fn normalizing_the_weights_of_a_convolution_does_not_change_its_function() {
    let x = images([2, 3, 4, 5], 1);
    for init in [Init::He { gain: 0.7 }, Init::Torch, Init::Zeros] {
        let conv = || Conv2d::<f64>::new(3, 4, 3, init, &mut rng(2));
        let (plain, normalized) = (conv(), conv().normalized());
        check::assert_close("same function", normalized.apply(&x).value(), plain.apply(&x).value(), 1e-12);
        // Nor does the length of a direction matter, whichever output's it is.
        let before = normalized.apply(&x).into_value();
        let (_, direction) = &normalized.params()[0];
        let factors = [1e-3, 0.5, 7.0, 1e4];
        direction.update(|w| w.chunks_mut(27).zip(factors).for_each(|(w, f)| w.iter_mut().for_each(|w| *w *= f)));
        check::assert_close("other lengths", normalized.apply(&x).value(), &before, 1e-12);
        // The gain is the length of each output's weights.
        let (path, gain) = &normalized.params()[1];
        assert_eq!(path, "gain");
        gain.update(|g| g.iter_mut().for_each(|g| *g *= 2.0));
        let doubled = Tensor::from_fn(before.shape(), |i| 2.0 * before.as_slice()[i]);
        check::assert_close("twice the gain", normalized.apply(&x).value(), &doubled, 1e-12);
    }
}

#[test]
fn fresh_networks_are_0_and_couplings_with_them_identities() {
    for normalized in [false, true] {
        let config = ResNetConfig { condition: 3, ..res_net(2, 4, normalized) };
        let net = ResNet::new(&config, &mut rng(1));
        let condition = Var::from(Tensor::from_slice([2, 3], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]));
        let x = images([2, 2, 3, 3], 2);
        assert!(net.apply(&x, Some(&condition)).value().as_slice().iter().all(|y| *y == 0.0));
        let context = Context::default().given(&condition);
        identity(&Coupling::new(Mask::checkerboard([2, 3, 3], 0), Affine::learned(2), net), &x, context);
        let halves = ResNet::new(&res_net(1, 2, normalized), &mut rng(3));
        identity(&Coupling::new(Split::ReadLast, Affine::learned(1), halves), &x, Context::default());
    }
    let net = Mlp::new(2, &[5, 5], 2, Activation::Relu, &mut rng(4)).zero_initialized();
    let x = Var::from(uniform(&[3, 3], -2.0, 2.0, &mut rng(5)));
    identity(&Coupling::new(Split::ReadFirst, Affine::learned(1), net), &x, Context::default());
}

/// Values to the last bit, and no volume, in both directions.
#[track_caller]
fn identity(map: &dyn Bijection<f64>, x: &Var<f64>, context: Context<'_, f64>) {
    for mapped in [map.to_latent(x, context), map.to_data(x, context)] {
        assert_eq!(bits(mapped.value.value()), bits(x.value()));
        assert!(mapped.log_det.value().as_slice().iter().all(|l| *l == 0.0));
    }
}

fn over_images(squeezes: usize, norm: Norm, logit: Option<f64>) -> Flow<f64> {
    let config = RealNvpImageConfig {
        image: [1, 4, 4],
        squeezes,
        squeeze_first: false,
        couplings: 3,
        last: 4,
        channels: 3,
        widening: 1,
        blocks: 1,
        weight_norm: true,
        norm,
        logit,
        condition: 0,
    };
    RealNvp::build_for_images(&config, &mut rng(1))
}

#[test]
fn a_fresh_real_nvp_is_the_identity_but_for_its_logit() {
    let config = RealNvpConfig { dims: 5, couplings: 3, hidden: 6, depth: 2, norm: Norm::Act, condition: 0 };
    let rows = Var::from(uniform(&[4, 5], -2.0, 2.0, &mut rng(2)));
    for norm in [Norm::None, Norm::Act] {
        let flow: Flow<f64> = RealNvp::build(&RealNvpConfig { norm, ..config }, &mut rng(3));
        identity(flow.bijection(), &rows, Context::default());
        for squeezes in 0..=2 {
            // Squeezed, split, joined and unsqueezed, every pixel is back in its place.
            let pixels = Var::from(uniform(&[3, 16], 0.01, 0.99, &mut rng(4)));
            identity(over_images(squeezes, norm, None).bijection(), &pixels, Context::default());
            let found = over_images(squeezes, norm, Some(0.05)).bijection().to_latent(&pixels, Context::default());
            let expected = Logit::new(0.05).to_latent(&pixels, Context::default());
            check::assert_close("value", found.value.value(), expected.value.value(), 1e-12);
            check::assert_close("log|det|", found.log_det.value(), expected.log_det.value(), 1e-12);
        }
    }
}

#[test]
fn channels_that_leave_count_in_the_density() {
    // Three channels: two leave, one goes on through z = e^0.4·(x + 0.3).
    let norm = ActNorm::<f64>::new(1);
    for (path, value) in [("log_scale", 0.4), ("shift", 0.3)] {
        let (_, param) = norm.params().into_iter().find(|(own, _)| own == path).unwrap();
        param.set(Tensor::full([1], value));
    }
    let flow = Flow::new(FactorOut::new(norm), StandardNormal, [3, 1, 1]);
    let [a, b, c] = [0.7, -1.2, 0.5];
    let z = 0.4f64.exp() * (c + 0.3);
    let expected = log_normal(a) + log_normal(b) + log_normal(z) + 0.4;
    near(flow.log_prob_of(&Tensor::from_slice([1, 3, 1, 1], &[a, b, c])).unwrap().item(), expected, 1e-12);
    // A whole model, of which three quarters of the pixels and more leave early.
    let pixels = uniform(&[2, 16], -2.0, 2.0, &mut rng(6));
    let fresh = over_images(2, Norm::None, None);
    let expected = StandardNormal.log_prob(&Var::from(pixels.clone()));
    check::assert_close("log p", &fresh.log_prob_of(&pixels).unwrap(), expected.value(), 1e-12);
}

#[test]
fn what_leaves_early_is_what_the_last_scale_never_sees() {
    // One squeeze of [1, 4, 4]: channels 0 and 1 of four leave, which are the upper rows of all blocks.
    let flow = over_images(1, Norm::None, None);
    for (path, param) in flow.params() {
        if path.contains("rest.") {
            param.update(|p| p.iter_mut().for_each(|p| *p += 0.3));
        }
    }
    let x = uniform(&[2, 16], -2.0, 2.0, &mut rng(7));
    let z = flow.encode(&x).unwrap();
    for (i, (x, z)) in x.as_slice().iter().zip(z.as_slice()).enumerate() {
        let upper = i % 16 / 4 % 2 == 0;
        assert_eq!(x.to_bits() == z.to_bits(), upper, "element {i}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    fn refused<R>(make: impl FnOnce() -> R + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(make).is_err()
    }
    assert!(refused(|| Squeeze.to_latent(&images([1, 1, 3, 2], 0), Context::default()).value.into_value()));
    assert!(refused(|| Squeeze.to_data(&images([1, 3, 2, 2], 0), Context::default()).value.into_value()));
    assert!(refused(|| Conv2d::<f64>::new(1, 1, 2, Init::Zeros, &mut rng(0))));
    assert!(refused(|| flows::layers::Reshape::new([4], [3])));
    let config = RealNvpConfig { dims: 1, couplings: 2, hidden: 3, depth: 1, norm: Norm::None, condition: 0 };
    assert!(refused(move || RealNvp::build::<f64>(&config, &mut rng(0))));
}
