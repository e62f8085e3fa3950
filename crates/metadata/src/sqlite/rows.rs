//! Single rows: read, written, removed.
//!
//! A row's claims and holds stand in the row, so that reading it is one statement, and in tables of their own,
//! where they are found by their words.

use std::collections::BTreeMap;

use arm::ResourceId;
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::columns::{below, from_json, job_id, parsed, time};
use crate::{Claim, Error, Row};

/// What [`decode`] reads.
pub(super) const COLUMNS: &str =
    "id, sort_key, document, etag, operation, claims, holds, counted, created_at, changed_at";

pub(super) const READ: &str = "SELECT id, sort_key, document, etag, operation, claims, holds, counted, created_at, changed_at \
     FROM resources WHERE key = ?";
pub(super) const ETAG: &str = "SELECT etag FROM resources WHERE key = ?";
pub(super) const CHILDREN: &str =
    "SELECT id FROM resources WHERE parent_key = ? ORDER BY type_key, sort_key, key LIMIT 3";
pub(super) const DESCENDANTS: &str =
    "SELECT id FROM resources WHERE key > ? AND key < ? ORDER BY key LIMIT 3";
pub(super) const HOLDS: &str = "SELECT DISTINCT hold FROM holds WHERE hold >= ? ORDER BY hold";
pub(super) const HOLDER: &str =
    "SELECT resources.id FROM claims JOIN resources ON resources.key = claims.resource_key WHERE claim = ?";
pub(super) const CLAIMED: &str = "SELECT claim, resources.id FROM claims JOIN resources ON resources.key = claims.resource_key \
     WHERE claim > ? ORDER BY claim LIMIT ?";
pub(super) const DELETE: &str = "DELETE FROM resources WHERE key = ?";
pub(super) const DELETE_BELOW: &str = "DELETE FROM resources WHERE key > ? AND key < ?";

const PUT: &str = "INSERT INTO resources (key, id, parent_key, type_key, subscription_key, group_key, sort_key, \
         etag, operation, claims, holds, counted, created_at, changed_at, document) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (key) DO UPDATE SET sort_key = excluded.sort_key, etag = excluded.etag, \
         operation = excluded.operation, claims = excluded.claims, holds = excluded.holds, \
         counted = excluded.counted, changed_at = excluded.changed_at, document = excluded.document";

pub(super) async fn read(pool: &SqlitePool, id: &ResourceId) -> Result<Option<Row>, Error> {
    let found = sqlx::query(READ).bind(id.key()).fetch_optional(pool).await?;
    found.as_ref().map(decode).transpose()
}

pub(super) fn decode(row: &SqliteRow) -> Result<Row, Error> {
    let operation: Option<&str> = row.try_get("operation")?;
    let claims: Vec<String> = from_json(row.try_get("claims")?)?;
    Ok(Row {
        id: parsed(row.try_get("id")?)?,
        sort_key: row.try_get("sort_key")?,
        document: from_json(row.try_get("document")?)?,
        etag: row.try_get("etag")?,
        operation: operation.map(job_id).transpose()?,
        claims: claims.into_iter().map(Claim).collect(),
        holds: from_json(row.try_get("holds")?)?,
        counted: from_json(row.try_get("counted")?)?,
        created_at: time(row.try_get("created_at")?)?,
        changed_at: time(row.try_get("changed_at")?)?,
    })
}

pub(super) async fn holds(pool: &SqlitePool, prefix: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut stream = sqlx::query_scalar::<_, String>(HOLDS).bind(prefix).fetch(pool);
    while let Some(hold) = stream.try_next().await? {
        if !hold.starts_with(prefix) {
            break;
        }
        found.push(hold);
    }
    Ok(found)
}

/// Whose a claim is.
pub(super) async fn holder(pool: &SqlitePool, claim: &Claim) -> Result<Option<ResourceId>, Error> {
    let found: Option<String> = sqlx::query_scalar(HOLDER).bind(&claim.0).fetch_optional(pool).await?;
    found.as_deref().map(parsed).transpose()
}

/// Claims that begin with `prefix`, from the first after `after` on.
pub(super) async fn claimed(
    pool: &SqlitePool,
    prefix: &str,
    after: Option<&Claim>,
    limit: u32,
) -> Result<Vec<(Claim, ResourceId)>, Error> {
    let mut found = Vec::new();
    // The prefix itself is a claim that begins with it.
    if after.is_none()
        && limit > 0
        && let Some(holder) = holder(pool, &Claim(prefix.to_owned())).await?
    {
        found.push((Claim(prefix.to_owned()), holder));
    }
    let after = after.map_or(prefix, |after| after.0.as_str().max(prefix));
    let rest = i64::from(limit) - i64::try_from(found.len()).unwrap_or(0);
    let rows: Vec<(String, String)> = sqlx::query_as(CLAIMED).bind(after).bind(rest).fetch_all(pool).await?;
    for (claim, id) in rows.into_iter().take_while(|(claim, _)| claim.starts_with(prefix)) {
        found.push((Claim(claim), parsed(&id)?));
    }
    Ok(found)
}

/// The etag of a row, when there is one.
pub(super) async fn etag(
    connection: &mut SqliteConnection,
    id: &ResourceId,
) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar(ETAG).bind(id.key()).fetch_optional(connection).await?)
}

/// Writes rows whole; of a row that is named twice, the later stands.
///
/// All of them give up their claims before any takes its new ones, so that claims can move.
pub(super) async fn put(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), Error> {
    let latest: BTreeMap<String, &Row> = rows.iter().map(|row| (row.id.key(), row)).collect();
    for key in latest.keys() {
        sqlx::query("DELETE FROM claims WHERE resource_key = ?").bind(key).execute(&mut *connection).await?;
        sqlx::query("DELETE FROM holds WHERE resource_key = ?").bind(key).execute(&mut *connection).await?;
    }
    for row in rows {
        put_one(connection, row).await?;
    }
    for (key, row) in latest {
        take_claims(connection, row).await?;
        for hold in &row.holds {
            sqlx::query("INSERT INTO holds (hold, resource_key) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(hold)
                .bind(&key)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn put_one(connection: &mut SqliteConnection, row: &Row) -> Result<(), Error> {
    let key_of = |id: Option<ResourceId>| id.map_or_else(String::new, |id| id.key());
    let claims: Vec<&str> = row.claims.iter().map(|claim| claim.0.as_str()).collect();
    sqlx::query(PUT)
        .bind(row.id.key())
        .bind(row.id.to_string())
        .bind(key_of(row.id.parent()))
        .bind(row.id.type_name().key())
        .bind(row.id.subscription().unwrap_or_default().to_ascii_lowercase())
        .bind(key_of(row.id.group_id()))
        .bind(&row.sort_key)
        .bind(&row.etag)
        .bind(row.operation.map(|job| job.to_string()))
        .bind(serde_json::json!(claims).to_string())
        .bind(serde_json::json!(row.holds).to_string())
        .bind(serde_json::json!(row.counted).to_string())
        .bind(row.created_at.as_microsecond())
        .bind(row.changed_at.as_microsecond())
        .bind(row.document.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn take_claims(connection: &mut SqliteConnection, row: &Row) -> Result<(), Error> {
    for claim in &row.claims {
        let taken =
            sqlx::query("INSERT INTO claims (claim, resource_key) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(&claim.0)
                .bind(row.id.key())
                .execute(&mut *connection)
                .await?;
        if taken.rows_affected() == 0 {
            let holder: String =
                sqlx::query_scalar(HOLDER).bind(&claim.0).fetch_one(&mut *connection).await?;
            let holder: ResourceId = parsed(&holder)?;
            // A row may name a claim twice.
            if holder != row.id {
                return Err(Error::Taken { claim: claim.clone(), holder });
            }
        }
    }
    Ok(())
}

/// Removes one row; no error when it is not there.
pub(super) async fn delete(connection: &mut SqliteConnection, id: &ResourceId) -> Result<(), Error> {
    sqlx::query(DELETE).bind(id.key()).execute(connection).await?;
    Ok(())
}

/// Removes everything below `scope`, itself not included.
pub(super) async fn delete_below(connection: &mut SqliteConnection, scope: &ResourceId) -> Result<(), Error> {
    let (after, before) = below(&scope.key());
    sqlx::query(DELETE_BELOW).bind(after).bind(before).execute(connection).await?;
    Ok(())
}

/// Up to three resources that hang on `id`: its children, or else what lies deeper.
pub(super) async fn children(
    connection: &mut SqliteConnection,
    id: &ResourceId,
) -> Result<Vec<ResourceId>, Error> {
    let key = id.key();
    let mut found: Vec<String> = sqlx::query_scalar(CHILDREN).bind(&key).fetch_all(&mut *connection).await?;
    if found.is_empty() {
        let (after, before) = below(&key);
        found = sqlx::query_scalar(DESCENDANTS).bind(after).bind(before).fetch_all(connection).await?;
    }
    found.iter().map(|id| parsed(id)).collect()
}
