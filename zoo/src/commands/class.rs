//! The options --class and --labels of conditional models.

use super::prelude::*;
use crate::data::rows::one_hot;

/// Refuses a class that the model in `run` does not have.
pub(super) fn check(class: Option<usize>, run: &Path, classes: usize) -> Result<()> {
    let run = run.display();
    match class {
        Some(_) if classes == 0 => {
            bail!("{run} was trained without --conditional and has no classes: leave out --class")
        }
        Some(class) if class >= classes => {
            bail!("there is no class {class}: {run} has the classes 0 to {}", classes - 1)
        }
        _ => Ok(()),
    }
}

/// The condition of `rows` rows: one class for all, or one for each from a file. None for a model without classes.
pub(super) fn condition(
    class: Option<usize>,
    labels: Option<&Path>,
    rows: usize,
    run: &Path,
    classes: usize,
) -> Result<Option<Tensor<f32>>> {
    check(class, run, classes)?;
    match (class, labels) {
        (Some(class), _) => Ok(Some(one_hot(&vec![class; rows], classes))),
        (None, Some(_)) if classes == 0 => {
            bail!("{} was trained without --conditional and has no classes: leave out --labels", run.display())
        }
        (None, Some(labels)) => Ok(Some(one_hot(&read(labels, rows, classes)?, classes))),
        (None, None) if classes == 0 => Ok(None),
        (None, None) => {
            bail!("{} is conditional: give the rows' --class CLASS or --labels FILE.npy", run.display())
        }
    }
}

/// Reads a class for each row.
fn read(path: &Path, rows: usize, classes: usize) -> Result<Vec<usize>> {
    let shown = path.display();
    let (_, values) = npy::read_values(path)?;
    if values.len() != rows {
        bail!("{shown} holds {} labels, but there are {rows} rows: give one for each row", values.len());
    }
    let label = |(row, &value): (usize, &f64)| {
        // Classes are far smaller than numbers that would be rounded here.
        let label = value as usize;
        if label as f64 != value || label >= classes {
            let last = classes - 1;
            bail!("{shown}: row {row} (counting from 0) has the label {value}: give whole numbers from 0 to {last}");
        }
        Ok(label)
    };
    values.iter().enumerate().map(label).collect()
}
