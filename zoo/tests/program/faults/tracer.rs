//! Runs the program under `ptrace`, and makes one of its system calls fail: one that changes the files of a folder.

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// The program is killed before it.
    Kill,
    /// It fails.
    Fails(Errno),
    /// It fails, and so does every later one that needs room on the disk.
    FailsFrom(Errno),
}

/// How a traced program ended, and the calls it made.
#[derive(Debug)]
pub(super) struct Traced {
    /// None if it was killed.
    pub(super) code: Option<i32>,
    /// Each call with the file it is about.
    pub(super) calls: Vec<String>,
}

/// Runs `sh`, which is given the program and its words, until it ends; with a fault at the call of this number, from 0, of
/// those that change files in `folder`.
#[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
pub(super) fn run(program: &Command, folder: &Path, fault: Option<(usize, Fault)>) -> Traced {
    let mut command = Command::new("sh");
    // It waits until it is traced.
    command.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    command.stdin(std::process::Stdio::null()).env("RUST_BACKTRACE", "0");
    let place = program.get_current_dir().unwrap().canonicalize().unwrap();
    let [out, err] = ["stdout", "stderr"].map(|name| std::fs::File::create(place.join(name)).unwrap());
    let child = command.current_dir(&place).stdout(out).stderr(err).spawn().unwrap();
    let main = Pid::from_raw(child.id() as i32);
    waitpid(main, Some(WaitPidFlag::WUNTRACED)).unwrap();
    let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options).unwrap();
    kill(main, Signal::SIGCONT).unwrap();
    Tracer { main, place, folder: folder.to_owned(), fault, calls: Vec::new(), failing: HashMap::new() }.follow()
}

struct Tracer {
    main: Pid,
    /// The program's current folder.
    place: PathBuf,
    folder: PathBuf,
    fault: Option<(usize, Fault)>,
    calls: Vec<String>,
    /// The threads that are in a call which fails, or in one that does not.
    failing: HashMap<Pid, Option<Errno>>,
}

impl Tracer {
    fn follow(mut self) -> Traced {
        // Only children of this thread: other tests have theirs.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let status = waitpid(Pid::from_raw(-1), Some(flags)).unwrap();
            let signal = match status {
                WaitStatus::Exited(pid, code) if pid == self.main => {
                    return Traced { code: Some(code), calls: self.calls };
                }
                WaitStatus::Signaled(pid, ..) if pid == self.main => return Traced { code: None, calls: self.calls },
                WaitStatus::PtraceSyscall(pid) => {
                    self.call(pid);
                    None
                }
                WaitStatus::Stopped(_, signal) => Some(signal),
                _ => None,
            };
            if let Some(pid) = status.pid() {
                // A thread may just have been killed.
                let _ = ptrace::syscall(pid, signal);
            }
        }
    }

    /// At the beginning and at the end of a call.
    fn call(&mut self, pid: Pid) {
        let Ok(mut regs) = ptrace::getregs(pid) else { return };
        if let Some(failing) = self.failing.remove(&pid) {
            if let Some(errno) = failing {
                regs.rax = -i64::from(errno as i32) as u64;
                let _ = ptrace::setregs(pid, regs);
            }
            return;
        }
        let mut failing = None;
        if let Some((name, takes_room)) = self.counted(pid, &regs) {
            let nth = self.calls.len();
            self.calls.push(name);
            failing = match self.fault {
                Some((at, Fault::Kill)) if nth == at => {
                    kill(self.main, Signal::SIGKILL).unwrap();
                    return;
                }
                Some((at, Fault::Fails(errno))) if nth == at => Some(errno),
                Some((at, Fault::FailsFrom(errno))) if nth >= at && takes_room => Some(errno),
                _ => None,
            };
            if failing.is_some() {
                // There is no such call.
                regs.orig_rax = u64::MAX;
                let _ = ptrace::setregs(pid, regs);
            }
        }
        self.failing.insert(pid, failing);
    }

    /// The name of a call that changes files of the folder, with the file, and whether it needs room on the disk.
    fn counted(&self, pid: Pid, regs: &libc::user_regs_struct) -> Option<(String, bool)> {
        let writes = libc::O_CREAT | libc::O_WRONLY | libc::O_RDWR;
        let (name, file, takes_room) = match regs.orig_rax as i64 {
            libc::SYS_openat if regs.rdx as i32 & writes != 0 => ("openat", self.path(pid, regs.rsi)?, true),
            libc::SYS_mkdir => ("mkdir", self.path(pid, regs.rdi)?, true),
            // To this name.
            libc::SYS_rename => ("rename", self.path(pid, regs.rsi)?, false),
            libc::SYS_renameat | libc::SYS_renameat2 => ("rename", self.path(pid, regs.r10)?, false),
            libc::SYS_unlink | libc::SYS_rmdir => ("unlink", self.path(pid, regs.rdi)?, false),
            libc::SYS_unlinkat => ("unlink", self.path(pid, regs.rsi)?, false),
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev => ("write", open(pid, regs.rdi)?, true),
            libc::SYS_fsync | libc::SYS_fdatasync => ("fsync", open(pid, regs.rdi)?, false),
            libc::SYS_ftruncate => ("ftruncate", open(pid, regs.rdi)?, false),
            libc::SYS_fchmod => ("fchmod", open(pid, regs.rdi)?, false),
            // The standard library panics if a folder cannot be closed, which does not happen.
            libc::SYS_close => ("close", open(pid, regs.rdi).filter(|file| !file.is_dir())?, false),
            _ => return None,
        };
        let rest = file.strip_prefix(&self.folder).ok()?;
        Some((format!("{name} {}", rest.display()), takes_room))
    }

    /// The path at an address of the program.
    fn path(&self, pid: Pid, address: u64) -> Option<PathBuf> {
        let memory = std::fs::File::open(format!("/proc/{pid}/mem")).ok()?;
        let mut bytes = [0; 4096];
        let length = memory.read_at(&mut bytes, address).ok()?;
        let end = bytes[..length].iter().position(|&byte| byte == 0)?;
        Some(self.place.join(std::str::from_utf8(&bytes[..end]).ok()?))
    }
}

/// The file behind an open descriptor.
fn open(pid: Pid, descriptor: u64) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()
}
