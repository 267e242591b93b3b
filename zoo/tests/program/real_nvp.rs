//! `RealNVP`: images of sizes that can and cannot be halved, and batch statistics in checkpoints.

use crate::folder::Folder;
use crate::formats::{parse_npy, png_size};
use crate::made::{image_folder, labeled_folder};

const IMAGES: &str = "train real-nvp --preset quick --batch 10 --threads 1";

#[test]
fn images_of_any_size_train_sample_and_invert() {
    let folder = Folder::new();
    // Squeezed twice, once, and not at all.
    for (side, squeezes) in [(4, 2), (6, 1), (5, 0)] {
        let (data, run) = (format!("images-{side}"), format!("run-{side}"));
        image_folder(&folder, &data, side, false);
        folder.run(&format!("{IMAGES} --data {data} --steps 4 --out {run}"));
        let config = folder.safetensors(&format!("{run}/model.safetensors")).metadata["config"].clone();
        assert!(config.contains(&format!("\"squeezes\":{squeezes}")), "{config}");
        let check = folder.json(&format!("check {run} --samples 3 --jacobians 1 --threads 1 --json"));
        assert_eq!(check["sound"], true, "{check}");
        assert!(check["log_det_to_latent"].as_f64().unwrap() < 1e-6, "{check}");
        folder.run(&format!("sample {run} --grid 3x2 --npy s.npy --threads 1"));
        let (shape, values) = parse_npy(&folder.read("s.npy"));
        assert_eq!(shape, [6, side * side]);
        // The inverse of the logit maps into [0, 1], except for a margin of λ.
        assert!(values.iter().all(|x| (-0.1..=1.1).contains(x)), "{values:?}");
        folder.run(&format!("interpolate {run} --size 3 --threads 1"));
    }
}

#[test]
fn a_killed_training_of_images_resumes_to_the_same_bits() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    let line = |out: &str| format!("{IMAGES} --data images --steps 150 --out {out}");
    folder.run(&line("whole"));
    let mut running = folder.begin(&format!("{} --save-every 1e-9", line("cut")));
    folder.wait_for(&mut running, "cut", 50, true);
    assert_eq!(running.kill().code(), None, "the training ended before it could be killed");
    folder.run("train real-nvp --resume --out cut --threads 1");
    for name in ["model.safetensors", "training.safetensors"] {
        let [whole, cut] = ["whole", "cut"].map(|run| folder.safetensors(&format!("{run}/{name}")));
        assert_eq!(whole.shapes(), cut.shapes());
        assert!(whole.shapes().keys().any(|tensor| tensor.ends_with("started")), "{name}");
        for (tensor, stored) in &whole.tensors {
            assert!(cut.tensors[tensor] == *stored, "{name}: {tensor} differs");
        }
    }
}

#[test]
fn a_class_conditional_real_nvp_uses_the_classes() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 4);
    folder.run(&format!("{IMAGES} --data bars --conditional --steps 5 --out run"));
    let said = folder.run("sample run --class 2 --threads 1 --grid 4x4");
    assert!(said.contains("16 samples of class 2"), "{said}");
    assert!(png_size(&folder.read("run/samples.png")).0 > 10);
    let params = folder.run("list --params run");
    assert!(params.contains(".condition.weight"), "{params}");
    folder.refuses("sample run --class 4 --threads 1", &["class"]);
}

#[test]
fn batch_statistics_come_from_the_data_and_are_saved() {
    let folder = Folder::new();
    folder.run("train real-nvp --preset paper --data two-moons --steps 5 --batch 64 --threads 1 --out run");
    let model = folder.safetensors("run/model.safetensors");
    let statistics: Vec<_> = model.tensors.iter().filter(|(name, _)| name.ends_with("variance")).collect();
    assert_eq!(statistics.len(), 8, "one layer of batch statistics a coupling");
    for (name, tensor) in statistics {
        // Each coupling changes one of the two columns; the other has no statistics.
        let collected = tensor.values().iter().filter(|&&v| v > 0.0 && v != 1.0).count();
        assert_eq!(collected, 1, "{name}: {:?}", tensor.values());
    }
    // Evaluation and its inverse use the statistics that were kept.
    let check = folder.json("check run --samples 50 --jacobians 5 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
    folder.run("density run --resolution 50 --threads 1");
}

#[test]
fn another_models_training_is_not_resumed() {
    let folder = Folder::new();
    folder.run("train real-nvp --preset quick --data banana --steps 3 --batch 20 --threads 1 --out run");
    folder.refuses(
        "train nice --resume --out run --threads 1",
        &["run holds a training of real-nvp, not of nice", "choose another --out"],
    );
}
