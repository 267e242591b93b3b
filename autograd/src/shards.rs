//! Data parallelism: a loss and its gradients over shards of a batch, each on its own thread and tape.

use crate::gradients::Gradients;
use crate::parallel::{share_out, threads, with_budget};
use crate::real::Real;
use crate::tape::Tape;
use crate::var::Var;
use std::ops::Range;

/// A loss over a whole batch, and its gradients by parameters.
#[derive(Debug)]
#[must_use]
pub struct Evaluated<T: Real> {
    /// The mean loss over all rows.
    pub loss: f64,
    /// Its gradients.
    pub gradients: Gradients<T>,
}

/// The mean of a loss over `rows` rows, and its gradients, from `shards` shards in parallel.
///
/// `loss(tape, range)` computes the mean loss over the rows of `range`, with data put on `tape` by
/// [`Tape::constant`]. Each shard runs on its own tape, its operations on its share of the threads
/// (those of [`crate::parallel::with_threads`]). Shard means enter the total in proportion to their
/// rows, and are summed in the order of the shards: the same number of shards gives the same
/// result to the last bit, and another number the same up to rounding, if the loss treats rows independently.
///
/// # Panics
/// If `rows` is 0, or as `loss` does.
pub fn sharded<T: Real>(
    rows: usize,
    shards: usize,
    loss: impl Fn(&Tape<T>, Range<usize>) -> Var<T> + Sync,
) -> Evaluated<T> {
    assert!(rows > 0, "sharded: a batch without rows");
    let shards = shards.clamp(1, rows);
    let one = |shard: usize| {
        let range = shard * rows / shards..(shard + 1) * rows / shards;
        let weight = range.len() as f64 / rows as f64;
        let tape = Tape::new();
        let value = loss(&tape, range);
        let gradients = tape.backward_scaled(&value, T::from_f64(weight));
        Evaluated { loss: value.item().to_f64() * weight, gradients }
    };
    if shards == 1 {
        return one(0);
    }
    let inner = (threads() / shards).max(1);
    if threads() == 1 {
        // Not inside `with_threads`, or asked for one: the shards take turns.
        return in_order((0..shards).map(one));
    }
    let mut results: Vec<Option<Evaluated<T>>> = (0..shards).map(|_| None).collect();
    share_out(shards, results.iter_mut().enumerate(), &|(i, slot): (usize, &mut Option<Evaluated<T>>)| {
        *slot = Some(with_budget(inner, || one(i)));
    });
    in_order(results.into_iter().flatten())
}

/// The sum of the shards' parts, first to last.
fn in_order<T: Real>(mut results: impl Iterator<Item = Evaluated<T>>) -> Evaluated<T> {
    let mut total = results.next().expect("there are at least two shards");
    for part in results {
        total.loss += part.loss;
        total.gradients.absorb(part.gradients);
    }
    total
}
