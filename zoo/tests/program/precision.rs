//! Tables with more digits than f32 has: what is read, measured, modeled and written keeps them.

use crate::folder::{Folder, TRAIN, assert_one_line, texts};
use crate::formats::{bytes, npy_of, parse_npy_f64};
use crate::made::Numbers;
use std::collections::BTreeSet;

/// The entropy of a standard normal, in nats.
const NORMAL: f64 = 1.418_938_533_204_672_7;

/// Rows of a table, each cell by its own rule.
fn table(count: usize, columns: &[fn(&mut Numbers) -> f64]) -> Vec<f64> {
    let mut numbers = Numbers::new(5);
    (0..count).flat_map(|_| columns.iter().map(|cell| cell(&mut numbers)).collect::<Vec<_>>()).collect()
}

/// With all digits of each cell.
fn csv(values: &[f64], columns: usize) -> String {
    let lines = values.chunks_exact(columns).map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
    lines.map(|line| line + "\n").collect()
}

fn write_npy(folder: &Folder, name: &str, values: &[f64], columns: usize) {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.write(name, npy_of("<f8", &format!("{}, {columns}", values.len() / columns), &data));
}

fn normal(numbers: &mut Numbers) -> f64 {
    f64::from(numbers.normal())
}

#[test]
fn densities_of_offset_tiny_and_huge_columns_are_those_of_closed_forms() {
    let folder = Folder::new();
    let columns: [fn(&mut Numbers) -> f64; 4] = [
        |numbers| 1.7e9 + (500.0 * f64::from(numbers.unit())).floor(),
        |numbers| 1e6 + 0.01 * normal(numbers),
        |numbers| 1e30 * normal(numbers),
        |numbers| 1e-30 * normal(numbers),
    ];
    folder.write("t.csv", csv(&table(5000, &columns), 4));
    let said = folder.run("train rbig --preset quick --data t.csv --out run --threads 1");
    let fall = said.split("total correlation by ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(fall.parse::<f64>().unwrap().abs() < 0.2, "independent columns: {said}");
    let found = folder.json("evaluate run --json --threads 1");
    let expected = -(500f64.ln() + 0.01f64.ln() + 3.0 * NORMAL);
    let (nats, error) = (found["nats"].as_f64().unwrap(), found["nats_error"].as_f64().unwrap());
    assert!((nats - expected).abs() < 0.15 + 4.0 * error, "{nats} ± {error}, not {expected}");
}

/// The density of other data is in the units of the data that a model was trained on, and a shift and a scale change it
/// by the logarithm of the scale alone.
#[test]
fn the_same_data_in_other_units_have_the_same_model() {
    let folder = Folder::new();
    let plain = table(300, &[normal, normal, normal]);
    let units = [(3600.0, 1.7e9), (1e-30, 0.0), (0.01, 1e6)];
    let other: Vec<f64> = plain.iter().enumerate().map(|(i, x)| units[i % 3].0 * x + units[i % 3].1).collect();
    let mut found = Vec::new();
    for (name, values) in [("plain", &plain), ("other", &other)] {
        folder.write(&format!("{name}.csv"), csv(values, 3));
        folder.run(&format!("{TRAIN} --data {name}.csv --steps 30 --out {name}"));
        write_npy(&folder, "x.npy", values, 3);
        folder.run(&format!("logprob {name} --input x.npy --output l.npy --threads 1"));
        found.push(parse_npy_f64(&folder.read("l.npy")).1);
    }
    let moved: f64 = units.iter().map(|(scale, _): &(f64, f64)| -scale.ln()).sum();
    for (a, b) in found[0].iter().zip(&found[1]) {
        assert!((a + moved - b).abs() < 3e-5, "{a} should become {} and is {b}", a + moved);
    }
    let nats = |line: &str| folder.json(&format!("evaluate {line} --json --threads 1"))["nats"].as_f64().unwrap();
    assert!((nats("plain") + moved - nats("other")).abs() < 3e-5);
    folder.write("moved.csv", csv(&plain.iter().map(|x| x + 2.0).collect::<Vec<_>>(), 3));
    assert!(
        nats("plain --data moved.csv") < nats("plain") - 1.0,
        "other data were standardized by their own statistics"
    );
}

#[test]
fn samples_and_round_trips_keep_the_digits_of_their_column() {
    let folder = Folder::new();
    let columns: [fn(&mut Numbers) -> f64; 2] = [|numbers| 1e6 + 0.01 * normal(numbers), normal];
    let values = table(300, &columns);
    folder.write("t.csv", csv(&values, 2));
    folder.train("--data t.csv --steps 30");
    folder.run("sample run --grid 20x10 --npy s.npy --threads 1");
    let first = |values: &[f64]| values.iter().copied().step_by(2).collect::<Vec<f64>>();
    let sampled = first(&parse_npy_f64(&folder.read("s.npy")).1);
    let distinct: BTreeSet<u64> = sampled.iter().map(|x| x.to_bits()).collect();
    assert_eq!(distinct.len(), 200);
    assert!(sampled.iter().all(|x| (x - 1e6).abs() < 0.5), "{sampled:?}");

    write_npy(&folder, "x.npy", &values, 2);
    folder.run("encode run --input x.npy --output z.npy --threads 1");
    folder.run("decode run --input z.npy --output back.npy --threads 1");
    let back = parse_npy_f64(&folder.read("back.npy")).1;
    let worst = |axis: usize| (axis..600).step_by(2).map(|i| (back[i] - values[i]).abs()).fold(0.0, f64::max);
    assert!(worst(0) < 1e-7 && worst(1) < 1e-5, "{} {}", worst(0), worst(1));
    // Pictures say in which units a column is drawn whose labels would all be alike.
    let text = folder.run("density run --resolution 60 --threads 1");
    assert!(text.contains("column 1 as (x − "), "{text}");
}

#[test]
fn check_is_relative_to_the_spread_of_the_data() {
    let folder = Folder::new();
    let columns: [fn(&mut Numbers) -> f64; 2] = [|numbers| 1e12 + 10.0 * normal(numbers), |n| 1e-30 * normal(n)];
    folder.write("t.csv", csv(&table(300, &columns), 2));
    folder.train("--data t.csv --steps 30");
    let found = folder.json("check run --samples 20 --json --threads 1");
    assert!(found["sound"] == true && found["round_trip_x"].as_f64().unwrap() < 1e-9, "{found}");
    let mut model = folder.safetensors("run/model.safetensors");
    let name = model.tensors.keys().rfind(|name| name.ends_with("bias")).unwrap().clone();
    let stored = model.tensors.get_mut(&name).unwrap();
    stored.bytes = bytes(&vec![1e12; stored.bytes.len() / 4]);
    folder.write("broken.safetensors", model.write());
    let output = folder.command("check broken.safetensors --threads 1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_one_line(&texts(&output).1, &["broken.safetensors is not sound"]);
}

#[test]
fn discrete_columns_are_warned_of_and_noise_gives_them_a_density() {
    let folder = Folder::new();
    let columns: [fn(&mut Numbers) -> f64; 3] =
        [|numbers| f64::from((3.0 * numbers.unit()).floor()), |n| f64::from((2.0 * n.unit()).floor()), normal];
    folder.write("t.csv", csv(&table(2000, &columns), 3));
    let fit = |data: &str, out: &str| {
        let line = format!("train rbig --preset quick --data {data} --out {out} --threads 1");
        let output = folder.command(&line).output().unwrap();
        let (_, err) = texts(&output);
        assert!(output.status.success(), "{err}");
        let warned = err.lines().filter(|line| line.contains("jitter:t.csv, which adds")).count();
        (warned, folder.json(&format!("evaluate {out} --json --threads 1"))["nats"].as_f64().unwrap())
    };
    let (warned, nats) = fit("t.csv", "plain");
    assert!(warned == 1 && nats > 3.0, "{warned} {nats}");
    let (warned, nats) = fit("jitter:t.csv", "noisy");
    assert!(warned == 0 && (nats + 6f64.ln() + NORMAL).abs() < 0.4, "{warned} {nats}");
    folder.refuses("train nice --data jitter:two-moons --out no", &["two-moons is not a table", "leave out jitter:"]);
}

#[test]
fn a_checkpoint_with_single_statistics_is_read() {
    let folder = Folder::new();
    folder.write("t.csv", csv(&table(200, &[normal, normal]), 2));
    folder.train("--data t.csv --steps 5");
    let nats = |run: &str| folder.json(&format!("evaluate {run} --json --threads 1"))["nats"].as_f64().unwrap();
    let mut model = folder.safetensors("run/model.safetensors");
    for low in ["layers.0.mean_low", "layers.0.std_low"] {
        model.tensors.remove(low).unwrap();
    }
    folder.write("old.safetensors", model.write());
    assert!((nats("run") - nats("old.safetensors")).abs() < 1e-5);
}
