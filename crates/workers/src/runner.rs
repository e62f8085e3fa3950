//! Leases jobs and runs them; a lease is renewed while the job runs and handed back when the process stops.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arm::ErrorDetail;
use control::{Clock, Engine, Ids, ended_entry, row_of, stored_of};
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use metadata::{Change, Ending, Expect, Job};
use providers::State;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::job::{Done, JobKind, Running, Stop};
use crate::source::SourceSettings;
use crate::{Error, Regions, Staging};

/// Pace and limits of the workers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Jobs that run at once.
    pub jobs_at_once: usize,
    /// How long a lease holds without renewal, in seconds.
    pub lease_seconds: i64,
    /// How often a job that broke (not: was refused) is tried before it fails.
    pub attempts: u32,
    /// How often one region is tried within one job.
    pub region_attempts: u32,
    /// First pause between tries of a region; see [`Settings::pause_after`].
    pub region_pause: Duration,
    /// Pause before failed regions are taken up again by themselves.
    pub heal_after: Duration,
    /// What blob sources may be read.
    pub source: SourceSettings,
    /// What holds for versions whose definition has no contract.
    pub contracts: Contracts,
}

/// How versions are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contracts {
    /// What cannot start or is plainly false is refused, the rest is told.
    #[default]
    Default,
    /// Nothing is refused; what is wrong is told.
    Warn,
    /// Nothing is looked at, as in Azure.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs_at_once: 4,
            lease_seconds: 30,
            attempts: 5,
            region_attempts: 6,
            region_pause: Duration::from_millis(500),
            heal_after: Duration::from_secs(60),
            source: SourceSettings::default(),
            contracts: Contracts::Default,
        }
    }
}

impl Settings {
    /// The pause after try number `attempt` of a region has failed: each twice the one before.
    #[must_use]
    pub fn pause_after(&self, attempt: u32) -> Duration {
        self.region_pause.saturating_mul(1 << attempt.saturating_sub(1).min(10))
    }

    /// The pause before failed regions are taken up again by themselves, for the `tries`-th time: doubles, up to 64 times the first.
    #[must_use]
    pub fn heal_pause(&self, tries: u64) -> Duration {
        let doublings = u32::try_from(tries.min(6)).unwrap_or(6);
        self.heal_after.saturating_mul(1 << doublings)
    }
}

/// The workers of one process.
pub struct Workers {
    engine: Arc<Engine>,
    regions: Regions,
    staging: Staging,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: Arc<Settings>,
    kinds: HashMap<&'static str, Box<dyn JobKind>>,
    fetches: Arc<Semaphore>,
    name: String,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Workers {
    /// Workers under a name of their own, which is also the owner of their leases.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        regions: Regions,
        staging: Staging,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: Settings,
    ) -> Self {
        let kinds = crate::jobs().into_iter().map(|kind| (kind.name(), kind)).collect();
        let name = ids.uuid().to_string();
        let fetches = Arc::new(Semaphore::new(settings.jobs_at_once.saturating_sub(1).max(1)));
        Self { engine, regions, staging, clock, ids, settings: Arc::new(settings), kinds, fetches, name }
    }

    /// Takes jobs until `stop`; returns when those under way have ended or handed back their lease.
    ///
    /// The only process of a data folder: leases of an earlier one are taken over at once.
    ///
    /// # Errors
    /// When the rows cannot be read at the start.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), Error> {
        let resumed = self.engine.metadata().take_over(&self.name).await?;
        if resumed > 0 {
            tracing::info!(job_count = resumed, "taking up jobs that an earlier process left");
        }
        let tracker = TaskTracker::new();
        for slot in 0..self.settings.jobs_at_once {
            // A lease belongs to one slot: two that shared a name could not tell theirs apart.
            let worker = format!("{}/{slot}", self.name);
            tracker.spawn(self.clone().take_jobs(worker, stop.clone()));
        }
        tracker.close();
        tracker.wait().await;
        Ok(())
    }

    async fn take_jobs(self: Arc<Self>, worker: String, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.lease(&worker).await {
                Ok(Some(job)) => {
                    // Another worker may be idle while more jobs wait.
                    self.engine.job_waiting().notify_one();
                    self.run_job(job, &worker, &stop).await;
                }
                Ok(None) => self.wait(&stop).await,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot lease jobs");
                    self.wait(&stop).await;
                }
            }
        }
    }

    /// Until a job is enqueued; at least every half second, for jobs that become due by time.
    async fn wait(&self, stop: &CancellationToken) {
        let pause = tokio::time::sleep(Duration::from_millis(500));
        tokio::select! {
            () = self.engine.job_waiting().notified() => {}
            () = pause => {}
            () = stop.cancelled() => {}
        }
    }

    async fn lease(&self, worker: &str) -> Result<Option<Job>, metadata::Error> {
        let now = self.clock.now();
        self.engine.metadata().lease(worker, now, self.lease_end(now)).await
    }

    fn lease_end(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_secs(self.settings.lease_seconds)).unwrap_or(Timestamp::MAX)
    }

    /// With another kind of job.
    #[cfg(test)]
    pub(crate) fn with_kind(mut self, kind: Box<dyn JobKind>) -> Self {
        self.kinds.insert(kind.name(), kind);
        self
    }

    /// Runs every job that is due now, one after the other, as far as they can be leased; answers how many.
    #[cfg(test)]
    pub(crate) async fn run_due(&self) -> usize {
        let worker = format!("{}/0", self.name);
        let mut count = 0;
        while let Ok(Some(job)) = self.lease(&worker).await {
            self.run_job(job, &worker, &CancellationToken::new()).await;
            count += 1;
        }
        count
    }

    /// Runs a job that a test has leased.
    #[cfg(test)]
    pub(crate) async fn run_leased(&self, job: Job, worker: &str, stop: &CancellationToken) {
        self.run_job(job, worker, stop).await;
    }

    /// Runs one leased job to its end, renewing the lease meanwhile.
    async fn run_job(&self, job: Job, worker: &str, stop: &CancellationToken) {
        let span = tracing::info_span!("job", kind = job.kind, job.id = %job.id, resource.id = %job.target);
        self.run_in_span(job, worker, stop).instrument(span).await;
    }

    async fn run_in_span(&self, job: Job, worker: &str, stop: &CancellationToken) {
        let mut running = Running {
            job: job.clone(),
            engine: self.engine.clone(),
            regions: self.regions.clone(),
            staging: self.staging.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            settings: self.settings.clone(),
            worker: worker.to_owned(),
            fetches: self.fetches.clone(),
            stopped: CancellationToken::new(),
            threads: TaskTracker::new(),
            releases_bytes: Arc::new(AtomicBool::new(false)),
        };
        let (stopped, threads) = (running.stopped.clone(), running.threads.clone());
        let releases_bytes = running.releases_bytes.clone();
        // Also when this future is dropped, the threads it began must not go on.
        let guard = stopped.clone().drop_guard();
        let ended = {
            let work = self.work(&mut running);
            tokio::pin!(work);
            let keep = self.keep_lease(&job, worker, &stopped, stop);
            tokio::pin!(keep);
            // The keeper never ends by itself: it raises the flag that makes the work end.
            tokio::select! {
                ended = &mut work => ended,
                () = &mut keep => Err(Stop::LeaseLost),
            }
        };
        drop(guard);
        threads.close();
        threads.wait().await;
        let ended = ended.and_then(|mut done| {
            self.engine.seal(&mut done.output)?;
            Ok(done)
        });
        let is_well = ended.is_ok();
        match self.end(&job, worker, ended, stop.is_cancelled()).await {
            Ok(()) => {}
            Err(metadata::Error::LeaseLost) => {
                tracing::info!(job.id = %job.id, "the job was canceled or taken over");
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, job.id = %job.id, "cannot end the job");
            }
        }
        if !is_well || releases_bytes.load(Ordering::Relaxed) {
            // What it wrote and nothing refers to can go.
            self.engine.bytes_released().notify_one();
        }
    }

    async fn work(&self, running: &mut Running) -> Result<Done, Stop> {
        match self.kinds.get(running.job.kind.as_str()) {
            // Tries that ended without a word ended the process with them.
            Some(_) if running.job.attempt > self.settings.attempts => {
                tracing::error!(job.id = %running.job.id, attempt = running.job.attempt, "the job is given up: its tries ended the process or were lost");
                Err(Stop::Failed(internal(&running.job), Box::default()))
            }
            Some(kind) => {
                let detail = internal(&running.job);
                // Nothing that the panic left half done is looked at again: what counts is in rows.
                let ended = AssertUnwindSafe(kind.run(running)).catch_unwind().await;
                ended.unwrap_or_else(|_panic| {
                    tracing::error!("the job panicked; this is a bug, please report it");
                    Err(Stop::Failed(detail, Box::default()))
                })
            }
            None => {
                tracing::error!(job.id = %running.job.id, kind = running.job.kind, "this release has no job of that kind");
                Err(Stop::Failed(internal(&running.job), Box::default()))
            }
        }
    }

    /// Renews until the lease is lost or the process stops; then raises the flag and waits to be dropped.
    async fn keep_lease(
        &self,
        job: &Job,
        worker: &str,
        stopped: &CancellationToken,
        stop: &CancellationToken,
    ) {
        let pause = Duration::from_secs(u64::try_from(self.settings.lease_seconds / 3).unwrap_or(1).max(1));
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => break,
            }
            let until = self.lease_end(self.clock.now());
            if let Err(metadata::Error::LeaseLost) = self.engine.metadata().renew(job.id, worker, until).await
            {
                break;
            }
        }
        stopped.cancel();
        // The work sees the flag at its next chunk and ends by itself.
        std::future::pending::<()>().await;
    }

    async fn end(
        &self,
        job: &Job,
        worker: &str,
        ended: Result<Done, Stop>,
        stopping: bool,
    ) -> Result<(), metadata::Error> {
        let rows = self.engine.metadata();
        let now = self.clock.now();
        let (ending, mut change) = match ended {
            Ok(done) => (Ending::Succeeded(done.output), done.change),
            Err(Stop::LeaseLost | Stop::Broken(_)) if stopping => {
                return self.give_back(job, worker, now).await;
            }
            Err(Stop::NotYet) => {
                let due = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
                return self.give_back(job, worker, due).await;
            }
            Err(Stop::LeaseLost) => return Err(metadata::Error::LeaseLost),
            Err(Stop::Broken(error)) if job.attempt < self.settings.attempts => {
                tracing::warn!(error = &error as &dyn std::error::Error, job.id = %job.id, attempt = job.attempt, "the job will be tried again");
                return self.try_later(job, worker).await;
            }
            Err(Stop::Broken(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, job.id = %job.id, "the job failed");
                self.failure(job, &internal(job), Change::default()).await?
            }
            Err(Stop::Canceled(change)) => (Ending::Canceled, *change),
            Err(Stop::Failed(detail, change)) => self.failure(job, &detail, *change).await?,
        };
        change.activity.push(ended_entry(job, matches!(ending, Ending::Succeeded(_)), now));
        match rows.finish(job.id, worker, ending, now, change).await {
            // Somebody wrote the resource meanwhile: the ending is decided anew on what stands then.
            Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => self.try_later(job, worker).await,
            finished => finished,
        }
    }

    /// Gives the job back through no fault of its own: what is recorded makes the tries count from none again.
    async fn give_back(&self, job: &Job, worker: &str, due: Timestamp) -> Result<(), metadata::Error> {
        let rows = self.engine.metadata();
        rows.record(job.id, worker, "given back", &Value::Null, Change::default()).await?;
        rows.postpone(job.id, worker, due).await
    }

    /// Gives the job back; each try waits twice as long as the one before.
    async fn try_later(&self, job: &Job, worker: &str) -> Result<(), metadata::Error> {
        let pause = SignedDuration::from_secs(1 << job.attempt.min(8));
        let due = self.clock.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
        self.engine.metadata().postpone(job.id, worker, due).await
    }

    /// A failed ending: the resource says so too, unless the job's own change already wrote it.
    async fn failure(
        &self,
        job: &Job,
        detail: &ErrorDetail,
        mut change: Change,
    ) -> Result<(Ending, Change), metadata::Error> {
        let written = change.put.iter().any(|row| row.id == job.target);
        if let Some(row) = self.engine.metadata().row(&job.target).await?.filter(|_| !written)
            && let Ok(mut stored) = stored_of(&row)
        {
            stored.document.state = State::Failed;
            if let Ok(mut failed) = row_of(&row, &stored.document) {
                failed.etag = self.ids.uuid().to_string();
                change.expect.push(Expect::Unchanged(row.id.clone(), row.etag.clone()));
                change.put.push(failed);
            }
        }
        Ok((Ending::Failed(serde_json::to_value(detail).unwrap_or(Value::Null)), change))
    }
}

/// What a client learns of a failure of ours.
fn internal(job: &Job) -> ErrorDetail {
    let message = format!(
        "An internal error occurred. Quote the correlation id '{}' to the operator.",
        job.correlation_id
    );
    ErrorDetail::new("InternalServerError", message)
}
