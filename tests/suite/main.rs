//! Every property of the workspace, linked into one binary: one module a crate.

mod engine;
mod flows;
mod formulas;
