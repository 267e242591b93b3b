//! `zoo latents`: the latents of test rows, as pictures and as statistics.

use crate::folder::Folder;
use crate::formats::{bytes, png_size};
use crate::made::{csv, image_folder, rows};
use image::RgbImage;

/// The number after these words in the line of a run.
#[track_caller]
fn number(said: &str, run: &str, words: &str) -> f64 {
    let line = said.lines().find(|line| line.starts_with(&format!("{run}: "))).unwrap_or_else(|| panic!("{said}"));
    let rest = line.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {line}")).1;
    rest.split([' ', ',', ')']).next().unwrap().parse().unwrap_or_else(|_| panic!("{words:?} in {line}"))
}

/// The number of pixels of a color in a panel's left and right half.
fn halves(picture: &RgbImage, panel: u32, is: impl Fn([i32; 3]) -> bool) -> [usize; 2] {
    let left = panel * 396 + 62;
    [left..left + 160, left + 160..left + 320].map(|columns| {
        let inside = picture.enumerate_pixels().filter(|(x, _, _)| columns.contains(x));
        inside.filter(|(_, _, pixel)| is(pixel.0.map(i32::from))).count()
    })
}

/// The colors of the first and of the last quarter, perhaps mixed with white.
fn is_blue([red, green, blue]: [i32; 3]) -> bool {
    blue > green + 25 && blue > red + 60
}

fn is_pink([red, green, blue]: [i32; 3]) -> bool {
    red > blue + 15 && blue > green + 15
}

/// Figure 1 of the MAF paper: x₁ depends on x₂² but not the reverse.
#[test]
fn made_in_the_wrong_order_does_not_gaussianize_the_banana() {
    let folder = Folder::new();
    let train = "train made --preset quick --data banana --batch 100 --steps 2000 --lr 3e-3 --threads 1";
    folder.run(&format!("{train} --out wrong"));
    folder.run(&format!("{train} --order reversed --out right"));
    let said = folder.run("latents wrong right --threads 2");
    assert!(said.starts_with("wrong/latents.png: ") && said.lines().count() == 3, "{said}");
    for run in ["wrong", "right"] {
        assert!(said.contains(&format!("\n{run}: made on banana: ")) && said.contains("N = 10000"), "{said}");
        let nats = folder.json(&format!("evaluate {run} --json --threads 1"))["nats"].as_f64().unwrap();
        assert!((number(&said, run, "log p(x) = ") - nats).abs() < 0.006, "{nats}: {said}");
        assert!((number(&said, run, "standard deviation (") - 1.0).abs() < 0.1, "{said}");
        assert!(number(&said, run, "correlation ").abs() < 0.1, "{said}");
        assert!((number(&said, run, "chance: ") - 0.0136).abs() < 1e-9, "{said}");
    }
    let [wrong, right] = ["wrong", "right"].map(|run| number(&said, run, "from the normal's "));
    assert!(wrong > 0.04 && right < 0.03, "{said}");

    let png = folder.read("wrong/latents.png");
    assert_eq!(png_size(&png), (2 * 396, 396));
    let picture = image::open(folder.path("wrong/latents.png")).unwrap().to_rgb8();
    // In this order, z₁ is only a scaled and shifted x₁: small x₁ are on the left, large x₁ on the right.
    let [blue_left, blue_right] = halves(&picture, 0, is_blue);
    assert!(blue_left > 500 && blue_right < 20, "{blue_left} and {blue_right}");
    let [pink_left, pink_right] = halves(&picture, 0, is_pink);
    assert!(pink_left < 20 && pink_right > 500, "{pink_left} and {pink_right}");
    // In the other order, it is not.
    let [blue_left, blue_right] = halves(&picture, 1, is_blue);
    assert!(blue_left > 200 && blue_right > 200, "{blue_left} and {blue_right}");
}

#[test]
fn rows_seed_and_file_can_be_chosen() {
    let folder = Folder::new();
    folder.train("--data circles --steps 20");
    folder.run(&format!("{} --data circles --steps 40 --out other", crate::folder::TRAIN));
    let draw = |options: &str| {
        let said = folder.run(&format!("latents run other --threads 1 --out here.PNG {options}"));
        (said, folder.read("here.PNG"))
    };
    let (said, first) = draw("--rows 200");
    assert!(
        said.starts_with("here.PNG: ") && said.contains("N = 200\n") && !folder.exists("run/latents.png"),
        "{said}"
    );
    assert_eq!(draw("--rows 200 --seed 0"), (said.clone(), first.clone()));
    let (other_said, other) = draw("--rows 200 --seed 1");
    assert!(other != first && other_said != said);
    // With all rows, the seed changes only their order.
    let said = |seed: u64| draw(&format!("--rows 20000 --seed {seed}")).0;
    assert!(said(3).contains("N = 10000"));
    for words in ["mean (", "from the normal's ", "log p(x) = "] {
        assert!((number(&said(3), "run", words) - number(&said(4), "run", words)).abs() < 2e-3, "{words}");
    }
    // A checkpoint file alone is enough, and the picture is next to it.
    folder.write("elsewhere/m.safetensors", folder.read("run/model.safetensors"));
    folder.run("latents elsewhere/m.safetensors --rows 1 --threads 1");
    assert!(folder.exists("elsewhere/latents.png"));
}

#[test]
fn models_of_other_data_are_refused() {
    let folder = Folder::new();
    folder.write("three.csv", csv(&rows(100, 3), 3));
    image_folder(&folder, "bars", 4, false);
    folder.train("--data two-moons --steps 3");
    for (data, what) in [("three.csv", "rows of 3 numbers"), ("bars", "images of 1×4×4")] {
        folder.run(&format!("{} --data {data} --steps 3 --out {data}-run", crate::folder::TRAIN));
        let run = format!("{data}-run models {what}");
        folder.refuses(&format!("latents run {data}-run --threads 1"), &[&run, "models of 2 columns", "leave it out"]);
    }
    folder.refuses("latents run nowhere --threads 1", &["there is no run nowhere"]);
    folder.refuses("latents run --threads 1 --out z.svg", &["z.svg", "must end in .png"]);
    folder.refuses("latents run --threads 1 --out no/z.png", &["no/z.png", "mkdir -p no"]);
    folder.misuses("latents", &["<RUN>... is missing"]);
    folder.misuses("latents run --rows=0", &["--rows", "0"]);
    // A shift of 10³⁰ leaves no density.
    folder.run("train made --preset quick --data two-moons --batch 24 --steps 3 --threads 1 --out made");
    let mut model = folder.safetensors("made/model.safetensors");
    let name = model.tensors.keys().rfind(|name| name.ends_with("bias")).unwrap().clone();
    let stored = model.tensors.get_mut(&name).unwrap();
    stored.bytes = bytes(&vec![1e30; stored.bytes.len() / 4]);
    folder.write("far.safetensors", model.write());
    folder.refuses("latents run far.safetensors --threads 1", &["far.safetensors", "no finite", "earlier checkpoint"]);
}

#[test]
fn one_row_has_no_deviations() {
    let folder = Folder::trained_on("two-moons");
    let said = folder.run("latents run --rows 1 --threads 1");
    assert!(
        said.contains("z has a single point (") && said.contains("too few for deviations and a correlation"),
        "{said}"
    );
    assert!(said.contains(" nats, N = 1, too few for a standard error") && !said.contains("NaN"), "{said}");
}
