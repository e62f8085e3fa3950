//! Every rule of disks as a table of bodies and answers.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::{Disk, Grant, end_grant};
use crate::shape::merge;
use crate::storage::blob::own_blob;
use crate::testing::{GROUP, Scene, check_refusal, compute, stored};
use crate::{Answer, ResourceType, State, Stored};

const CREATION: &str = "disk.properties.creationData";
const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd?sv=2026&sig=secret";

fn disk() -> Scene {
    Scene::new(&Disk, &compute("disks/d"))
}

fn over(least: Value, more: Value) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    Value::Object(merge(&object(least), object(more)))
}

fn from(creation: Value) -> Value {
    json!({"creationData": creation})
}

fn empty(gib: u32) -> Value {
    json!({"creationData": {"createOption": "Empty"}, "diskSizeGB": gib})
}

fn upload() -> Value {
    from(json!({"createOption": "Upload", "uploadSizeBytes": (32_u64 << 30) + 512}))
}

/// The disk once its job has brought `bytes`.
fn with_bytes(scene: Scene, bytes: u64) -> Scene {
    let mut scene = scene;
    let document = &mut scene.current.as_mut().unwrap().document;
    document.internal =
        Map::from_iter([("sizeBytes".to_owned(), bytes.into()), ("root".to_owned(), json!("b3:0"))]);
    document.properties.insert("diskSizeBytes".to_owned(), bytes.into());
    document.properties.insert("diskSizeGB".to_owned(), bytes.div_ceil(1 << 30).into());
    scene
}

fn standing() -> Scene {
    with_bytes(disk().after(empty(8)), 8 << 30)
}

fn source(kind: &str, more: Value) -> Stored {
    let least = json!({"uniqueId": "00000000-aaaa", "osType": "Linux", "hyperVGeneration": "V2", "diskSizeBytes": 3 << 20, "diskState": "Unattached"});
    stored(&compute(kind), over(least, more))
}

fn definition() -> Stored {
    let features = json!([
        {"name": "SecurityType", "value": "TrustedLaunch"}, {"name": "DiskControllerTypes", "value": "SCSI, NVMe"},
        {"name": "IsAcceleratedNetworkSupported", "value": "True"}, {"name": "IsHibernateSupported", "value": "True"},
    ]);
    stored(
        &compute("galleries/g/images/i"),
        json!({"osType": "Linux", "hyperVGeneration": "V2", "architecture": "Arm64", "features": features}),
    )
}

fn version(more: Value) -> Stored {
    let least = json!({"publishingProfile": {"targetRegions": [{"name": "West Europe"}]},
        "storageProfile": {"dataDiskImages": [{"lun": 3}]}});
    stored(&compute("galleries/g/images/i/versions/1.0.0"), over(least, more))
}

fn of_image(reference: Value) -> Value {
    from(json!({"createOption": "FromImage", "galleryImageReference": reference}))
}

#[test]
fn a_new_disk_is_answered_whole() {
    let mut scene = disk();
    scene.envelope = serde_json::from_value(json!({"sku": {"name": "Premium_LRS"}, "zones": ["1"]})).unwrap();
    let accepted = scene
        .put(json!({
            "CREATIONDATA": {"createoption": "empty", "logicalSectorSize": 4096}, "diskSizeGb": 200, "osType": "linux",
            "diskState": "Attached", "maxShares": 2, "burstingEnabled": true, "uniqueId": "mine",
        }))
        .unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    assert_eq!(
        accepted.envelope.map(Value::Object),
        Some(json!({"sku": {"name": "Premium_LRS", "tier": "Premium"}, "zones": ["1"]}))
    );
    assert_eq!(
        accepted.internal.map(Value::Object),
        Some(json!({"wantedBytes": 200_u64 << 30, "source": {"kind": "empty"}}))
    );
    let work = accepted.work.unwrap();
    assert_eq!((work.kind, work.input), ("disk.create", json!({"source": {"kind": "empty"}})));
}

#[rstest]
#[case::nothing(json!({}), CREATION, "Required parameter")]
#[case::no_option(from(json!({})), "disk.properties.creationData.createOption", "Required parameter")]
#[case::no_size(from(json!({"createOption": "Empty"})), "disk.diskSizeGB", "Required parameter")]
#[case::no_source(from(json!({"createOption": "Copy"})), "disk.properties.creationData.sourceResourceId", "Required parameter")]
#[case::no_uri(from(json!({"createOption": "Import"})), "disk.properties.creationData.sourceUri", "Required parameter")]
#[case::no_image(from(json!({"createOption": "FromImage"})), "disk.properties.creationData.galleryImageReference", "Required parameter")]
#[case::no_upload_size(from(json!({"createOption": "Upload"})), "disk.properties.creationData.uploadSizeBytes", "Required parameter")]
#[case::upload_too_small(from(json!({"createOption": "Upload", "uploadSizeBytes": 20_971_520})), "disk.properties.creationData.uploadSizeBytes", "between 20972032 and")]
#[case::upload_without_footer(from(json!({"createOption": "Upload", "uploadSizeBytes": 21 << 20})), "disk.properties.creationData.uploadSizeBytes", "whole MiB and a footer of 512 bytes")]
#[case::upload_larger_than_disk(json!({"creationData": {"createOption": "Upload", "uploadSizeBytes": (2_u64 << 30) + 512}, "diskSizeGB": 1}), "disk.properties.diskSizeGB", "smaller than")]
#[case::stray_uri(over(empty(1), from(json!({"sourceUri": BLOB}))), "disk.properties.creationData.sourceUri", "does not belong")]
#[case::stray_secret(over(empty(1), from(json!({"securityDataUri": BLOB}))), "disk.properties.creationData.securityDataUri", "does not belong")]
#[case::file(from(json!({"createOption": "Import", "sourceUri": "file:///etc/passwd"})), "disk.properties.creationData.sourceUri", "http or https")]
#[case::user_name(from(json!({"createOption": "Import", "sourceUri": "http://ok@evil/x.vhd"})), "disk.properties.creationData.sourceUri", "http or https")]
#[case::no_account(from(json!({"createOption": "Import", "sourceUri": BLOB, "storageAccountId": compute("disks/x")})), "disk.properties.creationData.storageAccountId", "must be a storage account")]
#[case::foreign_source(from(json!({"createOption": "Copy", "sourceResourceId": compute("galleries/g")})), "disk.properties.creationData.sourceResourceId", "must be a managed disk or snapshot")]
#[case::managed_image(from(json!({"createOption": "FromImage", "imageReference": {"id": compute("images/i")}})), "disk.properties.creationData.imageReference", "should be a platform image")]
#[case::no_version(of_image(json!({"id": compute("galleries/g")})), "disk.properties.creationData.galleryImageReference.id", "must be a gallery image version")]
#[case::too_large(empty(65_537), "disk.properties.diskSizeGB", "out of range")]
#[case::private_without_access(over(empty(1), json!({"networkAccessPolicy": "AllowPrivate"})), "disk.diskAccessId", "Required parameter")]
fn what_a_disk_may_not_be(#[case] body: Value, #[case] target: &str, #[case] words: &str) {
    let target = target.replace("disk.diskAccessId", "disk.properties.diskAccessId");
    disk().check_refused(body, "InvalidParameter", &target, words);
}

#[rstest]
fn an_option_that_is_not_read_is_named(
    #[values(
        "Attach",
        "Restore",
        "CopyStart",
        "ImportSecure",
        "UploadPreparedSecure",
        "CopyFromSanSnapshot"
    )]
    option: &str,
) {
    let target = format!("{CREATION}.createOption");
    disk().check_refused(from(json!({"createOption": option})), "NotImplemented", &target, option);
}

#[rstest]
#[case::platform(json!({"imageReference": {"id": "/Subscriptions/s/Providers/Microsoft.Compute/Locations/westus/Publishers/p/ArtifactTypes/VMImage/Offers/o/Skus/s/Versions/1.0.0"}}), ".imageReference")]
#[case::shared(json!({"galleryImageReference": {"sharedGalleryImageId": "/SharedGalleries/g/Images/i/Versions/1.0.0"}}), ".galleryImageReference")]
#[case::community(json!({"galleryImageReference": {"communityGalleryImageId": "/CommunityGalleries/g/Images/i"}}), ".galleryImageReference")]
fn an_image_that_is_not_read_is_named(#[case] creation: Value, #[case] place: &str) {
    let creation = over(json!({"createOption": "FromImage"}), creation);
    disk().check_refused(from(creation), "NotImplemented", &format!("{CREATION}{place}"), "image");
}

#[test]
fn an_upload_waits_for_its_bytes_in_a_file_that_the_row_names() {
    let accepted = disk().put(upload()).unwrap();
    assert_eq!(accepted.properties["diskState"], "ReadyToUpload");
    assert_eq!(
        (&accepted.properties["diskSizeGB"], &accepted.properties["diskSizeBytes"]),
        (&json!(32), &json!(32_u64 << 30))
    );
    let source = json!({"kind": "staged", "sizeBytes": (32_u64 << 30) + 512});
    let internal = accepted.internal.unwrap();
    assert_eq!(internal["source"], source);
    assert_eq!(internal["staged"].as_str().unwrap().len(), 36);
    assert!(!internal.contains_key("wantedBytes"));
    assert_ne!(internal["staged"], Value::String(String::new()));
}

#[test]
fn a_copy_takes_over_what_its_source_is() {
    let id = compute("disks/source");
    let scene =
        disk().link(source("disks/source", json!({"securityProfile": {"securityType": "TrustedLaunch"}})));
    let accepted = scene.put(from(json!({"createOption": "Copy", "sourceResourceId": id}))).unwrap();
    let properties = Value::Object(accepted.properties);
    assert_eq!(properties["osType"], "Linux");
    assert_eq!(properties["hyperVGeneration"], "V2");
    assert_eq!(properties["securityProfile"], json!({"securityType": "TrustedLaunch"}));
    assert_eq!(properties["creationData"]["sourceUniqueId"], "00000000-aaaa");
    assert_eq!(accepted.work.unwrap().input, json!({"source": {"kind": "disk", "id": id}}));
    let own = scene.put(over(
        from(json!({"createOption": "Copy", "sourceResourceId": id})),
        json!({"osType": "Windows"}),
    ));
    assert_eq!(own.unwrap().properties["osType"], "Windows");
    let links = Disk.links(from(json!({"sourceResourceId": id})).as_object().unwrap()).unwrap();
    assert_eq!(links[0].action, "Microsoft.Compute/disks/read");
}

#[test]
fn a_source_must_be_there_and_have_its_bytes() {
    let target = format!("{CREATION}.sourceResourceId");
    let body = from(json!({"createOption": "Copy", "sourceResourceId": compute("snapshots/s")}));
    disk().check_refused(body.clone(), "ResourceNotFound", &target, "is not found");
    for state in ["ReadyToUpload", "ActiveUpload"] {
        let scene = disk().link(source("snapshots/s", json!({"diskState": state})));
        scene.check_refused(body.clone(), "OperationNotAllowed", &target, state);
    }
    for state in [State::Creating, State::Failed] {
        let mut standing = source("snapshots/s", json!({}));
        standing.document.state = state;
        disk().link(standing).check_refused(body.clone(), "OperationNotAllowed", &target, state.as_str());
    }
    let scene =
        disk().link(source("snapshots/s", json!({"diskSizeBytes": 5_u64 << 30, "diskState": "ActiveSAS"})));
    assert!(scene.put(body.clone()).is_ok());
    let small = over(body, json!({"diskSizeGB": 4}));
    scene.check_refused(
        small,
        "InvalidParameter",
        "disk.properties.diskSizeGB",
        "smaller than the size of its source",
    );
}

#[test]
fn a_disk_of_an_image_is_what_the_definition_says() {
    let scene = disk().link(definition()).link(version(json!({})));
    let id = compute("galleries/g/images/i/versions/1.0.0");
    let accepted = scene.put(of_image(json!({"id": id}))).unwrap();
    assert_eq!(accepted.work.unwrap().input, json!({"source": {"kind": "version", "id": id}}));
    let properties = Value::Object(accepted.properties);
    assert_eq!(
        properties["supportedCapabilities"],
        json!({"architecture": "Arm64", "diskControllerTypes": "SCSI, NVMe", "acceleratedNetwork": true})
    );
    assert_eq!((&properties["osType"], &properties["hyperVGeneration"]), (&json!("Linux"), &json!("V2")));
    assert_eq!(
        (&properties["supportsHibernation"], &properties["securityProfile"]["securityType"]),
        (&json!(true), &json!("TrustedLaunch"))
    );
    let data = scene.put(of_image(json!({"id": id, "lun": 3}))).unwrap();
    assert!(!data.properties.contains_key("osType"));
    assert_eq!(data.work.unwrap().input, json!({"source": {"kind": "version", "id": id, "lun": 3}}));
    for latest in [compute("galleries/g/images/i"), compute("galleries/g/images/i/versions/latest")] {
        assert!(scene.put(of_image(json!({"id": latest}))).is_ok());
    }
}

#[rstest]
#[case::absent(None, json!({}), "GalleryImageNotFound", "", "is not available in westeurope region")]
#[case::elsewhere(Some("East US 2"), json!({}), "GalleryImageNotFound", "", "is not available in westeurope region")]
#[case::no_lun(Some("West Europe"), json!({"lun": 4}), "InvalidParameter", ".lun", "The value of parameter imageReference is invalid")]
fn an_image_must_be_there(
    #[case] region: Option<&str>,
    #[case] more: Value,
    #[case] code: &str,
    #[case] place: &str,
    #[case] words: &str,
) {
    let mut scene = disk().link(definition());
    if let Some(region) = region {
        let mut standing = version(json!({"publishingProfile": {"targetRegions": [{"name": region}]}}));
        standing.document.location = Some(region.to_owned());
        scene = scene.link(standing);
    }
    let body = of_image(over(json!({"id": compute("galleries/g/images/i/versions/1.0.0")}), more));
    let refusal = scene.put(body).unwrap_err();
    assert_eq!(refusal.detail.code, code);
    assert_eq!(refusal.detail.target, Some(format!("{CREATION}.galleryImageReference{place}")));
    assert!(refusal.detail.message.contains(words), "{refusal}");
}

#[test]
fn an_import_shows_no_secret_and_may_come_with_a_fresh_one() {
    let body = from(
        json!({"createOption": "Import", "sourceUri": BLOB, "storageAccountId": format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acc")}),
    );
    let accepted = disk().put(body).unwrap();
    let shown = "https://acc.blob.core.windows.net/vhds/os.vhd";
    assert_eq!(accepted.properties["creationData"]["sourceUri"], shown);
    let job = json!({"kind": "blob", "uri": shown, "secret": BLOB, "format": "vhd"});
    assert_eq!(accepted.work.as_ref().unwrap().input, json!({"source": job}));
    let failed = disk().standing(accepted, State::Failed);
    let again = failed.put(from(json!({"sourceUri": format!("{shown}?sig=fresh")}))).unwrap();
    assert_eq!(again.work.unwrap().input["source"]["secret"], format!("{shown}?sig=fresh"));
    assert_eq!(again.properties["creationData"]["sourceUri"], shown);
    let other = from(json!({"sourceUri": "https://acc.blob.core.windows.net/vhds/other.vhd"}));
    failed.check_refused(other, "PropertyChangeNotAllowed", &format!("{CREATION}.sourceUri"), "not allowed");
}

#[test]
fn an_import_from_an_account_of_ours_is_read_by_its_row() {
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acc");
    let uri = "https://127.0.0.1:8443/acc/vhds/os.vhd?sig=secret";
    let blob = own_blob(&account.parse().unwrap(), uri).unwrap().to_string();
    let body = from(json!({"createOption": "Import", "sourceUri": uri, "storageAccountId": account}));
    let ours = disk().link(stored(&account, json!({})));
    ours.check_refused(body.clone(), "ResourceNotFound", &format!("{CREATION}.sourceUri"), "is not found");
    let accepted = ours.link(stored(&blob, json!({}))).put(body).unwrap();
    let shown = "https://127.0.0.1:8443/acc/vhds/os.vhd";
    let source = json!({"kind": "ownBlob", "id": blob, "uri": shown});
    assert_eq!(accepted.work.unwrap().input, json!({"source": source}));
    assert_eq!(accepted.properties["creationData"]["sourceUri"], shown);
}

#[test]
fn a_disk_grows_and_never_shrinks() {
    let scene = standing();
    let grown = scene.patch(json!({"diskSizeGB": 9})).unwrap();
    assert_eq!(
        (&grown.properties["diskSizeGB"], &grown.properties["diskSizeBytes"]),
        (&json!(9), &json!(9_u64 << 30))
    );
    assert_eq!(grown.internal.unwrap()["sizeBytes"], json!(9_u64 << 30));
    assert_eq!(grown.work, None);
    let target = "disk.properties.diskSizeGB";
    scene.check_refused(
        json!({"diskSizeGB": 7}),
        "OperationNotAllowed",
        target,
        "Disk size reduction is not supported. Current size is 8589934592 bytes",
    );
    let waiting = disk().after(upload());
    waiting.check_refused(json!({"diskSizeGB": 64}), "OperationNotAllowed", target, "has no bytes yet");
    // Whole MiB that are no whole GiB: saying the size that is shown is no change.
    let odd = with_bytes(disk().after(empty(8)), (8 << 30) - (1 << 20));
    assert_eq!(
        odd.put(json!({"diskSizeGB": 8})).unwrap().properties["diskSizeBytes"],
        json!((8_u64 << 30) - (1 << 20))
    );
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let scene = standing();
    let before = Value::Object(scene.current.clone().unwrap().document.properties);
    assert_eq!(scene.properties(json!({})), before);
    let echoed = scene.get(None, &[]);
    assert_eq!(scene.put(echoed).unwrap().properties["diskSizeGB"], before["diskSizeGB"]);
    let changed = scene.patch(json!({"networkAccessPolicy": "DenyAll", "osType": "Windows"})).unwrap();
    assert_eq!(changed.properties["networkAccessPolicy"], "DenyAll");
    let mut private = scene.clone();
    private.current.as_mut().unwrap().document.properties = scene
        .patch(json!({"networkAccessPolicy": "AllowPrivate", "diskAccessId": compute("diskAccesses/a")}))
        .unwrap()
        .properties;
    assert_eq!(private.properties(json!({}))["diskAccessId"], compute("diskAccesses/a"));
    let opened = private.patch(json!({"networkAccessPolicy": "AllowAll"})).unwrap().properties;
    assert!(!opened.contains_key("diskAccessId"));
    let other = from(json!({"createOption": "Copy"}));
    scene.check_refused(
        other,
        "PropertyChangeNotAllowed",
        &format!("{CREATION}.createOption"),
        "not allowed",
    );
}

#[rstest]
#[case("Premium_LRS", 128, json!(["P10", 500, 100]))]
#[case("Premium_ZRS", 129, json!(["P15", 1100, 125]))]
#[case("StandardSSD_LRS", 8192, json!([null, 2000, 400]))]
#[case("Standard_LRS", 32, json!([null, 500, 60]))]
#[case("UltraSSD_LRS", 32, json!([null, null, null]))]
fn what_a_disk_can_do_is_shown(#[case] sku: &str, #[case] gib: u64, #[case] wanted: Value) {
    let mut scene = disk();
    scene.envelope = serde_json::from_value(json!({"sku": {"name": sku}})).unwrap();
    let shown = with_bytes(scene.after(empty(8)), gib << 30).get(None, &[]);
    assert_eq!(json!([shown["tier"], shown["diskIOPSReadWrite"], shown["diskMBpsReadWrite"]]), wanted);
}

#[test]
fn a_grant_is_noted_and_ends_at_once() {
    let scene = standing();
    let acted = scene.act("beginGetAccess", json!({"access": "read", "durationInSeconds": "3600"})).unwrap();
    let internal = acted.internal.clone().unwrap();
    let grant = Grant::of(&internal).unwrap();
    assert_eq!((grant.may_write, grant.expires.to_string().as_str()), (false, "2027-01-01T01:00:00Z"));
    assert_eq!(acted.properties.clone().unwrap()["diskState"], "ActiveSAS");
    let work = acted.work.unwrap();
    assert_eq!(work.kind, "disk.grant");
    assert_eq!(
        work.input,
        json!({"base": "https://arm.example:8443", "grant": grant.id, "write": false, "expires": "2027-01-01T01:00:00Z"})
    );

    let mut granted = scene.clone();
    let document = &mut granted.current.as_mut().unwrap().document;
    (document.properties, document.internal) = (acted.properties.unwrap(), internal);
    check_refusal(
        &granted.delete().unwrap_err(),
        "OperationNotAllowed",
        "",
        "active shared access signature",
    );
    granted.check_refused(
        json!({"diskSizeGB": 100}),
        "OperationNotAllowed",
        "",
        "active shared access signature",
    );
    let again = granted.act("beginGetAccess", json!({"access": "Read", "durationInSeconds": 60})).unwrap();
    let kept = Grant::of(&again.internal.unwrap()).unwrap();
    assert_eq!((kept.id, kept.expires), (grant.id, grant.expires));
    let ended = granted.act("endGetAccess", json!({})).unwrap();
    assert_eq!(Grant::of(&ended.internal.unwrap()), None);
    assert_eq!(ended.properties.unwrap()["diskState"], "Unattached");
    assert_eq!((ended.work, ended.answer), (None, Answer::Operation(Value::Null)));
    // Over is over, swept or not.
    granted.now = "2027-01-01T01:00:00Z".parse().unwrap();
    assert!(granted.delete().is_ok());
}

/// A disk under upload whose file is there.
fn waiting() -> Scene {
    let mut scene = disk().after(upload());
    scene.current.as_mut().unwrap().document.internal.remove("source");
    scene
}

#[test]
fn a_disk_whose_file_was_not_made_is_not_granted() {
    let write = json!({"access": "Write", "durationInSeconds": 60});
    let unmade = disk().standing(disk().put(upload()).unwrap(), State::Failed);
    check_refusal(
        &unmade.act("beginGetAccess", write.clone()).unwrap_err(),
        "OperationNotAllowed",
        "",
        "is in state 'Failed'",
    );
    let mut failed = waiting();
    failed.current.as_mut().unwrap().document.state = State::Failed;
    assert!(failed.act("beginGetAccess", write).is_ok());
}

#[test]
fn what_was_uploaded_is_taken_in_when_the_access_ends() {
    let scene = waiting();
    let acted = scene.act("beginGetAccess", json!({"access": "Write", "durationInSeconds": 60})).unwrap();
    let mut granted = scene;
    let document = &mut granted.current.as_mut().unwrap().document;
    (document.properties, document.internal) = (acted.properties.unwrap(), acted.internal.unwrap());
    assert_eq!(document.properties["diskState"], "ActiveUpload");
    let ended = granted.act("endGetAccess", json!({})).unwrap();
    assert_eq!((ended.work.unwrap().kind, ended.answer), ("disk.settle", Answer::Done));
    assert_eq!(ended.properties.unwrap()["diskState"], "ReadyToUpload");
    assert_eq!(Grant::of(&ended.internal.unwrap()), None);
}

#[rstest]
#[case::no_access(json!({"durationInSeconds": 1}), "InvalidParameter", "grantAccessData.access", "Required parameter")]
#[case::no_duration(json!({"access": "Read"}), "InvalidParameter", "grantAccessData.durationInSeconds", "Required parameter")]
#[case::nothing(json!({"access": "None", "durationInSeconds": 1}), "InvalidParameter", "grantAccessData.access", "grants nothing")]
#[case::written(json!({"access": "Write", "durationInSeconds": 1}), "OperationNotAllowed", "", "created with the option 'Upload'")]
#[case::guest_state(json!({"access": "Read", "durationInSeconds": 1, "getSecureVMGuestStateSAS": true}), "NotImplemented", "grantAccessData.getSecureVMGuestStateSAS", "guest state")]
#[case::vhdx(json!({"access": "Read", "durationInSeconds": 1, "fileFormat": "VHDX"}), "NotImplemented", "grantAccessData.fileFormat", "VHDX")]
fn what_is_not_granted(#[case] body: Value, #[case] code: &str, #[case] target: &str, #[case] words: &str) {
    check_refusal(&standing().act("beginGetAccess", body).unwrap_err(), code, target, words);
}

#[rstest]
#[case::denied(json!({"networkAccessPolicy": "DenyAll"}), "OperationNotAllowed", "networkAccessPolicy is 'DenyAll'")]
#[case::not_public(json!({"publicNetworkAccess": "Disabled"}), "OperationNotAllowed", "publicNetworkAccess is 'Disabled'")]
#[case::directory(json!({"dataAccessAuthMode": "AzureActiveDirectory"}), "NotImplemented", "AzureActiveDirectory")]
fn a_disk_that_is_kept_from_the_network_is_not_granted(
    #[case] of_disk: Value,
    #[case] code: &str,
    #[case] words: &str,
) {
    let scene = with_bytes(disk().after(over(empty(8), of_disk)), 8 << 30);
    let refusal =
        scene.act("beginGetAccess", json!({"access": "Read", "durationInSeconds": 60})).unwrap_err();
    check_refusal(&refusal, code, "", words);
}

#[test]
fn nothing_is_read_before_it_is_there() {
    let read = json!({"access": "Read", "durationInSeconds": 60});
    let refusal = disk().after(upload()).act("beginGetAccess", read.clone()).unwrap_err();
    check_refusal(&refusal, "OperationNotAllowed", "", "has no bytes to read yet");
    let creating = disk().standing(disk().put(empty(1)).unwrap(), State::Creating);
    check_refusal(
        &creating.act("beginGetAccess", read).unwrap_err(),
        "OperationNotAllowed",
        "",
        "is in state 'Creating'",
    );
}

#[test]
fn a_duration_has_an_end() {
    let body = json!({"access": "Read", "durationInSeconds": 60 * 24 * 3600 + 1});
    let refusal = standing().act("beginGetAccess", body).unwrap_err();
    assert!(refusal.detail.message.contains("between 1 and 5184000"), "{refusal}");
}

#[test]
fn ending_what_is_over_changes_the_state_back() {
    let (mut properties, mut internal) = (Map::new(), Map::new());
    internal.insert("grant".to_owned(), json!({}));
    for (before, after) in [("ActiveSAS", "Unattached"), ("ActiveUpload", "ReadyToUpload")] {
        properties.insert("diskState".to_owned(), before.into());
        end_grant(&mut properties, &mut internal);
        assert_eq!((properties["diskState"].as_str(), internal.is_empty()), (Some(after), true));
    }
}
