//! Brings an image to another region, sending only what that lacks.
//!
//! Copying again after any interruption continues: full packs are durable as soon as they are written, and what is there
//! is not sent. The root record is stored last, so it is there only if all else is.

use crate::coding::wide;
use crate::compression::Effort;
use crate::manifest::{Descend, Visit};
use crate::region::{InUse, Marks, Owner, Pin, Region, Writer};
use crate::transfer::send_marked;
use crate::{Block, Digest, Entry, Error};

/// How far a copy is, in plain bytes of what the target lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// Sent and taken.
    pub done_bytes: u64,
    /// All that was lacking when the copy began.
    pub total_bytes: u64,
}

/// An image that is now in the target region.
#[derive(Debug)]
pub struct Copied {
    /// Bytes sent: compressed blocks with their lists.
    pub sent_bytes: u64,
    /// Plain bytes of the chunks and pages sent.
    pub total_bytes: u64,
    /// Chunks and pages sent.
    pub sent_count: u64,
    /// Keeps the whole image in the target from collection; drop it when the root is recorded as live there.
    pub pin: Pin,
}

/// Copies the image `root`.
///
/// `progress` is called once before the first byte and after each block; `cancelled` is asked as often.
///
/// # Errors
/// [`Error::Cancelled`]; [`Error::Missing`] or [`Error::Corrupt`] when `from` does not hold the image whole;
/// [`Error::Unavailable`], naming the region. What was sealed until then is not sent again by the next attempt, if
/// `owner` stays open.
pub fn copy(
    root: Digest,
    from: &Region,
    to: &Region,
    owner: Owner,
    progress: &dyn Fn(CopyProgress),
    cancelled: &dyn Fn() -> bool,
) -> Result<Copied, Error> {
    let _in_use = InUse::new(from, root);
    let writer = to.writer(owner);
    let mut lacking =
        Lacking { root, from, writer: &writer, chunks: Marks::default(), pages: Marks::default() };
    from.manifest(root)?.walk(&mut lacking)?;
    let Lacking { chunks, pages, .. } = lacking;
    let mut top = Marks::default();
    if !writer.has(&root) {
        top.mark(&from.locate(&root)?);
    }
    let total_bytes = chunks.plain_bytes() + pages.plain_bytes() + top.plain_bytes();
    let (mut done_bytes, mut sent_bytes) = (0, 0);
    let mut send = |block: Block| {
        if cancelled() {
            return Err(Error::Cancelled);
        }
        writer.store(&block)?;
        done_bytes += wide(block.plain_bytes());
        sent_bytes += wide(block.wire_bytes());
        progress(CopyProgress { done_bytes, total_bytes });
        Ok(())
    };
    progress(CopyProgress { done_bytes: 0, total_bytes });
    for marks in [&chunks, &pages, &top] {
        for marked in marks.packs() {
            send_marked(from, marked, Effort::Keep, &mut send)?;
        }
    }
    let sealed = writer.seal()?;
    Ok(Copied { sent_bytes, total_bytes, sent_count: sealed.new_count, pin: sealed.pin })
}

/// Marks what the target lacks, in the source's packs; all else it holds in the target.
struct Lacking<'a> {
    root: Digest,
    from: &'a Region,
    writer: &'a Writer,
    chunks: Marks,
    pages: Marks,
}

impl Visit for Lacking<'_> {
    fn page(&mut self, digest: &Digest) -> Result<Descend, Error> {
        // A page that the target has does not prove that it has all below, so each is looked into.
        if *digest != self.root && !self.writer.has(digest) {
            self.pages.mark(&self.from.locate(digest)?);
        }
        Ok(Descend::Into)
    }

    fn entry(&mut self, _offset: u64, entry: &Entry) -> Result<(), Error> {
        if let Entry::Chunk { digest, .. } = entry
            && !self.writer.has(digest)
        {
            self.chunks.mark(&self.from.locate(digest)?);
        }
        Ok(())
    }
}
