//! `disk.settle`: what a client has written becomes the image of its disk.
//!
//! The access has ended before. Step `bytes` writes the image into the row; the file goes after that, and one that a
//! crash left is swept. What is no fixed VHD leaves the disk as it was, ready to be written again.

use std::io;

use arm::ErrorDetail;
use async_trait::async_trait;
use metadata::Row;
use providers::{Document, State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::create::{staged, wanted_bytes, with_image};
use crate::Error;
use crate::image::{Image, hold};
use crate::job::{Done, JobKind, Running, Stop};
use crate::origin::{self, Wanted};

pub(crate) struct Settle;

#[async_trait]
impl JobKind for Settle {
    fn name(&self) -> &'static str {
        "disk.settle"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, document) = running.target().await?;
        if let Some(name) = staged(&document)
            && is_written(running, name).await?
        {
            take_in(running, row, document, name).await?;
        }
        if let Some(name) = running.output("bytes").and_then(|output| output["staged"].as_str()?.parse().ok())
        {
            let staging = running.staging.clone();
            running.blocking(move || staging.remove(name)).await?.map_err(Error::Staging)?;
        }
        let (row, mut document) = running.target().await?;
        document.state = State::Succeeded;
        Ok(Done { output: Value::Null, change: running.rewritten(&row, &document)? })
    }
}

/// Whether anything was written at all.
async fn is_written(running: &Running, name: Uuid) -> Result<bool, Stop> {
    let staging = running.staging.clone();
    let look = move || -> io::Result<bool> { Ok(staging.get(name)?.next_data(0)?.is_some()) };
    Ok(running.blocking(look).await?.map_err(Error::Staging)?)
}

async fn take_in(running: &mut Running, row: Row, document: Document, name: Uuid) -> Result<(), Stop> {
    let home = running.home(&document)?;
    let wanted = Wanted {
        home: &home,
        what: "disk",
        target: "properties.creationData.uploadSizeBytes",
        most_bytes: store::MAX_DISK_BYTES,
    };
    let source = running.staging.source(name).map_err(Error::Staging)?;
    let file_bytes = disks::ReadAt::length(&source).map_err(Error::Staging)?;
    let taken = origin::ingest_vhd(running, Box::new(source), &wanted).await?;
    // A dynamic VHD would be another disk than the one whose size was announced.
    if taken.image.size_bytes.checked_add(FOOTER_BYTES) != Some(file_bytes) {
        let message = "What was uploaded is not a fixed VHD. Convert it to a fixed VHD of the announced size and write it again.";
        let detail = ErrorDetail::new("InvalidVhd", message).at(wanted.target);
        return Err(Stop::Failed(detail, Box::default()));
    }
    let size_bytes = wanted_bytes(&document).unwrap_or_default().max(taken.image.size_bytes);
    let image = Image { size_bytes, ..taken.image };
    let mut document = document;
    document.internal.insert("lineage".to_owned(), json!({"kind": "written"}));
    let mut change = running.rewritten(&row, &with_image(document, &image))?;
    for written in &mut change.put {
        written.holds = vec![hold(&home, &image.root)];
    }
    running
        .record("bytes", json!({"root": image.root.to_string(), "staged": name.to_string()}), change)
        .await?;
    drop((taken.pin, taken.kept));
    Ok(())
}

const FOOTER_BYTES: u64 = 512;
