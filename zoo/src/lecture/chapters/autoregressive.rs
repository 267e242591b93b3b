//! MADE and MAF.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

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
            "Any density is a product of conditional densities, one for each dimension given the dimensions before it. Let \
             each be normal, with a mean μ and a log-scale α that a network computes from the earlier dimensions:",
        ),
        formula!("autoregressive"),
        Text(
            "Sampling from this model transforms standard normal noise z into data x, one dimension after the other. So it is \
             a flow, the masked autoregressive flow (MAF). MADE masks the weights of an ordinary network such that output i \
             depends only on inputs before i, and so a single pass gives all μ and α. Densities therefore take one pass, \
             while samples are sequential:",
        ),
        formula!("maf"),
        Text("Each dimension depends only on itself and on earlier ones, so the Jacobian is triangular:"),
        formula!("maf-determinant"),
        Text(
            "MAF stacks several such layers, reverses the order of the dimensions between them, and normalizes by batch \
             normalization. That is an invertible map as well, and contributes its own log-determinant:",
        ),
        formula!("batch-norm"),
        Text(
            "A single layer depends on the order. The paper's example is a banana-shaped density. In one order, every \
             conditional is normal. In the other it is not, and the latents of a single layer show what it could not model:",
        ),
        picture(
            "{figures}/banana.png",
            "latents {made-banana} {maf-banana} --out {figures}/banana.png",
            "Two scatter plots of latents: MADE leaves a block with two prongs, MAF with five layers a round cloud",
            "Latents of test points for models in the harder order: MADE with one layer, and MAF with five. If a model is \
             right, its latents are standard normal, a round cloud. The colors are the quarters of the data by x₁.",
        ),
        picture(
            "{figures}/made.png",
            "sample {made-mnist} --out {figures}/made.png",
            "A grid of blurred and broken digits, drawn by MADE",
            "Samples from MADE: one normal distribution for each pixel, given the earlier pixels. That is too simple for \
             digits.",
        ),
        picture(
            "{figures}/maf.png",
            "sample {maf-mnist} --out {figures}/maf.png",
            "A grid of handwritten digits, drawn by MAF",
            "Samples from MAF. Instead of 784 passes, each unit of its networks is computed only once, as soon as its last \
             input is known.",
        ),
        Measured(&["made-mnist", "maf-mnist"]),
    ],
    sources: &["flows/src/nn/made.rs", "flows/src/layers/autoregressive.rs", "flows/src/models/maf.rs"],
};
