//! Why a disk image was refused.

use std::io;

/// Why a disk image cannot be read, in the words of the refusal contract.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not acceptable; the reason is one of nine fixed words.
    #[error("{message}")]
    Refused {
        /// The fixed reason.
        reason: Reason,
        /// What was wrong and where (structure and offset), never a name taken from the file.
        message: String,
    },
    /// Reading or writing failed below the format.
    #[error("cannot read or write the image's bytes")]
    Io(#[from] io::Error),
}

/// The nine reasons for which an image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It points at something outside itself.
    ImageHasExternalReference,
    /// Its structures contradict themselves.
    ImageCorrupt,
    /// It ends before its structures say.
    ImageTruncated,
    /// A declared count or size is over our limits.
    ImageLimitExceeded,
    /// It unpacks to far more than it holds.
    ImageExpansionLimitExceeded,
    /// The bytes are of another format than declared.
    ImageFormatMismatch,
    /// A version, flag or variant we do not read.
    ImageFormatUnsupported,
    /// Its size is not a whole number of sectors.
    ImageSizeNotAligned,
    /// It has no bytes.
    ImageEmpty,
}
