//! WaveNet and Parallel WaveNet.

use super::formula;
use crate::lecture::Block::{Numbers, Picture, Sound, Text};
use crate::lecture::{Chapter, Making};

pub(super) const CHAPTER: Chapter = Chapter {
    id: "parallel-wavenet",
    title: "Parallel WaveNet: distillation of sound",
    lecture: "CS236, lecture 8",
    papers: &[
        "van den Oord et al.: WaveNet: A Generative Model for Raw Audio (2016)",
        "van den Oord et al.: Parallel WaveNet: Fast High-Fidelity Speech Synthesis (2018)",
    ],
    blocks: &[
        Text(
            "The teacher reads a signal through layers of causal convolutions, each looking twice as far back as the one before, in cycles, and \
             gives each next sample a mixture of logistic distributions:",
        ),
        formula!("wavenet"),
        formula!("logistic-mixture"),
        Text(
            "The student turns logistic noise into sound by a few inverse autoregressive layers, all time steps at once. Its entropy \
             has a closed form, from its scales alone, which keeps it from collapsing onto one signal:",
        ),
        formula!("student-entropy"),
        Picture {
            file: "{figures}/wavenet/compare-student.png",
            alt: "Waveforms and spectrograms of data, teacher and student in three columns",
            caption: "Data (voices that this program makes), the teacher's samples and the student's: waveforms, and their spectra over time.",
        },
        Sound { file: "{figures}/wavenet/data.wav", caption: "Data" },
        Sound { file: "{figures}/wavenet/teacher.wav", caption: "The teacher, WaveNet" },
        Sound {
            file: "{figures}/wavenet/student.wav",
            caption: "The student, Parallel WaveNet. A training of minutes brings it to noise with about the right spectrum, and not to voices",
        },
        Picture {
            file: "{parallel-wavenet-of-wavenet-speech}/curve.svg",
            alt: "The student's loss, falling over the steps",
            caption: "The student's divergence over the training's steps, in nats a time step.",
        },
        Text(
            "From a signal to its latents and back one does not arrive at the same signal. Each sample is fed to the next, and an \
             error of rounding grows along the way until it is as large as the voice. Densities do not suffer from that: they \
             are computed from the signal as it is, in one pass.",
        ),
        Numbers(&["wavenet-speech"]),
    ],
    commands: &[Making {
        command: "compare-student {parallel-wavenet-of-wavenet-speech} --out {figures}/wavenet",
        makes: &[
            "{figures}/wavenet/compare-student.png",
            "{figures}/wavenet/data.wav",
            "{figures}/wavenet/teacher.wav",
            "{figures}/wavenet/student.wav",
        ],
        fresh: None,
        minutes: 0.3,
    }],
    sources: &[
        "flows/src/models/wave_net.rs",
        "flows/src/nn/wave_net.rs",
        "flows/src/models/parallel_wave_net.rs",
        "flows/src/distillation.rs",
    ],
};
