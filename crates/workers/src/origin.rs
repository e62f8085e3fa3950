//! Where the image of one disk comes from: an upload, a blob, a version, a disk, a snapshot, or nothing.

use arm::{ErrorDetail, Region, ResourceId};
use control::stored_of;
use disks::{Blocks, Extent, ExtentKind, InputFormat, Limits};
use providers::Stored;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::blobs::{BlobImage, image_of_blob};
use crate::image::{Image, Images, hold};
use crate::job::{Running, Stop};
use crate::replicas::complete_regions;
use crate::source::{Remote, SourceError};
use crate::{Downloads, Error};

/// An image that stands in at least one region.
pub(crate) struct Origin {
    pub(crate) image: Image,
    /// Keeps what was just brought from being collected until a row does.
    pub(crate) pin: Option<store::Pin>,
    /// Keeps what stands in the region from being collected, whatever is done to the source meanwhile.
    pub(crate) kept: Option<store::InUse>,
    /// A region in which it stands, when that may not be the one it is wanted in.
    pub(crate) stands_in: Option<Region>,
    /// The resource that holds the image already; it must still be there when another takes over.
    pub(crate) held_by: Option<ResourceId>,
    /// The upload that has become something else and is not needed any more.
    pub(crate) used_up: Option<ResourceId>,
    /// What it was made from, for the server's notes.
    pub(crate) lineage: Value,
}

/// The images of a version or managed image that is to come to be.
pub(crate) struct Origins {
    pub(crate) images: Images,
    pub(crate) pins: Vec<store::Pin>,
    pub(crate) kept: Vec<store::InUse>,
    /// Where each image stands, in the order of [`Images::all`], when that may not be where it is wanted.
    pub(crate) stand_in: Vec<Option<Region>>,
    pub(crate) held_by: Vec<ResourceId>,
    pub(crate) used_up: Vec<ResourceId>,
    /// What each was made from, for the server's notes.
    pub(crate) lineage: Value,
}

impl Origins {
    /// Every image from one place.
    fn whole(images: Images, stands_in: &Region, source: ResourceId, lineage: Value) -> Self {
        let stand_in = images.all().map(|_image| Some(stands_in.clone())).collect();
        Self {
            images,
            pins: Vec::new(),
            kept: Vec::new(),
            stand_in,
            held_by: vec![source],
            used_up: Vec::new(),
            lineage,
        }
    }

    /// The holds that keep the images where they stand until there are copies elsewhere.
    pub(crate) fn holds(&self) -> impl Iterator<Item = String> {
        let standing = self.images.all().zip(&self.stand_in);
        standing.filter_map(|(image, region)| Some(hold(region.as_ref()?, &image.root)))
    }
}

/// What an image is wanted for.
pub(crate) struct Wanted<'a> {
    /// Where it is wanted first.
    pub(crate) home: &'a Region,
    /// What is being made of it, for people: `disk`.
    pub(crate) what: &'a str,
    /// Where the source stands in the request, for errors.
    pub(crate) target: &'a str,
    /// How large it may be, in bytes.
    pub(crate) most_bytes: u64,
}

/// Finds the image of the disk that `source`, as the rules wrote it, names.
pub(crate) async fn find(running: &Running, source: &Value, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let word = |name: &str| source.get(name).and_then(Value::as_str);
    let id = word("id").and_then(|id| id.parse::<ResourceId>().ok());
    let lun = source.get("lun").and_then(Value::as_i64);
    match (word("kind"), id) {
        (Some("upload"), Some(id)) => from_upload(running, &id, wanted).await,
        (Some("disk" | "snapshot"), Some(id)) => from_disk(running, &id, wanted).await,
        (Some("version"), Some(id)) => from_version_here(running, &id, lun, wanted).await,
        (Some("ownBlob"), Some(id)) => {
            let shown = source.get("uri").cloned().unwrap_or_default();
            let origin = from_own_blob(running, &id, wanted).await?;
            Ok(Origin { lineage: json!({"kind": "blob", "uri": shown}), ..origin })
        }
        (Some("empty"), _) => empty(running, wanted).await,
        (Some("blob"), _) => {
            let address = source.get("secret").and_then(|sealed| running.engine.reveal(sealed));
            let address = address.ok_or_else(|| source_failed(wanted, &SourceError::Forgotten))?;
            let shown = source.get("uri").cloned().unwrap_or_default();
            let origin = from_blob(running, &address, wanted).await?;
            Ok(Origin { lineage: json!({"kind": "blob", "uri": shown}), ..origin })
        }
        _ => Err(Stop::Broken(Error::Document("the resource names no source".to_owned()))),
    }
}

/// The turn to fetch what `source` needs from foreign servers, if it needs that.
///
/// One for all its disks: what was fetched for one of them is not given up for want of another turn. A slow server
/// must not keep jobs whose bytes are here already from theirs.
///
/// # Errors
/// [`Stop::NotYet`] when all turns are taken.
pub(crate) fn turn(running: &Running, source: &Value) -> Result<Option<OwnedSemaphorePermit>, Stop> {
    let disks = source["dataDisks"].as_array().into_iter().flatten().map(|disk| &disk["source"]);
    if !std::iter::once(source).chain(disks).any(|source| source["kind"] == "blob") {
        return Ok(None);
    }
    running.fetches.clone().try_acquire_owned().map(Some).map_err(|_taken| Stop::NotYet)
}

/// Finds the images of all disks that `source` names: a whole source's, or one for each disk.
pub(crate) async fn find_all(
    running: &Running,
    source: &Value,
    wanted: &Wanted<'_>,
) -> Result<Origins, Stop> {
    let id = || source["id"].as_str().and_then(|id| id.parse::<ResourceId>().ok());
    match (source["kind"].as_str(), id()) {
        (Some("version"), Some(id)) => return from_version(running, &id, wanted).await,
        (Some("image"), Some(id)) => return from_image(running, &id, wanted).await,
        _ => {}
    }
    let _turn = turn(running, source)?;
    let os = find(running, source, wanted).await?;
    let asked = source["wantedBytes"].as_u64();
    let mut origins = Origins {
        images: Images { os: sized(os.image, asked, wanted)?, data: Vec::new() },
        pins: os.pin.into_iter().collect(),
        kept: os.kept.into_iter().collect(),
        stand_in: vec![os.stands_in],
        held_by: os.held_by.into_iter().collect(),
        used_up: os.used_up.into_iter().collect(),
        lineage: os.lineage,
    };
    let mut lineages = Vec::new();
    for disk in source["dataDisks"].as_array().into_iter().flatten() {
        let (lun, source) = (disk["lun"].as_i64().unwrap_or_default(), &disk["source"]);
        let target = format!("{} (LUN {lun})", wanted.target);
        let wanted = Wanted { target: &target, ..*wanted };
        let found = find(running, source, &wanted).await?;
        origins.images.data.push((lun, sized(found.image, source["wantedBytes"].as_u64(), &wanted)?));
        origins.pins.extend(found.pin);
        origins.kept.extend(found.kept);
        origins.stand_in.push(found.stands_in);
        origins.held_by.extend(found.held_by);
        origins.used_up.extend(found.used_up);
        lineages.push(json!({"lun": lun, "source": found.lineage}));
    }
    if !lineages.is_empty() {
        origins.lineage["dataDisks"] = lineages.into();
    }
    Ok(origins)
}

/// An image as a disk of the size asked for; never smaller than it is.
pub(crate) fn sized(image: Image, asked: Option<u64>, wanted: &Wanted<'_>) -> Result<Image, Stop> {
    let size_bytes = asked.unwrap_or(image.size_bytes);
    if size_bytes >= image.size_bytes {
        return Ok(Image { size_bytes, ..image });
    }
    let message = format!(
        "The specified disk size {} GB is smaller than the size of the corresponding disk in the source: {} GB.",
        size_in_gib(size_bytes),
        size_in_gib(image.size_bytes)
    );
    Err(Stop::Failed(refused(wanted, "InvalidParameter", message), Box::default()))
}

/// Every image in the region it is wanted in.
pub(crate) async fn bring_all_home(
    running: &Running,
    mut origins: Origins,
    wanted: &Wanted<'_>,
) -> Result<Origins, Stop> {
    let images: Vec<Image> = origins.images.all().copied().collect();
    for (image, region) in images.iter().zip(&mut origins.stand_in) {
        if let Some(from) = region.take() {
            origins.pins.extend(bring(running, image, &from, wanted.home).await?);
        }
    }
    Ok(origins)
}

/// The image in the region it is wanted in: copied there when that lacks it.
pub(crate) async fn bring_home(
    running: &Running,
    origin: Origin,
    wanted: &Wanted<'_>,
) -> Result<Origin, Stop> {
    let Some(from) = &origin.stands_in else { return Ok(origin) };
    let pin = bring(running, &origin.image, from, wanted.home).await?;
    Ok(Origin { pin: pin.or(origin.pin), ..origin })
}

/// Copies an image from one region to another; what was copied stays pinned.
async fn bring(
    running: &Running,
    image: &Image,
    from: &Region,
    home: &Region,
) -> Result<Option<store::Pin>, Stop> {
    if from == home {
        return Ok(None);
    }
    // Also what is there already is walked and pinned: nothing else may hold it there.
    let (to, root) = (running.regions.store(home)?.clone(), image.root);
    let from = running.regions.store(from)?.clone();
    let (owner, stopped) = (running.owner(), running.stop_flag());
    let copied = running
        .blocking(move || store::copy(root, &from, &to, owner, &|_seen| {}, &|| stopped.is_cancelled()))
        .await?;
    match copied {
        Ok(copied) => Ok(Some(copied.pin)),
        Err(_) if running.is_stopped() => Err(Stop::LeaseLost),
        Err(error) => Err(Stop::Broken(error.into())),
    }
}

async fn from_upload(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let upload = source_row(running, id, wanted).await?;
    let image = Image::of(&upload.document);
    let image = image.ok_or_else(|| missing(wanted, "The upload is not committed yet."))?;
    if !running.regions.store(wanted.home)?.has(&image.root) {
        return Err(missing(wanted, "The upload's bytes are not in the version's home region."));
    }
    let lineage = lineage("upload", &upload);
    let held_by = Some(upload.id.clone());
    Ok(Origin { image, pin: None, kept: None, stands_in: None, held_by, used_up: Some(upload.id), lineage })
}

async fn from_disk(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let disk = source_row(running, id, wanted).await?;
    let image = Image::of(&disk.document);
    let image = image.ok_or_else(|| missing(wanted, "The source has no bytes yet."))?;
    let stands_in = disk.document.location.as_deref().and_then(|location| location.parse().ok());
    let lineage = lineage("disk", &disk);
    Ok(Origin { image, pin: None, kept: None, stands_in, held_by: Some(disk.id), used_up: None, lineage })
}

/// A disk of a version that is complete where it is wanted; of a definition, its latest there.
async fn from_version_here(
    running: &Running,
    id: &ResourceId,
    lun: Option<i64>,
    wanted: &Wanted<'_>,
) -> Result<Origin, Stop> {
    let is_definition = id.type_name().is("Microsoft.Compute/galleries/images");
    let latest = || id.child("versions", "latest").map_err(|error| Error::Document(error.to_string()));
    let id = if is_definition { latest()? } else { id.clone() };
    let downloads = Downloads::new(running.engine.clone(), running.regions.clone());
    let (version, region) = downloads.locate(&id, Some(wanted.home)).await?;
    let images = Images::of(&version.document);
    let image = images.as_ref().and_then(|images| images.disk(lun)).copied().ok_or_else(|| {
        let lun = lun.unwrap_or_default();
        let message = format!(
            "The value of parameter imageReference is invalid: the image version '{}' has no data disk with LUN {lun}.",
            version.id
        );
        Stop::Failed(ErrorDetail::new("InvalidParameter", message).at(wanted.target), Box::default())
    })?;
    let lineage = lineage("version", &version);
    Ok(Origin {
        image,
        pin: None,
        kept: None,
        stands_in: Some(region),
        held_by: Some(version.id),
        used_up: None,
        lineage,
    })
}

/// A version's images, wherever they stand whole.
async fn from_version(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Origins, Stop> {
    let version = source_row(running, id, wanted).await?;
    let images = Images::of(&version.document);
    let images = images.ok_or_else(|| missing(wanted, "The source version has no image yet."))?;
    let mut closed = None;
    for region in complete_regions(running.engine.metadata().as_ref(), &version.id).await? {
        match running.regions.store(&region) {
            Ok(store) if images.are_in(store) => {
                let lineage = lineage("version", &version);
                return Ok(Origins::whole(images, &region, version.id, lineage));
            }
            Ok(_) => {}
            Err(error) => closed = Some(error),
        }
    }
    // A region that cannot be opened just now may have it.
    let missing = || missing(wanted, "The source version is not complete in any region.");
    Err(closed.map_or_else(missing, Stop::from))
}

/// The images of a managed image, in its region.
async fn from_image(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Origins, Stop> {
    let image = source_row(running, id, wanted).await?;
    let images = Images::of(&image.document);
    let images = images.ok_or_else(|| missing(wanted, "The managed image has no bytes yet."))?;
    let region = running.home(&image.document)?;
    let lineage = lineage("image", &image);
    Ok(Origins::whole(images, &region, image.id, lineage))
}

/// The image of nothing but zeros: the same for every size.
async fn empty(running: &Running, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let (region, owner) = (running.regions.store(wanted.home)?.clone(), running.owner());
    let ingested = running.blocking(move || store::ingest(&Zeros, &region, owner, &|_progress| {})).await?;
    let ingested = ingested.map_err(|error| Stop::Broken(error.into()))?;
    let image = Image { root: ingested.root, size_bytes: 0, data_bytes: 0 };
    let lineage = json!({"kind": "empty"});
    Ok(Origin {
        image,
        pin: Some(ingested.pin),
        kept: None,
        stands_in: None,
        held_by: None,
        used_up: None,
        lineage,
    })
}

/// The least disk there is; the size is no part of an image.
struct Zeros;

impl Blocks for Zeros {
    fn size_bytes(&self) -> u64 {
        u64::from(store::GRID_BYTES)
    }

    fn read_at(&self, _offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        buffer.fill(0);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        Ok(Extent { length: self.size_bytes().saturating_sub(offset), kind: ExtentKind::Zero })
    }
}

/// A page blob of this installation, which must be a fixed VHD: its bytes are not copied, it is settled where it is.
async fn from_own_blob(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let BlobImage { image, tail, region, held_by, kept } = image_of_blob(running, id).await?;
    if tail.is_empty() {
        let message =
            "The source is not an acceptable VHD. The blob has no footer of a fixed VHD at its end.";
        return Err(Stop::Failed(refused(wanted, "InvalidVhd", message), Box::default()));
    }
    if image.size_bytes > wanted.most_bytes {
        return Err(too_large(size_in_gib(image.size_bytes)));
    }
    let (stands_in, held_by) = (Some(region), Some(held_by));
    Ok(Origin { image, pin: None, kept: Some(kept), stands_in, held_by, used_up: None, lineage: Value::Null })
}

async fn from_blob(running: &Running, uri: &str, wanted: &Wanted<'_>) -> Result<Origin, Stop> {
    let stopped = running.stop_flag();
    let remote = match Remote::open(uri, &running.settings.source, stopped).await {
        Err(_) if running.is_stopped() => return Err(Stop::LeaseLost),
        opened => opened.map_err(|error| source_failed(wanted, &error))?,
    };
    ingest_vhd(running, Box::new(remote), wanted).await
}

/// Reads a VHD into the region where it is wanted.
pub(crate) async fn ingest_vhd(
    running: &Running,
    file: Box<dyn disks::ReadAt>,
    wanted: &Wanted<'_>,
) -> Result<Origin, Stop> {
    let (owner, stopped, most_bytes) = (running.owner(), running.stop_flag(), wanted.most_bytes);
    let region = running.regions.store(wanted.home)?.clone();
    let ingested = running.blocking(move || {
        let disk = disks::open(InputFormat::Vhd, file, &Limits::default())?;
        let size_bytes = disk.blocks.size_bytes();
        if size_bytes > most_bytes {
            return Ok(Err(size_bytes));
        }
        let blocks = Stoppable { blocks: disk.blocks, stopped };
        store::ingest(&blocks, &region, owner, &|_progress| {}).map(Ok)
    });
    let ingested = ingested.await?.map_err(|error| ingest_failed(running, wanted, error))?;
    let ingested = ingested.map_err(|size_bytes| too_large(size_in_gib(size_bytes)))?;
    let image =
        Image { root: ingested.root, size_bytes: ingested.size_bytes, data_bytes: ingested.logical_bytes };
    let pin = Some(ingested.pin);
    Ok(Origin { image, pin, kept: None, stands_in: None, held_by: None, used_up: None, lineage: Value::Null })
}

/// A disk that can be stopped being read.
struct Stoppable {
    blocks: Box<dyn Blocks>,
    stopped: CancellationToken,
}

impl Blocks for Stoppable {
    fn size_bytes(&self) -> u64 {
        self.blocks.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        if self.stopped.is_cancelled() {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into());
        }
        self.blocks.read_at(offset, buffer)
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        self.blocks.extent_at(offset)
    }
}

async fn source_row(running: &Running, id: &ResourceId, wanted: &Wanted<'_>) -> Result<Stored, Stop> {
    let row = running.engine.metadata().row(id).await?;
    let row = row.ok_or_else(|| missing(wanted, "The source does not exist any more."))?;
    Ok(stored_of(&row)?)
}

/// What something was made from, and which of those that had the name one after the other.
fn lineage(kind: &str, source: &Stored) -> Value {
    let mut lineage = json!({"kind": kind, "id": source.id.to_string()});
    if let Some(unique) = source.document.properties.get("uniqueId") {
        lineage["uniqueId"] = unique.clone();
    }
    lineage
}

/// Largest source that is copied to regions, in GiB; only `Shallow` versions may be larger.
pub(crate) const MOST_GIB: u64 = 2048;

pub(crate) fn size_in_gib(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(1 << 30)
}

pub(crate) fn too_large(gib: u64) -> Stop {
    let message =
        format!("Replication failed: source resource size {gib} exceeds the max size {MOST_GIB} supported.");
    Stop::Failed(ErrorDetail::new("GallerySourceResourceExceedsMaxSize", message), Box::default())
}

fn refused(wanted: &Wanted<'_>, code: &str, message: impl Into<String>) -> ErrorDetail {
    ErrorDetail::new(code, message).at(wanted.target)
}

pub(crate) fn missing(wanted: &Wanted<'_>, words: &str) -> Stop {
    let message = format!(
        "Source is not found. {words} Please check source exists, and is in the same region as {} being created.",
        wanted.what
    );
    Stop::Failed(refused(wanted, "InvalidParameter", message), Box::default())
}

fn source_failed(wanted: &Wanted<'_>, error: &SourceError) -> Stop {
    let code = if matches!(error, SourceError::Changed) { "Conflict" } else { "InvalidParameter" };
    Stop::Failed(refused(wanted, code, error.to_string()), Box::default())
}

/// Image findings end the operation with `InvalidVhd` and the reason in `details`; the rest is ours to try again.
fn ingest_failed(running: &Running, wanted: &Wanted<'_>, error: store::Error) -> Stop {
    match error {
        _ if running.is_stopped() => Stop::LeaseLost,
        store::Error::Source(disks::Error::Refused { reason, message }) => {
            let mut detail =
                refused(wanted, "InvalidVhd", "The source is not an acceptable VHD. See the details.");
            detail.details = vec![ErrorDetail::new(format!("{reason:?}"), message)];
            Stop::Failed(detail, Box::default())
        }
        store::Error::Source(disks::Error::Io(error)) => {
            let known = error.get_ref().and_then(|inner| inner.downcast_ref::<SourceError>());
            known.map_or_else(
                || source_failed(wanted, &SourceError::Unreadable("the connection broke")),
                |known| source_failed(wanted, known),
            )
        }
        error => Stop::Broken(error.into()),
    }
}
