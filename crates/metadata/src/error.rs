//! What a store can refuse or fail at, by what the caller can do about it.

use arm::ResourceId;

use crate::Claim;

/// Why a read or a commit did not happen; nothing of the change is left behind.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another write came first: read again and decide again.
    #[error("'{0}' was changed by another request")]
    Stale(ResourceId),
    /// A row that had to exist does not.
    #[error("'{0}' does not exist")]
    Absent(ResourceId),
    /// The row to delete has children; up to three of their ids.
    #[error("'{id}' has nested resources")]
    HasChildren {
        /// The row that was to go.
        id: ResourceId,
        /// Some of its children.
        children: Vec<ResourceId>,
    },
    /// A claim is held by another resource.
    #[error("'{}' is taken by '{holder}'", claim.0)]
    Taken {
        /// What was claimed.
        claim: Claim,
        /// Who has it.
        holder: ResourceId,
    },
    /// A counter would pass its limit.
    #[error("'{counter}' stands at {current}, and its limit is {most}")]
    OverLimit {
        /// What is counted.
        counter: String,
        /// The count before the change.
        current: u64,
        /// The limit.
        most: u64,
    },
    /// The lease was lost: another worker, or a cancellation, owns the job now.
    #[error("the lease on the job was lost")]
    LeaseLost,
    /// The database was made by a newer release.
    #[error(
        "the database was written by a newer release (schema {found}, this release knows {known}); start that release"
    )]
    TooNew {
        /// The schema number in the database.
        found: i64,
        /// The newest this release knows.
        known: i64,
    },
    /// The database itself failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored document cannot be read.
    #[error("a stored row cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
