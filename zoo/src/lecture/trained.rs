//! The trained models that the lecture shows: which, how to train them, and which of those that exist will do.

use crate::models::{Blueprint, Preset, Vae};
use crate::runs::checkpoint;
use crate::runs::folder::Run;
use std::path::{Path, PathBuf};

/// A model that pictures are made with.
#[derive(Debug)]
pub struct Wanted {
    /// Its name in commands, and its folder's.
    pub name: &'static str,
    /// How it comes to be.
    pub made: Made,
    /// What it is trained on, as its checkpoint has it.
    pub data: &'static str,
    /// Whether it is given classes.
    pub conditional: bool,
    /// Further options of its training.
    pub options: &'static str,
    /// Minutes of a quick training, where the recipe does not count steps, and about how many a training takes by either
    /// preset.
    pub minutes: Minutes,
    /// Whether it is measured beside the others over its data.
    pub compared: bool,
}

/// How a model comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// `zoo train` of this model.
    Trained(&'static str),
    /// `zoo distill` of the run of this name; the student's model.
    Distilled {
        /// The teacher's run.
        teacher: &'static str,
        /// The student's model.
        student: &'static str,
    },
}

/// How long a training takes.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    /// What a quick one is given; where there is none, its recipe says.
    pub given: Option<f64>,
    /// About how long a quick one and a standard one take.
    pub about: [f64; 2],
}

const fn minutes(given: f64, standard: f64) -> Minutes {
    Minutes { given: Some(given), about: [given, standard] }
}

const fn steps(about: [f64; 2]) -> Minutes {
    Minutes { given: None, about }
}

const fn trained(name: &'static str, model: &'static str, data: &'static str, minutes: Minutes) -> Wanted {
    let compared = matches!(data.as_bytes(), b"mnist" | b"speech");
    Wanted { name, made: Made::Trained(model), data, conditional: false, options: "", minutes, compared }
}

const TWO_LATENTS: &str = "--latents 2 --likelihood bernoulli";

/// All of them. A student comes after its teacher.
pub const RUNS: [Wanted; 15] = [
    trained("vae-mnist", "vae", "mnist", minutes(2.0, 15.0)),
    Wanted { options: TWO_LATENTS, compared: false, ..trained("vae-mnist-2", "vae", "mnist", minutes(2.0, 15.0)) },
    trained("nice-mnist", "nice", "mnist", minutes(2.0, 15.0)),
    trained("real-nvp-mnist", "real-nvp", "mnist", minutes(4.0, 60.0)),
    trained("real-nvp-two-moons", "real-nvp", "two-moons", steps([0.2, 1.0])),
    trained("made-mnist", "made", "mnist", minutes(2.0, 20.0)),
    trained("maf-mnist", "maf", "mnist", minutes(2.0, 20.0)),
    trained("made-banana", "made", "banana", steps([0.1, 0.3])),
    trained("maf-banana", "maf", "banana", steps([0.2, 0.6])),
    Wanted {
        conditional: true,
        compared: false,
        ..trained("maf-mnist-conditional", "maf", "mnist", minutes(3.0, 20.0))
    },
    Wanted {
        made: Made::Distilled { teacher: "maf-mnist-conditional", student: "iaf" },
        conditional: true,
        ..trained("iaf-of-maf-mnist-conditional", "iaf", "mnist", minutes(3.0, 20.0))
    },
    trained("wavenet-speech", "wavenet", "speech", minutes(3.0, 20.0)),
    Wanted {
        made: Made::Distilled { teacher: "wavenet-speech", student: "parallel-wavenet" },
        compared: false,
        ..trained("parallel-wavenet-of-wavenet-speech", "parallel-wavenet", "speech", minutes(3.0, 30.0))
    },
    trained("mint-net-mnist", "mint-net", "mnist", minutes(4.0, 60.0)),
    trained("gaussianization-mnist", "gaussianization", "mnist", minutes(3.0, 60.0)),
];

/// The run of a name.
#[must_use]
pub fn wanted(name: &str) -> Option<&'static Wanted> {
    RUNS.iter().find(|run| run.name == name)
}

impl Wanted {
    /// The model's name.
    #[must_use]
    pub const fn model(&self) -> &'static str {
        match self.made {
            Made::Trained(model) | Made::Distilled { student: model, .. } => model,
        }
    }

    /// The run that must be there first.
    #[must_use]
    pub const fn teacher(&self) -> Option<&'static str> {
        match self.made {
            Made::Trained(_) => None,
            Made::Distilled { teacher, .. } => Some(teacher),
        }
    }

    /// Whether a model that exists is this one, whatever its sizes.
    #[must_use]
    pub fn is(&self, blueprint: &Blueprint, data: &str) -> bool {
        // One VAE is drawn as a sheet; the other is compared with flows, in bits per dimension.
        let suits = blueprint.config::<Vae>().is_none_or(|vae| {
            if self.compared { vae.latents != 2 && !vae.likelihood.is_discrete() } else { vae.latents == 2 }
        });
        suits && blueprint.name() == self.model() && data == self.data && (blueprint.classes > 0) == self.conditional
    }

    /// A run of this model in a folder of runs, its file whole: of this name if there is one, else the first of another.
    #[must_use]
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

    /// The words of the command that trains it into `out`; `resume` goes on with what is there.
    #[must_use]
    pub fn command(&self, preset: Preset, steps: Option<u64>, resume: bool) -> Vec<String> {
        let mut words = match self.made {
            Made::Trained(model) => format!("train {model} --data {}", self.data),
            Made::Distilled { teacher, .. } => format!("distill {{{teacher}}}"),
        };
        if resume {
            words += " --resume";
        } else {
            if self.conditional && self.teacher().is_none() {
                words += " --conditional";
            }
            words += match preset {
                Preset::Quick => " --preset quick",
                Preset::Standard => " --preset standard",
                Preset::Paper => " --preset paper",
            };
            words = words + " " + self.options;
            match (steps, preset, self.minutes.given) {
                (Some(steps), ..) => words += &format!(" --steps {steps}"),
                (None, Preset::Quick, Some(minutes)) => words += &format!(" --minutes {minutes}"),
                _ => {}
            }
        }
        words += &format!(" --out {{{}}}", self.name);
        words.split_whitespace().map(str::to_owned).collect()
    }
}
