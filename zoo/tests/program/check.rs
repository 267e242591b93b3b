//! `zoo check`: sound models have small errors, and an unsound one fails.

use crate::folder::{Folder, assert_one_line, texts};
use crate::formats::bytes;
use crate::made::{csv, image_folder, rescaled, rows};

#[test]
fn trained_models_pass() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.write("table.csv", csv(&rescaled(&rows(200, 3), &[100.0, 1.0, 0.01], &[900.0, 0.0, 1.0]), 3));
    for (data, dims, samples) in [("two-moons", 2, 7), ("bars", 16, 7), ("table.csv", 3, 7)] {
        folder.run(&format!("{} --data {data} --steps 30 --out {data}-run", crate::folder::TRAIN));
        let found = folder.json(&format!("check {data}-run --samples {samples} --json --threads 1"));
        assert_eq!((&found["model"], &found["data"]), (&"nice".into(), &data.into()));
        assert_eq!((&found["samples"], &found["dims"]), (&samples.into(), &dims.into()));
        assert_eq!(found["sound"], true);
        for (key, tolerance) in [
            ("round_trip_x", 1e-9),
            ("round_trip_z", 1e-9),
            ("log_det_cancel_x", 1e-9),
            ("log_det_cancel_z", 1e-9),
            ("log_det_to_latent", 1e-6 * f64::from(dims)),
            ("log_det_to_data", 1e-6 * f64::from(dims)),
        ] {
            let error = found[key].as_f64().unwrap_or_else(|| panic!("no {key} in {found}"));
            assert!((0.0..=tolerance).contains(&error), "{data}: {key} is {error:e}");
        }
    }
    let text = folder.run("check two-moons-run --samples 3 --threads 1");
    assert!(text.contains("nice in f64"), "{text}");
}

#[test]
fn a_model_that_loses_all_digits_fails() {
    let folder = Folder::trained_on("two-moons");
    let mut model = folder.safetensors("run/model.safetensors");
    // Adding and subtracting a shift of 10³⁰ rounds every value away.
    let name = model.tensors.keys().rfind(|name| name.ends_with("bias")).unwrap().clone();
    let stored = model.tensors.get_mut(&name).unwrap();
    stored.bytes = bytes(&vec![1e30; stored.bytes.len() / 4]);
    folder.write("unsound.safetensors", model.write());
    let output = folder.under(":", "check unsound.safetensors --json --threads 1");
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert_one_line(&err, &["unsound.safetensors is not sound", "use an earlier checkpoint"]);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["sound"], false);
    assert!(found["round_trip_x"].as_f64().unwrap() > 1e-3, "{found}");
}

#[test]
fn rows_to_check_must_fit_the_model() {
    let folder = Folder::trained_on("two-moons");
    folder.write("three.csv", csv(&rows(100, 3), 3));
    folder.refuses("check run --data three.csv --threads 1", &["three.csv has rows of 3 numbers", "give --data"]);
    folder.misuses("check run --samples 0", &["--samples"]);
}
