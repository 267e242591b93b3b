//! The split into training, validation and test rows.

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

/// The seed of every split: runs can be compared only if it is the same.
pub(super) const SEED: u64 = 0;
/// The fewest rows that can be split.
const FEWEST: usize = 10;

/// The three parts of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<T> {
    /// The model is fitted to these rows.
    pub train: T,
    /// Held out to decide which weights are kept.
    pub validation: T,
    /// Held out for reporting alone.
    pub test: T,
}

impl<T> Parts<T> {
    /// What a function makes of each part.
    pub(super) fn map<U>(self, f: impl Fn(T) -> U) -> Parts<U> {
        Parts { train: f(self.train), validation: f(self.validation), test: f(self.test) }
    }
}

impl Parts<Vec<usize>> {
    /// The rows of `width` values at these indices, each of which is in one part. They are moved within their memory,
    /// because two copies of large data may not fit.
    pub(super) fn of<V: Copy>(&self, mut values: Vec<V>, width: usize) -> Parts<Vec<V>> {
        let Self { train, validation, test } = self;
        arrange(&mut values, width, &[&**train, validation, test].concat());
        let test = values.split_off((train.len() + validation.len()) * width);
        let validation = values.split_off(train.len() * width);
        values.shrink_to_fit();
        Parts { train: values, validation, test }
    }
}

/// Moves rows of `width` values: the one at `order[i]` comes to place i.
fn arrange<V: Copy>(values: &mut [V], width: usize, order: &[usize]) {
    let mut placed = vec![false; order.len()];
    for start in 0..order.len() {
        let (mut place, first) = (start, values[start * width..(start + 1) * width].to_vec());
        // Along a cycle of the permutation, until its first row is needed again.
        while !placed[place] {
            placed[place] = true;
            let from = order[place];
            if from == start {
                values[place * width..(place + 1) * width].copy_from_slice(&first);
            } else {
                values.copy_within(from * width..(from + 1) * width, place * width);
            }
            place = from;
        }
    }
}

/// Splits `count` rows at random: 80% of the indices to train, 10% to validate, 10% to test. `what` names the rows in
/// the error message.
pub(super) fn split(count: usize, what: &str) -> Result<Parts<Vec<usize>>> {
    require_enough(count, what)?;
    let tenth = count / 10;
    let mut train = permutation(count, SEED);
    let test = train.split_off(count - tenth);
    let validation = train.split_off(count - 2 * tenth);
    Ok(Parts { train, validation, test })
}

/// Requires enough rows for three parts.
pub(super) fn require_enough(count: usize, what: &str) -> Result<()> {
    ensure!(
        count >= FEWEST,
        "{count} {what} are too few to split into training, validation and test; provide at least {FEWEST}"
    );
    Ok(())
}

/// The indices below `count`, in an order that depends on the seed alone.
pub fn permutation(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_used_once() {
        let Parts { train, validation, test } = split(1_005, "rows").unwrap();
        assert_eq!((train.len(), validation.len(), test.len()), (805, 100, 100));
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_005));
    }

    #[test]
    fn rows_are_moved_to_their_parts() {
        let parts = split(57, "rows").unwrap();
        let values: Vec<[usize; 3]> = (0..57).map(|i| [i, i + 100, i + 200]).collect();
        let expected = |indices: &Vec<usize>| indices.iter().flat_map(|&i| values[i]).collect::<Vec<_>>();
        let Parts { train, validation, test } = parts.of(values.concat(), 3);
        assert_eq!(train, expected(&parts.train));
        assert_eq!((validation, test), (expected(&parts.validation), expected(&parts.test)));
        let order = [2, 0, 1, 3];
        let mut letters = *b"abcd";
        arrange(&mut letters, 1, &order);
        assert_eq!(letters, *b"cabd");
    }

    #[test]
    fn the_order_depends_on_the_seed_alone() {
        assert_eq!(permutation(50, 7), permutation(50, 7));
        assert_ne!(permutation(50, 7), permutation(50, 8));
        // This must not change: another order would put test rows into the training data of existing runs.
        assert_eq!(permutation(8, 0), [1, 0, 7, 3, 6, 4, 5, 2]);
    }

    #[test]
    fn nine_rows_are_too_few() {
        assert!(split(9, "rows").is_err());
        assert_eq!(split(10, "rows").unwrap().test.len(), 1);
    }
}
