//! Class-conditional models: from labels to digits on demand.

use crate::folder::{Folder, TRAIN};
use crate::formats::{idx, npy_of, parse_npy, png_size};
use crate::made::{labeled, labeled_folder};
use serde_json::{Value, json};

const SIDE: usize = 4;

/// A folder with labeled images in `bars` and a conditional model of them in `run`.
fn folder(steps: usize) -> Folder {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", SIDE);
    folder.train(&format!("--data bars --conditional --steps {steps}"));
    folder
}

/// The column that is brightest in each image.
fn bars(images: &[f32]) -> Vec<usize> {
    let brightness = |image: &[f32], x: usize| image.iter().skip(x).step_by(SIDE).sum::<f32>();
    let brightest = |image: &[f32]| (0..SIDE).max_by(|&a, &b| brightness(image, a).total_cmp(&brightness(image, b)));
    images.chunks_exact(SIDE * SIDE).map(|image| brightest(image).unwrap()).collect()
}

/// Images in [0, 1] for the commands that take NPY, and their labels.
fn images(count: usize) -> (Vec<f32>, Vec<u8>) {
    let (pixels, labels) = labeled(count, SIDE);
    (pixels.iter().map(|&pixel| (f32::from(pixel) + 0.5) / 256.0).collect(), labels)
}

fn config(folder: &Folder, file: &str) -> Value {
    serde_json::from_str(&folder.safetensors(file).metadata["config"]).unwrap()
}

#[test]
fn samples_have_the_requested_class() {
    let folder = folder(300);
    let draw = |options: &str| {
        folder.run(&format!("sample run --npy s.npy --temperature 0.5 --threads 1 {options}"));
        bars(&parse_npy(&folder.read("s.npy")).1)
    };
    let agree = |found: &[usize], wanted: &dyn Fn(usize) -> usize| {
        let right = found.iter().enumerate().filter(|&(i, &bar)| bar == wanted(i)).count();
        assert!(right * 10 >= found.len() * 9, "{right} of {} are as they should be: {found:?}", found.len());
    };
    for class in 0..SIDE {
        agree(&draw(&format!("--class {class} --grid 6x5")), &|_| class);
    }
    // In turn, for more samples than one batch.
    agree(&draw("--grid 30x19"), &|i| i % SIDE);
    assert!(png_size(&folder.read("run/samples.png")).0 > 100);
    assert!(folder.run("sample run --threads 1").contains("100 samples of the classes 0 to 3 in turn at"));
    assert!(folder.run("sample run --class 2 --threads 1").contains("100 samples of class 2 at"));
}

#[test]
fn a_conditional_run_is_described_as_such() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", SIDE);
    folder.run(&format!("{TRAIN} --data bars --conditional --steps 12"));
    let run = "runs/nice-bars-conditional";
    assert_eq!(png_size(&folder.read(&format!("{run}/grids/epoch-0001.png"))), (662, 662));
    for file in ["model", "training"] {
        assert_eq!(config(&folder, &format!("{run}/{file}.safetensors"))["classes"], SIDE);
    }
    // Each network reads its half of the pixels and the class.
    let listed = folder.run(&format!("list --params {run}"));
    let first = listed.lines().find(|line| line.starts_with("layers.1.net.0.weight")).unwrap();
    assert!(first.contains(&format!("{}]", SIDE * SIDE / 2 + SIDE)), "{first}");

    let said = folder.run(&format!("evaluate {run} --threads 1"));
    assert!(said.contains("bits/dim given the class, log p(x | class) = "), "{said}");
    assert_eq!(folder.json(&format!("evaluate {run} --threads 1 --json"))["given_class"], true);
    let found = folder.json(&format!("check {run} --samples 6 --threads 1 --json"));
    assert_eq!((&found["sound"], &found["given_class"]), (&json!(true), &json!(true)));
    let said = folder.run(&format!("check {run} --samples 3 --jacobians 1 --threads 1"));
    assert!(said.contains("in f64, each row given its class"), "{said}");

    folder.train("--data bars --steps 3");
    assert_eq!(folder.json("evaluate run --threads 1 --json")["given_class"], false);
    assert!(!folder.run("evaluate run --threads 1").contains("class"));
}

#[test]
fn a_density_is_conditional_on_the_class_of_its_row() {
    let folder = folder(300);
    // The same test images under labels that are wrong.
    folder.copy("bars", "wrong");
    let (_, labels) = labeled(40, SIDE);
    let turned: Vec<u8> = labels.iter().map(|label| (label + 1) % SIDE as u8).collect();
    folder.write("wrong/t10k-labels-idx1-ubyte", idx(&[40], &turned));
    let nats = |data: &str| folder.json(&format!("evaluate run --json --threads 1 --data {data}"))["nats"].as_f64();
    assert!(nats("bars") > nats("wrong").map(|wrong| wrong + 3.0), "{:?} {:?}", nats("bars"), nats("wrong"));

    let (x, labels) = images(40);
    folder.write_npy("x.npy", &[40, SIDE * SIDE], &x);
    folder.write("labels.npy", npy_of("|u1", "40,", &labels));
    let map = |command: &str, input: &str, options: &str| {
        let said = folder.run(&format!("{command} run --input {input} --output out.npy --threads 1 {options}"));
        (parse_npy(&folder.read("out.npy")).1, said)
    };
    let (own, said) = map("logprob", "x.npy", "--labels labels.npy");
    assert!(said.contains("log p(x | class) in nats of 40 rows"), "{said}");
    let of_class: Vec<Vec<f32>> =
        (0..SIDE).map(|class| map("logprob", "x.npy", &format!("--class {class}")).0).collect();
    let best = |row: usize| (0..SIDE).max_by(|&a, &b| of_class[a][row].total_cmp(&of_class[b][row])).unwrap();
    for (row, &label) in labels.iter().enumerate() {
        assert!((own[row] - of_class[usize::from(label)][row]).abs() < 1e-3, "row {row}");
    }
    let right = (0..40).filter(|&row| best(row) == usize::from(labels[row])).count();
    assert!(right >= 36, "the density knows the class of {right} of 40 images");

    // A round trip under the rows' own classes; signed integers are labels too.
    let signed: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    folder.write("signed.npy", npy_of("<i8", "40, 1", &signed));
    let (z, _) = map("encode", "x.npy", "--labels signed.npy");
    folder.write_npy("z.npy", &[40, SIDE * SIDE], &z);
    let (back, _) = map("decode", "z.npy", "--labels labels.npy");
    assert!(back.iter().zip(&x).all(|(back, x)| (back - x).abs() < 1e-3));
    // Decoded as another class they are other images.
    let (other, _) = map("decode", "z.npy", "--class 0");
    assert!(other.iter().zip(&x).any(|(other, x)| (other - x).abs() > 0.05));
}

#[test]
fn a_resumed_training_stays_conditional() {
    let folder = folder(20);
    folder.run("train nice --out run --resume --steps 30 --threads 1");
    folder.run("train nice --out run --resume --steps 40 --threads 1 --conditional");
    assert_eq!(config(&folder, "run/model.safetensors")["classes"], SIDE);
    assert_eq!(folder.safetensors("run/training.safetensors").metadata["step"], "40");
    // Without --out, the same options find the same run.
    folder.run(&format!("{TRAIN} --data bars --conditional --steps 5"));
    let said = folder.run("train nice --data bars --conditional --resume --steps 8 --threads 1");
    assert!(said.contains("trained 8 steps") && said.contains("runs/nice-bars-conditional"), "{said}");
}

#[test]
fn a_checkpoint_without_its_classes_is_refused() {
    let folder = Folder::trained_on("two-moons");
    for name in ["run/model.safetensors", "run/training.safetensors"] {
        let mut file = folder.safetensors(name);
        let mut config: Value = serde_json::from_str(&file.metadata["config"]).unwrap();
        assert_eq!(config.as_object_mut().unwrap().remove("classes"), Some(json!(0)));
        file.metadata.insert("config".to_owned(), config.to_string());
        folder.write(name, file.write());
    }
    folder.refuses("evaluate run --threads 1 --limit 100", &["does not know", "train again"]);
    folder.refuses("sample run --threads 1", &["does not know", "train again"]);
    folder.refuses("train nice --out run --resume --steps 40 --threads 1", &["does not know", "train again"]);
}
