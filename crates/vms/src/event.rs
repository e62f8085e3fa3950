//! What becomes of a machine, as told to whoever listens.

use crate::MachineId;

/// What a machine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was made and has not been started yet.
    Created,
    /// It has a process.
    Running,
    /// It had one.
    Stopped(Ending),
}

/// How a run of a machine came to its end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Ending {
    /// The guest shut itself down.
    ShutDown,
    /// The host took its power away.
    PoweredOff,
    /// Its process ended by itself.
    Crashed {
        /// What was seen of it.
        detail: String,
    },
}

/// Something that happened to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// To which one.
    pub machine: MachineId,
    /// What.
    pub what: What,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It runs.
    Started,
    /// It runs again from its firmware on.
    Restarted,
    /// Its operating system gave up, as it told the host itself.
    Panicked,
    /// It runs no longer.
    Stopped(Ending),
}
