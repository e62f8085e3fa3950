//! Copies of a version in its regions: what stands where, and how far a copy is.

use std::sync::Mutex;

use arm::{Region, ResourceId};
use jiff::Timestamp;
use metadata::Store;
pub(crate) use providers::compute::image_version::{Progress as Replica, ProgressState as ReplicaState};
use serde_json::Value;

use crate::job::Running;

/// Prefix of replica facets.
const PREFIX: &str = "replica/";

fn facet_name(region: &Region) -> String {
    format!("{PREFIX}{region}")
}

/// What a version says it has in each region.
pub(crate) async fn read(
    rows: &dyn Store,
    id: &ResourceId,
) -> Result<Vec<(Region, Replica)>, metadata::Error> {
    let facets = rows.facets(id, PREFIX).await?;
    let parsed = facets.into_iter().filter_map(|(name, document)| {
        let region = name.strip_prefix(PREFIX)?.parse().ok()?;
        Some((region, serde_json::from_value(document).ok()?))
    });
    Ok(parsed.collect())
}

/// The regions in which a version stands complete.
pub(crate) async fn complete_regions(
    rows: &dyn Store,
    id: &ResourceId,
) -> Result<Vec<Region>, metadata::Error> {
    let all = read(rows, id).await?.into_iter();
    Ok(all
        .filter(|(_, replica)| replica.state == ReplicaState::Completed)
        .map(|(region, _)| region)
        .collect())
}

/// Writes down how far the copy in `region` is, as long as the job is still this worker's.
pub(crate) async fn report(
    running: &Running,
    region: &Region,
    replica: &Replica,
) -> Result<(), metadata::Error> {
    let document = serde_json::to_value(replica).unwrap_or(Value::Null);
    let rows = running.engine.metadata();
    rows.report(running.job.id, &running.worker, &facet_name(region), Some(&document)).await
}

/// Forgets what `region` had, as long as the job is still this worker's.
pub(crate) async fn forget(running: &Running, region: &Region) -> Result<(), metadata::Error> {
    let rows = running.engine.metadata();
    rows.report(running.job.id, &running.worker, &facet_name(region), None).await
}

/// How far a copy is; written by the copying thread, read by the one that reports.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Timestamp,
    seen: Mutex<(u64, u64)>,
}

impl Meter {
    pub(crate) fn new(started: Timestamp) -> Self {
        Self { started, seen: Mutex::new((0, 0)) }
    }

    pub(crate) fn note(&self, done_bytes: u64, total_bytes: u64) {
        *self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (done_bytes, total_bytes);
    }

    /// The replica as it stands at `now`.
    pub(crate) fn replica(&self, state: ReplicaState, attempts: u32, now: Timestamp) -> Replica {
        let (done_bytes, total_bytes) = *self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let elapsed = u64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(0);
        let left = total_bytes.saturating_sub(done_bytes);
        let eta_seconds = (state == ReplicaState::Copying && done_bytes > 0)
            .then(|| u128::from(left) * u128::from(elapsed) / u128::from(done_bytes) / 1000)
            .and_then(|seconds| u64::try_from(seconds).ok());
        Replica { state, done_bytes, total_bytes, eta_seconds, error: None, attempts }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, ReplicaState};

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done_did() {
        let start = jiff::Timestamp::UNIX_EPOCH;
        let meter = Meter::new(start);
        let later = start + jiff::SignedDuration::from_secs(10);
        assert_eq!(meter.replica(ReplicaState::Copying, 1, later).eta_seconds, None);
        meter.note(25, 100);
        assert_eq!(meter.replica(ReplicaState::Copying, 1, later).eta_seconds, Some(30));
        assert_eq!(meter.replica(ReplicaState::Completed, 1, later).eta_seconds, None);
    }
}
