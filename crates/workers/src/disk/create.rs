//! `disk.create`: the bytes of a new disk or snapshot, or the file that a client will write them to.
//!
//! Step `bytes` writes the image into the row with the hold that keeps it; after a crash it is not repeated. Bytes that
//! the region has are not moved.

use async_trait::async_trait;
use metadata::{Expect, Row};
use providers::{Document, State};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Error;
use crate::image::{Image, hold};
use crate::job::{Done, JobKind, Running, Stop};
use crate::origin::{self, Wanted, size_in_gib};

/// The server's notes: see the rules of disks.
const SOURCE: &str = "source";
const STAGED: &str = "staged";
const WANTED: &str = "wantedBytes";

pub(crate) struct Create;

#[async_trait]
impl JobKind for Create {
    fn name(&self) -> &'static str {
        "disk.create"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, document) = running.target().await?;
        let source = running.job.input.get(SOURCE).cloned().unwrap_or_default();
        if source["kind"] == "staged" {
            make_file(running, &document, source["sizeBytes"].as_u64().unwrap_or_default()).await?;
        } else if Image::of(&document).is_none() {
            bring(running, row, document, &source).await?;
        }
        let (row, mut document) = running.target().await?;
        document.state = State::Succeeded;
        document.internal.remove(SOURCE);
        Ok(Done { output: Value::Null, change: running.rewritten(&row, &document)? })
    }
}

/// The name of the file that a client writes to, if the disk waits for its bytes.
pub(crate) fn staged(document: &Document) -> Option<Uuid> {
    document.internal.get(STAGED)?.as_str()?.parse().ok()
}

async fn make_file(running: &Running, document: &Document, size_bytes: u64) -> Result<(), Stop> {
    let missing = || Error::Document("the disk names no file".to_owned());
    let (name, staging) = (staged(document).ok_or_else(missing)?, running.staging.clone());
    let made = running.blocking(move || staging.create(name, size_bytes).map(drop)).await?;
    match made {
        // An earlier try made it.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Error::Staging(error).into()),
        _ => Ok(()),
    }
}

async fn bring(running: &mut Running, row: Row, document: Document, source: &Value) -> Result<(), Stop> {
    let is_snapshot = row.id.type_name().is("Microsoft.Compute/snapshots");
    let home = running.home(&document)?;
    let wanted = Wanted {
        home: &home,
        what: if is_snapshot { "snapshot" } else { "disk" },
        target: "properties.creationData",
        most_bytes: store::MAX_DISK_BYTES,
    };
    let _turn = origin::turn(running, source)?;
    let found = origin::find(running, source, &wanted).await?;
    let found = origin::bring_home(running, found, &wanted).await?;
    let image = origin::sized(found.image, wanted_bytes(&document), &size_wanted(&wanted))?;
    let mut document = document;
    document.internal.insert("lineage".to_owned(), found.lineage);
    let mut change = running.rewritten(&row, &with_image(document, &image))?;
    for written in &mut change.put {
        written.holds = vec![hold(&home, &image.root)];
    }
    // Its hold on the bytes passes on; if it is gone, so may they be.
    change.expect.extend(found.held_by.map(Expect::Exists));
    running
        .record("bytes", json!({"root": image.root.to_string(), "sizeBytes": image.size_bytes}), change)
        .await?;
    // Only now may the bytes be let go: the row holds them.
    drop((found.pin, found.kept));
    Ok(())
}

/// The document of a disk that has its bytes.
pub(super) fn with_image(mut document: Document, image: &Image) -> Document {
    image.note(&mut document);
    for gone in [SOURCE, STAGED, WANTED] {
        document.internal.remove(gone);
    }
    let properties = &mut document.properties;
    properties.insert("diskSizeBytes".to_owned(), image.size_bytes.into());
    properties.insert("diskSizeGB".to_owned(), size_in_gib(image.size_bytes).into());
    properties.insert("diskState".to_owned(), "Unattached".into());
    document
}

/// The size that was asked for, if it was.
pub(super) fn wanted_bytes(document: &Document) -> Option<u64> {
    document.internal.get(WANTED).and_then(Value::as_u64)
}

/// A size that does not fit is the size's fault.
fn size_wanted<'a>(wanted: &Wanted<'a>) -> Wanted<'a> {
    Wanted { target: "properties.diskSizeGB", ..*wanted }
}
