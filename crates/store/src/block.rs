//! Several chunks compressed as one: what packs hold and what travels between client, server and regions.
//!
//! Compressing 512 KiB at once stores about 7 % less than 64 KiB at once. Each chunk keeps its own digest,
//! so a block proves itself to whoever receives it, and a part of it can be sent on alone.

use crate::coding::{Reader, wide};
use crate::compression::{Effort, compress, decompress};
use crate::{Digest, Error, MAX_CHUNK_BYTES};

/// A block is full once it holds this many plain bytes.
pub const BLOCK_TARGET_BYTES: usize = 512 * 1024;
/// Most plain bytes of one block: a full one and the chunk that made it so.
pub const MAX_BLOCK_BYTES: usize = BLOCK_TARGET_BYTES + MAX_CHUNK_BYTES as usize;
/// Most chunks of one block.
pub const MAX_BLOCK_CHUNKS: usize = 1024;

const MAGIC: [u8; 4] = *b"GBK1";

/// How a block's payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The bytes themselves: compressing them saves less than 3 %.
    Raw,
    /// One zstd frame.
    Zstd,
}

impl Encoding {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Unpacks exactly `plain_bytes` bytes, or says what is wrong; never allocates more.
    pub(crate) fn decode(self, payload: &[u8], plain_bytes: usize) -> Result<Vec<u8>, &'static str> {
        let bytes = match self {
            Self::Raw => payload.to_vec(),
            Self::Zstd => decompress(payload, plain_bytes).map_err(
                |_code| "the compressed bytes cannot be unpacked into the length they should have",
            )?,
        };
        if bytes.len() == plain_bytes { Ok(bytes) } else { Err("the block unpacks to another length") }
    }
}

/// A chunk's name and plain length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkName {
    /// BLAKE3 of the bytes.
    pub digest: Digest,
    /// Plain bytes, at most [`MAX_CHUNK_BYTES`].
    pub length: u32,
}

/// Chunks (or manifest pages) in one compressed unit.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    pub(crate) chunks: Vec<ChunkName>,
    pub(crate) encoding: Encoding,
    pub(crate) payload: Vec<u8>,
}

impl Block {
    /// What is inside, in order. Only [`Block::open`] proves it.
    #[must_use]
    pub fn chunks(&self) -> &[ChunkName] {
        &self.chunks
    }

    /// Plain bytes of all chunks together.
    #[must_use]
    pub fn plain_bytes(&self) -> usize {
        plain_bytes(&self.chunks)
    }

    /// Bytes that [`Block::write_to`] appends.
    #[must_use]
    pub const fn wire_bytes(&self) -> usize {
        MAGIC.len() + 1 + 2 + 4 + self.chunks.len() * 36 + self.payload.len()
    }

    /// Appends the block's coding for the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.wire_bytes());
        out.extend_from_slice(&MAGIC);
        out.push(self.encoding.code());
        let count = u16::try_from(self.chunks.len()).expect("a block has at most 1024 chunks");
        out.extend_from_slice(&count.to_le_bytes());
        let payload = u32::try_from(self.payload.len()).expect("a payload is no longer than its plain bytes");
        out.extend_from_slice(&payload.to_le_bytes());
        for chunk in &self.chunks {
            out.extend_from_slice(chunk.digest.as_bytes());
            out.extend_from_slice(&chunk.length.to_le_bytes());
        }
        out.extend_from_slice(&self.payload);
    }

    /// Reads one block off the front of `bytes` and says how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the bytes are no block or pass a bound. Chunks are not unpacked yet.
    pub fn read_from(bytes: &[u8]) -> Result<(Self, usize), Error> {
        let mut reader = Reader::new(bytes, "block");
        if reader.array()? != MAGIC {
            return Err(reader.refuse("does not begin as one"));
        }
        let encoding =
            Encoding::from_code(reader.u8()?).ok_or_else(|| reader.refuse("has an unknown encoding"))?;
        let count = usize::from(reader.u16()?);
        let payload_bytes = usize::try_from(reader.u32()?).map_err(|_long| reader.refuse("is too long"))?;
        if count == 0 || count > MAX_BLOCK_CHUNKS || payload_bytes > MAX_BLOCK_BYTES {
            return Err(reader.refuse("has no chunks, too many, or is too long"));
        }
        let mut chunks = Vec::with_capacity(count);
        for _ in 0..count {
            chunks.push(ChunkName { digest: reader.digest()?, length: reader.u32()? });
        }
        check_chunks(&chunks).map_err(|fault| reader.refuse(fault))?;
        let payload = reader.bytes(payload_bytes)?.to_vec();
        Ok((Self { chunks, encoding, payload }, bytes.len() - reader.remaining()))
    }

    /// Unpacks the block and proves every chunk.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first chunk that is not what its digest says.
    pub fn open(&self) -> Result<OpenBlock, Error> {
        let first = self.chunks.first().ok_or_else(|| Error::invalid("the block has no chunks"))?;
        let decoded = self.encoding.decode(&self.payload, self.plain_bytes());
        let bytes = decoded.map_err(|detail| Error::corrupt(first.digest, detail))?;
        let open = OpenBlock { chunks: self.chunks.clone(), bytes };
        for (digest, bytes) in open.iter() {
            if Digest::of(bytes) != digest {
                return Err(Error::corrupt(digest, "the chunk's bytes have another digest"));
            }
        }
        Ok(open)
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Block");
        fields.field("chunks", &self.chunks.len()).field("encoding", &self.encoding);
        fields.field("payload_bytes", &self.payload.len()).finish()
    }
}

/// A block's chunks, unpacked and proven.
#[derive(Debug)]
pub struct OpenBlock {
    chunks: Vec<ChunkName>,
    bytes: Vec<u8>,
}

impl OpenBlock {
    /// The bytes of all chunks, back to back in their order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each chunk with its bytes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Digest, &[u8])> {
        let mut rest = &self.bytes[..];
        self.chunks.iter().map(move |chunk| {
            let (bytes, after) = rest.split_at(short(chunk.length));
            rest = after;
            (chunk.digest, bytes)
        })
    }
}

/// Collects chunks for one block.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    chunks: Vec<ChunkName>,
    bytes: Vec<u8>,
}

impl BlockBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a chunk and says whether the block is now full: then finish it.
    ///
    /// `digest` is believed here; whoever opens the block finds out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the chunk is empty, too long, or the block was full before.
    pub fn push(&mut self, digest: Digest, bytes: &[u8]) -> Result<bool, Error> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length == 0 || length > MAX_CHUNK_BYTES || self.is_full() {
            return Err(Error::invalid(format!("a chunk of {length} bytes does not fit into the block")));
        }
        self.chunks.push(ChunkName { digest, length });
        self.bytes.extend_from_slice(bytes);
        Ok(self.is_full())
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Plain bytes so far.
    #[must_use]
    pub const fn plain_bytes(&self) -> usize {
        self.bytes.len()
    }

    const fn is_full(&self) -> bool {
        self.bytes.len() >= BLOCK_TARGET_BYTES || self.chunks.len() >= MAX_BLOCK_CHUNKS
    }

    /// Compresses what was pushed; raw when that saves less than 3 %.
    #[must_use]
    pub fn finish(self) -> Block {
        self.finish_with(Effort::Keep)
    }

    /// Like [`BlockBuilder::finish`], with as much effort as is worth it for where the block goes.
    pub(crate) fn finish_with(self, effort: Effort) -> Block {
        let Self { chunks, bytes } = self;
        // A limit also makes compressing end early on bytes that do not compress.
        let worthwhile = bytes.len() - bytes.len() * 3 / 100;
        match compress(&bytes, worthwhile, effort) {
            Ok(payload) => Block { chunks, encoding: Encoding::Zstd, payload },
            Err(_does_not_fit) => Block { chunks, encoding: Encoding::Raw, payload: bytes },
        }
    }
}

/// Checks what a foreign list of chunks must keep to.
pub(crate) fn check_chunks(chunks: &[ChunkName]) -> Result<(), &'static str> {
    if chunks.iter().any(|chunk| chunk.length == 0 || chunk.length > MAX_CHUNK_BYTES) {
        return Err("has a chunk that is empty or too long");
    }
    let total: u64 = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
    if total > wide(MAX_BLOCK_BYTES) { Err("unpacks to more than a block may hold") } else { Ok(()) }
}

pub(crate) fn plain_bytes(chunks: &[ChunkName]) -> usize {
    chunks.iter().map(|chunk| short(chunk.length)).sum()
}

/// `u32` as `usize`: lossless on every platform we build for.
pub(crate) fn short(value: u32) -> usize {
    usize::try_from(value).expect("usize has at least 32 bits")
}

#[cfg(test)]
mod tests;
