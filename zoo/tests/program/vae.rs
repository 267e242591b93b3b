//! The variational autoencoder, which is not a flow, with every command.

use crate::folder::Folder;
use crate::formats::{parse_npy, png_size};
use crate::interrupted::{assert_same, unfinished};
use crate::made::{csv, image_folder, labeled_folder, rows};
use serde_json::{Value, json};
use std::f64::consts::LN_2;

const VAE: &str = "train vae --preset quick --batch 24 --threads 1";

/// A folder with a model of two latents over images of 4×4, with labels, in `run`.
fn trained(options: &str) -> Folder {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 4);
    folder.run(&format!("{VAE} --data bars --latents 2 --steps 60 --out run {options}"));
    folder
}

#[test]
fn an_interrupted_training_resumes_to_the_same_bits() {
    const STEPS: u64 = 1500;
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    let line = |out: &str| {
        format!("{VAE} --data bars --likelihood bernoulli --posterior planar --seed 5 --steps {STEPS} --out {out}")
    };
    folder.run(&line("whole"));
    let mut running = folder.begin(&line("cut"));
    folder.wait_for(&mut running, "cut", 100, false);
    let (status, said) = running.signal("INT");
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(unfinished(&folder, "cut", STEPS));
    folder.run("train vae --out cut --resume --threads 1");
    assert_same(&folder, "cut");

    let evaluated: Vec<Value> = folder.log("whole").into_iter().filter(|line| line["validation"].is_number()).collect();
    assert!(!evaluated.is_empty());
    for line in &evaluated {
        let number = |key: &str| line[key].as_f64().unwrap();
        // The loss is minus the bound, in nats.
        assert!((number("validation") + number("reconstruction") - number("kl")).abs() < 1e-6, "{line}");
    }
    let loss = |line: &Value| line["validation"].as_f64().unwrap();
    assert!(loss(&evaluated[evaluated.len() - 1]) < 0.8 * loss(&evaluated[0]), "it learns nothing");
}

#[test]
fn the_bound_is_below_the_estimate_which_more_draws_raise() {
    let folder = trained("--posterior iaf");
    let number = |found: &Value, key: &str| found[key].as_f64().unwrap_or_else(|| panic!("no {key} in {found}"));
    let found = folder.json("evaluate run --json --draws 200 --threads 1");
    let (nats, elbo) = (number(&found, "nats"), number(&found, "elbo_nats"));
    assert!(elbo <= nats + 2.0 * number(&found, "elbo_error"), "{found}");
    assert!((number(&found, "reconstruction") - number(&found, "kl") - elbo).abs() < 1e-6, "{found}");
    assert_eq!((found["draws"].as_u64(), found["n"].as_u64()), (Some(200), Some(40)));
    // Bits per dimension are those of flows: of x in [0, 1], at 256 levels.
    assert!((number(&found, "bits_per_dim") - (8.0 - nats / (16.0 * LN_2))).abs() < 1e-6, "{found}");
    assert!((number(&found, "elbo_bits") - (8.0 - elbo / (16.0 * LN_2))).abs() < 1e-6, "{found}");
    assert!(number(&found, "bits_per_dim") < 9.0, "unlike the evaluation in training: {found}");
    let one = folder.json("evaluate run --json --draws 1 --threads 1");
    assert!(number(&one, "nats") < nats, "{one}");
    assert_eq!(folder.json("evaluate run --json --threads 1")["draws"], 100);
    let said = folder.run("evaluate run --draws 2 --threads 1");
    for part in ["bits/dim", "log p(x) = ", "2 draws of z a row", "ELBO = ", "reconstruction", "KL"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn binarized_images_are_measured_in_nats() {
    let folder = trained("--likelihood bernoulli --coder conv");
    let found = folder.json("evaluate run --json --draws 10 --threads 1");
    assert!(found["bits_per_dim"].is_null() && found["elbo_bits"].is_null(), "{found}");
    // A probability.
    assert!(found["nats"].as_f64().unwrap() < 0.0);
    // Other noise gives other binary pixels.
    let other = folder.json("evaluate run --json --draws 10 --seed 1 --threads 1");
    assert_ne!(found["nats"], other["nats"]);
    let values = |options: &str| {
        folder.run(&format!("sample run --grid 3x2 --npy drawn.npy --threads 1 {options}"));
        parse_npy(&folder.read("drawn.npy")).1
    };
    let (means, drawn) = (values(""), values("--noise"));
    assert!(means.iter().any(|x| *x > 0.001 && *x < 0.999) && means.iter().all(|x| (0.0..=1.0).contains(x)));
    assert!(drawn.iter().all(|x| *x == 0.0 || *x == 1.0));
}

#[test]
fn codes_are_decoded_and_pictures_are_plotted() {
    let folder = trained("");
    let x: Vec<f32> = rows(3, 16).iter().map(|x| x.abs().fract()).collect();
    folder.write_npy("x.npy", &[3, 16], &x);
    folder.run("encode run --input x.npy --output z.npy --threads 1");
    assert_eq!(parse_npy(&folder.read("z.npy")).0, [3, 2]);
    folder.run("decode run --input z.npy --output y.npy --threads 1");
    let (shape, y) = parse_npy(&folder.read("y.npy"));
    assert_eq!(shape, [3, 16]);
    assert!(y.iter().all(|y| (-0.01..=1.01).contains(y)), "{y:?}");
    folder.refuses("decode run --input x.npy --output y.npy", &["x.npy", "has 2 latents", "give 2 values a row"]);
    folder.write_npy("bad.npy", &[1, 2], &[0.0, f32::NAN]);
    folder.refuses("decode run --input bad.npy --output y.npy", &["bad.npy", "row 0, column 1 (counting from 0)"]);

    folder.run("sample run --grid 3x2 --threads 1");
    let said = folder.run("reconstruct run --out drawn --threads 1");
    let margin = |images: u32| 2 + images * (64 + 2);
    assert_eq!(png_size(&folder.read("run/samples.png")), (margin(3), margin(2)));
    // 40 test images in rows of ten, each followed by a row of reconstructions.
    assert_eq!(png_size(&folder.read("drawn/reconstructions.png")), (margin(10), margin(8)));
    assert_eq!(png_size(&folder.read("drawn/manifold.png")), (margin(20), margin(20)));
    assert!(folder.exists("drawn/latents.png") && said.contains("one color per class"), "{said}");
}

#[test]
fn tables_are_learned_in_their_own_units() {
    let folder = Folder::new();
    let far: Vec<f32> = rows(300, 3).iter().map(|x| 1000.0 + 100.0 * x).collect();
    folder.write("table.csv", csv(&far, 3));
    folder.run(&format!("{VAE} --data table.csv --steps 200 --out run"));
    let nats = |run: &str| folder.json(&format!("evaluate {run} --json --threads 1"))["nats"].as_f64().unwrap();
    // Three normal variables of that scale have about −18.
    assert!((-22.0..-14.0).contains(&nats("run")), "{}", nats("run"));
    folder.run("sample run --npy drawn.npy --grid 5x5 --threads 1");
    let drawn = parse_npy(&folder.read("drawn.npy")).1;
    assert!(drawn.iter().all(|x| (0.0..2000.0).contains(x)), "{drawn:?}");
    folder.refuses("reconstruct run", &["rows of 3 numbers", "zoo encode"]);

    folder.run(&format!("{VAE} --data two-moons --likelihood gaussian --steps 20 --out toy"));
    folder.run("reconstruct toy --threads 1");
    assert!(folder.exists("toy/reconstructions.png") && folder.exists("toy/latents.png"));
    let flow = "is not a flow, and this needs one";
    folder.refuses("density toy", &["toy: vae", flow, "zoo sample"]);
    folder.refuses("latents toy", &["toy: vae", flow, "zoo reconstruct"]);
}

#[test]
fn what_needs_a_flow_is_refused_with_what_to_do_instead() {
    let folder = trained("");
    folder.write_npy("x.npy", &[1, 16], &[0.5; 16]);
    let flow = "is not a flow, and this needs one";
    folder.refuses("logprob run --input x.npy --output y.npy", &["no log p(x) in closed form", "zoo evaluate"]);
    folder.refuses("check run", &[flow, "zoo evaluate"]);
    folder.refuses("interpolate run", &[flow, "zoo reconstruct"]);
    folder.refuses("inversion-error run", &[flow, "mint-net"]);
    folder.refuses("distill run", &[flow, "a made, a maf or a wavenet"]);
    folder.refuses("sample run --class 1", &["has no classes"]);
    folder.refuses("sample run --inverse fixed-point", &["no fixed point"]);

    folder.run("train nice --preset quick --data two-moons --steps 2 --out flow --threads 1");
    folder.refuses("reconstruct flow", &["reconstruct is for VAEs", "zoo check"]);
    folder.refuses("evaluate flow --draws 10", &["it is exact", "leave out --draws"]);
    folder.refuses("sample flow --noise", &["leave out --noise"]);
}

#[test]
fn options_of_an_impossible_model_are_refused() {
    let folder = trained("");
    let resume = "train vae --out run --resume";
    folder.refuses(&format!("{resume} --latents 3 --coder dense"), &["keeps its --latents and --coder"]);
    folder.refuses(&format!("{resume} --likelihood gaussian"), &["keeps its --likelihood"]);
    image_folder(&folder, "odd", 5, false);
    let new = |rest: &str| format!("{VAE} --out new {rest}");
    folder.refuses(&new("--data odd --coder conv"), &["5×5 cannot be halved", "--coder dense"]);
    folder.refuses(&new("--data two-moons --coder conv"), &["rows of 2 numbers", "leave out --coder"]);
    folder.refuses(&new("--data two-moons --likelihood bernoulli"), &["0 or 1", "--likelihood gaussian or logistic"]);
    folder.refuses(&new("--data bars --conditional"), &["vae takes no classes", "leave out --conditional"]);
    folder.refuses(&new("--data bars --layers 3"), &["vae has no --layers", "leave it out"]);
    folder.refuses(&new("--data speech"), &["vae is not a model of signals", "wavenet"]);
    let nice = "train nice --preset quick --data two-moons --out new";
    for option in ["--latents 3", "--coder dense", "--likelihood gaussian", "--posterior planar"] {
        folder.refuses(
            &format!("{nice} {option}"),
            &[&*format!("nice has no {}", option.split(' ').next().unwrap()), "an option of vae", "leave it out"],
        );
    }
    for bad in ["0", "-1", "x", "100000"] {
        folder.misuses(&new(&format!("--latents {bad}")), &["--latents"]);
        folder
            .misuses(&format!("evaluate run --draws {}", if bad == "100000" { "99999999" } else { bad }), &["--draws"]);
    }
}

#[test]
fn damaged_sizes_are_refused_before_anything_is_built() {
    let folder = trained("--posterior iaf");
    let model = folder.safetensors("run/model.safetensors");
    let config: Value = serde_json::from_str(&model.metadata["config"]).unwrap();
    let refuse = |pointer: &str, value: Value| {
        let mut config = config.clone();
        *config.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = value;
        let mut changed = model.clone();
        changed.metadata.insert("config".to_owned(), config.to_string());
        folder.write("m.safetensors", changed.write());
        for command in ["sample", "evaluate", "reconstruct"] {
            folder.refuses(&format!("{command} m.safetensors --threads 1"), &["m.safetensors"]);
        }
    };
    let sizes = |field: &str| format!("/sizes/{field}");
    for size in [json!(0), json!(1_000_000), json!(4_000_000_000_000_u64), json!(u64::MAX)] {
        for field in ["latents", "coder/dense/0", "refinement/iaf/hidden/0"] {
            refuse(&sizes(field), size.clone());
        }
        let convolutional = json!({ "convolutional": [size] });
        refuse(&sizes("coder"), convolutional);
        refuse("/space", json!({ "kind": "images", "channels": 1, "height": size, "width": 4 }));
    }
    for size in [json!(1_000_000), json!(u64::MAX)] {
        refuse(&sizes("refinement/iaf/layers"), size.clone());
        refuse(&sizes("refinement/iaf/features"), size.clone());
        refuse(&sizes("refinement"), json!({ "planar": { "layers": size, "features": 1 } }));
    }
    refuse(&sizes("coder"), json!({ "dense": [] }));
    refuse(&sizes("coder"), json!({ "convolutional": [] }));
    refuse(&sizes("coder"), json!({ "convolutional": vec![2; 70] }));
    refuse(&sizes("likelihood"), json!({ "fixed-gaussian": { "std": -1.0 } }));
    refuse("/classes", json!(3));
}
