//! The recap: latents of fewer dimensions than the data, and the bound that they cost.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "recap",
    title: "Recap: the variational autoencoder",
    lecture: "CS236, lectures 5 and 6",
    papers: &[
        "Kingma & Welling: Auto-Encoding Variational Bayes (2014)",
        "Rezende, Mohamed & Wierstra: Stochastic Backpropagation and Approximate Inference (2014)",
    ],
    blocks: &[
        Text(
            "A latent variable model draws a short code z from a normal distribution and lets a decoder draw the data x from it. \
             The density of x is then an integral over all codes, which nobody can do:",
        ),
        formula!("marginal-likelihood"),
        Text("An encoder q that guesses which codes may have led to x turns it into a bound that can be computed:"),
        formula!("elbo"),
        Text(
            "The code is written as a function of noise that does not depend on the encoder, so that a gradient passes through \
             it; and for two normal distributions the divergence has a closed form.",
        ),
        formula!("reparameterization"),
        formula!("gaussian-divergence"),
        Picture {
            file: "{figures}/vae.png",
            alt: "A grid of handwritten digits, drawn by the variational autoencoder",
            caption: "Codes drawn from the normal distribution, decoded. What is shown is the decoder's mean, without its noise.",
        },
        Picture {
            file: "{figures}/vae/reconstructions.png",
            alt: "Rows of test digits, and below each what the decoder makes of its code",
            caption: "Test digits, and below each what comes back from the middle of its posterior. A flow would give the digit itself.",
        },
        Text("With two latents the whole of what the decoder knows fits on a sheet."),
        Picture {
            file: "{figures}/vae-2/manifold.png",
            alt: "A sheet of digits that change into each other from one edge to the other",
            caption: "Every place of the unit square, carried to a code by the normal distribution's quantiles, and decoded.",
        },
        Picture {
            file: "{figures}/vae-2/latents.png",
            alt: "Points in the plane, colored by digit: classes form overlapping clouds",
            caption: "Where the encoder puts test digits; a color for each class.",
        },
        Text(
            "The bound is not the density. Many codes drawn from the encoder's guess, each weighted by what that guess \
             was wrong by, come as near to it as one has patience for; the gap to the bound is how much the encoder's guess is off. Such an estimate can be put beside the \
             flows' densities, which are exact:",
        ),
        formula!("importance"),
        Text(
            "Bending the encoder's normal distribution by a flow narrows the gap: that is what planar flows and inverse \
             autoregressive flows were first made for.",
        ),
        formula!("refined-posterior"),
        Numbers(&["vae-mnist"]),
    ],
    commands: &[
        Making {
            command: "sample {vae-mnist} --out {figures}/vae.png",
            makes: &["{figures}/vae.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "reconstruct {vae-mnist} --out {figures}/vae",
            makes: &["{figures}/vae/reconstructions.png"],
            fresh: None,
            minutes: 0.1,
        },
        Making {
            command: "reconstruct {vae-mnist-2} --out {figures}/vae-2",
            makes: &["{figures}/vae-2/manifold.png", "{figures}/vae-2/latents.png"],
            fresh: None,
            minutes: 0.1,
        },
    ],
    sources: &[
        "flows/src/models/vae/mod.rs",
        "flows/src/models/vae/posterior.rs",
        "flows/src/models/vae/importance.rs",
    ],
};
