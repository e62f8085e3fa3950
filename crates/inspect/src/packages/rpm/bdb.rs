//! Berkeley DB hash files, `Packages` of older rpm: pages of pairs, long values in chains of overflow pages.

use super::{MOST_HEADER_BYTES, Paged};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::Error;

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER: usize = 26;
/// Types of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;
/// Types of items on a page.
const INLINE: u8 = 1;
const OFF_PAGE: u8 = 3;

/// How the file was written.
struct Layout<'a, 'b> {
    file: &'b Paged<'a>,
    swapped: bool,
    page_bytes: usize,
    pages: u64,
}

pub(super) fn headers(
    file: &Paged<'_>,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let meta = file.bytes(0, 72)?;
    let meta = Fields::new("Berkeley DB header", &meta);
    let swapped = match meta.le_u32(12)? {
        HASH_MAGIC => false,
        magic if magic.swap_bytes() == HASH_MAGIC => true,
        _ => return Err(Error::Unsupported("an rpm database that is no Berkeley DB hash".to_owned())),
    };
    let number = |at| if swapped { meta.be_u32(at) } else { meta.le_u32(at) };
    let page_bytes = as_usize(u64::from(number(20)?));
    if !(512..=65_536).contains(&page_bytes) || !page_bytes.is_power_of_two() {
        return Err(Error::Damaged(format!("a Berkeley DB with pages of {page_bytes} bytes")));
    }
    let pages = (u64::from(number(32)?) + 1).min(file.size_bytes / as_u64(page_bytes));
    let layout = Layout { file, swapped, page_bytes, pages };
    (1..pages).try_for_each(|page| layout.page(page, each))
}

impl Layout<'_, '_> {
    fn u16(&self, fields: Fields<'_>, at: usize) -> Result<usize, Error> {
        let number = if self.swapped { fields.be_u16(at)? } else { fields.le_u16(at)? };
        Ok(usize::from(number))
    }

    fn u32(&self, fields: Fields<'_>, at: usize) -> Result<u64, Error> {
        let number = if self.swapped { fields.be_u32(at)? } else { fields.le_u32(at)? };
        Ok(u64::from(number))
    }

    fn page(&self, number: u64, each: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let bytes = self.file.bytes(number * as_u64(self.page_bytes), self.page_bytes)?;
        let page = Fields::new("Berkeley DB page", &bytes);
        if !matches!(page.u8(25)?, HASH | HASH_UNSORTED) {
            return Ok(());
        }
        let entries = self.u16(page, 20)?;
        // Keys stand at even places, their values behind them; items fill the page from its end.
        for entry in (1..entries).step_by(2) {
            let at = self.u16(page, PAGE_HEADER + entry * 2)?;
            let before = self.u16(page, PAGE_HEADER + (entry - 1) * 2)?;
            match page.u8(at)? {
                OFF_PAGE => {
                    let (first, length) = (self.u32(page, at + 4)?, self.u32(page, at + 8)?);
                    each(&self.chain(first, as_usize(length))?)?;
                }
                // The record with the key 0 holds the next free number and is no header.
                INLINE if before.saturating_sub(at) > 16 => each(page.slice(at + 1, before - at - 1)?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn chain(&self, first: u64, length: usize) -> Result<Vec<u8>, Error> {
        let mut value = Vec::new();
        let (mut number, mut hops) = (first, 0);
        while number != 0 && value.len() < length {
            hops += 1;
            if length > MOST_HEADER_BYTES || hops > self.pages {
                return Err(Error::Damaged("a chain of overflow pages without an end".to_owned()));
            }
            let bytes = self.file.bytes(number.saturating_mul(as_u64(self.page_bytes)), self.page_bytes)?;
            let page = Fields::new("overflow page", &bytes);
            if page.u8(25)? != OVERFLOW {
                return Err(Error::Damaged("an overflow page is of another kind".to_owned()));
            }
            let used = self.u16(page, 22)?.min(length - value.len());
            value.extend_from_slice(page.slice(PAGE_HEADER, used)?);
            number = self.u32(page, 16)?;
        }
        if value.len() == length {
            Ok(value)
        } else {
            Err(Error::Damaged("a chain of overflow pages ends too soon".to_owned()))
        }
    }
}
