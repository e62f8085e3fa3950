//! The pack file: many blocks, written once, that says itself what it holds.
//!
//! `header | block payloads, back to back | footer | trailer`. The footer lists blocks (encoding, lengths, checksum) and
//! chunks (digest, length); the trailer hashes header and footer. Every byte of the file is under a checksum and
//! none is left over, so any single damaged byte is found, and the index can always be rebuilt from the packs.

use std::fs::File;
use std::io;

use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64;

use crate::block::{
    ChunkName, Encoding, MAX_BLOCK_BYTES, MAX_BLOCK_CHUNKS, check_chunks, plain_bytes, short,
};
use crate::coding::{Reader, wide};
use crate::folder::Folder;
use crate::{Block, Digest, Error, Owner};

const MAGIC: [u8; 8] = *b"GLRYPACK";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8 + 2 + 4 + 16;
const TRAILER_BYTES: usize = 4 + 4 + 4 + 32 + 8;
const BLOCK_RECORD_BYTES: usize = 1 + 2 + 4 + 8;
const CHUNK_RECORD_BYTES: usize = 32 + 4;
/// A pack is closed at this many chunks, so that a footer stays small.
pub(crate) const MAX_PACK_CHUNKS: usize = 1 << 16;
/// Longest footer that is read: far more than a pack of ours has.
const MAX_FOOTER_BYTES: usize = 64 << 20;

/// One pack as the index knows it: about 40 bytes per chunk.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) number: u32,
    pub(crate) owner: Owner,
    pub(crate) file_bytes: u64,
    pub(crate) blocks: Box<[BlockRecord]>,
    pub(crate) chunks: Box<[ChunkName]>,
}

/// Where a block stands in its pack and what it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRecord {
    offset: u64,
    stored_bytes: u32,
    encoding: Encoding,
    checksum: u64,
    /// Index of its first chunk in the pack's list, and how many there are.
    first_chunk: usize,
    chunk_count: usize,
}

/// Why a pack's bytes cannot be used.
#[derive(Debug)]
pub(crate) enum PackFault {
    /// The bytes are wrong, for good.
    Damaged(String),
    /// They cannot be had now.
    Io(io::Error),
}

impl From<io::Error> for PackFault {
    fn from(error: io::Error) -> Self {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        let damaged = match error.kind() {
            io::ErrorKind::NotFound => "the file is missing",
            io::ErrorKind::UnexpectedEof => "the file is too short",
            io::ErrorKind::PermissionDenied => "the file may not be read",
            io::ErrorKind::InvalidData => "something stands there that is no regular file",
            _ if errno == Some(Errno::LOOP) => "a link stands there",
            // A bad sector: no use to wait for it, another copy is needed.
            _ if errno == Some(Errno::IO) => "the disk cannot read the file",
            _ => return Self::Io(error),
        };
        Self::Damaged(damaged.to_owned())
    }
}

impl From<Error> for PackFault {
    fn from(error: Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<&str> for PackFault {
    fn from(detail: &str) -> Self {
        Self::Damaged(detail.to_owned())
    }
}

impl Pack {
    /// Reads and checks the header and footer of a pack in `folder`.
    pub(crate) fn load(folder: &Folder, number: u32) -> Result<Self, PackFault> {
        let file = folder.open_pack(number)?;
        let file_bytes = file.metadata()?.len();
        let mut header = [0; HEADER_BYTES];
        folder.read_at(&file, &mut header, 0)?;
        let mut trailer = [0; TRAILER_BYTES];
        let trailer_at = file_bytes.checked_sub(wide(TRAILER_BYTES)).ok_or("the file is too short")?;
        folder.read_at(&file, &mut trailer, trailer_at)?;
        let mut reader = Reader::new(&trailer, "pack's trailer");
        let (block_count, chunk_count) = (short(reader.u32()?), short(reader.u32()?));
        let footer_bytes = short(reader.u32()?);
        let (sum, magic) = (reader.digest()?, reader.array::<8>()?);
        if magic != MAGIC || footer_bytes > MAX_FOOTER_BYTES {
            return Err("the file does not end as a pack does".into());
        }
        let footer_at =
            trailer_at.checked_sub(wide(footer_bytes)).ok_or("the footer is longer than the file")?;
        let mut footer = vec![0; footer_bytes];
        folder.read_at(&file, &mut footer, footer_at)?;
        if seal(&header, &footer, block_count, chunk_count) != sum {
            return Err("the header or footer has another checksum".into());
        }
        let owner = read_header(&header, number)?;
        let (blocks, chunks) = read_footer(&footer, block_count, chunk_count, footer_at)?;
        Ok(Self { number, owner, file_bytes, blocks, chunks })
    }

    /// Plain bytes of all chunks.
    pub(crate) fn plain_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.length)).sum()
    }

    /// The block that holds chunk number `chunk`, and the chunk's place in the block's plain bytes.
    pub(crate) fn place_of(&self, chunk: usize) -> (usize, usize) {
        let block = self.blocks.partition_point(|block| block.first_chunk <= chunk) - 1;
        (block, plain_bytes(&self.chunks[self.blocks[block].first_chunk..chunk]))
    }

    /// The numbers of the chunks in a block.
    pub(crate) fn chunks_of(&self, block: usize) -> std::ops::Range<usize> {
        let record = &self.blocks[block];
        record.first_chunk..record.first_chunk + record.chunk_count
    }

    /// Reads a block as it is stored and checks its checksum; its chunks are not proven yet.
    pub(crate) fn read_block(&self, folder: &Folder, file: &File, block: usize) -> Result<Block, PackFault> {
        let record = &self.blocks[block];
        let mut payload = vec![0; short(record.stored_bytes)];
        folder.read_at(file, &mut payload, record.offset)?;
        if xxh3_64(&payload) != record.checksum {
            return Err("a block has another checksum".into());
        }
        let chunks = self.chunks[self.chunks_of(block)].to_vec();
        Ok(Block { chunks, encoding: record.encoding, payload })
    }
}

fn seal(header: &[u8], footer: &[u8], block_count: usize, chunk_count: usize) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(footer);
    for number in [block_count, chunk_count, footer.len()] {
        hasher.update(&wide(number).to_le_bytes());
    }
    Digest::from_bytes(*hasher.finalize().as_bytes())
}

fn write_header(owner: Owner, number: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&number.to_le_bytes());
    header.extend_from_slice(&owner.0);
    header
}

fn read_header(header: &[u8], number: u32) -> Result<Owner, PackFault> {
    let mut reader = Reader::new(header, "pack's header");
    if reader.array()? != MAGIC || reader.u16()? != VERSION {
        return Err("the file is no pack of a version we know".into());
    }
    if reader.u32()? != number {
        return Err("the file is another pack under this one's name".into());
    }
    Ok(Owner(reader.array()?))
}

type Contents = (Box<[BlockRecord]>, Box<[ChunkName]>);

fn read_footer(
    footer: &[u8],
    block_count: usize,
    chunk_count: usize,
    footer_at: u64,
) -> Result<Contents, PackFault> {
    let expected =
        block_count.checked_mul(BLOCK_RECORD_BYTES).zip(chunk_count.checked_mul(CHUNK_RECORD_BYTES));
    if expected.and_then(|(blocks, chunks)| blocks.checked_add(chunks)) != Some(footer.len()) {
        return Err("the footer has another length than its counts say".into());
    }
    let mut reader = Reader::new(footer, "pack's footer");
    let mut blocks = Vec::with_capacity(block_count);
    let (mut offset, mut first_chunk) = (wide(HEADER_BYTES), 0);
    for _ in 0..block_count {
        let encoding = Encoding::from_code(reader.u8()?).ok_or("a block has an unknown encoding")?;
        let chunk_count = usize::from(reader.u16()?);
        let stored_bytes = reader.u32()?;
        let checksum = reader.u64()?;
        if chunk_count == 0 || chunk_count > MAX_BLOCK_CHUNKS || short(stored_bytes) > MAX_BLOCK_BYTES {
            return Err("a block is out of bounds".into());
        }
        blocks.push(BlockRecord { offset, stored_bytes, encoding, checksum, first_chunk, chunk_count });
        offset += u64::from(stored_bytes);
        first_chunk += chunk_count;
    }
    if offset != footer_at || first_chunk != chunk_count {
        return Err("the blocks do not fill the file".into());
    }
    let mut chunks = Vec::with_capacity(chunk_count);
    for _ in 0..chunk_count {
        chunks.push(ChunkName { digest: reader.digest()?, length: reader.u32()? });
    }
    for block in &blocks {
        check_chunks(&chunks[block.first_chunk..block.first_chunk + block.chunk_count])?;
    }
    Ok((blocks.into(), chunks.into()))
}

/// A pack being written; nothing of it is visible, and dropping it removes its file.
#[derive(Debug)]
pub(crate) struct OpenPack {
    staged: crate::folder::Staged,
    header: Vec<u8>,
    pack: Pack,
    blocks: Vec<BlockRecord>,
    chunks: Vec<ChunkName>,
}

impl OpenPack {
    pub(crate) fn create(folder: &Folder, number: u32, owner: Owner) -> io::Result<Self> {
        let mut staged = folder.stage(number)?;
        let header = write_header(owner, number);
        folder.append(&mut staged, &header)?;
        let pack = Pack {
            number,
            owner,
            file_bytes: wide(HEADER_BYTES),
            blocks: Box::default(),
            chunks: Box::default(),
        };
        Ok(Self { staged, header, pack, blocks: Vec::new(), chunks: Vec::new() })
    }

    pub(crate) fn append(&mut self, folder: &Folder, block: &Block) -> io::Result<()> {
        folder.append(&mut self.staged, &block.payload)?;
        let stored_bytes = u32::try_from(block.payload.len()).expect("a payload is within a block's bounds");
        self.blocks.push(BlockRecord {
            offset: self.pack.file_bytes,
            stored_bytes,
            encoding: block.encoding,
            checksum: xxh3_64(&block.payload),
            first_chunk: self.chunks.len(),
            chunk_count: block.chunks.len(),
        });
        self.chunks.extend_from_slice(&block.chunks);
        self.pack.file_bytes += u64::from(stored_bytes);
        Ok(())
    }

    pub(crate) const fn is_full(&self, pack_bytes: u64) -> bool {
        self.pack.file_bytes >= pack_bytes || self.chunks.len() >= MAX_PACK_CHUNKS
    }

    /// Writes the footer and makes the pack durable under its name.
    pub(crate) fn publish(mut self, folder: &Folder) -> io::Result<Pack> {
        let mut end = Vec::new();
        for block in &self.blocks {
            end.push(block.encoding.code());
            let count = u16::try_from(block.chunk_count).expect("a block has at most 1024 chunks");
            end.extend_from_slice(&count.to_le_bytes());
            end.extend_from_slice(&block.stored_bytes.to_le_bytes());
            end.extend_from_slice(&block.checksum.to_le_bytes());
        }
        for chunk in &self.chunks {
            end.extend_from_slice(chunk.digest.as_bytes());
            end.extend_from_slice(&chunk.length.to_le_bytes());
        }
        let sum = seal(&self.header, &end, self.blocks.len(), self.chunks.len());
        for number in [self.blocks.len(), self.chunks.len(), end.len()] {
            let number = u32::try_from(number).expect("a pack is closed at 65536 chunks");
            end.extend_from_slice(&number.to_le_bytes());
        }
        end.extend_from_slice(sum.as_bytes());
        end.extend_from_slice(&MAGIC);
        folder.append(&mut self.staged, &end)?;
        folder.publish(&self.staged)?;
        let file_bytes = self.pack.file_bytes + wide(end.len());
        Ok(Pack { file_bytes, blocks: self.blocks.into(), chunks: self.chunks.into(), ..self.pack })
    }
}
