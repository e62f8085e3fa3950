//! An image version and the world it is published into.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

mod disk_sources;
mod latest;
mod lifecycle;
mod regions;
mod replication;
mod soft_delete;
mod sources;
mod updates;

use serde_json::{Map, Value, json};

use super::ImageVersion;
use crate::Stored;
use crate::shape::merge;
use crate::testing::{GROUP, Scene, compute, stored};

const REGIONS: &str = "galleryImageVersion.properties.publishingProfile.targetRegions";
const STORAGE: &str = "galleryImageVersion.properties.storageProfile";
const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd?sv=2026&sig=secret";

fn definition_id() -> String {
    compute("galleries/g/images/d")
}

fn definition(id: &str, more: Value) -> Stored {
    let least =
        json!({"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64"});
    stored(id, over(least, more))
}

fn upload_id() -> String {
    format!("{}/providers/Gallerist.Images/uploads/u", definition_id())
}

fn upload() -> Stored {
    let mut upload = stored(&upload_id(), json!({"uploadState": "Committed"}));
    upload.document.internal.insert("root".to_owned(), json!("b3:00"));
    upload
}

/// A version of generation 2 from a committed upload.
fn version() -> Scene {
    let mut scene = Scene::new(&ImageVersion, &format!("{}/versions/1.1.2", definition_id())).link(upload());
    scene.parent = Some(definition(&definition_id(), json!({})));
    scene
}

/// The properties of a version from the upload, and `more`.
fn body(more: Value) -> Value {
    over(json!({"storageProfile": {"osDiskImage": {"source": {"id": upload_id()}}}}), more)
}

/// The properties of a version from `storage` alone.
fn from(storage: Value) -> Value {
    json!({"storageProfile": storage})
}

fn profile(profile: Value) -> Value {
    json!({"publishingProfile": profile})
}

fn over(least: Value, more: Value) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    Value::Object(merge(&object(least), object(more)))
}

fn set(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Compute/diskEncryptionSets/{name}")
}
