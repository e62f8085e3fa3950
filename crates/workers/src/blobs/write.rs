//! Writing blobs: made, pages written and cleared, resized, described, deleted.

use std::collections::BTreeMap;
use std::ops::Range;

use arm::ResourceId;
use bytes::Bytes;
use metadata::{Change, Expect};
use providers::Rejection;
use providers::storage::blob as names;
use uuid::Uuid;

use super::blob::{Blob, BlobKind, Headers};
use super::conditions::{Conditions, Purpose};
use super::gate::{Ended, Gate};
use super::{Blobs, RACES, Touched, is_moved, lost, refusals, without_container};
use crate::content::Content;
use crate::staging::PAGE_BYTES;
use crate::{Error, Staging};

/// Largest page blob, in bytes: 8 TiB ("Put Blob").
const LARGEST_PAGE_BLOB: u64 = 8 << 40;

/// A blob that is to be.
#[derive(Clone, Debug, Default)]
pub struct NewBlob {
    /// `content-type` and its like, by lower-case name.
    pub headers: Headers,
    /// The client's own words.
    pub metadata: BTreeMap<String, String>,
    /// A page blob's counter.
    pub sequence: u64,
}

impl Blobs {
    /// Makes a page blob of zeros, in the place of what stands.
    ///
    /// # Errors
    /// 400 when the size is not whole pages or too large, 404 without a container, and what the conditions refuse.
    pub async fn create_page(
        &self,
        container: &ResourceId,
        name: &str,
        size_bytes: u64,
        new: NewBlob,
        conditions: &Conditions,
    ) -> Result<Touched, Error> {
        check_size(size_bytes)?;
        let made = move |staging: &Staging, file: Uuid| staging.create(file, size_bytes).map(drop);
        self.replace(container, name, BlobKind::Page, size_bytes, new, conditions, made).await
    }

    /// Makes a block blob of `body`, in the place of what stands.
    ///
    /// # Errors
    /// 404 without a container, and what the conditions refuse.
    pub async fn create_block(
        &self,
        container: &ResourceId,
        name: &str,
        body: Bytes,
        new: NewBlob,
        conditions: &Conditions,
    ) -> Result<Touched, Error> {
        let size_bytes = wide(body.len());
        let made = move |staging: &Staging, file: Uuid| {
            let staged = staging.create(file, size_bytes)?;
            staged.write(0, &body)?;
            staged.sync()
        };
        self.replace(container, name, BlobKind::Block, size_bytes, new, conditions, made).await
    }

    #[expect(clippy::too_many_arguments, reason = "one private step of the two ways to make a blob")]
    async fn replace(
        &self,
        container: &ResourceId,
        name: &str,
        kind: BlobKind,
        size_bytes: u64,
        new: NewBlob,
        conditions: &Conditions,
        made: impl FnOnce(&Staging, Uuid) -> std::io::Result<()> + Send + 'static,
    ) -> Result<Touched, Error> {
        let id = names::id_of(container, name).ok_or_else(invalid_name)?;
        let gate = self.gates.of(&id);
        let _alone = gate.alone().await;
        let (_, before) = self.find(&id).await?;
        conditions.check(before.as_ref().filter(|blob| blob.is_committed()), Purpose::Write)?;
        self.container(container).await?;
        let (file, staging) = (self.ids.uuid(), self.staging.clone());
        let _unnamed = self.staging.unnamed(file);
        let making = tokio::task::spawn_blocking(move || made(&staging, file));
        making.await?.map_err(Error::Staging)?;
        for _ in 0..RACES {
            let (row, before) = self.find(&id).await?;
            let mut blob = Blob {
                name: name.to_owned(),
                kind,
                size_bytes,
                etag: String::new(),
                last_modified: self.clock.now(),
                created: self.clock.now(),
                sequence: new.sequence,
                headers: new.headers.clone(),
                metadata: new.metadata.clone(),
                content: Some(Content::Staged(file)),
                blocks: Vec::new(),
                put_blocks: None,
            };
            let touched = self.touched(&mut blob);
            match self.commit(&row, before.as_ref(), &blob).await {
                Ok(()) => return Ok(touched),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    /// Writes `bytes` at `offset` of a page blob, or with `None` clears the range.
    ///
    /// # Errors
    /// 404, 409 for a block blob, 416 for a range that is not in it, and what the conditions refuse.
    pub async fn write_pages(
        &self,
        container: &ResourceId,
        name: &str,
        range: Range<u64>,
        bytes: Option<Bytes>,
        conditions: &Conditions,
    ) -> Result<Touched, Error> {
        let id = names::id_of(container, name).ok_or_else(refusals::blob_not_found)?;
        let gate = self.gates.of(&id);
        for _ in 0..RACES {
            let turn = gate.turn(conditions.is_any()).await;
            let blob = self.page_blob(container, &id).await?;
            conditions.check(Some(&blob), Purpose::Write)?;
            check_pages(&range, blob.size_bytes)?;
            let Some(Content::Staged(file)) = blob.content else {
                drop(turn);
                self.unsettle(&gate, &id).await?;
                continue;
            };
            let (staging, range, bytes) = (self.staging.clone(), range.clone(), bytes.clone());
            let writing = tokio::task::spawn_blocking(move || {
                let staged = staging.get(file).map_err(Error::Staging)?;
                match bytes {
                    Some(bytes) => staged.write(range.start, &bytes),
                    None => staged.clear(range.start, range.end - range.start),
                }
                .map_err(Error::Staging)
            });
            match writing.await? {
                Ok(()) => {}
                Err(error) if is_moved(&error) => continue,
                Err(error) => return Err(error),
            }
            if let Some(touched) = self.acknowledge(&gate, &id, file).await? {
                return Ok(touched);
            }
        }
        Err(refusals::busy().into())
    }

    /// Makes a write to `file` durable together with those that arrived meanwhile; `None` when the blob has other
    /// content by now.
    async fn acknowledge(&self, gate: &Gate, id: &ResourceId, file: Uuid) -> Result<Option<Touched>, Error> {
        let number = gate.arrive();
        let lead = match gate.lead(number).await {
            Ok(lead) => lead,
            Err(Ended::Written(touched)) => return Ok(Some(touched)),
            Err(Ended::Moved) => return Ok(None),
            Err(Ended::Failed) => return Err(Error::Staging(std::io::ErrorKind::Other.into())),
        };
        let ended = self.make_durable(id, file).await;
        lead.end(match &ended {
            Ok(Some(touched)) => Ended::Written(touched.clone()),
            Ok(None) => Ended::Moved,
            Err(_) => Ended::Failed,
        });
        ended
    }

    async fn make_durable(&self, id: &ResourceId, file: Uuid) -> Result<Option<Touched>, Error> {
        let staging = self.staging.clone();
        let syncing = tokio::task::spawn_blocking(move || staging.get(file)?.sync());
        match syncing.await?.map_err(Error::Staging) {
            Ok(()) => {}
            Err(error) if is_moved(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        for _ in 0..RACES {
            let (row, before) = self.find(id).await?;
            let Some(before) = before else { return Err(refusals::blob_not_found().into()) };
            if before.content != Some(Content::Staged(file)) {
                return Ok(None);
            }
            let mut blob = before.clone();
            let touched = self.touched(&mut blob);
            match self.commit(&row, Some(&before), &blob).await {
                Ok(()) => return Ok(Some(touched)),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    /// Changes what a committed blob says of itself; `change` may also refuse.
    ///
    /// # Errors
    /// 404, what the conditions refuse, and what `change` does.
    pub async fn describe(
        &self,
        container: &ResourceId,
        name: &str,
        conditions: &Conditions,
        change: impl Fn(&mut Blob) -> Result<(), Rejection>,
    ) -> Result<Touched, Error> {
        let id = names::id_of(container, name).ok_or_else(refusals::blob_not_found)?;
        let gate = self.gates.of(&id);
        let _alone = gate.alone().await;
        for _ in 0..RACES {
            let before = self.committed(container, name).await?;
            conditions.check(Some(&before), Purpose::Write)?;
            let mut blob = before.clone();
            change(&mut blob)?;
            if blob.size_bytes != before.size_bytes {
                if blob.kind != BlobKind::Page {
                    return Err(refusals::blob_kind().into());
                }
                check_size(blob.size_bytes)?;
                let Some(Content::Staged(file)) = before.content else {
                    self.unsettle_alone(&id).await?;
                    continue;
                };
                self.resize(file, blob.size_bytes).await?;
            }
            let (row, current) = self.find(&id).await?;
            if current.as_ref() != Some(&before) {
                continue;
            }
            let touched = self.touched(&mut blob);
            match self.commit(&row, Some(&before), &blob).await {
                Ok(()) => return Ok(touched),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    async fn resize(&self, file: Uuid, size_bytes: u64) -> Result<(), Error> {
        let staging = self.staging.clone();
        let resizing = tokio::task::spawn_blocking(move || {
            let staged = staging.get(file)?;
            staged.resize(size_bytes)?;
            staged.sync()
        });
        resizing.await?.map_err(Error::Staging)
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// 404, and what the conditions refuse.
    pub async fn delete(
        &self,
        container: &ResourceId,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(), Error> {
        let id = names::id_of(container, name).ok_or_else(refusals::blob_not_found)?;
        let gate = self.gates.of(&id);
        let _alone = gate.alone().await;
        for _ in 0..RACES {
            let before = self.committed(container, name).await?;
            conditions.check(Some(&before), Purpose::Write)?;
            let (row, current) = self.find(&id).await?;
            if current.as_ref() != Some(&before) {
                continue;
            }
            let expect = vec![Expect::Unchanged(id.clone(), row.etag.clone())];
            let change = Change { expect, delete: vec![id.clone()], ..Change::default() };
            match self.engine.metadata().commit(change).await.map_err(Error::from) {
                Ok(()) => {
                    self.engine.bytes_released().notify_one();
                    self.remove_files(before.files()).await;
                    return Ok(());
                }
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    async fn page_blob(&self, container: &ResourceId, id: &ResourceId) -> Result<Blob, Error> {
        match self.find(id).await?.1.filter(Blob::is_committed) {
            Some(blob) if blob.kind == BlobKind::Page => Ok(blob),
            Some(_) => Err(refusals::blob_kind().into()),
            None => {
                self.container(container).await?;
                Err(refusals::blob_not_found().into())
            }
        }
    }
}

pub(super) fn invalid_name() -> Rejection {
    let message = "The blob name is invalid. It should hold 1 to 1024 characters, and no control characters.";
    Rejection::new(400, "InvalidResourceName", message)
}

fn check_size(size_bytes: u64) -> Result<(), Rejection> {
    if size_bytes.is_multiple_of(PAGE_BYTES) && size_bytes <= LARGEST_PAGE_BLOB {
        return Ok(());
    }
    let message = "The value for one of the HTTP headers is not in the correct format: a page blob has at most 8 TiB, in whole pages of 512 bytes (x-ms-blob-content-length).";
    Err(Rejection::new(400, "InvalidHeaderValue", message))
}

/// Whether a range is some whole pages of a blob of `size_bytes`.
pub(super) fn check_pages(range: &Range<u64>, size_bytes: u64) -> Result<(), Rejection> {
    let whole = range.start.is_multiple_of(PAGE_BYTES) && range.end.is_multiple_of(PAGE_BYTES);
    if whole && range.start < range.end && range.end <= size_bytes {
        return Ok(());
    }
    Err(refusals::page_range())
}

pub(super) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
