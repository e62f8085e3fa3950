//! `artifact_version.publish`: packages, scripts and rule documents, from their addresses to every target region.
//!
//! A version's files are kept as one image, each from a boundary of its own, so that holds, copies, progress and
//! collection are those of image versions. Steps: `source` fetches what the row names and writes root, holds and
//! where each file lies; then copies and ending as for images. After a crash nothing that is recorded is repeated.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;

use arm::{ErrorDetail, Region};
use async_trait::async_trait;
use control::row_of;
use disks::{Extent, ExtentKind, ReadAt};
use metadata::{Change, Expect, Row};
use providers::{Document, State};
use serde_json::{Value, json};

use super::{drop_removed, end, hold_in_new_targets, owns, spread, target_regions};
use crate::Error;
use crate::image::{Image, Images, hold};
use crate::job::{Done, JobKind, Running, Stop};
use crate::source::{Remote, SourceError};

pub(crate) struct PublishArtifact;

/// Where files begin: a chunk's own unit, so that equal files are equal chunks.
const BOUNDARY_BYTES: u64 = 4096;

/// Largest file behind an address, as Azure's own limit for packages.
const MOST_BYTES: u64 = 2 << 30;

#[async_trait]
impl JobKind for PublishArtifact {
    fn name(&self) -> &'static str {
        providers::compute::PUBLISH_ARTIFACT
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, document) = running.target().await?;
        if running.job.input.get("heal").is_some() {
            let is_taken = row.operation.is_some_and(|owner| owner != running.job.id);
            if document.state != State::Failed || is_taken || !owns(running, &row).await? {
                // Somebody has published it again meanwhile.
                return Ok(Done::default());
            }
        }
        let (row, document) = running.target().await?;
        let images = match (Images::of(&document), document.internal.contains_key("source")) {
            (Some(images), false) => images,
            _ => Images { os: fetch(running, row, document).await?, data: Vec::new() },
        };
        let (row, document) = running.target().await?;
        let targets = target_regions(&document);
        hold_in_new_targets(running, &row, &images, &targets).await?;
        drop_removed(running, &row, &targets).await?;
        let failures = spread::copy_to_all(running, &images, &targets).await?;
        let (row, document) = running.target().await?;
        end(running, &row, document, &images, &targets, &failures)
    }
}

/// Brings every file to the home region and writes the image of them into the row, in one step.
async fn fetch(running: &mut Running, row: Row, mut document: Document) -> Result<Image, Stop> {
    let home: Option<Region> = document.location.as_deref().and_then(|location| location.parse().ok());
    let home = home.ok_or_else(|| broken("the version has no home region"))?;
    let sources = document.internal.get("source").and_then(Value::as_array).cloned();
    let sources = sources.ok_or_else(|| broken("the version names no source"))?;
    let is_foreign = sources.iter().any(|source| source.get("address").is_some());
    // A slow source must not keep publishes of what is here already from their turn.
    let turn = is_foreign.then(|| running.fetches.clone().try_acquire_owned()).transpose();
    let Ok(_turn) = turn else { return Err(Stop::NotYet) };
    let bundle = gather(running, &document, &sources).await?;
    let files = bundle.files();
    let (region, owner) = (running.regions.store(&home)?.clone(), running.owner());
    let ingested = running.blocking(move || store::ingest(&bundle, &region, owner, &|_progress| {}));
    let ingested = ingested.await?.map_err(|error| ingest_failed(running, error))?;
    let image =
        Image { root: ingested.root, size_bytes: ingested.size_bytes, data_bytes: ingested.logical_bytes };
    image.note(&mut document);
    document.internal.insert("files".to_owned(), files.clone());
    // The bytes are here: where they came from is not asked again.
    document.internal.remove("source");
    let mut written = row_of(&row, &document)?;
    written.etag = running.ids.uuid().to_string();
    let holds: BTreeSet<String> =
        target_regions(&document).iter().map(|region| hold(region, &image.root)).collect();
    if row.holds.iter().any(|held| !holds.contains(held)) {
        running.release_bytes();
    }
    written.holds = holds.into_iter().collect();
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
    let change = Change { expect, put: vec![written], ..Change::default() };
    running.record("source", json!({"root": image.root.to_string(), "files": files}), change).await?;
    // Only now may the bytes be let go: the row holds them.
    drop(ingested.pin);
    Ok(image)
}

/// Opens every file that the row names; a document is made of the members it consists of.
async fn gather(running: &Running, document: &Document, sources: &[Value]) -> Result<Bundle, Stop> {
    let mut bundle = Bundle::default();
    for source in sources {
        let name = source["name"].as_str().unwrap_or_default();
        match source["members"].as_array() {
            Some(members) => {
                let members = members.iter().filter_map(Value::as_str);
                let said = members
                    .filter_map(|name| Some((name.to_owned(), document.properties.get(name)?.clone())));
                let text = Value::Object(said.collect()).to_string();
                bundle.add(name, Box::new(Text(text.into_bytes())))?;
            }
            None => {
                let address = source.get("secret").and_then(|sealed| running.engine.reveal(sealed));
                let address = address.ok_or_else(|| source_failed(&SourceError::Forgotten))?;
                bundle.add(name, open(running, &address).await?)?;
            }
        }
    }
    Ok(bundle)
}

/// The bytes behind an address.
async fn open(running: &Running, address: &str) -> Result<Box<dyn ReadAt>, Stop> {
    match Remote::open(address, &running.settings.source, running.stop_flag()).await {
        Err(_) if running.is_stopped() => Err(Stop::LeaseLost),
        Ok(remote) => Ok(Box::new(remote)),
        Err(error) => Err(source_failed(&error)),
    }
}

/// Files one after the other, each from a boundary on, with zeros between: a disk to the store.
#[derive(Default)]
struct Bundle {
    files: Vec<File>,
    size_bytes: u64,
}

struct File {
    name: String,
    offset: u64,
    size_bytes: u64,
    bytes: Box<dyn ReadAt>,
}

impl Bundle {
    fn add(&mut self, name: &str, bytes: Box<dyn ReadAt>) -> Result<(), Stop> {
        let size_bytes = bytes.length().map_err(|_error| broken("a source has no length"))?;
        if size_bytes > MOST_BYTES {
            let message = format!(
                "Replication failed: the {name} of {size_bytes} bytes exceeds the max size of {MOST_BYTES} bytes supported."
            );
            let detail = ErrorDetail::new("GallerySourceResourceExceedsMaxSize", message);
            return Err(Stop::Failed(detail, Box::default()));
        }
        let offset = self.size_bytes;
        self.size_bytes = (offset + size_bytes).next_multiple_of(BOUNDARY_BYTES);
        self.files.push(File { name: name.to_owned(), offset, size_bytes, bytes });
        Ok(())
    }

    /// Where each file lies, as the row notes it.
    fn files(&self) -> Value {
        let files = self
            .files
            .iter()
            .map(|file| json!({"name": file.name, "offset": file.offset, "sizeBytes": file.size_bytes}));
        files.collect()
    }
}

impl disks::Blocks for Bundle {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        buffer.fill(0);
        let length = u64::try_from(buffer.len()).map_err(io::Error::other)?;
        let end = offset.checked_add(length).filter(|end| *end <= self.size_bytes);
        let end = end.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        for file in &self.files {
            let (from, to) = (offset.max(file.offset), end.min(file.offset + file.size_bytes));
            if from < to {
                let start = usize::try_from(from - offset).map_err(io::Error::other)?;
                let stop = usize::try_from(to - offset).map_err(io::Error::other)?;
                file.bytes.read_exact_at(&mut buffer[start..stop], from - file.offset)?;
            }
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        match self.size_bytes.checked_sub(offset).filter(|length| *length > 0) {
            Some(length) => Ok(Extent { length, kind: ExtentKind::Data }),
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// A document's bytes.
struct Text(Vec<u8>);

impl ReadAt for Text {
    fn length(&self) -> io::Result<u64> {
        u64::try_from(self.0.len()).map_err(io::Error::other)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let part = self.0.get(start..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

fn broken(what: &str) -> Stop {
    Stop::Broken(Error::Document(what.to_owned()))
}

fn source_failed(error: &SourceError) -> Stop {
    let code = if matches!(error, SourceError::Changed) { "Conflict" } else { "InvalidParameter" };
    let detail = ErrorDetail::new(code, error.to_string()).at("properties.publishingProfile.source");
    Stop::Failed(detail, Box::default())
}

fn ingest_failed(running: &Running, error: store::Error) -> Stop {
    match error {
        _ if running.is_stopped() => Stop::LeaseLost,
        store::Error::Source(disks::Error::Io(error)) => {
            let known = error.get_ref().and_then(|inner| inner.downcast_ref::<SourceError>());
            let broke = SourceError::Unreadable("the connection broke");
            source_failed(known.unwrap_or(&broke))
        }
        error => Stop::Broken(error.into()),
    }
}
