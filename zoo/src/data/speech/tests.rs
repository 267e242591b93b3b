//! Harmonics, bursts and pauses make the signals speech. Noise and random starts make them data.

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

const RATE: f64 = 8000.0;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The amplitude of a sine in a signal. `turns` is its phase at each sample, in turns.
fn amplitude(signal: &[f64], turns: impl Fn(usize) -> f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (t, x) in signal.iter().enumerate() {
        let (sin, cos) = (TAU * turns(t)).sin_cos();
        re += x * cos;
        im += x * sin;
    }
    2.0 * f64::hypot(re, im) / signal.len() as f64
}

fn voiced(pitch: [f64; 2], samples: usize) -> Vec<f64> {
    let mut part = Voiced::draw(samples, 0, RATE, &mut rng(1));
    (part.pitch, part.vibrato, part.vowels, part.loudness) = (pitch, 0.0, [1; 2], 1.0);
    (0..samples).map(|_| part.sample()).collect()
}

fn bursts() -> Vec<Vec<f64>> {
    let mut rng = rng(2);
    (0..200)
        .map(|_| {
            let mut part = Burst::draw(400, 0, RATE, &mut rng);
            (0..400).map(|_| part.sample(&mut rng)).collect()
        })
        .collect()
}

fn power(signal: &[f64]) -> f64 {
    signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64
}

#[test]
fn a_voice_has_harmonics_and_nothing_between_them() {
    // Two periods are 107 samples. A harmonic above half the rate would alias to between two others.
    let pitch = 2.0 * RATE / 107.0;
    let signal = &voiced([pitch; 2], 2000)[300..300 + 8 * 107];
    let at = |h: f64| amplitude(signal, |t| h * pitch * t as f64 / RATE);
    let harmonics: Vec<f64> = (1..=26).map(|h| at(f64::from(h))).collect();
    assert!(harmonics[..24].iter().all(|&a| a > 1e-3), "{harmonics:?}");
    for h in 0..=26 {
        assert!(at(f64::from(h) + 0.5) < 1e-9, "{} at {h} and a half", at(f64::from(h) + 0.5));
    }
    // There is nothing else.
    let sum = harmonics.iter().map(|a| a * a / 2.0).sum::<f64>();
    assert!((sum / power(signal) - 1.0).abs() < 1e-2, "{sum} of {}", power(signal));
}

#[test]
fn vowels_have_their_formants() {
    let strongest = |vowel: usize, from: f64, to: f64| {
        let mut part = Voiced::draw(2000, 0, RATE, &mut rng(1));
        (part.pitch, part.vibrato, part.vowels) = ([100.0; 2], 0.0, [vowel; 2]);
        let signal: Vec<f64> = (0..2000).map(|_| part.sample()).collect();
        let at = |hz: f64| amplitude(&signal[400..1600], |t| hz * t as f64 / RATE);
        let all = (1..39).map(|h| 100.0 * f64::from(h)).filter(|hz| (from..to).contains(hz));
        all.max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap()
    };
    assert_eq!([0, 1, 2, 3, 4].map(|vowel| strongest(vowel, 0.0, 4000.0)), [700.0, 500.0, 300.0, 600.0, 300.0]);
    assert_eq!([1, 2].map(|vowel| strongest(vowel, 1000.0, 4000.0)), [1800.0, 2300.0]);
}

#[test]
fn a_glide_is_continuous() {
    let (samples, [from, to]) = (2000, [100.0, 180.0]);
    let signal = &voiced([from, to], samples);
    // The integral of a pitch that grows exponentially.
    let rate = f64::ln(to / from) / samples as f64;
    let turns = |t: usize| from / RATE * ((rate * t as f64).exp() - 1.0) / rate;
    let at = |h: f64| amplitude(signal, |t| h * turns(t));
    assert!(at(1.0) > 0.01 && at(2.0) > 0.01, "{} {}", at(1.0), at(2.0));
    for between in [0.5, 1.5, 2.5] {
        assert!(at(between) < 0.1 * at(1.0), "{} at {between}", at(between));
    }
    // No part begins or ends abruptly, or jumps further than its highest harmonic would.
    let mut rng = rng(3);
    for _ in 0..50 {
        let (mut part, samples) = Part::next(RATE, &mut rng);
        if let Part::Voiced(voiced) = &mut part {
            let signal: Vec<f64> = (0..samples).map(|_| voiced.sample()).collect();
            let leap = |a: f64, b: f64| (a - b).abs() / voiced.loudness;
            assert!(signal.windows(2).all(|pair| leap(pair[0], pair[1]) < 1.3));
            assert!(signal[0].abs() + signal[samples - 1].abs() < 0.01);
        }
    }
}

#[test]
fn bursts_start_loud_and_have_no_pitch() {
    let bursts = bursts();
    let pooled = |from: usize, to: usize| bursts.iter().map(|burst| power(&burst[from..to])).sum::<f64>() / 200.0;
    assert!(pooled(16, 48) > 4.0 * pooled(0, 8) && pooled(16, 48) > 100.0 * pooled(368, 400));
    assert!((pooled(16, 48).sqrt() / 0.1 - 1.0).abs() < 0.3, "{}", pooled(16, 48).sqrt());
    // No autocorrelation at any period of a voice.
    for lag in 30..90 {
        let product = |burst: &Vec<f64>| burst[16..300].iter().zip(&burst[16 + lag..]).map(|(a, b)| a * b).sum::<f64>();
        let likeness = bursts.iter().map(product).sum::<f64>() / bursts.iter().map(|b| 284.0 * power(b)).sum::<f64>();
        assert!(likeness.abs() < 0.1, "{likeness} after {lag} samples");
    }
    let at = |hz: f64| bursts.iter().map(|b| amplitude(b, |t| hz * t as f64 / RATE).powi(2)).sum::<f64>();
    assert!(at(2700.0) > 10.0 * at(500.0), "{} {}", at(2700.0), at(500.0));
}

#[test]
fn there_is_noise_in_pauses_and_everywhere_else() {
    let signal = Speech { samples: 60_000, rate: 8000 }.sample(1, &mut rng(4)).values;
    let quiet = |x: &&[f32]| x.iter().all(|x| x.abs() < 5.0 * FLOOR as f32);
    let pauses: Vec<&[f32]> = signal.chunks_exact(40).filter(quiet).collect();
    assert!((150..600).contains(&pauses.len()), "{} of {}", pauses.len(), signal.len() / 40);
    let values: Vec<f64> = pauses.concat().into_iter().map(f64::from).collect();
    assert!((power(&values).sqrt() / FLOOR - 1.0).abs() < 0.3, "{}", power(&values).sqrt());
    // Every sample has its own noise, so no two neighbors are equal.
    assert!(signal.windows(2).all(|pair| pair[0].to_bits() != pair[1].to_bits()));
}

#[test]
fn rows_are_finite_and_within_one() {
    let rows = Speech::default().sample(60, &mut rng(5));
    assert_eq!((rows.rows, rows.cols, rows.values.len()), (60, 2048, 60 * 2048));
    assert!(rows.values.iter().all(|x| x.abs() < 1.0), "{:?}", rows.values.iter().copied().fold(0.0, f32::max));
    let all: Vec<f64> = rows.values.iter().copied().map(f64::from).collect();
    assert!((0.05..0.25).contains(&power(&all).sqrt()), "{}", power(&all).sqrt());
    let lower = Speech { samples: 100, rate: 1000 }.sample(50, &mut rng(5));
    assert!(lower.values.iter().all(|x| x.abs() < 1.0));
}

#[test]
fn all_positions_in_a_row_are_alike() {
    // Over many rows, the first samples are as loud as the last.
    let (speech, count) = (Speech { samples: 2048, rate: 8000 }, 1500);
    let rows = speech.sample(count, &mut rng(6));
    let loud = |from: usize| {
        let part = |row: &[f32]| row[from..from + 32].iter().map(|x| f64::from(x * x)).sum::<f64>() / 32.0;
        rows.values.chunks_exact(2048).map(part).sum::<f64>() / count as f64
    };
    let [first, middle, last] = [0, 1000, 2016].map(loud);
    assert!((first / last - 1.0).abs() < 0.2 && (middle / last - 1.0).abs() < 0.2, "{first} {middle} {last}");
}

#[test]
fn the_same_seed_gives_the_same_rows_and_longer_rows_begin_alike() {
    let [short, long] = [500, 3000].map(|samples| Speech { samples, rate: 8000 });
    let first = short.sample(3, &mut rng(7));
    assert_eq!(first, short.sample(3, &mut rng(7)));
    assert_ne!(first, short.sample(3, &mut rng(8)));
    assert_ne!(first.values[..500], first.values[500..1000]);
    assert_eq!(long.sample(1, &mut rng(7)).values[..500], first.values[..500]);
}

#[test]
fn a_track_tells_what_is_said_and_changes_no_signal() {
    let speech = Speech { samples: 4000, rate: 8000 };
    let (rows, tracks) = speech.sample_with_tracks(40, &mut rng(9));
    assert_eq!(rows, speech.sample(40, &mut rng(9)));
    assert_eq!((tracks.rows, tracks.cols), (40, 4000 * Speech::TRACK));
    let steps: Vec<&[f32]> = tracks.values.chunks_exact(Speech::TRACK).collect();
    let [mut voices, mut bursts, mut pauses] = [(); 3].map(|()| Vec::new());
    for (&x, step) in rows.values.iter().zip(&steps) {
        let turning = f32::hypot(step[6], step[7]);
        assert!(step.iter().all(|feature| feature.abs() < 1.7), "{step:?}");
        if turning > 0.5 {
            // Sine and cosine of one angle, then of each angle twice that before, and no burst.
            assert!((turning - 1.0).abs() < 1e-6 && step[5] == 0.0, "{step:?}");
            for pair in step[6..].windows(4).step_by(2) {
                let doubled = [2.0 * pair[0] * pair[1], pair[1].mul_add(pair[1], -pair[0] * pair[0])];
                assert!((doubled[0] - pair[2]).abs() + (doubled[1] - pair[3]).abs() < 1e-5, "{step:?}");
            }
            // The harmonics add up to at most the amplitude.
            assert!(x.abs() < step[0] + 5.0 * FLOOR as f32, "{x} and {step:?}");
            voices.push(f64::from(x / step[0].max(0.05)));
        } else if step[5] > 0.05 {
            bursts.push(f64::from(5.0 * x / step[5]));
        } else if step.iter().all(|&feature| feature == 0.0) {
            pauses.push(f64::from(x));
        }
    }
    assert!([&voices, &bursts, &pauses].iter().all(|part| part.len() > 1000));
    assert!((0.05..0.6).contains(&power(&voices).sqrt()), "{}", power(&voices).sqrt());
    assert!((power(&bursts).sqrt() - 1.0).abs() < 0.2, "{}", power(&bursts).sqrt());
    assert!((power(&pauses).sqrt() / FLOOR - 1.0).abs() < 0.05, "{}", power(&pauses).sqrt());
    // The phase advances by the pitch.
    let pairs = steps.chunks_exact(4000).flat_map(|row| row.windows(2)).map(|pair| (pair[0], pair[1]));
    for (a, b) in pairs.filter(|(a, b)| a[0] > 0.1 && b[0] > 0.1) {
        let turned = f64::from(b[6].mul_add(a[7], -b[7] * a[6])).asin() / TAU * RATE;
        let pitch = 150.0 * f64::from(a[1]).exp2();
        assert!((turned / pitch - 1.0).abs() < 0.01, "{turned} and {pitch} Hz");
    }
}
