//! The types that describe a workload.

use autograd::parallel;
use std::fmt;

/// One run of a workload; it is called repeatedly.
pub type Step = Box<dyn FnMut() + Send>;

/// A piece of work with a fixed name. Other libraries may do it too.
#[derive(Debug)]
pub struct Workload {
    /// The name, the same in criterion's reports, in the tables of `compare`, and in the peers' scripts.
    pub name: &'static str,
    /// Floating-point operations of the matrix products in one run, if these dominate it.
    pub flops: Option<f64>,
    /// How often it runs.
    pub repeats: Repeats,
    /// The other libraries that do this work.
    pub peers: &'static [Peer],
    /// Makes the inputs, before the clock starts.
    pub prepare: fn() -> Step,
}

/// How often a workload runs, the same for every library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Runs before the clock starts.
    pub warm: usize,
    /// Runs that are timed, each on its own.
    pub timed: usize,
}

/// Another library's implementation: a script in `peers/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The library's name in the script and in tables.
    pub lib: &'static str,
    /// The file.
    pub script: &'static str,
    /// The Python environment that it needs.
    pub python: Python,
}

/// The Python environments of the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Python {
    /// JAX, and libraries built on it.
    Jax,
    /// PyTorch, and libraries built on it.
    Torch,
}

impl Peer {
    /// A script for the JAX environment.
    #[must_use]
    pub const fn jax(lib: &'static str, script: &'static str) -> Self {
        Self { lib, script, python: Python::Jax }
    }

    /// A script for the PyTorch environment.
    #[must_use]
    pub const fn torch(lib: &'static str, script: &'static str) -> Self {
        Self { lib, script, python: Python::Torch }
    }
}

impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jax => "jax",
            Self::Torch => "torch",
        })
    }
}

/// Runs `work` on a pool with one thread per core. Every step runs inside of this.
pub fn with_all_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    parallel::with_threads(parallel::available(), work)
}
