//! Folders: records of a name and an inode, block after block.
//!
//! The index of a large folder hides in records without an inode, so reading in a line meets every name once.

use super::Ext;
use super::inode::Inode;
use crate::bytes::{Fields, as_u64, as_usize};
use crate::fs::{Entry, check_name, is_dots};
use crate::tree::{Error, NodeKind};

/// Most bytes of a folder.
const MOST_BYTES: u64 = 128 << 20;
/// Bytes read at once; a multiple of every block.
const PIECE_BYTES: u64 = 1 << 20;

/// The names in `folder`, without `.` and `..`.
pub(super) fn entries(ext: &Ext<'_>, folder: &Inode, most: usize) -> Result<Vec<Entry>, Error> {
    if folder.kind() != NodeKind::Folder {
        return Err(Error::NotThere("what stands there is no folder".to_owned()));
    }
    folder.is_readable()?;
    let mut entries = Vec::new();
    let mut add = |records: &[u8]| block(ext, records, &mut entries, most);
    if let Some([first, rest]) = folder.inline()? {
        // The first four bytes are the inode of the folder above; both pieces are small blocks of their own.
        add(first.get(4..).unwrap_or_default())?;
        add(rest)?;
        return Ok(entries);
    }
    if folder.size_bytes > MOST_BYTES {
        return Err(Error::Budget("bytes of one folder"));
    }
    let mut offset = 0;
    while offset < folder.size_bytes {
        let piece = ext.contents(folder, offset, PIECE_BYTES)?;
        for records in piece.chunks(as_usize(ext.superblock.block_bytes)) {
            add(records)?;
        }
        offset += as_u64(piece.len());
    }
    Ok(entries)
}

/// The records of one block.
fn block(ext: &Ext<'_>, records: &[u8], into: &mut Vec<Entry>, most: usize) -> Result<(), Error> {
    let fields = Fields::new("ext folder", records);
    let mut at = 0;
    while at + 8 <= records.len() {
        let inode = fields.le_u32(at)?;
        let rest = records.len() - at;
        let length = match usize::from(fields.le_u16(at + 4)?) {
            // A block of 64 KiB cannot be told in 16 bits.
            0 | 65535 if records.len() == 65536 => rest,
            length => length,
        };
        if inode == 0 && length == 0 && at == 0 {
            // A hole in a folder reads as zeros, and holds no names.
            return Ok(());
        }
        let name_length = match fields.le_u16(at + 6)? {
            length if ext.superblock.has_file_types => usize::from(length & 0xFF),
            length => usize::from(length),
        };
        if length < 8 || length % 4 != 0 || length > rest || name_length + 8 > length {
            return Err(Error::Damaged("a folder holds a record of impossible length".to_owned()));
        }
        let name = fields.slice(at + 8, name_length)?;
        if inode != 0 && !is_dots(name) {
            check_name(name)?;
            if into.len() >= most {
                return Err(Error::Budget("names in one folder"));
            }
            into.push(Entry { name: name.to_vec(), id: inode.into() });
        }
        at += length;
    }
    Ok(())
}
