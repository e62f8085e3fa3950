//! The header extensions: typed pieces behind the header, of which most may be skipped.

use super::header::Header;
use super::usage::Usage;
use crate::bytes::{self, Fields, as_usize};
use crate::{Error, ReadAt};

const END: u32 = 0;
const BITMAPS: u32 = 0x2385_2875;
const ENCRYPTION: u32 = 0x0537_BE77;
const DATA_FILE: u32 = 0x4441_5441;
/// Most bitmaps an image may have, as QEMU says.
const BITMAP_LIMIT: u32 = 65535;

/// Walks the extensions to their end marker; returns warnings.
pub(super) fn check(file: &dyn ReadAt, header: &Header, usage: &mut Usage) -> Result<Vec<String>, Error> {
    let area_bytes = as_usize(header.geometry.cluster_bytes() - header.length)?;
    let area = bytes::read(file, "qcow2 header extensions", header.length, area_bytes)?;
    let fields = Fields::new("qcow2 header extensions", &area);
    let mut warnings = Vec::new();
    let mut at = 0;
    loop {
        let (Ok(kind), Ok(length)) = (fields.be_u32(at), fields.be_u32(at + 4)) else {
            return Err(Error::corrupt("the header extensions have no end marker"));
        };
        if kind == END {
            return Ok(warnings);
        }
        let padded = as_usize(u64::from(length).next_multiple_of(8))?;
        let body = fields.slice(at + 8, padded).map_err(|_past| {
            Error::corrupt(format!(
                "the header extension {kind:#010x} has {length} bytes, more than there are"
            ))
        })?;
        match kind {
            DATA_FILE => {
                return Err(Error::external_reference("the image names another file that holds its data"));
            }
            ENCRYPTION => {
                return Err(Error::corrupt("the image has an encryption header without being encrypted"));
            }
            BITMAPS => {
                check_bitmaps(&body[..as_usize(u64::from(length))?], header, usage)?;
                warnings.push("The image's dirty bitmaps were dropped.".to_owned());
            }
            // Feature names, the backing file's format without a backing file, and what is not known: no reader needs them.
            _ => {}
        }
        at += 8 + padded;
    }
}

fn check_bitmaps(body: &[u8], header: &Header, usage: &mut Usage) -> Result<(), Error> {
    let fields = Fields::new("bitmaps extension", body);
    if body.len() != 24 {
        return Err(Error::corrupt(format!("the bitmaps extension has {} bytes, not 24", body.len())));
    }
    let (count, bytes, offset) = (fields.be_u32(0)?, fields.be_u64(8)?, fields.be_u64(16)?);
    if count > BITMAP_LIMIT {
        return Err(Error::limit(format!("the image has {count} bitmaps")));
    }
    let inside = offset.checked_add(bytes).is_some_and(|end| end <= header.geometry.file_bytes);
    if !inside || bytes == 0 || count == 0 {
        return Err(Error::corrupt(format!(
            "the bitmap directory ({bytes} bytes at {offset}) cannot be there"
        )));
    }
    header.geometry.aligned("bitmap directory", offset)?;
    // Without the feature bit the directory is stale, and its cluster may have another role by now.
    if header.has_bitmaps { usage.claim_structure("bitmap directory", offset, bytes) } else { Ok(()) }
}
