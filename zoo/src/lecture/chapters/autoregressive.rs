//! MADE and MAF.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "autoregressive",
    title: "Autoregressive models are flows: MADE and MAF",
    lecture: "CS236, lecture 8",
    papers: &[
        "Germain, Gregor, Murray & Larochelle: MADE (2015)",
        "Papamakarios, Pavlakou & Murray: Masked Autoregressive Flow for Density Estimation (2017), figure 1",
    ],
    blocks: &[
        Text(
            "Any density is a product of conditionals, one number after another. Let each be normal, with mean and scale from a \
             network that sees only the numbers before it:",
        ),
        formula!("autoregressive"),
        Text(
            "Drawing from it is a map from normal noise to data: it is a flow, with a triangular Jacobian. Masks on the weights make \
             one network give all means and scales in a single pass (MADE). Several such layers, with the order of the numbers \
             reversed between them, are a masked autoregressive flow:",
        ),
        formula!("maf"),
        formula!("maf-determinant"),
        Text("Between layers stands a batch normalization, itself an invertible map with a determinant:"),
        formula!("batch-norm"),
        Text(
            "One layer depends on the order. The paper's example is a banana that is simple in one order, and not normal \
             given the past in the other. What a model could not explain is left in its latents:",
        ),
        Picture {
            file: "{figures}/banana.png",
            alt: "Two scatters of latents: one MADE leaves a block with two prongs, five layers of MAF a round cloud",
            caption: "Latents of test points after learning in the wrong order: one MADE, and MAF with five. A standard normal would be right. A color for each quarter of the first column.",
        },
        Picture {
            file: "{figures}/made.png",
            alt: "A grid of blurred and broken digits, drawn by MADE",
            caption: "Digits drawn by MADE, with one normal distribution for each pixel given the ones before it.",
        },
        Picture {
            file: "{figures}/maf.png",
            alt: "A grid of handwritten digits, drawn by MAF",
            caption: "Digits drawn by MAF. Each unit of its networks is computed once, when its last input is known, and not in 784 passes.",
        },
        Numbers(&["made-mnist", "maf-mnist"]),
    ],
    commands: &[
        Making {
            command: "latents {made-banana} {maf-banana} --out {figures}/banana.png",
            makes: &["{figures}/banana.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "sample {made-mnist} --out {figures}/made.png",
            makes: &["{figures}/made.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "sample {maf-mnist} --out {figures}/maf.png",
            makes: &["{figures}/maf.png"],
            fresh: None,
            minutes: 0.1,
        },
    ],
    sources: &["flows/src/nn/made.rs", "flows/src/layers/autoregressive.rs", "flows/src/models/maf.rs"],
};
