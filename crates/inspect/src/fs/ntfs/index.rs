//! Folders: a tree of names, its top in the record, the rest in blocks.

use std::collections::HashSet;

use super::attribute::Kind;
use super::record::{Record, Table, whole};
use super::{FIRST_FILE, ROOT};
use crate::bytes::{Fields, as_usize};
use crate::fs::{Entry, check_name};
use crate::text;
use crate::tree::Error;

/// `$I30`, the index of names.
const NAMES: [u16; 4] = [0x24, 0x49, 0x33, 0x30];
/// Most blocks of a folder.
const MOST_BLOCKS: usize = 65_536;
/// The name space of short names, which stand beside long ones.
const SHORT: u8 = 2;

/// The names in `folder`, each once.
pub(super) fn entries(table: &Table<'_>, folder: &Record<'_, '_>, most: usize) -> Result<Vec<Entry>, Error> {
    let no_folder = || Error::NotThere("what stands there is no folder".to_owned());
    let root = folder.stream(Kind::INDEX_ROOT, &NAMES)?.ok_or_else(no_folder)?;
    let root = root.read(0, root.size_bytes().min(65536))?;
    let fields = Fields::new("NTFS folder", &root);
    let block_bytes = u64::from(fields.le_u32(8)?);
    if !block_bytes.is_power_of_two() || !(512..=65536).contains(&block_bytes) {
        return Err(Error::Damaged("an NTFS folder has blocks of impossible size".to_owned()));
    }
    let mut found = Found { entries: Vec::new(), below: Vec::new(), most, in_root: folder.number == ROOT };
    found.node(root.get(16..).unwrap_or_default())?;
    let blocks = folder.stream(Kind::INDEX_ALLOCATION, &NAMES)?;
    // Blocks are counted in clusters, or in sectors where a cluster is larger than a block.
    let unit = if table.cluster_bytes() <= block_bytes { table.cluster_bytes() } else { 512 };
    let mut visited = HashSet::new();
    while let Some(block) = found.below.pop() {
        if visited.len() >= MOST_BLOCKS {
            return Err(Error::Budget("bytes of one folder"));
        }
        let lost =
            || Error::Damaged("the blocks of an NTFS folder turn in a circle, or are missing".to_owned());
        let blocks = blocks.as_ref().filter(|_| visited.insert(block)).ok_or_else(lost)?;
        let at = block.checked_mul(unit).ok_or_else(lost)?;
        let bytes = whole(blocks.read(at, block_bytes)?, *b"INDX")?;
        found.node(bytes.get(24..).unwrap_or_default())?;
    }
    Ok(found.entries)
}

struct Found {
    entries: Vec<Entry>,
    /// Blocks that nodes point at.
    below: Vec<u64>,
    most: usize,
    in_root: bool,
}

impl Found {
    /// Reads one node, which begins with its header.
    fn node(&mut self, node: &[u8]) -> Result<(), Error> {
        let fields = Fields::new("NTFS folder", node);
        let mut at = as_usize(fields.le_u32(0)?.into());
        let end = as_usize(fields.le_u32(4)?.into());
        loop {
            let (length, flags) = (usize::from(fields.le_u16(at + 8)?), fields.le_u16(at + 12)?);
            if length < 16 || at + length > end.min(node.len()) {
                return Err(Error::Damaged("an NTFS folder holds an entry of impossible length".to_owned()));
            }
            if flags & 1 != 0 {
                self.below.push(fields.le_u64(at + length - 8)?);
            }
            if flags & 2 != 0 {
                return Ok(());
            }
            self.entry(fields.le_u64(at)?, fields.slice(at + 16, length - 16)?)?;
            at += length;
        }
    }

    fn entry(&mut self, reference: u64, name: &[u8]) -> Result<(), Error> {
        let fields = Fields::new("NTFS name", name);
        let id = reference & 0xFFFF_FFFF_FFFF;
        if fields.u8(65)? == SHORT || (self.in_root && id < FIRST_FILE) {
            return Ok(());
        }
        let name = text::utf16_name(text::units(fields.slice(66, usize::from(fields.u8(64)?) * 2)?));
        check_name(&name)?;
        if self.entries.len() >= self.most {
            return Err(Error::Budget("names in one folder"));
        }
        self.entries.push(Entry { name, id });
        Ok(())
    }
}
