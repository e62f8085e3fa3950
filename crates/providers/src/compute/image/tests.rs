//! Every rule of managed images as a table of bodies and answers.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::Image;
use crate::shape::merge;
use crate::testing::{Scene, compute, stored};
use crate::{ResourceType, State, Stored};

const PROFILE: &str = "image.properties.storageProfile";
const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd?sig=secret";

fn over(least: Value, more: Value) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    Value::Object(merge(&object(least), object(more)))
}

fn disk(path: &str) -> Stored {
    stored(&compute(path), json!({"osType": "Linux", "hyperVGeneration": "V2", "diskState": "Unattached"}))
}

fn image() -> Scene {
    Scene::new(&Image, &compute("images/i")).link(disk("disks/d")).link(disk("snapshots/s"))
}

/// An image of a Linux disk from `os`, and `more`.
fn body(os: Value, more: Value) -> Value {
    let os = over(json!({"osType": "Linux", "osState": "Generalized"}), os);
    over(json!({"storageProfile": {"osDisk": os}}), more)
}

fn of_disk() -> Value {
    json!({"managedDisk": {"id": compute("disks/d")}})
}

fn data(disks: Value) -> Value {
    json!({"storageProfile": {"dataDisks": disks}})
}

#[test]
fn an_image_of_a_disk_and_a_snapshot_is_answered_whole() {
    let more = data(
        json!([{"lun": 0, "snapshot": {"id": compute("snapshots/s")}, "diskSizeGB": 64, "caching": "ReadOnly"}]),
    );
    let accepted = image().put(body(of_disk(), more)).unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    let source = json!({"kind": "disk", "id": compute("disks/d"), "dataDisks": [
        {"lun": 0, "source": {"kind": "snapshot", "id": compute("snapshots/s"), "wantedBytes": 64_u64 << 30}},
    ]});
    let work = accepted.work.unwrap();
    assert_eq!((work.kind, work.input), ("image.capture", json!({"source": source})));
    assert_eq!(accepted.internal.map(Value::Object), Some(json!({"source": source})));
}

#[test]
fn sources_are_linked_so_that_the_caller_needs_rights_on_them() {
    let named = body(of_disk(), data(json!([{"lun": 0, "snapshot": {"id": compute("snapshots/s")}}])));
    let links = Image.links(named.as_object().unwrap()).unwrap();
    let links: Vec<(String, String)> =
        links.into_iter().map(|link| (link.id.to_string(), link.action)).collect();
    assert_eq!(
        links,
        [
            (compute("disks/d"), "Microsoft.Compute/disks/read".to_owned()),
            (compute("snapshots/s"), "Microsoft.Compute/snapshots/read".to_owned()),
        ]
    );
}

#[rstest]
#[case::nothing(json!({}), ".osDisk", "Required parameter")]
#[case::no_os(json!({"storageProfile": {"osDisk": {"osState": "Generalized"}}}), ".osDisk.osType", "Required parameter")]
#[case::no_state(json!({"storageProfile": {"osDisk": {"osType": "Linux"}}}), ".osDisk.osState", "Required parameter")]
#[case::no_source(body(json!({}), json!({})), ".osDisk", "Exactly one of")]
#[case::two_sources(body(over(of_disk(), json!({"blobUri": BLOB})), json!({})), ".osDisk", "Exactly one of")]
#[case::snapshot_as_disk(body(json!({"managedDisk": {"id": compute("snapshots/s")}}), json!({})), ".osDisk.managedDisk.id", "must be a managed disk")]
#[case::disk_as_snapshot(body(json!({"snapshot": {"id": compute("disks/d")}}), json!({})), ".osDisk.snapshot.id", "must be a snapshot")]
#[case::file(body(json!({"blobUri": "file:///etc/passwd"}), json!({})), ".osDisk.blobUri", "http or https")]
#[case::no_lun(body(of_disk(), data(json!([{"blobUri": BLOB}]))), ".dataDisks[0].lun", "Required parameter")]
#[case::lun_twice(body(of_disk(), data(json!([{"lun": 1, "blobUri": BLOB}, {"lun": 1, "blobUri": BLOB}]))), ".dataDisks", "LUN 1")]
fn what_an_image_may_not_be(#[case] body: Value, #[case] place: &str, #[case] words: &str) {
    image().check_refused(body, "InvalidParameter", &format!("{PROFILE}{place}"), words);
}

#[test]
fn a_virtual_machine_is_no_source_yet() {
    let body = json!({"sourceVirtualMachine": {"id": compute("virtualMachines/v")}});
    image().check_refused(body, "NotImplemented", "image.properties.sourceVirtualMachine", "virtual machine");
}

#[test]
fn a_source_must_be_there_with_its_bytes_and_of_the_kind_asked_for() {
    let gone = body(json!({"managedDisk": {"id": compute("disks/gone")}}), json!({}));
    image().check_refused(
        gone,
        "ResourceNotFound",
        &format!("{PROFILE}.osDisk.managedDisk.id"),
        "is not found",
    );
    let mut waiting = disk("disks/d");
    waiting.document.properties.insert("diskState".to_owned(), "ReadyToUpload".into());
    let target = format!("{PROFILE}.osDisk.managedDisk.id");
    image().link(waiting).check_refused(
        body(of_disk(), json!({})),
        "OperationNotAllowed",
        &target,
        "ReadyToUpload",
    );
    let windows = body(over(of_disk(), json!({"osType": "Windows"})), json!({}));
    image().check_refused(
        windows,
        "BadRequest",
        &format!("{PROFILE}.osDisk.osType"),
        "has the OS type 'Linux'",
    );
    let old = body(of_disk(), json!({"hyperVGeneration": "V1"}));
    image().check_refused(old, "BadRequest", "image.properties.hyperVGeneration", "Ask for 'V2'");
}

#[test]
fn the_generation_is_that_of_the_disk_or_the_first() {
    assert_eq!(image().properties(body(of_disk(), json!({})))["hyperVGeneration"], "V2");
    let blob = body(json!({"blobUri": BLOB}), json!({}));
    let properties = image().properties(blob);
    assert_eq!(properties["hyperVGeneration"], "V1");
    assert_eq!(
        properties["storageProfile"]["osDisk"]["blobUri"],
        "https://acc.blob.core.windows.net/vhds/os.vhd"
    );
}

#[test]
fn an_image_stays_what_it_is() {
    let more = data(json!([{"lun": 0, "blobUri": BLOB}]));
    let scene = image().after(body(of_disk(), more.clone()));
    let before = Value::Object(scene.current.clone().unwrap().document.properties);
    for again in [json!({}), before.clone(), body(of_disk(), more), body(of_disk(), json!({}))] {
        assert_eq!(scene.properties(again.clone()), before, "{again}");
    }
    let change = |body: Value, place: &str| {
        scene.check_refused(
            body,
            "PropertyChangeNotAllowed",
            &format!("image.properties.{place}"),
            "not allowed",
        );
    };
    change(json!({"hyperVGeneration": "V1"}), "hyperVGeneration");
    change(json!({"storageProfile": {"zoneResilient": true}}), "storageProfile.zoneResilient");
    change(body(json!({"osState": "Specialized"}), json!({})), "storageProfile.osDisk.osState");
    change(body(json!({"blobUri": BLOB}), json!({})), "storageProfile.osDisk.blobUri");
    change(data(json!([{"lun": 1, "blobUri": BLOB}])), "storageProfile.dataDisks");
}

#[test]
fn what_failed_is_tried_again() {
    let accepted = image().put(body(of_disk(), json!({}))).unwrap();
    let work = accepted.work.clone();
    let failed = image().standing(accepted, State::Failed);
    assert_eq!(failed.put(json!({})).unwrap().work, work);
}
