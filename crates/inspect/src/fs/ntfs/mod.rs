//! NTFS 3.x: files, folders, compressed files, links; as described by the Linux-NTFS project's documentation.
//!
//! A file is known by the number of its record. Encrypted files, and files whose bytes stand in a form of their own
//! (CompactOS, deduplication), are told as unsupported when read. The log is not replayed: a volume in use is told as
//! not clean.

mod attribute;
mod index;
mod lznt1;
mod record;
mod stream;

use self::attribute::Kind;
use self::record::Table;
use self::stream::Stream;
use super::{Entry, Files, Opened, share};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::text;
use crate::tree::{Error, Node, NodeKind};
use crate::volumes::Usage;
use crate::window::Window;

/// Records that the file system keeps for itself.
const VOLUME: u64 = 3;
const ROOT: u64 = 5;
const BITMAP: u64 = 6;
/// Records below this number are the file system's own.
const FIRST_FILE: u64 = 24;
/// Largest map of clusters that is counted through for free space: 512 GiB in clusters of 4 KiB.
const MOST_COUNTED_BYTES: u64 = 16 << 20;
/// Most bytes of a reparse point (`MAXIMUM_REPARSE_DATA_BUFFER_SIZE`).
const MOST_LINK_BYTES: u64 = 16 << 10;
/// Tags of links: symbolic ones, and junctions.
const SYMBOLIC: u32 = 0xA000_000C;
const JUNCTION: u32 = 0xA000_0003;

/// Opens the file system in `volume`.
pub(super) fn open<'a>(volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    let files = Ntfs { table: Table::open(volume)? };
    let about = files.table.record(VOLUME)?;
    let label = about.resident(Kind::VOLUME_NAME)?.map(|name| text::plain_utf16(text::units(&name)));
    let flags = about.resident(Kind::VOLUME_INFORMATION)?;
    // Bit 0: the volume was in use, or Windows found it damaged.
    let clean = flags.and_then(|bytes| Some(bytes.get(10)? & 1 == 0));
    let usage = files.usage()?;
    if files.node(ROOT)?.kind != NodeKind::Folder {
        return Err(Error::Damaged("the root of the NTFS is no folder".to_owned()));
    }
    Ok(Opened {
        tree: share(files, volume),
        clean,
        usage,
        label: label.filter(|label| !label.is_empty()),
        note: None,
    })
}

struct Ntfs<'a> {
    table: Table<'a>,
}

impl<'a> Ntfs<'a> {
    /// The unnamed data of a file.
    fn data(&self, id: u64) -> Result<Stream<'a>, Error> {
        let record = self.table.record(id)?;
        let none = || Error::NotThere("the record holds no data".to_owned());
        record.stream(Kind::DATA, &[])?.ok_or_else(none)
    }

    /// Counts the free clusters; `None` when there are too many to count.
    fn usage(&self) -> Result<Option<Usage>, Error> {
        let map = self.data(BITMAP)?;
        let (clusters, each) = (self.table.clusters(), self.table.cluster_bytes());
        let length = clusters.div_ceil(8);
        if length > MOST_COUNTED_BYTES || map.size_bytes() < length {
            return Ok(None);
        }
        let bytes = map.read(0, length)?;
        let taken: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
        // Bits past the last cluster are set.
        let beyond = length * 8 - clusters;
        let free = (length * 8).saturating_sub(taken);
        Ok((beyond < 8).then_some(Usage { total_bytes: clusters * each, free_bytes: free * each }))
    }
}

impl Files for Ntfs<'_> {
    fn root(&self) -> u64 {
        ROOT
    }

    fn node(&self, id: u64) -> Result<Node, Error> {
        let record = self.table.record(id)?;
        let kind = match record.reparse_tag()? {
            Some(SYMBOLIC | JUNCTION) => NodeKind::Link,
            _ if record.is_folder() => NodeKind::Folder,
            _ => NodeKind::File,
        };
        let size_bytes = match kind {
            NodeKind::File => record.stream(Kind::DATA, &[])?.map_or(0, |data| data.size_bytes()),
            NodeKind::Folder | NodeKind::Link | NodeKind::Other => 0,
        };
        Ok(Node { kind, size_bytes, mode: 0, uid: None, gid: None, number: Some(id) })
    }

    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error> {
        index::entries(&self.table, &self.table.record(id)?, most)
    }

    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        if let Some(tag) = self.table.record(id)?.reparse_tag()? {
            return Err(Error::Unsupported(format!("a file kept in another form (reparse tag {tag:#x})")));
        }
        let data = self.data(id)?;
        let wanted = data.size_bytes().saturating_sub(offset).min(as_u64(most));
        data.read(offset, wanted)
    }

    /// In the shape of other trees: `/` between names, no drive.
    fn target(&self, id: u64) -> Result<Vec<u8>, Error> {
        let record = self.table.record(id)?;
        let point = record.stream(Kind::REPARSE_POINT, &[])?;
        let point = point.ok_or_else(|| Error::NotThere("the record is no link".to_owned()))?;
        let bytes = point.read(0, point.size_bytes().min(MOST_LINK_BYTES))?;
        let fields = Fields::new("NTFS link", &bytes);
        let names = if fields.le_u32(0)? == SYMBOLIC { 20 } else { 16 };
        let (at, length) = (usize::from(fields.le_u16(8)?), usize::from(fields.le_u16(10)?));
        let target = text::utf16_name(text::units(fields.slice(names + at, length)?));
        Ok(plain_target(&target))
    }

    fn folds_case(&self) -> bool {
        true
    }
}

/// `\??\C:\Users` becomes `/Users`, `..\x` becomes `../x`.
fn plain_target(target: &[u8]) -> Vec<u8> {
    let target = target.strip_prefix(br"\??\").unwrap_or(target);
    let target = match target {
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => rest,
        target => target,
    };
    target.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

/// A buffer of `length` zeros; the caller has bounded it.
fn zeros(length: u64) -> Vec<u8> {
    vec![0; as_usize(length)]
}
