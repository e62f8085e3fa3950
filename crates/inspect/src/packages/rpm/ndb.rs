//! rpm's own database, `Packages.db`: slots that point to blobs of 16 byte blocks (rpm, lib/backend/ndb).

use super::Paged;
use crate::bytes::{Fields, as_usize};
use crate::tree::Error;

const MAGIC: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const BLOB: u32 = u32::from_le_bytes(*b"BlbS");
const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
/// Pages of slots: room for two million packages.
const MOST_SLOT_PAGES: u32 = 8192;

pub(super) fn headers(
    file: &Paged<'_>,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = file.bytes(0, 32)?;
    let start = Fields::new("rpm database header", &start);
    let pages = start.le_u32(12)?;
    if start.le_u32(0)? != MAGIC || pages > MOST_SLOT_PAGES {
        return Err(Error::Damaged("Packages.db is not rpm's database".to_owned()));
    }
    for page in 0..u64::from(pages) {
        let bytes = file.bytes(page * 4096, PAGE_BYTES)?;
        let slots = Fields::new("page of slots", &bytes);
        // The header takes the room of the first two slots.
        let first = if page == 0 { 2 * SLOT_BYTES } else { 0 };
        for at in (first..PAGE_BYTES).step_by(SLOT_BYTES) {
            let (package, block) = (slots.le_u32(at + 4)?, slots.le_u32(at + 8)?);
            if slots.le_u32(at)? != SLOT || package == 0 || block == 0 {
                continue;
            }
            each(&blob(file, package, u64::from(block) * 16)?)?;
        }
    }
    Ok(())
}

fn blob(file: &Paged<'_>, package: u32, at: u64) -> Result<Vec<u8>, Error> {
    let head = file.bytes(at, 16)?;
    let head = Fields::new("rpm blob", &head);
    if head.le_u32(0)? != BLOB || head.le_u32(4)? != package {
        return Err(Error::Damaged("a slot of Packages.db points to no blob".to_owned()));
    }
    file.bytes(at + 16, as_usize(u64::from(head.le_u32(12)?)))
}
