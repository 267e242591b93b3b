//! Models standardize tables themselves, so their density is in the data's own units.

use crate::folder::Folder;
use crate::formats::parse_npy;
use crate::made::{csv, rescaled, rows};

fn log_probs(folder: &Folder, run: &str, columns: usize, values: &[f32]) -> Vec<f32> {
    folder.write_npy("x.npy", &[values.len() / columns, columns], values);
    folder.run(&format!("logprob {run} --input x.npy --output l.npy --threads 2"));
    parse_npy(&folder.read("l.npy")).1
}

fn train(folder: &Folder, name: &str, columns: usize, values: &[f32]) {
    folder.write(&format!("{name}.csv"), csv(values, columns));
    let line = format!("train nice --preset quick --batch 24 --threads 1 --steps 40 --data {name}.csv --out {name}");
    folder.run(&line);
}

/// Scaling a column by c changes log p by −log c. Powers of two cause no rounding, so
/// both trainings see the same standardized rows and end with the same weights.
#[test]
fn a_change_of_units_shifts_the_log_density() {
    let (folder, scales) = (Folder::new(), [8.0, 0.25, 1024.0]);
    let values = rows(200, 3);
    let other = rescaled(&values, &scales, &[0.0; 3]);
    train(&folder, "metres", 3, &values);
    train(&folder, "others", 3, &other);

    let [metres, others] = ["metres", "others"].map(|run| folder.safetensors(&format!("{run}/model.safetensors")));
    let differ: Vec<&str> = metres
        .tensors
        .keys()
        .filter(|name| metres.tensors[*name] != others.tensors[*name])
        .map(String::as_str)
        .collect();
    assert_eq!(differ, ["layers.0.mean", "layers.0.mean_low", "layers.0.std", "layers.0.std_low"]);

    let moved = -scales.iter().map(|scale| scale.ln()).sum::<f32>();
    let a = log_probs(&folder, "metres", 3, &values);
    let b = log_probs(&folder, "others", 3, &other);
    for (a, b) in a.iter().zip(&b) {
        assert!((a + moved - b).abs() < 1e-4, "{a} should become {} and is {b}", a + moved);
    }
    // The reported values are in these units, too.
    let nats = |run: &str| folder.json(&format!("evaluate {run} --json --threads 1"))["nats"].as_f64().unwrap();
    assert!((nats("metres") + f64::from(moved) - nats("others")).abs() < 1e-4);
}

#[test]
fn the_checkpoint_stores_the_statistics_of_the_training_rows() {
    let folder = Folder::new();
    let values = rescaled(&rows(300, 2), &[100.0, 0.01], &[5000.0, 0.0]);
    train(&folder, "table", 2, &values);
    let model = folder.safetensors("table/model.safetensors");
    let [mean, std] = ["mean", "std"].map(|name| model.tensors[&format!("layers.0.{name}")].values());
    for column in 0..2 {
        // These are statistics of all rows; those of the training rows differ slightly.
        let along = || values.iter().skip(column).step_by(2).map(|&x| f64::from(x));
        let all = along().sum::<f64>() / 300.0;
        let spread = (along().map(|x| (x - all).powi(2)).sum::<f64>() / 300.0).sqrt();
        assert!((f64::from(mean[column]) - all).abs() < 0.15 * spread);
        assert!((f64::from(std[column]) / spread - 1.0).abs() < 0.15);
        assert!(f64::from(std[column]) != spread, "measured on more than the training rows");
    }
}

#[test]
fn the_density_of_a_table_integrates_to_one() {
    const SIDE: usize = 240;
    let folder = Folder::new();
    let (scales, offsets) = ([100.0, 0.01], [5000.0, 0.25]);
    train(&folder, "table", 2, &rescaled(&rows(300, 2), &scales, &offsets));
    // Twelve units to each side: the rest of a logistic is below the tolerance.
    let step = 24.0 / SIDE as f32;
    let at = |i: usize, axis: usize| ((i as f32 + 0.5) * step - 12.0) * scales[axis] + offsets[axis];
    let grid: Vec<f32> = (0..SIDE * SIDE).flat_map(|i| [at(i % SIDE, 0), at(i / SIDE, 1)]).collect();
    let logs = log_probs(&folder, "table", 2, &grid);
    let cell = f64::from(step * scales[0]) * f64::from(step * scales[1]);
    let mass = logs.iter().map(|&l| f64::from(l).exp()).sum::<f64>() * cell;
    assert!((mass - 1.0).abs() < 5e-3, "the density has the mass {mass}");
}
