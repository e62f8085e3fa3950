//! Small documents beside a row.

use arm::ResourceId;
use serde_json::Value;
use sqlx::{SqliteExecutor, SqlitePool};

use super::columns::from_json;
use crate::Error;

pub(super) const READ: &str =
    "SELECT name, document FROM facets WHERE resource_key = ? AND name >= ? ORDER BY name";

/// One statement, so that the row cannot go between the look and the write.
pub(super) const PUT: &str = "INSERT INTO facets (resource_key, name, document) \
     SELECT key, ?, ? FROM resources WHERE key = ? \
     ON CONFLICT (resource_key, name) DO UPDATE SET document = excluded.document";

pub(super) async fn read(
    pool: &SqlitePool,
    id: &ResourceId,
    prefix: &str,
) -> Result<Vec<(String, Value)>, Error> {
    let found: Vec<(String, String)> =
        sqlx::query_as(READ).bind(id.key()).bind(prefix).fetch_all(pool).await?;
    found
        .into_iter()
        .take_while(|(name, _)| name.starts_with(prefix))
        .map(|(name, document)| Ok((name, from_json(&document)?)))
        .collect()
}

pub(super) async fn put(
    database: impl SqliteExecutor<'_>,
    id: &ResourceId,
    name: &str,
    document: &Value,
) -> Result<(), Error> {
    let written =
        sqlx::query(PUT).bind(name).bind(document.to_string()).bind(id.key()).execute(database).await?;
    if written.rows_affected() == 0 { Err(Error::Absent(id.clone())) } else { Ok(()) }
}

pub(super) async fn delete(
    database: impl SqliteExecutor<'_>,
    id: &ResourceId,
    name: &str,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM facets WHERE resource_key = ? AND name = ?")
        .bind(id.key())
        .bind(name)
        .execute(database)
        .await?;
    Ok(())
}
