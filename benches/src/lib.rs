//! What the benches share: one registry of workloads, under the names that `peers/` uses too.
//!
//! The criterion benches, the count of allocations and the `compare` program all take their work
//! from [`workloads`]: a new workload is one entry there, and one function in a peer's script.

pub mod times;
mod workload;
pub mod workloads;

pub use workload::{Peer, Python, Repeats, Step, Workload, with_all_threads};
