//! Disks and files in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use crate::{Blocks, Error, Extent, ExtentKind, WriteAt};

/// A sparse disk in memory that knows where its holes are, and notices when somebody reads them.
#[derive(Debug)]
pub(crate) struct Sample {
    size_bytes: u64,
    /// Runs of data by offset; they neither touch nor overlap.
    runs: BTreeMap<u64, Vec<u8>>,
    /// Bytes of holes that were asked for.
    hole_bytes_read: AtomicU64,
}

impl Sample {
    /// A disk of `size_bytes` that is one hole.
    pub(crate) fn empty(size_bytes: u64) -> Self {
        Self { size_bytes, runs: BTreeMap::new(), hole_bytes_read: AtomicU64::new(0) }
    }

    /// The same disk with `bytes` at `offset`; panics when they do not fit or meet another run.
    pub(crate) fn with(mut self, offset: u64, bytes: Vec<u8>) -> Self {
        assert!(!bytes.is_empty());
        let end = offset + u64::try_from(bytes.len()).unwrap();
        assert!(end <= self.size_bytes, "the run ends at {end} of {}", self.size_bytes);
        if let Some((start, before)) = self.runs.range(..end).next_back() {
            let before_end = start + u64::try_from(before.len()).unwrap();
            assert!(before_end <= offset, "the runs at {start} and {offset} overlap");
        }
        self.runs.insert(offset, bytes);
        self
    }

    /// The same disk with `length` bytes of noise at `offset`, which no compressor shortens.
    pub(crate) fn with_noise(self, offset: u64, length: usize) -> Self {
        self.with(offset, noise(offset, length))
    }

    /// The same disk with `length` bytes at `offset` that compress well and are nowhere zero.
    pub(crate) fn with_text(self, offset: u64, length: usize) -> Self {
        let text = b"The quick brown fox jumps over the lazy dog. ";
        self.with(offset, text.iter().copied().cycle().take(length).collect())
    }

    /// The same disk with a run of zeros that is declared as data.
    pub(crate) fn with_zeros(self, offset: u64, length: usize) -> Self {
        self.with(offset, vec![0; length])
    }

    /// How many bytes of holes were read.
    pub(crate) fn hole_bytes_read(&self) -> u64 {
        self.hole_bytes_read.load(Ordering::Relaxed)
    }

    /// All bytes, for disks that fit in memory.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut all = vec![0; usize::try_from(self.size_bytes).unwrap()];
        for (offset, bytes) in &self.runs {
            let start = usize::try_from(*offset).unwrap();
            all[start..start + bytes.len()].copy_from_slice(bytes);
        }
        all
    }
}

impl Blocks for Sample {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let mut done = 0;
        assert!(offset + u64::try_from(buffer.len()).unwrap() <= self.size_bytes, "read past the end");
        while done < buffer.len() {
            let at = offset + u64::try_from(done).unwrap();
            let extent = self.extent_at(at)?;
            let length = usize::try_from(extent.length).unwrap().min(buffer.len() - done);
            let part = &mut buffer[done..done + length];
            match extent.kind {
                ExtentKind::Zero => {
                    self.hole_bytes_read.fetch_add(u64::try_from(length).unwrap(), Ordering::Relaxed);
                    part.fill(0);
                }
                ExtentKind::Data => {
                    let (start, bytes) = self.runs.range(..=at).next_back().unwrap();
                    let from = usize::try_from(at - start).unwrap();
                    part.copy_from_slice(&bytes[from..from + length]);
                }
            }
            done += length;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        assert!(offset < self.size_bytes, "extent at {offset} of {}", self.size_bytes);
        if let Some((start, bytes)) = self.runs.range(..=offset).next_back() {
            let end = start + u64::try_from(bytes.len()).unwrap();
            if offset < end {
                return Ok(Extent { length: end - offset, kind: ExtentKind::Data });
            }
        }
        let next = self.runs.range(offset..).next().map_or(self.size_bytes, |(start, _)| *start);
        Ok(Extent { length: next - offset, kind: ExtentKind::Zero })
    }
}

/// Bytes without a pattern, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Arbitrary sparse disks up to `size_limit` bytes: whole sectors, runs of noise, text and zeros with holes between.
pub(crate) fn disks(size_limit: u64) -> impl Strategy<Value = Sample> {
    let run = (0_u64..=size_limit / 512 / 4, 1_usize..=400, 0_u8..3);
    (1..=size_limit / 512, prop::collection::vec(run, 0..8)).prop_map(|(sectors, runs)| {
        let mut sample = Sample::empty(sectors * 512);
        let mut at = 0;
        for (gap, length, kind) in runs {
            at += gap;
            let length = u64::try_from(length).unwrap().min(sectors.saturating_sub(at));
            if length == 0 {
                break;
            }
            let bytes = usize::try_from(length * 512).unwrap();
            sample = match kind {
                0 => sample.with_noise(at * 512, bytes),
                1 => sample.with_text(at * 512, bytes),
                _ => sample.with_zeros(at * 512, bytes),
            };
            at += length;
        }
        sample
    })
}

/// Checks that two disks have the same size and bytes, and that `found`'s extents are honest and cover it.
pub(crate) fn assert_same(found: &dyn Blocks, wanted: &dyn Blocks) {
    assert_eq!(found.size_bytes(), wanted.size_bytes(), "size in bytes");
    let mut offset = 0;
    while offset < found.size_bytes() {
        let extent = found.extent_at(offset).unwrap();
        assert!(extent.length > 0, "empty extent at {offset}");
        assert!(offset + extent.length <= found.size_bytes(), "extent at {offset} passes the end");
        assert_same_range(found, wanted, offset, extent);
        offset += extent.length;
    }
}

/// Compares piece by piece; runs that both call holes are not read, so that huge disks can be compared.
fn assert_same_range(found: &dyn Blocks, wanted: &dyn Blocks, start: u64, extent: Extent) {
    let end = start + extent.length;
    let mut offset = start;
    while offset < end {
        let expected = wanted.extent_at(offset).unwrap();
        if extent.kind == ExtentKind::Zero && expected.kind == ExtentKind::Zero {
            offset += expected.length.min(end - offset);
            continue;
        }
        // An odd length, so that reads cross the container's own units in every way.
        let length = usize::try_from((end - offset).min(expected.length).min(200_003)).unwrap();
        let (mut left, mut right) = (vec![0xEE; length], vec![0; length]);
        found.read_at(offset, &mut left).unwrap();
        wanted.read_at(offset, &mut right).unwrap();
        assert!(left == right, "bytes differ in {length} bytes from {offset}");
        assert!(
            extent.kind == ExtentKind::Data || right.iter().all(|byte| *byte == 0),
            "data in a zero extent"
        );
        offset += u64::try_from(length).unwrap();
    }
}

/// A file in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    /// What was written.
    pub(crate) bytes: Vec<u8>,
}

impl WriteAt for Sink {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let end = start + data.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(data);
        Ok(())
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.bytes.resize(usize::try_from(bytes).unwrap(), 0);
        Ok(())
    }
}
