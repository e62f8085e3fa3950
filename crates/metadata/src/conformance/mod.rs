//! The promises of [`Store`] as tests, run on every backend.
//!
//! A new backend is one variant of [`Backend`] and its line in each `#[values]`.

mod commits;
mod counters;
mod job_model;
mod jobs;
mod listings;
mod model;
mod races;
mod sidecars;

use std::ops::Deref;
use std::sync::Arc;

use arm::ResourceId;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{ActivityEntry, Change, Claim, Cursor, JobId, JobState, NewJob, Row, Sqlite, Store};

/// What keeps the promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file in a folder that goes with the test.
    Sqlite,
    /// SQLite without a file.
    Memory,
}

/// An empty store and what it stands on.
pub(crate) struct Opened {
    store: Arc<dyn Store>,
    _folder: Option<TempDir>,
}

impl Backend {
    pub(crate) async fn open(self) -> Opened {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("rows.db")).await.unwrap();
                Opened { store: Arc::new(store), _folder: Some(folder) }
            }
            Self::Memory => Opened { store: Arc::new(Sqlite::in_memory().await.unwrap()), _folder: None },
        }
    }
}

impl Opened {
    pub(crate) fn share(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

impl Deref for Opened {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

pub(crate) const GALLERIES: &str = "Microsoft.Compute/galleries";
pub(crate) const DEFINITIONS: &str = "Microsoft.Compute/galleries/images";
pub(crate) const VERSIONS: &str = "Microsoft.Compute/galleries/images/versions";

pub(crate) fn subscription() -> ResourceId {
    ResourceId::subscription_scope("S1").unwrap()
}

pub(crate) fn group(name: &str) -> ResourceId {
    subscription().child("resourceGroups", name).unwrap()
}

pub(crate) fn gallery(group_name: &str, name: &str) -> ResourceId {
    group(group_name).provider("Microsoft.Compute", "galleries", name).unwrap()
}

pub(crate) fn definition(gallery: &ResourceId, name: &str) -> ResourceId {
    gallery.child("images", name).unwrap()
}

pub(crate) fn version(definition: &ResourceId, name: &str) -> ResourceId {
    definition.child("versions", name).unwrap()
}

/// A moment, in seconds after the epoch.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A plain row; its sort key is its name.
pub(crate) fn row(id: &ResourceId, etag: &str) -> Row {
    Row {
        id: id.clone(),
        sort_key: id.name().to_ascii_lowercase(),
        document: json!({"schema": 1, "written": etag}),
        etag: etag.to_owned(),
        operation: None,
        claims: vec![],
        holds: vec![],
        counted: vec![],
        created_at: at(1),
        changed_at: at(1),
    }
}

pub(crate) fn claims(words: &[&str]) -> Vec<Claim> {
    words.iter().map(|word| Claim((*word).to_owned())).collect()
}

/// A change that writes plain rows.
pub(crate) fn putting<'a>(ids: impl IntoIterator<Item = &'a ResourceId>) -> Change {
    Change { put: ids.into_iter().map(|id| row(id, "e1")).collect(), ..Change::default() }
}

pub(crate) fn deleting(ids: &[&ResourceId]) -> Change {
    Change { delete: ids.iter().map(|id| (*id).clone()).collect(), ..Change::default() }
}

pub(crate) fn job_id(number: u128) -> JobId {
    JobId(Uuid::from_u128(number))
}

/// A waiting job, enqueued and due at `second`.
pub(crate) fn job(number: u128, target: &ResourceId, second: i64) -> NewJob {
    NewJob {
        id: job_id(number),
        kind: "publish".to_owned(),
        target: target.clone(),
        input: json!({"number": number.to_string()}),
        state: JobState::Waiting,
        correlation_id: "c1".to_owned(),
        created_at: at(second),
    }
}

pub(crate) fn enqueueing(jobs: Vec<NewJob>) -> Change {
    Change { jobs, ..Change::default() }
}

pub(crate) fn entry(target: &ResourceId, second: i64, action: &str) -> ActivityEntry {
    ActivityEntry {
        target: target.clone(),
        at: at(second),
        action: action.to_owned(),
        caller: "someone".to_owned(),
        correlation_id: "c1".to_owned(),
        document: Value::Null,
    }
}

pub(crate) fn cursor_at(row: &Row) -> Cursor {
    Cursor { sort_key: row.sort_key.clone(), id_key: row.id.key() }
}

pub(crate) fn names(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.id.name().to_owned()).collect()
}
