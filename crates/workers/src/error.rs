//! Why bytes could not come in or go out.

use providers::Rejection;

/// What went wrong between resources and bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client's doing, answered as it is.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The rows.
    #[error("the rows could not be read or written")]
    Metadata(#[from] metadata::Error),
    /// The bytes.
    #[error("the bytes could not be read or written")]
    Store(#[from] store::Error),
    /// The files that are still being written.
    #[error("the bytes under way could not be read or written")]
    Staging(#[source] std::io::Error),
    /// A row could not be understood.
    #[error("a resource could not be read")]
    Control(#[from] control::Error),
    /// A blocking task was lost: the process is shutting down.
    #[error("the work was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
    /// A document of ours is not what it must be.
    #[error("a stored document is not what it must be: {0}")]
    Document(String),
}
