//! The commands that make the lecture, in order: training runs that are still missing, then pictures.

use super::record::FIGURES;
use super::trained::{LectureRun, RUNS};
use super::{Block, Chapter};
use crate::measure::shipped::{self, Entry};
use crate::models::Preset;
use crate::runs::folder::Run;
use crate::runs::shipped::named as named_weights;
use clap::ValueEnum as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The chapters, in order.
    pub chapters: &'a [&'static Chapter],
    /// The folder for pictures, runs, and the page.
    pub out: &'a Path,
    /// A folder of existing runs.
    pub from: Option<&'a Path>,
    /// Whether shipped weights take the place of runs.
    pub shipped: bool,
    /// How long to train the missing models.
    pub preset: Preset,
    /// The number of steps, instead of the preset's length.
    pub steps: Option<u64>,
}

/// A command to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its key in the record: the command before folders were filled in.
    pub key: String,
    /// The command's words, without `zoo`.
    pub words: Vec<String>,
    /// Files it needs.
    pub inputs: Vec<PathBuf>,
    /// Files it makes.
    pub outputs: Vec<PathBuf>,
    /// A folder that must not exist when it starts.
    pub fresh: Option<PathBuf>,
    /// About how many minutes it takes.
    pub minutes: f64,
    /// Set if it is a training run.
    pub training: Option<Training>,
}

/// A training run that may have been started before.
#[derive(Clone, Debug)]
pub struct Training {
    pub run: Run,
    /// The words that resume it.
    pub resumed: Vec<String>,
}

/// All tasks, and the folders behind the names.
#[derive(Clone, Debug)]
pub struct Agenda {
    /// In an order in which every task finds its inputs.
    pub tasks: Vec<Task>,
    /// The folder of the pictures.
    pub figures: PathBuf,
    /// The folder of each run that is needed.
    pub runs: BTreeMap<&'static str, PathBuf>,
    /// The runs that exist already.
    pub found: Vec<&'static str>,
}

/// Stands for all runs that are compared.
const MEASURED: &str = "{measured}";

impl Agenda {
    /// The tasks for some options. Looks at existing runs, and runs nothing.
    pub fn new(options: &Options<'_>) -> Self {
        let (preset, steps) = (options.preset, options.steps);
        let length = steps.map_or_else(|| preset_name(preset), |steps| format!("steps-{steps}"));
        let figures = options.out.join(FIGURES);
        let mut agenda = Self { tasks: Vec::new(), figures, runs: BTreeMap::new(), found: Vec::new() };
        let mut missing: Vec<&'static LectureRun> = Vec::new();
        let named = named(options.chapters);
        let shipped: Vec<Entry> = match options.shipped {
            true => shipped::all().into_iter().filter_map(Result::ok).collect(),
            false => Vec::new(),
        };
        // Students first: an existing student no longer needs its teacher.
        for run in RUNS.iter().rev() {
            let is_teacher = missing.iter().any(|student| student.teacher == Some(run.name));
            if !named.contains(&run.name) && !is_teacher {
                continue;
            }
            let shipped = shipped.iter().find(|entry| run.is_shipped_as(entry)).map(|entry| PathBuf::from(&entry.name));
            if let Some(found) = shipped.or_else(|| options.from.and_then(|from| run.find(from))) {
                agenda.found.push(run.name);
                agenda.runs.insert(run.name, found);
            } else {
                agenda.runs.insert(run.name, options.out.join("runs").join(&length).join(run.name));
                missing.push(run);
            }
        }
        agenda.found.reverse();
        agenda.tasks = missing.iter().rev().map(|run| agenda.train(run, preset, steps)).collect();
        for chapter in options.chapters {
            let mut commands: Vec<&str> = Vec::new();
            for [_, command] in chapter.blocks.iter().filter_map(|block| block.file()) {
                let possible = agenda.has_measured() || !command.contains(MEASURED);
                if possible && !command.is_empty() && !commands.contains(&command) {
                    commands.push(command);
                }
            }
            let tasks: Vec<Task> = commands.into_iter().map(|command| agenda.draw(chapter, command)).collect();
            agenda.tasks.extend(tasks);
        }
        agenda
    }

    fn train(&self, run: &'static LectureRun, preset: Preset, steps: Option<u64>) -> Task {
        let folder = &self.runs[run.name];
        let filled = |words: Vec<String>| words.iter().map(|word| self.fill(word)).collect::<Vec<_>>();
        Task {
            key: format!("training of {}", run.name),
            words: filled(run.command(preset, steps, false)),
            inputs: run.teacher.map(|teacher| self.weights(teacher)).into_iter().collect(),
            outputs: vec![Run::at(folder).model()],
            fresh: None,
            minutes: run.minutes[usize::from(preset != Preset::Quick)],
            training: Some(Training { run: Run::at(folder), resumed: filled(run.command(preset, steps, true)) }),
        }
    }

    /// The file with a run's weights.
    fn weights(&self, run: &str) -> PathBuf {
        match named_weights(&self.runs[run]) {
            Some(place) => place.file(),
            None => Run::at(&self.runs[run]).model(),
        }
    }

    fn draw(&self, chapter: &Chapter, command: &str) -> Task {
        let files = chapter.blocks.iter().filter_map(|block| block.file());
        let outputs = files.filter(|[_, by]| *by == command).map(|[file, _]| self.fill(file).into());
        let (words, inputs): (Vec<_>, Vec<_>) = command.split_whitespace().flat_map(|word| self.expand(word)).unzip();
        Task {
            key: command.to_owned(),
            words,
            inputs: inputs.into_iter().flatten().map(|run| self.weights(run)).collect(),
            outputs: outputs.collect(),
            fresh: fresh(command).map(|folder| self.fill(folder).into()),
            minutes: minutes(command),
            training: None,
        }
    }

    /// A word of a command with its folder or, for `{measured}`, all folders; each with the run it names.
    fn expand(&self, word: &str) -> Vec<(String, Option<&'static str>)> {
        if word == MEASURED {
            let compared = RUNS.iter().filter(|run| run.compared && self.runs.contains_key(run.name));
            return compared.map(|run| (self.runs[run.name].display().to_string(), Some(run.name))).collect();
        }
        vec![(self.fill(word), names(word).next())]
    }

    /// A word or a file name with folders in place of the names in braces.
    pub fn fill(&self, word: &str) -> String {
        let mut filled = word.replace("{figures}", &self.figures.display().to_string());
        for (name, folder) in &self.runs {
            filled = filled.replace(&format!("{{{name}}}"), &folder.display().to_string());
        }
        filled
    }

    /// Whether there are runs to compare.
    pub fn has_measured(&self) -> bool {
        RUNS.iter().any(|run| run.compared && self.runs.contains_key(run.name))
    }

    /// The task of a chapter's command.
    pub fn task(&self, command: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.key == command)
    }
}

/// The preset as `--preset` takes it.
pub(super) fn preset_name(preset: Preset) -> String {
    preset.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// About how many minutes a command takes.
fn minutes(command: &str) -> f64 {
    match command.split(' ').next() {
        Some("compare") => 2.0,
        Some("inversion-error") => 0.6,
        Some("planar") => 0.5,
        Some("maf-vs-iaf" | "compare-student") => 0.3,
        _ => 0.1,
    }
}

/// The folder that a command must not find.
fn fresh(command: &str) -> Option<&str> {
    command.strip_prefix("gaussianize ")?.split_once("--out ").map(|(_, folder)| folder)
}

/// The runs that a text names.
fn names(text: &str) -> impl Iterator<Item = &'static str> {
    let text = text.to_owned();
    RUNS.iter().map(|run| run.name).filter(move |name| text.contains(&format!("{{{name}}}")))
}

/// The runs that some chapters name.
fn named(chapters: &[&'static Chapter]) -> Vec<&'static str> {
    let blocks = || chapters.iter().flat_map(|chapter| &chapter.blocks);
    let shown = blocks().filter_map(|block| block.file()).flatten().flat_map(names);
    let measured = RUNS.iter().map(|run| run.name).filter(move |name| {
        blocks().any(|block| matches!(block, Block::Measured(runs) if runs.iter().any(|run| run == name)))
    });
    shown.chain(measured).collect()
}
