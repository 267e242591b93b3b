//! The judge that the program has, on the test images, on noise, and on nothing.

use super::*;
use crate::data::source::{Part, Source};
use rand::RngExt;

/// Test images that are read, of 10,000.
const SOME: usize = 2000;

fn mnist() -> Source {
    Source::open("mnist", 0).unwrap().with_classes().unwrap()
}

#[test]
fn the_weights_are_small_and_say_what_they_are() {
    let weights = shipped::judge();
    assert!(weights.len() < 200_000, "{} bytes", weights.len());
    let (_, header) = SafeTensors::read_metadata(weights).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!((&*metadata["format"], &*metadata["seed"]), (FORMAT, "0"));
    let accuracy: f64 = metadata["test accuracy"].strip_suffix(" of 10000 images").unwrap().parse().unwrap();
    assert!(accuracy >= 0.985, "{accuracy}");
}

#[test]
fn test_images_are_read_right() {
    let source = mnist();
    let read = Judge::shipped().read(&pixels(source.held_out(Part::Test, Some(SOME)).x())).unwrap();
    let labels = source.labels(Part::Test).unwrap();
    let right = read.classes.iter().zip(labels).filter(|(read, label)| **read == usize::from(**label)).count();
    // 98.5% of all test images, minus two standard errors of this many.
    let bound = 0.985 - 2.0 * (0.985 * 0.015 / SOME as f64).sqrt();
    assert!(right as f64 / SOME as f64 >= bound, "{right} of {SOME}");
}

#[test]
fn noise_is_a_burst_and_nothing_is_no_digit() {
    let source = mnist();
    let reference = Reference::of(&source).unwrap();
    assert!((reference.classes.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut noise = |share: f64, rows: usize| {
        let digits = pixels(source.held_out(Part::Validation, Some(100)).x());
        Tensor::from_fn([100, DIMS], |i| match i % DIMS / SIDE {
            row if row < SIDE - rows => digits.as_slice()[i],
            _ => f32::from(u8::from(rng.random_bool(share))),
        })
    };
    // Everywhere, and in the lower half of digits.
    for (images, least) in [(noise(0.5, SIDE), 1000.0), (noise(0.5, SIDE / 2), 900.0)] {
        let found = report(&images, None, &reference).unwrap();
        assert!(found.bursts >= least && found.sure <= 0.1, "{found:?}");
    }
    for level in [0.0, 0.3, 1.0] {
        let found = report(&Tensor::full([5, DIMS], level), None, &reference).unwrap();
        assert_eq!(found.sure, 0.0, "{level}");
    }

    let real = reference.real(&source, 1000).unwrap();
    assert_eq!(real.n, 1000);
    assert!(real.sure > 0.95 && real.bursts <= 2.0, "{real:?}");
    assert!(real.class_distance < 3.0 * chance(&reference.classes, 1000, reference.n), "{real:?}");
    let noisy = report(&noise(0.5, SIDE), Some(&[4; 100]), &reference).unwrap();
    assert!(noisy.frechet > 20.0 * real.frechet, "{real:?}, {noisy:?}");
    assert_eq!(noisy.as_asked, Some(noisy.classes[4]));
}

#[test]
fn histograms_differ_by_what_would_have_to_move() {
    let mut equal = [0.1; CLASSES];
    assert_eq!(class_distance(&equal, &equal), 0.0);
    let before = equal;
    (equal[0], equal[9]) = (0.2, 0.0);
    assert!((class_distance(&before, &equal) - 0.1).abs() < 1e-12);
    let ones = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert!((class_distance(&before, &ones) - 0.9).abs() < 1e-12);
}

#[test]
fn chance_is_what_independent_sets_differ_by() {
    let p = [0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03];
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut draw = |n: usize| {
        let mut counts = [0.0; CLASSES];
        for _ in 0..n {
            let mut u: f64 = rng.random();
            counts[p
                .iter()
                .position(|p| {
                    u -= p;
                    u < 0.0
                })
                .unwrap_or(9)] += 1.0 / n as f64;
        }
        counts
    };
    let mean = (0..400).map(|_| class_distance(&draw(1000), &draw(3000))).sum::<f64>() / 400.0;
    let expected = chance(&p, 1000, 3000);
    assert!((mean / expected - 1.0).abs() < 0.06, "{mean}, {expected}");
    assert!((chance(&[0.1; CLASSES], 1000, 1000) - 0.0535).abs() < 1e-4);
    assert!((chance(&[0.1; CLASSES], 10_000, 10_000) - 0.0169).abs() < 1e-4);
}
