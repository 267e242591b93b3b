//! IAF and distillation.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Text};
use crate::lecture::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    id: "iaf",
    title: "The inverse direction: IAF and distillation",
    lecture: "CS236, lecture 8",
    papers: &[
        "Kingma et al.: Improving Variational Inference with Inverse Autoregressive Flow (2016)",
        "van den Oord et al.: Parallel WaveNet: Fast High-Fidelity Speech Synthesis (2018)",
    ],
    blocks: &[
        Text(
            "Let the mean and the log-scale depend on the earlier latents instead of the earlier data. The formulas look the \
             same, but the fast direction has changed. In an inverse autoregressive flow (IAF), samples take one pass, and \
             densities of given data are sequential:",
        ),
        formula!("iaf"),
        formula!("iaf-determinant"),
        picture(
            "{figures}/maf-vs-iaf.svg",
            "maf-vs-iaf --out {figures}/maf-vs-iaf.svg",
            "Lines of time per row against dimensions, for densities and samples of MAF and IAF",
            "Time per row as the number of dimensions D grows. The steep line takes D full passes for a sample. Computing \
             each unit only once keeps the sequential direction within a small factor of a single pass.",
        ),
        Text(
            "Distillation combines both: a student with fast samples (IAF) learns from a teacher with fast densities (MAF). \
             It sees no data. It draws samples, and the teacher judges them by its density t(x). The density s(x) of the \
             student is fast too, because the latents of its own samples are known. The loss is the KL divergence from the \
             teacher:",
        ),
        formula!("distillation"),
        picture(
            "{figures}/iaf/beside.png",
            "compare-student {iaf-of-maf-mnist-conditional} --out {figures}/iaf",
            "Two grids of digits, the teacher's and the student's, with one column per class",
            "Teacher (MAF, given the class) and student (IAF), one column per class. A tile of noise is a sample outside of \
             the region that the teacher's networks learned. The student draws only the most certain strokes, and faintly: \
             this divergence lets it drop modes of its teacher. Test digits from dropped modes have densities too small for \
             f32.",
        ),
        picture(
            "{iaf-of-maf-mnist-conditional}/curve.svg",
            "",
            "The divergence of the student from its teacher, falling over the steps",
            "The divergence during training, in nats over all 784 dimensions.",
        ),
        Measured(&["iaf-of-maf-mnist-conditional"]),
    ],
    sources: &["flows/src/models/iaf.rs", "flows/src/layers/autoregressive.rs", "flows/src/distillation.rs"],
};
