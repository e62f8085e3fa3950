//! Commands inside a guest, by SSH through a port that is forwarded to it.
//!
//! Works for guests that a seed gave a key of the host's; a specialized image has none. The script travels as input, never
//! as an argument. Output is bounded, and so is time. As the port is on the loopback address, the guest's key is not
//! compared with an earlier one.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::Error;

/// What is kept of each output (Azure keeps 4 KiB of a run command, more of an extension).
const MAX_OUTPUT_BYTES: u64 = 64 << 10;
/// The status with which the client says that it did not get in.
const NOT_IN: i32 = 255;
/// Root's rights where the guest gives them without a word, the user's own elsewhere.
const SHELL: &str = "if command -v sudo >/dev/null; then exec sudo -n sh -s; else exec sh -s; fi";

/// The way into a guest.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// The port on 127.0.0.1 that leads to the guest's SSH server.
    pub port: u16,
    /// As whom.
    pub user: &'a str,
    /// The private key, a file that only its owner may read.
    pub key: &'a Path,
}

/// What a script left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its status.
    pub exit: i32,
    /// What it wrote, up to 64 KiB.
    pub stdout: Vec<u8>,
    /// What it wrote beside that, up to 64 KiB.
    pub stderr: Vec<u8>,
}

/// Runs a shell script in a guest and waits for its end.
pub async fn run(door: Door<'_>, script: &[u8], within: Duration) -> Result<Output, Error> {
    let plain = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
    if door.user.is_empty() || door.user.starts_with('-') || !door.user.chars().all(plain) {
        return Err(Error::Invalid("the user of a guest has letters, digits and -_. only".to_owned()));
    }
    let ran = timeout(within, talk(door, script)).await.map_err(|_late| {
        Error::Invalid(format!("the script did not end within {} s, and was left alone", within.as_secs()))
    })?;
    let output = ran.map_err(Error::host("talk to a guest by SSH (is openssh-client installed?)"))?;
    if output.exit == NOT_IN {
        return Err(Error::Invalid(
            "the guest let nobody in by SSH; is it ready, and set up by its seed?".to_owned(),
        ));
    }
    Ok(output)
}

async fn talk(door: Door<'_>, script: &[u8]) -> std::io::Result<Output> {
    let mut command = Command::new("ssh");
    command.args([
        "-F",
        "none",
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "LogLevel=ERROR",
    ]);
    command
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i"])
        .arg(door.key);
    command.args(["-p", &door.port.to_string(), "-l", door.user, "127.0.0.1", SHELL]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A script may end before it has read all of itself.
            drop(input.write_all(script).await);
        }
    };
    let ((), stdout, stderr) = tokio::join!(write, bounded(stdout), bounded(stderr));
    let status = child.wait().await?;
    Ok(Output { exit: status.code().unwrap_or(NOT_IN), stdout: stdout?, stderr: stderr? })
}

/// Reads to the end and keeps the beginning.
async fn bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let Some(mut from) = from else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    (&mut from).take(MAX_OUTPUT_BYTES).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}
