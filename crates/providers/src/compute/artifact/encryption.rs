//! Disk encryption sets of target regions: named at creation, for every region or for none.

use arm::ResourceId;
use serde_json::{Map, Value};

use super::placement::Target;
use crate::shape::{at, text_at};
use crate::{Put, Rejection};

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
        (Some(asked), Some(stands)) if adds_a_lun(asked, stands).is_some() => {
            let lun = adds_a_lun(asked, stands).unwrap_or_default();
            let region = members.get("name").and_then(Value::as_str).unwrap_or_default();
            let message = format!(
                "Cannot specify new data disk image encryption lun [{lun}] with a disk encryption set in region [{region}] for update. Encryption is chosen when the image version is created."
            );
            let regions = place.rsplit_once('[').map_or(place, |(regions, _at)| regions);
            Err(Rejection::invalid(format!("{regions}.encryption.dataDiskImages.lun"), message))
        }
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

/// A LUN that is encrypted in `asked` and does not stand.
fn adds_a_lun(asked: &Value, stands: &Value) -> Option<i64> {
    let luns = |encryption: &Value| -> Vec<i64> {
        let disks = encryption["dataDiskImages"].as_array().into_iter().flatten();
        disks.filter_map(|disk| disk["lun"].as_i64()).collect()
    };
    let known = luns(stands);
    luns(asked).into_iter().find(|lun| !known.contains(lun))
}

/// Checks each region's encryption, and that a disk encrypted in one region is in all.
pub(super) fn is_whole(put: &Put<'_>, targets: &[Target], target: &str) -> Result<(), Rejection> {
    let (version, luns) = (put.id, luns(put));
    for (_, members) in targets {
        if let Some(encryption) = members.get("encryption") {
            sets_are_ids(version, encryption)?;
            own_keys_name_their_set(encryption)?;
            luns_are_known(encryption, luns.as_deref(), target)?;
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
                return Err(Rejection::invalid(target, message));
            }
        }
    }
    Ok(())
}

fn sets_are_ids(version: &ResourceId, encryption: &Value) -> Result<(), Rejection> {
    let os = encryption["osDiskImage"]["diskEncryptionSetId"].as_str().map(|set| ("osDiskImage", set));
    let data = encryption["dataDiskImages"].as_array().into_iter().flatten();
    let data = data.filter_map(|disk| Some(("dataDiskImages", disk["diskEncryptionSetId"].as_str()?)));
    let named = os.into_iter().chain(data).map(|(disk, set)| (format!("{disk}.diskEncryptionSetId"), set));
    let secure = security_profiles(encryption).filter_map(|(disk, profile)| {
        let set = profile["secureVMDiskEncryptionSetId"].as_str()?;
        Some((format!("{disk}.securityProfile.secureVMDiskEncryptionSetId"), set))
    });
    for (place, set) in named.chain(secure).filter(|(_, set)| !set.is_empty()) {
        let target = format!("{SET_TARGET}.{place}");
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

/// A confidential machine's disk that is encrypted with the customer's keys needs the set that has them.
fn own_keys_name_their_set(encryption: &Value) -> Result<(), Rejection> {
    for (disk, profile) in security_profiles(encryption) {
        let kind = profile["confidentialVMEncryptionType"].as_str().unwrap_or_default();
        let set = profile["secureVMDiskEncryptionSetId"].as_str().unwrap_or_default();
        if kind.ends_with("WithCmk") && set.is_empty() {
            let target = format!("{SET_TARGET}.{disk}.securityProfile.secureVMDiskEncryptionSetId");
            let message = format!(
                "Required parameter '{target}' is missing (null): the encryption type '{kind}' uses keys of your own."
            );
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

fn security_profiles(encryption: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let data = encryption["dataDiskImages"].as_array().into_iter().flatten();
    let data = data.map(|disk| ("dataDiskImages", &disk["securityProfile"]));
    std::iter::once(("osDiskImage", &encryption["osDiskImage"]["securityProfile"])).chain(data)
}

/// Whether a region's encryption is for machines that are confidential.
pub(in crate::compute) fn is_confidential(encryption: &Value) -> bool {
    security_profiles(encryption).any(|(_, profile)| {
        profile["confidentialVMEncryptionType"].as_str().is_some_and(|kind| !kind.is_empty())
    })
}

fn luns_are_known(encryption: &Value, known: Option<&[i64]>, regions: &str) -> Result<(), Rejection> {
    let mut seen = Vec::new();
    for disk in encryption["dataDiskImages"].as_array().into_iter().flatten() {
        let target = format!("{regions}.encryption.dataDiskImages.lun");
        let Some(lun) = disk["lun"].as_i64() else {
            let message = format!("Required parameter '{target}' is missing (null).");
            return Err(Rejection::invalid(target, message));
        };
        if seen.contains(&lun) {
            let message = format!("Duplicate luns were specified in encryption.dataDiskImages: [{lun}].");
            return Err(Rejection::invalid(target, message));
        }
        if let Some(known) = known.filter(|known| !known.contains(&lun)) {
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

/// The LUNs of the data disks; a whole source says them in place of the version, and one that is not known tells nothing.
fn luns(put: &Put<'_>) -> Option<Vec<i64>> {
    let listed = at(put.wanted, "storageProfile.dataDiskImages");
    let whole = at(put.wanted, "storageProfile.source").is_some();
    let id = text_at(put.wanted, "storageProfile.source.id").and_then(|id| id.parse::<ResourceId>().ok());
    let source = id.and_then(|id| put.linked.get(&id.key())).map(|source| &source.document.properties);
    if whole && listed.is_none() && source.is_none() {
        return None;
    }
    let of_source = source.and_then(|source| {
        at(source, "storageProfile.dataDiskImages").or_else(|| at(source, "storageProfile.dataDisks"))
    });
    let disks = listed.or(of_source).and_then(Value::as_array);
    Some(disks.into_iter().flatten().filter_map(|disk| disk["lun"].as_i64()).collect())
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
