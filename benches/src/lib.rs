//! The registry of workloads, shared by everything that measures speed or memory.
//!
//! The criterion bench, the allocation count, and the programs `compare` and `memory` all take their work from
//! [`workloads`]. The scripts in `peers/` use the same names. A new workload is one entry there, and one function in
//! the script of each peer that has it.

pub mod times;
mod workload;
pub mod workloads;

pub use workload::{Peer, Python, Repeats, Step, Workload, with_all_threads};
