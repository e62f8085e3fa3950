//! The last so many bytes of a serial port, addressed by how many came before.

use std::collections::VecDeque;

/// The most that one read returns.
const MAX_READ_BYTES: usize = 1 << 20;

/// A piece of what a serial port put out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// How many bytes came before this piece.
    pub from: u64,
    /// The bytes, as the guest wrote them.
    pub bytes: Vec<u8>,
    /// Where to read on.
    pub next: u64,
}

/// A bounded log: old bytes go when new ones come.
#[derive(Debug, Clone)]
pub struct SerialLog {
    kept: VecDeque<u8>,
    end: u64,
    limit: usize,
}

impl SerialLog {
    /// An empty log that keeps so many bytes, and counts from `end` on.
    pub fn new(limit: u64, end: u64) -> Self {
        Self { kept: VecDeque::new(), end, limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// Appends.
    pub fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        self.kept.extend(&bytes[bytes.len().saturating_sub(self.limit)..]);
        let excess = self.kept.len().saturating_sub(self.limit);
        self.kept.drain(..excess);
    }

    /// How many bytes ever came.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Everything that is kept, and how many bytes came before it.
    pub(crate) fn kept(&self) -> (u64, Vec<u8>) {
        (self.end - self.kept.len() as u64, self.kept.iter().copied().collect())
    }

    /// What is kept from this offset on.
    pub fn read(&self, from: u64) -> Serial {
        let first = self.end - self.kept.len() as u64;
        let from = from.clamp(first, self.end);
        let skip = usize::try_from(from - first).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = self.kept.iter().skip(skip).take(MAX_READ_BYTES).copied().collect();
        Serial { from, next: from + bytes.len() as u64, bytes }
    }
}
