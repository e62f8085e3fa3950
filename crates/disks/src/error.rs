//! Why a disk image was refused.

use std::{fmt, io};

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

impl Error {
    /// The reason, when the bytes were refused.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused { reason, .. } => Some(*reason),
            Self::Io(_) => None,
        }
    }

    fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }

    /// [`Reason::ImageHasExternalReference`].
    pub(crate) fn external_reference(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageHasExternalReference, message)
    }

    /// [`Reason::ImageCorrupt`].
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageCorrupt, message)
    }

    /// [`Reason::ImageTruncated`].
    pub(crate) fn truncated(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageTruncated, message)
    }

    /// [`Reason::ImageLimitExceeded`].
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageLimitExceeded, message)
    }

    /// [`Reason::ImageExpansionLimitExceeded`].
    pub(crate) fn expansion(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageExpansionLimitExceeded, message)
    }

    /// [`Reason::ImageFormatMismatch`].
    pub(crate) fn mismatch(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageFormatMismatch, message)
    }

    /// [`Reason::ImageFormatUnsupported`].
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageFormatUnsupported, message)
    }

    /// [`Reason::ImageSizeNotAligned`].
    pub(crate) fn not_aligned(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageSizeNotAligned, message)
    }

    /// [`Reason::ImageEmpty`].
    pub(crate) fn empty(message: impl Into<String>) -> Self {
        Self::refused(Reason::ImageEmpty, message)
    }
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

impl Reason {
    /// The word itself, as it stands in an error's `details[].code`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageHasExternalReference => "ImageHasExternalReference",
            Self::ImageCorrupt => "ImageCorrupt",
            Self::ImageTruncated => "ImageTruncated",
            Self::ImageLimitExceeded => "ImageLimitExceeded",
            Self::ImageExpansionLimitExceeded => "ImageExpansionLimitExceeded",
            Self::ImageFormatMismatch => "ImageFormatMismatch",
            Self::ImageFormatUnsupported => "ImageFormatUnsupported",
            Self::ImageSizeNotAligned => "ImageSizeNotAligned",
            Self::ImageEmpty => "ImageEmpty",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
