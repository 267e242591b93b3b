//! All models compared.

use super::picture;
use crate::lecture::Block::{Table, Text};
use crate::lecture::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    id: "results",
    title: "All models compared",
    lecture: "CS236, lectures 5 to 8",
    papers: &[],
    blocks: &[
        Text(
            "The table shows what each model reaches on the same test rows, what it costs, and how exact its round trip \
             x → z → x′ is. Bits per dimension are those of the integer pixel levels, with fresh dequantization noise; lower \
             is better. Published results are from the model's paper or from tables in later papers, and most of them are \
             of much longer trainings.",
        ),
        Table,
        picture(
            "{figures}/compare.svg",
            "compare {measured} --json --out {figures}/compare.svg",
            "Panels of bits per dimension, parameters, training time, time per sample, time per density, and round-trip \
             error, with a dot for each model",
            "The same measurements as dot plots. Further left is better in every panel.",
        ),
    ],
    sources: &[],
};
