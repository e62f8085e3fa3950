//! The whole way of a local disk into a region: cut, skip what is known, compress, store, manifest.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use disks::Blocks;

use crate::coding::wide;
use crate::cut::{Piece, cut};
use crate::region::{Owner, Pin, Region, Writer};
use crate::{BlockBuilder, Digest, Entry, Error, ManifestBuilder};

/// Blocks that wait to be compressed, at most.
const BLOCKS_WAITING: usize = 4;
/// Threads that compress: compressing is most of the work, cutting the rest.
const COMPRESSORS: usize = 2;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IngestProgress {
    /// Bytes of the disk seen so far.
    pub done_bytes: u64,
    /// The disk's size in bytes.
    pub size_bytes: u64,
}

/// An image that is now in the region.
#[derive(Debug)]
pub struct Ingested {
    /// The image's digest.
    pub root: Digest,
    /// The disk's virtual size.
    pub size_bytes: u64,
    /// Bytes that are not holes.
    pub logical_bytes: u64,
    /// Plain bytes of the chunks that the region lacked.
    pub new_bytes: u64,
    /// Bytes by which the region's files grew, manifest included.
    pub stored_bytes: u64,
    /// Chunks of the image, each occurrence counted.
    pub chunk_count: u64,
    /// Chunks that the region lacked.
    pub new_chunk_count: u64,
    /// Keeps the whole image from collection; drop it when the root is recorded as live.
    pub pin: Pin,
}

/// Stores a disk and answers its digest. Storing the same bytes again stores next to nothing.
///
/// # Errors
/// As [`cut`], and [`Error::Unavailable`] when the region cannot be written. Packs sealed before an error stay until a
/// collection finds `owner` closed.
pub fn ingest(
    blocks: &dyn Blocks,
    region: &Region,
    owner: Owner,
    progress: &dyn Fn(IngestProgress),
) -> Result<Ingested, Error> {
    let writer = region.writer(owner);
    let mut counts = Counts::default();
    let root = thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<BlockBuilder>(BLOCKS_WAITING);
        let receive = Arc::new(Mutex::new(receive));
        let compressors: Vec<_> = (0..COMPRESSORS)
            .map(|_| {
                let (receive, writer) = (Arc::clone(&receive), &writer);
                scope.spawn(move || compress(&receive, writer))
            })
            .collect();
        // Once no compressor is left, sending must fail rather than wait.
        drop(receive);
        let mut give = |block| send.send(block).map_err(|_no_compressor| Error::Cancelled);
        let root = cut_into(blocks, &writer, &mut counts, progress, &mut give);
        drop(send);
        for compressor in compressors {
            // Its error is the cause of ours.
            compressor.join().expect("compressing does not panic")?;
        }
        root
    })?;
    let sealed = writer.seal()?;
    Ok(Ingested {
        root,
        size_bytes: blocks.size_bytes(),
        logical_bytes: counts.logical_bytes,
        new_bytes: counts.new_bytes,
        stored_bytes: sealed.stored_bytes,
        chunk_count: counts.chunk_count,
        new_chunk_count: counts.new_chunk_count,
        pin: sealed.pin,
    })
}

#[derive(Debug, Default)]
struct Counts {
    logical_bytes: u64,
    new_bytes: u64,
    chunk_count: u64,
    new_chunk_count: u64,
}

/// Cuts the disk, gives away what is new, and stores the manifest's pages.
fn cut_into(
    blocks: &dyn Blocks,
    writer: &Writer,
    counts: &mut Counts,
    progress: &dyn Fn(IngestProgress),
    give: &mut dyn FnMut(BlockBuilder) -> Result<(), Error>,
) -> Result<Digest, Error> {
    let size_bytes = blocks.size_bytes();
    let mut manifest = ManifestBuilder::new();
    let mut open = BlockBuilder::new();
    let mut emit = |digest, page: &[u8]| writer.put_known(digest, page);
    cut(blocks, &mut |piece| {
        let (entry, end) = match piece {
            Piece::Hole { offset, length } => (Entry::Hole { length }, offset + length),
            Piece::Chunk { offset, digest, bytes } => {
                counts.chunk_count += 1;
                counts.logical_bytes += wide(bytes.len());
                if writer.claim(&digest) {
                    counts.new_chunk_count += 1;
                    counts.new_bytes += wide(bytes.len());
                    if open.push(digest, bytes)? {
                        give(std::mem::take(&mut open))?;
                    }
                }
                let length = u32::try_from(bytes.len()).expect("a chunk has at most 256 KiB");
                (Entry::Chunk { digest, length }, offset + wide(bytes.len()))
            }
        };
        manifest.push(&entry, &mut emit)?;
        progress(IngestProgress { done_bytes: end.min(size_bytes), size_bytes });
        Ok(())
    })?;
    if !open.is_empty() {
        give(open)?;
    }
    manifest.finish(&mut emit)
}

fn compress(receive: &Mutex<Receiver<BlockBuilder>>, writer: &Writer) -> Result<(), Error> {
    loop {
        let next = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = next else { return Ok(()) };
        writer.store(&block.finish())?;
    }
}
