//! How good, how large and how fast trained models are.

pub mod bound;
pub mod compare;
pub mod compare_table;
pub mod maf_vs_iaf;
pub mod normality;
pub mod plane;
pub mod sampling;
pub mod score;
pub mod timing;
