//! The same seed gives the same results, to the last bit.

use super::{bits, param_bits, rng};
use autograd::{Param, Tensor, parallel, sharded};
use flows::layers::{Coupling, Dequantize, Logit, Permutation, Rescaling, Split};
use flows::models::{Nice, NiceConfig};
use flows::nn::{Activation, Adam, AdamConfig, Ema, Mlp, clip_norm};
use flows::univariate::Shift;
use flows::{Chain, Context, Flow, Logistic, Module, Noise};

const ROWS: usize = 24;
const DIMS: usize = 6;

/// A model that draws noise for its data as it trains.
fn model(seed: u64) -> Flow<f32> {
    let mut rng = rng(seed);
    let layers = Chain::new(vec![
        Box::new(Dequantize::new(256)),
        Box::new(Logit::new(0.05)),
        Box::new(Permutation::random(DIMS, &mut rng)),
        Box::new(Coupling::new(Split::ReadFirst, Shift, Mlp::new(3, &[16], 3, Activation::Relu, &mut rng))),
        Box::new(Coupling::new(Split::ReadLast, Shift, Mlp::new(3, &[16], 3, Activation::Relu, &mut rng))),
        Box::new(Rescaling::new(DIMS)),
    ]);
    Flow::new(layers, Logistic, [DIMS])
}

/// Numbers by path, to the last bit.
type Named = Vec<(String, Vec<u64>)>;

/// Weights and their average after a short training.
fn trained(seed: u64, shards: usize, threads: usize) -> (Named, Named) {
    let flow = model(seed);
    let pixels = Tensor::<f32>::from_fn([ROWS, DIMS], |i| ((37 * i) % 256) as f32);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    let mut average = Ema::new(flow.params(), 0.9);
    for step in 0..15 {
        let noise = Noise::for_step(seed, step);
        let mut evaluated = sharded(ROWS, shards, |tape, rows| {
            let context = Context::training(noise.from_row(rows.start));
            flow.loss(&tape.constant(pixels.rows(rows)), context)
        });
        clip_norm(&mut evaluated.gradients, 1.0);
        parallel::with_threads(threads, || adam.step(&evaluated.gradients, 1e-2));
        average.update();
    }
    (param_bits(&flow), average.state().into_iter().map(|(path, tensor)| (path, bits(&tensor))).collect())
}

#[test]
fn a_training_repeats_to_the_last_bit() {
    assert_eq!(trained(1, 1, 1), trained(1, 1, 1));
    assert_eq!(trained(1, 3, 2), trained(1, 3, 2));
    // An optimizer's step treats each number alone, so that threads do not show in it.
    assert_eq!(trained(1, 2, 1), trained(1, 2, 2));
    assert_ne!(trained(1, 1, 1).0, trained(2, 1, 1).0);
}

#[test]
fn models_and_samples_repeat_to_the_last_bit() {
    let config = NiceConfig { dims: DIMS, couplings: 3, hidden: 8, depth: 2, condition: 0 };
    let make = |seed| Nice::build::<f32>(&config, &mut rng(seed));
    assert_eq!(param_bits(&make(4)), param_bits(&make(4)));
    assert_ne!(param_bits(&make(4)), param_bits(&make(5)));
    let draw = |seed| bits(&make(4).sample(9, Context::default(), 1.0, &mut rng(seed)));
    assert_eq!(draw(6), draw(6));
    assert_ne!(draw(6), draw(7));
}

#[test]
fn parameters_have_their_paths_in_a_fixed_order() {
    let paths: Vec<String> = model(0).params().into_iter().map(|(path, _)| path).collect();
    let nets = [3, 4].into_iter().flat_map(|layer| [0, 1].map(|linear| format!("layers.{layer}.net.{linear}")));
    let mut expected: Vec<String> =
        nets.flat_map(|net| ["weight", "bias"].map(|name| format!("{net}.{name}"))).collect();
    expected.push("layers.5.log_scale".to_owned());
    assert_eq!(paths, expected);
}

#[test]
fn the_thread_count_does_not_show_in_large_steps() {
    // Large enough for the optimizer to split over threads.
    const MANY: usize = 200_003;
    let step = |threads: usize| {
        let param = Param::new(Tensor::<f32>::from_fn([MANY], |i| (i as f32 * 0.37).sin()));
        let mut adam = Adam::new(vec![("p".to_owned(), param.clone())], AdamConfig::default());
        parallel::with_threads(threads, || {
            for _ in 0..3 {
                let tape = autograd::Tape::new();
                let x = tape.constant(Tensor::from_fn([MANY], |i| (i as f32 * 0.11).cos()));
                adam.step(&tape.backward(&(param.on(&x) * x).sum_all()), 0.01);
            }
        });
        bits(&param.value())
    };
    assert_eq!(step(1), step(2));
}
