//! The store in one SQLite file.
//!
//! One connection writes, so commits are serial; a few read beside it, each statement on its own snapshot.
//! The log is synced at every commit: what was answered `Ok` survives a power cut.

mod activity;
mod columns;
mod commit;
mod facets;
mod jobs;
mod listing;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use arm::ResourceId;
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, SqlitePool};

use self::listing::Direction;
use crate::{ActivityEntry, Change, Claim, Cursor, Ending, Error, Job, JobId, Listing, Row, Store};

/// Connections that read beside the writer.
const READERS: u32 = 4;
/// How long a request waits for its turn to write, or to read.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a statement waits for another program that holds the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

type Transaction = sqlx::Transaction<'static, sqlx::Sqlite>;

/// A [`Store`] in a SQLite database.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// Opens the database at `path`, creates it when it is not there, and brings it to the newest schema.
    ///
    /// # Errors
    /// [`Error::TooNew`] for a database of a newer release, which is left as it is; [`Error::Database`] when the
    /// file cannot be opened or is no database.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        if path.exists() {
            schema::check(&options).await?;
        }
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // When a disk is full SQLite itself rolls back, and the connection would count a transaction that is no
        // more and refuse the next. Whoever comes next gets a fresh one.
        let writer = pool(1)
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(writing)
            .await?;
        schema::migrate(&writer).await?;
        let readers = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// A database in memory that goes with its last handle: for tests.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be made.
    pub async fn in_memory() -> Result<Self, Error> {
        let options =
            SqliteConnectOptions::new().in_memory(true).foreign_keys(true).disable_statement_logging();
        // The database lives as long as its one connection, which therefore reads too.
        let writer = pool(1).connect_with(options).await?;
        schema::migrate(&writer).await?;
        Ok(Self { readers: writer.clone(), writer })
    }

    /// Waits for running commits, folds the log into the file and closes it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Transaction, Error> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(TURN_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

#[async_trait]
impl Store for Sqlite {
    async fn row(&self, id: &ResourceId) -> Result<Option<Row>, Error> {
        rows::read(&self.readers, id).await
    }

    async fn list(&self, listing: &Listing, after: Option<&Cursor>, limit: u32) -> Result<Vec<Row>, Error> {
        listing::read(&self.readers, listing, Direction::Forward, after, limit).await
    }

    async fn list_back(
        &self,
        listing: &Listing,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        listing::read(&self.readers, listing, Direction::Back, before, limit).await
    }

    async fn commit(&self, change: Change) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        commit::apply(&mut transaction, &change, None, None).await?;
        Ok(transaction.commit().await?)
    }

    async fn facets(&self, id: &ResourceId, prefix: &str) -> Result<Vec<(String, Value)>, Error> {
        facets::read(&self.readers, id, prefix).await
    }

    async fn put_facet(&self, id: &ResourceId, name: &str, document: &Value) -> Result<(), Error> {
        facets::put(&self.writer, id, name, document).await
    }

    async fn delete_facet(&self, id: &ResourceId, name: &str) -> Result<(), Error> {
        facets::delete(&self.writer, id, name).await
    }

    async fn holds(&self, prefix: &str) -> Result<Vec<String>, Error> {
        rows::holds(&self.readers, prefix).await
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<ResourceId>, Error> {
        rows::holder(&self.readers, claim).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        jobs::read(&self.readers, id).await
    }

    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Error> {
        let mut transaction = self.begin().await?;
        let job = jobs::lease(&mut transaction, owner, now, until).await?;
        transaction.commit().await?;
        Ok(job)
    }

    async fn renew(&self, id: JobId, owner: &str, until: Timestamp) -> Result<(), Error> {
        jobs::renew(&self.writer, id, owner, until).await
    }

    async fn record(
        &self,
        id: JobId,
        owner: &str,
        step: &str,
        output: &Value,
        change: Change,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        jobs::record(&mut transaction, id, owner, step, output).await?;
        commit::apply(&mut transaction, &change, Some(id), None).await?;
        Ok(transaction.commit().await?)
    }

    async fn report(
        &self,
        id: JobId,
        owner: &str,
        name: &str,
        document: Option<&Value>,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let target = jobs::target_of_leased(&mut transaction, id, owner).await?;
        match document {
            // A job ends with its row: one without a row has no lease either, whatever its own row says.
            Some(document) => facets::put(&mut *transaction, &target, name, document)
                .await
                .map_err(|error| if matches!(error, Error::Absent(_)) { Error::LeaseLost } else { error })?,
            None => facets::delete(&mut *transaction, &target, name).await?,
        }
        Ok(transaction.commit().await?)
    }

    async fn postpone(&self, id: JobId, owner: &str, run_after: Timestamp) -> Result<(), Error> {
        jobs::postpone(&self.writer, id, owner, run_after).await
    }

    async fn finish(
        &self,
        id: JobId,
        owner: &str,
        ending: Ending,
        at: Timestamp,
        change: Change,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        jobs::check_lease(&mut transaction, id, owner).await?;
        commit::apply(&mut transaction, &change, Some(id), Some(at)).await?;
        jobs::end(&mut transaction, id, &ending, at).await?;
        Ok(transaction.commit().await?)
    }

    async fn take_over(&self, owner: &str) -> Result<u64, Error> {
        jobs::take_over(&self.writer, owner).await
    }

    async fn open_jobs(&self) -> Result<Vec<JobId>, Error> {
        jobs::open(&self.readers).await
    }

    async fn forget_jobs(&self, before: Timestamp) -> Result<u64, Error> {
        jobs::forget(&self.writer, before).await
    }

    async fn activity(
        &self,
        scope: &ResourceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, Error> {
        activity::read(&self.readers, scope, since, limit).await
    }
}
