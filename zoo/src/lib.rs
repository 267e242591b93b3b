//! The zoo: everything around the models that is not mathematics.
//!
//! [`data`] brings numbers in, [`pictures`] brings them back out for the eye, and [`files`] makes
//! sure that nothing half-written is ever left under a name somebody trusts.

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
