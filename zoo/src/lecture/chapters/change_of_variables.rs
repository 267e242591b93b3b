//! What a map does to a density.

use super::formula;
use crate::lecture::Block::{Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "change-of-variables",
    title: "The change of variables",
    lecture: "CS236, lecture 7",
    papers: &[],
    blocks: &[
        Text(
            "Let the code have as many dimensions as the data, and let x = f(z) be invertible. Then every x has come from one z, \
             and there is no integral. But the density of x is not simply that of its z: where f spreads volume out, the same \
             probability lies thinner.",
        ),
        Text("Let Z be uniform on [0, 2]. Four times as wide is a quarter as high:"),
        formula!("scaling"),
        Text("and for a map that stretches differently at different places, the height is divided by the slope there:"),
        formula!("exponential"),
        Picture {
            file: "{figures}/change-of-variables.svg",
            alt: "Three histograms with the formula's line on each: Z uniform, 4Z uniform and lower, exp(Z) falling as 1/x",
            caption: "Samples as bars, the formulas as lines. Dashed: what one would get by forgetting the slope.",
        },
        Text("In more dimensions the stretching is that of volume. A matrix makes a parallelogram of the unit square:"),
        formula!("parallelogram"),
        Picture {
            file: "{figures}/parallelogram.svg",
            alt: "The unit square with points in it, and the parallelogram that a matrix makes of both",
            caption: "The unit square and what a matrix makes of it: the area is the determinant.",
        },
        Text(
            "Near any point a smooth map is a matrix, its Jacobian. So, for every invertible f, with z = f⁻¹(x), the whole theory \
             is one line:",
        ),
        formula!("change-of-variables"),
        Text(
            "What remains is to find maps that bend enough, whose inverse can be computed, and whose determinant costs less than \
             the cube of the dimensions. That is what the following chapters are about. Maps can be put one after another: then \
             their log-determinants add up.",
        ),
    ],
    commands: &[Making {
        command: "change-of-variables --out {figures}",
        makes: &["{figures}/change-of-variables.svg", "{figures}/parallelogram.svg"],
        fresh: None,
        minutes: 0.05,
    }],
    sources: &[
        "flows/src/bijection.rs",
        "flows/src/flow.rs",
        "flows/src/base.rs",
        "zoo/src/pictures/change_of_variables.rs",
    ],
};
