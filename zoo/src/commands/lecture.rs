//! `zoo lecture`: runs the commands of the lecture and writes its page.

use super::Cli;
use super::prelude::*;
use crate::lecture::agenda::{Agenda, Options, Task};
use crate::lecture::page::Page;
use crate::lecture::record::{FIGURES, PAGE, Record};
use crate::lecture::{CHAPTERS, Chapter};
use crate::runs::files::{replace_atomically, sweep};
use crate::text::{self, counted};
use clap::builder::PossibleValuesParser;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Instant;

/// Build the lecture page: every figure, next to ideas, formulas, and code
///
/// Uses shipped weights where there are any, else trained runs, and trains quick models elsewhere. With --train, --from
/// or --steps it uses no shipped weights. The page is one HTML file that works offline. If interrupted, run the same
/// command again to continue.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo lecture --only change-of-variables,nice")]
pub(super) struct Args {
    /// Folder for the page (lecture.html), its pictures, and new runs
    #[arg(long, value_name = "FOLDER", default_value = "lecture")]
    out: PathBuf,
    /// How long to train missing runs: quick takes about 35 minutes in all, standard about six hours
    #[arg(long, value_enum, default_value = "quick")]
    preset: Preset,
    /// Folder with existing runs to use [default: runs]
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Train the models, or use existing runs, in place of the shipped weights
    #[arg(long)]
    train: bool,
    /// Build only these chapters, and the results of their models
    #[arg(long, value_name = "CHAPTER,…", value_delimiter = ',', value_parser = PossibleValuesParser::new(CHAPTERS.iter().map(|chapter| chapter.id.as_str())))]
    only: Vec<String>,
    /// Train for N steps instead of the preset's time, to try it out
    #[arg(long, value_name = "N", value_parser = train_args::steps)]
    steps: Option<u64>,
}

/// The default folder of runs.
const RUNS: &str = "runs";
/// The last chapter of every lecture with a measured model.
const LAST: &str = "results";

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    if let Some(from) = &args.from
        && !from.is_dir()
    {
        bail!("there is no folder {}: give --from a folder of runs, or leave it out", from.display());
    }
    let _lock = Run::at(&args.out).lock()?;
    let record = Record::open(&args.out)?;
    make_folder(&args.out.join(FIGURES))?;
    for folder in [&args.out, &args.out.join(FIGURES)] {
        sweep(folder);
    }
    interrupt::listen()?;

    let chapters = chosen(&args.only);
    let usual = Path::new(RUNS);
    let from = args.from.as_deref().or(usual.is_dir().then_some(usual));
    // Who names runs, or asks for a training, wants to see these.
    let shipped = !args.train && args.from.is_none() && args.steps.is_none();
    let options =
        Options { chapters: &chapters, out: &args.out, from, shipped, preset: args.preset, steps: args.steps };
    let agenda = Agenda::new(&options);
    let has_results = agenda.has_measured();
    let chapters: Vec<&Chapter> = chapters.into_iter().filter(|chapter| chapter.id != LAST || has_results).collect();
    let mut lecture = Lecture { agenda: &agenda, record, failed: BTreeMap::new() };
    for name in &agenda.found {
        let run = Run::at(&agenda.runs[name]);
        let unfinished = if train::is_unfinished(&run) { ", although its training is not finished" } else { "" };
        stderr::print_line(format_args!("{name}: using {}{unfinished}", run.folder().display()));
    }

    let page = args.out.join(PAGE);
    let write = |lecture: &Lecture<'_>| -> Result<()> {
        let Lecture { agenda, record, failed } = lecture;
        let html = Page { chapters: &chapters, agenda, record, failed }.html()?;
        replace_atomically(&page, |file| file.write_all(html.as_bytes()))
    };
    // First an empty page: an error here must not come after hours of training.
    lecture.record.write()?;
    write(&lecture)?;
    lecture.make(write)?;
    let page = page.display();
    if interrupt::requested() {
        writeln!(out, "{page}: stopped; run the same command again to continue")?;
        return Ok(ExitCode::from(interrupt::EXIT_CODE as u8));
    }
    if !lecture.failed.is_empty() {
        let (count, steps) = (lecture.failed.len(), agenda.tasks.len());
        bail!("{page} lacks the results of {count} of {steps} steps: see the reasons above, then run this again");
    }
    let (chapters, steps) = (counted(chapters.len(), "chapter"), counted(agenda.tasks.len(), "step"));
    writeln!(out, "{page}: {chapters}, {steps}; open it in a browser")?;
    Ok(ExitCode::SUCCESS)
}

/// The requested chapters, and the results.
fn chosen(only: &[String]) -> Vec<&'static Chapter> {
    let wanted = |chapter: &&Chapter| only.is_empty() || chapter.id == LAST || only.contains(&chapter.id);
    CHAPTERS.iter().filter(wanted).collect()
}

/// A lecture in progress.
struct Lecture<'a> {
    agenda: &'a Agenda,
    record: Record,
    /// Why tasks failed, by their keys.
    failed: BTreeMap<String, String>,
}

impl Lecture<'_> {
    /// Runs the tasks that are not done, and writes the page after each. A task that fails does not stop the others.
    fn make(&mut self, write: impl Fn(&Self) -> Result<()>) -> Result<()> {
        let tasks = &self.agenda.tasks;
        for (i, task) in tasks.iter().enumerate() {
            if interrupt::requested() {
                return Ok(());
            }
            if self.record.find(task).is_some() {
                continue;
            }
            let left: f64 =
                tasks[i..].iter().filter(|task| self.record.find(task).is_none()).map(|task| task.minutes).sum();
            let (step, steps, line) = (i + 1, tasks.len(), task.words.join(" "));
            stderr::print_line(format_args!("[{step}/{steps}, about {} left] zoo {line}", time(left)));
            let start = Instant::now();
            match run_task(task) {
                // An interrupted task is not done; it will continue.
                Ok(_) if interrupt::requested() => {}
                Ok(output) => self.record.add(task, output, start.elapsed().as_secs_f64())?,
                Err(error) => {
                    stderr::print_error(&error);
                    self.failed.insert(task.key.clone(), text::causes(&error));
                }
            }
            write(self)?;
        }
        Ok(())
    }
}

/// Minutes in words.
fn time(minutes: f64) -> String {
    if minutes >= 90.0 { format!("{:.1} hours", minutes / 60.0) } else { format!("{:.0} min", minutes.ceil()) }
}

/// Runs a task's command, and returns the lines it printed.
fn run_task(task: &Task) -> Result<Vec<String>> {
    if let Some(missing) = task.inputs.iter().find(|input| !input.exists()) {
        bail!("{} is missing, and this step needs it: see why its step failed", missing.display());
    }
    if let Some(fresh) = task.fresh.as_ref().filter(|fresh| fresh.exists()) {
        let why = || format!("cannot replace {}: remove it", fresh.display());
        std::fs::remove_dir_all(fresh).with_context(why)?;
    }
    if task.training.is_none() {
        // A file that is there afterward must be this command's.
        for file in task.outputs.iter().filter(|file| file.is_file()) {
            std::fs::remove_file(file).with_context(|| format!("cannot replace {}", file.display()))?;
        }
    }
    let words = match &task.training {
        Some(training) if training.run.training().exists() => &training.resumed,
        _ => &task.words,
    };
    let words: Vec<_> = std::iter::once("zoo").chain(words.iter().map(String::as_str)).map(Into::into).collect();
    let cli = Cli::read(&words)?;
    let mut output = Vec::new();
    if super::run(cli, &mut Output::new(&mut output))? != ExitCode::SUCCESS && !interrupt::requested() {
        bail!("the command failed in part, for the reasons above");
    }
    if !interrupt::requested()
        && let Some(file) = task.outputs.iter().find(|file| !file.exists())
    {
        bail!("{} is missing: the command did not make it", file.display());
    }
    Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
}
