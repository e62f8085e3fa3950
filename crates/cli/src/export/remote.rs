//! A version on the server as blocks: its list first, then windows of chunks, fetched ahead.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use disks::{Blocks, Extent, ExtentKind};
use store::{Block, Digest, Entry, ManifestBuilder, OpenBlock};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::client::Client;

/// Plain bytes of data fetched at once.
const WINDOW_BYTES: u64 = 16 << 20;
/// Windows fetched ahead of the one being read.
const AHEAD: usize = 2;

/// A version, readable at any offset.
pub(crate) struct RemoteImage {
    client: Arc<Client>,
    handle: Handle,
    version_id: String,
    region: String,
    digest: Digest,
    lun: Option<u32>,
    size_bytes: u64,
    data_bytes: u64,
    /// Chunks and holes with the offset each begins at.
    entries: Vec<(u64, Entry)>,
    /// Ranges of the disk that are fetched together.
    windows: Vec<(u64, u64)>,
    loaded: Mutex<Loaded>,
}

/// Windows in memory and on their way.
#[derive(Default)]
struct Loaded {
    ready: HashMap<usize, Arc<Window>>,
    coming: HashMap<usize, JoinHandle<anyhow::Result<Window>>>,
}

/// The verified chunks of one window.
#[derive(Default)]
struct Window {
    blocks: Vec<OpenBlock>,
    /// In which block a chunk stands, and where in its bytes.
    places: HashMap<Digest, (usize, Range<usize>)>,
}

impl Window {
    fn chunk(&self, digest: &Digest) -> Option<&[u8]> {
        let (block, range) = self.places.get(digest)?;
        self.blocks.get(*block)?.bytes().get(range.clone())
    }
}

impl RemoteImage {
    /// Asks for the list of a version's disk and proves it against the disk's digest.
    pub(crate) async fn open(
        client: Arc<Client>,
        id: &str,
        region: Option<&str>,
        lun: Option<u32>,
    ) -> anyhow::Result<Self> {
        let region = region.map(|region| format!("region={region}"));
        let query: Vec<String> = region.into_iter().chain(lun.map(|lun| format!("lun={lun}"))).collect();
        let (headers, list) =
            client.get_bytes(&format!("/gallerist/entries{id}?{}", query.join("&"))).await?;
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned).with_context(|| format!("the server did not say {name}"))
        };
        let digest: Digest = header("x-gallerist-digest")?.parse()?;
        let size_bytes: u64 = header("x-gallerist-size-bytes")?.parse()?;
        let listed = Entry::read_all(&list)?;
        prove(&listed, &digest)?;
        let (mut entries, mut offset, mut data_bytes) = (Vec::with_capacity(listed.len()), 0, 0);
        for entry in listed {
            entries.push((offset, entry));
            offset += entry.length();
            if matches!(entry, Entry::Chunk { .. }) {
                data_bytes += entry.length();
            }
        }
        let windows = windows(&entries);
        let (version_id, region) = (header("x-gallerist-version")?, header("x-gallerist-region")?);
        let loaded = Mutex::default();
        Ok(Self {
            client,
            handle: Handle::current(),
            version_id,
            lun,
            region,
            digest,
            size_bytes,
            data_bytes,
            entries,
            windows,
            loaded,
        })
    }

    pub(crate) fn version_id(&self) -> &str {
        &self.version_id
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Unique ids inside a container follow from the image.
    pub(crate) fn identity(&self) -> [u8; 16] {
        let mut identity = [0; 16];
        identity.copy_from_slice(&self.digest.as_bytes()[..16]);
        identity
    }

    /// The place in the list of what stands at `offset`; `None` past the last entry.
    fn entry_at(&self, offset: u64) -> Option<usize> {
        let after = self.entries.partition_point(|(start, _)| *start <= offset);
        let at = after.checked_sub(1)?;
        let (start, entry) = &self.entries[at];
        (offset < start + entry.length()).then_some(at)
    }

    /// The window that holds `offset`, fetched when need be, with the next ones set going.
    fn window(&self, offset: u64) -> anyhow::Result<Arc<Window>> {
        let number = self.windows.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let fetch = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            for ahead in number..=(number + AHEAD).min(self.windows.len().saturating_sub(1)) {
                if !loaded.ready.contains_key(&ahead) && !loaded.coming.contains_key(&ahead) {
                    loaded.coming.insert(ahead, self.fetch(ahead));
                }
            }
            if let Some(window) = loaded.ready.get(&number) {
                return Ok(window.clone());
            }
            loaded.ready.retain(|kept, _| kept.abs_diff(number) <= AHEAD);
            loaded.coming.remove(&number)
        };
        // Two readers of one window: the second fetches it for itself.
        let fetch = fetch.unwrap_or_else(|| self.fetch(number));
        let window = Arc::new(self.handle.block_on(fetch)??);
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).ready.insert(number, window.clone());
        Ok(window)
    }

    fn fetch(&self, number: usize) -> JoinHandle<anyhow::Result<Window>> {
        let (from, to) = self.windows[number];
        let (client, region) = (self.client.clone(), self.region.clone());
        let lun = self.lun.map_or_else(String::new, |lun| format!("&lun={lun}"));
        let url = format!("/gallerist/blocks{}?region={region}&from={from}&to={to}{lun}", self.version_id);
        self.handle.spawn(async move {
            let (_, packed) = client.get_bytes(&url).await?;
            tokio::task::spawn_blocking(move || unpack(&packed)).await?
        })
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> anyhow::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + u64::try_from(filled)?;
            let rest = &mut buffer[filled..];
            let Some((start, entry)) = self.entry_at(at).map(|place| &self.entries[place]) else {
                // Past the last entry the disk is a hole.
                rest.fill(0);
                return Ok(());
            };
            let skip = at - start;
            let take = usize::try_from(entry.length() - skip)?.min(rest.len());
            match entry {
                Entry::Hole { .. } => rest[..take].fill(0),
                Entry::Chunk { digest, .. } => {
                    let window = self.window(*start)?;
                    let Some(chunk) = window.chunk(digest) else {
                        bail!("the server left out the chunk {digest}")
                    };
                    let skip = usize::try_from(skip)?;
                    let part =
                        chunk.get(skip..skip + take).context("a chunk is shorter than its list says")?;
                    rest[..take].copy_from_slice(part);
                }
            }
            filled += take;
        }
        Ok(())
    }
}

impl Blocks for RemoteImage {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        self.fill(offset, buffer).map_err(|error| io::Error::other(error).into())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        let left = self.size_bytes.checked_sub(offset).filter(|left| *left > 0);
        let left = left.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let Some((start, entry)) = self.entry_at(offset).map(|place| &self.entries[place]) else {
            return Ok(Extent { length: left, kind: ExtentKind::Zero });
        };
        let kind = if matches!(entry, Entry::Hole { .. }) { ExtentKind::Zero } else { ExtentKind::Data };
        Ok(Extent { length: (start + entry.length() - offset).min(left), kind })
    }
}

/// The list must give the digest that the version has.
fn prove(entries: &[Entry], digest: &Digest) -> anyhow::Result<()> {
    let mut builder = ManifestBuilder::new();
    let mut drop_page = |_: Digest, _: &[u8]| Ok(());
    for entry in entries {
        builder.push(entry, &mut drop_page)?;
    }
    let found = builder.finish(&mut drop_page)?;
    if found != *digest {
        bail!(
            "the server's list of chunks does not give the image's digest; do not trust this server, run gallerist verify"
        );
    }
    Ok(())
}

/// Ranges with about [`WINDOW_BYTES`] of data each, from the begin of a chunk to the end of one.
fn windows(entries: &[(u64, Entry)]) -> Vec<(u64, u64)> {
    let mut windows: Vec<(u64, u64)> = Vec::new();
    let mut data_bytes = WINDOW_BYTES;
    for (offset, entry) in entries.iter().filter(|(_, entry)| matches!(entry, Entry::Chunk { .. })) {
        let end = offset + entry.length();
        match windows.last_mut() {
            Some((start, last)) if data_bytes < WINDOW_BYTES && end - *start <= 8 * WINDOW_BYTES => {
                *last = end;
                data_bytes += entry.length();
            }
            _ => {
                windows.push((*offset, end));
                data_bytes = entry.length();
            }
        }
    }
    windows
}

/// Opens blocks; every chunk is verified on the way.
fn unpack(packed: &[u8]) -> anyhow::Result<Window> {
    let mut window = Window::default();
    let mut rest = packed;
    while !rest.is_empty() {
        let (block, used) = Block::read_from(rest)?;
        let (open, number) = (block.open()?, window.blocks.len());
        let mut start = 0;
        for (digest, bytes) in open.iter() {
            window.places.insert(digest, (number, start..start + bytes.len()));
            start += bytes.len();
        }
        window.blocks.push(open);
        rest = &rest[used..];
    }
    Ok(window)
}
