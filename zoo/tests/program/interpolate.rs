//! `zoo interpolate`: pictures whose corners are test images, and bad options.

use crate::folder::Folder;
use crate::formats::png_size;
use crate::made::{image_folder, labeled, labeled_folder, pictures};
use image::GrayImage;

const SIDE: usize = 4;

/// The size of a grid of images. A side of 4 pixels is drawn 16 times as large, with gaps of 2 pixels.
fn size(columns: u32, rows: u32) -> (u32, u32) {
    (columns * 66 + 2, rows * 66 + 2)
}

fn picture(folder: &Folder, name: &str) -> GrayImage {
    image::open(folder.path(name)).unwrap().to_luma8()
}

/// Asserts which image is at a place of a grid, up to rounding and noise below one level.
#[track_caller]
fn assert_shows(grid: &GrayImage, (column, row): (u32, u32), levels: &[u8]) {
    for (i, &level) in levels.iter().enumerate() {
        let at = |place: u32, pixel: usize| 2 + place * 66 + 16 * pixel as u32;
        let found = grid.get_pixel(at(column, i % SIDE), at(row, i / SIDE)).0[0];
        assert!(found.abs_diff(level) <= 1, "pixel {i} at {column}, {row} is {found} and should be {level}");
    }
}

#[test]
fn the_corners_and_ends_are_the_test_images() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", SIDE);
    let (pixels, _) = labeled(40, SIDE);
    let image = |i: usize| &pixels[i * 16..(i + 1) * 16];
    for conditional in ["", "--conditional"] {
        let run = format!("run{conditional}");
        folder.run(&format!("{} --data bars --steps 20 --out {run} {conditional}", crate::folder::TRAIN));
        let said = folder.run(&format!("interpolate {run} --size 7 --threads 1"));
        // The first four images have different labels.
        let corners = "7×7 images between the test images 0 (a 0), 1 (a 1), 2 (a 2), 3 (a 3)";
        assert!(said.contains(&format!("{run}/manifold.png: {corners}")), "{said}");
        assert!(said.contains("line.png: 7 images each from 0 (a 0) to 1 (a 1), 2 (a 2) to 3 (a 3)"), "{said}");
        let error = said.split_once("is at most ").unwrap().1.split_once(" of 256 pixel levels").unwrap().0;
        assert!(error.parse::<f64>().unwrap() < 0.05, "{said}");
        let manifold = picture(&folder, &format!("{run}/manifold.png"));
        assert_eq!(manifold.dimensions(), size(7, 7));
        for (place, i) in [((0, 0), 0), ((6, 0), 1), ((0, 6), 2), ((6, 6), 3)] {
            assert_shows(&manifold, place, image(i));
        }
        let lines = picture(&folder, &format!("{run}/line.png"));
        assert_eq!(lines.dimensions(), size(7, 2));
        for (place, i) in [((0, 0), 0), ((6, 0), 1), ((0, 1), 2), ((6, 1), 3)] {
            assert_shows(&lines, place, image(i));
        }
    }
}

#[test]
fn images_are_chosen_by_index() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", SIDE);
    folder.train("--data bars --steps 20");
    let (pixels, _) = labeled(40, SIDE);
    let image = |i: usize| &pixels[i * 16..(i + 1) * 16];
    let line = "interpolate run --size 3 --corners 9,8,9,39 --from 39 --to 5 --threads 1 --out made/here";
    let said = folder.run(line);
    assert!(said.contains("made/here/manifold.png") && said.contains("from 39 (a 3) to 5 (a 1)"), "{said}");
    let manifold = picture(&folder, "made/here/manifold.png");
    for (place, i) in [((0, 0), 9), ((2, 0), 8), ((0, 2), 9), ((2, 2), 39)] {
        assert_shows(&manifold, place, image(i));
    }
    let first = picture(&folder, "made/here/line.png");
    assert_eq!(first.dimensions(), size(3, 1));
    assert_shows(&first, (0, 0), image(39));
    assert_shows(&first, (2, 0), image(5));
    assert!(!folder.exists("run/manifold.png") && !folder.exists("run/line.png"));
    // Runs are reproducible; other noise or straight lines give other pictures.
    let again = |options: &str| {
        folder.run(&format!("{line} {options}"));
        picture(&folder, "made/here/line.png")
    };
    assert!(again("") == first && again("--seed 0") == first);
    assert!(again("--seed 1") != first);
    assert!(again("--straight") != first);
    // An image's noise does not depend on the other images.
    folder.run("interpolate run --size 3 --from 5,39 --to 7,5 --threads 1");
    assert!(picture(&folder, "run/line.png").dimensions() == size(3, 2));
    let second = picture(&folder, "run/line.png");
    let row = |grid: &GrayImage, top: u32| image::imageops::crop_imm(grid, 0, top, 200, 66).to_image();
    assert!(row(&second, 66) == row(&first, 0));
}

#[test]
fn few_images_and_no_labels_are_enough() {
    let folder = Folder::new();
    // All images have the same label.
    image_folder(&folder, "bars", SIDE, false);
    folder.train("--data bars --steps 3");
    let said = folder.run("interpolate run --size 2 --threads 1");
    assert!(said.contains("between the test images 0 (a 3), 0 (a 3), 0 (a 3), 0 (a 3)"), "{said}");
    for part in ["train", "t10k"] {
        std::fs::remove_file(folder.path(&format!("bars/{part}-labels-idx1-ubyte"))).unwrap();
    }
    let said = folder.run("interpolate run --threads 1");
    assert!(said.contains("between the test images 0, 1, 2, 3\n"), "{said}");
    assert_eq!(png_size(&folder.read("run/manifold.png")), size(10, 10));
    assert_eq!(png_size(&folder.read("run/line.png")), size(10, 5));
    assert_shows(&picture(&folder, "run/line.png"), (0, 1), &pictures(20, SIDE)[2 * 16..3 * 16]);
}

#[test]
fn bad_images_and_options_are_refused() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", SIDE);
    folder.train("--data bars --steps 3");
    folder.write("file", "a file, not a folder");
    let refuses =
        |options: &str, parts: &[&str]| folder.refuses(&format!("interpolate run --threads 1 {options}"), parts);
    refuses("--corners 0,1,2,40", &["there is no test image 40", "there are 40, counted from 0"]);
    refuses(&format!("--from 0 --to {}", u64::MAX), &["there is no test image"]);
    refuses("--from 0,1 --to 2", &["--from names 2 test images and --to 1", "give equally many"]);
    refuses("--out file", &["cannot make the folder file", "choose another --out"]);
    refuses("--out file/inside", &["cannot make the folder file/inside"]);
    refuses("--data two-moons", &["two-moons has rows of 2 numbers", "give --data"]);
    for corners in ["1,2,3", "1,2,3,4,5", "a,b,c,d", "", "-1,0,0,0"] {
        folder.misuses(
            &format!("interpolate run --corners={corners}"),
            &["is not a list of four test images", "0,1,2,3"],
        );
    }
    for size in ["0", "1", "201", "-3", "x"] {
        folder.misuses(&format!("interpolate run --size={size}"), &["--size", size]);
    }
    folder.misuses("interpolate run --from 1", &["is missing"]);
    folder.misuses("interpolate run --to 1", &["is missing"]);
    folder.misuses("interpolate run --from=-1 --to 2", &["--from", "-1"]);
    folder.run("train nice --preset quick --data two-moons --batch 24 --steps 3 --threads 1 --out points");
    folder.refuses("interpolate points", &["points models rows of 2 numbers", "only models of images", "zoo density"]);
}
