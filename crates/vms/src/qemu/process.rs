//! Processes of machines: started into a session of their own, recognised again by their start time.
//!
//! A process is bound by limits before QEMU itself begins, has no pipe to whoever started it, and is never signalled by
//! number alone: [`Process`] holds a descriptor of exactly that process.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::unix::AsyncFd;
use tokio::process::Command;

/// The most files and sockets that a machine's process opens.
const MAX_FILES: u32 = 1024;
/// What a machine's process may take of addresses beyond the guest's memory: translated code, firmware, libraries.
const OVERHEAD_MIB: u64 = 4096;

/// Whom machines run as when the server is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What proves that a number still means the same process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pid: i32,
    started: u64,
}

/// A process that was found to be running.
#[derive(Debug)]
pub(super) struct Process {
    handle: AsyncFd<OwnedFd>,
}

/// Starts a program in a folder with bounds and, as root, as somebody else. It reads nothing and writes to the log file.
pub(super) fn command(
    program: &Path,
    folder: &Path,
    memory_mib: u32,
    user: Option<User>,
    log: &str,
) -> io::Result<Command> {
    let log = File::create(folder.join(log))?;
    let bytes = (u64::from(memory_mib) + OVERHEAD_MIB) << 20;
    let mut command = Command::new("prlimit");
    command.args([format!("--as={bytes}"), format!("--nofile={MAX_FILES}"), "--core=0".to_owned()]);
    command.args(["nice", "-n", "5", "setsid"]).arg(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    if let Some(User { uid, gid }) = user {
        command.gid(gid).uid(uid);
    }
    Ok(command)
}

impl Identity {
    /// Of a process that runs now.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).map_err(|_source| io::ErrorKind::InvalidInput)?;
        Ok(Self { pid, started: start_time(pid)? })
    }

    /// The process, if it still is the same one.
    pub(super) fn open(self) -> io::Result<Process> {
        let pid = Pid::from_raw(self.pid).ok_or(io::ErrorKind::InvalidInput)?;
        let handle = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        // Only now: what holds the handle cannot be replaced any more.
        if start_time(self.pid)? != self.started {
            return Err(io::ErrorKind::NotFound.into());
        }
        #[expect(deprecated, reason = "sound for an OwnedFd; what replaces it is unsafe to call")]
        let handle = AsyncFd::new(handle)?;
        Ok(Process { handle })
    }
}

/// When a process began, in ticks since the start of the system.
fn start_time(pid: i32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets and may hold anything.
    let after = stat.rsplit_once(')').map(|(_, rest)| rest);
    let field = after.and_then(|rest| rest.split_whitespace().nth(19)).and_then(|field| field.parse().ok());
    field.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

impl Process {
    /// Ends it, whatever it does.
    pub(super) fn kill(&self) {
        // An error says that it is gone already, which is as good.
        pidfd_send_signal(self.handle.get_ref(), Signal::KILL).ok();
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        // Becomes readable once, and stays so.
        drop(self.handle.readable().await);
    }
}
