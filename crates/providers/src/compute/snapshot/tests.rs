//! What snapshots have that disks have not.

use serde_json::{Value, json};

use super::Snapshot;
use crate::testing::{Scene, check_refusal, compute, stored};

fn snapshot() -> Scene {
    let disk = json!({"uniqueId": "of-disk", "osType": "Linux", "diskSizeBytes": 1 << 30, "diskState": "Unattached"});
    let other = json!({"uniqueId": "of-other", "incrementalSnapshotFamilyId": "of-disk", "diskSizeBytes": 1 << 30, "diskState": "Unattached"});
    Scene::new(&Snapshot, &compute("snapshots/s"))
        .link(stored(&compute("disks/d"), disk))
        .link(stored(&compute("snapshots/other"), other))
}

fn copy(of: &str, incremental: bool) -> Value {
    json!({"creationData": {"createOption": "Copy", "sourceResourceId": compute(of)}, "incremental": incremental})
}

#[test]
fn a_snapshot_of_a_disk_is_answered_whole() {
    let accepted = snapshot()
        .put(json!({"creationData": {"createOption": "Copy", "sourceResourceId": compute("disks/d")}}))
        .unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    assert_eq!(
        accepted.envelope.map(Value::Object),
        Some(json!({"sku": {"name": "Standard_LRS", "tier": "Standard"}}))
    );
    assert_eq!(accepted.work.unwrap().input, json!({"source": {"kind": "disk", "id": compute("disks/d")}}));
}

#[test]
fn incremental_snapshots_of_a_disk_are_a_family() {
    for of in ["disks/d", "snapshots/other"] {
        let properties = snapshot().properties(copy(of, true));
        assert_eq!(properties["incrementalSnapshotFamilyId"], "of-disk", "{of}");
        assert_eq!(snapshot().properties(copy(of, false)).get("incrementalSnapshotFamilyId"), None);
    }
    let scene = snapshot().after(copy("disks/d", true));
    scene.check_refused(
        json!({"incremental": false}),
        "PropertyChangeNotAllowed",
        "snapshot.properties.incremental",
        "not allowed",
    );
}

#[test]
fn a_snapshot_is_read_and_not_written() {
    let scene = snapshot().after(copy("disks/d", false));
    let refusal =
        scene.act("beginGetAccess", json!({"access": "Write", "durationInSeconds": 60})).unwrap_err();
    check_refusal(&refusal, "OperationNotAllowed", "", "can be read, not written");
    assert!(scene.act("beginGetAccess", json!({"access": "Read", "durationInSeconds": 60})).is_ok());
}
