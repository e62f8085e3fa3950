//! How far a start has come, read from what the guest writes to its serial port.
//!
//! Guests say it in their own words; [`MARKS`] holds those that are known. Bytes are cut into lines of bounded length
//! and freed of terminal escapes, nothing is taken for text. Stages only go forward.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{Error, Host, MachineId, State};

/// The longest line that is looked at; the rest of a longer one is passed over.
const MAX_LINE_BYTES: usize = 4096;

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    /// Nothing was heard of the guest yet.
    Firmware,
    /// The kernel runs.
    Kernel,
    /// The root file system is mounted.
    Root,
    /// What sets the guest up is at work.
    Agent,
    /// It has an address.
    Network,
    /// It is set up and can be used.
    Ready,
}

/// What a start can die of, as far as its serial port tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Failure {
    /// The firmware found nothing to start from.
    NothingToBoot,
    /// The firmware refused a loader that is not signed.
    SecureBoot,
    /// The boot loader found no kernel.
    Loader,
    /// The kernel gave up.
    Panic,
    /// There is no root file system.
    NoRoot,
    /// The guest stopped in its emergency mode.
    Emergency,
}

enum Sign {
    Reached(Stage),
    Failed(Failure),
}

/// What guests write, and what it means. A line may hold several.
const MARKS: &[(&str, Sign)] = &[
    ("Linux version ", Sign::Reached(Stage::Kernel)),
    ("EXT4-fs (", Sign::Reached(Stage::Root)),
    ("XFS (", Sign::Reached(Stage::Root)),
    ("systemd[1]: ", Sign::Reached(Stage::Root)),
    ("Welcome to ", Sign::Reached(Stage::Root)),
    ("Cloud-init v.", Sign::Reached(Stage::Agent)),
    ("cloud-init[", Sign::Reached(Stage::Agent)),
    ("GALLERIST SEED ", Sign::Reached(Stage::Agent)),
    ("ci-info: | ", Sign::Reached(Stage::Network)),
    ("GALLERIST NETWORK ", Sign::Reached(Stage::Network)),
    ("GALLERIST READY ", Sign::Reached(Stage::Ready)),
    ("Cloud-init target", Sign::Reached(Stage::Ready)),
    ("finished at ", Sign::Reached(Stage::Ready)),
    (" login: ", Sign::Reached(Stage::Ready)),
    ("No bootable device", Sign::Failed(Failure::NothingToBoot)),
    ("BdsDxe: No bootable option", Sign::Failed(Failure::NothingToBoot)),
    ("Access Denied", Sign::Failed(Failure::SecureBoot)),
    ("Security Violation", Sign::Failed(Failure::SecureBoot)),
    ("bad shim signature", Sign::Failed(Failure::SecureBoot)),
    ("grub rescue>", Sign::Failed(Failure::Loader)),
    ("Kernel panic - not syncing", Sign::Failed(Failure::Panic)),
    ("GALLERIST FAILED: no root", Sign::Failed(Failure::NoRoot)),
    ("ALERT!  ", Sign::Failed(Failure::NoRoot)),
    ("You are in emergency mode", Sign::Failed(Failure::Emergency)),
];

/// What of `MARKS` counts although its line has not ended: prompts wait for an answer.
const PROMPTS: &[&str] = &[" login: ", "grub rescue>"];

/// A start as seen so far.
#[derive(Debug, Clone)]
pub struct Progress {
    stage: Stage,
    failure: Option<Failure>,
    line: Vec<u8>,
    escape: Escape,
}

/// Where in a terminal escape the last byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Control,
}

impl Default for Progress {
    fn default() -> Self {
        Self { stage: Stage::Firmware, failure: None, line: Vec::new(), escape: Escape::None }
    }
}

impl Progress {
    /// Looks at what came next; tells whether the stage or the failure is another than before.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let before = (self.stage, self.failure);
        for byte in bytes {
            self.byte(*byte);
        }
        self.look(PROMPTS);
        before != (self.stage, self.failure)
    }

    /// The furthest stage that was reached.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What the start died of.
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    fn byte(&mut self, byte: u8) {
        self.escape = match (self.escape, byte) {
            (_, 0x1b) => Escape::Begun,
            (Escape::Begun, b'[') => Escape::Control,
            (Escape::Control, 0x20..=0x3f) => Escape::Control,
            (Escape::Begun | Escape::Control, _) => {
                self.escape = Escape::None;
                return;
            }
            (Escape::None, b'\n') => {
                self.look(&[]);
                self.line.clear();
                return;
            }
            (Escape::None, b'\r') => return,
            (Escape::None, _) => {
                if self.line.len() < MAX_LINE_BYTES {
                    self.line.push(byte);
                }
                return;
            }
        };
    }

    /// Compares the line with the marks: all of them, or only some.
    fn look(&mut self, only: &[&str]) {
        for (mark, sign) in MARKS {
            if !only.is_empty() && !only.contains(mark) {
                continue;
            }
            if !self.line.windows(mark.len()).any(|window| window == mark.as_bytes()) {
                continue;
            }
            match sign {
                Sign::Reached(stage) => self.stage = self.stage.max(*stage),
                // What happens to a guest that was ready is no failed start.
                Sign::Failed(failure) if self.stage < Stage::Ready => {
                    self.failure.get_or_insert(*failure);
                }
                Sign::Failed(_) => {}
            }
        }
    }
}

/// A stage, and how long after the beginning of the watch it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// Which stage.
    pub stage: Stage,
    /// When.
    pub after: Duration,
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The guest is ready; the last moment says after how long.
    Ready(Vec<Moment>),
    /// The guest said what it died of.
    Failed(Failure, Vec<Moment>),
    /// The machine stopped before its guest was ready.
    Stopped(State, Vec<Moment>),
    /// The time ran out; the last moment says where the guest hangs.
    TimedOut(Vec<Moment>),
}

/// Watches a start, from an offset of the serial port on, until the guest is ready, dies, or the time is over.
pub async fn await_ready(
    host: &dyn Host,
    id: MachineId,
    from: u64,
    within: Duration,
) -> Result<Outcome, Error> {
    let begun = Instant::now();
    let mut progress = Progress::default();
    let mut moments = vec![Moment { stage: Stage::Firmware, after: Duration::ZERO }];
    let mut next = from;
    loop {
        let Ok(read) = timeout_at(begun + within, host.serial_after(id, next)).await else {
            return Ok(Outcome::TimedOut(moments));
        };
        let read = read?;
        next = read.next;
        if progress.feed(&read.bytes) && moments.last().is_none_or(|last| last.stage < progress.stage()) {
            moments.push(Moment { stage: progress.stage(), after: begun.elapsed() });
        }
        if let Some(failure) = progress.failure() {
            return Ok(Outcome::Failed(failure, moments));
        }
        if progress.stage() == Stage::Ready {
            return Ok(Outcome::Ready(moments));
        }
        if read.bytes.is_empty() {
            let state = host.state(id).await?;
            if state != State::Running {
                return Ok(Outcome::Stopped(state, moments));
            }
        }
    }
}
