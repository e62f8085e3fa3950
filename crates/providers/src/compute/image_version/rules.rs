//! What an image version may be called, promise and lose.

use arm::VersionName;
use serde_json::{Map, Value};

use crate::compute::artifact::encryption;
use crate::compute::{end_of_life, gallery, image_definition};
use crate::shape::{at, object_in, text_at};
use crate::{Delete, Put, Rejection, State};

const SAFETY: &str = "safetyProfile";
const BLOCK: &str = "blockDeletionBeforeEndOfLife";
const ALLOW: &str = "allowDeletionOfReplicatedLocations";
const END_OF_LIFE: &str = "publishingProfile.endOfLifeDate";

pub(super) fn name_is_a_version(name: &str) -> Result<(), Rejection> {
    match name.parse::<VersionName>() {
        Ok(_version) => Ok(()),
        Err(error) => Err(Rejection::invalid("galleryImageVersion.name", error.to_string())),
    }
}

pub(super) fn is_not_going_away(put: &Put<'_>) -> Result<(), Rejection> {
    match put.current {
        Some(current) if current.document.state == State::Deleting => {
            let message = format!(
                "Operation 'Update Gallery Image Version' is not allowed on '{}' since it is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete).",
                put.id.name()
            );
            Err(Rejection::conflict("OperationNotAllowed", message))
        }
        _ => Ok(()),
    }
}

/// Fills the safety profile; an update that says nothing of it changes nothing of it.
pub(super) fn settle_safety(put: &Put<'_>, properties: &mut Map<String, Value>) {
    let profile = object_in(properties, SAFETY);
    let stands = put.current.and_then(|current| current.document.properties.get(SAFETY)?.as_object());
    if let Some(stands) = stands.filter(|_| !profile.contains_key(ALLOW) && !profile.contains_key(BLOCK)) {
        profile.clone_from(stands);
    }
    profile.entry("reportedForPolicyViolation").or_insert(Value::Bool(false));
    profile.entry(ALLOW).or_insert(Value::Bool(false));
}

pub(super) fn blocking_needs_an_end(properties: &Map<String, Value>) -> Result<(), Rejection> {
    if blocks_deletion(properties) && at(properties, END_OF_LIFE).is_none() {
        let target = format!("galleryImageVersion.properties.{SAFETY}.{BLOCK}");
        let message = format!(
            "'{target}' is true, but there is no end of life: specify 'galleryImageVersion.properties.{END_OF_LIFE}'."
        );
        return Err(Rejection::invalid(target, message));
    }
    Ok(())
}

pub(super) fn deletion_is_not_blocked(delete: &Delete<'_>) -> Result<(), Rejection> {
    let properties = &delete.stored.document.properties;
    let end = end_of_life::moment(properties, END_OF_LIFE).filter(|end| *end > delete.now);
    match end {
        Some(end) if blocks_deletion(properties) => {
            let message = format!(
                "The gallery image version '{}' cannot be deleted before its end of life, {}. To delete it sooner, set '{SAFETY}.{BLOCK}' to false.",
                delete.stored.id.name(),
                arm::wire_time(end),
            );
            Err(Rejection::conflict("DeleteGalleryImageVersionBlockedBeforeEndOfLife", message))
        }
        _ => Ok(()),
    }
}

/// Keys in firmware make sense only where firmware checks signatures.
pub(super) fn uefi_settings_fit(put: &Put<'_>, properties: &Map<String, Value>) -> Result<(), Rejection> {
    let path = "securityProfile.uefiSettings";
    let Some(settings) = at(properties, path).filter(|_| put.current.is_none()) else { return Ok(()) };
    let target = format!("galleryImageVersion.properties.{path}");
    let version = put.id.name().parse::<VersionName>().ok();
    if let (Some(parent), Some(version)) = (put.parent, version) {
        let definition = &parent.document.properties;
        let kind = image_definition::security_type(definition, version);
        if text_at(definition, "hyperVGeneration") != Some("V2") {
            let message = "UEFI settings are not supported for gallery images of generation 1.";
            return Err(Rejection::contradiction(message).at(target));
        }
        if !kind.starts_with("TrustedLaunch") && !kind.starts_with("ConfidentialVM") {
            let message = format!(
                "UEFI settings need a gallery image with the security type 'TrustedLaunch' or 'ConfidentialVM', or one that supports them; this one is '{kind}'."
            );
            return Err(Rejection::contradiction(message).at(target));
        }
    }
    match signatures(settings).find(|signature| !is_base64(signature)) {
        None => Ok(()),
        Some(_) => {
            let target = format!("{target}.additionalSignatures");
            let message = format!("A value in parameter '{target}' is no base64 text.");
            Err(Rejection::invalid(target, message))
        }
    }
}

/// Who gets a shared image cannot read what is encrypted with the publisher's own keys (azure-api 8.2).
pub(super) fn encrypted_images_are_not_shared(
    put: &Put<'_>,
    properties: &Map<String, Value>,
) -> Result<(), Rejection> {
    let gallery = put.above.get(1);
    let kind = gallery.and_then(|gallery| gallery::shared_kind(&gallery.document.properties));
    let (Some(gallery), Some(kind)) = (gallery, kind) else { return Ok(()) };
    let path = "publishingProfile.targetRegions";
    let regions = at(properties, path).and_then(Value::as_array).into_iter().flatten();
    if regions.filter_map(|region| region.get("encryption")).any(names_a_set) {
        let target = format!("galleryImageVersion.properties.{path}.encryption");
        let message = format!(
            "An image that is encrypted with a disk encryption set is supported only in a private gallery; gallery '{}' is shared with 'permissions' '{kind}'.",
            gallery.id.name()
        );
        return Err(Rejection::contradiction(message).at(target));
    }
    Ok(())
}

/// Disks that only a confidential machine can read need a definition of such machines.
pub(super) fn confidential_disks_fit(
    put: &Put<'_>,
    properties: &Map<String, Value>,
) -> Result<(), Rejection> {
    let path = "publishingProfile.targetRegions";
    let regions = at(properties, path).and_then(Value::as_array).into_iter().flatten();
    let mut encryptions = regions.filter_map(|region| region.get("encryption"));
    let (Some(definition), Ok(version)) = (put.parent, put.id.name().parse::<VersionName>()) else {
        return Ok(());
    };
    let kind = image_definition::security_type(&definition.document.properties, version);
    if put.current.is_some() || kind.to_ascii_lowercase().contains("confidential") {
        return Ok(());
    }
    if !encryptions.any(encryption::is_confidential) {
        return Ok(());
    }
    let message = format!(
        "'confidentialVMEncryptionType' needs a gallery image with the security type 'ConfidentialVM', or one that supports it; this one is '{kind}'."
    );
    Err(Rejection::contradiction(message).at(format!("galleryImageVersion.properties.{path}.encryption")))
}

fn names_a_set(encryption: &Value) -> bool {
    let disks = encryption["dataDiskImages"].as_array().into_iter().flatten();
    let mut disks = disks.chain([&encryption["osDiskImage"]]);
    disks.any(|disk| {
        let sets = [&disk["diskEncryptionSetId"], &disk["securityProfile"]["secureVMDiskEncryptionSetId"]];
        sets.iter().any(|set| set.as_str().is_some_and(|set| !set.is_empty()))
    })
}

fn blocks_deletion(properties: &Map<String, Value>) -> bool {
    at(properties, &format!("{SAFETY}.{BLOCK}")) == Some(&Value::Bool(true))
}

fn signatures(settings: &Value) -> impl Iterator<Item = &str> {
    let keys = &settings["additionalSignatures"];
    let lists = ["kek", "db", "dbx"].into_iter().flat_map(|name| keys[name].as_array().into_iter().flatten());
    let keys = lists.chain(std::iter::once(&keys["pk"]));
    keys.flat_map(|key| key["value"].as_array().into_iter().flatten()).filter_map(Value::as_str)
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let plain = body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    plain && !body.is_empty() && text.len().is_multiple_of(4) && text.len() - body.len() <= 2
}
