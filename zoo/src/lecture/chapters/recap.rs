//! The recap: latent variable models and the evidence lower bound.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

const MANIFOLD: &str = "reconstruct {vae-mnist-2} --out {figures}/vae-2";

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
            "A latent variable model has two parts: a simple distribution p(z) of latents, here a standard normal, and a \
             decoder p(x | z) that turns a latent into data. The density of x sums over all latents that could have \
             produced it, and this integral is intractable:",
        ),
        formula!("marginal-likelihood"),
        Text(
            "A variational autoencoder (VAE) adds an encoder q(z | x), a network that guesses which latents produced x. \
             Any encoder gives a lower bound of the log-density, the evidence lower bound (ELBO). It can be computed, and \
             training maximizes it:",
        ),
        formula!("elbo"),
        Text(
            "The bound is an expectation over the encoder's own samples. To get a gradient through them, write each sample \
             as a function of noise that does not depend on the network. This is the reparameterization trick:",
        ),
        formula!("reparameterization"),
        Text("The divergence between two normal distributions has a closed form:"),
        formula!("gaussian-divergence"),
        picture(
            "{figures}/vae.png",
            "sample {vae-mnist} --out {figures}/vae.png",
            "A grid of handwritten digits, drawn by the variational autoencoder",
            "Samples: latents from the standard normal, decoded. Shown is the mean of the decoder, without its noise.",
        ),
        picture(
            "{figures}/vae/reconstructions.png",
            "reconstruct {vae-mnist} --out {figures}/vae",
            "Rows of test digits, and below each row its reconstructions",
            "Test digits, and below each its reconstruction from the mean of q(z | x). They differ: a VAE loses \
             information. A flow is invertible, and would return the digit itself.",
        ),
        Text("With only two latents, the whole latent space fits on one sheet:"),
        picture(
            "{figures}/vae-2/manifold.png",
            MANIFOLD,
            "A sheet of digits that change smoothly into each other",
            "Decoded latents from a regular grid. The grid is even in probability: its points are normal quantiles.",
        ),
        picture(
            "{figures}/vae-2/latents.png",
            MANIFOLD,
            "Points in the plane, colored by digit: the classes form overlapping clouds",
            "Latents of test digits, with one color per class. Training used no labels, and yet most classes form clouds of their own.",
        ),
        Text(
            "The ELBO is not the log-density. A better estimate averages over S latents from the encoder, each weighted by \
             p(x, z)/q(z | x). With more samples it approaches log p(x), and so it can be compared with the exact densities \
             of flows. Its distance from the ELBO shows how far the encoder is from the true posterior:",
        ),
        formula!("importance"),
        Text(
            "A flow f between the encoder's normal distribution and the decoder makes q(z | x) more flexible and the bound \
             tighter. Planar flows and inverse autoregressive flows were invented for this:",
        ),
        formula!("refined-posterior"),
        Measured(&["vae-mnist"]),
    ],
    sources: &[
        "flows/src/models/vae/mod.rs",
        "flows/src/models/vae/posterior.rs",
        "flows/src/models/vae/importance.rs",
    ],
};
