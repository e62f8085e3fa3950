//! Settling: a blob that something is made of becomes an image in its account's region, and its file goes.
//!
//! It needs no turn at the blob's gate. The row is written only when nobody wrote the blob since it was read; whoever
//! was writing meanwhile finds other content in the row and writes again.

use arm::{Region, ResourceId};
use control::stored_of;
use uuid::Uuid;

use super::blob::{Blob, BlobKind};
use super::gate::Gate;
use super::{Blobs, RACES, is_moved, lost, refusals, without_container};
use crate::Error;
use crate::content::{Content, settle};
use crate::image::Image;
use crate::job::{Running, Stop};

/// The image behind a settled blob.
#[derive(Debug)]
pub struct BlobImage {
    /// The bytes, without the footer of a fixed VHD.
    pub image: Image,
    /// What stood behind them: the footer, or nothing when the blob is no fixed VHD.
    pub tail: Vec<u8>,
    /// Where it stands.
    pub region: Region,
    /// The blob, whose row holds it; it must still be there when another row takes over.
    pub held_by: ResourceId,
    /// Keeps the bytes, whatever is done to the blob meanwhile, until this is dropped.
    pub kept: store::InUse,
}

/// The image of a page blob that something is to be made of: settled now, unless it was before.
///
/// # Errors
/// [`Stop::Failed`] when there is no such page blob; [`Stop::LeaseLost`] when the job is to stop.
pub async fn image_of_blob(running: &Running, id: &ResourceId) -> Result<BlobImage, Stop> {
    let rows = running.engine.metadata();
    for _ in 0..RACES {
        let row = rows.row(id).await?.ok_or_else(|| Error::from(refusals::blob_not_found()))?;
        let before = Blob::of(&row)?;
        if before.kind != BlobKind::Page {
            return Err(Error::from(refusals::blob_kind()).into());
        }
        let content = before.content.clone().ok_or_else(|| Error::from(refusals::blob_not_found()))?;
        let file = match content {
            Content::Stored { region, image, tail } => {
                let kept = running.regions.store(&region)?.keep(image.root);
                // It may have gone between the row and the keeping.
                let stands = rows.row(id).await?.is_some_and(|again| again.etag == row.etag);
                if stands {
                    return Ok(BlobImage { image, tail, region, held_by: row.id, kept });
                }
                continue;
            }
            Content::Staged(file) => file,
        };
        let region = region_of(running, id).await?;
        let settled = match take_in(running, &region, file).await {
            Err(Stop::Broken(error)) if is_moved(&error) => continue,
            settled => settled?,
        };
        let mut blob = before.clone();
        let tail = settled.tail.clone();
        blob.content =
            Some(Content::Stored { region: region.clone(), image: settled.image, tail: tail.clone() });
        let mut written = blob.written_in(&row)?;
        written.etag = running.ids.uuid().to_string();
        let expect = vec![metadata::Expect::Unchanged(row.id.clone(), row.etag.clone())];
        let change = metadata::Change { expect, put: vec![written], ..metadata::Change::default() };
        let kept = running.regions.store(&region)?.keep(settled.image.root);
        match rows.commit(change).await.map_err(Error::from) {
            Ok(()) => {}
            Err(error) if lost(&error) => continue,
            Err(error) => return Err(without_container(error).into()),
        }
        let staging = running.staging.clone();
        running.blocking(move || staging.remove(file)).await?.map_err(Error::Staging)?;
        return Ok(BlobImage { image: settled.image, tail, region, held_by: row.id, kept });
    }
    Err(Stop::NotYet)
}

async fn take_in(running: &Running, region: &Region, file: Uuid) -> Result<crate::Settled, Stop> {
    let (staging, store) = (running.staging.clone(), running.regions.store(region)?.clone());
    let (owner, stop) = (running.owner(), running.stop_flag());
    match running.blocking(move || settle(&staging, file, &store, owner, &stop)).await? {
        Err(_) if running.is_stopped() => Err(Stop::LeaseLost),
        settled => Ok(settled?),
    }
}

/// The region of the account that a blob lies in.
async fn region_of(running: &Running, id: &ResourceId) -> Result<Region, Stop> {
    let account = id.parent().and_then(|id| id.parent()).and_then(|id| id.parent());
    let missing = || Error::Document("the blob lies in no account".to_owned());
    let account = account.ok_or_else(missing)?;
    let row = running.engine.metadata().row(&account).await?;
    let row = row.ok_or_else(|| Error::from(refusals::account_not_found()))?;
    running.home(&stored_of(&row).map_err(Error::from)?.document)
}

impl Blobs {
    /// Gives a settled page blob a file again, so that it can be written; nothing when it has one.
    pub(super) async fn unsettle(&self, gate: &Gate, id: &ResourceId) -> Result<(), Error> {
        let _alone = gate.alone().await;
        self.unsettle_alone(id).await
    }

    pub(super) async fn unsettle_alone(&self, id: &ResourceId) -> Result<(), Error> {
        for _ in 0..RACES {
            let (row, before) = self.find(id).await?;
            let Some(before) = before else { return Err(refusals::blob_not_found().into()) };
            let stored = match &before.content {
                Some(content @ Content::Stored { .. }) => content.clone(),
                Some(Content::Staged(_)) | None => return Ok(()),
            };
            let (file, size_bytes) = (self.ids.uuid(), before.size_bytes);
            let _unnamed = self.staging.unnamed(file);
            let (staging, regions) = (self.staging.clone(), self.regions.clone());
            let copying = tokio::task::spawn_blocking(move || {
                let staged = staging.create(file, size_bytes).map_err(Error::Staging)?;
                stored.open(&staging, &regions)?.copy_to(&staged)?;
                staged.sync().map_err(Error::Staging)
            });
            copying.await??;
            let blob = Blob { content: Some(Content::Staged(file)), ..before.clone() };
            match self.commit(&row, Some(&before), &blob).await {
                Ok(()) => return Ok(()),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }
}
