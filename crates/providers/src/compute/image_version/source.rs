//! Where the bytes of a version come from: one whole source, or one for each disk, named at creation.

use arm::ResourceId;
use serde_json::{Map, Value, json};

use super::disks;
use crate::compute::source::{
    DEFINITIONS, DISKS, IMAGES, SNAPSHOTS, STORAGE_ACCOUNTS, Source, UPLOADS, VERSIONS, VIRTUAL_MACHINES,
    blob_is_kept, blob_uri, id_at, links_of_blob,
};
use crate::shape::{at, object_in, text_at};
use crate::{Link, Put, Rejection};

pub(super) const TARGET: &str = "galleryImageVersion.properties.storageProfile";

const SUBJECT: &str = "galleryImageVersion";

const MISSING: &str = "The source of the image version is missing.";

/// The sources of a version.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sources {
    /// All disks of another version, or of a managed image.
    Whole(Source),
    /// The OS disk, and data disks by LUN, each from a place of its own.
    Disks(Source, Vec<(i64, Source)>),
}

impl Sources {
    /// As the job reads them: the OS disk's, with those of data disks beside it.
    pub(super) fn to_job(&self) -> Value {
        match self {
            Self::Whole(source) => source.to_job(),
            Self::Disks(os, data) => {
                let mut job = os.to_job();
                if !data.is_empty() {
                    let data = data.iter().map(|(lun, disk)| json!({"lun": lun, "source": disk.to_job()}));
                    job["dataDisks"] = data.collect();
                }
                job
            }
        }
    }
}

/// The resources that the storage profile points at.
pub(super) fn links(wanted: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
    let Some(profile) = at(wanted, "storageProfile").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let mut links = Vec::new();
    let link = |id: ResourceId, path: &str| {
        let action = format!("{}/read", spelled(&id));
        Link { id, target: format!("{TARGET}.{path}"), action }
    };
    if let Some(id) = id_in(profile, "source.id")? {
        let is_version = id.type_name().is(VERSIONS);
        let definition = id.parent().filter(|_| is_version);
        if is_version || id.type_name().is(IMAGES) {
            links.push(link(id, "source.id"));
        }
        // What the other version is, its definition says.
        if let Some(definition) = definition {
            links.push(link(definition, "source.id"));
        }
    }
    for (disk, path) in disks::all(profile) {
        let path = format!("{path}.source.id");
        let uri = text_at(disk, "source.uri").unwrap_or_default();
        // Older api-versions name the account as the id.
        for name in ["storageAccountId", "id"] {
            let account = text_at(disk, &format!("source.{name}")).and_then(|text| text.parse().ok());
            links.extend(
                account.iter().flat_map(|account| links_of_blob(account, uri, &format!("{TARGET}.{path}"))),
            );
        }
        let Some(text) = text_at(disk, "source.id") else { continue };
        let id = parse_id(text, &path)?;
        if [UPLOADS, DISKS, SNAPSHOTS].iter().any(|kind| id.type_name().is(kind)) {
            links.push(link(id, &path));
        }
    }
    Ok(links)
}

/// The type of `id` in its published spelling.
fn spelled(id: &ResourceId) -> String {
    let kind = id.type_name();
    let known = [DEFINITIONS, DISKS, IMAGES, SNAPSHOTS, UPLOADS, VERSIONS];
    known.into_iter().find(|known| kind.is(known)).map_or_else(|| kind.to_string(), str::to_owned)
}

/// Checks the storage profile and fills it; answers the sources of a creation, or of a blob whose address is anew.
pub(super) fn settle(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
) -> Result<Option<Sources>, Rejection> {
    if let Some(current) = put.current {
        return keep(properties, &current.document.properties);
    }
    let sources = read(put, properties)?;
    let profile = object_in(properties, "storageProfile");
    let os_disk = object_in(profile, "osDiskImage");
    os_disk.entry("hostCaching").or_insert_with(|| "ReadWrite".into());
    if let Sources::Disks(os, data) = &sources {
        hide_signature(os_disk, os);
        let disks = profile.get_mut("dataDiskImages").and_then(Value::as_array_mut).into_iter().flatten();
        for (disk, (_, source)) in disks.filter_map(Value::as_object_mut).zip(data) {
            disk.entry("hostCaching").or_insert_with(|| "None".into());
            hide_signature(disk, source);
        }
    }
    disks::drop_empty(properties);
    Ok(Some(sources))
}

fn hide_signature(disk: &mut Map<String, Value>, source: &Source) {
    if let Some(shown) = source.shown_uri() {
        object_in(disk, "source").insert("uri".to_owned(), shown.into());
    }
}

/// An update keeps the source; a blob may come with another signature.
fn keep(
    properties: &mut Map<String, Value>,
    current: &Map<String, Value>,
) -> Result<Option<Sources>, Rejection> {
    disks::are_kept(properties, current)?;
    let path = "storageProfile.osDiskImage.source.uri";
    let target = format!("{TARGET}.osDiskImage.source.uri");
    let (asked, stands) = (text_at(properties, path), text_at(current, path));
    let fresh = match (asked, stands) {
        (None, None) => return Ok(None),
        (asked, stands) => blob_is_kept(asked, stands, &target)?.map(|blob| Sources::Disks(blob, Vec::new())),
    };
    let os_disk = object_in(object_in(properties, "storageProfile"), "osDiskImage");
    object_in(os_disk, "source").insert("uri".to_owned(), stands.into());
    Ok(fresh)
}

/// The sources of a creation.
fn read(put: &Put<'_>, properties: &Map<String, Value>) -> Result<Sources, Rejection> {
    let empty = Map::new();
    let profile = at(properties, "storageProfile").and_then(Value::as_object).unwrap_or(&empty);
    let whole = said(profile, "source", &["id", "communityGalleryImageId", "virtualMachineId"]);
    let os_disk = said(profile, "osDiskImage.source", &["id", "uri", "storageAccountId"]);
    disks::are_well_formed(profile)?;
    match (whole.as_slice(), os_disk.as_slice()) {
        ([], []) => Err(one_source(MISSING)),
        ([], _) => {
            let os = object_at(profile, "osDiskImage").unwrap_or(&empty);
            let os = disk_source(put, os, "osDiskImage")?;
            let data = disks::data_disks(profile).enumerate().map(|(number, disk)| {
                let lun = disk.get("lun").and_then(Value::as_i64).unwrap_or_default();
                Ok((lun, disk_source(put, disk, &format!("dataDiskImages[{number}]"))?))
            });
            Ok(Sources::Disks(os, data.collect::<Result<_, Rejection>>()?))
        }
        ([_], []) if !disks::have_sources(profile) => {
            let source = whole_source(profile)?;
            if disks::data_disks(profile).next().is_some() {
                let message = format!(
                    "Parameter '{TARGET}.dataDiskImages' is not allowed: the source says which disks there are."
                );
                return Err(Rejection::invalid(format!("{TARGET}.dataDiskImages"), message));
            }
            Ok(Sources::Whole(source))
        }
        _ => Err(one_source("The image version has more than one source.")),
    }
}

fn one_source(what: &str) -> Rejection {
    let message = format!(
        "{what} The source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type can be specified."
    );
    Rejection::invalid(TARGET, message)
}

/// Which of `names` below `path` hold something.
fn said<'a>(profile: &Map<String, Value>, path: &str, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| text_at(profile, &format!("{path}.{name}")).is_some()).collect()
}

fn whole_source(profile: &Map<String, Value>) -> Result<Source, Rejection> {
    if community_image_is_named(profile)? {
        return Err(Rejection::not_implemented("An image version from a community gallery image")
            .at(format!("{TARGET}.source.communityGalleryImageId")));
    }
    if let Some(id) = id_in(profile, "source.virtualMachineId")? {
        let target = format!("{TARGET}.source.virtualMachineId");
        if !id.type_name().is(VIRTUAL_MACHINES) {
            let message = format!("The source id '{id}' must be a virtual machine.");
            return Err(Rejection::invalid(target, message));
        }
        return Err(Rejection::not_implemented("An image version from a virtual machine").at(target));
    }
    let Some(id) = id_in(profile, "source.id")? else { return Err(one_source(MISSING)) };
    let kind = id.type_name();
    let target = format!("{TARGET}.source.id");
    if kind.is(VERSIONS) {
        return Ok(Source::Version { id, lun: None });
    }
    if kind.is(IMAGES) {
        return Ok(Source::Image(id));
    }
    if kind.is(VIRTUAL_MACHINES) {
        let message = format!(
            "The gallery image version source id: '{id}' must be specified in '{TARGET}.source.virtualMachineId'."
        );
        return Err(Rejection::invalid(format!("{TARGET}.source"), message));
    }
    let message = format!(
        "The source id '{id}' must either be a managed image, virtual machine or another gallery image version."
    );
    Err(Rejection::invalid(target, message))
}

/// The source of the disk that stands at `path`.
fn disk_source(put: &Put<'_>, disk: &Map<String, Value>, path: &str) -> Result<Source, Rejection> {
    let place = format!("{path}.source");
    let id_of = |name: &str| {
        text_at(disk, &format!("source.{name}"))
            .map(|text| parse_id(text, &format!("{place}.{name}")))
            .transpose()
    };
    let uri = text_at(disk, "source.uri");
    let account = id_of("storageAccountId")?;
    if let Some(account) = account.as_ref().filter(|account| !account.type_name().is(STORAGE_ACCOUNTS)) {
        let target = format!("{TARGET}.{place}.storageAccountId");
        let message = format!("The id '{account}' in parameter '{target}' must be a storage account.");
        return Err(Rejection::invalid(target, message));
    }
    let id = id_of("id")?;
    let uri_target = format!("{TARGET}.{place}.uri");
    let missing_uri = || {
        let message = format!("Required parameter '{uri_target}' is missing (null).");
        Rejection::invalid(&uri_target, message)
    };
    match (id, uri) {
        (None, Some(uri)) => Source::of_blob(put, account.as_ref(), blob_uri(uri, &uri_target)?, &uri_target),
        (None, None) => Err(missing_uri()),
        // The form of old api-versions: the account's id and the blob's address.
        (Some(id), uri) if id.type_name().is(STORAGE_ACCOUNTS) && account.is_none() => {
            let uri = blob_uri(uri.ok_or_else(missing_uri)?, &uri_target)?;
            Source::of_blob(put, Some(&id), uri, &uri_target)
        }
        (Some(_), Some(_)) => Err(more_than_one(path)),
        (Some(_), None) if account.is_some() => Err(more_than_one(path)),
        (Some(id), None) => disk_of(id, &format!("{TARGET}.{place}.id")),
    }
}

fn more_than_one(path: &str) -> Rejection {
    let what = if path == "osDiskImage" { "The OS disk" } else { "A data disk" };
    one_source(&format!("{what} has more than one source."))
}

/// The source that a disk's `source.id` names.
fn disk_of(id: ResourceId, target: &str) -> Result<Source, Rejection> {
    let kind = id.type_name();
    match () {
        () if kind.is(UPLOADS) => Ok(Source::Upload(id)),
        () if kind.is(DISKS) => Ok(Source::Disk(id)),
        () if kind.is(SNAPSHOTS) => Ok(Source::Snapshot(id)),
        () => {
            let message = format!("The source id '{id}' must be a managed disk or snapshot, or an upload.");
            Err(Rejection::invalid(target, message))
        }
    }
}

fn object_at<'a>(profile: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    profile.get(name).and_then(Value::as_object)
}

/// An id in a storage profile, if one is said.
fn id_in(profile: &Map<String, Value>, path: &str) -> Result<Option<ResourceId>, Rejection> {
    text_at(profile, path).map(|text| parse_id(text, path)).transpose()
}

/// Parses an id that stands at `path` of the storage profile.
pub(super) fn parse_id(text: &str, path: &str) -> Result<ResourceId, Rejection> {
    id_at(text, SUBJECT, &format!("storageProfile.{path}"))
}

/// Ids of community images begin with a gallery instead of a subscription.
fn community_image_is_named(profile: &Map<String, Value>) -> Result<bool, Rejection> {
    let path = "source.communityGalleryImageId";
    let Some(text) = text_at(profile, path) else { return Ok(false) };
    let is_public = text.to_ascii_lowercase().starts_with("/communitygalleries/");
    if is_public { Ok(true) } else { parse_id(text, path).map(|_id| true) }
}
