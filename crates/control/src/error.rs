//! What a request can end in besides a reply.

use providers::Rejection;

/// A refusal for the client, or a failure of ours.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered to the client as it is.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// Ours: the client learns that it happened and a correlation id, the operator the cause.
    #[error("the request could not be carried out")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<metadata::Error> for Error {
    fn from(error: metadata::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}
