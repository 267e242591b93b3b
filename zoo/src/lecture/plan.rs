//! Which commands make the lecture, and in which order: trainings of what there is not yet, then pictures.

use super::trained::{RUNS, Wanted};
use super::{Block, Chapter, Making};
use crate::models::Preset;
use crate::runs::folder::Run;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The chapters, in order.
    pub chapters: &'a [&'static Chapter],
    /// Where pictures, trainings and the page go.
    pub out: &'a Path,
    /// Runs that exist.
    pub from: Option<&'a Path>,
    /// How long trainings take that are still to be done.
    pub preset: Preset,
    /// Their steps, in place of that.
    pub steps: Option<u64>,
}

/// A command to be run.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is known by in the record: the command before folders were put in.
    pub key: String,
    /// The command's words, without `zoo`.
    pub words: Vec<String>,
    /// What must be there before it.
    pub inputs: Vec<PathBuf>,
    /// What is there after it.
    pub makes: Vec<PathBuf>,
    /// A folder that it must find empty.
    pub fresh: Option<PathBuf>,
    /// About how long it takes.
    pub minutes: f64,
    /// The training in it, if it is one.
    pub training: Option<Training>,
}

/// A training that may have been begun before.
#[derive(Clone, Debug)]
pub struct Training {
    /// Where it is kept.
    pub run: Run,
    /// The words that go on with it.
    pub resumed: Vec<String>,
}

/// All steps, and the folders behind the names.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In an order in which each finds what it needs.
    pub steps: Vec<Step>,
    /// The pictures' folder.
    pub figures: PathBuf,
    /// The folder of each run that is needed.
    pub runs: BTreeMap<&'static str, PathBuf>,
    /// The runs that exist already.
    pub found: Vec<&'static str>,
}

/// What stands for all runs that are compared.
const MEASURED: &str = "{measured}";

impl Plan {
    /// The plan for what is asked for: looks through the runs that exist, and runs nothing.
    #[must_use]
    pub fn of(asked: &Asked<'_>) -> Self {
        let (preset, steps) = (asked.preset, asked.steps);
        let kind = match (steps, preset) {
            (Some(steps), _) => format!("steps-{steps}"),
            (None, Preset::Quick) => "quick".to_owned(),
            (None, Preset::Standard) => "standard".to_owned(),
            (None, Preset::Paper) => "paper".to_owned(),
        };
        let mut plan =
            Self { steps: Vec::new(), figures: asked.out.join("figures"), runs: BTreeMap::new(), found: Vec::new() };
        let mut trainings = Vec::new();
        let named = named(asked.chapters);
        // Students first: one that is there needs its teacher no more.
        for run in RUNS.iter().rev() {
            let teaches = |student: &&Wanted| student.teacher() == Some(run.name);
            if !named.contains(&run.name) && !trainings.iter().any(teaches) {
                continue;
            }
            if let Some(found) = asked.from.and_then(|from| run.find(from)) {
                plan.found.push(run.name);
                plan.runs.insert(run.name, found);
            } else {
                plan.runs.insert(run.name, asked.out.join("runs").join(&kind).join(run.name));
                trainings.push(run);
            }
        }
        trainings.reverse();
        plan.found.reverse();
        let trainings: Vec<Step> = trainings.into_iter().map(|run| plan.training(run, preset, steps)).collect();
        plan.steps = trainings;
        for making in asked.chapters.iter().flat_map(|chapter| chapter.commands) {
            if plan.measures() || !making.command.contains(MEASURED) {
                let step = plan.making(making);
                plan.steps.push(step);
            }
        }
        plan
    }

    fn training(&self, run: &'static Wanted, preset: Preset, steps: Option<u64>) -> Step {
        let folder = &self.runs[run.name];
        let place = |words: Vec<String>| words.iter().map(|word| self.place(word)).collect::<Vec<_>>();
        let quick = usize::from(preset != Preset::Quick);
        Step {
            key: format!("training of {}", run.name),
            words: place(run.command(preset, steps, false)),
            inputs: run.teacher().map(|teacher| Run::at(&self.runs[teacher]).model()).into_iter().collect(),
            makes: vec![Run::at(folder).model()],
            fresh: None,
            minutes: run.minutes.about[quick],
            training: Some(Training { run: Run::at(folder), resumed: place(run.command(preset, steps, true)) }),
        }
    }

    fn making(&self, making: &'static Making) -> Step {
        let words: Vec<String> =
            making.command.split_whitespace().flat_map(|word| self.places(word)).map(|(word, _)| word).collect();
        let inputs = making.command.split_whitespace().flat_map(|word| self.places(word)).filter_map(|(_, run)| run);
        Step {
            key: making.command.to_owned(),
            words,
            inputs: inputs.map(|run| Run::at(&self.runs[run]).model()).collect(),
            makes: making.makes.iter().map(|file| self.place(file).into()).collect(),
            fresh: making.fresh.map(|folder| self.place(folder).into()),
            minutes: making.minutes,
            training: None,
        }
    }

    /// A word of a command with its folders, or, for `{measured}`, several; each with the run that it names.
    fn places(&self, word: &str) -> Vec<(String, Option<&'static str>)> {
        if word == MEASURED {
            let compared = RUNS.iter().filter(|run| run.compared && self.runs.contains_key(run.name));
            return compared.map(|run| (self.runs[run.name].display().to_string(), Some(run.name))).collect();
        }
        vec![(self.place(word), names(word).next())]
    }

    /// A word or a file's name with the folder that stands for what is in its braces.
    #[must_use]
    pub fn place(&self, word: &str) -> String {
        let mut placed = word.replace("{figures}", &self.figures.display().to_string());
        for (name, folder) in &self.runs {
            placed = placed.replace(&format!("{{{name}}}"), &folder.display().to_string());
        }
        placed
    }

    /// Whether there is anything to be compared.
    #[must_use]
    pub fn measures(&self) -> bool {
        RUNS.iter().any(|run| run.compared && self.runs.contains_key(run.name))
    }

    /// The step of a command of a chapter.
    #[must_use]
    pub fn step(&self, making: &Making) -> Option<&Step> {
        self.steps.iter().find(|step| step.key == making.command)
    }
}

/// The runs that some text names.
fn names(text: &str) -> impl Iterator<Item = &'static str> {
    let text = text.to_owned();
    RUNS.iter().map(|run| run.name).filter(move |name| text.contains(&format!("{{{name}}}")))
}

/// The runs that some chapters name.
fn named(chapters: &[&'static Chapter]) -> Vec<&'static str> {
    let texts = chapters.iter().flat_map(|chapter| {
        let files = chapter.blocks.iter().filter_map(|block| match block {
            Block::Picture { file, .. } | Block::Sound { file, .. } => Some(*file),
            _ => None,
        });
        files.chain(chapter.commands.iter().map(|making| making.command))
    });
    let numbers = chapters.iter().flat_map(|chapter| chapter.blocks).flat_map(|block| match block {
        Block::Numbers(runs) => *runs,
        _ => &[],
    });
    texts.flat_map(names).chain(numbers.copied()).collect()
}
