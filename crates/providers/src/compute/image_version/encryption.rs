//! Disk encryption sets of target regions: named at creation, for every region or for none.

use arm::ResourceId;
use serde_json::{Map, Value};

use super::placement::Target;
use crate::shape::{at, text_at};
use crate::{Put, Rejection};

const TARGET: &str = "galleryImageVersion.properties.publishingProfile.targetRegions";
/// Azure's own spelling of the place.
const SET_TARGET: &str = "galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption";

/// Keeps the encryption of a region that stands; it may neither change nor come later.
pub(super) fn is_kept(
    members: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
    is_update: bool,
    place: &str,
) -> Result<(), Rejection> {
    let stands = before.and_then(|before| before.get("encryption"));
    let asked = members.get("encryption").filter(|asked| says_something(asked));
    match (asked, stands) {
        (Some(asked), Some(stands)) if !same(asked, stands) => {
            Err(Rejection::change(format!("{place}.encryption")))
        }
        // A region new to the version brings its own.
        (Some(_), None) if is_update && before.is_some() => {
            Err(Rejection::change(format!("{place}.encryption")))
        }
        (None, Some(stands)) => {
            members.insert("encryption".to_owned(), stands.clone());
            Ok(())
        }
        (None, None) => {
            members.remove("encryption");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Checks each region's encryption, and that a disk encrypted in one region is in all.
pub(super) fn is_whole(put: &Put<'_>, targets: &[Target]) -> Result<(), Rejection> {
    let (version, luns) = (put.id, luns(put));
    for (_, members) in targets {
        if let Some(encryption) = members.get("encryption") {
            sets_are_ids(version, encryption)?;
            luns_are_known(encryption, &luns)?;
        }
    }
    let mut disks: Vec<(String, &str, &str)> = Vec::new();
    for (region, members) in targets {
        disks.extend(sets(members).into_iter().map(|(disk, set)| (disk, set, region.display_name())));
    }
    for (disk, set, used_in) in &disks {
        for (region, members) in targets {
            if !sets(members).iter().any(|(other, _)| other == disk) {
                let message = format!(
                    "A disk encryption set is required for disk '{disk}' in target region '{}' since disk encryption set '{set}' is used for the same disk in region '{used_in}'.",
                    region.display_name()
                );
                return Err(Rejection::invalid(TARGET, message));
            }
        }
    }
    Ok(())
}

fn sets_are_ids(version: &ResourceId, encryption: &Value) -> Result<(), Rejection> {
    let os = encryption["osDiskImage"]["diskEncryptionSetId"].as_str().map(|set| ("osDiskImage", set));
    let data = encryption["dataDiskImages"].as_array().into_iter().flatten();
    let data = data.filter_map(|disk| Some(("dataDiskImages", disk["diskEncryptionSetId"].as_str()?)));
    for (disk, set) in os.into_iter().chain(data).filter(|(_, set)| !set.is_empty()) {
        let target = format!("{SET_TARGET}.{disk}.diskEncryptionSetId");
        let id = set.parse::<ResourceId>().ok();
        let Some(id) = id.filter(|id| id.type_name().is("Microsoft.Compute/diskEncryptionSets")) else {
            let message = format!("The value of parameter {target} is invalid.");
            return Err(Rejection::invalid(target, message));
        };
        if !same_text(id.subscription(), version.subscription()) {
            let message = format!(
                "The disk encryption set '{id}' must be in the same subscription '{}' as the gallery image version.",
                version.subscription().unwrap_or_default()
            );
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

fn luns_are_known(encryption: &Value, known: &[i64]) -> Result<(), Rejection> {
    let mut seen = Vec::new();
    for disk in encryption["dataDiskImages"].as_array().into_iter().flatten() {
        let target = format!("{TARGET}.encryption.dataDiskImages.lun");
        let Some(lun) = disk["lun"].as_i64() else {
            let message = format!("Required parameter '{target}' is missing (null).");
            return Err(Rejection::invalid(target, message));
        };
        if seen.contains(&lun) {
            let message = format!("Duplicate luns were specified in encryption.dataDiskImages: [{lun}].");
            return Err(Rejection::invalid(target, message));
        }
        if !known.contains(&lun) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            let message = format!(
                "An invalid lun [{lun}] was specified in encryption.dataDiskImages. The lun must be one of [{}].",
                known.join(", ")
            );
            return Err(Rejection::invalid(target, message));
        }
        seen.push(lun);
    }
    Ok(())
}

/// The disks of a region that have an encryption set, by name.
fn sets<'a>(members: &'a Map<String, Value>) -> Vec<(String, &'a str)> {
    let Some(encryption) = members.get("encryption") else { return Vec::new() };
    let set = |disk: &'a Value| disk["diskEncryptionSetId"].as_str().filter(|set| !set.is_empty());
    let mut found = Vec::new();
    found.extend(set(&encryption["osDiskImage"]).map(|set| ("osDiskImage".to_owned(), set)));
    for disk in encryption["dataDiskImages"].as_array().into_iter().flatten() {
        found.extend(set(disk).map(|set| (format!("dataDiskImage lun {}", disk["lun"]), set)));
    }
    found
}

/// The LUNs of the data disks, which a whole source says in place of the version.
fn luns(put: &Put<'_>) -> Vec<i64> {
    let whole = text_at(put.wanted, "storageProfile.source.id").and_then(|id| id.parse::<ResourceId>().ok());
    let source = whole.and_then(|id| put.linked.get(&id.key())).map(|source| &source.document.properties);
    let of_source = source.and_then(|source| {
        at(source, "storageProfile.dataDiskImages").or_else(|| at(source, "storageProfile.dataDisks"))
    });
    let disks = at(put.wanted, "storageProfile.dataDiskImages").or(of_source).and_then(Value::as_array);
    disks.into_iter().flatten().filter_map(|disk| disk["lun"].as_i64()).collect()
}

/// Ids compare without case.
fn same(a: &Value, b: &Value) -> bool {
    a.to_string().eq_ignore_ascii_case(&b.to_string())
}

fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(says_something),
        Value::Array(items) => items.iter().any(says_something),
        Value::String(text) => !text.is_empty(),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    }
}
