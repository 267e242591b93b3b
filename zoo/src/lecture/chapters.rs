//! The chapters, read from the text files in `chapters/`.
//!
//! Blank lines separate the parts of a file. A part is a paragraph, or fields of the form `key: value` whose values
//! continue on indented lines. The first field says what it is: `formula`, `picture`, `sound`, `measured`, or `table`.
//! The first two parts are the heading and the chapter's own fields.

use super::{Block, Chapter};
use std::sync::LazyLock;

/// All chapters, in the lecture's order.
pub static CHAPTERS: LazyLock<Vec<Chapter>> = LazyLock::new(|| FILES.iter().map(|file| parse(file)).collect());

macro_rules! chapters {
    ($($name:literal)*) => {
        [$(include_str!(concat!("chapters/", $name, ".txt"))),*]
    };
}

const FILES: [&str; 11] = chapters![
    "recap" "change_of_variables" "planar" "nice" "real_nvp" "autoregressive" "iaf" "parallel_wave_net" "mint_net"
    "gaussianization" "results"
];

macro_rules! formulas {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../flows/formulas/", $name, ".html")))),*]
    };
}

/// The formulas by name, as MathML.
const FORMULAS: &[(&str, &str)] = formulas![
    "marginal-likelihood" "elbo" "reparameterization" "gaussian-divergence" "importance" "refined-posterior"
    "scaling" "exponential" "parallelogram" "change-of-variables" "planar" "planar-determinant" "planar-constraint"
    "planar-inverse" "reverse-kl" "additive-coupling" "rescaling" "nice-density" "dequantization" "bits-per-dim"
    "affine-coupling" "affine-determinant" "multi-scale" "logit" "manifold" "autoregressive" "maf" "maf-determinant"
    "batch-norm" "iaf" "iaf-determinant" "distillation" "forward-kl" "wavenet" "logistic-mixture" "student-entropy"
    "mintnet" "mintnet-determinant" "mintnet-fixed-point" "mintnet-sweep" "gaussian-kl" "inverse-cdf"
    "total-correlation" "rbig" "kernel-marginal" "householder"
];

/// Keys and values of a part.
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn of(part: &'static str) -> Self {
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        for line in part.lines() {
            match (line.strip_prefix("  "), fields.last_mut()) {
                (Some(more), Some((_, value))) => *value = format!("{value} {more}"),
                _ => fields.extend(line.split_once(':').map(|(key, value)| (key, value.trim().to_owned()))),
            }
        }
        Self(fields)
    }

    fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(other, _)| *other == key).map(|(_, value)| value.clone()).collect()
    }

    /// The value of a key, empty if it is missing.
    fn get(&self, key: &str) -> String {
        self.all(key).concat()
    }
}

fn parse(file: &'static str) -> Chapter {
    let mut parts = file.trim_end().split("\n\n");
    let title = parts.next().unwrap_or_default().trim_start_matches("# ");
    let fields = Fields::of(parts.next().unwrap_or_default());
    Chapter {
        id: fields.get("id"),
        title,
        lecture: fields.get("lecture"),
        papers: fields.all("paper"),
        blocks: parts.map(block).collect(),
        sources: fields.all("source"),
    }
}

fn block(part: &'static str) -> Block {
    let fields = Fields::of(part);
    let get = |key| fields.get(key);
    match part.split(':').next() {
        Some("formula") => {
            let name = get("formula");
            Block::Formula(FORMULAS.iter().find(|(other, _)| *other == name).map_or("", |(_, mathml)| mathml))
        }
        Some("picture") => {
            Block::Picture { file: get("picture"), command: get("command"), alt: get("alt"), caption: get("caption") }
        }
        Some("sound") => Block::Sound { file: get("sound"), command: get("command"), caption: get("caption") },
        Some("measured") => Block::Measured(get("measured").split(' ').map(str::to_owned).collect()),
        Some("table") => Block::Table,
        _ => Block::Text(part.replace('\n', " ")),
    }
}
