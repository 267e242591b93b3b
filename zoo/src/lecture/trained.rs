//! The trained models of the lecture: how to train them, and how to find them among existing runs.

use super::agenda::preset_name;
use crate::measure::shipped::Entry;
use crate::models::{Blueprint, Preset, Vae};
use crate::runs::checkpoint;
use crate::runs::folder::Run;
use std::path::{Path, PathBuf};

/// A trained model of the lecture.
#[derive(Debug)]
pub struct LectureRun {
    /// Its name in commands, and the name of its folder.
    pub name: &'static str,
    pub model: &'static str,
    /// The run of its teacher, if it is trained by `zoo distill`; it must exist before this one.
    pub teacher: Option<&'static str>,
    /// Its data, as its checkpoint names them.
    pub data: &'static str,
    /// Whether it is conditional on classes.
    pub conditional: bool,
    /// Further options of its training.
    pub options: &'static str,
    /// About how many minutes a quick training and a standard one take.
    pub minutes: [f64; 2],
    /// Whether it is compared with the others over its data.
    pub compared: bool,
}

const fn trained(name: &'static str, model: &'static str, data: &'static str, minutes: [f64; 2]) -> LectureRun {
    let compared = is_timed(data);
    LectureRun { name, model, teacher: None, data, conditional: false, options: "", minutes, compared }
}

/// Whether a quick training on some data is limited in time. On points, its recipe limits the steps.
const fn is_timed(data: &str) -> bool {
    matches!(data.as_bytes(), b"mnist" | b"speech")
}

const TWO_LATENTS: &str = "--latents 2 --likelihood bernoulli";

/// All runs. A student comes after its teacher.
pub const RUNS: [LectureRun; 15] = [
    trained("vae-mnist", "vae", "mnist", [2.0, 15.0]),
    LectureRun { options: TWO_LATENTS, compared: false, ..trained("vae-mnist-2", "vae", "mnist", [2.0, 15.0]) },
    trained("nice-mnist", "nice", "mnist", [2.0, 15.0]),
    trained("real-nvp-mnist", "real-nvp", "mnist", [4.0, 60.0]),
    trained("real-nvp-two-moons", "real-nvp", "two-moons", [0.2, 1.0]),
    trained("made-mnist", "made", "mnist", [2.0, 20.0]),
    trained("maf-mnist", "maf", "mnist", [2.0, 20.0]),
    trained("made-banana", "made", "banana", [0.1, 0.3]),
    trained("maf-banana", "maf", "banana", [0.2, 0.6]),
    LectureRun { conditional: true, compared: false, ..trained("maf-mnist-conditional", "maf", "mnist", [3.0, 20.0]) },
    LectureRun {
        teacher: Some("maf-mnist-conditional"),
        conditional: true,
        ..trained("iaf-of-maf-mnist-conditional", "iaf", "mnist", [3.0, 20.0])
    },
    trained("wavenet-speech", "wavenet", "speech", [3.0, 20.0]),
    LectureRun {
        teacher: Some("wavenet-speech"),
        compared: false,
        ..trained("parallel-wavenet-of-wavenet-speech", "parallel-wavenet", "speech", [3.0, 30.0])
    },
    trained("mint-net-mnist", "mint-net", "mnist", [4.0, 60.0]),
    trained("gaussianization-mnist", "gaussianization", "mnist", [3.0, 60.0]),
];

/// The run of a name.
pub fn find(name: &str) -> Option<&'static LectureRun> {
    RUNS.iter().find(|run| run.name == name)
}

impl LectureRun {
    /// Whether an existing model can be used as this one. Its sizes do not matter.
    pub fn is(&self, blueprint: &Blueprint, data: &str) -> bool {
        // The compared VAE is measured in bits per dimension, like flows; the other is drawn as a sheet.
        let suits = blueprint.config::<Vae>().is_none_or(|vae| {
            if self.compared { vae.latents != 2 && !vae.likelihood.is_discrete() } else { vae.latents == 2 }
        });
        suits && blueprint.name() == self.model && data == self.data && (blueprint.classes > 0) == self.conditional
    }

    /// Whether these shipped weights can be used as this one.
    pub fn is_shipped_as(&self, entry: &Entry) -> bool {
        self.is(&entry.header.blueprint, &entry.header.data)
    }

    /// A run of this model in a folder of runs, with an undamaged checkpoint: preferably the one of this name.
    pub fn find(&self, folder: &Path) -> Option<PathBuf> {
        let suits = |run: &Path| {
            let run = Run::at(run);
            let found =
                checkpoint::beginning(run.model()).ok().filter(|_| self.teacher.is_none() || run.teacher().exists());
            found.is_some_and(|(header, _)| self.is(&header.blueprint, &header.data))
        };
        let named = folder.join(self.name);
        if suits(&named) {
            return Some(named);
        }
        let mut others: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        others.sort();
        others.into_iter().find(|run| suits(run))
    }

    /// The words of the command that trains it, or resumes its training.
    pub fn command(&self, preset: Preset, steps: Option<u64>, resume: bool) -> Vec<String> {
        let mut words = match self.teacher {
            None => format!("train {} --data {}", self.model, self.data),
            Some(teacher) => format!("distill {{{teacher}}}"),
        };
        if resume {
            words += " --resume";
        } else {
            if self.conditional && self.teacher.is_none() {
                words += " --conditional";
            }
            words = format!("{words} --preset {} {}", preset_name(preset), self.options);
            match steps {
                Some(steps) => words += &format!(" --steps {steps}"),
                None if preset == Preset::Quick && is_timed(self.data) => {
                    words += &format!(" --minutes {}", self.minutes[0]);
                }
                None => {}
            }
        }
        words += &format!(" --out {{{}}}", self.name);
        words.split_whitespace().map(str::to_owned).collect()
    }
}
