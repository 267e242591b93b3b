//! MADE and MAF with mixtures of Gaussians as conditionals.

use crate::folder::{Folder, TRAIN};

const MADE: &str = "train made --preset quick --batch 64 --threads 1 --data two-moons";

#[test]
fn a_made_of_mixtures_trains_samples_and_inverts() {
    let folder = Folder::new();
    folder.run(&format!("{MADE} --components 3 --steps 40 --out run"));
    let model = folder.safetensors("run/model.safetensors");
    assert!(model.metadata["config"].contains("\"components\":3"), "{}", model.metadata["config"]);
    // Nine outputs for each of two dimensions.
    assert!(model.shapes().values().any(|shape| *shape == [18]), "{:?}", model.shapes());
    let check = folder.json("check run --samples 20 --jacobians 5 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
    folder.run("sample run --grid 5x10 --npy s.npy --threads 1");
    folder.run("logprob run --input s.npy --output p.npy --threads 1");
    let evaluated = folder.json("evaluate run --json --threads 1");
    assert!(evaluated["nats"].as_f64().unwrap().is_finite(), "{evaluated}");
    folder.run("train made --resume --steps 45 --threads 1 --out run");
}

#[test]
fn mixtures_find_modes_that_one_gaussian_blurs() {
    let folder = Folder::new();
    let nats = ["1", "8"].map(|components| {
        folder.run(&format!("{MADE} --components {components} --steps 300 --out run-{components}"));
        folder.json(&format!("evaluate run-{components} --json --threads 1"))["nats"].as_f64().unwrap()
    });
    // The first coordinate of two moons depends on no other and is far from Gaussian.
    assert!(nats[1] > nats[0] + 0.2, "{nats:?}");
}

#[test]
fn a_maf_has_its_mixtures_in_the_last_layer() {
    let folder = Folder::new();
    let maf = MADE.replace("made", "maf");
    folder.run(&format!("{maf} --layers 2 --components 4 --steps 5 --out run"));
    let shapes = folder.safetensors("run/model.safetensors").shapes();
    let outputs = |size: usize| shapes.values().filter(|shape| **shape == [size]).count();
    assert_eq!([outputs(4), outputs(24)], [1, 1], "{shapes:?}");
    let check = folder.json("check run --samples 20 --jacobians 5 --threads 1 --json");
    assert_eq!(check["sound"], true, "{check}");
}

#[test]
fn invalid_mixtures_are_refused() {
    let folder = Folder::new();
    let reason = ["has no --components, which is an option of made, maf and wavenet", "leave it out"];
    folder.refuses(&format!("{TRAIN} --data two-moons --components 3 --out run"), &reason);
    for model in ["iaf", "real-nvp"] {
        folder.refuses(&format!("{} --components 3 --out run", MADE.replace("made", model)), &reason);
    }
    for count in ["0", "-1", "1001", "some"] {
        folder.misuses(&format!("{MADE} --components {count} --out run"), &["--components", count]);
    }
    folder.run(&format!("{MADE} --components 2 --steps 3 --out run"));
    folder.refuses("train made --resume --components 3 --out run", &["keeps its", "--components"]);
}

#[test]
fn a_damaged_number_of_components_is_refused() {
    let folder = Folder::new();
    folder.run(&format!("{MADE} --steps 3 --out run"));
    let model = folder.safetensors("run/model.safetensors");
    // No components, and more than the file has weights for.
    for count in ["0", "2", "1000000"] {
        let mut odd = model.clone();
        let config = model.metadata["config"].replace("\"components\":1", &format!("\"components\":{count}"));
        assert_ne!(config, model.metadata["config"]);
        odd.metadata.insert("config".to_owned(), config);
        folder.write("odd.safetensors", odd.write());
        folder.refuses("sample odd.safetensors --threads 1", &["odd.safetensors"]);
    }
}
