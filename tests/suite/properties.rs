//! The properties alone, without the rest of the suite, so that they build fast after a change. Not part of `cargo test`,
//! where the suite has them. Those of one map:
//!
//! ```text
//! FLOW_ENTRY="coupling, affine" cargo test -p tests --test properties
//! ```
#![allow(dead_code, unused_imports, reason = "the rest of the suite uses them")]

mod flows {
    mod helpers;
    mod properties;
    mod registry;

    use helpers::{param_bits, rng};
}
