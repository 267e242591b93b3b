//! NICE, and how pixels become numbers with a density.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "nice",
    title: "NICE: additive couplings",
    lecture: "CS236, lecture 7",
    papers: &["Dinh, Krueger & Bengio: NICE: Non-linear Independent Components Estimation (2015)"],
    blocks: &[
        Text(
            "Leave one half of the numbers as they are, and shift the other half by any function of the first. However wild that \
             function, the map is undone by subtracting the same shift again: no network is ever inverted. The Jacobian is \
             triangular with ones on its diagonal, so volume does not change at all.",
        ),
        formula!("additive-coupling"),
        Text(
            "The halves swap roles from layer to layer. Only at the end each number is scaled, which is where volume changes:",
        ),
        formula!("rescaling"),
        Text("With independent logistic latents the density is a sum over dimensions:"),
        formula!("nice-density"),
        Text(
            "Pixels are whole numbers, and a density over those could be as high as it likes on 256 spikes. So noise fills up the \
             gap to the next level, afresh every time, and what is reported are bits per dimension of the levels:",
        ),
        formula!("dequantization"),
        formula!("bits-per-dim"),
        Picture {
            file: "{figures}/nice.png",
            alt: "A grid of handwritten digits, drawn by NICE",
            caption: "Digits drawn by NICE, at temperature 0.8.",
        },
        Numbers(&["nice-mnist"]),
    ],
    commands: &[Making {
        command: "sample {nice-mnist} --temperature 0.8 --seed 1 --out {figures}/nice.png",
        makes: &["{figures}/nice.png"],
        fresh: None,
        minutes: 0.1,
    }],
    sources: &[
        "flows/src/models/nice.rs",
        "flows/src/layers/coupling.rs",
        "flows/src/univariate/shift.rs",
        "flows/src/layers/rescaling.rs",
        "flows/src/layers/dequantize.rs",
    ],
};
