//! The program end to end: the real binary, run as a person runs it, in temporary folders.

mod autoregressive;
mod bad_checkpoints;
mod bad_classes;
mod bad_images;
mod bad_options;
mod bad_tables;
mod check;
mod conditional;
mod demo;
mod density;
mod evaluate;
mod folder;
mod formats;
mod full_disk;
mod interpolate;
mod interrupted;
mod list;
mod made;
mod output;
mod real_nvp;
mod refused_resume;
mod sample;
mod train;
mod transform;
mod units;
