//! What a PUT of a disk or snapshot leaves: defaults filled, growth only, and the job that brings the bytes.

use arm::wire_time;
use serde_json::{Map, Value, json};

use super::creation::{self, Creation, size_asked};
use super::{access, performance};
use crate::compute::source::{Source, blob_is_kept};
use crate::shape::{object_in, text_at};
use crate::{Accepted, Entropy, Put, Rejection, State, Work};

/// The server's notes: where the bytes come from, for a retry; the file that a client writes to; the size in bytes.
pub(super) const SOURCE: &str = "source";
const STAGED: &str = "staged";
const SIZE: &str = "sizeBytes";
/// The size that was asked for, when it is not the source's.
const WANTED: &str = "wantedBytes";

/// Decides a PUT of a disk or snapshot.
pub(crate) fn put(put: &Put<'_>, subject: &str) -> Result<Accepted, Rejection> {
    let mut properties = put.wanted.clone();
    properties.retain(|name, value| name != "diskAccessId" || value != "");
    let envelope = with_sku(put);
    let accepted = match put.current {
        None => created(put, &mut properties, subject)?,
        Some(_) => updated(put, &mut properties, subject)?,
    };
    fill_defaults(&mut properties, subject)?;
    performance::drop_shown(&mut properties, &envelope);
    Ok(Accepted { properties, envelope: Some(envelope), ..accepted })
}

fn created(put: &Put<'_>, properties: &mut Map<String, Value>, subject: &str) -> Result<Accepted, Rejection> {
    let creation = creation::read(put, properties, subject)?;
    properties.insert("timeCreated".to_owned(), wire_time(put.now).into());
    properties.insert("uniqueId".to_owned(), guid(put.entropy, 0).into());
    let mut internal = Map::new();
    internal.extend(size_asked(properties).map(|bytes| (WANTED.to_owned(), bytes.into())));
    let (source, state) = match &creation {
        Creation::From(source) => (source.to_job(), "Unattached"),
        Creation::Upload(bytes) => {
            // The row names the file before it is made, so that none is ever nobody's.
            internal.insert(STAGED.to_owned(), guid(put.entropy, 16).into());
            let disk_bytes = bytes - creation::FOOTER_BYTES;
            properties.entry("diskSizeGB").or_insert_with(|| disk_bytes.div_ceil(1 << 30).into());
            properties.insert("diskSizeBytes".to_owned(), disk_bytes.into());
            (json!({"kind": "staged", "sizeBytes": bytes}), "ReadyToUpload")
        }
    };
    properties.insert("diskState".to_owned(), state.into());
    internal.insert(SOURCE.to_owned(), source.clone());
    Ok(Accepted { internal: Some(internal), work: Some(create(source)), ..Accepted::default() })
}

fn updated(put: &Put<'_>, properties: &mut Map<String, Value>, subject: &str) -> Result<Accepted, Rejection> {
    let Some(current) = put.current else { return Ok(Accepted::default()) };
    let (document, stands) = (&current.document, &current.document.properties);
    for name in KEPT {
        if let Some(value) = stands.get(name).filter(|_| !properties.contains_key(name)) {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    disk_access_goes_with_its_policy(properties, stands);
    let fresh = source_uri_is_kept(properties, stands, subject)?;
    let mut internal = document.internal.clone();
    if matches!(document.state, State::Failed | State::Canceled) && internal.contains_key(SOURCE) {
        // A blob may come with a signature that has not expired.
        let kind = internal.get(SOURCE).map(|source| source["kind"].clone());
        let fresh = fresh.map(|source| source.to_job()).filter(|fresh| Some(&fresh["kind"]) == kind.as_ref());
        internal.extend(fresh.map(|source| (SOURCE.to_owned(), source)));
        let is_resized = properties.get("diskSizeGB") != stands.get("diskSizeGB");
        let wanted = size_asked(properties).filter(|_| is_resized);
        internal.extend(wanted.map(|bytes| (WANTED.to_owned(), bytes.into())));
        let source = internal.get(SOURCE).cloned().unwrap_or_default();
        return Ok(Accepted { internal: Some(internal), work: Some(create(source)), ..Accepted::default() });
    }
    let before = stands.get("diskSizeGB");
    if properties.get("diskSizeGB") != before {
        let bytes = size_asked(properties).unwrap_or_default();
        grows_only(document.internal.get(SIZE).and_then(Value::as_u64), bytes, properties, subject)?;
        access::none_is_active(current, put.now, "resizing it")?;
        properties.insert("diskSizeBytes".to_owned(), bytes.into());
        internal.insert(SIZE.to_owned(), bytes.into());
        return Ok(Accepted { internal: Some(internal), ..Accepted::default() });
    }
    Ok(Accepted::default())
}

/// What an update that does not name it leaves as it is.
const KEPT: [&str; 7] = [
    "diskSizeGB",
    "encryption",
    "networkAccessPolicy",
    "osType",
    "publicNetworkAccess",
    "securityProfile",
    "supportedCapabilities",
];

/// What an update leaves of the disk access is kept with the policy that needs it, and goes with it.
fn disk_access_goes_with_its_policy(properties: &mut Map<String, Value>, stands: &Map<String, Value>) {
    let (name, kept) = ("diskAccessId", stands.get("diskAccessId"));
    if text_at(properties, "networkAccessPolicy") == Some("AllowPrivate") {
        if let Some(kept) = kept.filter(|_| !properties.contains_key(name)) {
            properties.insert(name.to_owned(), kept.clone());
        }
    } else if kept.is_some() && properties.get(name) == kept {
        properties.remove(name);
    }
}

/// A disk that has bytes may grow; one that waits for them has the size that was announced.
fn grows_only(
    stands: Option<u64>,
    asked: u64,
    properties: &Map<String, Value>,
    subject: &str,
) -> Result<(), Rejection> {
    let target = format!("{subject}.properties.diskSizeGB");
    let Some(stands) = stands else {
        let state = text_at(properties, "diskState").unwrap_or_default();
        let message = format!(
            "The {subject} has no bytes yet (it is '{state}'). It can be resized once its upload has ended."
        );
        return Err(Rejection::conflict("OperationNotAllowed", message).at(target));
    };
    if asked >= stands {
        return Ok(());
    }
    let message = format!(
        "Disk size reduction is not supported. Current size is {stands} bytes, requested size is {asked} bytes."
    );
    Err(Rejection::conflict("OperationNotAllowed", message).at(target))
}

/// An update keeps the address of the blob; it may come with another signature.
fn source_uri_is_kept(
    properties: &mut Map<String, Value>,
    stands: &Map<String, Value>,
    subject: &str,
) -> Result<Option<Source>, Rejection> {
    let path = "creationData.sourceUri";
    let target = format!("{subject}.properties.{path}");
    let (asked, stands) = (text_at(properties, path), text_at(stands, path));
    let fresh = match (asked, stands) {
        (None, None) => return Ok(None),
        (asked, stands) => blob_is_kept(asked, stands, &target)?,
    };
    let kept = stands.map(Value::from).unwrap_or_default();
    object_in(properties, "creationData").insert("sourceUri".to_owned(), kept);
    Ok(fresh)
}

fn create(source: Value) -> Work {
    let input = Map::from_iter([(SOURCE.to_owned(), source)]);
    Work { kind: super::Disk::CREATE, input: Value::Object(input) }
}

fn fill_defaults(properties: &mut Map<String, Value>, subject: &str) -> Result<(), Rejection> {
    let encryption = object_in(properties, "encryption");
    if !encryption.contains_key("type") {
        let with_set = text_at(encryption, "diskEncryptionSetId").is_some();
        let kind =
            if with_set { "EncryptionAtRestWithCustomerKey" } else { "EncryptionAtRestWithPlatformKey" };
        encryption.insert("type".to_owned(), kind.into());
    }
    properties.entry("networkAccessPolicy").or_insert_with(|| "AllowAll".into());
    properties.entry("publicNetworkAccess").or_insert_with(|| "Enabled".into());
    let is_private = text_at(properties, "networkAccessPolicy") == Some("AllowPrivate");
    let has_access = text_at(properties, "diskAccessId").is_some();
    if is_private == has_access {
        return Ok(());
    }
    let target = format!("{subject}.properties.diskAccessId");
    if is_private {
        return Err(creation::missing(&target));
    }
    let message =
        format!("Parameter '{target}' is not allowed. It belongs to the networkAccessPolicy 'AllowPrivate'.");
    Err(Rejection::invalid(target, message))
}

/// The kind of storage: what was asked for, what stands, or the least, with the word before its underscore as tier.
fn with_sku(put: &Put<'_>) -> Map<String, Value> {
    let mut envelope = put.envelope.clone();
    let stands = put.current.and_then(|current| current.document.envelope.get("sku")?.get("name"));
    let asked = envelope.get("sku").and_then(|sku| sku.get("name"));
    let name = asked.or(stands).and_then(Value::as_str).unwrap_or("Standard_LRS").to_owned();
    let tier = match name.split('_').next().unwrap_or_default() {
        "StandardSSD" | "Standard" => "Standard",
        "UltraSSD" => "Ultra",
        _ => "Premium",
    };
    envelope.insert("sku".to_owned(), json!({"name": name, "tier": tier}));
    envelope
}

/// A GUID from 16 bytes of the request's randomness.
pub(super) fn guid(entropy: &Entropy, from: usize) -> String {
    let bytes = &entropy[from..from + 16];
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // The bits that say "random" (RFC 9562, version 4).
        let byte = match at {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
