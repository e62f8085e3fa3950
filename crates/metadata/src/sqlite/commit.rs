//! One change, applied inside the caller's transaction.
//!
//! The order is: conditions, removals, rows, counters, then jobs and activity. So a claim can move from a row that goes
//! to one that comes, and a job enqueued with a removal is not canceled by it.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::counters::Tally;
use super::{activity, jobs, rows};
use crate::{Change, Error, Expect, JobId};

/// Applies `change` at `at`, as far as the caller knows the time.
///
/// `acting` is the job whose step this is: its own removals do not cancel it.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
    acting: Option<JobId>,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    for condition in &change.expect {
        check(connection, condition).await?;
    }
    let at = at.max(latest_time(change));
    let mut tally = Tally::default();
    for id in &change.delete {
        tally.leave(connection, id).await?;
        jobs::cancel_on(connection, id, acting, at).await?;
        rows::delete(connection, id).await?;
    }
    for scope in &change.delete_within {
        tally.leave(connection, scope).await?;
        tally.leave_below(connection, scope).await?;
        jobs::cancel_on(connection, scope, acting, at).await?;
        jobs::cancel_below(connection, scope, acting, at).await?;
        rows::delete(connection, scope).await?;
        rows::delete_below(connection, scope).await?;
    }
    tally.enter(connection, &change.put).await?;
    rows::put(connection, &change.put).await?;
    tally.settle(connection, &change.limits).await?;
    refuse_to_leave_children(connection, change).await?;
    for job in &change.jobs {
        jobs::enqueue(connection, job).await?;
    }
    for entry in &change.activity {
        activity::append(connection, entry).await?;
    }
    Ok(())
}

async fn check(connection: &mut SqliteConnection, condition: &Expect) -> Result<(), Error> {
    let id = match condition {
        Expect::NoRow(id) | Expect::Exists(id) | Expect::Unchanged(id, _) => id,
    };
    match (condition, rows::etag(connection, id).await?) {
        (Expect::NoRow(_), None) | (Expect::Exists(_), Some(_)) => Ok(()),
        (Expect::NoRow(_), Some(_)) => Err(Error::Stale(id.clone())),
        (Expect::Unchanged(_, wanted), Some(found)) if *wanted == found => Ok(()),
        (Expect::Unchanged(..), Some(_)) => Err(Error::Stale(id.clone())),
        (Expect::Exists(_) | Expect::Unchanged(..), None) => Err(Error::Absent(id.clone())),
    }
}

/// Looks after all removals, so that a parent may go together with its children in any order.
async fn refuse_to_leave_children(connection: &mut SqliteConnection, change: &Change) -> Result<(), Error> {
    for id in &change.delete {
        let children = rows::children(connection, id).await?;
        if !children.is_empty() && rows::etag(connection, id).await?.is_none() {
            return Err(Error::HasChildren { id: id.clone(), children });
        }
    }
    Ok(())
}

/// The time of the change, as far as it names one: when the jobs that it cancels ended.
fn latest_time(change: &Change) -> Option<Timestamp> {
    let activity = change.activity.iter().map(|entry| entry.at);
    let jobs = change.jobs.iter().map(|job| job.created_at);
    let rows = change.put.iter().map(|row| row.changed_at);
    activity.chain(jobs).chain(rows).max()
}
