//! Measurements of trained models: likelihood, size, and speed.

pub mod bound;
pub mod compare;
pub mod compare_table;
pub mod draws;
pub mod figures;
pub mod maf_vs_iaf;
pub mod normality;
pub mod plane;
pub mod sampling;
pub mod score;
pub mod shipped;
pub mod speech;
pub mod student;
pub mod timing;
