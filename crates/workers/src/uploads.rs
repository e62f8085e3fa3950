//! Bytes on their way in: which chunks an upload still needs, the blocks that bring them, and the list that ends it.
//!
//! A client learns only of chunks it brought itself or may read: those of its own subscription's images. What is
//! acknowledged by a commit is durable and held by the upload's row; what came before may have to be sent again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arm::{Region, ResourceId};
use control::{Clock, Engine, Ids, row_of, stored_of};
use metadata::{Change, Cursor, Expect, Listing, Row};
use providers::{Document, Rejection};
use store::{Block, Digest, Entry, Owner, Writer};

use crate::publish::{Image, hold};
use crate::{Error, Regions};

/// How many of the newest versions of a definition an upload is compared with.
const BASIS_VERSIONS: u32 = 8;
/// How many further versions of the subscription are compared with.
const BASIS_OTHERS: u32 = 64;

/// Every upload under way.
pub struct Uploads {
    engine: Arc<Engine>,
    regions: Regions,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

impl std::fmt::Debug for Uploads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploads").field("regions", &self.regions).finish_non_exhaustive()
    }
}

/// What one upload has in memory; losing it costs the client a question and some blocks.
struct Session {
    owner: Owner,
    store: store::Region,
    /// Digests this client may be told about.
    known: HashSet<Digest>,
    /// Digests whose bytes the client has shown in this session.
    sent: Mutex<HashSet<Digest>>,
    writer: Mutex<Option<Writer>>,
    /// Plain and stored bytes that this upload added, over all its writers in this process.
    added: Mutex<(u64, u64)>,
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
        Self { engine, regions, clock, ids, sessions: Mutex::default() }
    }

    /// For each digest whether the client has to send it.
    ///
    /// # Errors
    /// 404 when there is no such upload, 409 when it is committed.
    pub async fn wanted(&self, upload: &ResourceId, digests: &[Digest]) -> Result<Vec<bool>, Error> {
        let session = self.session(upload).await?;
        let brought = session.store.written_by(&session.owner);
        let sent = session.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let told = |digest: &Digest| {
            brought.contains(digest)
                || sent.contains(digest)
                || (session.known.contains(digest) && session.store.has(digest))
        };
        Ok(digests.iter().map(|digest| !told(digest)).collect())
    }

    /// Stores blocks; each is proven before it counts.
    ///
    /// # Errors
    /// 400 when the bytes are no blocks or do not match their digests; as [`Uploads::wanted`] besides.
    pub async fn receive(&self, upload: &ResourceId, body: bytes::Bytes) -> Result<(), Error> {
        let session = self.session(upload).await?;
        tokio::task::spawn_blocking(move || {
            let mut rest = &body[..];
            while !rest.is_empty() {
                let (block, used) = Block::read_from(rest).map_err(refuse_bytes)?;
                session.put(&block)?;
                rest = &rest[used..];
            }
            Ok(())
        })
        .await?
    }

    /// Ends the upload with the list of its chunks and holes; idempotent.
    ///
    /// # Errors
    /// 400 when the list is malformed or does not fit the declared size.
    pub async fn commit(&self, upload: &ResourceId, entries: Vec<Entry>) -> Result<CommitReply, Error> {
        let session = self.session(upload).await?;
        let (row, mut document, region) = self.open_row(upload).await?;
        let size_bytes = document.properties.get("sizeBytes").and_then(serde_json::Value::as_u64);
        let size_bytes = size_bytes.ok_or_else(|| Error::Document("an upload without a size".to_owned()))?;
        let work = session.clone();
        let committed = tokio::task::spawn_blocking(move || {
            // Chunks first: what the list names must be visible and durable before the list is.
            let sealed = work.seal()?;
            let committed = store::commit_entries(&work.store, work.owner, entries, size_bytes);
            drop(sealed);
            committed
        })
        .await?;
        let committed = match committed {
            Ok(committed) => committed,
            Err(store::Error::Missing { digests }) => return Ok(CommitReply::Missing(digests)),
            Err(error) => return Err(refuse_bytes(error)),
        };
        let (new_bytes, stored_bytes) =
            *session.added.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let image = Image { root: committed.root, size_bytes, data_bytes: committed.logical_bytes };
        image.note(&mut document);
        let mut say =
            |name: &str, value: serde_json::Value| document.properties.insert(name.to_owned(), value);
        say("uploadState", "Committed".into());
        say("digest", committed.root.to_string().into());
        say("logicalBytes", committed.logical_bytes.into());
        say("newBytes", new_bytes.into());
        say("storedBytes", stored_bytes.into());
        let mut written = row_of(&row, &document)?;
        written.etag = self.ids.uuid().to_string();
        written.changed_at = self.clock.now();
        written.holds = vec![hold(&region, &committed.root)];
        let change = Change {
            expect: vec![Expect::Unchanged(row.id.clone(), row.etag)],
            put: vec![written],
            ..Change::default()
        };
        self.engine.metadata().commit(change).await?;
        drop(committed.pin);
        self.forget(upload);
        Ok(CommitReply::Committed {
            digest: committed.root,
            logical_bytes: committed.logical_bytes,
            new_bytes,
            stored_bytes,
        })
    }

    /// Drops what is in memory of an upload.
    pub fn forget(&self, upload: &ResourceId) {
        self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&upload.key());
    }

    /// The upload's row, if it still takes bytes.
    async fn open_row(&self, upload: &ResourceId) -> Result<(Row, Document, Region), Error> {
        let row = self.engine.metadata().row(upload).await?.ok_or_else(|| {
            Rejection::new(
                404,
                "ResourceNotFound",
                "The upload was not found; it may have expired. Begin it again.",
            )
        })?;
        let document = stored_of(&row)?.document;
        if document.properties.get("uploadState").and_then(serde_json::Value::as_str) == Some("Committed") {
            return Err(Rejection::conflict("Conflict", "The upload is committed already.").into());
        }
        let region = document.location.as_deref().and_then(|location| location.parse().ok());
        let region = region.ok_or_else(|| Error::Document("an upload without a region".to_owned()))?;
        Ok((row, document, region))
    }

    async fn session(&self, upload: &ResourceId) -> Result<Arc<Session>, Error> {
        let (row, _, region) = self.open_row(upload).await?;
        let find = |sessions: &HashMap<String, Arc<Session>>| sessions.get(&upload.key()).cloned();
        if let Some(session) = find(&self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
        {
            return Ok(session);
        }
        let store = self.regions.store(&region)?.clone();
        let known = self.basis(upload, &store).await?;
        let session = Session {
            owner: owner_of(&row),
            store,
            known,
            sent: Mutex::default(),
            writer: Mutex::default(),
            added: Mutex::default(),
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(sessions.entry(upload.key()).or_insert_with(|| Arc::new(session)).clone())
    }

    /// The chunks of images the caller may read: the newest versions of the definition, then of its subscription.
    async fn basis(&self, upload: &ResourceId, store: &store::Region) -> Result<HashSet<Digest>, Error> {
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
            roots.extend(Image::of(&stored_of(&row)?.document).map(|image| image.root));
        }
        let store = store.clone();
        let known = tokio::task::spawn_blocking(move || {
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
        });
        Ok(known.await?)
    }
}

impl Session {
    fn put(&self, block: &Block) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let writer = writer.get_or_insert_with(|| self.store.writer(self.owner));
        writer.put(block).map_err(refuse_bytes)?;
        let mut sent = self.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sent.extend(block.chunks().iter().map(|chunk| chunk.digest));
        Ok(())
    }

    fn seal(&self) -> Result<Option<store::Sealed>, store::Error> {
        let writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(None) };
        let sealed = writer.seal()?;
        let mut added = self.added.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *added = (added.0 + sealed.new_bytes, added.1 + sealed.stored_bytes);
        Ok(Some(sealed))
    }
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
