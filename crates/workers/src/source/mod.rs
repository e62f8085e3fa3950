//! Image bytes that are fetched: from a blob's address, guarded, pinned, and read by ranges.
//!
//! What is published is what was read once: the blob's ETag is pinned, every range must come from that state.

mod guard;
mod remote;
#[cfg(test)]
mod tests;

pub use guard::{Allowed, AllowedError};
pub use remote::Remote;

use std::time::Duration;

/// What blob sources may be read, and how long that may take.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Hosts, `host:port` pairs and networks that may be read although the guard would refuse them.
    pub allow: Vec<Allowed>,
    /// A read that brings nothing for so long ends the import.
    pub stall: Duration,
    /// Fewest bytes that a read must bring in each [`SourceSettings::pace_window`].
    pub least_bytes: u64,
    /// The time over which the pace of a read is looked at.
    pub pace_window: Duration,
    /// Largest blob, in bytes.
    pub largest_bytes: u64,
}

impl Default for SourceSettings {
    /// Nothing allowed beyond public hosts on ports 80 and 443; 60 s; 64 KiB/s over 60 s; 32 TiB and a footer.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            stall: Duration::from_secs(60),
            least_bytes: 60 * (64 << 10),
            pace_window: Duration::from_secs(60),
            largest_bytes: (32 << 40) + 512,
        }
    }
}

/// Why a source cannot be read; the words are for the client and tell nothing about our network.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address is none that may be read.
    #[error(
        "The source is not allowed. Only public http(s) addresses on ports 80 and 443 may be read, unless the operator allows others ([source] allow in the configuration)."
    )]
    NotAllowed,
    /// The address cannot be understood, or means different things to different readers.
    #[error(
        "The source address is malformed. Give an absolute http or https URL without user name, in plain ASCII."
    )]
    Malformed,
    /// It does not answer, or not with what it must.
    #[error("The source could not be read: {0}")]
    Unreadable(&'static str),
    /// Its address cannot be opened any more: the installation's key is another one now.
    #[error("The source's address is not known any more. Put the version again with it.")]
    Forgotten,
    /// The job that reads it is to stop.
    #[error("The reading of the source was called off.")]
    CalledOff,
    /// It changed while it was read.
    #[error("The source changed while it was read. Publish again when it is at rest.")]
    Changed,
}
