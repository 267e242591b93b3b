//! Measurements for comparing trained models: likelihood, size, speed, and round-trip error.

use crate::data::Space;
use crate::data::rows::Rows;
use crate::data::source::{Part, Source};
use crate::judge::judged::Judged;
use crate::measure::score::{Bound, Score, continuous, score, with_error};
use crate::measure::timing::median_seconds;
use crate::measure::{bound, sampling};
use crate::models::Model;
use crate::runs::checkpoint::Loaded;
use crate::runs::interrupt;
use crate::train::Elapsed;
use anyhow::Result;
use autograd::{Param, Var};
use flows::models::Vae;
use flows::{Context, Distance, Flow, Module, Noise};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, Serializer};
use std::hint::black_box;
use std::path::PathBuf;

/// Rows per timed batch. Signals are long.
const TIMED: usize = 100;
const TIMED_SIGNALS: usize = 4;
/// The fewest repetitions per median.
const FEWEST: usize = 3;
/// Test rows for the round trip.
const ROUND_TRIP_ROWS: usize = 100;

/// The measurements of a run. What was not measured, or does not apply to the model, is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The run's folder or file.
    pub run: PathBuf,
    /// A short name that no other run has.
    pub name: String,
    /// The model's name.
    pub model: &'static str,
    /// The name or path of its data.
    pub data: String,
    /// The space of the data, in words.
    pub space: String,
    /// The unit of `loss`.
    pub unit: &'static str,
    /// Training steps; for a fitted model, layers.
    pub steps: u64,
    /// The training time, from the log.
    pub training: Option<Elapsed>,
    /// The measurements of the model itself.
    #[serde(flatten)]
    pub measures: Measures,
    /// Further remarks, one sentence each.
    pub notes: Vec<String>,
}

/// The measurements of a model.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measures {
    /// Minus the mean log-likelihood of test rows, in the unit of [`Score::loss`]: lower is better. None if it is not
    /// finite.
    pub loss: Option<f64>,
    pub loss_error: Option<f64>,
    /// The full score of the test rows.
    pub score: Option<Score>,
    /// Students only: the divergence from the teacher, on the student's samples.
    pub divergence: Option<Score>,
    /// Images of 28×28 pixels only: what the judge says about samples.
    pub judged: Option<Judged>,
    /// The number of trained or fitted parameters.
    pub parameters: Option<usize>,
    /// Sampling time in milliseconds per row.
    pub sample_ms: Option<f64>,
    /// Density time in milliseconds per row.
    pub density_ms: Option<f64>,
    /// Rows per timed batch.
    pub batch: usize,
    /// x′ − x of x → z → x′ in `f32`, in the units of the model's rows: tables are standardized, image pixels go from 0 to 1. None if some x′ is not finite.
    #[serde(serialize_with = "both")]
    pub round_trip: Option<Distance>,
    /// The number of rows in the round trip.
    pub round_trip_rows: usize,
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn both<S: Serializer>(distance: &Option<Distance>, to: S) -> Result<S::Ok, S::Error> {
    distance.map(|found| serde_json::json!({ "max_abs": found.max_abs, "rms": found.rms })).serialize(to)
}

/// Measures a model on at most `limit` test rows. The seed decides the dequantization noise and the samples.
pub fn measure(loaded: &Loaded<Model<f32>>, source: &Source, limit: Option<usize>, seed: u64) -> Result<Measures> {
    let Loaded { header, model } = loaded;
    let space = header.blueprint.space;
    let rows = source.held_out(Part::Test, limit);
    let batch = if matches!(space, Space::Signal { .. }) { TIMED_SIGNALS } else { TIMED };
    // Even if fewer rows are scored: a smaller batch takes longer per row.
    let timed = source.held_out(Part::Test, Some(batch));
    let Found { score, sample, density, round_trip } = match model {
        Model::Flow(flow) => of_flow(flow, &space, &rows, &timed, seed)?,
        Model::Vae(vae) => of_vae(vae, &space, &rows, &timed, seed)?,
    };
    let finite = score.not_finite == 0 && score.nats.is_finite();
    let counted = |(_, param): &(_, Param<f32>)| header.blueprint.is_fitted() || param.is_trainable();
    let parameters = model.params().into_iter().filter(counted).map(|(_, param)| param.shape().elements());
    Ok(Measures {
        loss: finite.then(|| score.loss()),
        loss_error: score.loss_error().filter(|_| finite),
        score: Some(score),
        divergence: None,
        judged: None,
        parameters: Some(parameters.sum()),
        sample_ms: Some(1e3 * sample / timed.count() as f64),
        density_ms: Some(1e3 * density / timed.count() as f64),
        batch,
        round_trip,
        round_trip_rows: ROUND_TRIP_ROWS.min(rows.count()),
    })
}

/// What is measured in different ways for different kinds of models: the score, seconds per batch, and the round trip.
struct Found {
    score: Score,
    sample: f64,
    density: f64,
    round_trip: Option<Distance>,
}

fn of_flow(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, timed: &Rows<f32>, seed: u64) -> Result<Found> {
    let score = score(flow, space, rows, seed)?;
    let x = dequantized(flow, timed, space, seed);
    let given = timed.condition().cloned().map(Var::from);
    let cx = Context { condition: given.as_ref(), ..Context::default() };
    let density = median_seconds(FEWEST, || drop(black_box(flow.log_prob(&x, cx))));
    let condition = sampling::condition(flow, None, 0..timed.count(), seed).map(Var::from);
    let cx = Context { condition: condition.as_ref(), ..Context::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sample = median_seconds(FEWEST, || drop(black_box(flow.sample(timed.count(), cx, 1.0, &mut rng))));
    interrupt::check()?;
    let few = rows.range(0..ROUND_TRIP_ROWS.min(rows.count()));
    Ok(Found { score, sample, density, round_trip: round_trip(flow, &few, space, seed) })
}

/// The density is an estimate, and there is no exact round trip.
fn of_vae(vae: &Vae<f32>, space: &Space, rows: &Rows<f32>, timed: &Rows<f32>, seed: u64) -> Result<Found> {
    let score = bound::estimate(vae, space, rows, seed, bound::DRAWS)?;
    let density = median_seconds(FEWEST, || drop(black_box(bound::estimate(vae, space, timed, seed, bound::DRAWS))));
    let draw = bound::Draw::Noise;
    let sample = median_seconds(FEWEST, || drop(black_box(bound::samples(vae, timed.count(), 1.0, seed, draw))));
    interrupt::check()?;
    Ok(Found { score, sample, density, round_trip: None })
}

/// Rows with dequantized pixels, as a model takes them.
fn dequantized(flow: &Flow<f32>, rows: &Rows<f32>, space: &Space, seed: u64) -> Var<f32> {
    continuous(flow, space, &rows.x().clone().into(), Context::evaluation(Noise::new(seed)))
}

/// The distance between x and x′ after x → z → x′.
fn round_trip(flow: &Flow<f32>, rows: &Rows<f32>, space: &Space, seed: u64) -> Option<Distance> {
    let x = dequantized(flow, rows, space, seed).into_value();
    let z = flow.encode_given(&x, rows.condition()).ok()?;
    let back = flow.decode_given(&z, rows.condition()).ok()?;
    let found = Distance::between(&back, &x);
    found.max_abs.is_finite().then_some(found)
}

/// What a reader of the measurements should also know.
pub fn notes(loaded: &Loaded<Model<f32>>, measures: &Measures, training: Option<Elapsed>) -> Vec<String> {
    let mut notes = Vec::new();
    let Loaded { header, model } = loaded;
    if let Some(score) = &measures.score {
        if measures.loss.is_none() {
            notes.push(score.describe());
        } else if score.given_class {
            notes.push(format!("its density is that of each row{}", score.given()));
        }
        if let Some(bound) = &score.bound {
            let Bound { elbo_nats, elbo_error, draws, .. } = bound;
            let (bound, error, unit) = match bound.elbo_bits {
                Some(bits) => (bits, bound.elbo_bits_error, "bits/dim"),
                None => (-elbo_nats, *elbo_error, "nats"),
            };
            let bound = with_error(bound, error, 4);
            notes.push(format!(
                "its density is estimated from {draws} draws of z a row; the bound (−ELBO) is {bound} {unit}"
            ));
        }
    }
    if let Some(divergence) = &measures.divergence {
        notes.push(format!("a student; from its teacher, {}", divergence.describe()));
    }
    if header.blueprint.is_fitted() {
        notes.push("its parameters are fitted layer by layer, not trained; its steps are layers".to_owned());
    }
    if let Some(Elapsed { step, .. }) = training.filter(|training| training.step != header.step) {
        notes.push(format!("its log has no line of step {}: the time of training is that of step {step}", header.step));
    }
    if measures.round_trip.is_none() && matches!(model, Model::Flow(_)) {
        notes.push("the round trip of some test rows is not finite".to_owned());
    }
    notes
}
