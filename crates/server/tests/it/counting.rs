//! A store that counts what is read through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arm::ResourceId;
use async_trait::async_trait;
use jiff::Timestamp;
use metadata::{
    ActivityEntry, Change, Claim, Cursor, Ending, Error, Job, JobId, Listing, Row, Sqlite, Store,
};
use serde_json::Value;

/// Passes everything on; counts the reads of resources and the rows they answered with.
pub(crate) struct Counting {
    inner: Arc<Sqlite>,
    reads: AtomicUsize,
    rows: AtomicUsize,
}

/// What was read since the last time somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) reads: usize,
    pub(crate) rows: usize,
}

impl Counting {
    pub(crate) fn new(inner: Arc<Sqlite>) -> Self {
        Self { inner, reads: AtomicUsize::new(0), rows: AtomicUsize::new(0) }
    }

    /// What was read since the last call.
    pub(crate) fn take(&self) -> Cost {
        Cost { reads: self.reads.swap(0, Ordering::SeqCst), rows: self.rows.swap(0, Ordering::SeqCst) }
    }

    fn count(&self, rows: usize) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.rows.fetch_add(rows, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for Counting {
    async fn row(&self, id: &ResourceId) -> Result<Option<Row>, Error> {
        let row = self.inner.row(id).await?;
        self.count(usize::from(row.is_some()));
        Ok(row)
    }

    async fn list(&self, listing: &Listing, after: Option<&Cursor>, limit: u32) -> Result<Vec<Row>, Error> {
        let rows = self.inner.list(listing, after, limit).await?;
        self.count(rows.len());
        Ok(rows)
    }

    async fn list_back(
        &self,
        listing: &Listing,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        let rows = self.inner.list_back(listing, before, limit).await?;
        self.count(rows.len());
        Ok(rows)
    }

    async fn facets(&self, id: &ResourceId, prefix: &str) -> Result<Vec<(String, Value)>, Error> {
        let facets = self.inner.facets(id, prefix).await?;
        self.count(facets.len());
        Ok(facets)
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<ResourceId>, Error> {
        let holder = self.inner.holder(claim).await?;
        self.count(usize::from(holder.is_some()));
        Ok(holder)
    }

    async fn claimed(
        &self,
        prefix: &str,
        after: Option<&Claim>,
        limit: u32,
    ) -> Result<Vec<(Claim, ResourceId)>, Error> {
        let claimed = self.inner.claimed(prefix, after, limit).await?;
        self.count(claimed.len());
        Ok(claimed)
    }

    async fn holds(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let holds = self.inner.holds(prefix).await?;
        self.count(holds.len());
        Ok(holds)
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
        let counts = self.inner.counts(prefix).await?;
        self.count(counts.len());
        Ok(counts)
    }

    async fn commit(&self, change: Change) -> Result<(), Error> {
        self.inner.commit(change).await
    }

    async fn put_facet(&self, id: &ResourceId, name: &str, document: &Value) -> Result<(), Error> {
        self.inner.put_facet(id, name, document).await
    }

    async fn delete_facet(&self, id: &ResourceId, name: &str) -> Result<(), Error> {
        self.inner.delete_facet(id, name).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        self.inner.job(id).await
    }

    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Error> {
        self.inner.lease(owner, now, until).await
    }

    async fn renew(&self, id: JobId, owner: &str, until: Timestamp) -> Result<(), Error> {
        self.inner.renew(id, owner, until).await
    }

    async fn record(
        &self,
        id: JobId,
        owner: &str,
        step: &str,
        output: &Value,
        change: Change,
    ) -> Result<(), Error> {
        self.inner.record(id, owner, step, output, change).await
    }

    async fn report(
        &self,
        id: JobId,
        owner: &str,
        name: &str,
        document: Option<&Value>,
    ) -> Result<(), Error> {
        self.inner.report(id, owner, name, document).await
    }

    async fn postpone(&self, id: JobId, owner: &str, run_after: Timestamp) -> Result<(), Error> {
        self.inner.postpone(id, owner, run_after).await
    }

    async fn finish(
        &self,
        id: JobId,
        owner: &str,
        ending: Ending,
        at: Timestamp,
        change: Change,
    ) -> Result<(), Error> {
        self.inner.finish(id, owner, ending, at, change).await
    }

    async fn take_over(&self, owner: &str) -> Result<u64, Error> {
        self.inner.take_over(owner).await
    }

    async fn open_jobs(&self) -> Result<Vec<JobId>, Error> {
        self.inner.open_jobs().await
    }

    async fn forget_jobs(&self, before: Timestamp) -> Result<u64, Error> {
        self.inner.forget_jobs(before).await
    }

    async fn activity(
        &self,
        scope: &ResourceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, Error> {
        self.inner.activity(scope, since, limit).await
    }
}
