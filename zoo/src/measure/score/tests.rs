//! What scores are made of.

use super::*;
use crate::data::rows::one_hot;
use crate::measure::draws::draws;
use crate::models::{Blueprint, Nice};
use autograd::{Tensor, sharded};
use flows::DequantizerConfig;
use flows::models::NiceConfig;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// With learned noise, away from its start.
fn with_noise(space: Space, classes: usize) -> Flow<f32> {
    let mut blueprint = nice(space, classes);
    blueprint.dequantizer = Some(DequantizerConfig { couplings: 2, channels: 4, blocks: 1 });
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let flow = blueprint.flow::<f32>(&mut rng).unwrap();
    flows::check::randomize(&flow, 0.5, &mut rng);
    assert!(flow.dequantizer().is_some());
    flow
}

fn nice(space: Space, classes: usize) -> Blueprint {
    let config = NiceConfig { dims: 6, couplings: 3, hidden: 8, depth: 1, condition: classes };
    Blueprint::new::<Nice>(&config, space, classes).unwrap()
}

#[test]
fn long_rows_come_in_small_batches() {
    let signals = |samples| batch(&Space::Signal { samples, rate: 8000 });
    assert_eq!([64, 2048, 4096, 65_536].map(signals), [20, 20, 10, 1]);
    let images = |side| batch(&Space::Images { channels: 1, height: side, width: side });
    assert_eq!([1, 28, 64, 2048].map(images), [500, 500, 128, 1]);
    let columns = |columns| batch(&Space::Table { columns, standardized: true });
    assert_eq!([2, 1000, 10_000, 1_000_000].map(columns), [500, 500, 52, 1]);
}

#[test]
fn rows_without_finite_density_are_counted_and_reported() {
    let score = Score::of(Measure::LogLikelihood, &[-2.0, f64::NAN, -1.0, -4.0, -3.0], false);
    assert_eq!((score.not_finite, score.median, score.lowest), (1, -3.0, f64::MIN));
    assert!(score.describe().starts_with("log p(x) of 1 of 5 rows is below"), "{}", score.describe());
    assert_eq!(Score::of(Measure::LogLikelihood, &[f64::NEG_INFINITY], false).median, f64::MIN);
    let score = Score::of(Measure::LogLikelihood, &[-2.0, -1.0, -9.0], false);
    assert_eq!((score.not_finite, score.median, score.lowest, score.nats), (0, -2.0, -9.0, -4.0));
}

#[test]
fn one_row_has_no_standard_error() {
    let space = Space::Images { channels: 1, height: 2, width: 3 };
    let score = Score::of(Measure::LogLikelihood, &[-2.0], false).of_space(&space);
    assert_eq!((score.nats_error, score.bits_error, score.loss_error()), (None, None, None));
    let said = score.describe();
    assert!(said.ends_with("log p(x) = -2.00 nats, N = 1, too few for a standard error"), "{said}");
    let stored = serde_json::to_string(&score).unwrap();
    assert_eq!(serde_json::from_str::<Score>(&stored).unwrap(), score);
    let two = Score::of(Measure::LogLikelihood, &[-2.0, -4.0], false);
    assert_eq!((two.nats_error, two.describe()), (Some(1.0), "log p(x) = -3.00 ± 1.00 nats, N = 2".to_owned()));
}

#[test]
fn shards_of_a_batch_have_their_own_classes() {
    let space = Space::Images { channels: 1, height: 2, width: 3 };
    let flow = with_noise(space, 3);
    let levels = Tensor::from_fn([11, 6], |i| (i * 37 % 256) as f32);
    let classes = one_hot(&[2, 0, 1, 1, 2, 0, 0, 2, 1, 0, 2], 3);
    let rows = Rows::new(levels, Some(classes));
    let noise = Noise::new(5);
    let with = |shards: usize| {
        let evaluated = sharded(11, shards, |tape, range| {
            let cx = Context::training(noise.from_row(range.start));
            loss(&flow, &space, &rows.range(range).on(tape), cx)
        });
        in_unit(&space, evaluated.loss)
    };
    let whole = with(1);
    for shards in [2, 3, 11] {
        assert!((with(shards) - whole).abs() < 1e-4, "{shards} shards: {} and {whole}", with(shards));
    }
    // `score` agrees, and other classes give another value.
    let scored = score(&flow, &space, &rows, 5).unwrap();
    assert!((scored.loss() - whole).abs() < 1e-4, "{scored:?} and {whole}");
    let turned = Rows::new(rows.x().clone(), Some(one_hot(&[0; 11], 3)));
    assert!((score(&flow, &space, &turned, 5).unwrap().loss() - whole).abs() > 1e-3);
}

#[test]
fn several_draws_give_the_log_of_the_mean_density_of_single_ones() {
    let space = Space::Images { channels: 1, height: 2, width: 3 };
    let rows = Rows::plain(Tensor::from_fn([5, 6], |i| (i * 37 % 256) as f32));
    for flow in [with_noise(space, 0), nice(space, 0).flow(&mut ChaCha8Rng::seed_from_u64(1)).unwrap()] {
        let single = |draw: u64| {
            let noise = if draw == 0 { Noise::new(5) } else { Noise::new(5).other(draw) };
            log_probs(&flow, &space, &rows, noise).unwrap().outer
        };
        let singles = [0, 1, 2].map(single);
        let bound = |row: usize| (singles.iter().map(|single| single[row].exp()).sum::<f64>() / 3.0).ln();
        let expected = (0..5).map(bound).sum::<f64>() / 5.0;
        let found = draws(&flow, &space, &rows, 5, 3).unwrap();
        assert!((found.nats - expected).abs() < 1e-9, "{found:?} and {expected}");
        let one = draws(&flow, &space, &rows, 5, 1).unwrap();
        let score = score(&flow, &space, &rows, 5).unwrap();
        assert_eq!((one.nats, one.bits_per_dim), (score.nats, score.bits_per_dim));
    }
}

#[test]
fn signals_are_scored_per_step() {
    let space = Space::Signal { samples: 6, rate: 8000 };
    let blueprint = nice(space, 0);
    let flow = blueprint.flow::<f32>(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let rows = Rows::plain(Tensor::from_fn([5, 6], |i| (i * 37 % 23) as f32 / 23.0));
    let scored = score(&flow, &space, &rows, 0).unwrap();
    assert!((scored.loss() * 6.0 + scored.nats).abs() < 1e-9);
    let trained = in_unit(&space, loss(&flow, &space, &rows.values(), Context::default()).item().into());
    assert!((scored.loss() - trained).abs() < 1e-4, "{scored:?} and {trained}");
    let said = scored.describe();
    assert!(said.contains("nats a time step, log p(x) = ") && said.contains(" nats, N = 5"), "{said}");
    let mut damaged = blueprint;
    damaged.space = Space::Signal { samples: 6, rate: 0 };
    assert!(damaged.flow::<f32>(&mut ChaCha8Rng::seed_from_u64(1)).is_err());
}
