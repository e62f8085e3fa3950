//! The data disks of a version: well-formed, each once, and the same for ever.

use serde_json::{Map, Value};

use super::source::{TARGET, parse_id};
use crate::Rejection;
use crate::shape::{at, object_in, text_at};

/// The data disks of a storage profile.
pub(super) fn data_disks(profile: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let disks = profile.get("dataDiskImages").and_then(Value::as_array).into_iter().flatten();
    disks.filter_map(Value::as_object)
}

/// The OS disk and the data disks, each with its place in the storage profile.
pub(super) fn all(profile: &Map<String, Value>) -> impl Iterator<Item = (&Map<String, Value>, String)> {
    let os = profile.get("osDiskImage").and_then(Value::as_object);
    let os = os.map(|disk| (disk, "osDiskImage".to_owned()));
    let data = data_disks(profile).enumerate().map(|(at, disk)| (disk, format!("dataDiskImages[{at}]")));
    os.into_iter().chain(data)
}

/// Whether a data disk names a source of its own.
pub(super) fn have_sources(profile: &Map<String, Value>) -> bool {
    data_disks(profile).any(|disk| source_of(disk).is_some())
}

/// Each data disk has a LUN of its own and a source of its own.
pub(super) fn are_well_formed(profile: &Map<String, Value>) -> Result<(), Rejection> {
    let os_disk = profile.get("osDiskImage").and_then(Value::as_object);
    let os_uri = os_disk.and_then(|disk| text_at(disk, "source.uri"));
    let os_id = os_disk.filter(|_| os_uri.is_none()).and_then(|disk| text_at(disk, "source.id"));
    let (mut luns, mut ids) = (Vec::new(), Vec::from_iter(os_id.map(str::to_ascii_lowercase)));
    for (number, disk) in data_disks(profile).enumerate() {
        let place = format!("dataDiskImages[{number}]");
        let target = format!("{TARGET}.{place}");
        let lun = disk.get("lun").and_then(Value::as_i64).ok_or_else(|| missing(&target, "lun"))?;
        if luns.contains(&lun) {
            let message =
                format!("Duplicated lun numbers have been detected in the input data disks: {lun}.");
            return Err(Rejection::invalid(format!("{TARGET}.dataDiskImages"), message));
        }
        luns.push(lun);
        id_is_well_formed(disk, &place)?;
        if os_uri.is_some() && text_at(disk, "source.uri") == os_uri {
            return Err(Rejection::invalid(
                target,
                "OSDiskImage and DataDiskImage cannot point to same blob.",
            ));
        }
        let id = source_of(disk).map(str::to_ascii_lowercase);
        if id.as_ref().is_some_and(|id| ids.contains(id)) {
            return Err(Rejection::invalid(target, "Duplicated source ids are found in the input disks."));
        }
        ids.extend(id);
    }
    Ok(())
}

/// An update may repeat the data disks, or leave them out; it may not change them.
pub(super) fn are_kept(
    properties: &mut Map<String, Value>,
    current: &Map<String, Value>,
) -> Result<(), Rejection> {
    let path = "storageProfile.dataDiskImages";
    let luns = |properties: &Map<String, Value>| {
        let disks = at(properties, path).and_then(Value::as_array).into_iter().flatten();
        let mut luns: Vec<Option<i64>> = disks.map(|disk| disk["lun"].as_i64()).collect();
        luns.sort_unstable();
        luns
    };
    let (asked, stands) = (luns(properties), luns(current));
    if !asked.is_empty() && asked != stands {
        return Err(Rejection::contradiction(
            "Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed.",
        )
        .at(format!("{TARGET}.dataDiskImages")));
    }
    let profile = object_in(properties, "storageProfile");
    match at(current, path) {
        Some(stands) => profile.insert("dataDiskImages".to_owned(), stands.clone()),
        None => profile.remove("dataDiskImages"),
    };
    Ok(())
}

/// An empty list of data disks says nothing.
pub(super) fn drop_empty(properties: &mut Map<String, Value>) {
    let profile = object_in(properties, "storageProfile");
    if data_disks(profile).next().is_none() {
        profile.remove("dataDiskImages");
    }
}

fn source_of(disk: &Map<String, Value>) -> Option<&str> {
    text_at(disk, "source.uri").or_else(|| text_at(disk, "source.id"))
}

fn id_is_well_formed(disk: &Map<String, Value>, place: &str) -> Result<(), Rejection> {
    let path = format!("{place}.source.id");
    match text_at(disk, "source.id") {
        Some(id) => parse_id(id, &path).map(drop),
        None => Ok(()),
    }
}

fn missing(target: &str, name: &str) -> Rejection {
    let target = format!("{target}.{name}");
    let message = format!("Required parameter '{target}' is missing (null).");
    Rejection::invalid(target, message)
}
