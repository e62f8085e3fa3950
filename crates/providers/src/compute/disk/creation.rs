//! How a disk or snapshot comes to be: its source, checked, and what it takes over from it.

use arm::{Region, ResourceId};
use serde_json::{Map, Value};

use crate::compute::source::{
    DEFINITIONS, DISKS, SNAPSHOTS, STORAGE_ACCOUNTS, Source, VERSIONS, blob_uri, id_at, shown,
};
use crate::shape::{at, object_in, text_at};
use crate::{Link, Put, Rejection, State, Stored};

/// A footer behind whole MiB: what an uploaded VHD consists of.
pub(super) const FOOTER_BYTES: u64 = 512;
const MIB: u64 = 1 << 20;

/// How the bytes arrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Creation {
    /// A job brings them from here.
    From(Source),
    /// A client brings so many, footer included.
    Upload(u64),
}

/// The resources that `creationData` points at.
pub(crate) fn links(named: &Map<String, Value>, subject: &str) -> Result<Vec<Link>, Rejection> {
    let mut links = Vec::new();
    let mut link = |id: ResourceId, path: &str| {
        let action = format!("{}/read", id.type_name());
        links.push(Link { id, target: format!("{subject}.properties.{path}"), action });
    };
    for path in ["creationData.sourceResourceId", "creationData.galleryImageReference.id"] {
        let Some(text) = text_at(named, path) else { continue };
        let id = id_at(text, subject, path)?;
        let kind = id.type_name();
        let definition = id.parent().filter(|_| kind.is(VERSIONS));
        if kind.is(DISKS) || kind.is(SNAPSHOTS) || kind.is(DEFINITIONS) || kind.is(VERSIONS) {
            link(id, path);
        }
        // What a version is, its definition says.
        if let Some(definition) = definition {
            link(definition, path);
        }
    }
    Ok(links)
}

/// Reads `creationData` of a disk that is to come to be, and fills in what it takes over.
pub(crate) fn read(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
    subject: &str,
) -> Result<Creation, Rejection> {
    let option = text_at(properties, "creationData.createOption").unwrap_or_default().to_owned();
    addresses_belong(properties, &option, subject)?;
    match option.as_str() {
        "Empty" => {
            if properties.get("diskSizeGB").is_none() {
                return Err(missing(&format!("{subject}.diskSizeGB")));
            }
            Ok(Creation::From(Source::Empty))
        }
        "Copy" => copied(put, properties, subject),
        "FromImage" => from_image(put, properties, subject),
        "Import" => imported(properties, subject),
        "Upload" => uploaded(properties, subject),
        other => Err(Rejection::not_implemented(&format!("Creating a {subject} with the option '{other}'"))
            .at(format!("{subject}.properties.creationData.createOption"))),
    }
}

/// An address may hold a signature: where nothing reads it, it is not kept either.
fn addresses_belong(properties: &Map<String, Value>, option: &str, subject: &str) -> Result<(), Rejection> {
    let addresses: &[&str] = match option {
        "Import" => &["securityDataUri", "securityMetadataUri"],
        "ImportSecure" => &[],
        _ => &["sourceUri", "securityDataUri", "securityMetadataUri"],
    };
    for name in addresses {
        if text_at(properties, &format!("creationData.{name}")).is_some() {
            let target = format!("{subject}.properties.creationData.{name}");
            let message = format!(
                "Parameter '{target}' is not allowed. It does not belong to the createOption '{option}'."
            );
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

fn copied(put: &Put<'_>, properties: &mut Map<String, Value>, subject: &str) -> Result<Creation, Rejection> {
    let path = "creationData.sourceResourceId";
    let target = format!("{subject}.properties.{path}");
    let id = id_at(text_at(properties, path).ok_or_else(|| missing(&target))?, subject, path)?;
    let kind = id.type_name();
    if !kind.is(DISKS) && !kind.is(SNAPSHOTS) {
        let message = format!("The source id '{id}' must be a managed disk or snapshot.");
        return Err(Rejection::invalid(target, message));
    }
    let source = put.linked.get(&id.key()).ok_or_else(|| {
        let message = format!("The source '{id}' is not found. Please check that it exists.");
        Rejection::new(404, "ResourceNotFound", message).at(target.as_str())
    })?;
    has_bytes(source, &target)?;
    let theirs = &source.document.properties;
    for name in ["osType", "hyperVGeneration", "purchasePlan", "supportedCapabilities", "securityProfile"] {
        take_over(properties, name, theirs.get(name));
    }
    if let (Some(asked), Some(least)) = (size_asked(properties), bytes_of(theirs))
        && asked < least
    {
        return Err(too_small(subject, asked, least));
    }
    if let Some(unique) = theirs.get("uniqueId") {
        let of_source = family(source).unwrap_or_else(|| unique.clone());
        object_in(properties, "creationData").insert("sourceUniqueId".to_owned(), unique.clone());
        if properties.get("incremental") == Some(&Value::Bool(true)) {
            properties.insert("incrementalSnapshotFamilyId".to_owned(), of_source);
        }
    }
    Ok(Creation::From(if kind.is(DISKS) { Source::Disk(id) } else { Source::Snapshot(id) }))
}

/// Incremental snapshots of one disk, and their copies, are one family.
fn family(source: &Stored) -> Option<Value> {
    source.document.properties.get("incrementalSnapshotFamilyId").cloned()
}

/// A source whose bytes are all there.
pub(crate) fn has_bytes(source: &Stored, target: &str) -> Result<(), Rejection> {
    let document = &source.document;
    let waits = matches!(text_at(&document.properties, "diskState"), Some("ReadyToUpload" | "ActiveUpload"));
    if !waits && matches!(document.state, State::Succeeded | State::Updating) {
        return Ok(());
    }
    let state = match text_at(&document.properties, "diskState") {
        Some(state) if waits => state,
        _ => document.state.as_str(),
    };
    let message = format!(
        "The source '{}' is in state '{state}'. Its bytes must be complete before it can be used; finish its upload or operation, then try again.",
        source.id
    );
    Err(Rejection::conflict("OperationNotAllowed", message).at(target))
}

fn from_image(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
    subject: &str,
) -> Result<Creation, Rejection> {
    let path = "creationData.galleryImageReference";
    let target = format!("{subject}.properties.{path}");
    let said = |name: &str| text_at(properties, &format!("{path}.{name}"));
    if said("sharedGalleryImageId").is_some() || said("communityGalleryImageId").is_some() {
        return Err(Rejection::not_implemented("A disk from a shared or community gallery image").at(target));
    }
    let Some(text) = said("id") else { return Err(not_of_the_gallery(properties, subject)) };
    let id = id_at(text, subject, &format!("{path}.id"))?;
    let lun = at(properties, &format!("{path}.lun")).and_then(Value::as_i64);
    let is_version = id.type_name().is(VERSIONS);
    if !is_version && !id.type_name().is(DEFINITIONS) {
        let message = format!("The id '{id}' must be a gallery image version or a gallery image.");
        return Err(Rejection::invalid(format!("{target}.id"), message));
    }
    let definition = if is_version { id.parent() } else { Some(id.clone()) };
    let linked = definition.as_ref().and_then(|definition| put.linked.get(&definition.key()));
    let linked = linked.ok_or_else(|| not_available(&id, put, &target))?;
    if is_version && !id.name().eq_ignore_ascii_case("latest") {
        let version = put.linked.get(&id.key()).ok_or_else(|| not_available(&id, put, &target))?;
        is_published_here(version, put, &target)?;
        lun.map_or(Ok(()), |lun| has_lun(version, lun, subject))?;
    }
    if lun.is_none() {
        take_over_from_definition(properties, &linked.document.properties);
    }
    Ok(Creation::From(Source::Version { id, lun }))
}

fn not_of_the_gallery(properties: &Map<String, Value>, subject: &str) -> Rejection {
    let path = "creationData.imageReference";
    let target = format!("{subject}.properties.{path}");
    match text_at(properties, &format!("{path}.id")).map(str::parse::<ResourceId>) {
        None => missing(&format!("{subject}.properties.creationData.galleryImageReference")),
        Some(Ok(id)) if id.type_name().path().to_ascii_lowercase().starts_with("locations/") => {
            Rejection::not_implemented("A disk from a platform image").at(target)
        }
        Some(_) => {
            let message = format!(
                "The value of parameter '{target}' is invalid. It should be a platform image; name a gallery image in 'galleryImageReference'."
            );
            Rejection::invalid(target, message)
        }
    }
}

fn is_published_here(version: &Stored, put: &Put<'_>, target: &str) -> Result<(), Rejection> {
    let region = |text: &str| text.parse::<Region>().ok();
    let targets =
        at(&version.document.properties, "publishingProfile.targetRegions").and_then(Value::as_array);
    let mut names = targets.into_iter().flatten().filter_map(|target| target["name"].as_str());
    let home = version.document.location.as_deref().and_then(region);
    let here = region(put.location);
    if home == here || names.any(|name| region(name) == here) {
        return Ok(());
    }
    Err(not_available(&version.id, put, target))
}

fn has_lun(version: &Stored, lun: i64, subject: &str) -> Result<(), Rejection> {
    let disks = at(&version.document.properties, "storageProfile.dataDiskImages").and_then(Value::as_array);
    if disks.into_iter().flatten().any(|disk| disk["lun"].as_i64() == Some(lun)) {
        return Ok(());
    }
    let message = format!(
        "The value of parameter imageReference is invalid: the image version '{}' has no data disk with LUN {lun}.",
        version.id
    );
    Err(Rejection::invalid(format!("{subject}.properties.creationData.galleryImageReference.lun"), message))
}

fn not_available(id: &ResourceId, put: &Put<'_>, target: &str) -> Rejection {
    let message = format!(
        "The gallery image {id} is not available in {} region. Please contact image owner to replicate to this region, or change your requested region.",
        put.location
    );
    Rejection::new(404, "GalleryImageNotFound", message).at(target)
}

/// An OS disk is what its image's definition says (azure-api 6).
fn take_over_from_definition(properties: &mut Map<String, Value>, definition: &Map<String, Value>) {
    for name in ["osType", "hyperVGeneration", "purchasePlan"] {
        take_over(properties, name, definition.get(name));
    }
    let features = definition.get("features").and_then(Value::as_array).into_iter().flatten();
    let feature = |wanted: &str| {
        let mut named = features.clone().filter(|feature| feature["name"] == wanted);
        named.next().and_then(|feature| feature["value"].as_str())
    };
    let capabilities = object_in(properties, "supportedCapabilities");
    take_over(capabilities, "architecture", definition.get("architecture"));
    if let Some(types) = feature("DiskControllerTypes") {
        take_over(capabilities, "diskControllerTypes", Some(&types.into()));
    }
    if let Some(flag) = feature("IsAcceleratedNetworkSupported") {
        take_over(capabilities, "acceleratedNetwork", Some(&flag.eq_ignore_ascii_case("true").into()));
    }
    if capabilities.is_empty() {
        properties.remove("supportedCapabilities");
    }
    if feature("IsHibernateSupported").is_some_and(|flag| flag.eq_ignore_ascii_case("true")) {
        take_over(properties, "supportsHibernation", Some(&Value::Bool(true)));
    }
    if feature("SecurityType") == Some("TrustedLaunch") {
        let profile = object_in(properties, "securityProfile");
        take_over(profile, "securityType", Some(&"TrustedLaunch".into()));
    }
}

fn imported(properties: &mut Map<String, Value>, subject: &str) -> Result<Creation, Rejection> {
    let path = "creationData.storageAccountId";
    if let Some(text) = text_at(properties, path) {
        let account = id_at(text, subject, path)?;
        if !account.type_name().is(STORAGE_ACCOUNTS) {
            let target = format!("{subject}.properties.{path}");
            let message = format!("The id '{account}' in parameter '{target}' must be a storage account.");
            return Err(Rejection::invalid(target, message));
        }
    }
    let target = format!("{subject}.properties.creationData.sourceUri");
    let text = text_at(properties, "creationData.sourceUri").ok_or_else(|| missing(&target))?;
    let uri = blob_uri(text, &target)?;
    object_in(properties, "creationData").insert("sourceUri".to_owned(), shown(&uri).into());
    Ok(Creation::From(Source::Blob(uri)))
}

fn uploaded(properties: &Map<String, Value>, subject: &str) -> Result<Creation, Rejection> {
    let target = format!("{subject}.properties.creationData.uploadSizeBytes");
    let bytes = at(properties, "creationData.uploadSizeBytes").and_then(Value::as_u64);
    let bytes = bytes.ok_or_else(|| missing(&target))?;
    let disk_bytes = bytes.saturating_sub(FOOTER_BYTES);
    if !disk_bytes.is_multiple_of(MIB) {
        let message = format!(
            "The value '{bytes}' of parameter '{target}' is invalid. It should be the size of a fixed VHD: whole MiB and a footer of {FOOTER_BYTES} bytes."
        );
        return Err(Rejection::invalid(target, message));
    }
    if let Some(asked) = size_asked(properties).filter(|asked| *asked < disk_bytes) {
        return Err(too_small(subject, asked, disk_bytes));
    }
    Ok(Creation::Upload(bytes))
}

/// What the client did not say is as it was in the source.
fn take_over(members: &mut Map<String, Value>, name: &str, theirs: Option<&Value>) {
    if let Some(theirs) = theirs.filter(|_| !members.contains_key(name)) {
        members.insert(name.to_owned(), theirs.clone());
    }
}

/// The size that was asked for, in bytes.
pub(crate) fn size_asked(properties: &Map<String, Value>) -> Option<u64> {
    properties.get("diskSizeGB").and_then(Value::as_u64).map(|gib| gib << 30)
}

fn bytes_of(properties: &Map<String, Value>) -> Option<u64> {
    properties.get("diskSizeBytes").and_then(Value::as_u64)
}

fn too_small(subject: &str, asked: u64, least: u64) -> Rejection {
    let target = format!("{subject}.properties.diskSizeGB");
    let message = format!(
        "The specified {subject} size of {asked} bytes is smaller than the size of its source, {least} bytes."
    );
    Rejection::invalid(target, message)
}

pub(crate) fn missing(target: &str) -> Rejection {
    Rejection::invalid(target, format!("Required parameter '{target}' is missing (null)."))
}
