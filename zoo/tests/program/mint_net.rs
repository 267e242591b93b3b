//! `MintNet`: images that can and cannot be halved, rows, and trainings that go on to the same bits.

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
        // The logit's other side is [0, 1], but for what λ leaves beyond it.
        assert!(values.iter().all(|x| (-1e-5..=1.00001).contains(x)), "{values:?}");
    }
}

#[test]
fn a_killed_training_goes_on_to_the_same_bits() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    let line = |out: &str| format!("{IMAGES} --data images --steps 80 --out {out}");
    folder.run(&line("whole"));
    let mut running = folder.begin(&format!("{} --save-every 1e-9", line("cut")));
    folder.wait_for(&mut running, "cut", 30, true);
    assert_eq!(running.kill().code(), None, "the training had ended before it was to be cut off");
    folder.run("train mint-net --resume --out cut --threads 1");
    let [whole, cut] = ["whole", "cut"].map(|run| folder.safetensors(&format!("{run}/training.safetensors")));
    assert!(whole.shapes().keys().any(|tensor| tensor.ends_with(".vmax")), "no AMSGrad");
    for (tensor, stored) in &whole.tensors {
        assert!(cut.tensors[tensor] == *stored, "{tensor} differs");
    }
}

#[test]
fn rows_are_images_of_one_place() {
    let folder = Folder::new();
    folder.run("train mint-net --preset quick --data banana --steps 200 --batch 100 --threads 1 --out run");
    let check = folder.json("check run --samples 20 --jacobians 3 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
    folder.run("density run --resolution 20 --threads 1");
}

#[test]
fn what_it_has_not_is_refused() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.refuses("train mint-net --data images --layers 3 --out run", &["mint-net's layers", "--layers"]);
    folder.refuses("train mint-net --data images --conditional --out run", &["mint-net knows no classes"]);
    folder.refuses("train mint-net --data speech --out run", &["mint-net is no model of signals", "wavenet"]);
    assert!(!folder.exists("run"));
}
