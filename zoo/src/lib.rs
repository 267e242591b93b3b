//! The zoo: everything around the models that is not mathematics.
//!
//! # The life of a run
//!
//! 1. [`commands`]: what can be asked for, one subcommand a file. They parse, call, and print.
//! 2. [`data`]: images, tables, toys, and sound; [`data::source`] gives the rows of any step.
//! 3. [`recipes`] and [`blueprint`]: what each model is trained with and what it is built from.
//! 4. [`train`]: a step, an epoch, a whole training.
//! 5. [`measure`]: likelihoods of held-out rows, comparisons between models, timings.
//! 6. [`runs`]: the folder a training leaves, its checkpoints, and how files are written safely.
//! 7. [`pictures`]: grids, densities, curves, and sound.
//! 8. [`lecture`]: every picture of the lecture on one page.

pub mod blueprint;
pub mod commands;
pub mod data;
pub mod lecture;
pub mod measure;
pub mod model;
pub mod pictures;
pub mod recipes;
pub mod runs;
pub mod stderr;
pub mod train;
