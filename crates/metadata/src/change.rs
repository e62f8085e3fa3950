//! The one write: what it expects and what it leaves.

use arm::ResourceId;
use jiff::Timestamp;
use serde_json::Value;

use crate::{NewJob, Row};

/// All that lands together, or not at all.
///
/// Removals come before rows, and rows before jobs: a claim can move from a row that goes to one that comes,
/// and a job enqueued with a removal is not canceled by it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Checked first, inside the same transaction.
    pub expect: Vec<Expect>,
    /// Rows written whole (claims and holds replace the row's earlier ones). A row that exists keeps its
    /// `created_at` and the spelling of its id. Claims may move between rows of one change.
    pub put: Vec<Row>,
    /// Rows to remove with their facets, claims and holds; refused when one has children that stay. A row that
    /// is not there is no error. Open jobs on a row that goes are canceled as of the latest time the change
    /// names, except the job whose step this is; rows that such a job owned are freed.
    pub delete: Vec<ResourceId>,
    /// Scopes to remove with everything within; jobs on rows that go are canceled, as above.
    pub delete_within: Vec<ResourceId>,
    /// Jobs that begin with this change.
    pub jobs: Vec<NewJob>,
    /// What the activity log will say.
    pub activity: Vec<ActivityEntry>,
    /// How far counters may rise.
    pub limits: Vec<Limit>,
}

/// The most that a counter may say after a change that raises it ([`crate::Error::OverLimit`] otherwise).
///
/// What stands above a limit that was lowered may still be changed and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The counter, one of a row's [`Row::counted`].
    pub counter: String,
    /// The most rows that may count in it.
    pub most: u64,
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No such row ([`crate::Error::Stale`] otherwise).
    NoRow(ResourceId),
    /// The row exists ([`crate::Error::Absent`] otherwise): a parent that must not vanish meanwhile.
    Exists(ResourceId),
    /// The row exists with this etag ([`crate::Error::Stale`] otherwise, [`crate::Error::Absent`] when gone).
    Unchanged(ResourceId, String),
}

/// One line of the activity log; append-only, kept when its resource goes.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityEntry {
    /// What was acted on.
    pub target: ResourceId,
    /// When.
    pub at: Timestamp,
    /// The action, `Microsoft.Compute/galleries/write`.
    pub action: String,
    /// The object id of who did it.
    pub caller: String,
    /// Joins all entries of one request.
    pub correlation_id: String,
    /// Status, sub-status and the like, as the activity log shows them.
    pub document: Value,
}
