//! Cuts a disk into holes and content-defined chunks on the 4 KiB grid.
//!
//! What comes out depends on the disk's bytes alone: not on its container, on how that reports extents, nor on
//! the windows in which it is read. A disk counts as followed by zeros for ever, so zeros at its end are always a
//! hole, however short. Elsewhere a run of at least 64 KiB of zero blocks is a hole; shorter ones are data.
//!
//! A chunk ends after a block whose hash has certain bits zero: five of them up to the average length, three
//! after it, so that lengths gather around the average. Changing any constant here changes every digest:
//! that needs a new [`ALGORITHM`].

use std::sync::mpsc;
use std::thread;

use disks::{Blocks, ExtentKind};
use xxhash_rust::xxh3::xxh3_64;

use crate::coding::wide;
use crate::{Digest, Error, GRID_BYTES, MAX_CHUNK_BYTES, MAX_DISK_BYTES};

/// The version of the cutting rules, kept in every manifest's root.
pub const ALGORITHM: u16 = 1;

const BLOCK: usize = GRID_BYTES as usize;
const MIN_BLOCKS: usize = 4;
const AVERAGE_BLOCKS: usize = 16;
const MAX_BLOCKS: usize = (MAX_CHUNK_BYTES / GRID_BYTES) as usize;
const HOLE_BLOCKS: u64 = 16;
const HARD_MASK: u64 = 0b1_1111 << 32;
const EASY_MASK: u64 = 0b111 << 32;
const WINDOW_BYTES: usize = 4 << 20;
/// Windows read ahead of the cutter.
const WINDOWS_AHEAD: usize = 2;

static ZERO_BLOCK: [u8; BLOCK] = [0; BLOCK];

/// A piece of a disk, in disk order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Zeros.
    Hole {
        /// Where it begins, in bytes.
        offset: u64,
        /// Bytes; a multiple of 4096.
        length: u64,
    },
    /// Bytes under their digest.
    Chunk {
        /// Where it begins, in bytes.
        offset: u64,
        /// BLAKE3 of `bytes`.
        digest: Digest,
        /// The bytes; the disk's last block is filled up with zeros.
        bytes: &'a [u8],
    },
}

/// Hands every piece of `blocks` to `each`, in disk order and without gaps.
///
/// Reading runs ahead on a thread of its own; memory stays below a few windows of 4 MiB.
///
/// # Errors
/// [`Error::Source`] when the disk cannot be read, [`Error::Invalid`] when it is larger than
/// [`MAX_DISK_BYTES`], and whatever `each` answers.
pub fn cut(blocks: &dyn Blocks, each: &mut dyn FnMut(Piece<'_>) -> Result<(), Error>) -> Result<(), Error> {
    cut_in_windows(blocks, WINDOW_BYTES, each)
}

pub(crate) fn cut_in_windows(
    blocks: &dyn Blocks,
    window_bytes: usize,
    each: &mut dyn FnMut(Piece<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    if blocks.size_bytes() > MAX_DISK_BYTES {
        return Err(Error::invalid(format!("the disk is larger than {MAX_DISK_BYTES} bytes")));
    }
    thread::scope(|scope| {
        // Both ends live in this scope: when the cutter gives up, the reader's next send fails and it ends too.
        let (send, windows) = mpsc::sync_channel(WINDOWS_AHEAD);
        let (give_back, empty) = mpsc::channel();
        scope.spawn(move || {
            let result =
                read_windows(blocks, window_bytes, &empty, &mut |window| send.send(Ok(window)).is_ok());
            if let Err(error) = result {
                // Nobody listens when the cutter has given up already.
                send.send(Err(error)).ok();
            }
        });
        let mut cutter = Cutter { each, offset: 0, carry: Vec::new(), blocks: 0, zeros: 0 };
        for window in windows {
            match window? {
                Window::Zeros(blocks) => cutter.zeros += blocks,
                Window::Data(bytes) => {
                    cutter.data(&bytes)?;
                    // The reader may have ended: then nobody needs the buffer.
                    give_back.send(bytes).ok();
                }
            }
        }
        cutter.finish()
    })
}

enum Window {
    Zeros(u64),
    Data(Vec<u8>),
}

/// Reads the disk as windows of whole blocks until `send` declines.
fn read_windows(
    blocks: &dyn Blocks,
    window_bytes: usize,
    empty: &mpsc::Receiver<Vec<u8>>,
    send: &mut dyn FnMut(Window) -> bool,
) -> Result<(), Error> {
    let size = blocks.size_bytes();
    let grid = u64::from(GRID_BYTES);
    let mut at = 0;
    while at < size {
        let extent = blocks.extent_at(at)?;
        let end = at.saturating_add(extent.length).min(size);
        let zeros = if end == size { (end - at).div_ceil(grid) } else { (end - at) / grid };
        if extent.kind == ExtentKind::Zero && zeros > 0 {
            if !send(Window::Zeros(zeros)) {
                return Ok(());
            }
            at += zeros * grid;
            continue;
        }
        let wanted = (end.max(at + 1) - at).div_ceil(grid) * grid;
        let padded = usize::try_from(wanted).unwrap_or(window_bytes).min(window_bytes);
        let length = usize::try_from(size - at).unwrap_or(padded).min(padded);
        let mut bytes = empty.try_recv().unwrap_or_default();
        bytes.resize(padded, 0);
        blocks.read_at(at, &mut bytes[..length])?;
        bytes[length..].fill(0);
        if !send(Window::Data(bytes)) {
            return Ok(());
        }
        at += wide(padded);
    }
    Ok(())
}

/// The open chunk and the zeros after it of which it is not yet known whether they belong to it.
struct Cutter<'a> {
    each: &'a mut dyn FnMut(Piece<'_>) -> Result<(), Error>,
    /// Where the open chunk begins; when it is empty, where the undecided zeros begin.
    offset: u64,
    /// The open chunk's bytes from earlier windows.
    carry: Vec<u8>,
    /// Blocks of the open chunk, in `carry` and in the window.
    blocks: usize,
    /// Undecided zero blocks after the open chunk.
    zeros: u64,
}

impl Cutter<'_> {
    fn data(&mut self, window: &[u8]) -> Result<(), Error> {
        // The open chunk's part of this window.
        let (mut start, mut end) = (0, 0);
        for (number, block) in window.chunks_exact(BLOCK).enumerate() {
            if block == ZERO_BLOCK {
                self.zeros += 1;
                continue;
            }
            let at = number * BLOCK;
            if self.zeros >= HOLE_BLOCKS {
                self.close(&window[start..end])?;
                self.hole()?;
                start = at;
            } else if self.zeros > 0 {
                self.adopt_zeros(window, at, &mut start, &mut end)?;
            }
            end = at + BLOCK;
            if self.ends_after(block) {
                self.close(&window[start..end])?;
                start = end;
            }
        }
        self.carry.extend_from_slice(&window[start..end]);
        Ok(())
    }

    /// The undecided zeros before `at` turned out to be few: they are data.
    fn adopt_zeros(
        &mut self,
        window: &[u8],
        at: usize,
        start: &mut usize,
        end: &mut usize,
    ) -> Result<(), Error> {
        let inside = wide((at - *end) / BLOCK).min(self.zeros);
        for _ in inside..self.zeros {
            // These came with an earlier window, so no byte of the open chunk is in this one.
            self.carry.extend_from_slice(&ZERO_BLOCK);
            if self.ends_after(&ZERO_BLOCK) {
                self.close(&[])?;
            }
        }
        for _ in 0..inside {
            *end += BLOCK;
            if self.ends_after(&ZERO_BLOCK) {
                self.close(&window[*start..*end])?;
                *start = *end;
            }
        }
        self.zeros = 0;
        Ok(())
    }

    /// Counts `block` into the open chunk and says whether the chunk ends with it.
    fn ends_after(&mut self, block: &[u8]) -> bool {
        self.blocks += 1;
        if self.blocks < MIN_BLOCKS {
            return false;
        }
        let mask = if self.blocks < AVERAGE_BLOCKS { HARD_MASK } else { EASY_MASK };
        self.blocks >= MAX_BLOCKS || xxh3_64(block) & mask == 0
    }

    /// Hands out the open chunk, whose last part is `tail`.
    fn close(&mut self, tail: &[u8]) -> Result<(), Error> {
        self.blocks = 0;
        let bytes = if self.carry.is_empty() {
            tail
        } else {
            self.carry.extend_from_slice(tail);
            &self.carry
        };
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = self.offset;
        self.offset += wide(bytes.len());
        (self.each)(Piece::Chunk { offset, digest: Digest::of(bytes), bytes })?;
        self.carry.clear();
        Ok(())
    }

    fn hole(&mut self) -> Result<(), Error> {
        let length = std::mem::take(&mut self.zeros) * u64::from(GRID_BYTES);
        if length == 0 {
            return Ok(());
        }
        let offset = self.offset;
        self.offset += length;
        (self.each)(Piece::Hole { offset, length })
    }

    fn finish(mut self) -> Result<(), Error> {
        self.close(&[])?;
        self.hole()
    }
}

#[cfg(test)]
mod tests;
