//! Block blobs: blocks put one by one, in any order, and the list that makes a blob of them.

use std::collections::HashMap;

use arm::ResourceId;
use bytes::Bytes;
use providers::Rejection;
use providers::storage::blob as names;
use uuid::Uuid;

use super::blob::{Blob, BlobKind, Block};
use super::block_file::{self, LONGEST_ID, Place};
use super::conditions::{Conditions, Purpose};
use super::write::{NewBlob, invalid_name, wide};
use super::{Blobs, RACES, Touched, lost, refusals, without_container};
use crate::content::{Content, OpenContent};
use crate::{Error, Regions, Staged, Staging};

/// Most blocks of a blob ("Put Block List").
const MOST_BLOCKS: usize = 50_000;
const COPY_BYTES: u64 = 1 << 20;

/// One entry of the list that ends an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedBlock {
    /// One that the blob has.
    Committed(String),
    /// One that was put since.
    Uncommitted(String),
    /// The one that was put since, or else the one the blob has.
    Latest(String),
}

/// The blocks of a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList {
    /// Those it is made of, in order.
    pub committed: Vec<Block>,
    /// Those that were put and not committed.
    pub uncommitted: Vec<Block>,
}

/// Where the bytes of a new blob's block come from.
enum Part {
    /// A range of what the blob is now.
    Old { offset: u64, length: u64 },
    /// A block that was put.
    New(Place),
}

impl Blobs {
    /// Keeps a block for the list that will name it.
    ///
    /// # Errors
    /// 400 for an id that is none, 404 without a container, 409 for a page blob.
    pub async fn put_block(
        &self,
        container: &ResourceId,
        name: &str,
        block_id: &str,
        bytes: Bytes,
    ) -> Result<(), Error> {
        if block_id.is_empty() || block_id.len() > LONGEST_ID {
            let message = "The block id is invalid. It should be the base64 of 1 to 64 bytes.";
            return Err(Rejection::new(400, "InvalidQueryParameterValue", message).into());
        }
        let id = names::id_of(container, name).ok_or_else(invalid_name)?;
        let gate = self.gates.of(&id);
        let _alone = gate.alone().await;
        let file = self.block_file(&id, name).await?;
        let (staging, block_id) = (self.staging.clone(), block_id.to_owned());
        let adding =
            tokio::task::spawn_blocking(move || block_file::append(&staging.get(file)?, &block_id, &bytes));
        adding.await?.map_err(Error::Staging)
    }

    /// The file of a blob's blocks, made with the row that names it when there is none.
    async fn block_file(&self, id: &ResourceId, name: &str) -> Result<Uuid, Error> {
        for _ in 0..RACES {
            let (row, before) = self.find(id).await?;
            if before.as_ref().is_some_and(|blob| blob.kind == BlobKind::Page) {
                return Err(refusals::blob_kind().into());
            }
            if let Some(file) = before.as_ref().and_then(|blob| blob.put_blocks) {
                return Ok(file);
            }
            let (file, staging) = (self.ids.uuid(), self.staging.clone());
            let _unnamed = self.staging.unnamed(file);
            let making = tokio::task::spawn_blocking(move || staging.create(file, 0).map(drop));
            making.await?.map_err(Error::Staging)?;
            let mut blob = match &before {
                Some(blob) => blob.clone(),
                None => self.uncommitted(name),
            };
            blob.put_blocks = Some(file);
            match self.commit(&row, before.as_ref(), &blob).await {
                Ok(()) => return Ok(file),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    /// A block blob of which nothing is committed.
    fn uncommitted(&self, name: &str) -> Blob {
        let mut blob = Blob {
            name: name.to_owned(),
            kind: BlobKind::Block,
            size_bytes: 0,
            etag: String::new(),
            last_modified: self.clock.now(),
            created: self.clock.now(),
            sequence: 0,
            headers: super::Headers::new(),
            metadata: super::Headers::new(),
            content: None,
            blocks: Vec::new(),
            put_blocks: None,
        };
        self.touched(&mut blob);
        blob
    }

    /// Makes the blob of the blocks that `list` names.
    ///
    /// # Errors
    /// 400 when a block is not there, 404 without a container, and what the conditions refuse.
    pub async fn put_block_list(
        &self,
        container: &ResourceId,
        name: &str,
        list: Vec<ListedBlock>,
        new: NewBlob,
        conditions: &Conditions,
    ) -> Result<Touched, Error> {
        if list.len() > MOST_BLOCKS {
            return Err(refusals::block_list("it names more than 50,000 blocks").into());
        }
        let id = names::id_of(container, name).ok_or_else(invalid_name)?;
        let gate = self.gates.of(&id);
        let _alone = gate.alone().await;
        self.container(container).await?;
        for _ in 0..RACES {
            let (row, before) = self.find(&id).await?;
            if before.as_ref().is_some_and(|blob| blob.kind == BlobKind::Page) {
                return Err(refusals::blob_kind().into());
            }
            conditions.check(before.as_ref().filter(|blob| blob.is_committed()), Purpose::Write)?;
            let file = self.ids.uuid();
            let _unnamed = self.staging.unnamed(file);
            let assembly = Assembly {
                staging: self.staging.clone(),
                regions: self.regions.clone(),
                before: before.clone(),
                list: list.clone(),
            };
            let blocks = tokio::task::spawn_blocking(move || assembly.make(file)).await??;
            let mut blob = before.clone().unwrap_or_else(|| self.uncommitted(name));
            blob.size_bytes = blocks.iter().map(|block| block.length).sum();
            (blob.headers, blob.metadata) = (new.headers.clone(), new.metadata.clone());
            (blob.blocks, blob.content, blob.put_blocks) = (blocks, Some(Content::Staged(file)), None);
            let touched = self.touched(&mut blob);
            match self.commit(&row, before.as_ref(), &blob).await {
                Ok(()) => return Ok(touched),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(without_container(error)),
            }
        }
        Err(refusals::busy().into())
    }

    /// The blocks of a blob.
    ///
    /// # Errors
    /// 404 when there is neither blob nor block, 409 for a page blob.
    pub async fn block_list(&self, container: &ResourceId, name: &str) -> Result<(Blob, BlockList), Error> {
        let id = names::id_of(container, name).ok_or_else(refusals::blob_not_found)?;
        let Some(blob) = self.find(&id).await?.1 else {
            self.container(container).await?;
            return Err(refusals::blob_not_found().into());
        };
        if blob.kind == BlobKind::Page {
            return Err(refusals::blob_kind().into());
        }
        let mut uncommitted = Vec::new();
        if let Some(file) = blob.put_blocks {
            let staging = self.staging.clone();
            let reading = tokio::task::spawn_blocking(move || block_file::read(&staging.get(file)?));
            let (order, places) = reading.await?.map_err(Error::Staging)?;
            uncommitted.extend(order.into_iter().map(|id| Block { length: places[&id].length, id }));
        }
        let committed = blob.blocks.clone();
        Ok((blob, BlockList { committed, uncommitted }))
    }
}

/// A block blob being put together.
struct Assembly {
    staging: Staging,
    regions: Regions,
    before: Option<Blob>,
    list: Vec<ListedBlock>,
}

impl Assembly {
    /// Writes the blob's bytes into a new file, durably; answers its blocks.
    fn make(self, file: Uuid) -> Result<Vec<Block>, Error> {
        let put_blocks = self.before.as_ref().and_then(|blob| blob.put_blocks);
        let put_blocks = put_blocks.map(|file| self.staging.get(file)).transpose().map_err(Error::Staging)?;
        let fresh = put_blocks.as_ref().map(block_file::read).transpose().map_err(Error::Staging)?;
        let fresh = fresh.map(|(_, places)| places).unwrap_or_default();
        let (blocks, parts) = self.parts(&fresh)?;
        let content = self.before.as_ref().and_then(|blob| blob.content.clone());
        let old = content.map(|content| content.open(&self.staging, &self.regions)).transpose()?;
        let size_bytes = blocks.iter().map(|block| block.length).sum();
        let made = self.staging.create(file, size_bytes).map_err(Error::Staging)?;
        let mut at = 0;
        for part in parts {
            at += match part {
                Part::Old { offset, length } => copy_old(old.as_ref(), offset, length, &made, at)?,
                Part::New(place) => copy_new(put_blocks.as_ref(), &place, &made, at)?,
            };
        }
        made.sync().map_err(Error::Staging)?;
        Ok(blocks)
    }

    fn parts(&self, fresh: &HashMap<String, Place>) -> Result<(Vec<Block>, Vec<Part>), Rejection> {
        let mut standing = HashMap::new();
        let mut offset = 0;
        for block in self.before.iter().flat_map(|blob| &blob.blocks) {
            standing.insert(block.id.as_str(), (offset, block.length));
            offset += block.length;
        }
        let old = |id: &str| {
            standing.get(id).map(|(offset, length)| Part::Old { offset: *offset, length: *length })
        };
        let new = |id: &str| fresh.get(id).map(|place| Part::New(*place));
        let (mut blocks, mut parts) = (Vec::new(), Vec::new());
        for listed in &self.list {
            let (id, part) = match listed {
                ListedBlock::Committed(id) => (id, old(id)),
                ListedBlock::Uncommitted(id) => (id, new(id)),
                ListedBlock::Latest(id) => (id, new(id).or_else(|| old(id))),
            };
            let part = part.ok_or_else(|| refusals::block_list("it names a block that is not there"))?;
            let length = match &part {
                Part::Old { length, .. } => *length,
                Part::New(place) => place.length,
            };
            blocks.push(Block { id: id.clone(), length });
            parts.push(part);
        }
        Ok((blocks, parts))
    }
}

fn copy_old(old: Option<&OpenContent>, offset: u64, length: u64, to: &Staged, at: u64) -> Result<u64, Error> {
    let old = old.ok_or_else(|| refusals::block_list("it names a block that is not there"))?;
    pieces(length, |done, buffer| {
        old.read_at(offset + done, buffer)?;
        to.write(at + done, buffer).map_err(Error::Staging)
    })
}

/// The bytes prove themselves as they are copied.
fn copy_new(from: Option<&Staged>, place: &Place, to: &Staged, at: u64) -> Result<u64, Error> {
    let from = from.ok_or_else(|| refusals::block_list("it names a block that is not there"))?;
    let mut hasher = blake3::Hasher::new();
    let copied = pieces(place.length, |done, buffer| {
        from.read(place.offset + done, buffer).map_err(Error::Staging)?;
        hasher.update(buffer);
        to.write(at + done, buffer).map_err(Error::Staging)
    })?;
    if *hasher.finalize().as_bytes() != place.digest {
        return Err(refusals::block_list("a block was not written whole; put it again").into());
    }
    Ok(copied)
}

fn pieces(length: u64, mut each: impl FnMut(u64, &mut [u8]) -> Result<(), Error>) -> Result<u64, Error> {
    let mut buffer = vec![0; usize::try_from(length.min(COPY_BYTES)).unwrap_or_default()];
    let mut done = 0;
    while done < length {
        let wanted = usize::try_from((length - done).min(COPY_BYTES)).unwrap_or_default();
        each(done, &mut buffer[..wanted])?;
        done += wide(wanted);
    }
    Ok(length)
}
