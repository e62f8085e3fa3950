//! What the tests of this crate share: disks in memory, bytes that look like something, and regions.

use std::path::Path;

use disks::{Blocks, Extent, ExtentKind};

use crate::{Digest, Entry, Ingested, Options, Owner, Region, ingest};

pub(crate) const OWNER: Owner = Owner([7; 16]);

/// A disk in memory that reports extents as its container would.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    /// Extents are whole units of this many bytes; 0 reports the whole disk as data.
    pub(crate) unit: usize,
}

impl Memory {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, unit: 0 }
    }

    fn is_zero(&self, unit: usize) -> bool {
        let end = (unit + self.unit).min(self.bytes.len());
        self.bytes[unit..end].iter().all(|&byte| byte == 0)
    }
}

impl Blocks for Memory {
    fn size_bytes(&self) -> u64 {
        self.bytes.len().try_into().unwrap()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.bytes[start..start + buffer.len()]);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        let start = usize::try_from(offset).unwrap();
        let whole = |end: usize, kind| Extent { length: u64::try_from(end - start).unwrap(), kind };
        if self.unit == 0 {
            return Ok(whole(self.bytes.len(), ExtentKind::Data));
        }
        let mut unit = start - start % self.unit;
        let zero = self.is_zero(unit);
        while unit < self.bytes.len() && self.is_zero(unit) == zero {
            unit += self.unit;
        }
        Ok(whole(unit.min(self.bytes.len()), if zero { ExtentKind::Zero } else { ExtentKind::Data }))
    }
}

/// Bytes without pattern, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Bytes that compress about three to one.
pub(crate) fn text(seed: u64, length: usize) -> Vec<u8> {
    noise(seed, length / 3 + 8).chunks(4).flat_map(|word| [word, b"        "].concat()).take(length).collect()
}

/// Runs of 4 KiB blocks: noise for a seed, zeros for none.
pub(crate) fn disk(runs: &[(Option<u64>, usize)]) -> Vec<u8> {
    let run = |&(seed, blocks): &(Option<u64>, usize)| match seed {
        Some(seed) => noise(seed, blocks * 4096),
        None => vec![0; blocks * 4096],
    };
    runs.iter().flat_map(run).collect()
}

/// Small packs, so that there are several.
pub(crate) fn small_packs() -> Options {
    Options { pack_bytes: 1 << 20, ..Options::default() }
}

pub(crate) fn open(folder: &Path) -> Region {
    Region::open("here", folder, small_packs()).unwrap()
}

pub(crate) fn store(region: &Region, bytes: &[u8]) -> Ingested {
    store_for(region, bytes, OWNER)
}

pub(crate) fn store_for(region: &Region, bytes: &[u8], owner: Owner) -> Ingested {
    ingest(&Memory::new(bytes.to_vec()), region, owner, &|_| ()).unwrap()
}

pub(crate) fn load(region: &Region, root: Digest, size: usize) -> Result<Vec<u8>, crate::Error> {
    let mut bytes = vec![0xee; size];
    region.image(root, size.try_into().unwrap())?.read(0, &mut bytes)?;
    Ok(bytes)
}

/// A chunk entry whose digest is made up.
pub(crate) fn made_up(number: u64, blocks: u32) -> Entry {
    Entry::Chunk { digest: Digest::of(&number.to_le_bytes()), length: blocks * 4096 }
}
