//! Checkpoints that describe models of any sizes, in small files: loading one must not panic or take memory.
//!
//! `cargo test -p zoo --test fuzz -- [COUNT [SEED]]` tries that many changed configurations of each model, and prints
//! what became of them and the most memory that was ever taken. Without a count it tries a few thousand, and fewer
//! files with changed bytes.

mod bases;
mod bytes;
mod known;
mod mutate;

use autograd::{Tensor, pool};
use bases::{Base, bases};
use heapster::Heapster;
use mutate::mutated;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::alloc::System;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use zoo::data::rows::one_hot;
use zoo::models::{Blueprint, Model};

#[global_allocator]
static HEAP: Heapster<System> = Heapster::new(System);

/// Configurations of each model, unless a count is given.
const COUNT: u64 = 3000;
/// Files with changed bytes.
const FILES: u64 = 2000;
/// The most memory, beyond four times the file's size.
const MOST: usize = 64 << 20;

/// More than this in idle buffers is released before the next configuration.
const KEPT: usize = 4 << 20;
/// The most dimensions of a sample that is drawn: larger data take more memory by themselves.
const SMALL: usize = 1 << 12;

/// What became of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It is no configuration of any model.
    NotParsed,
    /// Its sizes make no model.
    NoModel,
    /// Its model is larger than the file.
    TooLarge,
    /// Its model has other tensors than the file.
    OtherTensors,
    /// Its model was loaded, and drew a sample unless its data are large.
    Built,
}

use Outcome::{Built, NoModel, NotParsed, OtherTensors, TooLarge};

const OUTCOMES: [Outcome; 5] = [NotParsed, NoModel, TooLarge, OtherTensors, Built];

/// As a command would load a file that has the base's tensors and this configuration.
fn load(base: &mut Base, config: &str, rng: &mut ChaCha8Rng) -> Outcome {
    let path = Path::new("m.safetensors");
    let Some(blueprint) = serde_json::from_str::<Blueprint>(config).ok().filter(|read| read.parse().is_ok()) else {
        return NotParsed;
    };
    base.contents.header.blueprint = blueprint;
    let blueprint = &base.contents.header.blueprint;
    if blueprint.check().is_err() {
        return NoModel;
    }
    if base.contents.check(path).is_err() {
        return TooLarge;
    }
    let Ok(model) = base.contents.model::<f32>("", path) else { return OtherTensors };
    if blueprint.space.dims() > SMALL {
        return Built;
    }
    let drawn = match model {
        Model::Flow(flow) => {
            let class = (blueprint.classes > 0).then(|| one_hot::<f32>(&[blueprint.classes - 1], blueprint.classes));
            let class = class.map(autograd::Var::from);
            let cx = flows::Context { condition: class.as_ref(), ..flows::Context::default() };
            flow.sample(1, cx, 1.0, rng)
        }
        Model::Vae(vae) => vae.sample(1, 1.0, rng),
    };
    assert_eq!(drawn.shape().elements(), blueprint.space.dims());
    Built
}

/// Tries configurations of one model. Returns a line about them, or the configuration that does harm.
fn try_configs(of: usize, count: u64, seed: u64) -> Result<String, String> {
    let mut all = bases();
    let mut rng = ChaCha8Rng::seed_from_u64(seed + of as u64);
    let configs: Vec<_> = all.iter().map(|base| base.config.clone()).collect();
    let (base, name) = (&mut all[of], configs[of]["model"].as_str().unwrap_or_default().to_owned());
    let mut found = [0; OUTCOMES.len()];
    let mut slowest = Duration::ZERO;
    HEAP.reset();
    let before = HEAP.use_curr();
    for i in 0..count {
        // The first is unchanged, and must be built.
        let config = if i == 0 { configs[of].to_string() } else { mutated(&configs, of, &mut rng) };
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| load(base, &config, &mut rng)));
        slowest = slowest.max(start.elapsed());
        let Ok(outcome) = outcome else { return Err(format!("a panic: {config}")) };
        if i == 0 && outcome != Built {
            return Err(format!("{outcome:?}: {config}"));
        }
        found[outcome as usize] += 1;
        let taken = HEAP.use_max() - before;
        if taken > 4 * base.size + MOST {
            return Err(format!("{taken} bytes: {config}"));
        }
        // The pool keeps what earlier models returned to it.
        if HEAP.use_curr() > before + KEPT {
            pool::release::<f32>();
        }
    }
    let mut line = format!("{name:<17}");
    for (outcome, found) in OUTCOMES.iter().zip(found) {
        let _ = write!(line, " {found:>8} {outcome:?}");
    }
    let megabytes = (HEAP.use_max() - before) as f64 / f64::from(1 << 20);
    Ok(format!("{line}; {megabytes:.1} MB at most, {:.0} ms the slowest", 1e3 * slowest.as_secs_f64()))
}

/// Every configuration that once did harm is refused before anything of its model is made.
fn try_known() -> Result<String, String> {
    let mut all = bases();
    let (base, mut rng) = (&mut all[0], ChaCha8Rng::seed_from_u64(0));
    base.contents.tensors = [("a".to_owned(), Tensor::zeros([32]))].into();
    let configs: Vec<_> = known::configs().iter().map(ToString::to_string).collect();
    for config in &configs {
        HEAP.reset();
        let before = HEAP.use_curr();
        let outcome = load(base, config, &mut rng);
        let taken = HEAP.use_max() - before;
        if !matches!(outcome, NoModel | TooLarge) || taken > MOST / 2 {
            return Err(format!("{outcome:?}, {taken} bytes: {config}"));
        }
    }
    Ok(format!("{} configurations that once did harm", configs.len()))
}

fn main() -> ExitCode {
    // Other arguments are the test runner's.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (count, seed) = (numbers.next().unwrap_or(COUNT), numbers.next().unwrap_or(0));
    let total = bases().len();
    let configs = (0..total).map(|of| try_configs(of, count, seed));
    for result in [try_known()].into_iter().chain(configs).chain([bytes::try_files(FILES, seed)]) {
        match result {
            Ok(line) => println!("{line}"),
            Err(harm) => {
                println!("FAILED, {harm}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// One of these.
fn any<'a, X>(list: &'a [X], rng: &mut ChaCha8Rng) -> &'a X {
    &list[rng.random_range(0..list.len())]
}
