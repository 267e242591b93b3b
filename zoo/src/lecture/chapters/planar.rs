//! Planar flows.

use super::{formula, picture};
use crate::lecture::Block::Text;
use crate::lecture::Chapter;

const DRAW: &str = "planar --out {figures}";

pub(super) const CHAPTER: Chapter = Chapter {
    id: "planar",
    title: "Planar flows",
    lecture: "CS236, lecture 7",
    papers: &["Rezende & Mohamed: Variational Inference with Normalizing Flows (2015), figures 1 and 3"],
    blocks: &[
        Text(
            "A planar layer is one of the simplest nonlinear maps. It moves every point along one direction û, by an amount \
             that depends only on the point's position along another direction w:",
        ),
        formula!("planar"),
        Text(
            "Its Jacobian is the identity plus an outer product of two vectors. The determinant of such a matrix is a single \
             number (the matrix determinant lemma), and costs only O(D):",
        ),
        formula!("planar-determinant"),
        Text(
            "The determinant must stay positive; otherwise the map would fold space and could not be inverted. This holds if \
             wᵀû > −1, and a correction of a free vector u along w makes sure that it does:",
        ),
        formula!("planar-constraint"),
        picture(
            "{figures}/planar-layers.png",
            DRAW,
            "Eight densities in two rows: a Gaussian and a square, bent by 0, 1, 2, and 10 planar layers",
            "Random planar layers: none, 1, 2, and 10, over a Gaussian base (top) and over a uniform one (bottom).",
        ),
        Text(
            "The inverse has no closed form. But with a = wᵀz + b it reduces to one equation in one variable. The left side \
             increases in a, and so a is easy to find numerically; z follows from it:",
        ),
        formula!("planar-inverse"),
        Text(
            "A flow q can be fitted to an unnormalized density exp(−U) without any data. Draw samples from the flow, and \
             minimize the reverse KL divergence. U is called the energy: the flow learns to put its samples where the energy \
             is low.",
        ),
        formula!("reverse-kl"),
        picture(
            "{figures}/planar-energies.png",
            DRAW,
            "Four energies with two moons or waves, and the densities of flows of 2, 8, and 32 layers fitted to them",
            "Top: the four energies of the paper. Below: planar flows with 2, 8, and 32 layers fitted to them, each with its \
             KL divergence in nats. More layers fit better.",
        ),
    ],
    sources: &[
        "flows/src/layers/planar/mod.rs",
        "flows/src/models/planar.rs",
        "flows/src/energy.rs",
        "flows/src/distillation.rs",
    ],
};
