//! Where a version's image comes from: an upload, a blob, or another version.

use arm::{ErrorDetail, Region, ResourceId};
use control::stored_of;
use disks::{InputFormat, Limits};
use providers::{Document, Stored};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{complete_regions, most_bytes, size_in_gib, too_large};
use crate::Error;
use crate::image::Image;
use crate::job::{Running, Stop};
use crate::source::{Remote, SourceError};

/// An image that stands in at least one region.
pub(crate) struct Origin {
    pub(crate) image: Image,
    /// Keeps what was just fetched from being collected until the version's row does.
    pub(crate) pin: Option<store::Pin>,
    /// A region in which it stands, when that is not where it was brought for this version.
    pub(crate) stands_in: Option<Region>,
    /// The resource that holds the image already; it must still be there when the version takes over.
    pub(crate) held_by: Option<ResourceId>,
    /// The upload that has become a version and is not needed any more.
    pub(crate) used_up: Option<ResourceId>,
}

pub(crate) async fn find(running: &Running, document: &Document) -> Result<Origin, Stop> {
    let source = running.job.input.get("source").filter(|source| !source.is_null());
    let source = source.or_else(|| document.internal.get("source"));
    let word = |name: &str| source.and_then(|source| source.get(name)).and_then(Value::as_str);
    let linked = || word("id").and_then(|id| id.parse::<ResourceId>().ok());
    let home = document.location.as_deref().and_then(|location| location.parse::<Region>().ok());
    let home = home.ok_or_else(|| broken("the version has no home region"))?;
    match (word("kind"), linked()) {
        (Some("upload"), Some(id)) => from_upload(running, &id, &home).await,
        (Some("version"), Some(id)) => from_version(running, &id).await,
        (Some("blob"), _) => {
            let sealed = source.and_then(|source| source.get("secret"));
            let address = sealed.and_then(|sealed| running.engine.reveal(sealed));
            let address = address.ok_or_else(|| source_failed(&SourceError::Forgotten))?;
            from_blob(running, &address, &home, most_bytes(document)).await
        }
        _ => Err(broken("the version names no source")),
    }
}

async fn from_upload(running: &Running, id: &ResourceId, home: &Region) -> Result<Origin, Stop> {
    let upload = source_row(running, id).await?;
    let image = Image::of(&upload.document).ok_or_else(|| missing("The upload is not committed yet."))?;
    if !running.regions.store(home)?.has(&image.root) {
        return Err(missing("The upload's bytes are not in the version's home region."));
    }
    let held_by = Some(upload.id.clone());
    Ok(Origin { image, pin: None, stands_in: None, held_by, used_up: Some(upload.id) })
}

async fn from_version(running: &Running, id: &ResourceId) -> Result<Origin, Stop> {
    let version = source_row(running, id).await?;
    let image =
        Image::of(&version.document).ok_or_else(|| missing("The source version has no image yet."))?;
    let mut closed = None;
    for region in complete_regions(running, &version.id).await? {
        match running.regions.store(&region) {
            Ok(store) if store.has(&image.root) => {
                let (stands_in, held_by) = (Some(region), Some(version.id));
                return Ok(Origin { image, pin: None, stands_in, held_by, used_up: None });
            }
            Ok(_) => {}
            Err(error) => closed = Some(error),
        }
    }
    // A region that cannot be opened just now may have it.
    let missing = || missing("The source version is not complete in any region.");
    Err(closed.map_or_else(missing, Stop::from))
}

async fn from_blob(running: &Running, uri: &str, home: &Region, most_bytes: u64) -> Result<Origin, Stop> {
    // A slow source must not keep publishes of what is here already from their turn.
    let Ok(_turn) = running.fetches.clone().try_acquire_owned() else { return Err(Stop::NotYet) };
    let (owner, stopped) = (running.owner(), running.stop_flag());
    let remote = match Remote::open(uri, &running.settings.source, stopped.clone()).await {
        Err(_) if running.is_stopped() => return Err(Stop::LeaseLost),
        opened => opened.map_err(|error| source_failed(&error))?,
    };
    let region = running.regions.store(home)?.clone();
    let ingested = running.blocking(move || {
        let disk = disks::open(InputFormat::Vhd, Box::new(remote), &Limits::default())?;
        let size_bytes = disk.blocks.size_bytes();
        if size_bytes > most_bytes {
            return Ok(Err(size_bytes));
        }
        let blocks = Stoppable { blocks: disk.blocks, stopped };
        store::ingest(&blocks, &region, owner, &|_progress| {}).map(Ok)
    });
    let ingested = ingested.await?.map_err(|error| ingest_failed(running, error))?;
    let ingested = ingested.map_err(|size_bytes| too_large(size_in_gib(size_bytes)))?;
    let image =
        Image { root: ingested.root, size_bytes: ingested.size_bytes, data_bytes: ingested.logical_bytes };
    Ok(Origin { image, pin: Some(ingested.pin), stands_in: None, held_by: None, used_up: None })
}

/// A disk that can be stopped being read.
struct Stoppable {
    blocks: Box<dyn disks::Blocks>,
    stopped: CancellationToken,
}

impl disks::Blocks for Stoppable {
    fn size_bytes(&self) -> u64 {
        self.blocks.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        if self.stopped.is_cancelled() {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into());
        }
        self.blocks.read_at(offset, buffer)
    }

    fn extent_at(&self, offset: u64) -> Result<disks::Extent, disks::Error> {
        self.blocks.extent_at(offset)
    }
}

async fn source_row(running: &Running, id: &ResourceId) -> Result<Stored, Stop> {
    let row = running.engine.metadata().row(id).await?;
    let row = row.ok_or_else(|| missing("The source does not exist any more."))?;
    Ok(stored_of(&row)?)
}

fn broken(what: &str) -> Stop {
    Stop::Broken(Error::Document(what.to_owned()))
}

fn refused(code: &str, message: impl Into<String>) -> ErrorDetail {
    ErrorDetail::new(code, message).at("properties.storageProfile.osDiskImage.source")
}

fn missing(words: &str) -> Stop {
    let message = format!(
        "Source is not found. {words} Please check source exists, and is in the same region as gallery image version being created."
    );
    Stop::Failed(refused("InvalidParameter", message), Box::default())
}

fn source_failed(error: &SourceError) -> Stop {
    let code = if matches!(error, SourceError::Changed) { "Conflict" } else { "InvalidParameter" };
    Stop::Failed(refused(code, error.to_string()), Box::default())
}

/// Image findings end the operation with `InvalidVhd` and the reason in `details`; the rest is ours to try again.
fn ingest_failed(running: &Running, error: store::Error) -> Stop {
    match error {
        _ if running.is_stopped() => Stop::LeaseLost,
        store::Error::Source(disks::Error::Refused { reason, message }) => {
            let mut detail = refused("InvalidVhd", "The source is not an acceptable VHD. See the details.");
            detail.details = vec![ErrorDetail::new(format!("{reason:?}"), message)];
            Stop::Failed(detail, Box::default())
        }
        store::Error::Source(disks::Error::Io(error)) => {
            let known = error.get_ref().and_then(|inner| inner.downcast_ref::<SourceError>());
            known.map_or_else(
                || source_failed(&SourceError::Unreadable("the connection broke")),
                source_failed,
            )
        }
        error => Stop::Broken(error.into()),
    }
}
