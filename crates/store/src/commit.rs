//! Makes an image of chunks that were uploaded before: checks the client's list and stores its manifest.

use std::collections::HashSet;

use crate::region::{Owner, Pin, Region};
use crate::{Digest, Entry, Error, GRID_BYTES, ManifestBuilder};

/// An image made of uploaded chunks.
#[derive(Debug)]
pub struct Committed {
    /// The image's digest.
    pub root: Digest,
    /// The disk's virtual size.
    pub size_bytes: u64,
    /// Bytes that are not holes.
    pub logical_bytes: u64,
    /// Chunks of the image, each occurrence counted.
    pub chunk_count: u64,
    /// Keeps the whole image from collection; drop it when the root is recorded as live.
    pub pin: Pin,
}

/// Stores the manifest of a disk whose chunks are all in `region`, and holds them.
///
/// `entries` may end before `size_bytes`: zeros follow. Naming a chunk is enough to use it: whether the client may, because
/// it sent the bytes or may read an image that has them, is for the caller to know.
///
/// # Errors
/// [`Error::Missing`] with every chunk that the region lacks: put them and ask again. [`Error::Invalid`] when an
/// entry is out of bounds, has another length than its chunk, or the list passes `size_bytes`;
/// [`Error::Unavailable`].
pub fn commit_entries(
    region: &Region,
    owner: Owner,
    entries: impl IntoIterator<Item = Entry>,
    size_bytes: u64,
) -> Result<Committed, Error> {
    let writer = region.writer(owner);
    let mut manifest = ManifestBuilder::new();
    let (mut missing, mut listed) = (Vec::new(), HashSet::new());
    let limit = size_bytes.next_multiple_of(u64::from(GRID_BYTES));
    let (mut end, mut logical_bytes, mut chunk_count) = (0, 0, 0);
    for entry in entries {
        entry.check()?;
        end += entry.length();
        if end > limit {
            return Err(Error::invalid(format!("the entries pass the disk's size of {size_bytes} bytes")));
        }
        if let Entry::Chunk { digest, length } = entry {
            chunk_count += 1;
            logical_bytes += u64::from(length);
            match writer.hold_length(&digest) {
                Some(held) if held == length => {}
                Some(held) => {
                    return Err(Error::invalid(format!(
                        "{digest} is {held} bytes long, but listed with {length}"
                    )));
                }
                None if listed.insert(digest) => missing.push(digest),
                None => {}
            }
        }
        // Once something is missing there will be no image: then pages would be stored in vain.
        if missing.is_empty() {
            manifest.push(&entry, &mut |digest, page| writer.put_known(digest, page))?;
        }
    }
    if !missing.is_empty() {
        return Err(Error::Missing { digests: missing });
    }
    let root = manifest.finish(&mut |digest, page| writer.put_known(digest, page))?;
    let pin = writer.seal()?.pin;
    Ok(Committed { root, size_bytes, logical_bytes, chunk_count, pin })
}
