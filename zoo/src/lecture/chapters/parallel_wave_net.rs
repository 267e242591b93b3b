//! WaveNet and Parallel WaveNet.

use super::{formula, picture};
use crate::lecture::Block::{Measured, Sound, Text};
use crate::lecture::Chapter;

const COMPARE: &str = "compare-student {parallel-wavenet-of-wavenet-speech} --out {figures}/wavenet";

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
            "WaveNet, the teacher, is an autoregressive model of sound. It predicts each time step from all earlier ones:",
        ),
        formula!("wavenet"),
        Text(
            "Its network is a stack of causal convolutions, which never look ahead. Dilation doubles the reach from layer to \
             layer. The output at each step is a mixture of K logistic distributions, with weights π, means μ, and scales s. \
             σ is the logistic function:",
        ),
        formula!("logistic-mixture"),
        Text(
            "Parallel WaveNet, the student, turns logistic noise into sound by a few inverse autoregressive layers, all time \
             steps at once. Its entropy H depends on its scales alone. Maximizing it prevents the student from always \
             drawing the same likely signal:",
        ),
        formula!("student-entropy"),
        picture(
            "{figures}/wavenet/beside.png",
            COMPARE,
            "Waveforms and spectrograms of data, teacher, and student in three columns",
            "Data (synthetic voices made by this program), samples of the teacher, and samples of the student. Each waveform \
             has its spectrogram below. Look for the bright bands, the harmonics of a voice: the student has none yet.",
        ),
        Sound { file: "{figures}/wavenet/data.wav", command: COMPARE, caption: "Data" },
        Sound { file: "{figures}/wavenet/teacher.wav", command: COMPARE, caption: "The teacher, WaveNet" },
        Sound {
            file: "{figures}/wavenet/student.wav",
            command: COMPARE,
            caption: "The student, Parallel WaveNet. After minutes of training it makes noise with roughly the right \
                      spectrum, but no voices",
        },
        picture(
            "{parallel-wavenet-of-wavenet-speech}/curve.svg",
            "",
            "The student's loss, falling over the steps",
            "The student's divergence during training, in nats per time step.",
        ),
        Text(
            "A round trip from a signal to its latents and back does not return the same signal here. Each computed value is \
             fed into the next step, and a rounding error grows from step to step until it is as large as the voice. Densities \
             are not affected, because they are computed from the given signal in one pass.",
        ),
        Measured(&["wavenet-speech"]),
    ],
    sources: &[
        "flows/src/models/wave_net.rs",
        "flows/src/nn/wave_net.rs",
        "flows/src/models/parallel_wave_net.rs",
        "flows/src/distillation.rs",
    ],
};
