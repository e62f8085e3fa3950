//! Policy: the step stands in its place; no policy can be assigned in this release, so none denies.

use arm::ResourceId;
use providers::{Document, Rejection};

/// Refuses a write whose outcome an assigned policy denies.
#[expect(clippy::unnecessary_wraps, reason = "policies refuse here once they can be assigned")]
pub(crate) fn check(id: &ResourceId, outcome: &Document) -> Result<(), Rejection> {
    tracing::trace!(resource.id = %id, state = outcome.state.as_str(), "no policy denies");
    Ok(())
}
