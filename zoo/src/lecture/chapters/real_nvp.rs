//! RealNVP.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "real-nvp",
    title: "RealNVP: affine couplings",
    lecture: "CS236, lecture 7",
    papers: &["Dinh, Sohl-Dickstein & Bengio: Density Estimation Using Real NVP (2017)"],
    blocks: &[
        Text(
            "The second half may be scaled as well as shifted, by factors that depend on the first half. Both directions stay a \
             single pass, and now every layer can change volume, differently at each point:",
        ),
        formula!("affine-coupling"),
        formula!("affine-determinant"),
        Picture {
            file: "{figures}/two-moons/panel.png",
            alt: "Three panels: the density of two moons, samples of it, and the bent grid of latents",
            caption: "Two moons: the density, samples, and the lines of constant z carried to x.",
        },
        Text(
            "For images the halves are a checkerboard, and after squares of 2×2 pixels have become four channels, halves of the \
             channels. After each scale half of the numbers leave and count in the prior at once, so that the next scale is cheaper. \
             Pixels pass a logit first, so that the model need not learn where the square ends.",
        ),
        formula!("multi-scale"),
        formula!("logit"),
        Picture {
            file: "{figures}/real-nvp.png",
            alt: "A grid of handwritten digits, drawn by RealNVP",
            caption: "Digits drawn by RealNVP.",
        },
        Text("Latents can be mixed. Four test digits in the corners, and between them, with z₁ to z₄ their latents,"),
        formula!("manifold"),
        Picture {
            file: "{figures}/real-nvp/manifold.png",
            alt: "A sheet of digits with four test digits in its corners, changing into each other",
            caption: "What lies between four test digits.",
        },
        Numbers(&["real-nvp-mnist"]),
    ],
    commands: &[
        Making {
            command: "density {real-nvp-two-moons} --out {figures}/two-moons",
            makes: &["{figures}/two-moons/panel.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "sample {real-nvp-mnist} --out {figures}/real-nvp.png",
            makes: &["{figures}/real-nvp.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "interpolate {real-nvp-mnist} --out {figures}/real-nvp",
            makes: &["{figures}/real-nvp/manifold.png"],
            fresh: None,
            minutes: 0.1,
        },
    ],
    sources: &[
        "flows/src/models/real_nvp.rs",
        "flows/src/layers/coupling.rs",
        "flows/src/univariate/affine.rs",
        "flows/src/layers/factor_out.rs",
        "flows/src/layers/logit.rs",
        "zoo/src/pictures/blend.rs",
    ],
};
