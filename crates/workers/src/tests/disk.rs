//! Disks in memory for tests: small, sparse, and the same for the same seed.

use disks::{Blocks, Error, Extent, ExtentKind};

/// A disk of `units` of 64 KiB of which about half are noise and the rest holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk(Vec<u8>);

const UNIT: usize = 64 << 10;

impl Disk {
    pub(crate) fn new(seed: u64, units: usize) -> Self {
        let mut bytes = vec![0; units * UNIT];
        for (number, unit) in bytes.chunks_mut(UNIT).enumerate().filter(|(number, _)| number % 2 == 0) {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&seed.to_le_bytes()).update(&number.to_le_bytes());
            hasher.finalize_xof().fill(unit);
        }
        Self(bytes)
    }

    /// The same with its first unit written anew.
    pub(crate) fn touched(&self, seed: u64) -> Self {
        let mut bytes = self.0.clone();
        bytes[..UNIT].copy_from_slice(&Self::new(seed, 1).0);
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Blocks for Disk {
    fn size_bytes(&self) -> u64 {
        self.0.len().try_into().unwrap()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        let unit = u64::try_from(UNIT).unwrap();
        let kind = if (offset / unit).is_multiple_of(2) { ExtentKind::Data } else { ExtentKind::Zero };
        Ok(Extent { length: unit - offset % unit, kind })
    }
}
