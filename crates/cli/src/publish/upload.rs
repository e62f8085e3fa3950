//! From blocks to the server: cut, ask what is wanted, compress that, send it, and end with the list.
//!
//! Reading and hashing, compressing, and the network work at once; each hand-over is bounded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use disks::Blocks;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use serde_json::Value;
use store::{Block, BlockBuilder, Digest, Entry, Piece};
use tokio::sync::{Semaphore, mpsc};

use crate::client::Client;

/// Plain bytes of chunks asked about at once.
const BATCH_BYTES: usize = 16 << 20;
/// Batches on their way at once; with those being read, the bound of memory.
const BATCHES_AT_ONCE: usize = 4;
/// How often a commit may answer that chunks are missing (lost by a restart of the server) before this gives up.
const ROUNDS: usize = 5;

/// What arrived.
pub(crate) struct Sent {
    pub(crate) digest: String,
    pub(crate) logical_bytes: u64,
    pub(crate) new_bytes: u64,
    pub(crate) stored_bytes: u64,
    /// Compressed bytes that went over the wire.
    pub(crate) sent_bytes: u64,
}

/// Chunks in disk order, each digest once.
type Batch = Vec<(Digest, Vec<u8>)>;

/// Sends what the server lacks of `blocks` and commits the upload.
pub(crate) async fn send(
    client: &Client,
    upload_id: &str,
    blocks: Box<dyn Blocks>,
    bar: &ProgressBar,
) -> anyhow::Result<Sent> {
    let blocks: Arc<dyn Blocks> = Arc::from(blocks);
    let (batches, receiver) = mpsc::channel(1);
    let (source, shown) = (blocks.clone(), bar.clone());
    let reading = tokio::task::spawn_blocking(move || read(source.as_ref(), &batches, &shown));
    let mut sent_bytes = send_batches(client, upload_id, receiver).await?;
    let entries = reading.await.context("the image could not be read to its end")??;
    let mut list = Vec::new();
    entries.iter().for_each(|(_, entry)| entry.write_to(&mut list));
    let list = Bytes::from(list);
    for _ in 0..ROUNDS {
        let reply = client.post_bytes(&format!("/gallerist/commit{upload_id}"), list.clone()).await?;
        let reply: Value = serde_json::from_slice(&reply)?;
        if reply["state"] == "Committed" {
            let number = |name: &str| reply[name].as_u64().unwrap_or(0);
            return Ok(Sent {
                digest: reply["digest"].as_str().unwrap_or_default().to_owned(),
                logical_bytes: number("logicalBytes"),
                new_bytes: number("newBytes"),
                stored_bytes: number("storedBytes"),
                sent_bytes,
            });
        }
        let missing = reply["missing"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|digest| digest.as_str()?.parse().ok());
        let missing: HashSet<Digest> = missing.collect();
        sent_bytes += send_missing(client, upload_id, &blocks, &entries, missing).await?;
    }
    bail!("the server loses chunks as fast as they are sent; see its log, then publish again")
}

/// Cuts the disk; hands on each chunk once, and answers the whole list with offsets.
fn read(
    blocks: &dyn Blocks,
    batches: &mpsc::Sender<Batch>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<(u64, Entry)>> {
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    let (mut batch, mut batch_bytes) = (Batch::new(), 0);
    store::cut(blocks, &mut |piece| {
        match piece {
            Piece::Hole { offset, length } => {
                entries.push((offset, Entry::Hole { length }));
                bar.set_position(offset + length);
            }
            Piece::Chunk { offset, digest, bytes } => {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                entries.push((offset, Entry::Chunk { digest, length }));
                bar.set_position(offset + u64::from(length));
                if seen.insert(digest) {
                    batch_bytes += bytes.len();
                    batch.push((digest, bytes.to_vec()));
                }
                if batch_bytes >= BATCH_BYTES {
                    batch_bytes = 0;
                    hand_on(batches, std::mem::take(&mut batch))?;
                }
            }
        }
        Ok(())
    })?;
    if !batch.is_empty() {
        hand_on(batches, batch)?;
    }
    Ok(entries)
}

/// A receiver that is gone has its own error to tell.
fn hand_on(batches: &mpsc::Sender<Batch>, batch: Batch) -> Result<(), store::Error> {
    batches.blocking_send(batch).map_err(|_gone| store::Error::Cancelled)
}

/// Sends batches as they come, some at once; answers the bytes that went out.
async fn send_batches(
    client: &Client,
    upload_id: &str,
    receiver: mpsc::Receiver<Batch>,
) -> anyhow::Result<u64> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let cores = Arc::new(Semaphore::new(cores));
    let batches = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|batch| (batch, receiver))
    });
    let sends = batches
        .map(|batch| send_batch(client, upload_id, batch, cores.clone()))
        .buffer_unordered(BATCHES_AT_ONCE);
    sends.try_fold(0, |sum, sent| async move { Ok(sum + sent) }).await
}

async fn send_batch(
    client: &Client,
    upload_id: &str,
    batch: Batch,
    cores: Arc<Semaphore>,
) -> anyhow::Result<u64> {
    let digests: Vec<u8> = batch.iter().flat_map(|(digest, _)| *digest.as_bytes()).collect();
    let wanted = client.post_bytes(&format!("/gallerist/wanted{upload_id}"), digests.into()).await?;
    if wanted.len() != batch.len() {
        bail!("the server answered about {} chunks, {} were asked about", wanted.len(), batch.len());
    }
    let lacking = batch.into_iter().zip(&wanted).filter(|(_, wanted)| **wanted != 0).map(|(chunk, _)| chunk);
    let mut packing = Vec::new();
    for builder in group(lacking)? {
        let cores = cores.clone();
        packing.push(tokio::spawn(async move {
            let _core = cores.acquire_owned().await;
            tokio::task::spawn_blocking(move || builder.finish()).await
        }));
    }
    let mut body = Vec::new();
    for packed in packing {
        let block: Block = packed.await??;
        block.write_to(&mut body);
    }
    let sent = u64::try_from(body.len())?;
    if sent > 0 {
        client.post_bytes(&format!("/gallerist/blocks{upload_id}"), body.into()).await?;
    }
    Ok(sent)
}

/// Chunks side by side in blocks, not yet compressed.
fn group(chunks: impl Iterator<Item = (Digest, Vec<u8>)>) -> anyhow::Result<Vec<BlockBuilder>> {
    let (mut groups, mut open) = (Vec::new(), BlockBuilder::new());
    for (digest, bytes) in chunks {
        if open.push(digest, &bytes)? {
            groups.push(std::mem::take(&mut open));
        }
    }
    if !open.is_empty() {
        groups.push(open);
    }
    Ok(groups)
}

/// Reads again and sends what the server lost.
async fn send_missing(
    client: &Client,
    upload_id: &str,
    blocks: &Arc<dyn Blocks>,
    entries: &[(u64, Entry)],
    missing: HashSet<Digest>,
) -> anyhow::Result<u64> {
    let mut places: HashMap<Digest, (u64, u32)> = HashMap::new();
    for (offset, entry) in entries {
        if let Entry::Chunk { digest, length } = entry
            && missing.contains(digest)
        {
            places.insert(*digest, (*offset, *length));
        }
    }
    let (batches, receiver) = mpsc::channel(1);
    let source = blocks.clone();
    let reading = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
        let (mut batch, mut batch_bytes) = (Batch::new(), 0);
        for (digest, (offset, length)) in places {
            let mut bytes = vec![0; usize::try_from(length)?];
            // The last chunk is padded to the grid; the disk may end before.
            let left = usize::try_from(source.size_bytes().saturating_sub(offset).min(u64::from(length)))?;
            source.read_at(offset, &mut bytes[..left])?;
            batch_bytes += bytes.len();
            batch.push((digest, bytes));
            if batch_bytes >= BATCH_BYTES {
                batch_bytes = 0;
                hand_on(&batches, std::mem::take(&mut batch))?;
            }
        }
        if !batch.is_empty() {
            hand_on(&batches, batch)?;
        }
        Ok(())
    });
    let sent = send_batches(client, upload_id, receiver).await?;
    reading.await??;
    Ok(sent)
}
