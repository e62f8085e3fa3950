//! Rows: what exists, what is being done, and what was done.
//!
//! A store has many reads and one write for resources, [`Store::commit`]: the rows, the job that goes on
//! with them and the activity entry land together or not at all.

mod change;
#[cfg(test)]
mod conformance;
mod error;
mod job;
mod row;
mod sqlite;
mod store;

pub use change::{ActivityEntry, Change, Expect, Limit};
pub use error::Error;
pub use job::{Ending, Job, JobId, JobState, NewJob};
pub use row::{Claim, Cursor, Listing, Row};
pub use sqlite::Sqlite;
pub use store::Store;
