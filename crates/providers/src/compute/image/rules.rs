//! What a managed image may be made of, and what it is then.

use arm::ResourceId;
use serde_json::{Map, Value, json};

use super::Image;
use crate::compute::disk::creation::{has_bytes, missing};
use crate::compute::source::{DISKS, SNAPSHOTS, Source, blob_uri, id_at, shown};
use crate::shape::{object_in, text_at};
use crate::{Accepted, Link, Put, Rejection, State, Work};

const SUBJECT: &str = "image";
const PROFILE: &str = "storageProfile";
/// The server's note of where the bytes come from, for a retry.
const SOURCE: &str = "source";

/// The disks and snapshots that the storage profile points at.
pub(super) fn links(named: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
    let Some(profile) = named.get(PROFILE).and_then(Value::as_object) else { return Ok(Vec::new()) };
    let mut links = Vec::new();
    for (disk, path) in all(profile) {
        for (name, kind) in REFERENCES {
            let Some(text) = text_at(disk, &format!("{name}.id")) else { continue };
            let id = id_at(text, SUBJECT, &format!("{PROFILE}.{path}.{name}.id"))?;
            let target = format!("{SUBJECT}.properties.{PROFILE}.{path}.{name}.id");
            links.push(Link { id, target, action: format!("{kind}/read") });
        }
    }
    Ok(links)
}

/// How a disk is pointed at, and what must stand there.
const REFERENCES: [(&str, &str); 2] = [("managedDisk", DISKS), ("snapshot", SNAPSHOTS)];

/// Decides a PUT.
pub(super) fn put(put: &Put<'_>) -> Result<Accepted, Rejection> {
    let mut properties = put.wanted.clone();
    if let Some(current) = put.current {
        let stands = &current.document.properties;
        disks_are_kept(&mut properties, stands)?;
        let source = current.document.internal.get(SOURCE);
        let again = source.filter(|_| matches!(current.document.state, State::Failed | State::Canceled));
        return Ok(Accepted { properties, work: again.cloned().map(capture), ..Accepted::default() });
    }
    if text_at(&properties, "sourceVirtualMachine.id").is_some() {
        return Err(Rejection::not_implemented("A managed image from a virtual machine")
            .at(format!("{SUBJECT}.properties.sourceVirtualMachine")));
    }
    let source = sources(put, &mut properties)?;
    properties.entry("hyperVGeneration").or_insert_with(|| "V1".into());
    let internal = Map::from_iter([(SOURCE.to_owned(), source.clone())]);
    Ok(Accepted { properties, internal: Some(internal), work: Some(capture(source)), ..Accepted::default() })
}

fn capture(source: Value) -> Work {
    let input = Map::from_iter([(SOURCE.to_owned(), source)]);
    Work { kind: Image::CAPTURE, input: Value::Object(input) }
}

/// Checks each disk and fills it in; answers the sources as the job reads them.
fn sources(put: &Put<'_>, properties: &mut Map<String, Value>) -> Result<Value, Rejection> {
    let place = format!("{SUBJECT}.properties.{PROFILE}");
    let mut profile = properties.get(PROFILE).and_then(Value::as_object).cloned().unwrap_or_default();
    let os_disk = profile.get("osDisk").and_then(Value::as_object);
    let os_disk = os_disk.ok_or_else(|| missing(&format!("{place}.osDisk")))?;
    for name in ["osType", "osState"] {
        text_at(os_disk, name).ok_or_else(|| missing(&format!("{place}.osDisk.{name}")))?;
    }
    luns_are_unique(&profile, &place)?;
    let os = source_of(put, os_disk, "osDisk")?;
    system_agrees(put, properties, os_disk, &os)?;
    let mut job = os.to_job();
    with_size(&mut job, os_disk);
    let data = all(&profile).skip(1).map(|(disk, path)| {
        let mut source = source_of(put, disk, &path)?.to_job();
        with_size(&mut source, disk);
        Ok(json!({"lun": disk.get("lun"), "source": source}))
    });
    let data: Vec<Value> = data.collect::<Result<_, Rejection>>()?;
    if !data.is_empty() {
        job["dataDisks"] = data.into();
    }
    profile.entry("dataDisks").or_insert_with(|| Value::Array(Vec::new()));
    profile.entry("zoneResilient").or_insert(Value::Bool(false));
    all_mut(&mut profile).for_each(fill);
    take_over_generation(put, properties, &os);
    properties.insert(PROFILE.to_owned(), Value::Object(profile));
    Ok(job)
}

/// The size asked for goes with the source: data disks have no other place to say it.
fn with_size(source: &mut Value, disk: &Map<String, Value>) {
    if let Some(gib) = disk.get("diskSizeGB").and_then(Value::as_u64) {
        source["wantedBytes"] = (gib << 30).into();
    }
}

fn fill(disk: &mut Map<String, Value>) {
    disk.entry("caching").or_insert_with(|| "None".into());
    disk.entry("storageAccountType").or_insert_with(|| "Standard_LRS".into());
    if let Some(uri) = text_at(disk, "blobUri").and_then(|text| text.parse().ok()) {
        disk.insert("blobUri".to_owned(), shown(&uri).into());
    }
}

/// The one source of the disk at `path`, which is there and has its bytes.
fn source_of(put: &Put<'_>, disk: &Map<String, Value>, path: &str) -> Result<Source, Rejection> {
    let place = format!("{SUBJECT}.properties.{PROFILE}.{path}");
    let mut found = Vec::new();
    for (name, kind) in REFERENCES {
        let Some(text) = text_at(disk, &format!("{name}.id")) else { continue };
        let id = id_at(text, SUBJECT, &format!("{PROFILE}.{path}.{name}.id"))?;
        let target = format!("{place}.{name}.id");
        if !id.type_name().is(kind) {
            let what = if kind == DISKS { "managed disk" } else { "snapshot" };
            return Err(Rejection::invalid(target, format!("The source id '{id}' must be a {what}.")));
        }
        let source = put.linked.get(&id.key()).ok_or_else(|| not_found(&id, &target))?;
        has_bytes(source, &target)?;
        found.push(if kind == DISKS { Source::Disk(id) } else { Source::Snapshot(id) });
    }
    if let Some(text) = text_at(disk, "blobUri") {
        found.push(Source::Blob(blob_uri(text, &format!("{place}.blobUri"))?));
    }
    match (found.pop(), found.is_empty()) {
        (Some(source), true) => Ok(source),
        _ => {
            let message =
                format!("Exactly one of snapshot, managedDisk and blobUri must be specified in '{place}'.");
            Err(Rejection::invalid(place, message))
        }
    }
}

fn not_found(id: &ResourceId, target: &str) -> Rejection {
    let message = format!("The source '{id}' is not found. Please check that it exists.");
    Rejection::new(404, "ResourceNotFound", message).at(target)
}

/// The image says of its system what its disk says, as far as that says anything.
fn system_agrees(
    put: &Put<'_>,
    properties: &Map<String, Value>,
    os_disk: &Map<String, Value>,
    source: &Source,
) -> Result<(), Rejection> {
    let Some(theirs) = of_disk(put, source) else { return Ok(()) };
    let said = [
        ("osType", "OS type", text_at(os_disk, "osType"), format!("{PROFILE}.osDisk.osType")),
        (
            "hyperVGeneration",
            "Hypervisor generation",
            text_at(properties, "hyperVGeneration"),
            "hyperVGeneration".to_owned(),
        ),
    ];
    for (name, what, ours, path) in said {
        match (ours, text_at(theirs, name)) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                let message = format!(
                    "The source disk has the {what} '{theirs}', the image asks for '{ours}'. Ask for '{theirs}'."
                );
                return Err(Rejection::contradiction(message).at(format!("{SUBJECT}.properties.{path}")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn take_over_generation(put: &Put<'_>, properties: &mut Map<String, Value>, source: &Source) {
    let theirs = of_disk(put, source).and_then(|disk| disk.get("hyperVGeneration")).cloned();
    if let Some(theirs) = theirs {
        properties.entry("hyperVGeneration").or_insert(theirs);
    }
}

fn of_disk<'a>(put: &'a Put<'_>, source: &Source) -> Option<&'a Map<String, Value>> {
    match source {
        Source::Disk(id) | Source::Snapshot(id) => Some(&put.linked.get(&id.key())?.document.properties),
        _ => None,
    }
}

fn luns_are_unique(profile: &Map<String, Value>, place: &str) -> Result<(), Rejection> {
    let mut seen = Vec::new();
    for (disk, path) in all(profile).skip(1) {
        let target = format!("{place}.{path}.lun");
        let lun = disk.get("lun").and_then(Value::as_i64).ok_or_else(|| missing(&target))?;
        if seen.contains(&lun) {
            let message = format!("The LUN {lun} is specified for more than one data disk.");
            return Err(Rejection::invalid(format!("{place}.dataDisks"), message));
        }
        seen.push(lun);
    }
    Ok(())
}

/// An update may repeat the disks, or leave them out; it may not change them.
fn disks_are_kept(properties: &mut Map<String, Value>, stands: &Map<String, Value>) -> Result<(), Rejection> {
    let place = format!("{SUBJECT}.properties.{PROFILE}");
    let profile = object_in(properties, PROFILE);
    let kept = stands.get(PROFILE).and_then(Value::as_object).cloned().unwrap_or_default();
    let asked = profile.get("dataDisks").and_then(Value::as_array).filter(|disks| !disks.is_empty());
    let before = kept.get("dataDisks").and_then(Value::as_array);
    let same = |asked: &Vec<Value>| {
        let before = before.map(Vec::as_slice).unwrap_or_default();
        asked.len() == before.len() && asked.iter().zip(before).all(|(asked, stands)| repeats(asked, stands))
    };
    if asked.is_some_and(|asked| !same(asked)) {
        return Err(Rejection::change(format!("{place}.dataDisks")));
    }
    let (asked, before) = (text_at(profile, "osDisk.blobUri"), text_at(&kept, "osDisk.blobUri"));
    if asked.is_some_and(|asked| Some(without_query(asked)) != before) {
        return Err(Rejection::change(format!("{place}.osDisk.blobUri")));
    }
    *profile = kept;
    Ok(())
}

/// Whether `asked` says nothing that `stands` does not, ids without case and addresses without signatures.
fn repeats(asked: &Value, stands: &Value) -> bool {
    match (asked, stands) {
        (Value::Object(asked), Value::Object(stands)) => {
            asked.iter().all(|(name, asked)| stands.get(name).is_some_and(|stands| repeats(asked, stands)))
        }
        (Value::String(asked), Value::String(stands)) => {
            without_query(asked).eq_ignore_ascii_case(without_query(stands))
        }
        (asked, stands) => asked == stands,
    }
}

fn without_query(uri: &str) -> &str {
    uri.split('?').next().unwrap_or_default()
}

/// The OS disk and the data disks of a storage profile, with the path of each.
fn all(profile: &Map<String, Value>) -> impl Iterator<Item = (&Map<String, Value>, String)> {
    let os = profile.get("osDisk").and_then(Value::as_object).map(|disk| (disk, "osDisk".to_owned()));
    let data = profile.get("dataDisks").and_then(Value::as_array).into_iter().flatten().enumerate();
    let data = data.filter_map(|(at, disk)| Some((disk.as_object()?, format!("dataDisks[{at}]"))));
    os.into_iter().chain(data)
}

fn all_mut(profile: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    profile.iter_mut().flat_map(|(name, value)| match (name.as_str(), value) {
        ("osDisk", Value::Object(disk)) => vec![disk],
        ("dataDisks", Value::Array(disks)) => disks.iter_mut().filter_map(Value::as_object_mut).collect(),
        _ => Vec::new(),
    })
}
