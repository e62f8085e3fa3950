//! Numbers and disks that look random and are the same for the same seed.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// SplitMix64: small, and good enough to choose moments and bytes.
pub(crate) struct Chance(u64);

impl Chance {
    /// Seeded by `variable` when it is set, so that a failure can be repeated; by the system otherwise.
    pub(crate) fn from_env(variable: &str) -> Self {
        let seed = std::env::var(variable).map_or_else(
            |_unset| RandomState::new().hash_one(variable),
            |text| text.parse().expect("a seed is a whole number"),
        );
        println!("{variable}={seed}");
        Self(seed)
    }

    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `range`, which is not empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// A disk of `mib` MiB: noise, holes and repeated text, about half of it not zero.
    pub(crate) fn disk(&mut self, mib: u64) -> Vec<u8> {
        let mut disk = vec![0; usize::try_from(mib << 20).unwrap()];
        for unit in disk.chunks_mut(1 << 20) {
            match self.within(0..4) {
                0 => unit.chunks_mut(8).for_each(|word| {
                    let bytes = self.next().to_le_bytes();
                    word.copy_from_slice(&bytes[..word.len()]);
                }),
                1 => {
                    let text = format!("entry {} of the quick brown index\n", self.next());
                    let start = usize::try_from(self.within(0..256)).unwrap() << 12;
                    unit[start..]
                        .iter_mut()
                        .zip(text.bytes().cycle())
                        .for_each(|(byte, letter)| *byte = letter);
                }
                _ => {}
            }
        }
        disk
    }

    /// The same disk with a few of its MiB written anew: the next version of an image.
    pub(crate) fn touched(&mut self, disk: &[u8]) -> Vec<u8> {
        let mut next = disk.to_vec();
        let units = u64::try_from(disk.len() >> 20).unwrap();
        for _ in 0..units.div_ceil(4) {
            let start = usize::try_from(self.within(0..units)).unwrap() << 20;
            let fresh = self.disk(1);
            next[start..start + fresh.len()].copy_from_slice(&fresh);
        }
        next
    }
}
