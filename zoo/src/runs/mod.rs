//! The files of a training run, and how they are written without losing anything.

pub mod checkpoint;
pub(crate) mod encode;
pub mod files;
pub mod folder;
pub mod interrupt;
pub mod machine;
pub mod memory;
pub mod place;
pub mod shipped;
mod stored;
pub mod strict;

#[cfg(test)]
mod constants_tests;
