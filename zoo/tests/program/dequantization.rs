//! Learned noise between pixel levels, and the layouts of a RealNVP over images.

use crate::folder::Folder;
use crate::made::{csv, image_folder, rows};
use serde_json::Value;

const REAL_NVP: &str = "train real-nvp --preset quick --data images --batch 20 --threads 1 --channels 2 --blocks 1";

fn config(folder: &Folder, run: &str) -> Value {
    serde_json::from_str(&folder.safetensors(&format!("{run}/model.safetensors")).metadata["config"]).unwrap()
}

#[test]
fn learned_noise_is_trained_saved_and_evaluated_with_its_model() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.run(&format!(
        "{REAL_NVP} --squeeze-first true --layers 2,1 --dequantization variational --steps 12 --out run"
    ));
    let found = config(&folder, "run");
    assert_eq!(found["dequantizer"]["couplings"], 4, "{found}");
    let sizes = &found["sizes"]["images"];
    assert_eq!([&sizes["couplings"], &sizes["last"], &sizes["blocks"]], [2, 1, 1], "{sizes}");
    assert_eq!((&sizes["squeeze_first"], &sizes["channels"]), (&Value::from(true), &Value::from(2)), "{sizes}");
    let file = folder.safetensors("run/model.safetensors");
    assert!(file.tensors.keys().any(|name| name.starts_with("dequantizer.layers.3.net.")), "{:?}", file.tensors.keys());
    assert_eq!(folder.json("check run --samples 5 --jacobians 1 --threads 1 --json")["sound"], true);

    let evaluated = |options: &str| folder.json(&format!("evaluate run --threads 1 --json {options}"));
    let (plain, one, eight) = (evaluated(""), evaluated("--draws 1"), evaluated("--draws 8"));
    assert!(plain["by_draws"].is_null(), "{plain}");
    // One draw is the default figure. That of more draws stands beside it.
    let bits = |found: &Value| found["bits_per_dim"].as_f64().unwrap();
    assert!((bits(&one["by_draws"]) - bits(&plain)).abs() < 1e-9, "{one} {plain}");
    assert!(bits(&eight["by_draws"]) < bits(&plain) + 0.02, "{eight}");
    assert_ne!(eight["by_draws"]["nats"], plain["nats"]);
    assert_eq!(eight["bits_per_dim"], plain["bits_per_dim"]);
    let said = folder.run("evaluate run --threads 1 --draws 8");
    assert!(
        said.contains("\nby 8 draws of noise a row, a closer bound: ") && said.contains(" bits/dim, log p(x)"),
        "{said}"
    );

    folder.run("train real-nvp --resume --out run --steps 14 --threads 1");
    folder.run("sample run --grid 2x2 --threads 1");
    folder.refuses("train real-nvp --resume --out run --dequantization uniform", &["another --dequantization"]);
}

#[test]
fn weights_with_uniform_noise_go_on_with_learned_noise() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.run(&format!("{REAL_NVP} --layers 1 --steps 10 --out uniform"));
    assert!(config(&folder, "uniform")["dequantizer"].is_null());
    let from = "train real-nvp --preset quick --batch 20 --threads 1 --steps 2";
    folder.run(&format!("{from} --from uniform --dequantization variational --out learned"));
    let bits = |run: &str| folder.json(&format!("evaluate {run} --threads 1 --json"))["bits_per_dim"].as_f64().unwrap();
    assert!((bits("uniform") - bits("learned")).abs() < 0.1, "{} {}", bits("uniform"), bits("learned"));
    folder.run(&format!("{from} --from learned --out again"));
    assert!(config(&folder, "again")["dequantizer"].is_object());
    let refused = ["learned noise", "leave out --dequantization"];
    folder.refuses(&format!("{from} --from learned --dequantization uniform --out other"), &refused);
}

#[test]
fn what_has_no_pixels_or_no_images_is_refused() {
    let folder = Folder::new();
    image_folder(&folder, "images", 4, false);
    folder.write("table.csv", csv(&rows(60, 3), 3));
    let noise = ["learned noise is for flows over images", "leave out --dequantization"];
    for line in ["nice --data table.csv", "vae --data images", "wavenet --data speech:64", "rbig --data images"] {
        folder.refuses(&format!("train {line} --dequantization variational --out run"), &noise);
    }
    folder.misuses("train nice --data images --dequantization other", &["--dequantization", "uniform", "variational"]);
    let options = ["leave out --channels, --blocks and --squeeze-first"];
    for option in ["--channels 3", "--blocks 1", "--squeeze-first false"] {
        folder.refuses(&format!("train real-nvp --data table.csv {option} --out run"), &options);
    }
    folder.refuses("train real-nvp --data table.csv --layers 2,3 --out run", &["give --layers one number"]);
    folder.refuses("train real-nvp --data images --layers 2,3,4 --out run", &["give --layers N or N,LAST"]);
    image_folder(&folder, "odd", 3, false);
    folder.refuses("train real-nvp --data odd --squeeze-first true --out run", &["leave out --squeeze-first"]);
}
