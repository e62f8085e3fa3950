//! Inflating into a buffer that cannot grow: whatever the stream says, no more is written than was asked for.

use flate2::{Decompress, FlushDecompress, Status};

use crate::Error;
use crate::bytes::as_usize;

/// What stands around a deflate stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// Nothing.
    Bare,
    /// A zlib header and a checksum.
    Zlib,
}

/// A decoder that is used again and again.
pub(crate) struct Inflater {
    state: Decompress,
    wrapping: Wrapping,
}

impl Inflater {
    pub(crate) fn new(wrapping: Wrapping) -> Self {
        Self { state: Decompress::new(wrapping == Wrapping::Zlib), wrapping }
    }

    /// Inflates the one stream at the start of `packed`; returns how many bytes of `plain` it filled.
    ///
    /// `what` names the unit in messages. A stream that holds more than `plain` can take is refused, as is one that
    /// does not end; bytes behind its end are left alone.
    pub(crate) fn inflate(&mut self, what: &str, packed: &[u8], plain: &mut [u8]) -> Result<usize, Error> {
        self.state.reset(self.wrapping == Wrapping::Zlib);
        let status = self
            .state
            .decompress(packed, plain, FlushDecompress::Finish)
            .map_err(|_detail| Error::corrupt(format!("{what} is not a deflate stream")))?;
        let filled = as_usize(self.state.total_out())?;
        match status {
            Status::StreamEnd => Ok(filled),
            Status::Ok | Status::BufError if filled == plain.len() => Err(Error::expansion(format!(
                "{what} unpacks to more than the {} bytes it stands for",
                plain.len()
            ))),
            Status::Ok | Status::BufError => {
                Err(Error::corrupt(format!("the deflate stream of {what} has no end")))
            }
        }
    }
}
