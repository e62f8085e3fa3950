//! Compressed clusters: a decoder that fills exactly one cluster.

use zstd::bulk::Decompressor;
use zstd::zstd_safe;

use super::header::Compression;
use crate::Error;
use crate::bytes::{Fields, as_u64};
use crate::packed::{Inflater, Wrapping};

/// What a frame begins with, little-endian.
const FRAME_MAGIC: u32 = 0xFD2F_B528;
/// The first sixteenth of what a frame begins with that holds no data, little-endian.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
/// The least window that a frame can ask for, in bytes.
const WINDOW_FLOOR_BYTES: u64 = 1024;

/// A decoder and the buffer it reads from, used again and again.
pub(super) struct Unpacker {
    decoder: Decoder,
    /// Compressed bytes, read before decoding.
    pub(super) packed: Vec<u8>,
}

enum Decoder {
    Deflate(Box<Inflater>),
    Zstd(Decompressor<'static>),
}

impl Unpacker {
    pub(super) fn new(compression: Compression) -> Result<Self, Error> {
        let decoder = match compression {
            Compression::Deflate => Decoder::Deflate(Box::new(Inflater::new(Wrapping::Bare))),
            Compression::Zstd => Decoder::Zstd(Decompressor::new()?),
        };
        Ok(Self { decoder, packed: Vec::new() })
    }

    /// Decodes what is in `packed` to one whole cluster; bytes behind the stream are left alone.
    pub(super) fn unpack(&mut self, cluster: &mut [u8]) -> Result<(), Error> {
        let filled = match &mut self.decoder {
            Decoder::Deflate(inflater) => inflater.inflate("a compressed cluster", &self.packed, cluster)?,
            Decoder::Zstd(decompressor) => unpack_zstd(decompressor, &self.packed, cluster)?,
        };
        if filled == cluster.len() {
            return Ok(());
        }
        Err(Error::corrupt(format!("a compressed cluster holds {filled} of {} bytes", cluster.len())))
    }
}

/// Decodes frame after frame until the cluster is full.
fn unpack_zstd(
    decompressor: &mut Decompressor<'static>,
    packed: &[u8],
    cluster: &mut [u8],
) -> Result<usize, Error> {
    let mut rest = packed;
    let mut filled = 0;
    while filled < cluster.len() {
        check_frame(rest, as_u64(cluster.len()))?;
        let length = zstd_safe::find_frame_compressed_size(rest).map_err(not_zstd)?;
        let (frame, behind) = rest.split_at_checked(length).ok_or_else(|| not_zstd(0))?;
        // In one call the decoder writes straight into the cluster and needs no window of its own.
        filled += decompressor
            .decompress_to_buffer(frame, &mut cluster[filled..])
            .map_err(|_detail| Error::corrupt("a compressed cluster is not what its Zstandard frame says"))?;
        rest = behind;
    }
    Ok(filled)
}

fn not_zstd(_code: usize) -> Error {
    Error::corrupt("a compressed cluster is not a whole Zstandard frame")
}

/// Refuses a frame whose header (RFC 8878, section 3.1.1.1) asks for more than a cluster.
fn check_frame(frame: &[u8], cluster_bytes: u64) -> Result<(), Error> {
    let fields = Fields::new("Zstandard frame", frame);
    let magic = fields.le_u32(0).map_err(|_short| not_zstd(0))?;
    if magic & !0xF == SKIPPABLE_MAGIC {
        return Ok(());
    }
    let descriptor = fields.array::<1>(4).map_err(|_short| not_zstd(0))?[0];
    if magic != FRAME_MAGIC {
        return Err(not_zstd(0));
    }
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let window = fields.array::<1>(5).map_err(|_short| not_zstd(0))?[0];
        let base = 1024_u64 << (window >> 3);
        let window_bytes = base + base / 8 * u64::from(window & 7);
        if window_bytes > cluster_bytes.max(WINDOW_FLOOR_BYTES) {
            return Err(Error::expansion(format!(
                "a compressed cluster asks for a window of {window_bytes} bytes; a cluster has {cluster_bytes}"
            )));
        }
    }
    match zstd_safe::get_frame_content_size(frame) {
        Ok(Some(content)) if content > cluster_bytes => Err(Error::expansion(format!(
            "a compressed cluster unpacks to {content} bytes; a cluster has {cluster_bytes}"
        ))),
        Ok(_) => Ok(()),
        Err(_) => Err(not_zstd(0)),
    }
}
