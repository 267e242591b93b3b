//! Configurations that once took gigabytes, hung, or aborted the program, over a file of 32 numbers.

use serde_json::{Value, json};

/// The most that a check of sizes alone lets pass.
const HUGE: usize = 1 << 20;

/// An object, with the fields of another in place of its own.
fn with(mut value: Value, fields: Value) -> Value {
    if let (Value::Object(value), Value::Object(fields)) = (&mut value, fields) {
        value.extend(fields);
    }
    value
}

pub(crate) fn configs() -> Vec<Value> {
    let images = json!({ "kind": "images", "channels": 1, "height": 4, "width": 4 });
    let signal = json!({ "kind": "signal", "samples": 64, "rate": 8000 });
    let table = |columns: usize| json!({ "kind": "table", "columns": columns, "standardized": false });
    let conv = |fields: Value| {
        let sizes = json!({
            "image": [1, 4, 4], "squeezes": 1, "channels": 2, "widening": 1, "blocks": 0, "weight_norm": true,
            "norm": "act", "logit": null, "condition": 0
        });
        ("real-nvp", json!({ "images": with(sizes, fields) }), images.clone())
    };
    let wave = |fields: Value| {
        let sizes = json!({
            "length": 64, "channels": 2, "skip": 2, "layers": 2, "cycles": 1, "components": 2, "condition": 0
        });
        ("wavenet", with(sizes, fields), signal.clone())
    };
    let made = |columns: usize, fields: Value| {
        let sizes = json!({
            "dims": columns, "layers": 1, "order": "given", "hidden": [1], "norm": "none", "components": 1,
            "gate": "none", "condition": 0
        });
        ("made", with(sizes, fields), table(columns))
    };
    let vae = |fields: Value| {
        let sizes = json!({
            "image": [3, 1, 1], "latents": 2, "coder": { "dense": [1] }, "likelihood": "logistic", "refinement": "none"
        });
        ("vae", with(sizes, fields), table(3))
    };
    let mint = |image: [usize; 3], branches: usize, space: &Value| {
        let scales = [json!({ "pairs": 1, "branches": branches })];
        let sizes = json!({ "image": image, "scales": scales, "gain": 1.0, "logit": null, "act_norm": true });
        ("mint-net", sizes, space.clone())
    };
    let student = json!({ "channels": 2, "skip": 2, "layers": 2, "cycles": [1], "condition": HUGE });
    let patches = json!({ "image": [1, 4, 4], "side": 2, "shared": false });
    let reflections = json!({ "dims": 16, "layers": 2, "kernels": 1, "reflections": HUGE, "patches": patches });
    let bins = json!({ "dims": 3, "layers": 2, "marginals": { "histogram": { "bins": HUGE } } });
    let depth = json!({ "dims": 2, "couplings": 1, "hidden": 1, "depth": HUGE, "condition": 0 });
    let unconditional = [
        mint([1, 4, 4], HUGE, &images),
        mint([HUGE, 1, 1], 1, &table(HUGE)),
        conv(json!({ "channels": HUGE })),
        conv(json!({ "widening": HUGE, "blocks": 1 })),
        conv(json!({ "blocks": HUGE })),
        wave(json!({ "skip": HUGE })),
        wave(json!({ "cycles": HUGE })),
        wave(json!({ "components": HUGE })),
        made(3, json!({ "components": HUGE })),
        made(3, json!({ "hidden": [HUGE] })),
        made(HUGE, json!({ "hidden": [] })),
        ("nice", depth, table(2)),
        ("gaussianization", reflections, images.clone()),
        ("rbig", json!({ "layers": bins, "axes": "principal" }), table(3)),
        vae(json!({ "refinement": { "planar": { "layers": 1, "features": HUGE } } })),
        vae(json!({ "refinement": { "planar": { "layers": HUGE, "features": 0 } } })),
        vae(json!({ "coder": { "dense": [HUGE] } })),
    ];
    let conditional = [
        (HUGE, conv(json!({ "channels": 1000, "condition": HUGE, "squeezes": 0, "norm": "none" }))),
        (HUGE, wave(json!({ "condition": HUGE }))),
        ((1 << 63) - 1, wave(json!({ "condition": (1usize << 63) - 1 }))),
        (HUGE, ("parallel-wavenet", student, signal.clone())),
        (HUGE, made(3, json!({ "condition": HUGE }))),
    ];
    let all = unconditional.into_iter().map(|config| (0, config)).chain(conditional);
    all.map(|(classes, (model, sizes, space))| {
        json!({ "model": model, "sizes": sizes, "space": space, "classes": classes })
    })
    .collect()
}
