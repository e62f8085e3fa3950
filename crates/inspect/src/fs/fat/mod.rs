//! FAT12, FAT16 and FAT32, by Microsoft's "FAT File System Specification" of 2000; long names included.
//!
//! A file is known by where its short entry stands on the volume, the root by 0. Chains are followed only as far as a
//! size allows, so that one that turns in a circle ends.

mod folder;
mod geometry;

use std::sync::{Mutex, PoisonError};

use self::geometry::{Geometry, Root};
use super::{Entry, Files, Opened, share};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::{Error, Node, NodeKind};
use crate::window::Window;

/// The number of the root folder.
const ROOT: u64 = 0;
/// Numbers of nodes that are no folders are marked, since folders go by their first cluster.
const NO_FOLDER: u64 = 1 << 55;
/// Most bytes of a folder: 65,536 records.
const MOST_FOLDER_BYTES: u64 = 2 << 20;
/// The attribute of a folder.
const FOLDER: u8 = 0x10;

/// Opens the file system in `volume`.
pub(super) fn open<'a>(volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    let geometry = Geometry::read(volume)?;
    let (clean, usage) = (geometry.is_clean(volume)?, geometry.usage(volume)?);
    let files = Fat { volume: volume.clone(), geometry, last: Mutex::default() };
    let label = folder::label(&files)?;
    Ok(Opened { tree: share(files, volume), clean: Some(clean), usage, label, note: None })
}

struct Fat<'a> {
    volume: Window<'a>,
    geometry: Geometry,
    /// Where the last read ended, so that reading on does not begin at the head of the chain.
    last: Mutex<Option<Link>>,
}

/// A place in a chain of clusters.
#[derive(Clone, Copy)]
struct Link {
    /// The first cluster of the chain.
    head: u64,
    index: u64,
    cluster: u64,
}

/// What a short entry tells.
struct Short {
    is_folder: bool,
    head: u64,
    size_bytes: u64,
}

impl Fat<'_> {
    fn short(&self, id: u64) -> Result<Short, Error> {
        if id == ROOT {
            let head = match self.geometry.root {
                Root::Chain(head) => head,
                Root::Fixed { .. } => 0,
            };
            return Ok(Short { is_folder: true, head, size_bytes: 0 });
        }
        let record = self.volume.bytes(id, 32)?;
        let fields = Fields::new("FAT folder", &record);
        let high = if self.geometry.is_wide() { u64::from(fields.le_u16(20)?) } else { 0 };
        Ok(Short {
            is_folder: fields.u8(11)? & FOLDER != 0,
            head: high << 16 | u64::from(fields.le_u16(26)?),
            size_bytes: fields.le_u32(28)?.into(),
        })
    }

    /// Where the parts of a folder stand on the volume, and how long each is.
    fn parts(&self, folder: &Short) -> Result<Vec<(u64, u64)>, Error> {
        if let (0, Root::Fixed { at, bytes }) = (folder.head, self.geometry.root) {
            return Ok(vec![(at, bytes)]);
        }
        let each = self.geometry.cluster_bytes;
        let mut parts = Vec::new();
        let mut next = Some(folder.head);
        while let Some(cluster) = next {
            if as_u64(parts.len()) * each >= MOST_FOLDER_BYTES {
                return Err(Error::Damaged(
                    "a folder is longer than FAT allows, or turns in a circle".to_owned(),
                ));
            }
            parts.push((self.geometry.cluster_at(cluster)?, each));
            next = self.geometry.next(&self.volume, cluster)?;
        }
        Ok(parts)
    }

    /// Reads `bytes` of the chain that begins at `head`, from `offset` on.
    fn read_chain(&self, head: u64, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let each = self.geometry.cluster_bytes;
        let mut link = self.seek(head, offset / each)?;
        let (mut done, mut within) = (0, offset % each);
        while done < bytes.len() {
            // Clusters that follow each other are read at once.
            let first = link;
            let mut next = None;
            let wanted = as_u64(bytes.len() - done) + within;
            while (link.index - first.index + 1) * each < wanted {
                next = self.geometry.next(&self.volume, link.cluster)?;
                match next {
                    Some(cluster) if cluster == link.cluster + 1 => link = link.on(cluster),
                    _ => break,
                }
            }
            let run = (link.index - first.index + 1) * each - within;
            let taken = run.min(as_u64(bytes.len() - done));
            // The last cluster of the run must lie inside as well as the first.
            self.geometry.cluster_at(link.cluster)?;
            let into = bytes.get_mut(done..done + as_usize(taken)).unwrap_or_default();
            self.volume.read(self.geometry.cluster_at(first.cluster)? + within, into)?;
            done += as_usize(taken);
            within = 0;
            if done < bytes.len() {
                let cluster =
                    next.ok_or_else(|| Error::Damaged("a file is longer than its chain".to_owned()))?;
                link = link.on(cluster);
            }
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        Ok(())
    }

    /// The cluster `index` of the chain that begins at `head`.
    fn seek(&self, head: u64, index: u64) -> Result<Link, Error> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.filter(|last| last.head == head && last.index <= index);
        let mut link = known.unwrap_or(Link { head, index: 0, cluster: head });
        while link.index < index {
            let cluster = self.geometry.next(&self.volume, link.cluster)?;
            let ended = || Error::Damaged("a file is longer than its chain".to_owned());
            link = link.on(cluster.ok_or_else(ended)?);
        }
        Ok(link)
    }
}

impl Link {
    fn on(self, cluster: u64) -> Self {
        Self { index: self.index + 1, cluster, ..self }
    }
}

impl Files for Fat<'_> {
    fn root(&self) -> u64 {
        ROOT
    }

    fn node(&self, id: u64) -> Result<Node, Error> {
        let short = self.short(id)?;
        Ok(Node {
            kind: if short.is_folder { NodeKind::Folder } else { NodeKind::File },
            size_bytes: if short.is_folder { 0 } else { short.size_bytes },
            mode: 0,
            uid: None,
            gid: None,
            number: Some(if short.is_folder { short.head } else { NO_FOLDER | id }),
        })
    }

    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error> {
        folder::entries(self, &self.short(id)?, most)
    }

    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        let short = self.short(id)?;
        let wanted = short.size_bytes.saturating_sub(offset).min(as_u64(most));
        if wanted > self.volume.size_bytes() {
            return Err(Error::Damaged("a file is longer than its volume".to_owned()));
        }
        let mut bytes = vec![0; as_usize(wanted)];
        if wanted > 0 {
            self.read_chain(short.head, offset, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn target(&self, _id: u64) -> Result<Vec<u8>, Error> {
        Err(Error::NotThere("FAT has no symbolic links".to_owned()))
    }

    fn folds_case(&self) -> bool {
        true
    }
}
