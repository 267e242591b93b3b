//! MADE, MAF and IAF: tables and images, orders, sizes, and densities.

use crate::folder::Folder;
use crate::formats::parse_npy;
use crate::made::{csv, image_folder, rows};

#[test]
fn made_maf_and_iaf_train_and_pass_the_check() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(300, 3), 3));
    for (model, rest) in
        [("made", "--order reversed"), ("maf", "--layers 3 --order random"), ("iaf", "--layers 2 --gated --hidden 9,7")]
    {
        let line = format!("train {model} --preset quick --data table.csv --batch 50 --threads 1 --out {model} {rest}");
        folder.run(&format!("{line} --steps 60"));
        let check = folder.json(&format!("check {model} --samples 10 --jacobians 3 --threads 1 --json"));
        assert_eq!(check["sound"], true, "{check}");
        let score = folder.json(&format!("evaluate {model} --threads 1 --json"));
        assert!(score["nats"].as_f64().unwrap().is_finite() && score["logit_nats"].is_null(), "{score}");
        folder.run(&format!("sample {model} --grid 5x4 --npy {model}.npy --threads 1"));
        assert_eq!(parse_npy(&folder.read(&format!("{model}.npy"))).0, [20, 3]);
    }
    let config = |run: &str| folder.safetensors(&format!("{run}/model.safetensors")).metadata["config"].clone();
    assert!(config("iaf").contains("\"gate\":\"sigmoid\""), "{}", config("iaf"));
    assert!(config("iaf").contains("\"hidden\":[9,7]"), "{}", config("iaf"));
    assert!(config("made").contains("\"order\":\"reversed\""), "{}", config("made"));
    assert!(config("maf").contains("\"layers\":3") && config("maf").contains("\"random\":0"), "{}", config("maf"));
}

#[test]
fn images_pass_a_logit_and_nats_are_printed_for_both_spaces() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    // With batch normalization: its statistics are those of the weights that were kept.
    folder.run("train maf --preset paper --layers 2 --data images --batch 20 --steps 12 --threads 1 --out run");
    let score = folder.json("evaluate run --threads 1 --json");
    let (nats, logit) = (score["nats"].as_f64().unwrap(), score["logit_nats"].as_f64().unwrap());
    let bits = score["bits_per_dim"].as_f64().unwrap();
    assert!((bits - (8.0 - nats / (16.0 * 2f64.ln()))).abs() < 1e-6, "{score}");
    // log|det ∂y/∂u| = Σ −log(s(1−s)) + D·log(1−2λ) is at least D·log 4, nearly.
    assert!(nats - logit > 16.0 * 4f64.ln() - 0.01, "{score}");
    let said = folder.run("evaluate run --threads 1");
    assert!(said.contains("in logit space"), "{said}");
    let check = folder.json("check run --samples 5 --jacobians 1 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
}

#[test]
fn options_of_other_models_are_refused() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.refuses("train made --data images --layers 2 --out run", &["made has no --layers", "maf"]);
    folder.refuses(
        "train nice --data images --order reversed --out run",
        &["nice has no --order", "an option of made, maf and iaf"],
    );
    folder.refuses("train maf --data images --gated --out run", &["maf has no --gated", "an option of iaf"]);
    folder.misuses("train maf --data images --layers 0 --out run", &["\"0\" is not a whole number between 1 and 1000"]);
    folder.misuses(
        "train maf --data images --order up --out run",
        &["--order: \"up\" is not one of given, reversed, random"],
    );
    folder.run("train maf --data images --batch 20 --layers 1 --steps 2 --threads 1 --out run");
    folder.refuses("train maf --resume --layers 2 --out run", &["keeps its --layers"]);
    folder.misuses("train maf --data images --hidden 9,0 --out run", &["--hidden", "\"0\" is not a whole number"]);
    folder.refuses("train maf --resume --order reversed --out run", &["keeps its --order"]);
}
