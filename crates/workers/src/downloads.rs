//! Bytes on their way out: the list of a version's chunks, and the blocks that hold a range of it.
//!
//! A client names a version and a range, never a chunk: a digest is no right to bytes.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arm::{Region, ResourceId};
use control::{Engine, stored_of};
use metadata::Listing;
use providers::compute::image_version::{Candidate, latest};
use providers::{Rejection, Stored};
use store::{Digest, Entry};

use crate::image::Images;
use crate::replicas::complete_regions;
use crate::{Error, Regions};

/// Reads versions.
#[derive(Clone)]
pub struct Downloads {
    engine: Arc<Engine>,
    regions: Regions,
}

impl std::fmt::Debug for Downloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Downloads").field("regions", &self.regions).finish_non_exhaustive()
    }
}

/// A version that stands complete in a region.
#[derive(Clone, Debug)]
pub struct VersionBytes {
    /// The version.
    pub id: ResourceId,
    /// Where it is read.
    pub region: Region,
    /// Which data disk; the OS disk without.
    pub lun: Option<i64>,
    /// The image's digest.
    pub root: Digest,
    /// The virtual size in bytes.
    pub size_bytes: u64,
}

impl Downloads {
    /// Reads from `regions` what `engine` knows.
    #[must_use]
    pub fn new(engine: Arc<Engine>, regions: Regions) -> Self {
        Self { engine, regions }
    }

    /// Finds a disk of a version, `latest` included, complete in `region`, or in its home region when none is named.
    /// Without a LUN it is the OS disk.
    ///
    /// # Errors
    /// 404 when there is no such version or data disk, 404 `GalleryImageNotFound` when the region does not have it
    /// complete.
    pub async fn find(
        &self,
        id: &ResourceId,
        region: Option<&Region>,
        lun: Option<i64>,
    ) -> Result<VersionBytes, Error> {
        let (version, region) = self.locate(id, region).await?;
        let images =
            Images::of(&version.document).ok_or_else(|| not_available(&version.id, Some(&region)))?;
        let image = images.disk(lun).ok_or_else(|| no_disk(&version.id, &images, lun))?;
        Ok(VersionBytes { id: version.id, region, lun, root: image.root, size_bytes: image.size_bytes })
    }

    /// As [`Downloads::find`]: the version and the region in which its images are complete.
    pub(crate) async fn locate(
        &self,
        id: &ResourceId,
        region: Option<&Region>,
    ) -> Result<(Stored, Region), Error> {
        let version = if id.name().eq_ignore_ascii_case("latest") {
            self.latest(id, region).await?
        } else {
            let row = self.engine.metadata().row(id).await?;
            let missing = || {
                Rejection::new(404, "ResourceNotFound", format!("The image version '{id}' was not found."))
            };
            stored_of(&row.ok_or_else(missing)?)?
        };
        let complete = complete_regions(self.engine.metadata().as_ref(), &version.id).await?;
        let home: Option<Region> =
            version.document.location.as_deref().and_then(|location| location.parse().ok());
        let wanted = region
            .cloned()
            .or_else(|| home.filter(|home| complete.contains(home)))
            .or_else(|| complete.first().cloned());
        match wanted {
            Some(region) if complete.contains(&region) => Ok((version, region)),
            wanted => Err(not_available(&version.id, wanted.as_ref())),
        }
    }

    /// The highest version that counts as latest in `region`.
    async fn latest(&self, id: &ResourceId, region: Option<&Region>) -> Result<Stored, Error> {
        let none = || {
            let definition = id.parent().map_or_else(String::new, |parent| parent.to_string());
            Rejection::new(
                404,
                "GalleryImageNotFound",
                format!("There is no latest image version exists for \"{definition}\"."),
            )
        };
        let parent = id.parent().ok_or_else(none)?;
        let listing =
            Listing::Children { parent, type_name: "Microsoft.Compute/galleries/images/versions".to_owned() };
        let mut cursor = None;
        loop {
            let rows = self.engine.metadata().list_back(&listing, cursor.as_ref(), 50).await?;
            let Some(last) = rows.last() else { return Err(none().into()) };
            cursor = Some(listing.cursor_after(last));
            for row in &rows {
                let version = stored_of(row)?;
                let complete = complete_regions(self.engine.metadata().as_ref(), &version.id).await?;
                let name = version.id.name().parse().map_err(|_error| none())?;
                let candidate = Candidate { name, document: &version.document, completed: &complete };
                if latest([candidate], region).is_some() {
                    return Ok(version);
                }
            }
        }
    }

    /// The chunks and holes of a version in disk order, in the coding of [`Entry`].
    ///
    /// # Errors
    /// When the region cannot be read; 404 when the version was deleted meanwhile.
    pub async fn entries(&self, version: &VersionBytes) -> Result<Vec<u8>, Error> {
        let (store, root) = (self.regions.store(&version.region)?.clone(), version.root);
        let listed = tokio::task::spawn_blocking(move || {
            let _kept = store.keep(root);
            let mut listed = Vec::new();
            for entry in store.manifest(root)?.entries() {
                entry?.1.write_to(&mut listed);
            }
            Ok::<_, store::Error>(listed)
        });
        self.unless_gone(version, listed.await?).await
    }

    /// The blocks with every chunk that begins in `start..end` of the disk, in the coding of [`store::Block`].
    ///
    /// # Errors
    /// When the region cannot be read, or a chunk is damaged; 404 when the version was deleted meanwhile.
    pub async fn blocks(&self, version: &VersionBytes, start: u64, end: u64) -> Result<Vec<u8>, Error> {
        let (store, root) = (self.regions.store(&version.region)?.clone(), version.root);
        let packed = tokio::task::spawn_blocking(move || {
            let _kept = store.keep(root);
            let manifest = store.manifest(root)?;
            let mut wanted = Vec::new();
            for entry in manifest.entries_from(start) {
                let (offset, entry) = entry?;
                match entry {
                    _ if offset >= end => break,
                    Entry::Chunk { digest, .. } if offset >= start => wanted.push(digest),
                    Entry::Chunk { .. } | Entry::Hole { .. } => {}
                }
            }
            let mut packed = Vec::new();
            store.gather(&wanted, &mut |block| {
                block.write_to(&mut packed);
                Ok(())
            })?;
            Ok::<_, store::Error>(packed)
        });
        self.unless_gone(version, packed.await?).await
    }

    /// Chunks that are missing are damage only while the version says that they are there.
    async fn unless_gone(
        &self,
        version: &VersionBytes,
        read: Result<Vec<u8>, store::Error>,
    ) -> Result<Vec<u8>, Error> {
        if matches!(read, Err(store::Error::Missing { .. })) {
            self.find(&version.id, Some(&version.region), version.lun).await?;
        }
        Ok(read?)
    }
}

fn not_available(id: &ResourceId, region: Option<&Region>) -> Error {
    let place = region.map_or("any", Region::as_str);
    let message = format!(
        "The gallery image {id} is not available in {place} region. Please contact image owner to replicate to this region, or change your requested region."
    );
    Rejection::new(404, "GalleryImageNotFound", message).into()
}

fn no_disk(id: &ResourceId, images: &Images, lun: Option<i64>) -> Error {
    let known: Vec<String> = images.data.iter().map(|(lun, _)| lun.to_string()).collect();
    let message = format!(
        "The image version {id} has no data disk with LUN {}. Its data disks have the LUNs [{}].",
        lun.unwrap_or_default(),
        known.join(", ")
    );
    Rejection::new(404, "ResourceNotFound", message).at("lun").into()
}
