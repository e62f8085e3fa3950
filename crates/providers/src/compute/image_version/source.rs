//! Where the bytes of a version come from: exactly one source, named at creation.

use arm::ResourceId;
use serde_json::{Map, Value};

use super::disks;
use crate::compute::source::{
    DEFINITIONS, DISKS, SNAPSHOTS, STORAGE_ACCOUNTS, Source, UPLOADS, VERSIONS, VIRTUAL_MACHINES, blob_uri,
    id_at, shown,
};
use crate::shape::{at, object_in, text_at};
use crate::{Link, Put, Rejection};

pub(super) const TARGET: &str = "galleryImageVersion.properties.storageProfile";

const SUBJECT: &str = "galleryImageVersion";

const MISSING: &str = "The source of the image version is missing.";

/// The resources that the storage profile points at.
pub(super) fn links(wanted: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
    let Some(profile) = at(wanted, "storageProfile").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let mut links = Vec::new();
    let mut link = |id: ResourceId, path: &str, kind: &str| {
        links.push(Link { id, target: format!("{TARGET}.{path}"), action: format!("{kind}/read") });
    };
    if let Some(id) = id_in(profile, "source.id")?.filter(|id| id.type_name().is(VERSIONS)) {
        let definition = id.parent();
        link(id, "source.id", VERSIONS);
        // What the other version is, its definition says.
        if let Some(definition) = definition {
            link(definition, "source.id", DEFINITIONS);
        }
    }
    if let Some(id) = id_in(profile, "osDiskImage.source.id")?.filter(|id| id.type_name().is(UPLOADS)) {
        link(id, "osDiskImage.source.id", UPLOADS);
    }
    Ok(links)
}

/// Checks the storage profile and fills it; answers the source of a creation, or of a blob whose address is anew.
pub(super) fn settle(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
) -> Result<Option<Source>, Rejection> {
    if let Some(current) = put.current {
        return keep(properties, &current.document.properties);
    }
    let source = read(properties)?;
    let os_disk = object_in(object_in(properties, "storageProfile"), "osDiskImage");
    os_disk.entry("hostCaching").or_insert_with(|| "ReadWrite".into());
    if let Source::Blob(uri) = &source {
        object_in(os_disk, "source").insert("uri".to_owned(), shown(uri).into());
    }
    disks::drop_empty(properties);
    Ok(Some(source))
}

/// An update keeps the source; a blob may come with another signature.
fn keep(
    properties: &mut Map<String, Value>,
    current: &Map<String, Value>,
) -> Result<Option<Source>, Rejection> {
    disks::are_kept(properties, current)?;
    let path = "storageProfile.osDiskImage.source.uri";
    let (asked, stands) = (text_at(properties, path), text_at(current, path));
    let fresh = match (asked, stands) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(Rejection::change(format!("{TARGET}.osDiskImage.source.uri"))),
        (None, Some(_)) => None,
        (Some(asked), Some(stands)) => {
            let uri = blob_uri(asked, &format!("{TARGET}.osDiskImage.source.uri"))?;
            if shown(&uri) != stands {
                return Err(Rejection::change(format!("{TARGET}.osDiskImage.source.uri")));
            }
            // What a GET shows has no signature and says nothing new.
            (asked != stands).then_some(Source::Blob(uri))
        }
    };
    let os_disk = object_in(object_in(properties, "storageProfile"), "osDiskImage");
    object_in(os_disk, "source").insert("uri".to_owned(), stands.into());
    Ok(fresh)
}

/// The one source of a creation.
fn read(properties: &Map<String, Value>) -> Result<Source, Rejection> {
    let empty = Map::new();
    let profile = at(properties, "storageProfile").and_then(Value::as_object).unwrap_or(&empty);
    let whole = said(profile, "source", &["id", "communityGalleryImageId", "virtualMachineId"]);
    let os_disk = said(profile, "osDiskImage.source", &["id", "uri", "storageAccountId"]);
    let has_data_disks = disks::data_disks(profile).next().is_some();
    disks::are_well_formed(profile)?;
    match (whole.as_slice(), os_disk.as_slice()) {
        ([], []) => Err(one_source(MISSING)),
        ([], _) => {
            let source = os_disk_source(profile)?;
            if has_data_disks {
                return Err(Rejection::not_implemented("An image version with data disks")
                    .at(format!("{TARGET}.dataDiskImages")));
            }
            Ok(source)
        }
        ([_], []) if !disks::have_sources(profile) => {
            let source = whole_source(profile)?;
            if has_data_disks {
                let message = format!(
                    "Parameter '{TARGET}.dataDiskImages' is not allowed: the source says which disks there are."
                );
                return Err(Rejection::invalid(format!("{TARGET}.dataDiskImages"), message));
            }
            Ok(source)
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
    if kind.is(VIRTUAL_MACHINES) {
        let message = format!(
            "The gallery image version source id: '{id}' must be specified in '{TARGET}.source.virtualMachineId'."
        );
        return Err(Rejection::invalid(format!("{TARGET}.source"), message));
    }
    if kind.is("Microsoft.Compute/images") {
        return Err(Rejection::not_implemented("An image version from a managed image").at(target));
    }
    let message = format!(
        "The source id '{id}' must either be a managed image, virtual machine or another gallery image version."
    );
    Err(Rejection::invalid(target, message))
}

fn os_disk_source(profile: &Map<String, Value>) -> Result<Source, Rejection> {
    let path = "osDiskImage.source";
    let uri = text_at(profile, "osDiskImage.source.uri");
    let account = id_in(profile, "osDiskImage.source.storageAccountId")?;
    if let Some(account) = account.as_ref().filter(|account| !account.type_name().is(STORAGE_ACCOUNTS)) {
        let target = format!("{TARGET}.{path}.storageAccountId");
        let message = format!("The id '{account}' in parameter '{target}' must be a storage account.");
        return Err(Rejection::invalid(target, message));
    }
    let id = id_in(profile, "osDiskImage.source.id")?;
    let uri_target = format!("{TARGET}.{path}.uri");
    let missing_uri = || {
        let message = format!("Required parameter '{uri_target}' is missing (null).");
        Rejection::invalid(&uri_target, message)
    };
    match (id, uri) {
        (None, Some(uri)) => Ok(Source::Blob(blob_uri(uri, &uri_target)?)),
        (None, None) => Err(missing_uri()),
        // The form of old api-versions: the account's id and the blob's address.
        (Some(id), uri) if id.type_name().is(STORAGE_ACCOUNTS) && account.is_none() => {
            Ok(Source::Blob(blob_uri(uri.ok_or_else(missing_uri)?, &uri_target)?))
        }
        (Some(_), Some(_)) => Err(one_source("The OS disk has more than one source.")),
        (Some(_), None) if account.is_some() => Err(one_source("The OS disk has more than one source.")),
        (Some(id), None) => disk_of(id, &format!("{TARGET}.{path}.id")),
    }
}

/// The source that a disk's `source.id` names.
fn disk_of(id: ResourceId, target: &str) -> Result<Source, Rejection> {
    let kind = id.type_name();
    if kind.is(UPLOADS) {
        return Ok(Source::Upload(id));
    }
    for (known, what) in [(DISKS, "a managed disk"), (SNAPSHOTS, "a snapshot")] {
        if kind.is(known) {
            return Err(Rejection::not_implemented(&format!("An image version from {what}")).at(target));
        }
    }
    let message = format!("The source id '{id}' must be a managed disk or snapshot, or an upload.");
    Err(Rejection::invalid(target, message))
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
