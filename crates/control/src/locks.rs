//! Locks: the step stands in its place; no lock can be made in this release, so none holds.

use arm::ResourceId;
use providers::Rejection;

/// What a write would do to a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Write,
    Delete,
}

/// Refuses a write that a lock at or above `id` forbids.
#[expect(clippy::unnecessary_wraps, reason = "locks refuse here once they can be made")]
pub(crate) fn check(id: &ResourceId, intent: Intent) -> Result<(), Rejection> {
    tracing::trace!(resource.id = %id, ?intent, "no lock holds");
    Ok(())
}
