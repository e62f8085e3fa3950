//! The table of records, and single records with their attributes wherever those stand.

use super::attribute::{self, Attribute, Body, Kind, Run, Stored};
use super::stream::{Clusters, Stream};
use crate::bytes::{Fields, as_usize};
use crate::tree::Error;
use crate::window::Window;

/// Bytes that each carry two bytes of protection at their end.
const STRIDE: usize = 512;
/// Most records that one file's attributes are spread over.
const MOST_EXTENSIONS: usize = 1024;
/// Most bytes of a list of attributes.
const MOST_LIST_BYTES: u64 = 1 << 20;
/// Most runs of one file.
const MOST_RUNS: usize = 1 << 18;

/// The master file table.
pub(super) struct Table<'a> {
    clusters: Clusters<'a>,
    record_bytes: u64,
    records: Stream<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn open(volume: &Window<'a>) -> Result<Self, Error> {
        let sector = volume.bytes(0, 512)?;
        let fields = Fields::new("NTFS boot sector", &sector);
        let damaged = |what: &str| Error::Damaged(format!("the NTFS boot sector tells {what}"));
        let sector_bytes = u64::from(fields.le_u16(11)?);
        let cluster_bytes = match fields.u8(13)? {
            shift @ 0xF0.. => {
                1_u64.checked_shl(u32::from(shift.wrapping_neg())).map(|sectors| sectors * sector_bytes)
            }
            sectors => Some(u64::from(sectors) * sector_bytes),
        };
        let is_power = |bytes: &u64| bytes.is_power_of_two() && (512..=2 << 20).contains(bytes);
        let cluster_bytes =
            cluster_bytes.filter(is_power).ok_or_else(|| damaged("clusters of impossible size"))?;
        let sectors = fields.le_u64(40)?;
        let total = sectors.checked_mul(sector_bytes).filter(|bytes| *bytes <= volume.size_bytes());
        let total = total.ok_or_else(|| damaged("more sectors than the volume has"))?;
        // A negative size is a power of two in bytes.
        let record_bytes = match fields.u8(64)? {
            shift @ 0xE0.. => 1_u64.checked_shl(u32::from(shift.wrapping_neg())),
            count => Some(u64::from(count) * cluster_bytes),
        };
        let record_bytes =
            record_bytes.filter(|bytes| bytes.is_power_of_two() && (512..=65536).contains(bytes));
        let record_bytes = record_bytes.ok_or_else(|| damaged("records of impossible size"))?;
        let clusters = Clusters { volume: volume.clone(), cluster_bytes, count: total / cluster_bytes };
        let first = clusters.at(fields.le_u64(48)?)?;
        let bytes = whole(volume.bytes(first, record_bytes)?, *b"FILE")?;
        // The table's own record tells where its first records are; those tell the rest, if it is in many pieces.
        let mut table = Self {
            record_bytes,
            records: Stream::of(&clusters, &attribute::parse(&bytes)?, Kind::DATA, &[])?
                .ok_or_else(|| damaged("a table without records"))?,
            clusters,
        };
        let record = Record { table: &table, number: 0, flags: 1, attributes: table.attributes(0, &bytes)? };
        let all = record.stream(Kind::DATA, &[])?;
        table.records = all.ok_or_else(|| damaged("a table without records"))?;
        Ok(table)
    }

    pub(super) fn clusters(&self) -> u64 {
        self.clusters.count
    }

    pub(super) fn cluster_bytes(&self) -> u64 {
        self.clusters.cluster_bytes
    }

    /// A record in use that is a file of its own.
    pub(super) fn record(&self, number: u64) -> Result<Record<'_, 'a>, Error> {
        let bytes = self.bytes(number)?;
        let fields = Fields::new("NTFS record", &bytes);
        let (flags, base) = (fields.le_u16(22)?, fields.le_u64(32)?);
        if flags & 1 == 0 || base != 0 {
            return Err(Error::Damaged(format!("record {number} is named in a folder but not in use")));
        }
        Ok(Record { table: self, number, flags, attributes: self.attributes(number, &bytes)? })
    }

    fn bytes(&self, number: u64) -> Result<Vec<u8>, Error> {
        let at = number.checked_mul(self.record_bytes).filter(|at| *at < self.records.size_bytes());
        let at = at.ok_or_else(|| Error::Damaged(format!("record {number} is outside the NTFS")))?;
        whole(self.records.read(at, self.record_bytes)?, *b"FILE")
    }

    /// The attributes of a record, with those that its list says stand elsewhere.
    fn attributes(&self, number: u64, bytes: &[u8]) -> Result<Vec<Attribute>, Error> {
        let mut attributes = attribute::parse(bytes)?;
        let Some(list) = Stream::of(&self.clusters, &attributes, Kind::LIST, &[])? else {
            return Ok(attributes);
        };
        if list.size_bytes() > MOST_LIST_BYTES {
            return Err(Error::Damaged("a list of NTFS attributes is longer than any".to_owned()));
        }
        let list = list.read(0, list.size_bytes())?;
        let fields = Fields::new("NTFS list of attributes", &list);
        let mut elsewhere: Vec<u64> = Vec::new();
        let mut at = 0;
        while at < list.len() {
            let length = usize::from(fields.le_u16(at + 4)?);
            let record = fields.le_u64(at + 16)? & 0xFFFF_FFFF_FFFF;
            if length < 24 {
                return Err(Error::Damaged("a list of NTFS attributes contradicts itself".to_owned()));
            }
            if record != number && !elsewhere.contains(&record) {
                if elsewhere.len() >= MOST_EXTENSIONS {
                    return Err(Error::Unsupported("a file spread over more than 1024 records".to_owned()));
                }
                elsewhere.push(record);
            }
            at += length;
        }
        let mut runs = attribute::runs_in(&attributes);
        for record in elsewhere {
            let more = attribute::parse(&self.bytes(record)?)?;
            runs += attribute::runs_in(&more);
            if runs > MOST_RUNS {
                return Err(Error::Unsupported("a file in more than 262,144 pieces".to_owned()));
            }
            attributes.extend(more);
        }
        Ok(attributes)
    }
}

/// One file, folder or thing of the file system's own.
pub(super) struct Record<'t, 'a> {
    table: &'t Table<'a>,
    pub(super) number: u64,
    flags: u16,
    attributes: Vec<Attribute>,
}

impl<'a> Record<'_, 'a> {
    pub(super) fn is_folder(&self) -> bool {
        self.flags & 2 != 0
    }

    /// What form the bytes of a file are kept in, or what kind of link it is.
    pub(super) fn reparse_tag(&self) -> Result<Option<u32>, Error> {
        let Some(point) = self.stream(Kind::REPARSE_POINT, &[])? else {
            return Ok(None);
        };
        let bytes = point.read(0, 4)?;
        Fields::new("NTFS reparse point", &bytes).le_u32(0).map(Some)
    }

    /// The bytes of an unnamed attribute that stands in the record.
    pub(super) fn resident(&self, kind: Kind) -> Result<Option<Vec<u8>>, Error> {
        let found =
            self.attributes.iter().find(|attribute| attribute.kind == kind && attribute.name.is_empty());
        match found.map(|attribute| &attribute.body) {
            Some(Body::Resident(bytes)) => Ok(Some(bytes.clone())),
            Some(Body::Stored(_)) => Err(Error::Unsupported("an attribute outside its record".to_owned())),
            None => Ok(None),
        }
    }

    /// The bytes of an attribute, wherever they are.
    pub(super) fn stream(&self, kind: Kind, name: &[u16]) -> Result<Option<Stream<'a>>, Error> {
        Stream::of(&self.table.clusters, &self.attributes, kind, name)
    }
}

/// Puts the parts of an attribute in their order; the first one tells the sizes.
pub(super) fn joined(mut parts: Vec<Stored>) -> Result<Stored, Error> {
    let damaged = || Error::Damaged("the parts of an NTFS attribute do not fit together".to_owned());
    parts.sort_by_key(|part| part.first);
    let mut parts = parts.into_iter();
    let mut whole = parts.next().filter(|part| part.first == 0).ok_or_else(damaged)?;
    for part in parts {
        let end = whole.runs.last().map_or(0, |run: &Run| run.at + run.clusters);
        if part.first != end {
            return Err(damaged());
        }
        whole.runs.extend(part.runs);
    }
    Ok(whole)
}

/// Checks the protection of a record or block that spans sectors, and puts back what it replaced.
pub(super) fn whole(mut bytes: Vec<u8>, magic: [u8; 4]) -> Result<Vec<u8>, Error> {
    let damaged = |what: &str| Error::Damaged(format!("an NTFS record {what}"));
    let fields = Fields::new("NTFS record", &bytes);
    if fields.array(0)? != magic {
        return Err(damaged("does not begin as one"));
    }
    let (at, count) = (usize::from(fields.le_u16(4)?), usize::from(fields.le_u16(6)?));
    let originals = fields.slice(at, count * 2)?.to_vec();
    let Some((mark, originals)) = originals.split_at_checked(2) else {
        return Err(damaged("is not protected"));
    };
    for (index, original) in originals.chunks_exact(2).enumerate() {
        let end = (index + 1) * STRIDE;
        let Some(place) = bytes.get_mut(end - 2..end) else {
            return Err(damaged("is shorter than its protection"));
        };
        if place != mark {
            return Err(damaged("was only half written"));
        }
        place.copy_from_slice(original);
    }
    if as_usize(crate::bytes::as_u64(originals.len())) / 2 * STRIDE != bytes.len() {
        return Err(damaged("is protected only in part"));
    }
    Ok(bytes)
}
