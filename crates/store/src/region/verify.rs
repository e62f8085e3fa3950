//! Reads everything back and says what is missing, damaged, left over, or does not belong.
//!
//! It changes nothing, except that copies found bad are not served any more.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Location, Marks, Owner, Region};
use crate::folder::pack_name;
use crate::manifest::{Descend, Visit};
use crate::pack::{Pack, PackFault};
use crate::{Digest, Entry, Error};

/// Broken ranges listed per image; the rest is only counted.
const RANGES_LISTED: usize = 1000;

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Bytes of pack files read.
    pub done_bytes: u64,
    /// Bytes of all pack files.
    pub total_bytes: u64,
}

/// What a verification found. Healthy when [`Report::is_healthy`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packs read.
    pub pack_count: usize,
    /// Chunks and pages read.
    pub chunk_count: u64,
    /// Bytes of the pack files.
    pub stored_bytes: u64,
    /// Chunks and pages of which a stored copy is not what its digest says.
    pub corrupt: Vec<Digest>,
    /// Packs whose file, header, footer or a block is damaged.
    pub damaged_packs: Vec<DamagedPack>,
    /// Packs from which no given root needs anything.
    pub unreferenced_packs: Vec<UnreferencedPack>,
    /// Plain bytes in all packs that no given root needs.
    pub unreferenced_bytes: u64,
    /// Files being written, or left by a writer that is no more.
    pub temp_files: Vec<String>,
    /// Things in the region's folder that do not belong there.
    pub strange_files: Vec<String>,
    /// Images that cannot be read whole.
    pub broken_images: Vec<BrokenImage>,
}

impl Report {
    /// Whether every image can be read whole and nothing is damaged. Left-overs do not count.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.corrupt.is_empty() && self.damaged_packs.is_empty() && self.broken_images.is_empty()
    }
}

/// A pack that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedPack {
    /// The file's name, without its folder.
    pub name: String,
    /// What contradicts what.
    pub reason: String,
}

/// A pack that can be collected once its owner is not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreferencedPack {
    /// The file's name, without its folder.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// For whom it was written.
    pub owner: Owner,
}

/// An image with ranges that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenImage {
    /// The image's digest.
    pub root: Digest,
    /// Bytes of the disk that cannot be read; 0 with one range when the root record itself is lost.
    pub lost_bytes: u64,
    /// The ranges, in disk order; at most a thousand are listed.
    pub ranges: Vec<BrokenRange>,
}

/// A range of a disk that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRange {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its bytes; 0 when unknown.
    pub length: u64,
    /// What stands in the way.
    pub reason: String,
}

impl Region {
    /// Reads every pack, proves every chunk, and checks that each of `roots` can be read whole.
    ///
    /// Work that changes the region meanwhile is harmless, but what it writes and drops may be reported as left over.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the folder cannot be read: that says nothing about the bytes.
    pub fn verify(&self, roots: &[Digest], progress: &dyn Fn(VerifyProgress)) -> Result<Report, Error> {
        let packs = self.state().index.packs();
        let total_bytes = packs.iter().map(|pack| pack.file_bytes).sum();
        let mut report = Report { pack_count: packs.len(), stored_bytes: total_bytes, ..Report::default() };
        report.damaged_packs.extend_from_slice(self.damaged());
        let mut done_bytes = 0;
        for pack in &packs {
            self.verify_pack(pack, &mut report)?;
            done_bytes += pack.file_bytes;
            progress(VerifyProgress { done_bytes, total_bytes });
        }
        let mut needed = Marks::default();
        let mut seen = HashSet::new();
        for root in roots.iter().filter(|root| seen.insert(**root)) {
            self.verify_image(*root, &mut needed, &mut report)?;
        }
        for pack in &packs {
            let needed_bytes = needed.of_pack(pack.number).map_or(0, |marked| marked.plain_bytes);
            report.unreferenced_bytes += pack.plain_bytes() - needed_bytes;
            if needed_bytes == 0 {
                report.unreferenced_packs.push(UnreferencedPack {
                    name: pack_name(pack.number),
                    bytes: pack.file_bytes,
                    owner: pack.owner,
                });
            }
        }
        self.verify_names(&mut report)?;
        Ok(report)
    }

    fn verify_pack(&self, pack: &Arc<Pack>, report: &mut Report) -> Result<(), Error> {
        let mut reasons = Vec::new();
        match Pack::load(&self.0.folder, pack.number) {
            Ok(_same_as_before) => {}
            Err(PackFault::Damaged(reason)) => reasons.push(reason),
            Err(PackFault::Io(source)) => return Err(self.unavailable("read a pack", source)),
        }
        let mut bad = Vec::new();
        for block in 0..pack.blocks.len() {
            if let Some(reason) = self.verify_block(pack, block, &mut bad)? {
                reasons.push(reason);
            }
            report.chunk_count += crate::coding::wide(pack.chunks_of(block).len());
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        if state.index.pack(pack.number).is_none() {
            // Collected while it was read.
            return Ok(());
        }
        for chunk in bad {
            state.index.distrust(&Location { pack: Arc::clone(pack), chunk });
            report.corrupt.push(pack.chunks[chunk].digest);
        }
        drop(state);
        self.forget_file(pack.number);
        let reason = reasons.swap_remove(0);
        report.damaged_packs.push(DamagedPack { name: pack_name(pack.number), reason });
        Ok(())
    }

    /// Says what is wrong with a block and notes its bad chunks.
    fn verify_block(&self, pack: &Pack, block: usize, bad: &mut Vec<usize>) -> Result<Option<String>, Error> {
        let chunks = pack.chunks_of(block);
        let packed = match self.packed(pack, block) {
            Ok(packed) => packed,
            Err(PackFault::Io(source)) => return Err(self.unavailable("read a pack", source)),
            Err(PackFault::Damaged(reason)) => {
                bad.extend(chunks);
                return Ok(Some(reason));
            }
        };
        match packed.open() {
            Ok(_proven) => Ok(None),
            Err(error) => {
                bad.extend(chunks);
                Ok(Some(error.to_string()))
            }
        }
    }

    fn verify_image(&self, root: Digest, needed: &mut Marks, report: &mut Report) -> Result<(), Error> {
        let mut check =
            Check { region: self, needed, broken: BrokenImage { root, lost_bytes: 0, ranges: Vec::new() } };
        match self.manifest(root).and_then(|manifest| manifest.walk(&mut check)) {
            Ok(()) => {}
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => check.lose(0, 0, error.to_string()),
        }
        if !check.broken.ranges.is_empty() {
            report.broken_images.push(check.broken);
        }
        Ok(())
    }

    fn verify_names(&self, report: &mut Report) -> Result<(), Error> {
        let unavailable = |source| self.unavailable("list its folder", source);
        report.temp_files = self.0.folder.temp_files().map_err(unavailable)?;
        let found = self.0.folder.list().map_err(unavailable)?;
        report.strange_files = found.strange;
        let state = self.state();
        for number in found.packs {
            let name = pack_name(number);
            let known = state.index.pack(number).is_some();
            if !known && report.damaged_packs.iter().all(|damaged| damaged.name != name) {
                report.strange_files.push(name);
            }
        }
        Ok(())
    }
}

/// Checks one image and marks what it needs.
struct Check<'a> {
    region: &'a Region,
    needed: &'a mut Marks,
    broken: BrokenImage,
}

impl Check<'_> {
    fn lose(&mut self, offset: u64, length: u64, reason: String) {
        self.broken.lost_bytes += length;
        if self.broken.ranges.len() < RANGES_LISTED {
            self.broken.ranges.push(BrokenRange { offset, length, reason });
        }
    }
}

impl Visit for Check<'_> {
    fn page(&mut self, digest: &Digest) -> Result<Descend, Error> {
        if let Ok(location) = self.region.locate(digest) {
            self.needed.mark(&location);
        }
        // Pages shared with another image are looked into again: each image lists its own losses.
        Ok(Descend::Into)
    }

    fn entry(&mut self, offset: u64, entry: &Entry) -> Result<(), Error> {
        let Entry::Chunk { digest, length } = entry else { return Ok(()) };
        match self.region.locate(digest) {
            Ok(location) if location.length() == *length => {
                self.needed.mark(&location);
            }
            Ok(_) => self.lose(offset, entry.length(), format!("{digest} has another length")),
            Err(error) => self.lose(offset, entry.length(), error.to_string()),
        }
        Ok(())
    }

    fn unreadable(&mut self, offset: u64, length: u64, error: Error) -> Result<(), Error> {
        match error {
            Error::Missing { .. } | Error::Corrupt { .. } => {
                self.lose(offset, length, error.to_string());
                Ok(())
            }
            other => Err(other),
        }
    }
}
