//! Planar flows.

use super::formula;
use crate::lecture::Block::{Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "planar",
    title: "Planar flows",
    lecture: "CS236, lecture 7",
    papers: &["Rezende & Mohamed: Variational Inference with Normalizing Flows (2015), figures 1 and 3"],
    blocks: &[
        Text(
            "The simplest map that bends: push every point along one direction û, by an amount that depends only on where the \
             point lies along another direction w.",
        ),
        formula!("planar"),
        Text("The Jacobian is the identity plus a product of two vectors, so its determinant is one number:"),
        formula!("planar-determinant"),
        Text("It must stay positive, or the plane would be folded over. A correction of u along w sees to that:"),
        formula!("planar-constraint"),
        Picture {
            file: "{figures}/planar-layers.png",
            alt: "Eight densities in two rows: a Gaussian and a square, bent by 0, 1, 2 and 10 planar layers",
            caption: "No layer, one, two and ten layers with parameters drawn at random, over a Gaussian (above) and over a uniform base (below).",
        },
        Text(
            "From x to z there is no formula. But along w the map is an increasing function of one number, and its root is \
             quickly found; the rest of z follows.",
        ),
        formula!("planar-inverse"),
        Text(
            "A flow can be fitted to a density that is known up to a factor, by its own samples and without any data: it learns \
             to be where the energy is low.",
        ),
        formula!("reverse-kl"),
        Picture {
            file: "{figures}/planar-energies.png",
            alt: "Four energies with two moons or waves, and the densities of flows of 2, 8 and 32 layers fitted to them",
            caption: "The four energies of the paper (above), and flows of 2, 8 and 32 layers fitted to them. The divergence of each is written over it.",
        },
    ],
    commands: &[Making {
        command: "planar --out {figures}",
        makes: &["{figures}/planar-layers.png", "{figures}/planar-energies.png"],
        fresh: None,
        minutes: 0.5,
    }],
    sources: &[
        "flows/src/layers/planar/mod.rs",
        "flows/src/models/planar.rs",
        "flows/src/energy.rs",
        "flows/src/distillation.rs",
    ],
};
