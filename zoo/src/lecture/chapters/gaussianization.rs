//! Gaussianization flows.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

const FIT: &str = "gaussianize two-moons --out {figures}/gaussianized";

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
            "An invertible map does not change the KL divergence between two densities. So a flow fits its data exactly as \
             well as it turns the data into a standard normal:",
        ),
        formula!("gaussian-kl"),
        Text(
            "In one dimension, that is easy. The distribution function F of x makes x uniform, and the inverse Φ⁻¹ of the \
             normal distribution function makes a uniform variable normal. This is the inverse-CDF trick; φ is the normal \
             density:",
        ),
        formula!("inverse-cdf"),
        picture(
            "{figures}/gaussianized/inverse-cdf.png",
            FIT,
            "A histogram with several peaks, its distribution function, uniform values, and a normal histogram",
            "The first column of the two moons, from left to right: the data, the estimated distribution function, the \
             uniform values, and the normal values.",
        ),
        Text(
            "With normal columns, the joint distribution need not be normal, because the columns still depend on each other. \
             The total correlation T(z) measures how much. Here H is the entropy:",
        ),
        formula!("total-correlation"),
        Text(
            "Rotation-based iterative Gaussianization (RBIG) alternates two steps: make each column normal by the \
             inverse-CDF trick with an estimated distribution function F̂, then rotate. The rotation turns dependence between \
             columns into the shapes of single columns, which the next step removes. RBIG needs no gradient. It stops when \
             the total correlation no longer decreases:",
        ),
        formula!("rbig"),
        picture(
            "{figures}/gaussianized/layers.png",
            FIT,
            "Scatter plots of the two moons, layer by layer: marginals, rotation, marginals, until the cloud is round",
            "From data to a round normal cloud, layer by layer; some layers are left out. The colors are the quarters of the \
             data by x₁.",
        ),
        picture(
            "{figures}/gaussianized/sampling.png",
            FIT,
            "Scatter plots of normal points that become two moons, layer by layer",
            "The same layers, inverted and in reverse order, turn normal points into samples.",
        ),
        Text(
            "The trainable Gaussianization flow starts from this solution and improves it by gradient descent on the \
             likelihood. Its distribution functions are mixtures of logistic distributions, one mixture per column:",
        ),
        formula!("kernel-marginal"),
        Text("Its rotations are products of Householder reflections, one for each vector v:"),
        formula!("householder"),
        picture(
            "{figures}/gaussianization.png",
            "sample {gaussianization-mnist} --out {figures}/gaussianization.png",
            "A grid of handwritten digits, drawn by the Gaussianization flow",
            "Samples from the Gaussianization flow.",
        ),
        Measured(&["gaussianization-mnist"]),
    ],
    sources: &[
        "flows/src/models/rbig.rs",
        "flows/src/models/gaussianization.rs",
        "flows/src/layers/kernel_marginal.rs",
        "flows/src/layers/householder.rs",
    ],
};
