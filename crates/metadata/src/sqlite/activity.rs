//! The activity log: appended, read by scope, newest first.

use arm::ResourceId;
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::columns::{from_json, parsed, time};
use crate::{ActivityEntry, Error};

pub(super) const READ: &str = "SELECT target, activity.at, action, caller, correlation_id, document \
     FROM activity_scopes JOIN activity ON activity.seq = activity_scopes.seq \
     WHERE scope_key = ? AND activity_scopes.at >= ? \
     ORDER BY activity_scopes.at DESC, activity_scopes.seq DESC LIMIT ?";

pub(super) async fn append(connection: &mut SqliteConnection, entry: &ActivityEntry) -> Result<(), Error> {
    let at = entry.at.as_microsecond();
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO activity (target, at, action, caller, correlation_id, document) \
         VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
    )
    .bind(entry.target.to_string())
    .bind(at)
    .bind(&entry.action)
    .bind(&entry.caller)
    .bind(&entry.correlation_id)
    .bind(entry.document.to_string())
    .fetch_one(&mut *connection)
    .await?;
    let scopes = std::iter::successors(Some(entry.target.clone()), ResourceId::parent);
    for scope in scopes {
        sqlx::query("INSERT INTO activity_scopes (scope_key, at, seq) VALUES (?, ?, ?)")
            .bind(scope.key())
            .bind(at)
            .bind(seq)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn read(
    pool: &SqlitePool,
    scope: &ResourceId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<ActivityEntry>, Error> {
    let found = sqlx::query(READ)
        .bind(scope.key())
        .bind(since.as_microsecond())
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(ActivityEntry {
                target: parsed(row.try_get("target")?)?,
                at: time(row.try_get("at")?)?,
                action: row.try_get("action")?,
                caller: row.try_get("caller")?,
                correlation_id: row.try_get("correlation_id")?,
                document: from_json(row.try_get("document")?)?,
            })
        })
        .collect()
}
