//! `zoo train`: the contents of a run folder, and their dependence on the seed.

use crate::folder::{Folder, TRAIN};
use crate::formats::png_size;
use crate::made::{csv, image_folder, rows};

/// Checks all files of a training on images or points.
fn assert_whole(folder: &Folder, model: &str) {
    for name in ["run/model.safetensors", "run/training.safetensors"] {
        let file = folder.safetensors(name);
        for key in ["format", "model", "config", "data", "step", "seed"] {
            assert!(file.metadata.contains_key(key), "{name} lacks {key}");
        }
        assert_eq!(file.metadata["model"], model);
        serde_json::from_str::<serde_json::Value>(&file.metadata["config"]).unwrap();
        file.metadata["step"].parse::<u64>().unwrap();
        for (tensor, stored) in &file.tensors {
            assert_eq!(stored.dtype, "F32", "{tensor}");
            assert!(stored.values().iter().all(|x| x.is_finite()), "{tensor}");
        }
    }
    let weights = folder.safetensors("run/model.safetensors").shapes();
    let training = folder.safetensors("run/training.safetensors").shapes();
    for (name, shape) in &weights {
        assert_eq!(training.get(&format!("model.{name}")), Some(shape), "{name}");
    }
    let svg = String::from_utf8(folder.read("run/curve.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.contains("validation"));
}

#[test]
fn training_on_a_toy_writes_a_run_folder() {
    let folder = Folder::new();
    let said = folder.run(&format!("{TRAIN} --data two-moons --steps 120 --seed 9 --out run"));
    assert!(said.contains("trained 120 steps") && said.contains("saved in run"), "{said}");
    assert_whole(&folder, "nice");
    let model = folder.safetensors("run/model.safetensors");
    assert_eq!([&model.metadata["seed"], &model.metadata["data"], &model.metadata["step"]], ["9", "two-moons", "120"]);
    assert_eq!(png_size(&folder.read("run/grids/epoch-0001.png")), (496, 496));
    // With training losses in the log, the curve shows them.
    assert!(String::from_utf8(folder.read("run/curve.svg")).unwrap().contains("training"));

    let log = folder.log("run");
    let steps = |key: &str| -> Vec<u64> {
        log.iter().filter(|line| line[key].is_f64()).map(|line| line["step"].as_u64().unwrap()).collect()
    };
    assert_eq!(steps("train"), [50, 100]);
    assert_eq!(steps("lr"), [50, 100]);
    assert_eq!(steps("validation"), [120]);
    assert!(log.iter().all(|line| line["seconds"].as_f64().unwrap() > 0.0 && line["epoch"].is_f64()));
}

#[test]
fn training_improves_the_loss() {
    let folder = Folder::new();
    let mut nats = Vec::new();
    for steps in [1, 400] {
        folder.run(&format!("{TRAIN} --data two-moons --steps {steps} --out after-{steps}"));
        nats.push(folder.json(&format!("evaluate after-{steps} --json --threads 1"))["nats"].as_f64().unwrap());
    }
    assert!(nats[1] > nats[0] + 0.2, "{nats:?}");
}

#[test]
fn image_folders_are_read_plain_and_gzipped() {
    for packed in [false, true] {
        let folder = Folder::new();
        image_folder(&folder, "bars", 4, packed);
        folder.train("--data bars --epochs 2.5");
        assert_whole(&folder, "nice");
        // 90 of the 100 images are training images: three and a half batches an epoch.
        let epochs = ["0001", "0002", "0003"].map(|epoch| folder.exists(&format!("run/grids/epoch-{epoch}.png")));
        assert_eq!(epochs, [true; 3]);
        assert_eq!(png_size(&folder.read("run/grids/epoch-0001.png")), (662, 662));
        assert_eq!(folder.log("run").last().unwrap()["step"], 8);
        let config = &folder.safetensors("run/model.safetensors").metadata["config"];
        let config: serde_json::Value = serde_json::from_str(config).unwrap();
        assert_eq!(config["space"], serde_json::json!({ "kind": "images", "channels": 1, "height": 4, "width": 4 }));
    }
}

#[test]
fn only_tables_of_two_columns_have_pictures() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(100, 3), 3));
    folder.train("--data table.csv --steps 12");
    assert_whole(&folder, "nice");
    let pictures = folder.contents().into_keys().filter(|path| path.extension().is_some_and(|end| end == "png"));
    assert_eq!(pictures.count(), 0);
}

#[test]
fn results_depend_on_the_seed_alone() {
    let folder = Folder::new();
    let train = |out: &str, seed: u64, threads: usize| {
        let line = format!("train nice --preset quick --batch 40 --data pinwheel --steps 25 --seed {seed}");
        folder.run(&format!("{line} --threads {threads} --out {out}"));
        folder.safetensors(&format!("{out}/model.safetensors")).tensors
    };
    let first = train("a", 3, 2);
    assert!(first == train("b", 3, 2));
    assert!(first != train("c", 4, 2));
}

#[test]
fn a_run_folder_is_named_after_model_and_data() {
    let folder = Folder::new();
    folder.run(&format!("{TRAIN} --data circles --steps 2"));
    assert!(folder.exists("runs/nice-circles/model.safetensors"));
    folder.write("some/my table.csv", csv(&rows(60, 2), 2));
    let mut command = folder.command(&format!("{TRAIN} --steps 2 --data"));
    assert!(command.arg("some/my table.csv").output().unwrap().status.success());
    assert!(folder.exists("runs/nice-my-table/model.safetensors"));
}

#[test]
fn a_diverging_loss_is_explained_in_one_line() {
    let folder = Folder::new();
    let wild = format!("{TRAIN} --data two-moons --steps 100 --out run");
    let output = folder.under(":", &format!("{wild} --lr 1e30"));
    let (out, err) = crate::folder::texts(&output);
    assert_eq!((output.status.code(), &*out), (Some(1), ""));
    let last = err.lines().last().unwrap_or_default();
    crate::folder::assert_one_line(last, &["no longer finite at step", "start again with a smaller --lr"]);
    // The loss of a single step is finite, but not that of the weights after it.
    let output = folder.under(":", &format!("{TRAIN} --data two-moons --steps 1 --out run --lr 1e30"));
    let last = crate::folder::texts(&output).1.lines().last().unwrap_or_default().to_owned();
    assert_eq!(output.status.code(), Some(1));
    crate::folder::assert_one_line(&last, &["validation loss is not finite after step 1", "smaller --lr"]);
    // Nothing was saved, so another training may use the folder.
    folder.refuses(&format!("{wild} --resume"), &["run holds no training to resume"]);
    folder.run(&wild);
    // Now there is a save to resume from.
    let output = folder.under(":", "train nice --out run --resume --steps 200 --lr 1e30");
    let last = crate::folder::texts(&output).1.lines().last().unwrap_or_default().to_owned();
    crate::folder::assert_one_line(&last, &["resume from the last save with --resume and a smaller --lr"]);
    folder.run("train nice --out run --resume --steps 200 --threads 1");
}

#[test]
fn a_training_starts_from_given_weights() {
    let folder = Folder::trained_on("two-moons");
    let line = format!("{TRAIN} --from run --steps 10 --out next");
    let output = folder.command(&line).output().unwrap();
    let (out, err) = crate::folder::texts(&output);
    assert!(output.status.success() && out.contains("trained 10 steps"), "{out}{err}");
    assert!(err.lines().next().unwrap().contains("from the weights in run/model.safetensors"), "{err}");
    // Ten steps of a warm-up move the weights a little, and not from a random start.
    let [start, end] = ["run", "next"].map(|run| folder.safetensors(&format!("{run}/model.safetensors")));
    let distance = |a: &crate::formats::Safetensors, b: &crate::formats::Safetensors| {
        let both =
            a.tensors.iter().flat_map(|(name, tensor)| tensor.values().into_iter().zip(b.tensors[name].values()));
        both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let moved = distance(&start, &end);
    assert!(moved > 0.0 && moved < 0.01, "{moved}");
    assert_eq!(end.metadata["data"], "two-moons");
    let log = folder.log("next");
    assert_eq!((&log[0]["from"], &log[0]["step"]), (&"run/model.safetensors".into(), &0.into()));
    folder.run("train nice --resume --steps 12 --threads 1 --out next");
    assert_eq!(folder.log("next")[0], log[0]);

    let refuses = |model: &str, rest: &str, parts: &[&str]| {
        folder.refuses(&format!("train {model} --preset quick --from run --threads 1 --out new {rest}"), parts);
    };
    refuses("maf", "", &["run has the weights of nice, not of maf"]);
    refuses("rbig", "", &["rbig is fitted from the start", "leave out --from"]);
    refuses("nice", "--layers 3", &["run has weights of other sizes", "leave out --layers"]);
    folder.write("table.csv", csv(&rows(100, 3), 3));
    refuses("nice", "--data table.csv", &["weights for rows of 2 numbers", "table.csv has rows of 3 numbers"]);
    folder.refuses("train nice --from nowhere --out new", &["there is no run nowhere"]);
    folder.refuses("train nice --from run/training.safetensors --out new", &["give the run folder"]);
    folder.misuses("train nice --from run --resume --out next", &["cannot be used with"]);
}

#[test]
fn the_help_of_a_model_shows_only_its_options() {
    let folder = Folder::new();
    let help = folder.run("train --help");
    for model in ["nice", "maf", "vae"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(model)), "{model} is not in\n{help}");
    }
    assert!(help.contains("zoo train MODEL --help") && !help.contains("--components"), "{help}");
    let maf = folder.run("train maf --help");
    for option in ["--components", "--order", "--layers", "--batch", "Example: zoo train maf"] {
        assert!(maf.contains(option), "{option} is not in\n{maf}");
    }
    for option in ["--latents", "--gated", "--rotation"] {
        assert!(!maf.contains(option), "{option} is in\n{maf}");
    }
    let rbig = folder.run("train rbig --help");
    assert!(rbig.contains("--rotation") && !rbig.contains("--lr") && !rbig.contains("--conditional"), "{rbig}");
    assert!(!folder.run("distill --help").contains("--components"));
}
