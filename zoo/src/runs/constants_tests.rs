//! A checkpoint names every constant that its model computes with, and a file with another value is refused.

use super::checkpoint::{self, CONSTANTS, Header};
use crate::data::Space;
use crate::models::{Blueprint, Iaf, MODELS, Model, Preset};
use autograd::Tensor;
use flows::models::{AutoregressiveConfig, Order};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

const IMAGES: Space = Space::Images { channels: 1, height: 4, width: 4 };
const TABLE: Space = Space::Table { columns: 4, standardized: true };
const SIGNAL: Space = Space::Signal { samples: 16, rate: 8000 };

fn built(blueprint: &Blueprint) -> (Model<f32>, Map<String, Value>) {
    let model = blueprint.build(&mut ChaCha8Rng::seed_from_u64(0)).unwrap();
    let (_, text) = checkpoint::constants(blueprint, &model).unwrap();
    (model, serde_json::from_str(&text).unwrap())
}

/// Every model over images and tables, or else over signals.
fn blueprints() -> impl Iterator<Item = Blueprint> {
    MODELS.into_iter().flat_map(|model| {
        let over = |space| model.blueprint(Preset::Quick, space, 0).ok();
        let found: Vec<Blueprint> = [IMAGES, TABLE].into_iter().filter_map(over).collect();
        if found.is_empty() { over(SIGNAL).into_iter().collect() } else { found }
    })
}

/// Constants by model and kind of space, with today's values. A formula that gets another constant changes this list and
/// docs/checkpoints.md.
fn expected(name: &str, space: Space) -> Vec<(&'static str, Value)> {
    let logit = |margin: f64| vec![("layers.0.margin", json!(margin)), ("levels", json!(256.0))];
    let normal = vec![("base.distribution", json!("standard normal"))];
    let logistic = vec![("base.distribution", json!("standard logistic"))];
    let images = space == IMAGES;
    let contaminated = vec![
        ("base.distribution", json!("contaminated normal")),
        ("base.share", json!(1e-8)),
        ("base.spread", json!(100.0)),
    ];
    let of_maf = if images { contaminated } else { normal.clone() };
    let autoregressive = |reads: &str| {
        vec![
            ("layers.1.layers.0.map", json!("affine")),
            ("layers.1.layers.0.reads", json!(reads)),
            ("layers.1.layers.0.net.activation", json!("relu")),
            if images { ("layers.1.layers.0.lower", json!(1.5)) } else { ("layers.1.layers.0.bound", json!(5.0)) },
        ]
    };
    let before = |margin: f64| if images { logit(margin) } else { Vec::new() };
    match name {
        "nice" if images => [
            logistic,
            vec![
                ("layers.0.order", json!([0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15])),
                ("layers.1.map", json!("shift")),
                ("layers.1.reads", json!("first half")),
                ("layers.2.reads", json!("last half")),
                ("layers.1.net.activation", json!("relu")),
            ],
        ]
        .concat(),
        "nice" => [logistic, vec![("layers.1.layers.0.order", json!([0, 2, 1, 3]))]].concat(),
        "real-nvp" if images => [
            normal,
            vec![
                ("layers.0.margin", json!(0.05)),
                ("layers.2.layers.0.reads", json!("row + column even")),
                ("layers.2.layers.2.reads", json!("row + column odd")),
                ("layers.2.layers.0.map", json!("affine")),
                ("layers.2.layers.0.net.activation", json!("relu")),
                ("layers.2.layers.6.channel", json!("4c + 2i + j")),
                ("layers.2.layers.7.reads", json!("first half")),
                ("layers.2.layers.13.leaves", json!("first half")),
            ],
        ]
        .concat(),
        "real-nvp" => [normal, vec![("layers.1.layers.1.reads", json!("last half"))]].concat(),
        "made" => [normal, autoregressive("data"), before(1e-6)].concat(),
        "maf" => [
            of_maf,
            autoregressive("data"),
            before(1e-6),
            if images {
                vec![("layers.1.layers.1.epsilon", json!(1e-5))]
            } else {
                vec![("layers.1.layers.2.order", json!([3, 2, 1, 0]))]
            },
        ]
        .concat(),
        "iaf" => [of_maf, autoregressive("latents"), before(1e-6)].concat(),
        "wavenet" => [
            logistic,
            vec![
                ("layers.1.map", json!("logistic mixture")),
                ("layers.1.bound", json!(5.0)),
                ("layers.1.net.filter", json!("tanh")),
                ("layers.1.net.gate", json!("sigmoid")),
                ("layers.1.net.activation", json!("relu")),
                ("layers.1.net.layers.3.dilation", json!(8.0)),
            ],
        ]
        .concat(),
        "parallel-wavenet" => {
            [logistic, vec![("layers.1.flows.1.reads", json!("latents")), ("layers.1.flows.1.bound", json!(5.0))]]
                .concat()
        }
        "mint-net" => [
            normal,
            before(1e-6),
            vec![
                ("layers.1.layers.2.mask", json!("A")),
                ("layers.1.layers.3.mask", json!("B")),
                ("layers.1.layers.2.activation", json!("elu")),
            ],
        ]
        .concat(),
        "rbig" => [normal, before(1e-5), vec![("layers.1.layers.0.tails", json!("linear"))]].concat(),
        "gaussianization" => [
            normal,
            before(1e-5),
            vec![("layers.1.layers.0.kernel", json!("logistic"))],
            if images {
                vec![("layers.1.layers.1.shift", json!([2, 2])), ("layers.1.layers.3.shift", json!([0, 0]))]
            } else {
                Vec::new()
            },
        ]
        .concat(),
        "vae" => [
            vec![
                ("prior", json!("standard normal")),
                ("log_scale_bound", json!(5.0)),
                ("encoder.activation", json!("relu")),
                ("decoder.activation", json!("relu")),
            ],
            if images {
                vec![("preprocessing.layers.0.margin", json!(1e-6)), ("levels", json!(256.0))]
            } else {
                Vec::new()
            },
        ]
        .concat(),
        _ => panic!("{name}: say here which constants it has"),
    }
}

#[test]
fn every_model_names_the_constants_of_its_formula() {
    let (mut count, mut wrong) = (0, Vec::new());
    for blueprint in blueprints() {
        let (name, (_, constants)) = (blueprint.name(), built(&blueprint));
        for (path, value) in expected(name, blueprint.space) {
            count += 1;
            if constants.get(path) != Some(&value) {
                let over = blueprint.space.describe();
                wrong.push(format!("{name} over {over}: {path} = {:?}, not {value}", constants.get(path)));
            }
        }
    }
    assert!(wrong.is_empty() && count > 60, "{count}: {wrong:#?}");
}

/// An IAF starts as the identity, so all that is left of it are the logit and the order.
#[test]
fn the_order_and_the_margin_are_those_that_the_model_computes_with() {
    let dims = 16;
    let config = AutoregressiveConfig { order: Order::Random(3), ..AutoregressiveConfig::new(dims, 1, vec![5]) };
    let (model, constants) = built(&Blueprint::new::<Iaf>(&config, IMAGES, 0).unwrap());
    let x = Tensor::from_fn([1, dims], |i| (i as f32 + 0.5) / 16.0);
    let z = model.into_flow().unwrap().encode(&x).unwrap();
    let margin = constants["layers.0.margin"].as_f64().unwrap();
    let order = constants["layers.1.layers.0.order"].as_array().unwrap();
    for (z, from) in z.as_slice().iter().zip(order) {
        let s = margin + (1.0 - 2.0 * margin) * f64::from(x.as_slice()[from.as_u64().unwrap() as usize]);
        assert!((f64::from(*z) - (s / (1.0 - s)).ln()).abs() < 1e-5, "{z} at {from}");
    }
    assert!(order.iter().enumerate().any(|(i, from)| from.as_u64() != Some(i as u64)));
}

#[test]
fn a_file_with_another_constant_is_refused_and_one_without_any_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    for blueprint in blueprints().filter(|blueprint| blueprint.space != IMAGES) {
        let (model, constants) = built(&blueprint);
        let header = Header { blueprint, data: "x".to_owned(), step: 1, seed: 0 };
        let weights = checkpoint::weights(&model);
        let read = |extra: &[(&str, String)]| {
            checkpoint::write(&path, &header, extra, &weights).unwrap();
            checkpoint::load::<f32>(&path).map(|_| ()).map_err(|why| format!("{why:#}"))
        };
        let with = |constants: &Map<String, Value>| read(&[(CONSTANTS, json!(constants).to_string())]);
        read(&[]).unwrap();
        with(&constants).unwrap();
        assert!(!constants.is_empty());
        let mut names = Vec::new();
        for (name, value) in &constants {
            let short = name.rsplit('.').next().unwrap();
            if names.contains(&short) {
                continue;
            }
            names.push(short);
            let other = match value {
                Value::Number(number) => json!(number.as_f64().unwrap() + 1e-3),
                Value::Array(list) => json!(list.iter().rev().collect::<Vec<_>>()),
                _ => json!("another\nword"),
            };
            let mut changed = constants.clone();
            changed.insert(name.clone(), other);
            let why = with(&changed).unwrap_err();
            assert!(why.contains(name.as_str()) && why.contains("use the version that wrote it"), "{why}");
            assert!(!why.contains('\n'), "{why}");
        }
        let mut more = constants.clone();
        more.insert("layers.0.twist\u{1b}".to_owned(), json!(1.0));
        let why = with(&more).unwrap_err();
        assert!(why.contains("none of that name") && !why.contains('\u{1b}'), "{why}");
        assert!(read(&[(CONSTANTS, "[1]".to_owned())]).unwrap_err().contains("cannot be read"));
    }
}
