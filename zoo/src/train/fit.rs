//! Fitting RBIG layer by layer, each to all rows at once, without gradients.

use super::prelude::*;
use super::{LOG, PICTURES, picture, warn_of};
use crate::measure::score::{Measure, preprocessed, score_of_first, unit};
use crate::models::{Rbig, rbig};
use crate::runs::{files, memory};
use crate::text::counted;
use flows::Mapped;
use flows::check::copy_params;
use flows::layers::Rotation;
use flows::models::RbigConfig;
use flows::rbig::{Earlier, Ending, FitError, Fitted, Fitting, Layer, Marginals};
use std::ops::ControlFlow;
use std::sync::Arc;

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
    /// The mean log-determinant of the preprocessing over these rows, in nats.
    pub log_det: f64,
}

/// Fits a model to data and writes its run: the model, a line of the log and a point of the curve for each layer, and a
/// picture of samples. Ctrl-C ends it without the present layer; the layers so far are a whole model. They are also saved
/// now and then, so that a fit that ended early can be resumed.
/// Fails if the model is not fitted but trained, the data does not suit it, or the model cannot be written.
pub fn fit(config: &TrainConfig, source: &Source) -> Result<Fit> {
    source.steps_per_epoch(config.recipe.batch)?;
    Fits { config, source, saved: Saved::new(config, None)?, earlier: 0, layers: Vec::new() }.run()
}

/// Resumes the fit in the same folder.
/// Fails as [`fit`], and if what the folder holds cannot be resumed.
pub fn resume_fit(config: &TrainConfig, model: &str, source: &Source, paused: &Paused) -> Result<Fit> {
    paused.check(config, model, source)?;
    source.steps_per_epoch(config.recipe.batch)?;
    let path = config.run.training();
    let saved = Saved::of(config, paused);
    saved.model_there(&config.run, &config.header(0))?;
    let RbigConfig { dims, marginals, .. } = sizes(config)?.layers;
    let marginals = no_finer(marginals, config.recipe.batch);
    let restored = |nth| -> Result<Earlier<f32>> {
        let [of_columns, of_rotation] = names(nth);
        let (columns, rotation) = (marginals.unfitted(dims), Rotation::identity(dims));
        checkpoint::fill(&*columns, &paused.contents.tensors, &of_columns, &path)?;
        checkpoint::fill(&rotation, &paused.contents.tensors, &of_rotation, &path)?;
        Ok((Arc::from(columns), Arc::new(rotation)))
    };
    let layers = (0..saved.step).map(restored).collect::<Result<Vec<_>>>()?;
    Fits { config, source, saved, earlier: layers.len(), layers }.run()
}

/// How the names of a layer's tensors begin.
fn names(nth: u64) -> [String; 2] {
    ["marginals", "rotation"].map(|part| format!("layers.{nth}.{part}."))
}

fn sizes(config: &TrainConfig) -> Result<rbig::Config> {
    let sizes = config.blueprint.config::<Rbig>();
    sizes.context("only rbig is fitted without gradients: train this model with zoo train")
}

/// A fit in progress.
struct Fits<'a> {
    config: &'a TrainConfig,
    source: &'a Source,
    saved: Saved,
    /// How many layers were fitted before this session.
    earlier: usize,
    /// The layers so far that have a rotation.
    layers: Vec<Earlier<f32>>,
}

impl Fits<'_> {
    fn run(&mut self) -> Result<Fit> {
        let TrainConfig { recipe, run, threads, .. } = self.config;
        let dims = self.source.space().dims();
        // Rows before and after each layer and in f64; several square matrices.
        let (floats, square) = (recipe.batch as f64 * dims as f64, (dims as f64).powi(2));
        let what = format!("fitting {} rows of {dims} columns", recipe.batch);
        memory::require(48.0 * floats + 64.0 * square, &what, "fit fewer rows or columns")?;
        interrupt::listen()?;
        run.sweep();
        parallel::with_threads(*threads, || {
            let mut luxuries = Luxuries::default();
            let (fit, seconds) = self.fit_layers(&mut luxuries)?;
            let interrupted = fit.fitted.ending == Ending::Interrupted;
            let header = Header { blueprint: fit.blueprint.clone(), ..self.config.header(fit.kept as u64) };
            let model = self.saved.write_model(run, &header, &fit.flow, &checkpoint::weights(&fit.flow));
            let state = if interrupted || model.is_err() { self.save(seconds) } else { Ok(()) };
            model.and(state)?;
            let space = self.source.space();
            luxuries.attempt("the curve", log::draw(run, "rbig", [unit(&space); 2]));
            if drawing::has_picture(&space) && !interrupted {
                // Only an interrupt keeps samples from being drawn.
                if let Ok(samples) = sampling::samples(&fit.flow, None, drawing::shown(&space, GRID), 1.0, 0) {
                    let samples = drawing::plotted(self.source.standardization(), samples);
                    luxuries.attempt(PICTURES, picture(&samples, &space, run, fit.kept as u64));
                }
            }
            if !interrupted && is_there(&run.training()) {
                // The model is the result. Until here the fit can be resumed.
                std::fs::remove_file(run.training()).map_err(|why| files::failure("remove", &run.training(), &why))?;
            }
            Ok(fit)
        })
    }

    /// Prints what is about to happen, once it is known that the data can be fitted.
    fn announce(&self) {
        let TrainConfig { recipe, run, threads, data, .. } = self.config;
        let (rows, threads, folder) = (recipe.batch, counted(*threads, "thread"), run.folder().display());
        let after = if self.earlier > 0 { format!(" after layer {}", self.earlier) } else { String::new() };
        stderr::print_line(format_args!("fitting rbig{after} to {rows} rows of {data}, {threads}, into {folder}"));
    }

    /// Writes the state: the layers so far.
    fn save(&mut self, seconds: f64) -> Result<()> {
        if self.config.save_every.is_infinite() {
            return Ok(());
        }
        let mut tensors = Vec::new();
        for (nth, (marginals, rotation)) in (0..).zip(&self.layers) {
            let parts = [checkpoint::weights(&**marginals), checkpoint::weights(&**rotation)];
            for (prefix, weights) in names(nth).into_iter().zip(parts) {
                tensors.extend(weights.into_iter().map(|(path, tensor)| (format!("{prefix}{path}"), tensor)));
            }
        }
        (self.saved.step, self.saved.seconds) = (self.layers.len() as u64, seconds);
        self.saved.write_state(self.config, &tensors)
    }

    /// Fits the layers and logs each. Returns the seconds it took, too.
    fn fit_layers(&mut self, luxuries: &mut Luxuries) -> Result<(Fit, f64)> {
        let (config, source) = (self.config, self.source);
        let rbig::Config { layers: RbigConfig { dims, layers, marginals }, axes } = sizes(config)?;
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
                statistics.store(&flow);
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
        let (began, spent) = (Instant::now(), self.saved.seconds);
        let seconds = || spent + began.elapsed().as_secs_f64();
        let mut log = Log::of(&config.run, self.earlier as u64, false);
        let (mut count, mut last_save, mut unsaved) = (0, Instant::now(), false);
        let known = self.layers.clone();
        let watch = |layer: &Layer<f32>| {
            count += 1;
            if count <= self.earlier {
                return ControlFlow::Continue(());
            }
            if count == self.earlier + 1 {
                self.announce();
            }
            let (loss, seconds, step) = (loss(&space, layer.log_prob + log_det), seconds(), count as u64);
            let line = Line { step, epoch: count as f64, seconds, validation: Some(loss), ..Line::default() };
            luxuries.attempt(LOG, log.write(&line));
            let fall =
                layer.fall.map_or_else(String::new, |fall| format!("  total correlation falls by {fall:.4} nats"));
            let unit = measured(&space);
            stderr::print_line(format_args!("layer {count:>3}  validation {loss:.4} {unit}{fall}  {seconds:.0} s"));
            if let Some(rotation) = &layer.rotation {
                self.layers.push((layer.marginals.clone(), rotation.clone()));
                if last_save.elapsed().as_secs_f64() > config.save_every {
                    unsaved = self.save(seconds).inspect_err(|error| warn_of(error, unsaved)).is_err();
                    last_save = Instant::now();
                }
            }
            if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let fitted = match fitting.resume(&x, &held_out, known, rng, watch, &|| interrupt::check().is_ok()) {
            Err(FitError::Interrupted) => return Err(Interrupted.into()),
            fitted => fitted.map_err(|why| in_words(why, rows)).with_context(data)?,
        };
        let kept = fitted.best();
        let flow = build(kept)?;
        copy_params(&fitted.first(kept), &flow.core()).context("the layers do not make the model of their sizes")?;
        // After an interrupt, a part of the rows must do.
        let validation = match score(&flow, &space, &validation, 0) {
            Err(why) if why.is::<Interrupted>() => score_of_first(&flow, &space, &validation, 0),
            found => found?,
        };
        if !validation.loss().is_finite() {
            bail!("{}: held-out rows have no finite density: use more rows, or fewer --bins", config.data);
        }
        Ok((Fit { blueprint: blueprint(kept)?, fitted, kept, flow, validation, log_det }, seconds()))
    }
}

/// A reason with columns counted from 1, and without values, which are standardized.
fn in_words(why: FitError, rows: usize) -> anyhow::Error {
    match why {
        FitError::Constant { column, .. } => {
            let nth = column + 1;
            anyhow!("column {nth} has one value in all {rows} rows to fit: fit more rows, or leave that column out")
        }
        why => why.into(),
    }
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
    let noise = Context::evaluation(Noise::new(seed));
    let Mapped { value, log_det } = preprocessed(flow, space, &rows.clone().into(), noise);
    (value.into_value(), f64::from(log_det.mean_all().item()))
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
