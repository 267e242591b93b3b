//! `zoo evaluate`: the values, and their reproducibility.

use crate::folder::Folder;
use crate::formats::parse_npy;
use crate::made::{csv, image_folder, rescaled, rows};
use serde_json::Value;

#[test]
fn images_are_measured_in_bits_and_nats() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, true);
    folder.train("--data bars --steps 10");
    let found = folder.json("evaluate run --json --threads 1");
    assert_eq!([&found["model"], &found["data"], &found["split"]], ["nice", "bars", "test"]);
    assert_eq!(found["n"], 20);
    let number = |key: &str| found[key].as_f64().unwrap();
    // log p of [0, 1] and of the 256 levels differ by ln 256 per dimension.
    let bits = 8.0 - number("nats") / (16.0 * std::f64::consts::LN_2);
    assert!((number("bits_per_dim") - bits).abs() < 1e-9);
    assert!((number("bits_error") - number("nats_error") / (16.0 * std::f64::consts::LN_2)).abs() < 1e-9);
    assert!(number("nats_error") > 0.0);

    let text = folder.run("evaluate run --threads 1");
    assert!(text.contains(&format!("{bits:.4} ±")) && text.contains("bits/dim") && text.contains("N = 20"), "{text}");
}

#[test]
fn a_seed_gives_the_same_values() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.train("--data bars --steps 10");
    let nats = |options: &str| folder.json(&format!("evaluate run --json --threads 1 {options}"))["nats"].clone();
    assert_eq!(nats("--seed 3"), nats("--seed 3"));
    assert_ne!(nats("--seed 3"), nats("--seed 4"));
    assert_eq!(nats(""), nats("--seed 0"));
    // An image's noise does not depend on the images after it.
    let first = folder.json("evaluate run --json --threads 1 --limit 1");
    assert_eq!((&first["n"], &first["nats_error"]), (&Value::from(1), &Value::Null));
    let few = folder.json("evaluate run --json --threads 1 --limit 7");
    assert_eq!(few["n"], 7);
    assert_ne!(few["nats"], nats(""));
    assert_eq!(nats("--limit 1000"), nats(""));
}

#[test]
fn points_have_no_bits_per_dimension() {
    let folder = Folder::trained_on("banana");
    let found = folder.json("evaluate run --json --threads 2 --limit 3000");
    assert_eq!((&found["n"], &found["bits_per_dim"]), (&Value::from(3000), &Value::Null));
    assert!(found["nats"].as_f64().unwrap() < 0.0);
    assert!(!folder.run("evaluate run --limit 10 --threads 1").contains("bits"));
}

#[test]
fn a_table_is_measured_on_its_own_rows_in_its_own_units() {
    let folder = Folder::new();
    let values = rescaled(&rows(20, 3), &[128.0, 1.0, 0.5], &[1000.0, 0.0, -3.0]);
    folder.write("table.csv", csv(&values, 3));
    folder.run("train nice --preset quick --data table.csv --batch 8 --steps 10 --threads 1 --out run");
    let found = folder.json("evaluate run --json --threads 1");
    assert_eq!(found["n"], 2);
    let nats = found["nats"].as_f64().unwrap();
    // Two of the twenty rows are test rows: the mean log p must be that of some pair.
    folder.write_npy("x.npy", &[20, 3], &values);
    folder.run("logprob run --input x.npy --output l.npy --threads 1");
    let (_, logs) = parse_npy(&folder.read("l.npy"));
    let pairs = logs.iter().enumerate().flat_map(|(i, a)| logs[..i].iter().map(move |b| f64::from(a + b) / 2.0));
    let nearest = pairs.map(|mean| (mean - nats).abs()).fold(f64::INFINITY, f64::min);
    assert!(nearest < 1e-4 * nats.abs().max(1.0), "no two of {logs:?} have the mean {nats}");
}

#[test]
fn other_data_of_the_same_shape_may_be_given() {
    let folder = Folder::trained_on("two-moons");
    let own = folder.json("evaluate run --json --threads 1 --limit 500");
    let other = folder.json("evaluate run --json --threads 1 --limit 500 --data eight-gaussians");
    assert_eq!(other["data"], "eight-gaussians");
    assert_ne!(own["nats"], other["nats"]);
    folder.write("two.csv", csv(&rows(50, 2), 2));
    assert_eq!(folder.json("evaluate run --json --threads 1 --data two.csv")["n"], 5);
    folder.write("three.csv", csv(&rows(50, 3), 3));
    let parts = ["three.csv has rows of 3 numbers", "over rows of 2 numbers", "give --data"];
    folder.refuses("evaluate run --data three.csv", &parts);
    image_folder(&folder, "bars", 4, false);
    folder.refuses("evaluate run --data bars", &["bars has images of 1×4×4", "over rows of 2 numbers"]);
}
