//! `zoo sample`: pictures, arrays, and seeds.

use crate::folder::Folder;
use crate::formats::{parse_npy, png_size};
use crate::made::{csv, image_folder, rescaled, rows};

#[test]
fn points_are_drawn_as_a_scatter_plot() {
    let folder = Folder::trained_on("two-moons");
    let said = folder.run("sample run --grid 12x5 --npy s.npy --threads 1");
    assert!(said.contains("run/samples.png") && said.contains("s.npy: 60 samples"), "{said}");
    assert_eq!(png_size(&folder.read("run/samples.png")), (496, 496));
    let (shape, values) = parse_npy(&folder.read("s.npy"));
    assert_eq!(shape, [60, 2]);
    assert!(values.iter().all(|x| x.is_finite()));
}

#[test]
fn images_are_drawn_as_a_grid() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.train("--data bars --steps 3");
    folder.run("sample run --grid 3x2 --out grid.png --npy s.npy --threads 1");
    // Images of 4 pixels are drawn 16 times as large, 2 pixels apart.
    assert_eq!(png_size(&folder.read("grid.png")), (3 * 66 + 2, 2 * 66 + 2));
    assert!(!folder.exists("run/samples.png"));
    let (shape, values) = parse_npy(&folder.read("s.npy"));
    assert_eq!((&shape[..], values.len()), (&[6, 16][..], 96));
    // The picture shows the first pixel of these samples.
    let picture = image::open(folder.path("grid.png")).unwrap().to_luma8();
    assert_eq!(picture.get_pixel(2, 2).0, [(values[0] * 255.0).round() as u8]);
    assert_eq!(picture.get_pixel(2 + 66, 2).0, [(values[16] * 255.0).round() as u8]);
    assert_eq!(picture.get_pixel(2, 2 + 66).0, [(values[48] * 255.0).round() as u8]);
}

#[test]
fn samples_depend_on_the_seed_alone() {
    let folder = Folder::trained_on("checkerboard");
    let draw = |options: &str| {
        folder.run(&format!("sample run --grid 7x7 --out s.png --npy s.npy {options}"));
        (folder.read("s.png"), folder.read("s.npy"))
    };
    let first = draw("--seed 4 --threads 1");
    assert!(first == draw("--seed 4 --threads 1"));
    assert!(first == draw("--seed 4 --threads 2"));
    let other = draw("--seed 5");
    assert!(first.0 != other.0 && first.1 != other.1);
    assert!(draw("") == draw("--seed 0 --temperature 1"));
    assert!(draw("") != draw("--temperature 0.9"));
    // A checkpoint file alone is enough, in any folder.
    folder.write("elsewhere/m.safetensors", folder.read("run/model.safetensors"));
    std::fs::remove_dir_all(folder.path("run")).unwrap();
    folder.run("sample elsewhere/m.safetensors --grid 7x7 --seed 4 --threads 1");
    assert!(folder.read("elsewhere/samples.png") == first.0);
}

#[test]
fn a_low_temperature_keeps_samples_together() {
    let folder = Folder::trained_on("eight-gaussians");
    let spread = |temperature: &str| {
        folder.run(&format!("sample run --grid 20x20 --temperature {temperature} --npy s.npy --threads 1"));
        let (_, values) = parse_npy(&folder.read("s.npy"));
        let xs: Vec<f32> = values.into_iter().step_by(2).collect();
        let mean = xs.iter().sum::<f32>() / 400.0;
        (xs.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 400.0).sqrt()
    };
    let [warm, cold] = ["1", "0.01"].map(spread);
    assert!(cold < 0.1 * warm, "{cold} {warm}");
    let absurd = "sample run --temperature 1e300 --npy t.npy --threads 1";
    folder.refuses(absurd, &["temperature 1e300", "choose a smaller --temperature"]);
}

#[test]
fn show_draws_in_the_terminal() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.train("--data bars --steps 3");
    let plain = folder.run("sample run --grid 3x2 --threads 1");
    let shown = folder.run("sample run --grid 3x2 --threads 1 --show");
    let drawing = shown.strip_prefix(&plain).unwrap();
    assert!(drawing.lines().count() > 4, "{shown}");
    let longest = drawing.lines().map(|line| line.chars().filter(|c| !c.is_control()).count()).max();
    assert!(longest > Some(20), "{shown}");
}

#[test]
fn rows_without_a_picture_are_written_as_numbers() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(100, 3), 3));
    folder.train("--data table.csv --steps 5");
    folder.refuses("sample run --threads 1", &["rows of 3 numbers have no picture", "--npy"]);
    folder.run("sample run --grid 5x4 --npy s.npy --threads 1");
    assert_eq!(parse_npy(&folder.read("s.npy")).0, [20, 3]);
    assert!(!folder.exists("run/samples.png"));
}

#[test]
fn points_in_any_units_are_in_the_picture() {
    let folder = Folder::new();
    let far = rescaled(&rows(400, 2), &[64.0, 0.25], &[5000.0, -30.0]);
    folder.write("far.csv", csv(&far, 2));
    folder.train("--data far.csv --steps 30");
    folder.run("sample run --npy s.npy --threads 1");
    let (_, values) = parse_npy(&folder.read("s.npy"));
    let means = [0, 1].map(|axis| values.iter().skip(axis).step_by(2).sum::<f32>() / 100.0);
    assert!((means[0] - 5000.0).abs() < 100.0 && (means[1] + 30.0).abs() < 1.0, "{means:?}");
    // Only the points have a color.
    let picture = image::open(folder.path("run/samples.png")).unwrap().to_rgb8();
    let colored = picture.pixels().filter(|pixel| pixel.0[0] != pixel.0[2]).count();
    assert!(colored > 500, "{colored} pixels have points");
}
