//! MintNet.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    id: "mint-net",
    title: "MintNet: masked convolutions",
    lecture: "CS236, lecture 8",
    papers: &["Song, Meng & Ermon: MintNet: Building Invertible Neural Networks with Masked Convolutions (2019)"],
    blocks: &[
        Text(
            "Couplings leave half of the dimensions unchanged, and the fully connected networks of MAF ignore that pixels \
             have neighbors. MintNet uses convolutions and changes every pixel. Masks on the kernels hide all pixels that \
             come later in a fixed order, and so the Jacobian is triangular. A layer is a residual block: the input times a \
             positive vector t, plus three masked convolutions (written ⋆) with a smooth nonlinearity h between them:",
        ),
        formula!("mintnet"),
        Text(
            "The determinant is the product of the diagonal. Only the centers Wᶜ of the kernels contribute to it; h′ is the \
             derivative of h, and a₁ and a₂ are its inputs. The signs of W₂ᶜ are chosen such that no term is negative, and \
             so every diagonal entry t + d is positive:",
        ),
        formula!("mintnet-determinant"),
        Text("The next layer mirrors the masks. Together, the layers let every pixel depend on every other."),
        picture(
            "{figures}/mint-net.png",
            "sample {mint-net-mnist} --out {figures}/mint-net.png",
            "A grid of handwritten digits, drawn by MintNet",
            "Samples from MintNet.",
        ),
        Text(
            "The inverse has no closed form. The authors use a fixed-point iteration, which updates all pixels at once with a \
             step size α:",
        ),
        formula!("mintnet-fixed-point"),
        Text(
            "This program also has an exact alternative. Since the Jacobian is triangular, the pixels can be found one after \
             the other in the mask's order. Each is the root of an increasing function of one variable. During this sweep, \
             each hidden unit is computed only once:",
        ),
        formula!("mintnet-sweep"),
        picture(
            "{figures}/inversion-error.svg",
            "inversion-error {mint-net-mnist} --out {figures}/inversion-error.svg",
            "Error against work: fixed points with two step sizes, and the sweep, which reaches rounding error after a few \
             evaluations",
            "The error of the round trip z → x → z against the budget of each layer. The authors use 100 iterations with \
             step size 0.286. The sweep reaches rounding error after 10 to 20 evaluations per root.",
        ),
        Measured(&["mint-net-mnist"]),
    ],
    sources: &["flows/src/layers/mint.rs", "flows/src/models/mint_net.rs"],
};
