//! The trait that every database implements.

use arm::ResourceId;
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{ActivityEntry, Change, Claim, Cursor, Ending, Error, Job, JobId, Listing, Row};

/// Rows, jobs and activity, behind one door.
///
/// Every method is atomic and durable when it returns `Ok`: a crash right after loses nothing of it, a crash
/// before leaves nothing of it. Commits are serial: two that both expect a row `Unchanged` cannot both succeed.
#[async_trait]
pub trait Store: Send + Sync {
    /// One row.
    async fn row(&self, id: &ResourceId) -> Result<Option<Row>, Error>;

    /// Up to `limit` rows of `listing` after `after`, in order.
    /// The cost depends on `limit` and not on how many rows other parents have.
    async fn list(&self, listing: &Listing, after: Option<&Cursor>, limit: u32) -> Result<Vec<Row>, Error>;

    /// As [`Store::list`] in descending order, `before` the cursor.
    async fn list_back(
        &self,
        listing: &Listing,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Row>, Error>;

    /// Applies `change` whole, or answers why not.
    async fn commit(&self, change: Change) -> Result<(), Error>;

    /// Small documents beside a row, by name prefix, ordered by name. They go with their row.
    async fn facets(&self, id: &ResourceId, prefix: &str) -> Result<Vec<(String, Value)>, Error>;

    /// Writes a facet; [`Error::Absent`] when the row is gone. Touches neither etag nor activity.
    /// Nothing fences it: a job writes through [`Store::report`].
    async fn put_facet(&self, id: &ResourceId, name: &str, document: &Value) -> Result<(), Error>;

    /// Removes a facet; no error when it is not there.
    async fn delete_facet(&self, id: &ResourceId, name: &str) -> Result<(), Error>;

    /// Every hold that begins with `prefix`, without duplicates. A failed read is an error, never a short answer.
    async fn holds(&self, prefix: &str) -> Result<Vec<String>, Error>;

    /// Whose claim this is.
    async fn holder(&self, claim: &Claim) -> Result<Option<ResourceId>, Error>;

    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, Error>;

    /// Leases the longest waiting job that may run at `now` for `owner` until `until`, if there is one.
    /// Jobs whose lease ran out count as waiting, since then. An owner is one worker at one time: two that share
    /// a name cannot tell each other's leases apart.
    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Error>;

    /// Extends a lease; [`Error::LeaseLost`] when it is no longer the owner's.
    async fn renew(&self, id: JobId, owner: &str, until: Timestamp) -> Result<(), Error>;

    /// Records a step's output and applies `change` in the same transaction; resets the attempt count.
    async fn record(
        &self,
        id: JobId,
        owner: &str,
        step: &str,
        output: &Value,
        change: Change,
    ) -> Result<(), Error>;

    /// Writes a facet of the row that the job works on, or with `None` removes it; [`Error::LeaseLost`] when the
    /// lease is no longer the owner's. A job ends with its row, so no row made later under the same id is touched.
    async fn report(&self, id: JobId, owner: &str, name: &str, document: Option<&Value>)
    -> Result<(), Error>;

    /// Gives the job back, to run again not before `run_after`.
    async fn postpone(&self, id: JobId, owner: &str, run_after: Timestamp) -> Result<(), Error>;

    /// Ends the job and applies `change` in the same transaction; frees rows whose `operation` it was.
    async fn finish(
        &self,
        id: JobId,
        owner: &str,
        ending: Ending,
        at: Timestamp,
        change: Change,
    ) -> Result<(), Error>;

    /// Makes every leased job of owners other than `owner` leasable at once: for the only process of a data folder.
    async fn take_over(&self, owner: &str) -> Result<u64, Error>;

    /// Ids of jobs that have not ended, oldest first.
    async fn open_jobs(&self) -> Result<Vec<JobId>, Error>;

    /// Removes ended jobs older than `before`; answers how many.
    async fn forget_jobs(&self, before: Timestamp) -> Result<u64, Error>;

    /// Activity of everything within `scope` from `since` on, newest first, at most `limit`.
    async fn activity(
        &self,
        scope: &ResourceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, Error>;
}
