//! `MintNet`: images that can and cannot be halved, rows, and interrupted trainings.

use crate::folder::Folder;
use crate::formats::parse_npy;
use crate::made::image_folder;

const IMAGES: &str = "train mint-net --preset quick --batch 10 --threads 1";

#[test]
fn images_of_any_size_train_sample_and_invert() {
    let folder = Folder::new();
    // Squeezed twice, once, and not at all.
    for (side, scales) in [(4, 3), (6, 2), (5, 1)] {
        let (data, run) = (format!("images-{side}"), format!("run-{side}"));
        image_folder(&folder, &data, side, false);
        folder.run(&format!("{IMAGES} --data {data} --steps 4 --out {run}"));
        let config = folder.safetensors(&format!("{run}/model.safetensors")).metadata["config"].clone();
        assert_eq!(config.matches("\"pairs\":").count(), scales, "{config}");
        let check = folder.json(&format!("check {run} --samples 3 --jacobians 1 --threads 1 --json"));
        assert_eq!(check["sound"], true, "{check}");
        folder.run(&format!("sample {run} --grid 3x2 --npy s.npy --threads 1"));
        let (shape, values) = parse_npy(&folder.read("s.npy"));
        assert_eq!(shape, [6, side * side]);
        // The inverse of the logit maps into [0, 1], except for a margin of λ.
        assert!(values.iter().all(|x| (-1e-5..=1.00001).contains(x)), "{values:?}");
    }
}

#[test]
fn a_killed_training_resumes_to_the_same_bits() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    let line = |out: &str| format!("{IMAGES} --data images --steps 80 --out {out}");
    folder.run(&line("whole"));
    let mut running = folder.begin(&format!("{} --save-every 1e-9", line("cut")));
    folder.wait_for(&mut running, "cut", 30, true);
    assert_eq!(running.kill().code(), None, "the training ended before it could be killed");
    folder.run("train mint-net --resume --out cut --threads 1");
    let [whole, cut] = ["whole", "cut"].map(|run| folder.safetensors(&format!("{run}/training.safetensors")));
    assert!(whole.shapes().keys().any(|tensor| tensor.ends_with(".vmax")), "no AMSGrad");
    for (tensor, stored) in &whole.tensors {
        assert!(cut.tensors[tensor] == *stored, "{tensor} differs");
    }
}

#[test]
fn rows_are_images_of_one_pixel() {
    let folder = Folder::new();
    folder.run("train mint-net --preset quick --data banana --steps 200 --batch 100 --threads 1 --out run");
    let check = folder.json("check run --samples 20 --jacobians 3 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
    folder.run("density run --resolution 20 --threads 1");
}

#[test]
fn samples_report_their_inversion_and_both_inverses_agree() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.run(&format!("{IMAGES} --data images --steps 60 --out run"));
    let said = folder.run("sample run --grid 3x2 --npy swept.npy --threads 1");
    assert!(
        said.contains("by a sweep in each layer, at most") && said.contains("round trip with x rounded to f32: error "),
        "{said}"
    );
    let fixed = "sample run --grid 3x2 --inverse fixed-point --threads 1";
    let said = folder.run(&format!("{fixed} --step-size 1 --iterations 200 --npy iterated.npy"));
    assert!(said.contains("by a fixed point in each layer, step 1.0000, "), "{said}");
    let [swept, iterated] = ["swept.npy", "iterated.npy"].map(|file| parse_npy(&folder.read(file)).1);
    assert!(swept.iter().zip(&iterated).all(|(a, b)| (a - b).abs() < 1e-3), "{swept:?}, not {iterated:?}");
    // One iteration is not enough, and the output says so.
    let error = |said: &str| -> f64 {
        let rest = said.split("error ").nth(1).unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    let hasty = folder.run(&format!("{fixed} --iterations 1"));
    assert!(error(&hasty) > 100.0 * error(&said), "{hasty}, {said}");
    // Models with an inverse in closed form print nothing about it.
    folder.run("train nice --preset quick --data images --batch 20 --steps 2 --threads 1 --out nice");
    assert!(!folder.run("sample nice --grid 2x2 --threads 1").contains("inverted by"));
    folder.refuses("sample nice --inverse fixed-point --threads 1", &["nice has no fixed point", "--inverse"]);
    folder.refuses("sample run --step-size 1 --threads 1", &["--inverse fixed-point"]);
    folder.misuses("sample run --inverse fixed-point --step-size 2 --threads 1", &["between 0 and 2"]);
}

#[test]
fn errors_fall_as_the_budget_grows_for_both_inverses() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.run(&format!("{IMAGES} --data images --steps 40 --out run"));
    let line = "inversion-error run --samples 3 --budgets 100,1,2 --step-sizes 1,0.5 --threads 1";
    let found = folder.json(&format!("{line} --json"));
    assert_eq!(found["budgets"], serde_json::json!([1, 2, 100]));
    let ways = found["methods"].as_array().unwrap();
    let names: Vec<_> = ways.iter().map(|way| way["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fixed point, step 1", "fixed point, step 0.5", "sweep"]);
    for way in ways {
        let errors: Vec<f64> = way["errors"].as_array().unwrap().iter().map(|e| e.as_f64().unwrap()).collect();
        assert!(errors[0] > 1e-6 && errors[2] < 1e-9, "{way}");
    }
    let said = folder.run(&format!("{line} --out there.svg"));
    assert!(said.contains("there.svg") && String::from_utf8(folder.read("there.svg")).unwrap().contains("sweep"));
    folder.run("train nice --preset quick --data images --batch 20 --steps 2 --threads 1 --out nice");
    folder.refuses("inversion-error nice", &["nice has only one inverse", "mint-net"]);
    folder.refuses("inversion-error run --out there.png", &[".svg"]);
}

#[test]
fn unsupported_options_are_refused() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.refuses("train mint-net --data images --layers 3 --out run", &["mint-net has no --layers", "leave it out"]);
    folder.refuses("train mint-net --data images --conditional --out run", &["mint-net takes no classes"]);
    folder.refuses("train mint-net --data speech --out run", &["mint-net is not a model of signals", "wavenet"]);
    assert!(!folder.exists("run"));
}
