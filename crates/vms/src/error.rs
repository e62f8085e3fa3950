//! Why a host did not do what it was asked, by what the caller can do about it.

use std::io;

use crate::{Exhausted, MachineId};

/// Why a machine could not be made, moved or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The specification or an argument breaks a rule; nothing was done.
    #[error("{0}")]
    Invalid(String),
    /// The host is full. Remove machines, or ask for less.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// There is no such machine on this host.
    #[error("there is no machine {0} on this host")]
    NotFound(MachineId),
    /// The machine exists and is of another specification; remove it first.
    #[error("machine {0} exists already and is made of other parts; remove it first")]
    Exists(MachineId),
    /// Only a running machine can be asked this; start it first.
    #[error("machine {0} is not running; start it first")]
    NotRunning(MachineId),
    /// A port of the host is in use.
    #[error("port {0} of the host is in use; choose another, or let the host choose")]
    PortTaken(u16),
    /// This host cannot run such machines, whatever is tried.
    #[error("this host cannot run {what}: {why}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What is missing, and how to get it.
        why: String,
    },
    /// The machine's process did not start, or ended while it was asked.
    #[error("machine {machine} failed: {detail}")]
    Failed {
        /// Which.
        machine: MachineId,
        /// What was seen of it.
        detail: String,
    },
    /// The guest did not do what it was asked within the time it had.
    #[error("machine {machine} did not {doing} within {seconds} s")]
    TimedOut {
        /// Which.
        machine: MachineId,
        /// What was waited for, as a verb phrase.
        doing: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The operating system refused.
    #[error("the host cannot {doing}")]
    Host {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: the operating system refused while this was being done.
    pub(crate) fn host(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Host { doing, source }
    }
}
