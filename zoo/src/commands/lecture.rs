//! `zoo lecture`: the whole lecture, made and written as a page.

use super::{Cli, Output, make_folder};
use crate::lecture::page::Page;
use crate::lecture::plan::{Asked, Plan, Step};
use crate::lecture::record::Record;
use crate::lecture::{CHAPTERS, Chapter};
use crate::recipes::Preset;
use crate::runs::files::write_atomically;
use crate::runs::folder::Run;
use crate::runs::interrupt;
use crate::stderr;
use crate::train;
use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use clap::builder::PossibleValuesParser;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What to make, and from what.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder for the page (lecture.html), its pictures, and what is trained for it
    #[arg(long, value_name = "FOLDER", default_value = "lecture")]
    out: PathBuf,
    /// How long to train what there is no run of: quick takes about 35 minutes in all, standard about six hours
    #[arg(long, value_enum, default_value = "quick")]
    preset: Preset,
    /// A folder of runs that are used where they are models of the lecture over its data [default: runs]
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Only these chapters, and the results of their models; the page is then of these alone
    #[arg(long, value_name = "CHAPTER,…", value_delimiter = ',', value_parser = PossibleValuesParser::new(CHAPTERS.map(|chapter| chapter.id)))]
    only: Vec<String>,
    /// Train for this many steps in place of the preset's time, to try it out
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
}

/// Where runs are kept if nobody says otherwise.
const RUNS: &str = "runs";
/// The chapter that every lecture ends with, if a model of it is measured.
const LAST: &str = "results";

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    if let Some(from) = &args.from
        && !from.is_dir()
    {
        bail!("there is no folder {}: give --from a folder of runs, or leave it out", from.display());
    }
    make_folder(&args.out.join("figures"))?;
    let _lock = Run::at(&args.out).lock()?;
    interrupt::listen()?;

    let chapters = chosen(&args.only);
    let usual = Path::new(RUNS);
    let from = args.from.as_deref().or(usual.is_dir().then_some(usual));
    let asked = Asked { chapters: &chapters, out: &args.out, from, preset: args.preset, steps: args.steps };
    let plan = Plan::of(&asked);
    let chapters: Vec<&Chapter> =
        chapters.into_iter().filter(|chapter| chapter.id != LAST || plan.measures()).collect();
    let mut lecture = Lecture { plan: &plan, record: Record::open(&args.out)?, failed: BTreeMap::new() };
    for name in &plan.found {
        let run = Run::at(&plan.runs[name]);
        let cut = if train::is_unfinished(&run) { ", though its training was not finished" } else { "" };
        stderr::print_line(format_args!("{name}: {} is used{cut}", run.folder().display()));
    }

    let page = args.out.join("lecture.html");
    let write = |lecture: &Lecture<'_>| -> Result<()> {
        let Lecture { plan, record, failed } = lecture;
        let html = Page { chapters: &chapters, plan, record, failed }.html()?;
        Ok(write_atomically(&page, |file| file.write_all(html.as_bytes()))?)
    };
    // Before the hours that it takes to fill it.
    write(&lecture)?;
    lecture.make(write)?;
    let made = page.display();
    if interrupt::requested() {
        writeln!(out, "{made}: stopped; the same command goes on from here")?;
        return Ok(ExitCode::from(interrupt::EXIT_CODE as u8));
    }
    if !lecture.failed.is_empty() {
        let count = lecture.failed.len();
        bail!("{made} lacks what {count} of {} steps make, for the reasons above", plan.steps.len());
    }
    let (chapters, steps) = (counted(chapters.len(), "chapter"), counted(plan.steps.len(), "step"));
    writeln!(out, "{made}: {chapters}, {steps}; open it in a browser")?;
    Ok(ExitCode::SUCCESS)
}

/// The chapters asked for, and the results.
fn chosen(only: &[String]) -> Vec<&'static Chapter> {
    let wanted = |chapter: &&Chapter| only.is_empty() || chapter.id == LAST || only.iter().any(|id| id == chapter.id);
    CHAPTERS.into_iter().filter(wanted).collect()
}

/// A lecture that is being made.
struct Lecture<'a> {
    plan: &'a Plan,
    record: Record,
    /// Why some steps could not be done.
    failed: BTreeMap<String, String>,
}

impl Lecture<'_> {
    /// Does what there is still to do, and lets the page be written after each step. What one step cannot do does not
    /// keep others from being done.
    fn make(&mut self, write: impl Fn(&Self) -> Result<()>) -> Result<()> {
        let steps = &self.plan.steps;
        for (i, step) in steps.iter().enumerate() {
            if interrupt::requested() {
                return Ok(());
            }
            if self.record.find(step).is_some() {
                continue;
            }
            let left: f64 =
                steps[i..].iter().filter(|step| self.record.find(step).is_none()).map(|step| step.minutes).sum();
            stderr::print_line(format_args!(
                "[{}/{}, about {} left] zoo {}",
                i + 1,
                steps.len(),
                time(left),
                step.words.join(" ")
            ));
            let began = Instant::now();
            match done(step) {
                // What was cut off is not done. It will go on.
                Ok(_) if interrupt::requested() => {}
                Ok(said) => self.record.keep(step, said, began.elapsed().as_secs_f64())?,
                Err(error) => {
                    stderr::print_line(format_args!("zoo: {error:#}"));
                    self.failed.insert(step.key.clone(), format!("{error:#}"));
                }
            }
            write(self)?;
        }
        Ok(())
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Minutes in words.
fn time(minutes: f64) -> String {
    if minutes >= 90.0 { format!("{:.1} hours", minutes / 60.0) } else { format!("{:.0} min", minutes.ceil()) }
}

/// Runs a step's command, and gives what it said.
fn done(step: &Step) -> Result<Vec<String>> {
    if let Some(missing) = step.inputs.iter().find(|input| !input.exists()) {
        bail!("{} is not there, which this needs", missing.display());
    }
    if let Some(fresh) = step.fresh.as_ref().filter(|fresh| fresh.exists()) {
        let why = || format!("cannot replace {}: remove it", fresh.display());
        std::fs::remove_dir_all(fresh).with_context(why)?;
    }
    if step.training.is_none() {
        // What an earlier command made is none of this one's doing.
        for file in step.makes.iter().filter(|file| file.is_file()) {
            std::fs::remove_file(file).with_context(|| format!("cannot replace {}", file.display()))?;
        }
    }
    let words = match &step.training {
        Some(training) if training.run.training().exists() => &training.resumed,
        _ => &step.words,
    };
    let cli = Cli::try_parse_from(std::iter::once("zoo").chain(words.iter().map(String::as_str)))?;
    let mut said = Vec::new();
    if super::run(cli, &mut Output::new(&mut said))? != ExitCode::SUCCESS && !interrupt::requested() {
        bail!("it did not do all that it was to do, for the reasons above");
    }
    if !interrupt::requested()
        && let Some(file) = step.makes.iter().find(|file| !file.exists())
    {
        bail!("{} was not made", file.display());
    }
    Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect())
}
