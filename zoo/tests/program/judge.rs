//! The judge of samples: `zoo train-judge`, `zoo evaluate --samples`, and its part of `zoo compare`.

use crate::folder::{Folder, TRAIN};
use crate::made::{image_folder, labeled_folder};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn samples_are_judged_beside_real_images() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 28);
    folder.run(&format!("{TRAIN} --data bars --conditional --steps 3 --out given"));
    let line = "evaluate given --samples 60 --limit 10 --threads 1";
    let found = folder.json(&format!("{line} --json"));
    let judged = &found["judged"];
    assert_eq!((&judged["samples"]["n"], &judged["real"]["n"]), (&60.into(), &60.into()));
    for which in ["samples", "real"] {
        let classes: Vec<f64> = judged[which]["classes"].as_array().unwrap().iter().map(number).collect();
        assert!(classes.len() == 10 && (classes.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{judged}");
        assert!((0.0..=1.0).contains(&number(&judged[which]["sure"])), "{judged}");
    }
    assert!(number(&judged["samples"]["frechet"]) > number(&judged["real"]["frechet"]), "{judged}");
    assert!(judged["samples"]["as_asked"].is_number() && judged["real"]["as_asked"].is_null(), "{judged}");
    let said = folder.run(line);
    let expected = format!("{:.3}", number(&judged["samples"]["frechet"]));
    assert!(said.contains("bits/dim") && said.contains("60 samples") && said.contains("60 real images"), "{said}");
    assert!(said.contains(&expected) && said.contains("of the class asked for, %"), "{expected} is not in {said}");
    assert_eq!(folder.json("evaluate given --limit 10 --threads 1 --json")["judged"], Value::Null);

    let all = folder.json("compare given --limit 10 --threads 1 --json");
    assert_eq!(all[0]["judged"]["samples"]["n"], 1000);
    // There are no more training images.
    assert_eq!(all[0]["judged"]["real"]["n"], 180);
    let said = folder.run("compare given --limit 10 --threads 1");
    let row = said.lines().skip_while(|line| !line.contains("Fréchet")).nth(1).unwrap();
    let sure = 100.0 * number(&all[0]["judged"]["samples"]["sure"]);
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert!(cells[0] == "given" && (cells[1].parse::<f64>().unwrap() - sure).abs() < 0.1, "{said}");
}

#[test]
fn other_samples_have_no_judge() {
    let folder = Folder::trained_on("two-moons");
    let parts = ["the judge reads images of 1×28×28", "not rows of 2 numbers", "leave out --samples"];
    folder.refuses("evaluate run --samples 10", &parts);
    image_folder(&folder, "bars", 4, false);
    folder.run(&format!("{TRAIN} --data bars --steps 3 --out small"));
    folder.refuses("evaluate small --samples 10", &["not images of 1×4×4", "leave out --samples"]);
    assert_eq!(folder.json("compare small --threads 1 --json")[0]["judged"], Value::Null);
    folder.misuses("evaluate run --samples 1", &["--samples"]);
}

#[test]
fn a_judge_is_trained_from_its_seed() {
    let folder = Folder::new();
    let said = folder.run("train-judge --steps 1 --threads 2 --seed 5 --out judge.safetensors");
    assert!(said.contains("of 10000 test images") && said.contains("judge.safetensors: 1 steps"), "{said}");
    let file = folder.safetensors("judge.safetensors");
    assert_eq!((&*file.metadata["seed"], &*file.metadata["step"]), ("5", "1"));
    assert_eq!(file.shapes()["head.weight"], [10, 40]);
    folder.refuses("train-judge --out no/judge.safetensors", &["mkdir -p no"]);
    folder.refuses("train-judge --out judge.pt", &["must end in .safetensors"]);
}
