//! RBIG is not trained but fitted: layer after layer, each to all of its rows at once.

use super::Plan;
use super::log::{self, Line, Log};
use crate::blueprint::{Architecture, Blueprint, Space};
use crate::data::source::{Order, Part, Source};
use crate::measure::score::{Score, continuous, score, unit};
use crate::pictures::drawing;
use crate::runs::checkpoint::{self, Header};
use crate::runs::interrupt;
use crate::stderr;
use anyhow::{Context as _, Result, bail};
use autograd::{Tensor, Var, parallel};
use flows::check::copy_params;
use flows::rbig::{Fitted, Fitting, Layer, Marginals};
use flows::{Context, Flow, Mapped, Noise, bits_per_dim};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::ControlFlow;
use std::time::Instant;

/// Held-out rows that decide when another layer is no better.
const HELD_OUT: usize = 5_000;
/// Images in the picture of the end.
const GRID: usize = 100;

/// What was fitted to some data.
#[derive(Debug)]
pub struct Fit {
    /// How to build the model again.
    pub blueprint: Blueprint,
    /// The layers, behind the preprocessing.
    pub fitted: Fitted<f32>,
    /// How many of them are kept: those under which the held-out rows are likeliest.
    pub kept: usize,
    /// The whole model of the layers that are kept.
    pub flow: Flow<f32>,
    /// Its score on held-out rows.
    pub validation: Score,
}

/// Fits the plan's model to data, and shows each layer to `watch`. Ends early after the layer in which Ctrl-C was
/// pressed; what was fitted until then is a whole model.
///
/// # Errors
/// If the plan's model is not fitted, or the data do not suit it.
pub fn fit(plan: &Plan, source: &Source, watch: impl FnMut(&Layer<f32>, f64) -> Result<()> + Send) -> Result<Fit> {
    parallel::with_threads(plan.threads, || fit_here(plan, source, watch))
}

fn fit_here(plan: &Plan, source: &Source, mut watch: impl FnMut(&Layer<f32>, f64) -> Result<()>) -> Result<Fit> {
    let Architecture::Rbig { layers, marginals, axes } = plan.recipe.architecture else {
        bail!("only rbig is fitted without a gradient: train this model with zoo train");
    };
    interrupt::listen()?;
    let rows = plan.recipe.batch;
    let (space, seed) = (source.space(), plan.seed);
    let blueprint = |layers: usize, marginals: Marginals| Blueprint {
        architecture: Architecture::Rbig { layers, marginals, axes },
        space,
        classes: source.classes(),
    };
    let marginals = no_finer(marginals, rows);
    let data = || plan.data.clone();
    let build = |layers: usize| -> Result<Flow<f32>> {
        let flow = blueprint(layers, marginals).flow(&mut ChaCha8Rng::seed_from_u64(seed)).with_context(data)?;
        if let Some(statistics) = source.standardization() {
            super::begin::standardize(flow.preprocessing(), statistics);
        }
        Ok(flow)
    };
    let before = build(1)?;
    let (x, _) = prepared(&before, &space, source.batch(0, rows, &mut Order::default())?.x(), seed);
    let validation = source.held_out(Part::Validation, Some(HELD_OUT));
    let (held_out, log_det) = prepared(&before, &space, validation.x(), seed);

    let fitting = Fitting { layers, marginals, axes };
    let mut failed = None;
    let fitted = fitting.fit(&x, &held_out, &mut ChaCha8Rng::seed_from_u64(seed), |layer| {
        if let Err(error) = watch(layer, loss(&space, layer.log_prob + log_det)) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let fitted = fitted.with_context(data)?;
    let kept = fitted.best();
    let flow = build(kept)?;
    copy_params(&fitted.first(kept), &flow.core()).context("the layers do not make the model of their sizes")?;
    let validation = score(&flow, &space, &validation, 0);
    if !validation.loss().is_finite() {
        bail!("{}: held-out rows have no finite density: use more rows, or fewer --bins", plan.data);
    }
    Ok(Fit { blueprint: blueprint(kept, marginals), fitted, kept, flow, validation })
}

/// Bins of which each has, on the average, as many rows as there are bins; kernels as they are.
fn no_finer(marginals: Marginals, rows: usize) -> Marginals {
    match marginals {
        Marginals::Histogram { bins } => Marginals::Histogram { bins: bins.min(rows.isqrt().max(2)) },
        kernels @ Marginals::Kernels { .. } => kernels,
    }
}

/// Rows as the first layer sees them, and the mean log-determinant of what stands before it.
fn prepared(flow: &Flow<f32>, space: &Space, rows: &Tensor<f32>, seed: u64) -> (Tensor<f32>, f64) {
    let x = continuous(space, &Var::from(rows.clone()), Context::evaluation(Noise::new(seed)));
    match flow.preprocessing() {
        None => (x.into_value(), 0.0),
        Some(layer) => {
            let Mapped { value, log_det } = layer.to_latent(&x, Context::default());
            (value.into_value(), f64::from(log_det.mean_all().item()))
        }
    }
}

/// As [`Score::loss`], of a mean log-density of continuous data.
fn loss(space: &Space, nats: f64) -> f64 {
    match space {
        Space::Images { .. } => {
            space.levels().map_or(-nats, |levels| bits_per_dim(nats, space.dims(), f64::from(levels)))
        }
        Space::Table { .. } => -nats,
        Space::Signal { samples, .. } => -nats / *samples as f64,
    }
}

/// What [`loss`] is, in words.
fn measured(space: &Space) -> String {
    match space {
        Space::Images { .. } => unit(space).to_owned(),
        Space::Table { .. } | Space::Signal { .. } => format!("{} (−log p)", unit(space)),
    }
}

/// Fits the plan's model and keeps it in the plan's run: the model, a line of the log and a point of the curve for
/// each layer, and a picture of samples.
///
/// # Errors
/// As [`fit`], and if a file cannot be written.
pub fn fit_into_run(plan: &Plan, source: &Source) -> Result<Fit> {
    let space = source.space();
    source.steps_per_epoch(plan.recipe.batch)?;
    let (began, mut count) = (Instant::now(), 0);
    // What cannot be fitted is found out with the first layer, and leaves no folder behind.
    let mut log: Option<Log> = None;
    let mut lock = None;
    let fit = fit(plan, source, |layer, loss| {
        count += 1;
        let open = match &mut log {
            Some(open) => open,
            none => {
                stderr::print_line(format_args!(
                    "fitting rbig to {} rows of {}, {} threads, into {}",
                    plan.recipe.batch,
                    plan.data,
                    plan.threads,
                    plan.run.folder().display()
                ));
                plan.run.create()?;
                lock = plan.run.lock()?;
                none.insert(Log::open(&plan.run.log(), 0)?)
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        open.write(&Line::validation(count, count as f64, seconds, loss))?;
        let fall = layer.fall.map_or_else(String::new, |fall| format!("  total correlation falls by {fall:.4} nats"));
        stderr::print_line(format_args!(
            "layer {count:>3}  validation {loss:.4} {}{fall}  {seconds:.0} s",
            measured(&space)
        ));
        Ok(())
    })?;
    drop(log);
    let header =
        Header { blueprint: fit.blueprint.clone(), data: plan.data.clone(), step: fit.kept as u64, seed: plan.seed };
    checkpoint::write(&plan.run.model(), &header, &[], &checkpoint::weights(&fit.flow))?;
    log::draw(&plan.run, "rbig", [unit(&space); 2])?;
    let count = drawing::shown(&space, GRID);
    let samples = parallel::with_threads(plan.threads, || drawing::samples(&fit.flow, None, count, 1.0, 0));
    drawing::save(&samples, &space, &plan.run.grid(fit.kept as u64), 10)?;
    Ok(fit)
}
