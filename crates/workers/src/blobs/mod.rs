//! Storage accounts as their clients use them: containers, page blobs and block blobs, below the rows that say so.
//!
//! What is acknowledged is durable: the bytes first, then the row that tells of them. A write that was not
//! acknowledged may have happened or not. A blob that was settled is written again in a file of its own.

mod blob;
mod block_file;
mod blocks;
mod conditions;
mod containers;
mod gate;
mod granted;
mod refusals;
mod settled;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use arm::{Region, ResourceId};
use control::{Clock, Engine, Ids, stored_of};
use jiff::Timestamp;
use metadata::{Change, Claim, Cursor, Expect, Listing, Row};
use providers::storage::{account, blob as names, container};
use serde_json::Value;

use self::blob::fresh_row;
use self::gate::Gates;
use crate::content::{Content, OpenContent};
use crate::{Error, Regions, Staging};

pub use self::blob::{Blob, BlobKind, Block, Headers};
pub use self::blocks::{BlockList, ListedBlock};
pub use self::conditions::{Conditions, Purpose};
pub use self::containers::Container;
pub use self::settled::{BlobImage, image_of_blob};
pub use self::write::NewBlob;

/// How often what lost a race is decided anew.
const RACES: usize = 16;

/// Everything in the storage accounts of an installation.
pub struct Blobs {
    engine: Arc<Engine>,
    regions: Regions,
    staging: Staging,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    gates: Gates,
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs").field("regions", &self.regions).finish_non_exhaustive()
    }
}

/// A storage account, as far as its blobs need it.
pub struct Account {
    /// Its row.
    pub id: ResourceId,
    /// Where its blobs are settled.
    pub region: Option<Region>,
    /// The keys in clear, base64.
    pub keys: Vec<String>,
    /// Whether the keys open it.
    pub allows_keys: bool,
    /// Whether containers may be open to everybody.
    pub allows_public: bool,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a write leaves, as its answer tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Without quotes.
    pub etag: String,
    /// When.
    pub last_modified: Timestamp,
    /// A page blob's counter.
    pub sequence: u64,
}

/// A row of a listing.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// A blob.
    Blob(Box<Blob>),
    /// What several blobs' names begin with, up to the delimiter.
    Prefix(String),
}

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// In order of their names.
    pub items: Vec<T>,
    /// The name from which the next page goes on.
    pub next: Option<String>,
}

/// What is to be listed.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What names begin with.
    pub prefix: String,
    /// What folds names into prefixes.
    pub delimiter: Option<String>,
    /// The first name.
    pub from: Option<String>,
    /// Most items.
    pub limit: usize,
    /// Also blobs of which nothing was committed yet.
    pub uncommitted: bool,
}

impl Blobs {
    /// The blobs of `engine`'s accounts.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        regions: Regions,
        staging: Staging,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { engine, regions, staging, clock, ids, gates: Gates::default() }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The account of that name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn account(&self, name: &str) -> Result<Account, Error> {
        let holder = self.engine.metadata().holder(&Claim(account::claim(name))).await?;
        let id = holder.ok_or_else(refusals::account_not_found)?;
        let row = self.engine.metadata().row(&id).await?.ok_or_else(refusals::account_not_found)?;
        let document = stored_of(&row)?.document;
        let flag = |name: &str, otherwise: bool| {
            document.properties.get(name).and_then(Value::as_bool).unwrap_or(otherwise)
        };
        let keys = document.internal.get(account::KEYS).and_then(Value::as_array);
        let reveal = |key: &Value| self.engine.reveal(&key["value"]["secret"]);
        Ok(Account {
            id: row.id.clone(),
            region: document.location.as_deref().and_then(|location| location.parse().ok()),
            keys: keys.into_iter().flatten().filter_map(reveal).collect(),
            allows_keys: flag("allowSharedKeyAccess", true),
            allows_public: flag("allowBlobPublicAccess", false),
        })
    }

    /// A blob of which something was committed, and its bytes; they stay readable whatever happens to it meanwhile.
    ///
    /// # Errors
    /// 404 when there is none, and what the conditions refuse.
    pub async fn read(
        &self,
        container: &ResourceId,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(Blob, OpenContent), Error> {
        for _ in 0..RACES {
            let blob = self.committed(container, name).await?;
            conditions.check(Some(&blob), Purpose::Read)?;
            let content = blob.content.clone().ok_or_else(refusals::blob_not_found)?;
            match self.open(content).await {
                Ok(open) => return Ok((blob, open)),
                Err(error) if is_moved(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(refusals::busy().into())
    }

    /// A blob of which something was committed.
    ///
    /// # Errors
    /// 404 when there is none, or not even its container.
    pub async fn committed(&self, container: &ResourceId, name: &str) -> Result<Blob, Error> {
        let id = names::id_of(container, name).ok_or_else(refusals::blob_not_found)?;
        let (_, blob) = self.find(&id).await?;
        match blob.filter(Blob::is_committed) {
            Some(blob) => Ok(blob),
            None => {
                self.container(container).await?;
                Err(refusals::blob_not_found().into())
            }
        }
    }

    /// A page of a container's blobs.
    ///
    /// # Errors
    /// 404 when there is no such container.
    pub async fn list(&self, container: &ResourceId, wanted: &Wanted) -> Result<Page<Listed>, Error> {
        self.container(container).await?;
        let listing = Listing::Children { parent: container.clone(), type_name: names::TYPE.to_owned() };
        let from = |name: &str| Cursor { sort_key: name.to_owned(), id_key: String::new() };
        let first = wanted.from.as_deref().unwrap_or_default();
        let mut cursor = from(first.max(wanted.prefix.as_str()));
        let mut page = Page { items: Vec::new(), next: None };
        loop {
            let rows = self.engine.metadata().list(&listing, Some(&cursor), 200).await?;
            if rows.is_empty() {
                return Ok(page);
            }
            for row in rows {
                let name = row.sort_key.as_str();
                if !name.starts_with(&wanted.prefix) {
                    return Ok(page);
                }
                if page.items.len() >= wanted.limit {
                    page.next = Some(name.to_owned());
                    return Ok(page);
                }
                cursor = listing.cursor_after(&row);
                let rest = &name[wanted.prefix.len()..];
                let folded = wanted.delimiter.as_deref().filter(|sign| !sign.is_empty());
                let folded = folded.and_then(|sign| rest.find(sign).map(|at| at + sign.len()));
                if let Some(end) = folded {
                    let prefix = name[..wanted.prefix.len() + end].to_owned();
                    // On to the first name that does not begin so.
                    cursor = from(&format!("{prefix}{}", char::MAX));
                    page.items.push(Listed::Prefix(prefix));
                    break;
                }
                let blob = Blob::of(&row)?;
                if blob.is_committed() || wanted.uncommitted {
                    page.items.push(Listed::Blob(Box::new(blob)));
                }
            }
        }
    }

    /// The row of a blob, and the blob in it.
    async fn find(&self, id: &ResourceId) -> Result<(Row, Option<Blob>), Error> {
        match self.engine.metadata().row(id).await? {
            Some(row) => {
                let blob = Blob::of(&row)?;
                Ok((row, Some(blob)))
            }
            None => Ok((fresh_row(id, self.clock.now()), None)),
        }
    }

    /// Opens content of any origin to be read.
    ///
    /// # Errors
    /// As [`Content::open`].
    pub async fn open(&self, content: Content) -> Result<OpenContent, Error> {
        let (staging, regions) = (self.staging.clone(), self.regions.clone());
        tokio::task::spawn_blocking(move || content.open(&staging, &regions)).await?
    }

    /// Writes a blob's row, unless somebody did since it was read; `before` is what it was then. Files and bytes that
    /// it does not name any more go.
    async fn commit(&self, row: &Row, before: Option<&Blob>, blob: &Blob) -> Result<(), Error> {
        let mut written = blob.written_in(row)?;
        written.etag = self.ids.uuid().to_string();
        written.changed_at = self.clock.now();
        let stands = match before {
            None => Expect::NoRow(row.id.clone()),
            Some(_) => Expect::Unchanged(row.id.clone(), row.etag.clone()),
        };
        let parent = row.id.parent().map(Expect::Exists);
        let lets_go = row.holds.iter().any(|held| !written.holds.contains(held));
        let change = Change {
            expect: std::iter::once(stands).chain(parent).collect(),
            put: vec![written],
            ..Change::default()
        };
        self.engine.metadata().commit(change).await?;
        if lets_go {
            self.engine.bytes_released().notify_one();
        }
        let kept = blob.files();
        let gone = before.map(Blob::files).unwrap_or_default();
        self.remove_files(gone.into_iter().filter(|name| !kept.contains(name)).collect()).await;
        Ok(())
    }

    /// Removes files that no row names any more; one that stays is swept.
    async fn remove_files(&self, names: Vec<uuid::Uuid>) {
        if names.is_empty() {
            return;
        }
        let staging = self.staging.clone();
        let removed =
            tokio::task::spawn_blocking(move || names.into_iter().try_for_each(|name| staging.remove(name)));
        if let Ok(Err(error)) = removed.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a file under way is left to the sweep");
        }
    }

    /// A fresh state of a blob: another etag, now.
    fn touched(&self, blob: &mut Blob) -> Touched {
        // Sixteen digits are enough that no two states of one blob are told the same.
        let (high, low) = self.ids.uuid().as_u64_pair();
        blob.etag = format!("0x{:016X}", high ^ low);
        blob.last_modified = self.clock.now();
        Touched { etag: blob.etag.clone(), last_modified: blob.last_modified, sequence: blob.sequence }
    }
}

/// The container `name` of an account.
///
/// # Errors
/// 404 when there can be none of that name.
pub fn container_id(account: &Account, name: &str) -> Result<ResourceId, Error> {
    Ok(container::id_of(&account.id, name).ok_or_else(refusals::container_not_found)?)
}

/// Whether the bytes went elsewhere after the row was read.
fn is_moved(error: &Error) -> bool {
    match error {
        Error::Staging(error) => error.kind() == std::io::ErrorKind::NotFound,
        Error::Store(store::Error::Missing { .. }) => true,
        _ => false,
    }
}

/// Whether a commit lost a race.
fn lost(error: &Error) -> bool {
    matches!(error, Error::Metadata(metadata::Error::Stale(_)))
}

/// A commit that found no container any more says so.
fn without_container(error: Error) -> Error {
    match error {
        Error::Metadata(metadata::Error::Absent(id)) if !id.type_name().is(names::TYPE) => {
            refusals::container_not_found().into()
        }
        Error::Metadata(metadata::Error::Absent(_)) => refusals::blob_not_found().into(),
        error => error,
    }
}
