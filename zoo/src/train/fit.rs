//! Fitting RBIG layer by layer, each to all rows at once, without gradients.

use super::prelude::*;
use crate::measure::score::{Measure, continuous, unit};
use crate::models::{Rbig, rbig};
use flows::Mapped;
use flows::check::copy_params;
use flows::models::RbigConfig;
use flows::rbig::{Fitted, Fitting, Layer, Marginals};
use std::ops::ControlFlow;

/// Held-out rows that decide when another layer is no better.
const HELD_OUT: usize = 5_000;
/// Images in the picture of samples.
const GRID: usize = 100;

/// What was fitted to some data.
#[derive(Debug)]
pub struct Fit {
    /// The model that is kept.
    pub blueprint: Blueprint,
    /// The layers, after the preprocessing.
    pub fitted: Fitted<f32>,
    /// How many of them are kept: as many as maximize the likelihood of the validation rows.
    pub kept: usize,
    /// The model of the layers that are kept.
    pub flow: Flow<f32>,
    /// Its score on validation rows.
    pub validation: Score,
}

/// Fits a model to data and writes its run: the model, a line of the log and a point of the curve for each layer, and a
/// picture of samples. Ctrl-C ends it after the present layer; the layers so far are a whole model.
/// Fails if the model is not fitted but trained, the data does not suit it, or a file cannot be written.
pub fn fit(config: &TrainConfig, source: &Source) -> Result<Fit> {
    let (space, rows, run) = (source.space(), config.recipe.batch, &config.run);
    source.steps_per_epoch(rows)?;
    let (began, mut count) = (Instant::now(), 0);
    // Data that cannot be fitted fails in the first layer, before there is a folder.
    let mut open = None;
    let watch = |layer: &Layer<f32>, loss: f64| {
        count += 1;
        if open.is_none() {
            let (data, threads, folder) = (&config.data, config.threads, run.folder().display());
            stderr::print_line(format_args!("fitting rbig to {rows} rows of {data}, {threads} threads, into {folder}"));
            run.create()?;
            let lock = run.lock()?;
            open = Some((Log::open(&run.log(), 0)?, lock));
        }
        let seconds = began.elapsed().as_secs_f64();
        if let Some((log, _)) = &mut open {
            log.write(&Line { step: count, epoch: count as f64, seconds, validation: Some(loss), ..Line::default() })?;
        }
        let fall = layer.fall.map_or_else(String::new, |fall| format!("  total correlation falls by {fall:.4} nats"));
        let unit = measured(&space);
        stderr::print_line(format_args!("layer {count:>3}  validation {loss:.4} {unit}{fall}  {seconds:.0} s"));
        Ok(())
    };
    parallel::with_threads(config.threads, || {
        let fit = fit_layers(config, source, watch)?;
        let header = Header { blueprint: fit.blueprint.clone(), ..config.header(fit.kept as u64) };
        checkpoint::write(&run.model(), &header, &[], &checkpoint::weights(&fit.flow))?;
        log::draw(run, "rbig", [unit(&space); 2])?;
        let samples = sampling::samples(&fit.flow, None, drawing::shown(&space, GRID), 1.0, 0);
        drawing::save(&samples, &space, &run.grid(fit.kept as u64), 10)?;
        Ok(fit)
    })
}

/// Fits the layers, and shows each, with the validation loss up to it, to `watch`.
fn fit_layers(
    config: &TrainConfig,
    source: &Source,
    mut watch: impl FnMut(&Layer<f32>, f64) -> Result<()>,
) -> Result<Fit> {
    let Some(rbig::Config { layers: RbigConfig { dims, layers, marginals }, axes }) = config.blueprint.config::<Rbig>()
    else {
        bail!("only rbig is fitted without gradients: train this model with zoo train");
    };
    interrupt::listen()?;
    let rows = config.recipe.batch;
    let (space, seed) = (source.space(), config.seed);
    let marginals = no_finer(marginals, rows);
    let blueprint = |layers: usize| {
        let layers = RbigConfig { dims, layers, marginals };
        Blueprint::new::<Rbig>(&rbig::Config { layers, axes }, space, source.classes())
    };
    let data = || config.data.clone();
    let build = |layers: usize| -> Result<Flow<f32>> {
        let flow = blueprint(layers)?.flow(&mut ChaCha8Rng::seed_from_u64(seed)).with_context(data)?;
        if let Some(statistics) = source.standardization() {
            super::begin::standardize(flow.preprocessing(), statistics);
        }
        Ok(flow)
    };
    // What the fit may end with, and not only what it begins with.
    blueprint(layers)?.check_memory().with_context(data)?;
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
        bail!("{}: held-out rows have no finite density: use more rows, or fewer --bins", config.data);
    }
    Ok(Fit { blueprint: blueprint(kept)?, fitted, kept, flow, validation })
}

/// At most as many bins as each has rows on average; kernels are left as they are.
fn no_finer(marginals: Marginals, rows: usize) -> Marginals {
    match marginals {
        Marginals::Histogram { bins } => Marginals::Histogram { bins: bins.min(rows.isqrt().max(2)) },
        kernels @ Marginals::Kernels { .. } => kernels,
    }
}

/// The first layer's input, and the mean log-determinant of the preprocessing.
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

/// As [`Score::loss`], from a mean log-density of continuous data.
fn loss(space: &Space, nats: f64) -> f64 {
    Score::of(Measure::LogLikelihood, &[nats], false).of_space(space).loss()
}

/// The unit of [`loss`].
fn measured(space: &Space) -> String {
    match space {
        Space::Images { .. } => unit(space).to_owned(),
        Space::Table { .. } | Space::Signal { .. } => format!("{} (−log p)", unit(space)),
    }
}
