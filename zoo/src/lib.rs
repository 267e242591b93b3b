//! The zoo program: data, training, measurements, pictures and commands around the models of `flows`.
//!
//! # The life of a run
//!
//! 1. [`commands`]: the command line, one subcommand per file. Commands parse, call, and print.
//! 2. [`data`]: images, tables, toys, and signals; [`data::source`] provides the rows of any step.
//! 3. [`models`]: what the program knows of each model, one per file: sizes, recipe, options.
//! 4. [`train`]: a step, an epoch, a whole training.
//! 5. [`measure`]: log-likelihoods of held-out rows, comparisons between models, timings.
//!    [`judge`]: a classifier that judges samples.
//! 6. [`runs`]: run folders, checkpoints, and safe writing of files.
//! 7. [`pictures`]: grids, densities, curves, and sound.
//! 8. [`lecture`]: every figure of the lecture on one page.

pub mod commands;
pub mod data;
pub mod judge;
pub mod lecture;
pub mod measure;
pub mod models;
pub mod pictures;
pub mod runs;
pub mod stderr;
pub mod text;
pub mod train;
