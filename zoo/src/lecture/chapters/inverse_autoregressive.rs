//! IAF, and what distillation is.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "iaf",
    title: "The other way round: IAF, and learning from a teacher",
    lecture: "CS236, lecture 8",
    papers: &[
        "Kingma et al.: Improving Variational Inference with Inverse Autoregressive Flow (2016)",
        "van den Oord et al.: Parallel WaveNet: Fast High-Fidelity Speech Synthesis (2018)",
    ],
    blocks: &[
        Text(
            "Let mean and scale depend on the earlier latents instead of the earlier data. The formula looks the same, and what was \
             parallel has become sequential: now samples take one pass, and densities of given data go number by number.",
        ),
        formula!("iaf"),
        formula!("iaf-determinant"),
        Picture {
            file: "{figures}/maf-vs-iaf.svg",
            alt: "Lines of time per row against dimensions, for densities and samples of MAF and IAF",
            caption: "Time per row as the dimensions grow. The steep line is what D whole passes would cost; computing each unit once, the slow direction is not slow.",
        },
        Text(
            "A student with fast samples learns from a teacher with fast densities. It is never shown data: it draws, and the \
             teacher judges. Of its own samples it knows the latents, so that their density is one pass too.",
        ),
        formula!("distillation"),
        Picture {
            file: "{figures}/iaf/compare-student.png",
            alt: "Two grids of digits, the teacher's and the student's, a column for each class",
            caption: "Teacher (MAF, given the class) and student (IAF); a column for each class. A tile of noise is a sample that left what the teacher's networks had seen. The student draws the surest strokes, and faintly: this divergence lets it leave out what its teacher can do, and test digits that it leaves out have densities below what f32 holds.",
        },
        Picture {
            file: "{iaf-of-maf-mnist-conditional}/curve.svg",
            alt: "The divergence of the student from its teacher, falling over the steps",
            caption: "The divergence over the training's steps, in nats of 784 dimensions.",
        },
        Numbers(&["iaf-of-maf-mnist-conditional"]),
    ],
    commands: &[
        Making {
            command: "maf-vs-iaf --out {figures}/maf-vs-iaf.svg",
            makes: &["{figures}/maf-vs-iaf.svg"],
            fresh: None,
            minutes: 0.3,
        },
        Making {
            command: "compare-student {iaf-of-maf-mnist-conditional} --out {figures}/iaf",
            makes: &["{figures}/iaf/compare-student.png"],
            fresh: None,
            minutes: 0.2,
        },
    ],
    sources: &["flows/src/models/iaf.rs", "flows/src/layers/autoregressive.rs", "flows/src/distillation.rs"],
};
