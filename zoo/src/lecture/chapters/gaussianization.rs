//! Gaussianization flows.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "gaussianization",
    title: "Gaussianization flows",
    lecture: "CS236, lecture 8",
    papers: &[
        "Chen & Gopinath: Gaussianization (2000)",
        "Laparra, Camps-Valls & Malo: Iterative Gaussianization: From ICA to Random Rotations (2011)",
        "Meng, Song, Song & Ermon: Gaussianization Flows (2020)",
    ],
    blocks: &[
        Text(
            "An invertible map keeps the divergence between two densities. So a flow that fits its data well is the same thing as one \
             that makes the data normal:",
        ),
        formula!("gaussian-kl"),
        Text(
            "For a single number that has been solved for a century: take its distribution function, then the normal quantile.",
        ),
        formula!("inverse-cdf"),
        Picture {
            file: "{figures}/gaussianized/inverse-cdf.png",
            alt: "A histogram with several peaks, its distribution function, the uniform numbers after it, and a normal histogram",
            caption: "One column of two moons on its way: data, distribution function, uniform numbers, normal numbers.",
        },
        Text(
            "Normal columns are not yet a normal cloud: they still depend on each other, and how much is the total correlation. A \
             rotation turns some of it into shapes of single columns, which the next step takes away; RBIG goes on like that, \
             without a gradient, until it falls no further.",
        ),
        formula!("total-correlation"),
        formula!("rbig"),
        Picture {
            file: "{figures}/gaussianized/layers.png",
            alt: "Scatters of two moons, layer by layer: marginals, rotation, marginals, until the cloud is round",
            caption: "Layer by layer to a round normal cloud: marginals, rotation, marginals, and so on, some of them left out. A color for each quarter of the first column.",
        },
        Picture {
            file: "{figures}/gaussianized/sampling.png",
            alt: "Scatters of normal points that become two moons, layer by layer",
            caption: "The same layers backward make data of normal points.",
        },
        Text(
            "The trainable flow starts there: distribution functions are mixtures of logistics, one for each column, rotations are \
             products of reflections, and both follow the gradient of the likelihood.",
        ),
        formula!("kernel-marginal"),
        formula!("householder"),
        Picture {
            file: "{figures}/gaussianization.png",
            alt: "A grid of handwritten digits, drawn by the Gaussianization flow",
            caption: "Digits drawn by the Gaussianization flow.",
        },
        Numbers(&["gaussianization-mnist"]),
    ],
    commands: &[
        Making {
            command: "gaussianize two-moons --out {figures}/gaussianized",
            makes: &[
                "{figures}/gaussianized/inverse-cdf.png",
                "{figures}/gaussianized/layers.png",
                "{figures}/gaussianized/sampling.png",
            ],
            fresh: Some("{figures}/gaussianized"),
            minutes: 0.1,
        },
        Making {
            command: "sample {gaussianization-mnist} --out {figures}/gaussianization.png",
            makes: &["{figures}/gaussianization.png"],
            fresh: None,
            minutes: 0.1,
        },
    ],
    sources: &[
        "flows/src/models/rbig.rs",
        "flows/src/models/gaussianization.rs",
        "flows/src/layers/kernel_marginal.rs",
        "flows/src/layers/householder.rs",
    ],
};
