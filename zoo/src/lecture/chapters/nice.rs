//! NICE, dequantization, and bits per dimension.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    id: "nice",
    title: "NICE: additive couplings",
    lecture: "CS236, lecture 7",
    papers: &["Dinh, Krueger & Bengio: NICE: Non-linear Independent Components Estimation (2015)"],
    blocks: &[
        Text(
            "Split the dimensions into two halves. Keep the first half, and shift the second by m, any function of the first \
             half. To invert this coupling layer, subtract the same shift: m itself is never inverted, and so it can be an \
             arbitrary neural network. The Jacobian is triangular with ones on its diagonal, and so its determinant is 1: \
             volume does not change.",
        ),
        formula!("additive-coupling"),
        Text(
            "The halves swap roles from layer to layer. A last layer multiplies each dimension by a learned factor. It is the \
             only one that changes volume:",
        ),
        formula!("rescaling"),
        Text(
            "The latents are independent and logistic. The log-density is then a sum over dimensions, the log-determinant \
             plus the logistic log-densities:",
        ),
        formula!("nice-density"),
        Text(
            "Pixels are integers, and a continuous density could become infinitely high at the 256 levels. Dequantization \
             prevents that. It adds fresh uniform noise every time a pixel is used, which fills the gap to the next level:",
        ),
        formula!("dequantization"),
        Text(
            "Results are reported in bits per dimension of the integer levels. Lower is better. Eight bits per dimension is \
             the cost of storing the pixels without any model:",
        ),
        formula!("bits-per-dim"),
        picture(
            "{figures}/nice.png",
            "sample {nice-mnist} --temperature 0.8 --seed 1 --out {figures}/nice.png",
            "A grid of handwritten digits, drawn by NICE",
            "Samples from NICE at temperature 0.8: latents are scaled by 0.8, which gives cleaner and less varied digits.",
        ),
        Measured(&["nice-mnist"]),
    ],
    sources: &[
        "flows/src/models/nice.rs",
        "flows/src/layers/additive_coupling.rs",
        "flows/src/layers/rescaling.rs",
        "flows/src/layers/dequantize.rs",
    ],
};
