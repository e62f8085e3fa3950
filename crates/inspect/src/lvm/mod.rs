//! LVM2: the logical volumes that physical volumes on one disk make up.
//!
//! Linear and striped segments are put together from runs of the disk; mirrors, RAID, thin volumes and snapshots are told
//! as not read. Sizes and offsets come from text in the volumes: every one is checked against the volume it points into.

mod label;
mod text;

use std::collections::BTreeMap;

use self::label::Physical;
use self::text::{Section, Value};
use crate::bytes::as_u64;
use crate::observation::{Observation, ObservationKind};
use crate::text::plain;
use crate::tree::Error;
use crate::window::Window;

/// The unit of sizes in the metadata.
const SECTOR_BYTES: u64 = 512;
/// Most pieces that one logical volume is put together from.
const MOST_PIECES: u64 = 65_536;
/// What a piece takes in memory.
const PIECE_BYTES: u64 = 64;
/// Most logical volumes told.
const MOST_VOLUMES: usize = 256;

/// A logical volume whose bytes can be read.
#[derive(Debug)]
pub(crate) struct Logical<'a> {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) window: Window<'a>,
}

/// The logical volumes in the `physical` volumes of `disk`; what cannot be put together goes to `seen`.
pub(crate) fn volumes<'a>(
    disk: &Window<'a>,
    physical: &[Window<'a>],
    seen: &mut Vec<Observation>,
) -> Vec<Logical<'a>> {
    let mut parts: BTreeMap<String, Window<'a>> = BTreeMap::new();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for window in physical {
        match Physical::read(window) {
            Ok(physical) => {
                parts.insert(physical.id.clone(), window.clone());
                for metadata in physical.metadata {
                    take_newest(&mut groups, &metadata, seen);
                }
            }
            Err(error) => incomplete(seen, "a physical volume of LVM", &error.to_string()),
        }
    }
    let mut volumes = Vec::new();
    for group in groups.values() {
        group.volumes(disk, &parts, &mut volumes, seen);
    }
    volumes
}

/// Keeps the copy of a group's metadata with the highest sequence number.
/// Reads metadata of a group, whatever comes of it.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_text(metadata: &[u8]) {
    drop(Group::parse(metadata));
}

fn take_newest(groups: &mut BTreeMap<String, Group>, metadata: &[u8], seen: &mut Vec<Observation>) {
    match Group::parse(metadata) {
        Ok(group) => match groups.get(&group.id) {
            Some(known) if known.sequence >= group.sequence => {}
            _ => {
                groups.insert(group.id.clone(), group);
            }
        },
        Err(error) => incomplete(seen, "the metadata of LVM", &error.to_string()),
    }
}

fn incomplete(seen: &mut Vec<Observation>, place: &str, text: &str) {
    seen.push(Observation::new(ObservationKind::VolumeGroupIncomplete, place, text));
}

/// A volume group, as one copy of its metadata tells it.
struct Group {
    name: String,
    id: String,
    sequence: u64,
    section: Section,
}

/// Where the extents of a physical volume begin.
struct Extents<'a> {
    window: Window<'a>,
    first_byte: u64,
}

impl Group {
    fn parse(metadata: &[u8]) -> Result<Self, Error> {
        let root = text::parse(metadata)?;
        let mut groups = root.sections();
        let (name, section) = groups
            .next()
            .ok_or_else(|| Error::Damaged("the LVM metadata names no volume group".to_owned()))?;
        Ok(Self {
            name: plain(name.as_bytes()),
            id: section.text("id")?.to_owned(),
            sequence: section.number("seqno")?,
            section: section.clone(),
        })
    }

    fn volumes<'a>(
        &self,
        disk: &Window<'a>,
        parts: &BTreeMap<String, Window<'a>>,
        into: &mut Vec<Logical<'a>>,
        seen: &mut Vec<Observation>,
    ) {
        let place = format!("volume group {}", self.name);
        let extent_bytes =
            self.section.number("extent_size").ok().and_then(|sectors| sectors.checked_mul(SECTOR_BYTES));
        let Some(extent_bytes) = extent_bytes.filter(|bytes| *bytes > 0) else {
            return incomplete(seen, &place, "its metadata tells no size of extents");
        };
        let extents = self.extents(parts, &place, seen);
        for (name, volume) in self.section.section("logical_volumes").iter().flat_map(|all| all.sections()) {
            // What is not visible is a piece of another one.
            if !volume.texts("status").any(|word| word == "VISIBLE") {
                continue;
            }
            let name = plain(name.as_bytes());
            if into.len() >= MOST_VOLUMES {
                let words = "only the first 256 logical volumes are looked at";
                return seen.push(Observation::new(ObservationKind::PartitionsTooMany, place, words));
            }
            match put_together(disk, volume, extent_bytes, &extents) {
                Ok(window) => into.push(Logical { group: self.name.clone(), name, window }),
                Err(error) => {
                    let kind = match error {
                        Error::Unsupported(_) => ObservationKind::NotRead,
                        Error::Budget(_) => ObservationKind::BudgetUsedUp,
                        Error::NotThere(_) | Error::Damaged(_) => ObservationKind::VolumeGroupIncomplete,
                    };
                    let place = format!("logical volume {}/{name}", self.name);
                    seen.push(Observation::new(kind, place, error.to_string()));
                }
            }
        }
    }

    /// The physical volumes of the group that are on this disk, by their name in the metadata.
    fn extents<'a>(
        &self,
        parts: &BTreeMap<String, Window<'a>>,
        place: &str,
        seen: &mut Vec<Observation>,
    ) -> BTreeMap<String, Extents<'a>> {
        let mut extents = BTreeMap::new();
        for (name, physical) in self.section.section("physical_volumes").iter().flat_map(|all| all.sections())
        {
            let id = physical.text("id").unwrap_or_default();
            let start =
                physical.number("pe_start").ok().and_then(|sectors| sectors.checked_mul(SECTOR_BYTES));
            match (parts.get(&id.replace('-', "")), start) {
                (Some(window), Some(first_byte)) => {
                    extents.insert(name.to_owned(), Extents { window: window.clone(), first_byte });
                }
                _ => incomplete(
                    seen,
                    place,
                    &format!("its physical volume {} is not on this disk", plain(name.as_bytes())),
                ),
            }
        }
        extents
    }
}

/// The bytes of a logical volume, segment after segment.
fn put_together<'a>(
    disk: &Window<'a>,
    volume: &Section,
    extent_bytes: u64,
    extents: &BTreeMap<String, Extents<'a>>,
) -> Result<Window<'a>, Error> {
    let mut segments: Vec<(u64, &Section)> = Vec::new();
    for (_, segment) in volume.sections().filter(|(name, _)| name.starts_with("segment")) {
        segments.push((segment.number("start_extent")?, segment));
    }
    segments.sort_by_key(|(start, _)| *start);
    let mut parts = Vec::new();
    let mut next = 0;
    for (start, segment) in segments {
        if start != next {
            return Err(Error::Damaged("its segments leave a gap or overlap".to_owned()));
        }
        next = next.saturating_add(segment.number("extent_count")?);
        pieces(segment, extent_bytes, extents, &mut parts)?;
    }
    if parts.is_empty() {
        return Err(Error::Damaged("it has no segments".to_owned()));
    }
    Ok(disk.joined(&parts))
}

/// The pieces of one segment: all of it in turn, or stripe by stripe.
fn pieces<'a>(
    segment: &Section,
    extent_bytes: u64,
    extents: &BTreeMap<String, Extents<'a>>,
    into: &mut Vec<Window<'a>>,
) -> Result<(), Error> {
    let damaged = || Error::Damaged("a segment reaches outside its physical volume".to_owned());
    let kind = segment.text("type")?;
    if kind != "striped" {
        return Err(Error::Unsupported(format!("a segment of the type {}", plain(kind.as_bytes()))));
    }
    let length = segment.number("extent_count")?.checked_mul(extent_bytes).ok_or_else(damaged)?;
    let stripes = stripes(segment, extent_bytes, extents)?;
    let count = as_u64(stripes.len());
    if count == 0 || length == 0 || !length.is_multiple_of(count) {
        return Err(Error::Damaged("a segment has no length, or no stripes that share it".to_owned()));
    }
    let each = length / count;
    let piece = if count == 1 { each } else { segment.number("stripe_size")?.saturating_mul(SECTOR_BYTES) };
    if piece == 0 || !each.is_multiple_of(piece) {
        return Err(Error::Damaged("a segment is no whole number of stripes".to_owned()));
    }
    let pieces = length / piece;
    if pieces + as_u64(into.len()) > MOST_PIECES {
        return Err(Error::Unsupported("more than 65,536 pieces".to_owned()));
    }
    if let Some((window, _)) = stripes.first() {
        window.meter().keep(pieces * PIECE_BYTES)?;
    }
    for row in 0..each / piece {
        for (window, first_byte) in &stripes {
            let at = first_byte.checked_add(row * piece).ok_or_else(damaged)?;
            into.push(window.part(at, piece).ok_or_else(damaged)?);
        }
    }
    Ok(())
}

/// The physical volumes that a segment lies on, and the byte where it begins on each.
fn stripes<'a>(
    segment: &Section,
    extent_bytes: u64,
    extents: &BTreeMap<String, Extents<'a>>,
) -> Result<Vec<(Window<'a>, u64)>, Error> {
    let mut stripes = Vec::new();
    for pair in segment.list("stripes").chunks(2) {
        let [Value::Text(name), Value::Number(extent)] = pair else {
            return Err(Error::Damaged(
                "the stripes of a segment are not pairs of a name and a number".to_owned(),
            ));
        };
        let Some(physical) = extents.get(name) else {
            return Err(Error::Damaged(
                "a piece of it is on a physical volume that is not on this disk".to_owned(),
            ));
        };
        let at = extent.checked_mul(extent_bytes).and_then(|offset| offset.checked_add(physical.first_byte));
        let at = at.ok_or_else(|| Error::Damaged("a segment begins beyond everything".to_owned()))?;
        stripes.push((physical.window.clone(), at));
    }
    Ok(stripes)
}
