//! What a workload is.

use autograd::parallel;
use std::fmt;

/// One run of a workload, to be called again and again.
pub type Step = Box<dyn FnMut() + Send>;

/// Work under a fixed name, that other libraries may do too.
#[derive(Debug)]
pub struct Workload {
    /// The name, the same in criterion's reports, in `compare`'s table and in the peers' scripts.
    pub name: &'static str,
    /// The multiplications and additions of one run's matrix products, where these are most of it.
    pub flops: Option<f64>,
    /// How often it is run.
    pub repeats: Repeats,
    /// Who else does this work.
    pub peers: &'static [Peer],
    /// Makes the inputs, outside of what is timed.
    pub prepare: fn() -> Step,
}

/// How often a workload is run: the same for every library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Runs before the clock starts.
    pub warm: usize,
    /// Runs that are timed, one by one.
    pub timed: usize,
}

/// Another library's implementation: a script in `peers/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The library's name in the script and in tables.
    pub lib: &'static str,
    /// The file.
    pub script: &'static str,
    /// What it runs in.
    pub python: Python,
}

/// The Python environments that peers live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Python {
    /// JAX, and libraries on it.
    Jax,
    /// PyTorch, and libraries on it.
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

/// Runs `work` on as many threads as there are cores: where every step belongs.
pub fn with_all_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    parallel::with_threads(parallel::available(), work)
}
