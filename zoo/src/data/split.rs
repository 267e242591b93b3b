//! Which rows are learned from and which are only tested on: a shuffle that a seed decides.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

use super::DataError;

/// The fewest rows that can be split in eight, one and one tenths.
pub(super) const FEWEST: usize = 10;

/// Row numbers for the three uses of data. Every row is in exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Eight tenths: parameters are fitted to these.
    pub train: Vec<usize>,
    /// One tenth: decides which checkpoint is best.
    pub validation: Vec<usize>,
    /// One tenth: only ever reported.
    pub test: Vec<usize>,
}

impl Split {
    /// Splits `count` things, called `what` in the error, in 80, 10 and 10 percent.
    pub fn new(count: usize, what: &'static str, seed: u64) -> Result<Self, DataError> {
        if count < FEWEST {
            return Err(DataError::TooFew { what, found: count, needed: FEWEST });
        }
        let tenth = count / 10;
        let mut train = permutation(count, seed);
        let test = train.split_off(count - tenth);
        let validation = train.split_off(count - 2 * tenth);
        Ok(Self { train, validation, test })
    }
}

/// The numbers 0 to `count` − 1 in an order that depends on `seed` alone.
#[must_use]
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
        let Split { train, validation, test } = Split::new(1_005, "rows", 1).unwrap();
        assert_eq!((train.len(), validation.len(), test.len()), (805, 100, 100));
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_005));
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        assert_eq!(permutation(50, 7), permutation(50, 7));
        assert_ne!(permutation(50, 7), permutation(50, 8));
        // Held fast: another order would move test rows into the training of old checkpoints.
        assert_eq!(permutation(8, 0), [1, 0, 7, 3, 6, 4, 5, 2]);
    }

    #[test]
    fn nine_rows_are_too_few() {
        assert!(Split::new(9, "rows", 0).is_err());
        assert_eq!(Split::new(10, "rows", 0).unwrap().test.len(), 1);
    }
}
