//! RealNVP.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    id: "real-nvp",
    title: "RealNVP: affine couplings",
    lecture: "CS236, lecture 7",
    papers: &["Dinh, Sohl-Dickstein & Bengio: Density Estimation Using Real NVP (2017)"],
    blocks: &[
        Text(
            "NICE only shifts. RealNVP also scales: the shift μ and the log-scale α of the second half are functions of the \
             first. Both directions still take a single pass:",
        ),
        formula!("affine-coupling"),
        Text(
            "The Jacobian is triangular, and its diagonal holds the scales. Every layer can now change volume, by a different \
             amount at every point:",
        ),
        formula!("affine-determinant"),
        picture(
            "{figures}/two-moons/panel.png",
            "density {real-nvp-two-moons} --out {figures}/two-moons",
            "Three panels: the density of two moons, samples from it, and the bent grid of latents",
            "RealNVP trained on the two moons. Left: its density. Middle: its samples. Right: the lines of constant z₁ and \
             z₂, mapped to x; the model bends a straight grid into two moons.",
        ),
        Text(
            "For images, the two halves are the black and the white fields of a checkerboard. A squeeze then turns each block \
             of 2 × 2 pixels into four channels, and the next couplings split the channels. After each scale, half of the \
             dimensions leave the network and become latents; only the other half goes on. This multi-scale architecture \
             makes later scales cheaper:",
        ),
        formula!("multi-scale"),
        Text(
            "Pixels first pass through a logit, which maps the unit interval to all real numbers. Without it, the model would \
             waste capacity on the borders of the interval:",
        ),
        formula!("logit"),
        picture(
            "{figures}/real-nvp.png",
            "sample {real-nvp-mnist} --out {figures}/real-nvp.png",
            "A grid of handwritten digits, drawn by RealNVP",
            "Samples from RealNVP.",
        ),
        Text(
            "Images can be mixed in latent space. Encode four test digits to z₁, …, z₄, mix the latents with two angles φ and \
             φ′, and decode the mixtures:",
        ),
        formula!("manifold"),
        picture(
            "{figures}/real-nvp/manifold.png",
            "interpolate {real-nvp-mnist} --out {figures}/real-nvp",
            "A sheet of digits with four test digits in its corners, changing into each other",
            "The four test digits are in the corners. Most images between them look like digits too.",
        ),
        Measured(&["real-nvp-mnist"]),
    ],
    sources: &[
        "flows/src/models/real_nvp.rs",
        "flows/src/layers/affine_coupling.rs",
        "flows/src/layers/factor_out.rs",
        "flows/src/layers/logit.rs",
        "zoo/src/pictures/blend.rs",
    ],
};
