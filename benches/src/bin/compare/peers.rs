//! The other libraries: Python scripts that start once and answer requests, one per line.

use anyhow::{Context, anyhow};
use autograd::parallel;
use benches::times::Times;
use benches::{Peer, Python, Repeats};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

/// A request to a script.
#[derive(Serialize)]
struct Request {
    workload: &'static str,
    lib: &'static str,
    warm: usize,
    repeats: usize,
    last: bool,
}

/// Its answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Times { times_ms: Vec<f64> },
    Failed { error: String },
}

/// The interpreters, and the scripts that run in them.
pub(crate) struct Peers {
    /// `None` once it could not be started.
    jax: Option<PathBuf>,
    torch: Option<PathBuf>,
    /// By file name; `None` once it failed.
    scripts: HashMap<&'static str, Option<Script>>,
}

impl Peers {
    pub(crate) fn new(jax: PathBuf, torch: PathBuf) -> Self {
        Self { jax: Some(jax), torch: Some(torch), scripts: HashMap::new() }
    }

    /// The runs of one round. If the peer is not available there are no times, and one line on standard error, once, says so.
    pub(crate) fn measure(&mut self, workload: &'static str, peer: Peer, repeats: Repeats, last: bool) -> Times {
        let Some(script) = self.script(peer) else { return Times::default() };
        let Repeats { warm, timed } = repeats;
        match script.ask(&Request { workload, lib: peer.lib, warm, repeats: timed, last }) {
            Ok(Answer::Times { times_ms }) => Times::new(times_ms),
            Ok(Answer::Failed { error }) => {
                eprintln!("{workload} in {}: {error}", peer.lib);
                Times::default()
            }
            Err(why) => {
                let script = self.scripts.insert(peer.script, None).flatten();
                let said = script.and_then(Script::last_error_line).unwrap_or_else(|| format!("{why:#}"));
                eprintln!("peers/{} ended and is skipped from here on: {said}", peer.script);
                Times::default()
            }
        }
    }

    /// The running script of a peer. Starts it if needed.
    fn script(&mut self, peer: Peer) -> Option<&mut Script> {
        let interpreter = match peer.python {
            Python::Jax => &mut self.jax,
            Python::Torch => &mut self.torch,
        };
        let running = self.scripts.entry(peer.script).or_insert_with(|| {
            let started = Script::start(interpreter.as_deref()?, peer.script);
            if let Err(why) = &started {
                eprintln!("{} is skipped: {why:#}; benches/peers/README.md says how to install it", peer.python);
                *interpreter = None;
            }
            started.ok()
        });
        running.as_mut()
    }
}

/// A script that waits for requests.
struct Script {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Reads its standard error and keeps the last line.
    errors: JoinHandle<Option<String>>,
}

impl Script {
    fn start(interpreter: &Path, script: &str) -> anyhow::Result<Self> {
        let threads = parallel::available().to_string();
        let mut process = Command::new(interpreter)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script))
            .arg("--serve")
            .env("OMP_NUM_THREADS", &threads)
            .env("MKL_NUM_THREADS", &threads)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", interpreter.display()))?;
        let requests = process.stdin.take().context("no pipe to the script")?;
        let answers = BufReader::new(process.stdout.take().context("no pipe from the script")?);
        let errors = BufReader::new(process.stderr.take().context("no pipe from the script")?);
        let errors = std::thread::spawn(|| errors.lines().map_while(Result::ok).filter(|line| !line.is_empty()).last());
        Ok(Self { process, requests, answers, errors })
    }

    fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        writeln!(self.requests, "{}", serde_json::to_string(request)?)?;
        self.requests.flush()?;
        let mut line = String::new();
        // A library may print lines of its own.
        while !line.starts_with('{') {
            line.clear();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(anyhow!("it did not answer"));
            }
        }
        serde_json::from_str(&line).with_context(|| format!("it answered {}", line.trim_end()))
    }

    /// The last line it wrote to standard error.
    fn last_error_line(mut self) -> Option<String> {
        drop(self.requests);
        // If it has not ended yet, it must end now.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.errors.join().ok()?
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for (_, script) in self.scripts.drain() {
            script.and_then(Script::last_error_line);
        }
    }
}
