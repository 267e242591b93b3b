//! All models beside each other.

use crate::lecture::Block::{Picture, Table, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "results",
    title: "All of them beside each other",
    lecture: "CS236, lectures 5 to 8",
    papers: &[],
    blocks: &[
        Text(
            "What each model above reaches on the same test images, what it costs, and how exactly it finds back. Bits per dimension \
             are those of pixels' levels, with fresh noise; lower is better. Published figures are their papers', or of tables in \
             later ones, mostly of far longer trainings.",
        ),
        Table,
        Picture {
            file: "{figures}/compare.svg",
            alt: "Panels of bits per dimension, parameters, training time, time per sample, time per density and round-trip error, a dot for each model",
            caption: "The same numbers, drawn.",
        },
    ],
    commands: &[Making {
        command: "compare {measured} --json --out {figures}/compare.svg",
        makes: &["{figures}/compare.svg"],
        fresh: None,
        minutes: 2.0,
    }],
    sources: &[],
};
