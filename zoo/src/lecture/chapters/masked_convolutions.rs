//! MintNet.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "mint-net",
    title: "MintNet: masked convolutions",
    lecture: "CS236, lecture 8",
    papers: &["Song, Meng & Ermon: MintNet: Building Invertible Neural Networks with Masked Convolutions (2019)"],
    blocks: &[
        Text(
            "Couplings leave half of the numbers alone, and the networks of autoregressive flows know nothing of neighbors. A \
             convolution can have an order too: cut off the taps that look ahead, and its Jacobian is triangular. Three of them with a smooth \
             nonlinearity between, beside a scaled copy of the input, are a residual block whose determinant can be read off:",
        ),
        formula!("mintnet"),
        formula!("mintnet-determinant"),
        Text(
            "The signs of the middle weights are set so that no term of the diagonal is negative. A second layer with the masks \
             mirrored follows, so that every pixel comes to depend on every other.",
        ),
        Picture {
            file: "{figures}/mint-net.png",
            alt: "A grid of handwritten digits, drawn by MintNet",
            caption: "Digits drawn by MintNet.",
        },
        Text("Its authors invert it by a fixed point, all pixels at once, again and again:"),
        formula!("mintnet-fixed-point"),
        Text(
            "But the Jacobian is triangular. Taking the pixels in the mask's order, each is the root of an increasing function of one \
             number, and each hidden unit is computed once:",
        ),
        formula!("mintnet-sweep"),
        Picture {
            file: "{figures}/inversion-error.svg",
            alt: "Error against work, for fixed points with two steps and for the sweep, which reaches rounding after a few evaluations",
            caption: "How far z is from itself after z → x → z, against the iterations or evaluations each layer was allowed. The authors take 100 iterations with the step 0.286; the sweep needs 10 or 20 evaluations of a root.",
        },
        Numbers(&["mint-net-mnist"]),
    ],
    commands: &[
        Making {
            command: "sample {mint-net-mnist} --out {figures}/mint-net.png",
            makes: &["{figures}/mint-net.png"],
            fresh: None,
            minutes: 0.2,
        },
        Making {
            command: "inversion-error {mint-net-mnist} --out {figures}/inversion-error.svg",
            makes: &["{figures}/inversion-error.svg"],
            fresh: None,
            minutes: 0.6,
        },
    ],
    sources: &["flows/src/layers/mint.rs", "flows/src/models/mint_net.rs"],
};
