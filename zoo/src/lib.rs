//! The zoo: everything around the models that is not mathematics.
//!
//! # The way of a run
//!
//! 1. [`commands`]: what can be asked for, one subcommand a file.
//! 2. [`data`]: images, tables, toys and sound, read or made; [`source`] gives the [`rows`] of any step.
//! 3. [`recipes`]: what each model is trained with; a [`blueprint`] is what it can be built from.
//! 4. [`train`]: a step, and an epoch; [`score`] says how good the weights are, on rows that they have not seen.
//! 5. [`checkpoint`]: a model as one file; a [`run`] is the folder of a training.
//! 6. [`sampling`] and [`blend`]: from a model to data again, and what lies between data.
//! 7. [`pictures`]: grids, densities, curves and sound for the eye.
//! 8. [`volumes`], [`mod@planar`], [`trade_off`], [`normality`]: the figures of single slides.
//! 9. [`files`]: nothing half-written is ever left under a name somebody trusts.

pub mod blend;
pub mod blueprint;
pub mod bound;
pub mod checkpoint;
pub mod commands;
pub mod compare;
pub mod data;
pub mod drawing;
pub mod files;
pub mod interrupt;
pub mod lecture;
pub mod model;
pub mod normality;
pub mod note;
pub mod pictures;
pub mod planar;
pub mod recipes;
pub mod rows;
pub mod run;
pub mod sampling;
pub mod score;
pub mod source;
pub mod timing;
pub mod trade_off;
pub mod train;
pub mod volumes;
