//! `zoo density`: pictures of models of 2D data, and that their densities integrate to 1.

use crate::folder::Folder;
use crate::formats::{bytes, png_size};
use crate::made::{csv, image_folder, rescaled, rows};
use image::RgbImage;

/// The printed integral and its window.
fn integral(said: &str) -> (f64, [f64; 4]) {
    let line = said.lines().find(|line| line.starts_with("the integral of p(x) is ")).unwrap();
    let numbers: Vec<f64> =
        line.split([' ', ',', ':', '<']).filter_map(|word| word.parse().ok()).filter(|x: &f64| x.is_finite()).collect();
    let [mass, left, right, low, high, ..] = numbers[..] else { panic!("{line}") };
    (mass, [left, right, low, high])
}

fn picture(folder: &Folder, name: &str) -> RgbImage {
    image::open(folder.path(name)).unwrap().to_rgb8()
}

/// The color in the first square of a picture, at fractions of its width and height from the upper left.
fn at(picture: &RgbImage, across: f64, down: f64) -> [u8; 3] {
    picture.get_pixel(62 + (across * 420.0) as u32, 38 + (down * 420.0) as u32).0
}

#[test]
fn a_toys_density_integrates_to_one_and_has_its_pictures() {
    let folder = Folder::new();
    folder.train("--data two-moons --steps 1500");
    let said = folder.run("density run --threads 2");
    let (mass, window) = integral(&said);
    assert!(mass > 0.9 && mass < 1.01, "{said}");
    assert!(said.contains("a density integrates to 1"), "{said}");
    // Two moons lie within ±4, and the window is square.
    assert!(window.iter().all(|edge| edge.abs() > 3.0 && edge.abs() < 6.0), "{window:?}");
    assert!((window[1] - window[0] - window[3] + window[2]).abs() < 1e-3);
    for (name, width) in [("density", 496 + 88), ("points", 2 * 496), ("warp", 496), ("panel", 3 * 496 + 88)] {
        assert!(said.contains(&format!("run/{name}.png: ")), "{said}");
        assert_eq!(png_size(&folder.read(&format!("run/{name}.png"))), (width, 496), "{name}");
    }
    // The corners of the window are empty: the darkest color. Other places are brighter.
    let heat = picture(&folder, "run/density.png");
    let dark = |[red, green, blue]: [u8; 3]| red.abs_diff(68) < 12 && green < 25 && blue.abs_diff(84) < 20;
    for (x, y) in [(0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98)] {
        assert!(dark(at(&heat, x, y)), "{:?}", at(&heat, x, y));
    }
    let places = (0..100 * 100).map(|i| ((f64::from(i % 100) + 0.5) / 100.0, (f64::from(i / 100) + 0.5) / 100.0));
    let bright = places.filter(|&(x, y)| at(&heat, x, y)[1] > 150).count();
    assert!((50..5000).contains(&bright), "{bright}");
    // Data in one color, samples in another.
    let points = picture(&folder, "run/points.png");
    let colored = |left: u32, redder: bool| {
        let inside = points.enumerate_pixels().filter(|(x, _, _)| (left..left + 496).contains(x));
        inside.filter(|(_, _, p)| (i32::from(p.0[2]) - i32::from(p.0[0])) * if redder { -1 } else { 1 } > 60).count()
    };
    assert!(colored(0, true) > 1000 && colored(496, false) > 1000);
    assert_eq!((colored(0, false), colored(496, true)), (0, 0));
}

#[test]
fn a_table_is_drawn_in_its_own_units() {
    let folder = Folder::new();
    folder.write("far.csv", csv(&rescaled(&rows(600, 2), &[64.0, 0.25], &[5000.0, -30.0]), 2));
    folder.train("--data far.csv --steps 1000");
    let said = folder.run("density run --resolution 150 --threads 1");
    let (mass, [left, right, low, high]) = integral(&said);
    assert!(mass > 0.9 && mass < 1.01, "{said}");
    assert!(left > 4000.0 && right < 6000.0 && low > -34.0 && high < -26.0, "{said}");
    assert!(said.contains("p(x) in 150×150 cells") && said.contains("60 test points"), "{said}");
}

#[test]
fn seed_resolution_and_folder_can_be_chosen() {
    let folder = Folder::trained_on("circles");
    let draw = |options: &str| {
        folder.run(&format!("density run --threads 1 --out made/here {options}"));
        ["density", "points", "warp", "panel"].map(|name| folder.read(&format!("made/here/{name}.png")))
    };
    let first = draw("--resolution 60");
    assert!(!folder.exists("run/density.png"));
    assert!(first == draw("--resolution 60 --seed 0"));
    let other = draw("--resolution 60 --seed 1");
    assert!(other[0] == first[0] && other[1] != first[1] && other[2] == first[2] && other[3] != first[3]);
    let finer = draw("--resolution 61");
    assert!(finer[0] != first[0] && finer[1] == first[1] && finer[2] == first[2]);
    // Other data moves the window.
    let (_, own) = integral(&folder.run("density run --resolution 50 --threads 1"));
    let (_, other) = integral(&folder.run("density run --resolution 50 --threads 1 --data banana"));
    assert!(other[1] > own[1] + 1.0, "{own:?} {other:?}");
    // A checkpoint file alone is enough.
    folder.write("elsewhere/m.safetensors", folder.read("run/model.safetensors"));
    folder.run("density elsewhere/m.safetensors --resolution 20 --threads 1");
    assert!(folder.exists("elsewhere/panel.png"));
}

#[test]
fn models_of_other_data_are_refused() {
    let folder = Folder::new();
    folder.write("three.csv", csv(&rows(100, 3), 3));
    image_folder(&folder, "bars", 4, false);
    for (data, parts) in [
        ("three.csv", ["models rows of 3 numbers", "only models of 2 columns", "train on two columns"]),
        ("bars", ["models images of 1×4×4", "only models of 2 columns", "zoo interpolate"]),
    ] {
        folder.run(&format!("{} --data {data} --steps 3 --out {data}-run", crate::folder::TRAIN));
        folder.refuses(&format!("density {data}-run --threads 1"), &parts);
    }
    folder.train("--data two-moons --steps 3");
    folder.write("file", "a file, not a folder");
    folder.refuses("density run --threads 1 --resolution 20 --out file", &["cannot make the folder file", "--out"]);
    folder.refuses("density run --threads 1 --data three.csv", &["three.csv has rows of 3 numbers", "give --data"]);
    for resolution in ["0", "9", "4001", "-1", "x"] {
        folder.misuses(&format!("density run --resolution={resolution}"), &["--resolution", resolution]);
    }
    // Far from the training data.
    let far = rescaled(&rows(100, 2), &[1.0, 1.0], &[1e6, 1e6]);
    folder.write("far.csv", csv(&far, 2));
    folder.refuses("density run --threads 1 --resolution 20 --data far.csv", &["density is 0 everywhere", "--data"]);
    // A shift of 10³⁰ rounds every point away.
    let mut model = folder.safetensors("run/model.safetensors");
    let name = model.tensors.keys().rfind(|name| name.ends_with("bias")).unwrap().clone();
    let stored = model.tensors.get_mut(&name).unwrap();
    stored.bytes = bytes(&vec![1e30; stored.bytes.len() / 4]);
    folder.write("m.safetensors", model.write());
    folder.refuses("density m.safetensors --threads 1 --resolution 20", &["m.safetensors", "density is 0 everywhere"]);
}
