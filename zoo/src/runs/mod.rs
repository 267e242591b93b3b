//! The files of a training run, and how they are written without losing anything.

pub mod checkpoint;
pub mod files;
pub mod folder;
pub mod interrupt;

#[cfg(test)]
mod constants_tests;
