//! A temporary folder to run the program in, and what must hold for every run.

use crate::formats::{Safetensors, npy};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The first words of a small training. Each test appends its own options.
pub(crate) const TRAIN: &str = "train nice --preset quick --batch 24 --threads 1";

/// Longer files are compared by their lengths alone.
const LONGEST: u64 = 1 << 24;

/// A folder that is removed at the end of the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with a model in `run`, trained for a few steps.
    pub(crate) fn trained_on(data: &str) -> Self {
        let folder = Self::new();
        folder.train(&format!("--data {data} --steps 30"));
        folder
    }

    /// Trains into `run`.
    pub(crate) fn train(&self, rest: &str) {
        self.run(&format!("{TRAIN} --out run {rest}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    }

    /// A file of JSON.
    pub(crate) fn read_json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn safetensors(&self, name: &str) -> Safetensors {
        Safetensors::parse(&self.read(name))
    }

    pub(crate) fn write_npy(&self, name: &str, shape: &[usize], values: &[f32]) {
        self.write(name, npy(shape, values));
    }

    /// The program with the words of `line`, in this folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoo"));
        command.args(line.split_whitespace());
        self.surround(&mut command);
        command
    }

    /// The program after a line of shell code, such as a limit.
    pub(crate) fn under(&self, shell: &str, line: &str) -> Output {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_zoo")]);
        command.args(line.split_whitespace());
        self.surround(&mut command);
        command.output().unwrap()
    }

    fn surround(&self, command: &mut Command) {
        command.current_dir(self.0.path()).stdin(Stdio::null()).env_remove("COLUMNS").env("RUST_BACKTRACE", "0");
        // The weights in this folder stand in for those that the program has; without it there are none.
        command.env("ZOO_WEIGHTS", "shipped");
    }

    /// Runs a command that must succeed, and returns its standard output.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        let (out, err) = texts(&output);
        assert!(output.status.success(), "zoo {line}\nfailed: {}\n{out}{err}", output.status);
        assert_eq!(self.leftovers(), [""; 0], "zoo {line} left unfinished files");
        out
    }

    /// The JSON that a command prints.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> serde_json::Value {
        let out = self.run(line);
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("zoo {line}: {why} in\n{out}"))
    }

    /// Runs a command that must fail with one line that contains all of `parts`, and change no file. It has
    /// little memory: allocating the terabytes that a header promises would crash it.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, parts: &[&str]) {
        self.refuses_within(4000, line, parts);
    }

    /// The same, with this many megabytes of memory.
    #[track_caller]
    pub(crate) fn refuses_within(&self, megabytes: usize, line: &str, parts: &[&str]) {
        let before = self.contents();
        let output = self.under(&format!("ulimit -v {megabytes}000"), line);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "zoo {line}\nended with {}\n{out}{err}", output.status);
        assert_eq!(out, "", "zoo {line}");
        assert_one_line(&err, parts);
        self.assert_contents(&before, line);
    }

    /// Runs an invalid command line, which must say in one line what is wrong and where help is, and change no file.
    #[track_caller]
    pub(crate) fn misuses(&self, line: &str, parts: &[&str]) {
        let before = self.contents();
        let output = self.command(line).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "zoo {line}\nended with {}\n{out}{err}", output.status);
        assert_eq!(out, "", "zoo {line}");
        assert_one_line(&err, &[parts, &["--help)"]].concat());
        self.assert_contents(&before, line);
    }

    #[track_caller]
    fn assert_contents(&self, before: &BTreeMap<PathBuf, Vec<u8>>, line: &str) {
        let after = self.contents();
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(before), "zoo {line}: files came or went");
        for (path, bytes) in before {
            assert!(after[path] == *bytes, "zoo {line}: {} is not what it was", path.display());
        }
    }

    /// Every file, with its bytes, and every folder.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.0.path(), &mut files);
        files
    }

    /// Temporary files that were not finished.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let names = self.contents().into_keys().map(|path| path.to_string_lossy().into_owned());
        names.filter(|name| name.contains(".partial") || name.contains(".zoo-") || name.contains(".tmp-")).collect()
    }

    /// Copies a run.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        for (path, bytes) in self.contents() {
            if let Ok(rest) = path.strip_prefix(self.path(from))
                && path.is_file()
            {
                self.write(&format!("{to}/{}", rest.display()), bytes);
            }
        }
    }

    /// The lines of a run's log.
    pub(crate) fn log(&self, run: &str) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.read(&format!("{run}/log.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last step in a run's log, which may still be growing.
    pub(crate) fn logged(&self, run: &str) -> u64 {
        let text = fs::read_to_string(self.path(run).join("log.jsonl")).unwrap_or_default();
        // The last line may be incomplete.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter_map(|line| line["step"].as_u64()).max().unwrap_or(0)
    }

    /// Starts the program and leaves it running.
    pub(crate) fn begin(&self, line: &str) -> Running {
        let mut command = self.command(line);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until a run's log has reached `step` and, if requested, something was saved.
    pub(crate) fn wait_for(&self, running: &mut Running, run: &str, step: u64, saved: bool) {
        let training = self.path(run).join("training.safetensors");
        let late = Instant::now() + Duration::from_secs(120);
        loop {
            let reached = self.logged(run);
            if reached >= step && (!saved || training.exists()) {
                return;
            }
            assert!(running.0.try_wait().unwrap().is_none(), "the training ended before step {step} was seen");
            assert!(Instant::now() < late, "the training came to step {reached}, not to {step}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
            files.insert(path, Vec::new());
        } else {
            // Files of holes are too long to read.
            let length = fs::metadata(&path).unwrap().len();
            let bytes = if length < LONGEST { fs::read(&path).unwrap() } else { length.to_le_bytes().to_vec() };
            files.insert(path, bytes);
        }
    }
}

/// An error message must be one line, long enough to help, and not a panic.
#[track_caller]
pub(crate) fn assert_one_line(err: &str, parts: &[&str]) {
    assert!(err.starts_with("zoo: ") && err.lines().count() == 1, "not one line of ours: {err}");
    assert!(!err.contains("panicked"), "{err}");
    for part in parts {
        assert!(err.contains(part), "no {part:?} in: {err}");
    }
}

/// Standard output and standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// A running program, which is killed at the end of the test.
pub(crate) struct Running(Child);

impl Running {
    /// Sends SIGKILL, which a program cannot handle.
    pub(crate) fn kill(mut self) -> ExitStatus {
        self.0.kill().unwrap();
        self.0.wait().unwrap()
    }

    /// Sends a signal that the program may handle. Returns its exit status and standard output.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String) {
        // Every shell has `kill`.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).status().unwrap();
        assert!(sent.success());
        let out = std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap();
        (self.0.wait().unwrap(), out)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
