//! Small models of every kind, to make other configurations from.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use zoo::models::Blueprint;
use zoo::runs::checkpoint::{self, Contents, Header};

/// A configuration, and a file of its model.
#[derive(Debug)]
pub(crate) struct Base {
    /// As the file has it.
    pub(crate) config: Value,
    /// The file as read.
    pub(crate) contents: Contents,
    /// The bytes of the file.
    pub(crate) size: usize,
}

/// A configuration of each form.
fn configs() -> Vec<Value> {
    let images = || json!({ "kind": "images", "channels": 1, "height": 4, "width": 4 });
    let table = || json!({ "kind": "table", "columns": 3, "standardized": true });
    let signal = || json!({ "kind": "signal", "samples": 16, "rate": 8000 });
    let masked = |layers: usize, components: usize| {
        json!({
            "dims": 3, "layers": layers, "order": { "random": 7 }, "hidden": [4, 5], "norm": "act",
            "components": components, "gate": "none", "condition": 2
        })
    };
    let patches = json!({ "image": [1, 4, 4], "side": 2, "shared": false });
    let iaf = json!({ "iaf": { "layers": 2, "hidden": [4], "features": 3 } });
    let planar = json!({ "planar": { "layers": 2, "features": 3 } });
    let vae = |image: [usize; 3], coder: Value, refinement: Value| json!({ "image": image, "latents": 2, "coder": coder, "likelihood": "logistic", "refinement": refinement });
    let forms = [
        ("nice", table(), 2, json!({ "dims": 3, "couplings": 2, "hidden": 4, "depth": 2, "condition": 2 })),
        (
            "real-nvp",
            table(),
            2,
            json!({ "rows": {
                "dims": 3, "couplings": 2, "hidden": 4, "depth": 2, "norm": "batch", "condition": 2
            } }),
        ),
        (
            "real-nvp",
            images(),
            2,
            json!({ "images": {
                "image": [1, 4, 4], "squeezes": 1, "squeeze_first": false, "couplings": 2, "last": 1, "channels": 2, "widening": 2, "blocks": 1, "weight_norm": true,
                "norm": "act", "logit": 0.05, "condition": 2
            } }),
        ),
        ("made", table(), 2, masked(1, 2)),
        ("maf", table(), 2, masked(2, 2)),
        ("iaf", table(), 2, masked(2, 1)),
        (
            "wavenet",
            signal(),
            2,
            json!({
                "length": 16, "channels": 2, "skip": 3, "layers": 2, "cycles": 2, "components": 2, "condition": 2
            }),
        ),
        (
            "parallel-wavenet",
            signal(),
            2,
            json!({ "channels": 2, "skip": 3, "layers": 2, "cycles": [1, 2], "condition": 2 }),
        ),
        (
            "parallel-wavenet",
            signal(),
            0,
            json!({ "channels": 2, "skip": 3, "layers": 2, "cycles": [1], "condition": 0, "track": zoo::data::Speech::TRACK }),
        ),
        (
            "mint-net",
            images(),
            0,
            json!({
                "image": [1, 4, 4], "scales": [{ "pairs": 1, "branches": 2 }, { "pairs": 1, "branches": 1 }],
                "gain": 0.3, "logit": null, "act_norm": true
            }),
        ),
        (
            "mint-net",
            table(),
            0,
            json!({
                "image": [3, 1, 1], "scales": [{ "pairs": 1, "branches": 2 }], "gain": 1.0, "logit": null,
                "act_norm": false
            }),
        ),
        (
            "rbig",
            table(),
            0,
            json!({
                "layers": { "dims": 3, "layers": 2, "marginals": { "histogram": { "bins": 4 } } }, "axes": "principal"
            }),
        ),
        ("gaussianization", images(), 0, {
            json!({ "dims": 16, "layers": 2, "kernels": 3, "reflections": 4, "patches": patches })
        }),
        ("vae", table(), 0, vae([3, 1, 1], json!({ "dense": [4, 5] }), iaf)),
        ("vae", images(), 0, vae([1, 4, 4], json!({ "convolutional": [2, 3] }), planar)),
    ];
    let whole =
        |(model, space, classes, sizes)| json!({ "model": model, "sizes": sizes, "space": space, "classes": classes });
    let mut configs: Vec<Value> = forms.into_iter().map(whole).collect();
    let mut noisy = configs[2].clone();
    noisy["dequantizer"] = json!({ "couplings": 2, "channels": 2, "blocks": 1 });
    configs.push(noisy);
    configs
}

/// The checkpoint of this configuration.
pub(crate) fn file(config: &Value) -> Vec<u8> {
    let blueprint: Blueprint = serde_json::from_value(config.clone()).expect("a configuration");
    let model = blueprint.build::<f32>(&mut ChaCha8Rng::seed_from_u64(0)).expect("a model");
    let header = Header { blueprint, data: "data".to_owned(), step: 1, seed: 0 };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    checkpoint::write(&path, &header, &[], &checkpoint::weights(&model)).expect("a file");
    std::fs::read(path).expect("a file")
}

/// All of them, with their files.
pub(crate) fn bases() -> Vec<Base> {
    let base = |config: Value| {
        let (file, folder) = (file(&config), tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("m.safetensors");
        std::fs::write(&path, &file).expect("a file");
        Base { config, contents: checkpoint::read(&path).expect("a checkpoint"), size: file.len() }
    };
    configs().into_iter().map(base).collect()
}
