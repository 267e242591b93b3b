//! Positions and colors in pictures of signals.

use super::super::Raster;
use super::*;

const SAMPLES: usize = 880;

fn sine(turns: f64, loud: f64) -> Vec<f32> {
    let at = |t: usize| loud * (std::f64::consts::TAU * turns * t as f64 / SAMPLES as f64).sin();
    (0..SAMPLES).map(|t| at(t) as f32).collect()
}

/// Pixels of the waveform's color below and right of a place.
fn blue(picture: &Raster, left: usize, top: usize) -> Vec<(usize, usize)> {
    super::super::tests::blue(picture, [left, top], [WIDTH, WAVEFORM])
}

#[test]
fn a_sine_rises_and_then_falls() {
    let wave = sine(1.0, 1.0);
    let picture = draw(&[("data", &wave)], SAMPLES, 8000).unwrap().raster().unwrap();
    let size = (LEFT + WIDTH + RIGHT + BAR_ROOM, TOP + WAVEFORM + GAP + SPECTRUM + BOTTOM);
    assert_eq!((picture.width(), picture.height()), size);
    let drawn = blue(&picture, LEFT, TOP);
    for (quarter, row) in [(1, 0), (3, WAVEFORM - 1)] {
        let near = |&&(x, y): &&(usize, usize)| x.abs_diff(quarter * WIDTH / 4) < 3 && y.abs_diff(row) < 3;
        assert!(drawn.iter().any(|place| near(&place)), "{quarter}");
    }
    assert!(drawn.iter().all(|&(x, y)| if x < WIDTH / 2 - 4 { y < WAVEFORM / 2 + 3 } else { true }));
    assert!((0..WIDTH - 1).all(|x| (1..WIDTH - 1).contains(&x) <= drawn.iter().any(|place| place.0 == x)));
}

#[test]
fn columns_share_one_scale_and_show_at_most_four_signals() {
    let [loud, soft] = [sine(3.0, 4.0).repeat(6), sine(3.0, 0.5)];
    let columns = [("teacher", &loud[..]), ("student", &soft[..])];
    let picture = draw(&columns, SAMPLES, 8000).unwrap().raster().unwrap();
    assert_eq!(picture.height(), TOP + 3 * STEP + WAVEFORM + GAP + SPECTRUM + BOTTOM);
    let right = 2 * LEFT + WIDTH + RIGHT;
    let spread = |drawn: Vec<(usize, usize)>| {
        let rows = drawn.into_iter().map(|place| place.1);
        rows.clone().max().unwrap() - rows.min().unwrap()
    };
    assert!(spread(blue(&picture, LEFT, TOP)) > WAVEFORM - 4);
    assert!(spread(blue(&picture, LEFT, TOP + 3 * STEP)) > WAVEFORM - 4);
    assert!((8..12).contains(&spread(blue(&picture, right, TOP))));
    assert!(blue(&picture, right, TOP + STEP).is_empty());
}

#[test]
fn a_tone_is_bright_at_its_frequency() {
    // A quarter of the rate: in the middle of the spectrogram.
    let tone = sine(SAMPLES as f64 / 4.0 + 0.3, 1.0);
    let picture = draw(&[("x", &tone)], SAMPLES, 8000).unwrap().raster().unwrap();
    let green = |y: usize| picture.rgb(LEFT + WIDTH / 2, TOP + WAVEFORM + GAP + y)[1];
    assert!(green(SPECTRUM / 2) > 200 && green(SPECTRUM / 4) < 30 && green(3 * SPECTRUM / 4) < 30);
}

#[test]
fn values_that_are_not_finite_leave_a_gap() {
    let mut broken = sine(1.0, 1.0);
    broken[..SAMPLES / 2].fill(f32::NAN);
    broken[SAMPLES - 1] = f32::INFINITY;
    let picture = draw(&[("x", &broken)], SAMPLES, 8000).unwrap().raster().unwrap();
    let drawn = blue(&picture, LEFT, TOP);
    assert!(drawn.iter().all(|place| place.0 + 2 > WIDTH / 2) && drawn.len() > WIDTH / 3);
    draw(&[("x", &[f32::NAN; 3])], 3, 1).unwrap();
    draw(&[("x", &[f32::MAX, f32::MIN])], 1, u32::MAX).unwrap();
}

#[test]
fn incomplete_signals_are_refused() {
    let column = |values: &'static [f32]| ("x", values);
    for (columns, samples, rate) in [
        (&[][..], 5, 8000),
        (&[column(&[])][..], 5, 8000),
        (&[column(&[1.0; 6])][..], 5, 8000),
        (&[column(&[1.0; 5])][..], 0, 8000),
        (&[column(&[1.0; 5])][..], 5, 0),
    ] {
        assert!(draw(columns, samples, rate).is_err());
    }
    assert!(draw(&vec![column(&[1.0; 5]); 1000], 5, 8000).is_err());
}
