//! The schema's number and the steps to the newest one.
//!
//! Steps only go forward. A database of a newer release is refused before anything in it is touched.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions,
};

use crate::Error;

/// Each step with the number it leads to, in order.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_rows_jobs_activity.sql")),
    (2, include_str!("migrations/0002_counters.sql")),
];

/// The newest schema this release knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |(number, _)| *number)
}

/// Looks at an existing database through a connection that cannot write.
pub(super) async fn check(options: &SqliteConnectOptions) -> Result<(), Error> {
    let mut connection = options.clone().read_only(true).connect().await?;
    let answer = refuse_newer(number(&mut connection).await?);
    connection.close().await?;
    answer
}

/// Brings the database to the newest schema, whole or not at all.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found = number(&mut transaction).await?;
    refuse_newer(found)?;
    for (step, sql) in MIGRATIONS.iter().filter(|(step, _)| *step > found) {
        sqlx::raw_sql(*sql).execute(&mut *transaction).await?;
        // A pragma takes no parameters; the number is ours.
        let sql = AssertSqlSafe(format!("PRAGMA user_version = {step}"));
        sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn number(connection: &mut SqliteConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?)
}

fn refuse_newer(found: i64) -> Result<(), Error> {
    let known = known();
    if found > known { Err(Error::TooNew { found, known }) } else { Ok(()) }
}
