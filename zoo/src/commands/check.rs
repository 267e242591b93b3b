//! `zoo check`: does a model's inverse undo its forward map, and is its log-determinant right?

use super::prelude::*;
use flows::check::{self, Case};

/// Check a trained model's inverse and log-determinant in f64
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo check runs/nice-mnist --samples 20")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    /// Number of test rows for the round trips
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one)]
    samples: usize,
    /// Number of rows to compare with a finite-difference Jacobian
    ///
    /// Each takes at least 12·D evaluations of the model, which is minutes for RealNVP on MNIST.
    #[arg(long, value_name = "N", default_value = "2")]
    jacobians: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The largest round-trip error of a sound model, in f64.
const ROUND_TRIP: f64 = 1e-6;
/// The largest error of its log-determinant, per dimension.
const LOG_DET_PER_DIM: f64 = 1e-6;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded =
        load_flow::<f64>(run, "zoo reconstruct plots its reconstructions, zoo evaluate estimates its density")?;
    let header = &loaded.header;
    let rows = source(&loaded, data.as_ref())?.held_out(Part::Test, Some(args.samples)).cast::<f64>();
    let noise = Context::evaluation(Noise::new(seed.seed));
    let x = continuous(&loaded.model, &header.blueprint.space, &rows.x().clone().into(), noise).into_value();
    // A standardized table is checked in these units: the statistics are the same in both directions.
    let checked = if Standardization::of(&loaded.model).is_some() { loaded.model.core() } else { loaded.model };
    let case = Case::new(checked.bijection(), x);
    let case = match rows.condition() {
        Some(classes) => case.given(classes.clone()),
        None => case,
    };
    let measured = threads.run(|| check::measure(&case, args.jacobians));
    let measured = measured.map_err(|violation| anyhow!("{}: {violation}", run.display()))?;
    let round_trip = measured.round_trip_x.max(measured.round_trip_z);
    let log_det = measured.log_det_vs_difference().max(measured.log_det_cancel_x).max(measured.log_det_cancel_z);
    let sound = round_trip <= ROUND_TRIP && log_det <= LOG_DET_PER_DIM * measured.dims as f64;
    if args.json {
        let differenced = |error| (measured.differenced > 0).then_some(error);
        out.json(&json!({
            "model": header.blueprint.name(),
            "data": data.as_ref().unwrap_or(&header.data),
            "step": header.step,
            "samples": measured.samples,
            "jacobians": measured.differenced,
            "given_class": rows.condition().is_some(),
            "dims": measured.dims,
            "round_trip_x": measured.round_trip_x,
            "round_trip_z": measured.round_trip_z,
            "log_det_cancel_x": measured.log_det_cancel_x,
            "log_det_cancel_z": measured.log_det_cancel_z,
            "log_det_to_latent": differenced(measured.log_det_to_latent),
            "log_det_to_data": differenced(measured.log_det_to_data),
            "sound": sound,
        }))?;
    } else {
        let verdict = match (sound, measured.differenced) {
            (false, _) => "",
            (true, 0) => "\nsound: round-trip errors below 1e-6, log-determinants cancel; no Jacobian was compared",
            (true, _) => "\nsound: round-trip errors below 1e-6, log-determinant errors below 1e-6 per dimension",
        };
        let given = match rows.condition() {
            None => "",
            Some(_) if header.blueprint.track() > 0 => ", each row given its track",
            Some(_) => ", each row given its class",
        };
        for line in format!("{} in f64{given}, {measured}{verdict}", header.blueprint.name()).lines() {
            writeln!(out, "{line}")?;
        }
    }
    if !sound {
        bail!("{} is not sound: its errors, printed above, are too large; use an earlier checkpoint", run.display());
    }
    Ok(())
}
