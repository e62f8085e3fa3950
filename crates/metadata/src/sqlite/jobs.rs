//! Jobs: enqueued, leased, recorded, ended.
//!
//! `due_at` alone says whether a job may be leased; `lease_owner` is set only while it is leased, and neither
//! once it has ended. Every write of a worker names its lease, so one that lost it changes nothing.

use arm::ResourceId;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::columns::{below, from_json, job_id, parsed, time, unreadable};
use crate::{Ending, Error, Job, JobId, JobState, NewJob};

pub(super) const READ: &str = "SELECT id, kind, target, input, outputs, attempt, state, result, correlation_id, \
     created_at, ended_at FROM jobs WHERE id = ?";
pub(super) const LEASE: &str = "UPDATE jobs \
     SET state = 'running', lease_owner = ?, due_at = ?, attempt = attempt + 1 \
     WHERE seq = (SELECT seq FROM jobs WHERE due_at <= ? ORDER BY due_at, seq LIMIT 1) \
     RETURNING id, kind, target, input, outputs, attempt, state, result, correlation_id, created_at, ended_at";
pub(super) const OPEN: &str = "SELECT id FROM jobs WHERE ended_at IS NULL ORDER BY created_at, seq";
pub(super) const FORGET: &str = "DELETE FROM jobs WHERE ended_at < ?";
pub(super) const TAKE_OVER: &str = "UPDATE jobs SET state = 'waiting', lease_owner = NULL, due_at = run_after \
     WHERE ended_at IS NULL AND lease_owner <> ?";
pub(super) const FREE: &str = "UPDATE resources SET operation = NULL WHERE operation = ?";
/// Only jobs whose row is there: a job that cleans up after an earlier removal goes on.
pub(super) const ON_ROW: &str = "SELECT id, created_at FROM jobs \
     WHERE ended_at IS NULL AND target_key = ? AND EXISTS (SELECT 1 FROM resources WHERE key = target_key)";
pub(super) const BELOW_ROW: &str = "SELECT id, created_at FROM jobs \
     WHERE ended_at IS NULL AND target_key > ? AND target_key < ? \
     AND EXISTS (SELECT 1 FROM resources WHERE key = target_key)";

pub(super) async fn read(pool: &SqlitePool, id: JobId) -> Result<Option<Job>, Error> {
    let found = sqlx::query(READ).bind(id.to_string()).fetch_optional(pool).await?;
    found.as_ref().map(decode).transpose()
}

fn decode(row: &SqliteRow) -> Result<Job, Error> {
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    let attempt: i64 = row.try_get("attempt")?;
    Ok(Job {
        id: job_id(row.try_get("id")?)?,
        kind: row.try_get("kind")?,
        target: parsed(row.try_get("target")?)?,
        input: from_json(row.try_get("input")?)?,
        outputs: from_json(row.try_get("outputs")?)?,
        attempt: u32::try_from(attempt).map_err(unreadable)?,
        state: state(row.try_get("state")?, row.try_get("result")?)?,
        correlation_id: row.try_get("correlation_id")?,
        created_at: time(row.try_get("created_at")?)?,
        ended_at: ended_at.map(time).transpose()?,
    })
}

/// The stored word is no state.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no state of a job")]
struct UnknownState(String);

fn state(word: &str, result: Option<&str>) -> Result<JobState, Error> {
    let result = || from_json(result.unwrap_or("null"));
    match word {
        "waiting" => Ok(JobState::Waiting),
        "running" => Ok(JobState::Running),
        "succeeded" => Ok(JobState::Succeeded(result()?)),
        "failed" => Ok(JobState::Failed(result()?)),
        "canceled" => Ok(JobState::Canceled),
        other => Err(unreadable(UnknownState(other.to_owned()))),
    }
}

pub(super) async fn enqueue(connection: &mut SqliteConnection, job: &NewJob) -> Result<(), Error> {
    let ending = match &job.state {
        // Nobody has leased it yet, whatever the caller says.
        JobState::Waiting | JobState::Running => None,
        JobState::Succeeded(value) => Some(Ending::Succeeded(value.clone())),
        JobState::Failed(value) => Some(Ending::Failed(value.clone())),
        JobState::Canceled => Some(Ending::Canceled),
    };
    sqlx::query(
        "INSERT INTO jobs (id, kind, target, target_key, input, outputs, attempt, state, correlation_id, \
             created_at, run_after, due_at) \
         VALUES (?, ?, ?, ?, ?, '{}', 0, 'waiting', ?, ?, ?, ?)",
    )
    .bind(job.id.to_string())
    .bind(&job.kind)
    .bind(job.target.to_string())
    .bind(job.target.key())
    .bind(job.input.to_string())
    .bind(&job.correlation_id)
    .bind(job.created_at.as_microsecond())
    .bind(job.created_at.as_microsecond())
    .bind(job.created_at.as_microsecond())
    .execute(&mut *connection)
    .await?;
    match ending {
        Some(ending) => close(connection, job.id, &ending, job.created_at).await,
        None => Ok(()),
    }
}

pub(super) async fn lease(
    connection: &mut SqliteConnection,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Job>, Error> {
    let leased = sqlx::query(LEASE)
        .bind(owner)
        .bind(until.as_microsecond())
        .bind(now.as_microsecond())
        .fetch_optional(connection)
        .await?;
    leased.as_ref().map(decode).transpose()
}

pub(super) async fn renew(pool: &SqlitePool, id: JobId, owner: &str, until: Timestamp) -> Result<(), Error> {
    let renewed = sqlx::query("UPDATE jobs SET due_at = ? WHERE id = ? AND lease_owner = ?")
        .bind(until.as_microsecond())
        .bind(id.to_string())
        .bind(owner)
        .execute(pool)
        .await?;
    held(renewed.rows_affected() > 0)
}

pub(super) async fn postpone(
    pool: &SqlitePool,
    id: JobId,
    owner: &str,
    run_after: Timestamp,
) -> Result<(), Error> {
    let postponed = sqlx::query(
        "UPDATE jobs SET state = 'waiting', lease_owner = NULL, run_after = ?, due_at = ? \
         WHERE id = ? AND lease_owner = ?",
    )
    .bind(run_after.as_microsecond())
    .bind(run_after.as_microsecond())
    .bind(id.to_string())
    .bind(owner)
    .execute(pool)
    .await?;
    held(postponed.rows_affected() > 0)
}

pub(super) async fn check_lease(
    connection: &mut SqliteConnection,
    id: JobId,
    owner: &str,
) -> Result<(), Error> {
    let found: Option<i64> = sqlx::query_scalar("SELECT seq FROM jobs WHERE id = ? AND lease_owner = ?")
        .bind(id.to_string())
        .bind(owner)
        .fetch_optional(connection)
        .await?;
    held(found.is_some())
}

/// The resource that a job works on, while `owner` has the lease.
pub(super) async fn target_of_leased(
    connection: &mut SqliteConnection,
    id: JobId,
    owner: &str,
) -> Result<ResourceId, Error> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT target FROM jobs WHERE id = ? AND lease_owner = ?")
            .bind(id.to_string())
            .bind(owner)
            .fetch_optional(connection)
            .await?;
    parsed(&found.ok_or(Error::LeaseLost)?)
}

fn held(held: bool) -> Result<(), Error> {
    if held { Ok(()) } else { Err(Error::LeaseLost) }
}

/// Keeps a step's output and resets the attempts, when `owner` has the lease.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    id: JobId,
    owner: &str,
    step: &str,
    output: &Value,
) -> Result<(), Error> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT outputs FROM jobs WHERE id = ? AND lease_owner = ?")
            .bind(id.to_string())
            .bind(owner)
            .fetch_optional(&mut *connection)
            .await?;
    let mut outputs: Map<String, Value> = from_json(&found.ok_or(Error::LeaseLost)?)?;
    outputs.insert(step.to_owned(), output.clone());
    sqlx::query("UPDATE jobs SET outputs = ?, attempt = 0 WHERE id = ?")
        .bind(Value::Object(outputs).to_string())
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a job and frees the rows it owned.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    id: JobId,
    ending: &Ending,
    at: Timestamp,
) -> Result<(), Error> {
    close(connection, id, ending, at).await?;
    sqlx::query(FREE).bind(id.to_string()).execute(connection).await?;
    Ok(())
}

async fn close(
    connection: &mut SqliteConnection,
    id: JobId,
    ending: &Ending,
    at: Timestamp,
) -> Result<(), Error> {
    let (word, result) = match ending {
        Ending::Succeeded(value) => ("succeeded", Some(value.to_string())),
        Ending::Failed(value) => ("failed", Some(value.to_string())),
        Ending::Canceled => ("canceled", None),
    };
    sqlx::query(
        "UPDATE jobs SET state = ?, result = ?, ended_at = ?, due_at = NULL, lease_owner = NULL WHERE id = ?",
    )
    .bind(word)
    .bind(result)
    .bind(at.as_microsecond())
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Cancels the open jobs on a row that is about to go, except `acting`.
pub(super) async fn cancel_on(
    connection: &mut SqliteConnection,
    id: &ResourceId,
    acting: Option<JobId>,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    let open = sqlx::query_as(ON_ROW).bind(id.key()).fetch_all(&mut *connection).await?;
    cancel(connection, open, acting, at).await
}

/// Cancels the open jobs on the rows below `scope` that are about to go, except `acting`.
pub(super) async fn cancel_below(
    connection: &mut SqliteConnection,
    scope: &ResourceId,
    acting: Option<JobId>,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    let (after, before) = below(&scope.key());
    let open = sqlx::query_as(BELOW_ROW).bind(after).bind(before).fetch_all(&mut *connection).await?;
    cancel(connection, open, acting, at).await
}

async fn cancel(
    connection: &mut SqliteConnection,
    open: Vec<(String, i64)>,
    acting: Option<JobId>,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    for (id, created_at) in open {
        let (id, created_at) = (job_id(&id)?, time(created_at)?);
        if acting != Some(id) {
            // A job does not end before it began, also when the change names no time.
            let at = at.map_or(created_at, |at| at.max(created_at));
            end(connection, id, &Ending::Canceled, at).await?;
        }
    }
    Ok(())
}

pub(super) async fn take_over(pool: &SqlitePool, owner: &str) -> Result<u64, Error> {
    Ok(sqlx::query(TAKE_OVER).bind(owner).execute(pool).await?.rows_affected())
}

pub(super) async fn open(pool: &SqlitePool) -> Result<Vec<JobId>, Error> {
    let ids: Vec<String> = sqlx::query_scalar(OPEN).fetch_all(pool).await?;
    ids.iter().map(|id| job_id(id)).collect()
}

pub(super) async fn forget(pool: &SqlitePool, before: Timestamp) -> Result<u64, Error> {
    Ok(sqlx::query(FORGET).bind(before.as_microsecond()).execute(pool).await?.rows_affected())
}
