//! What one inspection may use up, and how much of it is gone.
//!
//! Time is counted as work, not read from a clock, so that a verdict is the same on every machine: whatever loops over
//! foreign bytes reads them through a [`crate::Window`], and every read is charged here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::tree::Error;

/// Most bytes of memory that readers may keep for as long as the disk is open, beside the caches of fixed size.
const MOST_KEPT_BYTES: u64 = 64 << 20;

/// What one inspection may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes fetched from the disk (holes cost nothing).
    pub read_bytes: u64,
    /// Names listed in folders.
    pub entries: u64,
    /// Steps: one for each read, and one more for each 4 KiB of it, cached or not.
    pub work: u64,
}

impl Default for Budget {
    /// Enough for a root of a million files; a hostile disk uses it up within seconds.
    fn default() -> Self {
        Self { read_bytes: 16 << 30, entries: 2_000_000, work: 20_000_000 }
    }
}

/// Counts what is used of a [`Budget`].
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    read_bytes: AtomicU64,
    entries: AtomicU64,
    work: AtomicU64,
    kept_bytes: AtomicU64,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            read_bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            work: AtomicU64::new(0),
            kept_bytes: AtomicU64::new(0),
        }
    }

    /// Charges `count` bytes fetched.
    pub(crate) fn fetch(&self, count: u64) -> Result<(), Error> {
        charge(&self.read_bytes, count, self.budget.read_bytes, "bytes read")
    }

    /// Charges `count` names.
    pub(crate) fn list(&self, count: u64) -> Result<(), Error> {
        charge(&self.entries, count, self.budget.entries, "names listed")
    }

    /// Charges `count` steps.
    pub(crate) fn step(&self, count: u64) -> Result<(), Error> {
        charge(&self.work, count, self.budget.work, "steps")
    }

    /// Charges `count` bytes of memory that stay in use.
    pub(crate) fn keep(&self, count: u64) -> Result<(), Error> {
        charge(&self.kept_bytes, count, MOST_KEPT_BYTES, "memory")
    }

    /// What is used so far.
    pub(crate) fn used(&self) -> Budget {
        Budget {
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            work: self.work.load(Ordering::Relaxed),
        }
    }
}

/// Once over the limit it stays there: the count is not taken back.
fn charge(used: &AtomicU64, count: u64, most: u64, what: &'static str) -> Result<(), Error> {
    let before = used.fetch_add(count, Ordering::Relaxed);
    if before.saturating_add(count) > most { Err(Error::Budget(what)) } else { Ok(()) }
}
