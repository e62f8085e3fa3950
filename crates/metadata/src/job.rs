//! Long-running operations as rows.

use std::fmt;

use arm::ResourceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A job's id: 128 random bits, also the operation id on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job as it is enqueued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its id, chosen by the caller.
    pub id: JobId,
    /// Which job of the registry.
    pub kind: String,
    /// The resource it works on.
    pub target: ResourceId,
    /// What it needs to know, fixed for ever.
    pub input: Value,
    /// [`JobState::Waiting`], or already ended: an operation that finished with its request.
    pub state: JobState,
    /// The correlation id of the request that began it.
    pub correlation_id: String,
    /// When it was enqueued, and the earliest time to run.
    pub created_at: Timestamp,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which job of the registry.
    pub kind: String,
    /// The resource it works on.
    pub target: ResourceId,
    /// What it was given.
    pub input: Value,
    /// Outputs of the steps done, by step name; all that later steps may use.
    pub outputs: serde_json::Map<String, Value>,
    /// How often it was leased since its last recorded progress.
    pub attempt: u32,
    /// Where it stands.
    pub state: JobState,
    /// The correlation id of the request that began it.
    pub correlation_id: String,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// May be leased from its run-after time on.
    Waiting,
    /// Leased by a worker.
    Running,
    /// Done; the value is what a POST operation answers, or null.
    Succeeded(Value),
    /// Ended badly; the value is the ARM error.
    Failed(Value),
    /// Stopped on request, or its resource was deleted.
    Canceled,
}

/// How a worker ends a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// As [`JobState::Succeeded`].
    Succeeded(Value),
    /// As [`JobState::Failed`].
    Failed(Value),
    /// As [`JobState::Canceled`].
    Canceled,
}
