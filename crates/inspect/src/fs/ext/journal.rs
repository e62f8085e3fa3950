//! The journal: what a guest that was cut off had committed, laid over the blocks it belongs to.
//!
//! Nothing is written: each block that the journal holds a newer copy of is read from there instead. As in the kernel's
//! recovery (document "Journal (jbd2)"), a transaction counts once its commit block is there, and a block that was
//! revoked later is left alone. Fast commits are not read: what they add came after the last whole transaction.

use std::collections::BTreeMap;

use super::data;
use super::inode::Inode;
use super::superblock::Superblock;
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::Error;
use crate::window::Window;

/// What every block of the journal's own begins with.
const MAGIC: u32 = 0xC03B_3998;
/// Types of such blocks.
const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const SUPERBLOCK_V2: u32 = 4;
const REVOKE: u32 = 5;
/// Flags of a tag.
const ESCAPED: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;
/// Most blocks that are laid over the file system, or revoked.
const MOST_BLOCKS: usize = 65_536;

/// Features of a journal (`s_feature_incompat`).
mod feature {
    pub(super) const WIDE: u32 = 0x2;
    pub(super) const CHECKSUM_V2: u32 = 0x8;
    pub(super) const CHECKSUM_V3: u32 = 0x10;
    pub(super) const FAST_COMMIT: u32 = 0x20;
    /// What is read here; asynchronous commits (0x4) among them, since a commit block still ends each transaction.
    pub(super) const KNOWN: u32 = 0x1 | WIDE | 0x4 | CHECKSUM_V2 | CHECKSUM_V3 | FAST_COMMIT;
}

/// The volume as it is once the journal is replayed.
pub(super) fn replayed<'a>(volume: &Window<'a>, superblock: &Superblock) -> Result<Window<'a>, Error> {
    let number = superblock.journal_inode();
    let number = number.ok_or_else(|| Error::Unsupported("the journal is on another device".to_owned()))?;
    let inode = Inode::read(volume, superblock, number)?;
    let journal = Journal::open(volume, superblock, &inode)?;
    journal.lay_over()
}

struct Journal<'j, 'a> {
    volume: &'j Window<'a>,
    superblock: &'j Superblock,
    inode: &'j Inode,
    features: u32,
    /// The log goes around between these blocks.
    first: u64,
    end: u64,
    start: u64,
    sequence: u32,
}

/// A copy that the journal holds of a block.
struct Copy {
    /// Its block in the journal.
    at: u64,
    /// Whether its first four bytes were taken out, since they look like the journal's own.
    is_escaped: bool,
}

/// A block of the log's own.
struct Step {
    kind: u32,
    sequence: u32,
    /// Its block in the journal.
    at: u64,
    bytes: Vec<u8>,
}

impl<'j, 'a> Journal<'j, 'a> {
    fn open(volume: &'j Window<'a>, superblock: &'j Superblock, inode: &'j Inode) -> Result<Self, Error> {
        let bytes = data::read(volume, superblock, inode, 0, 1024)?;
        let fields = Fields::new("ext journal", &bytes);
        let is_v2 = fields.be_u32(4)? == SUPERBLOCK_V2;
        let features = if is_v2 { fields.be_u32(40)? } else { 0 };
        let fast = match fields.be_u32(84)? {
            _ if features & feature::FAST_COMMIT == 0 => 0,
            0 => 256,
            blocks => u64::from(blocks),
        };
        if features & !feature::KNOWN != 0 {
            return Err(Error::Unsupported(format!("journal features {features:#x}")));
        }
        let journal = Self {
            volume,
            superblock,
            inode,
            features,
            first: fields.be_u32(20)?.into(),
            end: u64::from(fields.be_u32(16)?).saturating_sub(fast),
            start: fields.be_u32(28)?.into(),
            sequence: fields.be_u32(24)?,
        };
        let is_sane = fields.be_u32(0)? == MAGIC
            && u64::from(fields.be_u32(12)?) == superblock.block_bytes
            && journal.first > 0
            && journal.first < journal.end
            && journal.end.checked_mul(superblock.block_bytes).is_some_and(|bytes| bytes <= inode.size_bytes)
            && (journal.start == 0 || (journal.first..journal.end).contains(&journal.start));
        if !is_sane {
            return Err(Error::Damaged("the journal contradicts itself".to_owned()));
        }
        Ok(journal)
    }

    /// Every block of the log's own, from the oldest on, up to the last commit.
    fn steps(&self) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        let (mut at, mut sequence, mut whole) = (self.start, self.sequence, 0);
        let mut passed = 0;
        while self.start != 0 && passed < self.end - self.first {
            let bytes = self.block(at)?;
            let fields = Fields::new("ext journal", &bytes);
            let kind = fields.be_u32(4)?;
            if fields.be_u32(0)? != MAGIC || fields.be_u32(8)? != sequence {
                break;
            }
            let copies = match kind {
                DESCRIPTOR => as_u64(self.tags(&bytes)?.len()),
                COMMIT => {
                    sequence = sequence.wrapping_add(1);
                    whole = steps.len();
                    0
                }
                REVOKE => 0,
                _ => break,
            };
            if kind != COMMIT {
                let sequence = fields.be_u32(8)?;
                self.volume.meter().keep(as_u64(bytes.len()))?;
                steps.push(Step { kind, sequence, at, bytes });
            }
            at = self.on(at, 1 + copies);
            passed += 1 + copies;
        }
        // What no commit follows was never there.
        steps.truncate(whole);
        Ok(steps)
    }

    /// The place `count` blocks on, around the end of the log.
    fn on(&self, at: u64, count: u64) -> u64 {
        let length = self.end - self.first;
        self.first + (at - self.first + count) % length
    }

    fn block(&self, at: u64) -> Result<Vec<u8>, Error> {
        let each = self.superblock.block_bytes;
        let bytes = data::read(self.volume, self.superblock, self.inode, at * each, each)?;
        if as_u64(bytes.len()) == each {
            Ok(bytes)
        } else {
            Err(Error::Damaged("the journal is cut".to_owned()))
        }
    }

    /// What a descriptor tells: the block that each copy after it is of, and its flags.
    fn tags(&self, descriptor: &[u8]) -> Result<Vec<(u64, u32)>, Error> {
        let fields = Fields::new("ext journal descriptor", descriptor);
        let is_v3 = self.features & feature::CHECKSUM_V3 != 0;
        let is_v2 = self.features & feature::CHECKSUM_V2 != 0;
        let is_wide = self.features & feature::WIDE != 0;
        let tail = if is_v2 || is_v3 { 4 } else { 0 };
        let length = if is_v3 { 16 } else { 8 + if is_v2 { 2 } else { 0 } + if is_wide { 4 } else { 0 } };
        let (mut at, mut tags) = (12, Vec::new());
        while at + length <= descriptor.len() - tail {
            let flags = if is_v3 { fields.be_u32(at + 4)? } else { fields.be_u16(at + 6)?.into() };
            let high = if is_wide { u64::from(fields.be_u32(at + 8)?) } else { 0 };
            tags.push((high << 32 | u64::from(fields.be_u32(at)?), flags));
            at += length + if flags & SAME_UUID == 0 { 16 } else { 0 };
            if flags & LAST != 0 {
                break;
            }
        }
        Ok(tags)
    }

    /// The blocks that were revoked, each with the last transaction that did.
    fn revoked(&self, steps: &[Step]) -> Result<BTreeMap<u64, u32>, Error> {
        let each = if self.features & feature::WIDE == 0 { 4 } else { 8 };
        let mut revoked = BTreeMap::new();
        for step in steps.iter().filter(|step| step.kind == REVOKE) {
            let fields = Fields::new("ext journal revocation", &step.bytes);
            let used = as_usize(fields.be_u32(12)?.into()).min(step.bytes.len());
            for at in (16..used).step_by(each) {
                let block = if each == 4 { fields.be_u32(at)?.into() } else { fields.be_u64(at)? };
                revoked.insert(block, step.sequence);
                is_few(&revoked)?;
            }
        }
        Ok(revoked)
    }

    /// The volume, with the newest copy of each block in its place.
    fn lay_over(&self) -> Result<Window<'a>, Error> {
        let steps = self.steps()?;
        let revoked = self.revoked(&steps)?;
        let mut copies: BTreeMap<u64, Copy> = BTreeMap::new();
        for step in steps.iter().filter(|step| step.kind == DESCRIPTOR) {
            for ((block, flags), count) in self.tags(&step.bytes)?.into_iter().zip(1..) {
                // Numbers go around: what is at most half a turn ahead came later.
                let is_revoked = |later: &u32| later.wrapping_sub(step.sequence) < 1 << 31;
                if !revoked.get(&block).is_some_and(is_revoked) {
                    let is_escaped = flags & ESCAPED != 0;
                    copies.insert(block, Copy { at: self.on(step.at, count), is_escaped });
                    is_few(&copies)?;
                }
            }
        }
        self.put_together(&copies)
    }

    fn put_together(&self, copies: &BTreeMap<u64, Copy>) -> Result<Window<'a>, Error> {
        let each = self.superblock.block_bytes;
        let part = |from: u64, to: u64| {
            let outside = || Error::Damaged("the journal holds blocks of another volume".to_owned());
            to.checked_sub(from).and_then(|length| self.volume.part(from, length)).ok_or_else(outside)
        };
        let magic = self.at(0)?;
        let (mut parts, mut done) = (Vec::new(), 0);
        for (block, copy) in copies {
            let start = self.superblock.block_at(*block)?;
            parts.push(part(done, start)?);
            let from = self.at(copy.at)?;
            if copy.is_escaped {
                // The journal's own superblock begins with the bytes that were taken out.
                parts.push(part(magic, magic + 4)?);
                parts.push(part(from + 4, from + each)?);
            } else {
                parts.push(part(from, from + each)?);
            }
            done = start + each;
        }
        parts.push(part(done, self.volume.size_bytes())?);
        Ok(self.volume.joined(&parts))
    }

    /// Where a block of the journal stands on the volume.
    fn at(&self, block: u64) -> Result<u64, Error> {
        let place = data::place(self.volume, self.superblock, self.inode, block)?;
        place.ok_or_else(|| Error::Damaged("the journal has a hole".to_owned()))
    }
}

/// Refuses what would take too much memory.
fn is_few<T>(blocks: &BTreeMap<u64, T>) -> Result<(), Error> {
    if blocks.len() > MOST_BLOCKS {
        return Err(Error::Unsupported("the journal tells of more than 65,536 blocks".to_owned()));
    }
    Ok(())
}
