//! `zoo data`: training data as pictures and sound; and models of signals, from training to WAV.

use crate::folder::Folder;
use crate::formats::{parse_npy, png_size};
use crate::made::{csv, image_folder, rescaled, rows};

/// The width of a picture of signals: axis labels, signal, and color bar.
const WIDTH: u32 = 66 + 440 + 22 + 80;

fn height(signals: u32) -> u32 {
    34 + signals * (72 + 14 + 112 + 20) - 20 + 46
}

/// The 16-bit samples of a WAV file with one channel, and their rate, read by the format's definition.
#[track_caller]
fn parse_wav(file: &[u8]) -> (u32, Vec<i16>) {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert!(&file[..4] == b"RIFF" && &file[8..16] == b"WAVEfmt " && number(16) == 16);
    assert_eq!(number(4) as usize, file.len() - 8);
    // PCM, one channel, two bytes per sample.
    assert_eq!((number(20), &file[32..40]), (1 + (1 << 16), &b"\x02\x00\x10\x00data"[..]));
    assert_eq!(number(40) as usize, file.len() - 44);
    let samples = file[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    (number(24), samples)
}

#[test]
fn speech_becomes_a_picture_and_sound() {
    let folder = Folder::new();
    let said = folder.run("data speech");
    assert!(said.contains("speech.png: 4 signals of 2048 samples at 8000 Hz, seed 0"), "{said}");
    assert!(said.contains("speech.wav: 16 signals one after another, at 8000 Hz"), "{said}");
    assert_eq!(png_size(&folder.read("speech.png")), (WIDTH, height(4)));
    let (rate, samples) = parse_wav(&folder.read("speech.wav"));
    assert_eq!((rate, samples.len()), (8000, 16 * 2048 + 15 * 800));
    assert!(samples[2048..2848].iter().all(|&x| x == 0));
    let loud = |part: &[i16]| part.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / part.len() as f64;
    assert!(loud(&samples).sqrt() > 1000.0);

    let draw = |options: &str| {
        folder.run(&format!("data speech --rows 2 --out a.png --wav a.wav {options}"));
        (folder.read("a.png"), folder.read("a.wav"))
    };
    let first = draw("");
    assert_eq!((png_size(&first.0), parse_wav(&first.1).1.len()), ((WIDTH, height(2)), 2 * 2048 + 800));
    assert!(first == draw("--seed 0"));
    let other = draw("--seed 1");
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[test]
fn images_and_points_are_drawn_like_samples() {
    let folder = Folder::new();
    let said = folder.run("data mnist");
    assert!(said.contains("mnist.png: 100 images of 1×28×28"), "{said}");
    assert_eq!(png_size(&folder.read("mnist.png")), (582, 582));
    folder.run("data two-moons --rows 300 --out moons.png");
    assert_eq!(png_size(&folder.read("moons.png")), (496, 496));
    image_folder(&folder, "in/bars", 4, false);
    folder.run("data in/bars --rows 6");
    // Two columns, three rows; images of 4 pixels are drawn 16 times as large.
    assert_eq!(png_size(&folder.read("bars.png")), (2 * 66 + 2, 3 * 66 + 2));
    // The bars have the brightness of their levels.
    let picture = image::open(folder.path("bars.png")).unwrap().to_luma8();
    let bright = picture.pixels().filter(|pixel| pixel.0[0] >= 200 && pixel.0[0] < 240).count();
    assert_eq!(bright, 6 * 4 * 16 * 16);
    folder.write("far.csv", csv(&rescaled(&rows(60, 2), &[64.0, 0.25], &[5000.0, -30.0]), 2));
    let said = folder.run("data far.csv");
    assert!(said.contains("far.png: 48 rows of 2 numbers"), "{said}");
    let picture = image::open(folder.path("far.png")).unwrap().to_rgb8();
    assert!(picture.pixels().filter(|pixel| pixel.0[0] != pixel.0[2]).count() > 200);
    assert!(!folder.exists("far.wav") && !folder.exists("mnist.wav"));
}

#[test]
fn data_without_a_picture_is_refused() {
    let folder = Folder::new();
    folder.write("three.csv", csv(&rows(50, 3), 3));
    folder.write("file", "a file, not a folder");
    folder.refuses("data spech", &["\"spech\"", "did you mean \"speech\"?", "two-moons"]);
    folder
        .refuses("data three.csv", &["three.csv has rows of 3 numbers", "only images, rows of 2 numbers and signals"]);
    folder.refuses("data mnist --wav x.wav", &["mnist: images", "are not sound", "leave out --wav"]);
    folder.refuses("data speech --out speech.jpg", &["speech.jpg", "must end in .png"]);
    folder.refuses("data speech --out file/x.png", &["cannot write file/x.png"]);
    folder.refuses("data speech --out nowhere/x.png", &["mkdir -p nowhere"]);
    folder.write("two.csv", csv(&rows(50, 2), 2));
    folder.refuses("data two.csv --rows 41", &["only 40 training rows", "--rows between 1 and 40"]);
    for rows in ["0", "-1", "4097", "x"] {
        folder.misuses(&format!("data speech --rows {rows}"), &["--rows", rows]);
    }
    folder.misuses("data", &["<DATA> is missing"]);
}

#[test]
fn an_unwritable_wav_is_named() {
    let folder = Folder::new();
    folder.write("file", "a file, not a folder");
    let output = folder.command("data speech --wav file/x.wav").output().unwrap();
    let (_, err) = crate::folder::texts(&output);
    assert_eq!(output.status.code(), Some(1));
    crate::folder::assert_one_line(&err, &["cannot write file/x.wav", "folder does not exist"]);
}

#[test]
fn a_model_of_rows_learns_signals_and_writes_sound() {
    let folder = Folder::new();
    folder.train("--data speech --steps 20");
    assert!(folder.exists("run/curve.svg"));
    assert_eq!(png_size(&folder.read("run/grids/epoch-0001.png")), (WIDTH, height(4)));
    let said = folder.run("sample run --grid 3x2 --npy s.npy --threads 1");
    assert!(said.contains("s.npy: 6 samples of signals of 2048 samples at 8000 Hz"), "{said}");
    assert!(said.contains("run/samples.png: 4 samples at temperature 1"), "{said}");
    assert!(said.contains("run/samples.wav: 6 signals one after another"), "{said}");
    let (rate, heard) = parse_wav(&folder.read("run/samples.wav"));
    assert_eq!((rate, heard.len()), (8000, 6 * 2048 + 5 * 800));
    // The sound has the sampled values.
    let (shape, values) = parse_npy(&folder.read("s.npy"));
    assert_eq!(shape, [6, 2048]);
    for (i, x) in values.iter().enumerate() {
        let expected = f64::from(x.clamp(-1.0, 1.0)) * 32767.0;
        assert!((f64::from(heard[i + i / 2048 * 800]) - expected).abs() < 0.51, "{i}: {x}");
    }
    let clipped = values.iter().filter(|x| x.abs() > 1.0).count();
    assert_eq!(said.contains("beyond ±1"), clipped > 0);
    assert!(clipped == 0 || said.contains(&format!("; {clipped} of 12288 samples")), "{said}");

    let score = folder.json("evaluate run --limit 20 --threads 1 --json");
    let number = |key: &str| score[key].as_f64().unwrap();
    assert!((number("nats_per_step") * 2048.0 + number("nats")).abs() < 1e-6, "{score}");
    assert!(folder.run("evaluate run --limit 20 --threads 1").contains("nats a time step, log p(x) = "));
    folder.run("sample run --grid 1x1 --wav one.wav --out one.png --temperature 0.5 --threads 1");
    assert_eq!(parse_wav(&folder.read("one.wav")).1.len(), 2048);
    assert_eq!(png_size(&folder.read("one.png")), (WIDTH, height(1)));
}

#[test]
fn other_commands_accept_signals_or_refuse_them() {
    let folder = Folder::new();
    folder.run("train real-nvp --preset quick --data speech --batch 16 --steps 3 --threads 1 --out run");
    folder.run("sample run --grid 2x1 --threads 1");
    folder.refuses("density run --threads 1", &["models signals of 2048 samples", "only models of 2 columns"]);
    folder.refuses("interpolate run --threads 1", &["signals of 2048 samples at 8000 Hz"]);
    folder.refuses("evaluate run --data two-moons --threads 1", &["two-moons has rows of 2 numbers", "over signals"]);
    let check = folder.json("check run --samples 2 --jacobians 0 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
    folder.write_npy("x.npy", &[2, 2048], &rows(2, 2048));
    folder.run("encode run --input x.npy --output z.npy --threads 1");
    folder.run("decode run --input z.npy --output y.npy --threads 1");
    let [x, y] = ["x", "y"].map(|name| parse_npy(&folder.read(&format!("{name}.npy"))).1);
    assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-3));
    let train = "train nice --preset quick --data speech --out other";
    folder.refuses(&format!("{train} --batch 4097"), &["a batch of 4097", "--batch between 1 and 4096"]);
    folder.refuses(&format!("{train} --conditional"), &["speech has no labels"]);
    // Points have no sound.
    folder.run("train nice --preset quick --data two-moons --steps 2 --threads 1 --out points");
    folder.refuses(
        "sample points --wav x.wav --threads 1",
        &["points: rows of 2 numbers are not sound", "leave out --wav"],
    );
}
