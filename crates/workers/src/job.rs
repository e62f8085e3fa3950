//! What a job is made of: a name, and steps that record what they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arm::{ErrorDetail, Region};
use async_trait::async_trait;
use control::{Clock, Engine, Ids, row_of, stored_of};
use metadata::{Change, Expect, Job, Row};
use providers::Document;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::runner::Settings;
use crate::{Error, Regions, Staging};

/// One kind of job.
#[async_trait]
pub trait JobKind: Send + Sync {
    /// The name in the job's row.
    fn name(&self) -> &'static str;

    /// Runs it to its end. Every step may run again after a crash, so each leaves the same whether it ran once or twice.
    async fn run(&self, running: &mut Running) -> Result<Done, Stop>;
}

/// A job that ended well: what the operation answers and what lands with its ending.
#[derive(Debug, Default)]
pub struct Done {
    /// What a POST operation answers; null for the rest.
    pub output: Value,
    /// Committed together with the ending.
    pub change: Change,
}

/// Why a job stopped short of its end.
#[derive(Debug)]
pub enum Stop {
    /// It ends as Failed with this error; the change lands with the ending (the resource's own `Failed` is added).
    Failed(ErrorDetail, Box<Change>),
    /// It ends as Canceled, as its owner asked; the change lands with the ending.
    Canceled(Box<Change>),
    /// Something of ours broke: it is tried again some times, then fails.
    Broken(Error),
    /// What it needs is in use by other jobs: it is given back for a second, which counts as no try.
    NotYet,
    /// Somebody else has the job, or its resource is gone: nothing more may be written.
    LeaseLost,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Metadata(metadata::Error::LeaseLost) => Self::LeaseLost,
            Error::Refused(rejection) => Self::Failed(rejection.detail, Box::default()),
            error => Self::Broken(error),
        }
    }
}

impl From<metadata::Error> for Stop {
    fn from(error: metadata::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<control::Error> for Stop {
    fn from(error: control::Error) -> Self {
        Error::from(error).into()
    }
}

/// A leased job and what it may use.
#[derive(Clone)]
pub struct Running {
    /// The row as it was leased, with the outputs recorded since.
    pub job: Job,
    /// Rows, registry, authority.
    pub engine: Arc<Engine>,
    /// The bytes.
    pub regions: Regions,
    /// Bytes that are still being written.
    pub staging: Staging,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// Limits and pace.
    pub settings: Arc<Settings>,
    pub(crate) worker: String,
    /// Turns to fetch from foreign servers, which may be slow: fewer than there are workers.
    pub(crate) fetches: Arc<Semaphore>,
    /// Raised when the job should end at its next chance.
    pub(crate) stopped: CancellationToken,
    /// Its work on other threads: all of it has ended before the job does.
    pub(crate) threads: TaskTracker,
    /// Whether the ending may free bytes.
    pub(crate) releases_bytes: Arc<AtomicBool>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("job", &self.job)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// What `step` recorded, if it is done.
    #[must_use]
    pub fn output(&self, step: &str) -> Option<&Value> {
        self.job.outputs.get(step)
    }

    /// Records that `step` is done, with `change` in the same transaction.
    ///
    /// # Errors
    /// [`Stop::LeaseLost`] when the job is no longer ours.
    pub async fn record(&mut self, step: &str, output: Value, change: Change) -> Result<(), Stop> {
        self.engine.metadata().record(self.job.id, &self.worker, step, &output, change).await?;
        self.job.outputs.insert(step.to_owned(), output);
        Ok(())
    }

    /// Whether the job should end at its next chance: the lease is lost or the process stops.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// The flag behind [`Running::is_stopped`], for blocking work.
    #[must_use]
    pub fn stop_flag(&self) -> CancellationToken {
        self.stopped.clone()
    }

    /// The resource the job works on, as it stands; without one there is nothing left to do.
    ///
    /// # Errors
    /// [`Stop::LeaseLost`] when it is gone.
    pub async fn target(&self) -> Result<(Row, Document), Stop> {
        let row = self.engine.metadata().row(&self.job.target).await?.ok_or(Stop::LeaseLost)?;
        let document = stored_of(&row)?.document;
        Ok((row, document))
    }

    /// The region a resource lies in.
    ///
    /// # Errors
    /// [`Stop::Broken`] when its row names none.
    pub fn home(&self, document: &Document) -> Result<Region, Stop> {
        let home = document.location.as_deref().and_then(|location| location.parse().ok());
        home.ok_or_else(|| Error::Document("the resource has no home region".to_owned()).into())
    }

    /// `row` with another document, and the change that writes it if nobody wrote it meanwhile.
    ///
    /// # Errors
    /// When the document cannot be written as JSON.
    pub fn rewritten(&self, row: &Row, document: &Document) -> Result<Change, Stop> {
        let mut written = row_of(row, document)?;
        written.etag = self.ids.uuid().to_string();
        let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
        Ok(Change { expect, put: vec![written], ..Change::default() })
    }

    /// Waits, or until the job is to stop.
    pub async fn pause(&self, pause: std::time::Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stopped.cancelled() => {}
        }
    }

    /// Runs blocking work on a thread of its own; the job does not end before it.
    ///
    /// # Errors
    /// When the work panicked or the process shuts down.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        Ok(self.threads.spawn_blocking(work).await?)
    }

    /// Notes that the ending may free bytes: the collector is told once it is durable.
    pub fn release_bytes(&self) {
        self.releases_bytes.store(true, Ordering::Relaxed);
    }

    /// The owner under which this job writes packs: they are kept while the job is open.
    #[must_use]
    pub fn owner(&self) -> store::Owner {
        store::Owner(*self.job.id.0.as_bytes())
    }
}
