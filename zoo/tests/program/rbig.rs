//! RBIG and the Gaussianization flow: fitting, training, plots, and what is refused.

use crate::folder::{Folder, assert_one_line, texts};
use crate::formats::{npy_of, parse_npy, png_size};
use crate::made::{csv, image_folder, pictures, rows};

/// A table of 600 rows of three correlated columns.
fn table() -> Folder {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(600, 3), 3));
    folder
}

/// Runs every command that takes a model of a table or of points.
#[track_caller]
fn assert_usable(folder: &Folder, run: &str, columns: usize) {
    let check = folder.json(&format!("check {run} --samples 10 --jacobians 2 --threads 1 --json"));
    assert_eq!(check["sound"], true, "{check}");
    folder.json(&format!("evaluate {run} --threads 1 --json"))["nats"].as_f64().unwrap();
    folder.run(&format!("sample {run} --grid 5x4 --npy x.npy --threads 1"));
    let (shape, x) = parse_npy(&folder.read("x.npy"));
    assert_eq!(shape, [20, columns]);
    folder.run(&format!("encode {run} --input x.npy --output z.npy --threads 1"));
    folder.run(&format!("decode {run} --input z.npy --output back.npy --threads 1"));
    let (_, back) = parse_npy(&folder.read("back.npy"));
    assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3), "{x:?}\n{back:?}");
}

#[test]
fn both_learn_a_table_and_pass_the_check() {
    let folder = table();
    folder.run("train nice --preset quick --data table.csv --batch 50 --threads 1 --steps 1 --out start");
    let start = folder.json("evaluate start --threads 1 --json")["nats"].as_f64().unwrap();
    let said = folder.run("train rbig --preset quick --data table.csv --threads 1 --out rbig");
    assert!(
        said.starts_with("fitted ") && said.contains("total correlation ") && said.contains("saved in rbig"),
        "{said}"
    );
    let trained = "--preset quick --data table.csv --batch 100 --layers 3 --kernels 10 --threads 1";
    folder.run(&format!("train gaussianization {trained} --steps 60 --out flow"));
    for run in ["rbig", "flow"] {
        assert_usable(&folder, run, 3);
        let nats = folder.json(&format!("evaluate {run} --threads 1 --json"))["nats"].as_f64().unwrap();
        assert!(nats > start + 0.3, "{run}: {nats} after {start}");
    }
    let config = |run: &str| folder.safetensors(&format!("{run}/model.safetensors")).metadata["config"].clone();
    assert!(
        config("flow").contains("\"kernels\":10") && config("flow").contains("\"reflections\":3"),
        "{}",
        config("flow")
    );
    assert!(config("rbig").contains("\"axes\":\"independent\""), "{}", config("rbig"));
}

#[test]
fn rbig_takes_any_axes_and_marginals_and_its_seed_decides() {
    let folder = Folder::new();
    for (i, options) in
        ["--rotation ica", "--rotation random --bins 20", "--rotation pca --marginals kernels --kernels 50"]
            .iter()
            .enumerate()
    {
        let line = format!("train rbig --data two-moons --layers 4 --batch 500 {options} --threads 1 --seed 3 --out");
        folder.run(&format!("{line} run-{i}"));
        assert_usable(&folder, &format!("run-{i}"), 2);
        folder.run(&format!("{line} again"));
        let [first, again] =
            [format!("run-{i}"), "again".to_owned()].map(|run| folder.safetensors(&format!("{run}/model.safetensors")));
        assert_eq!(first.shapes(), again.shapes());
        assert!(first.tensors.iter().all(|(name, tensor)| again.tensors[name] == *tensor), "{options}");
        std::fs::remove_dir_all(folder.path("again")).unwrap();
    }
    // Plotted like any model of 2D data.
    folder.run("density run-0 --resolution 20 --out . --threads 1");
    folder.run("latents run-0 run-1 --rows 200 --out latents.png --threads 1");
}

#[test]
fn images_are_fitted_and_trained_behind_a_logit() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.run("train rbig --preset quick --data images --layers 3 --threads 1 --out rbig");
    folder.run("train gaussianization --preset quick --data images --layers 2 --kernels 5 --batch 20 --steps 5 --threads 1 --out flow");
    for run in ["rbig", "flow"] {
        let score = folder.json(&format!("evaluate {run} --threads 1 --json"));
        assert!(score["bits_per_dim"].as_f64().unwrap() < 12.0 && score["logit_nats"].is_f64(), "{score}");
        let check = folder.json(&format!("check {run} --samples 5 --jacobians 0 --threads 1 --json"));
        assert_eq!(check["sound"], true, "{check}");
        folder.run(&format!("sample {run} --grid 3x2 --out {run}.png --threads 1"));
    }
    let config = folder.safetensors("flow/model.safetensors").metadata["config"].clone();
    assert!(config.contains("\"side\":4"), "{config}");
}

#[test]
fn a_resumed_gaussianization_flow_keeps_its_kernels() {
    let folder = table();
    let line = "train gaussianization --preset quick --data table.csv --batch 100 --layers 2 --kernels 10 --threads 1";
    folder.run(&format!("{line} --steps 10 --out run"));
    let kernels = || {
        let training = folder.safetensors("run/training.safetensors");
        assert_eq!(training.tensors["model.layers.1.layers.0.started"].values(), [1.0]);
        training.tensors["model.layers.1.layers.0.locations"].values()
    };
    let before = kernels();
    folder.run("train gaussianization --resume --steps 12 --threads 1 --out run");
    // Two more steps, each of about the learning rate.
    let moved = kernels().iter().zip(&before).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(moved > 0.0 && moved < 0.05, "{moved}");
}

#[test]
fn gaussianize_prints_its_layers_and_draws_them() {
    let folder = table();
    for (data, columns, options) in [("two-moons", 2, "--layers 5 --rows 800"), ("table.csv", 3, "--rotation ica")] {
        let said = folder.run(&format!("gaussianize {data} {options} --threads 1 --out run-{columns}"));
        let lines: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with(char::is_numeric)).collect();
        for (i, line) in lines.iter().enumerate() {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells.len(), cells[0]), (6, &*(i + 1).to_string()), "{line}");
            // The same value as in the log, where less is better.
            let logged = folder.log(&format!("run-{columns}"))[i]["validation"].as_f64().unwrap();
            assert!((cells[5].parse::<f64>().unwrap() - logged).abs() < 1e-3, "{line}: {logged}");
        }
        assert!(said.contains("−log p(x) of validation rows, nats"), "{said}");
        assert!(lines.len() > 1 && said.contains("nats in five layers may be chance"), "{said}");
        assert!(said.contains("fitted ") && said.contains("on the test rows of"), "{said}");
        for name in ["inverse-cdf.png", "layers.png", "sampling.png", "quantiles.png"] {
            assert!(said.contains(name), "{said}");
            assert!(png_size(&folder.read(&format!("run-{columns}/{name}"))).0 > 300);
        }
        assert_usable(&folder, &format!("run-{columns}"), columns);
    }
}

#[test]
fn one_column_needs_one_layer_and_has_no_plots_of_planes() {
    let folder = Folder::new();
    folder.write("one.csv", csv(&rows(300, 1), 1));
    let said = folder.run("gaussianize one.csv --threads 1 --out run");
    assert!(
        said.contains("fitted 1 layer (") && said.contains("inverse-cdf.png") && !said.contains("sampling.png"),
        "{said}"
    );
    assert!(
        folder.exists("run/inverse-cdf.png") && folder.exists("run/quantiles.png") && !folder.exists("run/layers.png")
    );
    assert_usable(&folder, "run", 1);
    let line = "train gaussianization --preset quick --data one.csv --batch 50 --steps 5 --threads 1 --out flow";
    folder.run(line);
    assert_usable(&folder, "flow", 1);
}

#[test]
fn what_cannot_be_fitted_is_refused_in_a_line() {
    let folder = table();
    image_folder(&folder, "images", 4, false);
    folder.write("one-row.csv", "a,b\n1,2\n");
    folder.write("nan.csv", csv(&rows(100, 2), 2).replacen('\n', "\nnan,1\n", 1));
    let flat: Vec<f32> = rows(100, 2).chunks_exact(2).flat_map(|row| [row[0], 7.0]).collect();
    folder.write("flat.csv", csv(&flat, 2));
    for command in ["gaussianize", "train rbig --data"] {
        let refuses =
            |rest: &str, parts: &[&str]| folder.refuses(&format!("{command} {rest} --threads 1 --out new"), parts);
        refuses("one-row.csv", &["one-row.csv", "rows"]);
        refuses("nan.csv", &["nan.csv"]);
        refuses("flat.csv", &["flat.csv", "column 2"]);
        refuses("nowhere.csv", &["nowhere.csv"]);
        refuses("table.csv --kernels 100000", &["table.csv", "needs at least 100000 rows"]);
        refuses("table.csv --kernels 10 --bins 10", &["--bins", "--kernels"]);
        refuses("table.csv --marginals histogram --kernels 10", &["a histogram has no kernels"]);
    }
    folder.refuses("gaussianize images --out new", &["images", "zoo train rbig"]);
    folder.refuses("gaussianize table.csv --rows 100000 --out new", &["a batch of 100000 does not fit"]);
    folder.misuses("gaussianize table.csv --layers 0", &["between 1 and 1000"]);
    folder.misuses("gaussianize table.csv --rotation up", &["--rotation: \"up\" is not one of "]);
    folder.refuses("train rbig --data table.csv --steps 5 --out new", &["without gradients", "--steps"]);
    folder.refuses("train rbig --data table.csv --resume --out new", &["no training to resume"]);
    folder.refuses("train rbig --data images --conditional --out new", &["rbig takes no classes", "--conditional"]);
    folder.refuses(
        "train rbig --data table.csv --reflections 3 --out new",
        &["rbig has no --reflections", "gaussianization"],
    );
    folder.refuses("train nice --data table.csv --rotation pca --out new", &["nice has no --rotation", "rbig"]);
    folder.refuses("train nice --data table.csv --marginals histogram --out new", &["nice has no --marginals", "rbig"]);
    folder.refuses(
        "train gaussianization --data table.csv --bins 9 --out new",
        &["gaussianization has no --bins", "rbig"],
    );
}

#[test]
fn linearly_dependent_columns_are_named() {
    let folder = Folder::new();
    let twice: Vec<f32> = rows(200, 1).iter().flat_map(|&x| [x, 2.0 * x]).collect();
    folder.write("twice.csv", csv(&twice, 2));
    let output = folder.command("gaussianize twice.csv --threads 1 --out new").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("twice.csv") && said.contains("some columns follow from the others"), "{said}");
}

#[test]
fn a_used_folder_is_refused() {
    let folder = table();
    folder.run("gaussianize table.csv --layers 2 --threads 1 --out run");
    folder.refuses("gaussianize table.csv --out run", &["run already holds a run", "--out"]);
    folder.refuses("train rbig --data table.csv --out run", &["run already holds a run", "--out"]);
}

#[test]
fn few_images_are_fitted_as_far_as_they_go_or_refused_in_a_line() {
    let folder = Folder::new();
    for (count, flat) in [(10, 0), (20, 0), (30, 0), (30, 4), (50, 8)] {
        let mut pixels = pictures(count, 4);
        // The first pixels of every image are black.
        pixels.chunks_exact_mut(16).for_each(|image| image[..flat].fill(0));
        folder.write("x.npy", npy_of("|u1", &format!("{count}, 4, 4"), &pixels));
        let out = format!("run-{count}-{flat}");
        let output = folder.command(&format!("train rbig --data x.npy --out {out} --threads 1")).output().unwrap();
        let (said, err) = texts(&output);
        assert!(!format!("{said}{err}").contains("NaN"), "{count}: {said}{err}");
        if count < 30 {
            assert_eq!(output.status.code(), Some(1), "{count}: {said}{err}");
            assert_one_line(&err, &["x.npy", "at least 3 held-out rows", "give more data"]);
            assert!(!folder.exists(&out));
        } else {
            assert!(output.status.success(), "{count}: {err}");
            assert!(count > 30 || !said.contains("inf"), "{said}");
        }
    }
}
