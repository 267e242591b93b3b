//! `zoo list`.

use super::prelude::*;
use crate::measure::{
    self,
    shipped::{Entry, Record},
};
use crate::runs::shipped;
use crate::text::causes;
use autograd::Param;
use flows::Module;
use serde_json::Value;

/// List the models and the shipped weights, or the parameters of a model
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo list --params nice")]
pub(super) struct Args {
    /// Show the names and shapes of parameters, as in checkpoints: a model's for its default data, or a run's
    #[arg(long, value_name = "MODEL|RUN")]
    params: Option<String>,
    /// The sizes of the models
    #[arg(long, value_enum, default_value = "standard")]
    preset: Preset,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    match &args.params {
        Some(run) if is_run(run) => parameters(&load::<f32>(Path::new(run))?.model.params(), args, out)?,
        Some(model) => parameters(&built(models::find(model)?, args.preset)?, args, out)?,
        None => models(args, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A model's name means the model itself, not its shipped weights.
fn is_run(run: &str) -> bool {
    Path::new(run).exists() || (!models::is_name(run) && shipped::named(Path::new(run)).is_some())
}

fn models(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let heads = ["model", "lecture", "paper", "parameters", "MNIST bits/dim"];
    let line = |[name, lecture, paper, params, published]: [&str; 5]| {
        format!("{name:<17} {lecture:<30} {paper:<48} {params:>12} {published:>16}")
    };
    let (mut rows, mut lines) = (Vec::new(), vec![line(heads)]);
    let entries = shipped_entries();
    for model in MODELS {
        let params = count(&built(model, args.preset)?);
        let about @ About { name, lecture, paper, published, data, .. } = model.about();
        lines.push(line([name, lecture, paper, &params.to_string(), published]));
        rows.push(json!({
            "model": name,
            "lecture": lecture,
            "paper": paper,
            "published_mnist_bits_per_dim": published,
            "data": data,
            "taught_by": about.taught_by(),
            "parameters": params,
            "shipped": entries.iter().filter(|entry| entry.header.blueprint.kind == model).map(described).collect::<Vec<_>>(),
        }));
    }
    if args.json {
        return out.json(&rows);
    }
    for line in lines.iter().map(String::as_str).chain([""]) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "parameters: for MNIST or speech, with this preset; bits/dim: as published")?;
    if !entries.is_empty() {
        writeln!(out)?;
        writeln!(out, "{:<26} {:<12} {:>8}   of the test rows", "shipped", "data", "steps")?;
    }
    for entry in &entries {
        let (Record { name, header, .. }, loss) = (&**entry, entry.loss());
        writeln!(out, "{name:<26} {:<12} {:>8}   {loss}", header.data, header.step)?;
    }
    Ok(())
}

/// The shipped weights that can be used. A line says what is wrong with others.
fn shipped_entries() -> Vec<Entry> {
    let usable = |entry: Result<Entry>| match entry {
        Ok(entry) => Some(entry),
        Err(why) => {
            stderr::print_line(format_args!("warning: {}", causes(&why)));
            None
        }
    };
    measure::shipped::all().into_iter().filter_map(usable).collect()
}

/// Shipped weights, for programs.
fn described(entry: &Entry) -> Value {
    let (Record { name, header, figures }, unit) = (&**entry, entry.unit());
    json!({
        "name": name,
        "data": header.data,
        "classes": header.blueprint.classes,
        "step": header.step,
        "loss": figures.test.loss(),
        "loss_error": figures.test.loss_error(),
        "unit": unit,
        "n": figures.test.n,
    })
}

fn built(model: Kind, preset: Preset) -> Result<Vec<(String, Param<f32>)>> {
    let blueprint = model.blueprint(preset, model.default_space(), 0)?;
    blueprint.check()?;
    Ok(blueprint.outline(u64::MAX)?)
}

fn count(params: &[(String, Param<f32>)]) -> usize {
    params.iter().filter(|(_, param)| param.is_trainable()).map(|(_, param)| param.shape().elements()).sum()
}

fn parameters(params: &[(String, Param<f32>)], args: &Args, out: &mut Output<'_>) -> Result<()> {
    if args.json {
        let row = |(path, param): &(String, Param<f32>)| json!({ "name": path, "shape": param.shape().to_vec(), "trained": param.is_trainable() });
        return out.json(&params.iter().map(row).collect::<Vec<_>>());
    }
    for (path, param) in params {
        let kept = if !param.is_trainable() { "  (stored, not trained)" } else { "" };
        writeln!(out, "{path:<40} {}{kept}", param.shape())?;
    }
    writeln!(out, "{} trained parameters", count(params))
}
