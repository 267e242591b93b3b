//! The split into training, validation and test rows: a shuffle that depends on the seed alone.

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

/// The fewest rows that can be split.
pub(super) const FEWEST: usize = 10;

/// Row indices for the three uses of data. Every row is in exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// 80%: the model is fitted to these.
    pub train: Vec<usize>,
    /// 10%: decides which checkpoint is best.
    pub validation: Vec<usize>,
    /// 10%: only for reporting.
    pub test: Vec<usize>,
}

/// Requires enough rows, or whatever `what` says, for three parts.
pub(super) fn require_enough(count: usize, what: &str) -> Result<()> {
    ensure!(
        count >= FEWEST,
        "{count} {what} are too few to split into training, validation and test; provide at least {FEWEST}"
    );
    Ok(())
}

impl Split {
    /// Splits `count` rows in 80, 10 and 10 percent. `what` names them in the error message.
    pub fn new(count: usize, what: &str, seed: u64) -> Result<Self> {
        require_enough(count, what)?;
        let tenth = count / 10;
        let mut train = permutation(count, seed);
        let test = train.split_off(count - tenth);
        let validation = train.split_off(count - 2 * tenth);
        Ok(Self { train, validation, test })
    }
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
        let Split { train, validation, test } = Split::new(1_005, "rows", 1).unwrap();
        assert_eq!((train.len(), validation.len(), test.len()), (805, 100, 100));
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_005));
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
        assert!(Split::new(9, "rows", 0).is_err());
        assert_eq!(Split::new(10, "rows", 0).unwrap().test.len(), 1);
    }
}
