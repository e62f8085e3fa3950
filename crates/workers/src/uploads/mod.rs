//! Bytes on their way in: which chunks an upload still needs, the blocks that bring them, and the list that ends it.
//!
//! A client learns only of chunks it brought itself or may read: those of its own subscription's images. What is
//! acknowledged by a commit is durable and held by the upload's row; what came before may have to be sent again.

mod session;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use arm::{Region, ResourceId, wire_time};
use control::{Clock, Engine, Ids, row_of, stored_of};
use jiff::{SignedDuration, Timestamp};
use metadata::{Change, Cursor, Expect, Listing, Row};
use providers::images::upload::COMMITTED;
use providers::{Document, Rejection};
use serde_json::Value;
use store::{Block, Committed, Digest, Entry, ManifestBuilder, Owner};

use self::session::Session;
use self::sessions::Sessions;
use crate::image::{Image, Images, hold};
use crate::{Error, Regions};

/// How many versions of its definition an upload is compared with: those with the highest numbers.
const BASIS_VERSIONS: u32 = 8;
/// How many versions of its subscription it is compared with besides: those with the highest numbers, whatever their
/// age. A list by age would need an order that the rows do not keep; what is left out only travels once more.
const BASIS_OTHERS: u32 = 64;
/// How long an upload waits for more bytes; as long as the resource type lets a new one wait.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How often at most arriving bytes push the end of an upload: each time is a write.
const EXTEND_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// How long a committed upload waits for a version to be made of it, and for the jobs that do.
const COMMITTED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How often a commit that lost a race against another write of the upload is decided anew.
const RACES: usize = 16;

/// Every upload under way.
pub struct Uploads {
    engine: Arc<Engine>,
    regions: Regions,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sessions: Sessions,
}

impl std::fmt::Debug for Uploads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploads").field("regions", &self.regions).finish_non_exhaustive()
    }
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitReply {
    /// The image is whole and durable.
    Committed {
        /// Its digest.
        digest: Digest,
        /// Bytes that are not holes.
        logical_bytes: u64,
        /// Plain bytes of chunks that were new.
        new_bytes: u64,
        /// Bytes those take in the store.
        stored_bytes: u64,
    },
    /// These chunks have to be sent (again).
    Missing(Vec<Digest>),
}

impl Uploads {
    /// No uploads yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>, regions: Regions, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { engine, regions, clock, ids, sessions: Sessions::default() }
    }

    /// For each digest whether the client has to send it; a committed upload wants nothing that is in its image.
    ///
    /// # Errors
    /// 404 when there is no such upload.
    pub async fn wanted(&self, upload: &ResourceId, digests: Vec<Digest>) -> Result<Vec<bool>, Error> {
        let found = self.open(upload).await?;
        if let Some(image) = found.committed {
            let (store, root) = (self.regions.store(&found.region)?.clone(), image.root);
            let wanted = tokio::task::spawn_blocking(move || {
                let chunks = chunks_of(&store, [root]);
                digests.iter().map(|digest| !chunks.contains(digest)).collect()
            });
            return Ok(wanted.await?);
        }
        let session = self.session(upload, &found).await?;
        Ok(tokio::task::spawn_blocking(move || session.wanted(&digests)).await?)
    }

    /// Stores blocks; each is proven before it counts.
    ///
    /// # Errors
    /// 400 when the bytes are no blocks, before anything is stored, or do not match their digests, with nothing of
    /// that block stored. 404 when there is no such upload, 409 when it is committed.
    pub async fn receive(&self, upload: &ResourceId, body: bytes::Bytes) -> Result<(), Error> {
        let found = self.open(upload).await?;
        if found.committed.is_some() {
            return Err(Rejection::conflict("Conflict", "The upload is committed already.").into());
        }
        let session = self.session(upload, &found).await?;
        tokio::task::spawn_blocking(move || {
            let mut blocks = Vec::new();
            let mut rest = &body[..];
            while !rest.is_empty() {
                let (block, used) = Block::read_from(rest).map_err(refuse_bytes)?;
                blocks.push(block);
                rest = &rest[used..];
            }
            session.put(&blocks).map_err(refuse_bytes)
        })
        .await??;
        self.extend(&found).await
    }

    /// Pushes the end of an upload whose bytes are arriving.
    async fn extend(&self, found: &Found) -> Result<(), Error> {
        let until = self.clock.now().saturating_add(OPEN_FOR).unwrap_or(Timestamp::MAX);
        let stands = found.document.properties.get("expiresAt").and_then(Value::as_str);
        let stands = stands.and_then(|text| text.parse::<Timestamp>().ok());
        if stands.is_some_and(|stands| until.duration_since(stands) < EXTEND_EVERY) {
            return Ok(());
        }
        let mut document = found.document.clone();
        document.properties.insert("expiresAt".to_owned(), wire_time(until).into());
        match self.replace(found, &document, found.row.holds.clone()).await {
            // Written by somebody else meanwhile, or gone: the next body finds out.
            Err(Error::Metadata(metadata::Error::Stale(_) | metadata::Error::Absent(_))) => Ok(()),
            ended => ended,
        }
    }

    /// Ends the upload with the list of its chunks and holes; the same list again gets the same answer.
    ///
    /// # Errors
    /// 400 when the list is malformed or does not fit the declared size, 404 when there is no such upload, 409 when
    /// it is committed with another list.
    pub async fn commit(&self, upload: &ResourceId, entries: Vec<Entry>) -> Result<CommitReply, Error> {
        let entries = Arc::new(entries);
        for _ in 0..RACES {
            let found = self.open(upload).await?;
            if let Some(image) = found.committed {
                return committed_before(&found.document, image, entries).await;
            }
            let session = self.session(upload, &found).await?;
            let (work, listed, size_bytes) = (session.clone(), entries.clone(), found.size_bytes);
            let committed = tokio::task::spawn_blocking(move || work.commit(&listed, size_bytes)).await?;
            let committed = match committed {
                Ok(committed) => committed,
                Err(store::Error::Missing { digests }) => return Ok(CommitReply::Missing(digests)),
                Err(error) => return Err(refuse_bytes(error)),
            };
            match self.write_down(&found, &session, &committed).await {
                Ok(reply) => {
                    self.forget(upload);
                    return Ok(reply);
                }
                // Somebody wrote the upload meanwhile: decided anew on what stands now.
                Err(Error::Metadata(metadata::Error::Stale(_) | metadata::Error::Absent(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Rejection::conflict("Conflict", "The upload is being changed by others. Try again.").into())
    }

    /// Records a committed image in the upload's row, which from then on holds it.
    async fn write_down(
        &self,
        found: &Found,
        session: &Session,
        committed: &Committed,
    ) -> Result<CommitReply, Error> {
        let (new_bytes, stored_bytes) = session.added();
        let (digest, logical_bytes) = (committed.root, committed.logical_bytes);
        let image = Image { root: digest, size_bytes: found.size_bytes, data_bytes: logical_bytes };
        let mut document = found.document.clone();
        image.note(&mut document);
        let mut say = |name: &str, value: Value| document.properties.insert(name.to_owned(), value);
        say("uploadState", COMMITTED.into());
        say("digest", digest.to_string().into());
        say("logicalBytes", logical_bytes.into());
        say("newBytes", new_bytes.into());
        say("storedBytes", stored_bytes.into());
        let until = self.clock.now().saturating_add(COMMITTED_FOR).unwrap_or(Timestamp::MAX);
        say("expiresAt", wire_time(until).into());
        self.replace(found, &document, vec![hold(&found.region, &digest)]).await?;
        Ok(CommitReply::Committed { digest, logical_bytes, new_bytes, stored_bytes })
    }

    /// Writes an upload's row, unless somebody else did since it was read.
    async fn replace(&self, found: &Found, document: &Document, holds: Vec<String>) -> Result<(), Error> {
        let mut written = row_of(&found.row, document)?;
        written.etag = self.ids.uuid().to_string();
        written.changed_at = self.clock.now();
        written.holds = holds;
        let change = Change {
            expect: vec![Expect::Unchanged(found.row.id.clone(), found.row.etag.clone())],
            put: vec![written],
            ..Change::default()
        };
        Ok(self.engine.metadata().commit(change).await?)
    }

    /// Drops what is in memory of an upload.
    pub fn forget(&self, upload: &ResourceId) {
        self.sessions.forget(upload);
    }

    /// Drops what is in memory of uploads that are no more, so that the bytes they pinned can go, and of those that
    /// nobody used for long.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn forget_gone(&self) -> Result<(), Error> {
        for (upload, owner) in self.sessions.uploads() {
            let row = self.engine.metadata().row(&upload).await?;
            if row.is_none_or(|row| owner_of(&row) != owner) {
                self.sessions.forget_of(&upload, owner);
            }
        }
        self.sessions.drop_idle(self.clock.now()).await
    }

    /// The upload as it stands.
    async fn open(&self, upload: &ResourceId) -> Result<Found, Error> {
        let row = self.engine.metadata().row(upload).await?.ok_or_else(|| {
            Rejection::new(
                404,
                "ResourceNotFound",
                "The upload was not found; it may have expired. Begin it again.",
            )
        })?;
        let document = stored_of(&row)?.document;
        let property = |name: &str| document.properties.get(name);
        let size_bytes = property("sizeBytes").and_then(Value::as_u64);
        let size_bytes = size_bytes.ok_or_else(|| Error::Document("an upload without a size".to_owned()))?;
        let region = document.location.as_deref().and_then(|location| location.parse().ok());
        let region = region.ok_or_else(|| Error::Document("an upload without a region".to_owned()))?;
        let is_committed = property("uploadState").and_then(Value::as_str) == Some(COMMITTED);
        let committed = if is_committed { Image::of(&document) } else { None };
        Ok(Found { row, document, region, size_bytes, committed })
    }

    /// What is in memory of an open upload, begun when there is nothing yet.
    async fn session(&self, upload: &ResourceId, found: &Found) -> Result<Arc<Session>, Error> {
        let owner = owner_of(&found.row);
        let begin = async {
            let (store, upload) = (self.regions.store(&found.region)?.clone(), upload.clone());
            let roots = self.basis(&upload).await?;
            let begun = tokio::task::spawn_blocking(move || {
                let known = chunks_of(&store, roots);
                Session::new(upload, owner, store, known)
            });
            Ok(begun.await?)
        };
        self.sessions.get(upload, owner, self.clock.now(), begin).await
    }

    /// Images the caller may read: versions of the definition, then of its subscription.
    async fn basis(&self, upload: &ResourceId) -> Result<HashSet<Digest>, Error> {
        let type_name = "Microsoft.Compute/galleries/images/versions".to_owned();
        let rows = self.engine.metadata();
        let mut versions = Vec::new();
        if let Some(definition) = upload.parent() {
            let listing = Listing::Children { parent: definition, type_name: type_name.clone() };
            versions.extend(rows.list_back(&listing, None::<&Cursor>, BASIS_VERSIONS).await?);
        }
        if let Some(subscription) = upload.subscription() {
            let scope = ResourceId::subscription_scope(subscription)
                .map_err(|error| Error::Document(error.to_string()))?;
            versions.extend(
                rows.list_back(&Listing::OfType { scope, type_name }, None::<&Cursor>, BASIS_OTHERS).await?,
            );
        }
        let mut roots = HashSet::new();
        for row in versions {
            let images = Images::of(&stored_of(&row)?.document);
            roots.extend(images.iter().flat_map(Images::all).map(|image| image.root));
        }
        Ok(roots)
    }
}

/// An upload as its row has it.
struct Found {
    row: Row,
    document: Document,
    region: Region,
    size_bytes: u64,
    /// The image, once it is committed.
    committed: Option<Image>,
}

/// Every chunk of these images that `store` can list.
fn chunks_of(store: &store::Region, roots: impl IntoIterator<Item = Digest>) -> HashSet<Digest> {
    let mut known = HashSet::new();
    for root in roots.into_iter().filter(|root| store.has(root)) {
        // An image that cannot be read helps nobody; the chunks are simply sent.
        let Ok(manifest) = store.manifest(root) else { continue };
        for entry in manifest.entries() {
            let Ok(entry) = entry else { break };
            if let (_, Entry::Chunk { digest, .. }) = entry {
                known.insert(digest);
            }
        }
    }
    known
}

/// The answer to a commit that comes again: the reply to the first may have been lost.
async fn committed_before(
    document: &Document,
    image: Image,
    entries: Arc<Vec<Entry>>,
) -> Result<CommitReply, Error> {
    let root = tokio::task::spawn_blocking(move || root_of(&entries)).await?.map_err(refuse_bytes)?;
    if root != image.root {
        let message = "The upload is committed already, with another image. Begin another upload.";
        return Err(Rejection::conflict("Conflict", message).into());
    }
    let number = |name: &str| document.properties.get(name).and_then(Value::as_u64).unwrap_or(0);
    Ok(CommitReply::Committed {
        digest: image.root,
        logical_bytes: image.data_bytes,
        new_bytes: number("newBytes"),
        stored_bytes: number("storedBytes"),
    })
}

/// The digest of the image that a list stands for; nothing is stored.
fn root_of(entries: &[Entry]) -> Result<Digest, store::Error> {
    let mut manifest = ManifestBuilder::new();
    for entry in entries {
        manifest.push(entry, &mut |_digest, _page| Ok(()))?;
    }
    manifest.finish(&mut |_digest, _page| Ok(()))
}

/// The owner of an upload's packs: its id and its birth, so that a name used again is another owner.
pub(crate) fn owner_of(row: &Row) -> Owner {
    let name = format!("{}|{}", row.id.key(), row.created_at.as_microsecond());
    let mut owner = [0; 16];
    owner.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
    Owner(owner)
}

fn refuse_bytes(error: store::Error) -> Error {
    match error {
        store::Error::Invalid { detail } => Rejection::new(400, "InvalidRequestContent", detail).into(),
        store::Error::Corrupt { detail, .. } => Rejection::new(
            400,
            "InvalidRequestContent",
            format!("A chunk does not match its digest: {detail}."),
        )
        .into(),
        error => error.into(),
    }
}
