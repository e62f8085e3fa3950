//! How many rows count under each word, kept by the commits themselves.
//!
//! A commit adds up what its rows leave and enter and writes each counter that changes once. So a count is exact at
//! every moment, and reading one costs the same however many rows it stands for.

use std::collections::{BTreeMap, BTreeSet};

use arm::ResourceId;
use futures_util::TryStreamExt;
use sqlx::{SqliteConnection, SqlitePool};

use super::columns::{below, from_json, unreadable};
use crate::{Error, Limit, Row};

pub(super) const READ: &str = "SELECT counter, count FROM counters WHERE counter >= ? ORDER BY counter";
pub(super) const OF_ROW: &str = "SELECT counted FROM resources WHERE key = ?";
pub(super) const BELOW_ROW: &str = "SELECT counted FROM resources WHERE key > ? AND key < ?";

const ADD: &str = "INSERT INTO counters (counter, count) VALUES (?, ?) \
     ON CONFLICT (counter) DO UPDATE SET count = count + excluded.count RETURNING count";
const FORGET: &str = "DELETE FROM counters WHERE counter = ? AND count = 0";

pub(super) async fn read(pool: &SqlitePool, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
    let mut found = Vec::new();
    let mut stream = sqlx::query_as::<_, (String, i64)>(READ).bind(prefix).fetch(pool);
    while let Some((counter, count)) = stream.try_next().await? {
        if !counter.starts_with(prefix) {
            break;
        }
        found.push((counter, whole(count)?));
    }
    Ok(found)
}

/// By how much a change moves each counter.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, i64>);

impl Tally {
    /// The row is about to go.
    pub(super) async fn leave(
        &mut self,
        connection: &mut SqliteConnection,
        id: &ResourceId,
    ) -> Result<(), Error> {
        self.leave_key(connection, &id.key()).await
    }

    /// Everything below `scope` is about to go.
    pub(super) async fn leave_below(
        &mut self,
        connection: &mut SqliteConnection,
        scope: &ResourceId,
    ) -> Result<(), Error> {
        let (after, before) = below(&scope.key());
        let mut stream =
            sqlx::query_scalar::<_, String>(BELOW_ROW).bind(after).bind(before).fetch(connection);
        while let Some(counted) = stream.try_next().await? {
            self.add(&from_json::<Vec<String>>(&counted)?, -1);
        }
        Ok(())
    }

    /// The rows are about to be written, in place of what stands under their ids; the later of two stands.
    pub(super) async fn enter(
        &mut self,
        connection: &mut SqliteConnection,
        rows: &[Row],
    ) -> Result<(), Error> {
        let latest: BTreeMap<String, &Row> = rows.iter().map(|row| (row.id.key(), row)).collect();
        for (key, row) in latest {
            self.leave_key(connection, &key).await?;
            self.add(&row.counted, 1);
        }
        Ok(())
    }

    /// Writes what has changed; refuses when a counter that rose passes its limit.
    pub(super) async fn settle(
        self,
        connection: &mut SqliteConnection,
        limits: &[Limit],
    ) -> Result<(), Error> {
        for (counter, by) in self.0.into_iter().filter(|(_, by)| *by != 0) {
            let count: i64 =
                sqlx::query_scalar(ADD).bind(&counter).bind(by).fetch_one(&mut *connection).await?;
            let count = whole(count)?;
            if count == 0 {
                sqlx::query(FORGET).bind(&counter).execute(&mut *connection).await?;
            }
            let limit = limits.iter().filter(|limit| limit.counter == counter).map(|limit| limit.most).min();
            if let Some(most) = limit.filter(|most| by > 0 && count > *most) {
                let current = count.saturating_sub(by.unsigned_abs());
                return Err(Error::OverLimit { counter, current, most });
            }
        }
        Ok(())
    }

    async fn leave_key(&mut self, connection: &mut SqliteConnection, key: &str) -> Result<(), Error> {
        let counted: Option<String> = sqlx::query_scalar(OF_ROW).bind(key).fetch_optional(connection).await?;
        if let Some(counted) = counted {
            self.add(&from_json::<Vec<String>>(&counted)?, -1);
        }
        Ok(())
    }

    /// A row counts once in a counter, however often it names it.
    fn add(&mut self, counted: &[String], by: i64) {
        for counter in counted.iter().collect::<BTreeSet<_>>() {
            *self.0.entry(counter.clone()).or_default() += by;
        }
    }
}

fn whole(count: i64) -> Result<u64, Error> {
    u64::try_from(count).map_err(unreadable)
}
