//! `image.capture`: the disks of a managed image, each from its source.
//!
//! Step `disks` writes the images into the row with the holds that keep them; after a crash it is not repeated. Bytes
//! that the region has are not moved.

use async_trait::async_trait;
use metadata::{Expect, Row};
use providers::shape::object_in;
use providers::{Document, State};
use serde_json::{Value, json};

use crate::image::Images;
use crate::job::{Done, JobKind, Running, Stop};
use crate::origin::{self, Wanted, size_in_gib};

pub(crate) struct Capture;

#[async_trait]
impl JobKind for Capture {
    fn name(&self) -> &'static str {
        "image.capture"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, document) = running.target().await?;
        if Images::of(&document).is_none() {
            take(running, row, document).await?;
        }
        let (row, mut document) = running.target().await?;
        document.state = State::Succeeded;
        Ok(Done { output: Value::Null, change: running.rewritten(&row, &document)? })
    }
}

async fn take(running: &mut Running, row: Row, mut document: Document) -> Result<(), Stop> {
    let home = running.home(&document)?;
    let wanted = Wanted {
        home: &home,
        what: "image",
        target: "properties.storageProfile",
        most_bytes: store::MAX_DISK_BYTES,
    };
    let source = running.job.input.get("source").cloned().unwrap_or_default();
    let origins = origin::find_all(running, &source, &wanted).await?;
    let origins = origin::bring_all_home(running, origins, &wanted).await?;
    let images = &origins.images;
    images.note(&mut document);
    document.internal.remove("source");
    document.internal.insert("lineage".to_owned(), origins.lineage.clone());
    show_sizes(&mut document, images);
    let mut change = running.rewritten(&row, &document)?;
    for written in &mut change.put {
        written.holds = images.holds(std::slice::from_ref(&home));
    }
    // Their holds on the bytes pass on; if they are gone, so may the bytes be.
    change.expect.extend(origins.held_by.into_iter().map(Expect::Exists));
    running.record("disks", json!({"root": images.os.root.to_string()}), change).await?;
    // Only now may the bytes be let go: the row holds them.
    drop(origins.pins);
    Ok(())
}

fn show_sizes(document: &mut Document, images: &Images) {
    let profile = object_in(&mut document.properties, "storageProfile");
    object_in(profile, "osDisk").insert("diskSizeGB".to_owned(), size_in_gib(images.os.size_bytes).into());
    for disk in profile.get_mut("dataDisks").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(image) = images.disk(disk["lun"].as_i64()) {
            disk["diskSizeGB"] = size_in_gib(image.size_bytes).into();
        }
    }
}
