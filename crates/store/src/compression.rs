//! zstd for blocks, with one context per thread: making its tables anew for each block costs a tenth of the time.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// How much time is given to make a block small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For bytes that stay: zstd 3.
    Keep,
    /// For bytes that are unpacked again at once: zstd -1, a tenth longer in a little more than half the time.
    Pass,
}

impl Effort {
    /// Level and logarithms of the sizes of zstd's tables; 0 leaves a size to the level.
    ///
    /// Tables of 32 Ki entries stay in a core's cache beside the block: a sixth faster, and 0.6 % longer, than the level's.
    const fn settings(self) -> [CParameter; 3] {
        let (level, table) = match self {
            Self::Keep => (3, 15),
            Self::Pass => (-1, 0),
        };
        [CParameter::CompressionLevel(level), CParameter::HashLog(table), CParameter::ChainLog(table)]
    }
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One zstd frame of at most `limit_bytes`; an error when it would be longer.
pub(crate) fn compress(bytes: &[u8], limit_bytes: usize, effort: Effort) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        // A context that failed takes no new settings: it is kept only when all went well.
        let mut compressor = kept.take().unwrap_or_default();
        for setting in effort.settings() {
            compressor.set_parameter(setting)?;
        }
        let mut frame = Vec::with_capacity(limit_bytes);
        compressor.compress_to_buffer(bytes, &mut frame)?;
        *kept = Some(compressor);
        Ok(frame)
    })
}

/// Unpacks one zstd frame into at most `limit_bytes`, and never allocates more.
pub(crate) fn decompress(frame: &[u8], limit_bytes: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let mut decompressor = kept.take().unwrap_or_default();
        let bytes = decompressor.decompress(frame, limit_bytes)?;
        *kept = Some(decompressor);
        Ok(bytes)
    })
}
