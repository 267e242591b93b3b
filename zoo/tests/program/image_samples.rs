//! Samples of images, written as an array and read back: every one of them has a density.

use crate::folder::{Folder, TRAIN};
use crate::formats::{bytes, parse_npy};
use crate::made::image_folder;

/// Weights far from those of a trained model: every value many times as large, so that pixels saturate.
fn magnify(folder: &Folder, run: &str) {
    let name = format!("{run}/model.safetensors");
    let mut model = folder.safetensors(&name);
    for (i, tensor) in model.tensors.values_mut().filter(|tensor| tensor.dtype == "F32").enumerate() {
        let wave = |(k, value): (usize, f32)| value + 0.05 * (((i * 31 + k * 17) % 23) as f32 / 11.0 - 1.0);
        tensor.bytes = bytes(&tensor.values().into_iter().enumerate().map(wave).collect::<Vec<_>>());
    }
    folder.write(&name, model.write());
}

#[test]
fn saturated_samples_have_a_density_when_they_are_read_back() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    for (model, margin) in [("real-nvp", 0.05), ("mint-net", 1e-6), ("rbig", 1e-5)] {
        let line = TRAIN.replace("nice", model);
        let line = if model == "rbig" { line.replace("--batch 24", "--layers 3") } else { format!("{line} --steps 3") };
        folder.run(&format!("{line} --data bars --out {model}"));
        if model != "rbig" {
            magnify(&folder, model);
        }
        let end = margin / (1.0 - 2.0 * margin);
        let (low, high) = (-end, 1.0 + end);
        for temperature in [2, 8] {
            let said =
                folder.run(&format!("sample {model} --grid 25x40 --temperature {temperature} --npy s.npy --threads 1"));
            let interval = format!("a pixel is u = (level + noise)/256, {low:.6}");
            assert!(said.contains(&interval) && !said.contains("in [0, 1]"), "{said}");
            let (shape, x) = parse_npy(&folder.read("s.npy"));
            assert!(shape == [1000, 16] && x.iter().all(|&x| f64::from(x) > low && f64::from(x) < high), "{model}");
            let outside = x.iter().filter(|x| !(0.0..=1.0).contains(*x)).count();
            assert!(outside > 0, "{model} at {temperature}: nothing is saturated");
            let said = folder.run(&format!("logprob {model} --input s.npy --output p.npy --threads 1"));
            assert!(said.contains("whole numbers are not taken as levels"), "{said}");
            assert!(parse_npy(&folder.read("p.npy")).1.iter().all(|p| p.is_finite()), "{model} at {temperature}");
        }
        folder.write_npy("x.npy", &[1, 16], &[high as f32 + 1e-3; 16]);
        let parts = ["x.npy: row 0 (counting from 0) has the value ", "≤ u ≤", "divide levels by 256 first"];
        folder.refuses(&format!("logprob {model} --input x.npy --output q.npy --threads 1"), &parts);
    }
}
