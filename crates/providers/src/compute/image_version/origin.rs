//! Whether each source is there, complete, and of the kind that the definition promises.

use arm::{Region, ResourceId, VersionName};
use serde_json::{Map, Value};

use super::source::{Sources, TARGET};
use crate::compute::disk::creation::has_bytes;
use crate::compute::image_definition;
use crate::compute::source::Source;
use crate::shape::{at, text_at};
use crate::{Put, Rejection, State, Stored};

/// Refuses a creation from sources that are not there or do not fit.
pub(super) fn fits(put: &Put<'_>, sources: &Sources) -> Result<(), Rejection> {
    if put.current.is_some() {
        return Ok(());
    }
    match sources {
        Sources::Whole(Source::Version { id, .. }) => version_fits(put, id, &format!("{TARGET}.source.id")),
        Sources::Whole(Source::Image(id)) => image_fits(put, id, &format!("{TARGET}.source.id")),
        Sources::Whole(_) => Ok(()),
        Sources::Disks(os, data) => {
            let target = format!("{TARGET}.osDiskImage.source.id");
            disk_is_there(put, os, &target)?;
            os_disk_fits(put, os).map_err(|refusal| refusal.at(&target))?;
            for (number, (_, disk)) in data.iter().enumerate() {
                disk_is_there(put, disk, &format!("{TARGET}.dataDiskImages[{number}].source.id"))?;
            }
            Ok(())
        }
    }
}

fn disk_is_there(put: &Put<'_>, source: &Source, target: &str) -> Result<(), Rejection> {
    match source {
        Source::Upload(id) => upload_fits(put, id, target),
        Source::Disk(id) | Source::Snapshot(id) => has_bytes(near(put, id, target)?, target),
        // Only reading it tells.
        Source::Blob(_) | Source::Empty | Source::Image(_) | Source::Version { .. } => Ok(()),
    }
}

/// A source that exists, in the region of the version.
fn near<'a>(put: &'a Put<'_>, id: &ResourceId, target: &str) -> Result<&'a Stored, Rejection> {
    let region = |text: &str| text.parse::<Region>().ok();
    let source = put.linked.get(&id.key()).ok_or_else(|| not_found(id, target))?;
    if source.document.location.as_deref().and_then(region) == region(put.location) {
        return Ok(source);
    }
    Err(not_found(id, target))
}

fn upload_fits(put: &Put<'_>, id: &ResourceId, target: &str) -> Result<(), Rejection> {
    let below_same_definition = id.parent() == put.id.parent();
    if !put.linked.contains_key(&id.key()) {
        return Err(not_found(id, target));
    }
    if !below_same_definition {
        let message =
            format!("The upload '{id}' belongs to another image definition than the image version.");
        return Err(Rejection::invalid(target, message));
    }
    if !near(put, id, target)?.document.internal.contains_key("root") {
        let message = format!(
            "The upload '{}' is not committed: its bytes are not complete yet. Finish it, then create the image version.",
            id.name()
        );
        return Err(Rejection::conflict("OperationNotAllowed", message).at(target));
    }
    Ok(())
}

/// What a disk says of the system on it must be what the definition says (azure-api 7.4); much it does not say.
fn os_disk_fits(put: &Put<'_>, source: &Source) -> Result<(), Rejection> {
    let (Source::Disk(id) | Source::Snapshot(id)) = source else { return Ok(()) };
    let (Some(disk), Some(parent)) = (put.linked.get(&id.key()), put.parent) else { return Ok(()) };
    security_type_takes_disks(put, parent, id)?;
    let properties = &disk.document.properties;
    let ours = &parent.document.properties;
    let architecture = at(properties, "supportedCapabilities.architecture").and_then(Value::as_str);
    agrees(id, "osType", text_at(properties, "osType"), ours)?;
    agrees(id, "hyperVGeneration", text_at(properties, "hyperVGeneration"), ours)?;
    agrees(id, "architecture", architecture, ours)?;
    if properties.contains_key("purchasePlan") { plans_agree(id, properties, ours) } else { Ok(()) }
}

fn security_type_takes_disks(put: &Put<'_>, parent: &Stored, id: &ResourceId) -> Result<(), Rejection> {
    let Ok(version) = put.id.name().parse::<VersionName>() else { return Ok(()) };
    let kind = image_definition::security_type(&parent.document.properties, version);
    if !kind.to_ascii_lowercase().ends_with("supported") {
        return Ok(());
    }
    let message = format!(
        "The security type '{kind}' is not supported for the source id '{id}'. Currently only Vhd Blob, User Image and Gallery Image Version sources are supported for it."
    );
    Err(Rejection::contradiction(message))
}

fn image_fits(put: &Put<'_>, id: &ResourceId, target: &str) -> Result<(), Rejection> {
    let image = near(put, id, target)?;
    is_done(image, "managed image", target)?;
    let Some(parent) = put.parent else { return Ok(()) };
    let (properties, ours) = (&image.document.properties, &parent.document.properties);
    let os_disk = |name: &str| text_at(properties, &format!("storageProfile.osDisk.{name}"));
    agrees(id, "osType", os_disk("osType"), ours)
        .and_then(|()| agrees(id, "osState", os_disk("osState"), ours))
        .and_then(|()| agrees(id, "hyperVGeneration", text_at(properties, "hyperVGeneration"), ours))
        .map_err(|refusal| refusal.at(target))
}

fn version_fits(put: &Put<'_>, id: &ResourceId, target: &str) -> Result<(), Rejection> {
    let version = put.linked.get(&id.key()).ok_or_else(|| not_found(id, target))?;
    is_done(version, "gallery image version", target)?;
    let definition = id.parent().and_then(|definition| definition_of(put, &definition));
    let definition = definition.ok_or_else(|| not_found(id, target))?;
    match put.parent {
        Some(parent) => definitions_agree(id, &definition.document.properties, &parent.document.properties),
        None => Ok(()),
    }
    .map_err(|refusal| refusal.at(target))
}

fn is_done(source: &Stored, what: &str, target: &str) -> Result<(), Rejection> {
    if source.document.state == State::Succeeded {
        return Ok(());
    }
    let message = format!(
        "The source {what} '{}' is in state '{}'. It must be 'Succeeded' to be copied.",
        source.id,
        source.document.state.as_str()
    );
    Err(Rejection::conflict("OperationNotAllowed", message).at(target))
}

fn definition_of<'a>(put: &'a Put<'_>, id: &ResourceId) -> Option<&'a Stored> {
    put.linked.get(&id.key()).or_else(|| put.parent.filter(|parent| parent.id == *id))
}

/// A machine built from the copy must be one that the original would have made (azure-api 7.4).
fn definitions_agree(
    id: &ResourceId,
    source: &Map<String, Value>,
    parent: &Map<String, Value>,
) -> Result<(), Rejection> {
    for name in ["osType", "osState", "hyperVGeneration", "architecture"] {
        agrees(id, name, Some(text_at(source, name).unwrap_or_default()), parent)?;
    }
    plans_agree(id, source, parent)
}

/// Refuses a source that says something else than the definition; one that says nothing agrees.
fn agrees(
    id: &ResourceId,
    name: &str,
    theirs: Option<&str>,
    parent: &Map<String, Value>,
) -> Result<(), Rejection> {
    // The words differ as Azure's do.
    let (what, of_parent) = match name {
        "osType" => ("OS type", "OS type generation"),
        "osState" => ("OS state", "OS state"),
        "hyperVGeneration" => ("Hypervisor generation", "Hypervisor generation"),
        other => (other, other),
    };
    let ours = text_at(parent, name).unwrap_or_default();
    match theirs {
        Some(theirs) if theirs != ours => Err(Rejection::contradiction(format!(
            "The resource with id '{id}' has a different {what} ['{theirs}'] than the parent gallery image {of_parent} ['{ours}']."
        ))),
        _ => Ok(()),
    }
}

fn plans_agree(
    id: &ResourceId,
    source: &Map<String, Value>,
    parent: &Map<String, Value>,
) -> Result<(), Rejection> {
    let plan = |members: &Map<String, Value>| {
        members.get("purchasePlan").map_or("null".to_owned(), Value::to_string)
    };
    let (theirs, ours) = (plan(source), plan(parent));
    if theirs.eq_ignore_ascii_case(&ours) {
        return Ok(());
    }
    Err(Rejection::contradiction(format!(
        "The resource with id '{id}' has a different plan ['{theirs}'] than the parent gallery image plan ['{ours}']."
    )))
}

fn not_found(id: &ResourceId, target: &str) -> Rejection {
    let message = format!(
        "Source '{id}' is not found. Please check source exists, and is in the same region as gallery image version being created."
    );
    Rejection::new(404, "ResourceNotFound", message).at(target)
}
