//! The trained models of the lecture: how to train them, and how to find them among existing runs.

use super::agenda::preset_name;
use crate::models::{Blueprint, Preset, Vae};
use crate::runs::checkpoint;
use crate::runs::folder::Run;
use std::path::{Path, PathBuf};

/// A trained model of the lecture.
#[derive(Debug)]
pub struct LectureRun {
    /// Its name in commands, and the name of its folder.
    pub name: &'static str,
    /// How it is trained.
    pub origin: Origin,
    /// Its data, as its checkpoint names them.
    pub data: &'static str,
    /// Whether it is conditional on classes.
    pub conditional: bool,
    /// Further options of its training.
    pub options: &'static str,
    /// How long its training takes.
    pub minutes: Minutes,
    /// Whether it is compared with the others over its data.
    pub compared: bool,
}

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By `zoo train` with this model.
    Train(&'static str),
    /// By `zoo distill` with the teacher's run.
    Distill {
        /// The name of the teacher's run.
        teacher: &'static str,
        /// The student's model.
        student: &'static str,
    },
}

/// How long a training takes.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    /// The limit of a quick training; None if its recipe limits the steps instead.
    pub limit: Option<f64>,
    /// About how many minutes a quick training and a standard one take.
    pub about: [f64; 2],
}

const fn minutes(quick: f64, standard: f64) -> Minutes {
    Minutes { limit: Some(quick), about: [quick, standard] }
}

const fn steps(about: [f64; 2]) -> Minutes {
    Minutes { limit: None, about }
}

const fn trained(name: &'static str, model: &'static str, data: &'static str, minutes: Minutes) -> LectureRun {
    let compared = matches!(data.as_bytes(), b"mnist" | b"speech");
    LectureRun { name, origin: Origin::Train(model), data, conditional: false, options: "", minutes, compared }
}

const TWO_LATENTS: &str = "--latents 2 --likelihood bernoulli";

/// All runs. A student comes after its teacher.
pub const RUNS: [LectureRun; 15] = [
    trained("vae-mnist", "vae", "mnist", minutes(2.0, 15.0)),
    LectureRun { options: TWO_LATENTS, compared: false, ..trained("vae-mnist-2", "vae", "mnist", minutes(2.0, 15.0)) },
    trained("nice-mnist", "nice", "mnist", minutes(2.0, 15.0)),
    trained("real-nvp-mnist", "real-nvp", "mnist", minutes(4.0, 60.0)),
    trained("real-nvp-two-moons", "real-nvp", "two-moons", steps([0.2, 1.0])),
    trained("made-mnist", "made", "mnist", minutes(2.0, 20.0)),
    trained("maf-mnist", "maf", "mnist", minutes(2.0, 20.0)),
    trained("made-banana", "made", "banana", steps([0.1, 0.3])),
    trained("maf-banana", "maf", "banana", steps([0.2, 0.6])),
    LectureRun {
        conditional: true,
        compared: false,
        ..trained("maf-mnist-conditional", "maf", "mnist", minutes(3.0, 20.0))
    },
    LectureRun {
        origin: Origin::Distill { teacher: "maf-mnist-conditional", student: "iaf" },
        conditional: true,
        ..trained("iaf-of-maf-mnist-conditional", "iaf", "mnist", minutes(3.0, 20.0))
    },
    trained("wavenet-speech", "wavenet", "speech", minutes(3.0, 20.0)),
    LectureRun {
        origin: Origin::Distill { teacher: "wavenet-speech", student: "parallel-wavenet" },
        compared: false,
        ..trained("parallel-wavenet-of-wavenet-speech", "parallel-wavenet", "speech", minutes(3.0, 30.0))
    },
    trained("mint-net-mnist", "mint-net", "mnist", minutes(4.0, 60.0)),
    trained("gaussianization-mnist", "gaussianization", "mnist", minutes(3.0, 60.0)),
];

/// The run of a name.
pub fn find(name: &str) -> Option<&'static LectureRun> {
    RUNS.iter().find(|run| run.name == name)
}

impl LectureRun {
    /// The model's name.
    pub const fn model(&self) -> &'static str {
        match self.origin {
            Origin::Train(model) | Origin::Distill { student: model, .. } => model,
        }
    }

    /// The run that must exist before this one.
    pub const fn teacher(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Train(_) => None,
            Origin::Distill { teacher, .. } => Some(teacher),
        }
    }

    /// Whether an existing model can be used as this one. Its sizes do not matter.
    pub fn is(&self, blueprint: &Blueprint, data: &str) -> bool {
        // The compared VAE is measured in bits per dimension, like flows; the other is drawn as a sheet.
        let suits = blueprint.config::<Vae>().is_none_or(|vae| {
            if self.compared { vae.latents != 2 && !vae.likelihood.is_discrete() } else { vae.latents == 2 }
        });
        suits && blueprint.name() == self.model() && data == self.data && (blueprint.classes > 0) == self.conditional
    }

    /// A run of this model in a folder of runs, with an undamaged checkpoint: preferably the one of this name.
    pub fn find(&self, folder: &Path) -> Option<PathBuf> {
        let suits = |run: &Path| {
            let run = Run::at(run);
            let found =
                checkpoint::beginning(&run.model()).ok().filter(|_| self.teacher().is_none() || run.teacher().exists());
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
        let mut words = match self.origin {
            Origin::Train(model) => format!("train {model} --data {}", self.data),
            Origin::Distill { teacher, .. } => format!("distill {{{teacher}}}"),
        };
        if resume {
            words += " --resume";
        } else {
            if self.conditional && self.teacher().is_none() {
                words += " --conditional";
            }
            words = format!("{words} --preset {} {}", preset_name(preset), self.options);
            match (steps, preset, self.minutes.limit) {
                (Some(steps), ..) => words += &format!(" --steps {steps}"),
                (None, Preset::Quick, Some(minutes)) => words += &format!(" --minutes {minutes}"),
                _ => {}
            }
        }
        words += &format!(" --out {{{}}}", self.name);
        words.split_whitespace().map(str::to_owned).collect()
    }
}
