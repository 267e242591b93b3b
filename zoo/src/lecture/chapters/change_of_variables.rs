//! How a map changes a density.

use super::{formula, picture};
use crate::lecture::Block::Text;
use crate::lecture::Chapter;

const DRAW: &str = "change-of-variables --out {figures}";

pub(super) const CHAPTER: Chapter = Chapter {
    id: "change-of-variables",
    title: "The change of variables",
    lecture: "CS236, lecture 7",
    papers: &[],
    blocks: &[
        Text(
            "A normalizing flow is a latent variable model whose latents z have as many dimensions as the data, and whose \
             decoder is an invertible function x = f(z). Every x then comes from exactly one z, and the integral is gone. But \
             the density of x is not simply the density of its z: where f stretches space, it spreads the same probability \
             over more volume.",
        ),
        Text("Start with one dimension, and let Z be uniform on [0, 2]. Four times as wide is a quarter as high:"),
        formula!("scaling"),
        Text("If the map stretches by different amounts at different places, divide by its derivative there:"),
        formula!("exponential"),
        picture(
            "{figures}/change-of-variables.svg",
            DRAW,
            "Three histograms with the formula's line on each: Z uniform, 4Z uniform and lower, exp(Z) falling as 1/x",
            "Bars are samples, solid lines the formulas; they agree. The dashed line leaves out the derivative, and is wrong.",
        ),
        Text(
            "In more dimensions, what counts is volume. A matrix A maps the unit square to a parallelogram, and the area of \
             the parallelogram is the absolute value of the determinant:",
        ),
        formula!("parallelogram"),
        picture(
            "{figures}/parallelogram.svg",
            DRAW,
            "The unit square with points in it, and the parallelogram to which a matrix maps both",
            "The unit square with uniform points, and their images under A. Orange and green are the images of the two unit \
             vectors.",
        ),
        Text(
            "Near any point, a smooth function is close to a linear one. The matrix of that linear function is the Jacobian, \
             the matrix of all partial derivatives. So for every invertible f, the whole theory is one line:",
        ),
        formula!("change-of-variables"),
        Text(
            "Throughout this page, log is the natural logarithm. The rest of the lecture is a search for functions f that are \
             flexible, that can be inverted, and whose determinant costs less than the D³ operations of a general D × D \
             matrix. Such functions can be composed, and their log-determinants add up.",
        ),
    ],
    sources: &[
        "flows/src/bijection.rs",
        "flows/src/flow.rs",
        "flows/src/base.rs",
        "zoo/src/pictures/change_of_variables.rs",
    ],
};
