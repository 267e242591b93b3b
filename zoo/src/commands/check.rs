//! `zoo check`: does a trained model's inverse undo it, and is its log-determinant the determinant?

use super::{Output, load_flow, source, threads};
use crate::data::source::Part;
use crate::measure::score::continuous;
use anyhow::{Result, anyhow, bail};
use autograd::parallel;
use flows::check::{self, Case, Measured};
use flows::{Context, Noise};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to check, and at how many samples.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file
    run: PathBuf,
    /// Other data of the same shape to check at [default: what the model was trained on]
    #[arg(long)]
    data: Option<String>,
    /// Test rows to go there and back with
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// How many of them to compare with finite-difference Jacobians: each takes 12·D evaluations or
    /// more, which for RealNVP on MNIST is minutes; 0 compares none
    #[arg(long, default_value = "2")]
    jacobians: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// What a sound model stays below on the way there and back, in f64.
const ROUND_TRIP: f64 = 1e-6;
/// The same for a log-determinant against differences, relative to the number of dimensions.
const LOG_DET_PER_DIM: f64 = 1e-6;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let loaded = load_flow::<f64>(
        &args.run,
        "zoo reconstruct shows what its decoder undoes, zoo evaluate estimates its density",
    )?;
    let header = &loaded.header;
    let data = args.data.as_ref().unwrap_or(&header.data);
    let source = source(header, args.data.as_ref())?;
    let rows = source.held_out(Part::Test, usize::try_from(args.samples).ok()).cast::<f64>();
    let noise = Context::evaluation(Noise::new(0));
    let x = continuous(&header.blueprint.space, &rows.x().clone().into(), noise).into_value();
    let case = Case::new(loaded.model.bijection(), x);
    let case = match rows.classes() {
        Some(classes) => case.given(classes.clone()),
        None => case,
    };
    let jacobians = usize::try_from(args.jacobians).unwrap_or(usize::MAX);
    let measured = parallel::with_threads(threads(args.threads), || check::measure(&case, jacobians));
    let measured = measured.map_err(|violation| anyhow!("{}: {violation}", args.run.display()))?;
    let sound = is_sound(&measured);
    if args.json {
        let object = json!({
            "model": header.blueprint.name(),
            "data": data,
            "step": header.step,
            "samples": measured.samples,
            "jacobians": measured.differenced,
            "given_class": rows.classes().is_some(),
            "dims": measured.dims,
            "round_trip_x": measured.round_trip_x,
            "round_trip_z": measured.round_trip_z,
            "log_det_cancel_x": measured.log_det_cancel_x,
            "log_det_cancel_z": measured.log_det_cancel_z,
            "log_det_to_latent": (measured.differenced > 0).then_some(measured.log_det_to_latent),
            "log_det_to_data": (measured.differenced > 0).then_some(measured.log_det_to_data),
            "sound": sound,
        });
        out.json(&object)?;
    } else {
        let verdict = match (sound, measured.differenced) {
            (false, _) => "",
            (true, 0) => "\nsound: below 1e-6 there and back; log-determinants cancel, compared with no Jacobian",
            (true, _) => "\nsound: below 1e-6 there and back, and below 1e-6 a dimension in log-determinants",
        };
        let given = if rows.classes().is_some() { ", each row given its class" } else { "" };
        writeln!(out, "{} in f64{given}, {measured}{verdict}", header.blueprint.name())?;
    }
    if !sound {
        bail!(
            "{} is not sound: an error is above {ROUND_TRIP:.0e} there and back, or above {LOG_DET_PER_DIM:.0e} a dimension in a log-determinant; use an earlier checkpoint",
            args.run.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn is_sound(measured: &Measured) -> bool {
    let round_trip = measured.round_trip_x.max(measured.round_trip_z);
    let log_det = measured.log_det_vs_difference().max(measured.log_det_cancel_x).max(measured.log_det_cancel_z);
    round_trip <= ROUND_TRIP && log_det <= LOG_DET_PER_DIM * measured.dims as f64
}
