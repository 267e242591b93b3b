//! Changes to configurations.

use crate::any;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Sizes at which arithmetic goes wrong, and others near those of the models.
const SIZES: [u64; 27] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    24,
    25,
    31,
    63,
    64,
    1000,
    4096,
    65_535,
    1 << 17,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    (1 << 31) - 1,
    1 << 31,
    1 << 32,
    1 << 53,
    (1 << 63) - 1,
    u64::MAX,
];

const NAMES: [&str; 22] = [
    "none",
    "batch",
    "act",
    "sigmoid",
    "given",
    "reversed",
    "random",
    "rows",
    "images",
    "table",
    "signal",
    "dense",
    "convolutional",
    "bernoulli",
    "gaussian",
    "logistic",
    "histogram",
    "kernels",
    "independent",
    "planar",
    "\u{1b}[31m",
    "",
];

/// The paths of all values within.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| places(value, &format!("{path}/{i}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| places(value, &format!("{path}/{key}"), found)),
        _ => {}
    }
}

/// A size, often a plausible one.
fn size(rng: &mut ChaCha8Rng) -> u64 {
    match rng.random_range(0..4) {
        0 => rng.random_range(0..40),
        1 => rng.random_range(0..1 << 20) >> rng.random_range(0..20),
        _ => *any(&SIZES, rng),
    }
}

/// In place of a value, something else.
fn other(old: &Value, rng: &mut ChaCha8Rng) -> Value {
    let number = old.as_u64().unwrap_or(1);
    match rng.random_range(0..24) {
        0 => json!(-(size(rng) as i64 / 2)),
        1 => json!(number as f64 + 0.5),
        2 => json!(any(&[1e-320, 1e308, -1.0, 0.5, 0.499_999_999, 1e-9], rng)),
        3 => Value::Null,
        4 => json!(rng.random::<bool>()),
        5 => json!([old, size(rng)]),
        6 => json!({ "random": size(rng) }),
        7 => json!(any(&NAMES, rng)),
        8 => json!({ *any(&NAMES, rng): old }),
        9 => {
            let (size, count) = (size(rng), rng.random_range(0..40));
            json!(vec![size; count])
        }
        10 => json!(number.wrapping_add(1)),
        11 => json!(number.saturating_sub(1)),
        12 => json!(number.saturating_mul(2)),
        _ if old.is_string() => json!(any(&NAMES, rng)),
        _ if old.is_boolean() => json!(!old.as_bool().unwrap_or_default()),
        _ => json!(size(rng)),
    }
}

/// Sets a value wherever it stands for the same thing, so that more than one check is passed.
fn together(config: &mut Value, rng: &mut ChaCha8Rng) {
    let value = size(rng);
    let (same, more): (&[&str], _) = match rng.random_range(0..4) {
        0 => (&["/classes", "/sizes/condition", "/sizes/rows/condition", "/sizes/images/condition"], json!(value)),
        1 => (&["/space/height", "/space/width"], json!(value)),
        2 => (&["/space/channels"], json!(value)),
        _ => (&["/space/columns", "/space/samples"], json!(value)),
    };
    for path in same {
        if let Some(place) = config.pointer_mut(path) {
            *place = more.clone();
        }
    }
    let space = config["space"].clone();
    let side = |name: &str| space[name].as_u64().unwrap_or(1);
    let columns = space["columns"].as_u64().or(space["samples"].as_u64());
    let image = columns.map_or([side("channels"), side("height"), side("width")], |columns| [columns, 1, 1]);
    let dims = image.iter().fold(1u64, |product, &side| product.wrapping_mul(side));
    for path in ["/sizes", "/sizes/rows", "/sizes/images", "/sizes/layers", "/sizes/patches"] {
        if let Some(Value::Object(fields)) = config.pointer_mut(path) {
            for (key, value) in [("dims", json!(dims)), ("length", json!(dims)), ("image", json!(image))] {
                if let Some(place) = fields.get_mut(key) {
                    *place = value;
                }
            }
        }
    }
}

/// One change.
fn change(config: &mut Value, others: &[Value], rng: &mut ChaCha8Rng) {
    let mut found = Vec::new();
    places(config, "", &mut found);
    let path = any(&found, rng).clone();
    let (parent, key) = path.rsplit_once('/').unwrap_or_default();
    match rng.random_range(0..20) {
        0 => {
            if let Some(Value::Object(fields)) = config.pointer_mut(parent) {
                fields.remove(key);
            }
        }
        1 => {
            let from = any(others, rng);
            let part = *any(&["model", "sizes", "space", "classes"], rng);
            config[part] = from[part].clone();
        }
        2 => {
            if let Some(Value::Object(fields)) = config.pointer_mut(parent) {
                let value = fields.get(key).cloned().unwrap_or_default();
                fields.insert((*any(&NAMES, rng)).to_owned(), value);
            }
        }
        3..=8 => together(config, rng),
        _ => {
            if let Some(place) = config.pointer_mut(&path) {
                *place = other(place, rng);
            }
        }
    }
    // The root may have been replaced.
    if !config.is_object() {
        *config = any(others, rng).clone();
    }
}

/// A changed configuration, as text.
pub(crate) fn mutated(configs: &[Value], of: usize, rng: &mut ChaCha8Rng) -> String {
    let mut config = configs[of].clone();
    for _ in 0..*any(&[1, 1, 1, 2, 2, 3, 5], rng) {
        change(&mut config, configs, rng);
    }
    let text = config.to_string();
    match rng.random_range(0..64) {
        // A field twice.
        0 => text.replacen("\"classes\":", "\"classes\":3,\"classes\":", 1),
        1 => text.replacen("\"condition\":", &format!("\"condition\":{},\"condition\":", size(rng)), 1),
        // Deeper than any parser goes.
        2 => text.replacen("\"sizes\":", &format!("\"sizes\":{}", "[".repeat(300)), 1),
        _ => text,
    }
}
