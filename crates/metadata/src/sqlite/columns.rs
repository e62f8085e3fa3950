//! Our values as columns and back.
//!
//! Columns are TEXT and BIGINT only; a column that does not read back is [`Error::Unreadable`], never a guess.

use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{Error, JobId};

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unreadable(Box::new(error))
}

/// A value that is kept in its text form.
pub(super) fn parsed<T>(text: &str) -> Result<T, Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(unreadable)
}

/// A value that is kept as JSON.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(unreadable)
}

/// A time that is kept as microseconds.
pub(super) fn time(microseconds: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(microseconds).map_err(unreadable)
}

pub(super) fn job_id(text: &str) -> Result<JobId, Error> {
    Ok(JobId(parsed(text)?))
}

/// Bounds `(after, before)` of the keys of everything below `key`, itself not included.
///
/// `/` ends a segment and `0` is the character after it, so `…/g10` is not below `…/g1`.
pub(super) fn below(key: &str) -> (String, String) {
    (format!("{key}/"), format!("{key}0"))
}
