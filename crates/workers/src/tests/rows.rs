//! Rows that stop answering, or fail, at a call of the test's choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arm::ResourceId;
use async_trait::async_trait;
use jiff::Timestamp;
use metadata::{ActivityEntry, Change, Claim, Cursor, Ending, Error, Job, JobId, Listing, Row, Store};
use serde_json::Value;
use tokio::sync::Notify;

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never answers and nothing of it is done: the process died before it.
    DiesBefore,
    /// It is done but never answers: the process died after it.
    DiesAfter,
    /// It fails and nothing of it is done.
    Fails,
}

/// A store whose calls are counted from [`Scripted::arm`] on.
pub(crate) struct Scripted {
    inner: Arc<dyn Store>,
    count: AtomicUsize,
    plan: std::sync::Mutex<Option<(usize, Fate)>>,
    died: Notify,
}

impl Scripted {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, count: AtomicUsize::new(0), plan: std::sync::Mutex::default(), died: Notify::new() }
    }

    /// Counts from here on; call number `at` (from 0) meets `fate`.
    pub(crate) fn arm(&self, plan: Option<(usize, Fate)>) {
        self.count.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = plan;
    }

    /// Calls since it was armed.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// When the call that never answers has been reached.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    async fn pass<T>(&self, call: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let fate = self.plan.lock().unwrap().filter(|(at, _)| *at == number).map(|(_, fate)| fate);
        match fate {
            None => return call.await,
            Some(Fate::Fails) => return Err(Error::Database("the test says no".into())),
            Some(Fate::DiesBefore) => {}
            Some(Fate::DiesAfter) => drop(call.await),
        }
        self.died.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Store for Scripted {
    async fn row(&self, id: &ResourceId) -> Result<Option<Row>, Error> {
        self.pass(self.inner.row(id)).await
    }
    async fn list(&self, listing: &Listing, after: Option<&Cursor>, limit: u32) -> Result<Vec<Row>, Error> {
        self.pass(self.inner.list(listing, after, limit)).await
    }
    async fn list_back(
        &self,
        listing: &Listing,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        self.pass(self.inner.list_back(listing, before, limit)).await
    }
    async fn commit(&self, change: Change) -> Result<(), Error> {
        self.pass(self.inner.commit(change)).await
    }
    async fn facets(&self, id: &ResourceId, prefix: &str) -> Result<Vec<(String, Value)>, Error> {
        self.pass(self.inner.facets(id, prefix)).await
    }
    async fn put_facet(&self, id: &ResourceId, name: &str, document: &Value) -> Result<(), Error> {
        self.pass(self.inner.put_facet(id, name, document)).await
    }
    async fn delete_facet(&self, id: &ResourceId, name: &str) -> Result<(), Error> {
        self.pass(self.inner.delete_facet(id, name)).await
    }
    async fn holds(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.pass(self.inner.holds(prefix)).await
    }
    async fn holder(&self, claim: &Claim) -> Result<Option<ResourceId>, Error> {
        self.pass(self.inner.holder(claim)).await
    }
    async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        self.pass(self.inner.job(id)).await
    }
    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Error> {
        self.pass(self.inner.lease(owner, now, until)).await
    }
    async fn renew(&self, id: JobId, owner: &str, until: Timestamp) -> Result<(), Error> {
        self.pass(self.inner.renew(id, owner, until)).await
    }
    async fn record(
        &self,
        id: JobId,
        owner: &str,
        step: &str,
        output: &Value,
        change: Change,
    ) -> Result<(), Error> {
        self.pass(self.inner.record(id, owner, step, output, change)).await
    }
    async fn report(
        &self,
        id: JobId,
        owner: &str,
        name: &str,
        document: Option<&Value>,
    ) -> Result<(), Error> {
        self.pass(self.inner.report(id, owner, name, document)).await
    }
    async fn postpone(&self, id: JobId, owner: &str, run_after: Timestamp) -> Result<(), Error> {
        self.pass(self.inner.postpone(id, owner, run_after)).await
    }
    async fn finish(
        &self,
        id: JobId,
        owner: &str,
        ending: Ending,
        at: Timestamp,
        change: Change,
    ) -> Result<(), Error> {
        self.pass(self.inner.finish(id, owner, ending, at, change)).await
    }
    async fn take_over(&self, owner: &str) -> Result<u64, Error> {
        self.pass(self.inner.take_over(owner)).await
    }
    async fn open_jobs(&self) -> Result<Vec<JobId>, Error> {
        self.pass(self.inner.open_jobs()).await
    }
    async fn forget_jobs(&self, before: Timestamp) -> Result<u64, Error> {
        self.pass(self.inner.forget_jobs(before)).await
    }
    async fn activity(
        &self,
        scope: &ResourceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, Error> {
        self.pass(self.inner.activity(scope, since, limit)).await
    }
}
