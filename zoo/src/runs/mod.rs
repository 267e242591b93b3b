//! What a training leaves behind, and how it is written so that nothing is lost.

pub mod checkpoint;
pub mod files;
pub mod folder;
pub mod interrupt;
