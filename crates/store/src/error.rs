//! Why the store could not do what it was asked, by what the caller can do about it.

use std::io;

use crate::Digest;

/// Why bytes could not be kept, found or trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The region does not hold these; send them, then ask again.
    #[error("the region lacks {} of the chunks, the first is {}", digests.len(), First(digests))]
    Missing {
        /// Every digest that was looked for in vain, each once.
        digests: Vec<Digest>,
    },
    /// Stored bytes are not what they were; another region may have a good copy.
    #[error("the stored bytes of {digest} are damaged: {detail}")]
    Corrupt {
        /// The chunk or page that cannot be served.
        digest: Digest,
        /// What contradicts what.
        detail: String,
    },
    /// The bytes given break the rules of their coding; they were not stored.
    #[error("{detail}")]
    Invalid {
        /// What was wrong and where.
        detail: String,
    },
    /// The region's storage refused; nothing half-written is visible. Ask again later.
    #[error("region {region} cannot {doing}")]
    Unavailable {
        /// The region's name.
        region: String,
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the region open.
    #[error("region {region} is in use by another process; stop it first")]
    Busy {
        /// The region's name.
        region: String,
    },
    /// The disk that was to be stored could not be read.
    #[error("cannot read the disk")]
    Source(#[from] disks::Error),
    /// The list of what is live could not be had, so nothing was collected.
    #[error("cannot learn what is live, so nothing was collected")]
    Roots(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller called the work off; what was sealed before stays.
    #[error("the work was called off")]
    Cancelled,
}

impl Error {
    /// Foreign bytes that break a rule.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid { detail: detail.into() }
    }

    /// Stored bytes that are not what their digest says.
    pub(crate) fn corrupt(digest: Digest, detail: impl Into<String>) -> Self {
        Self::Corrupt { digest, detail: detail.into() }
    }
}

struct First<'a>(&'a [Digest]);

impl std::fmt::Display for First<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.first() {
            Some(digest) => digest.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
