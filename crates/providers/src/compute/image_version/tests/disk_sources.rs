//! Disks, snapshots, managed images and blobs of our own as sources of a version, whole or one for each disk.

use rstest::rstest;
use serde_json::{Value, json};

use super::sources::{account, publish, source_version};
use super::{BLOB, STORAGE, definition, definition_id, from, over, upload_id, version};
use crate::storage::blob::own_blob;
use crate::testing::{compute, stored};
use crate::{State, Stored};

fn disk(kind: &str, more: Value) -> Stored {
    let least = json!({"osType": "Linux", "hyperVGeneration": "V2", "diskState": "Unattached"});
    stored(&compute(kind), over(least, more))
}

fn image(more: Value) -> Stored {
    let least = json!({"hyperVGeneration": "V2", "storageProfile": {"osDisk": {"osType": "Linux", "osState": "Generalized"}}});
    stored(&compute("images/i"), over(least, more))
}

#[test]
fn each_disk_has_a_source_of_its_own() {
    let storage = json!({
        "osDiskImage": {"source": {"id": compute("snapshots/os")}},
        "dataDiskImages": [
            {"lun": 2, "hostCaching": "ReadOnly", "source": {"id": compute("disks/data")}},
            {"lun": 0, "source": {"uri": BLOB, "storageAccountId": account()}},
            {"lun": 5, "source": {"id": upload_id()}},
        ],
    });
    let links: Vec<String> = version()
        .kind
        .links(from(storage.clone()).as_object().unwrap())
        .unwrap()
        .into_iter()
        .map(|link| format!("{} {}", link.target.replace(STORAGE, ""), link.action))
        .collect();
    assert_eq!(
        links,
        [
            ".osDiskImage.source.id Microsoft.Compute/snapshots/read",
            ".dataDiskImages[0].source.id Microsoft.Compute/disks/read",
            ".dataDiskImages[2].source.id Gallerist.Images/uploads/read",
        ]
    );
    let scene = version()
        .link(disk("snapshots/os", json!({})))
        .link(disk("disks/data", json!({"osType": "Windows"})));
    let accepted = scene.put(from(storage)).unwrap();
    insta::assert_json_snapshot!(accepted.properties["storageProfile"]);
    let source = json!({"kind": "snapshot", "id": compute("snapshots/os"), "dataDisks": [
        {"lun": 2, "source": {"kind": "disk", "id": compute("disks/data")}},
        {"lun": 0, "source": {"kind": "blob", "uri": "https://acc.blob.core.windows.net/vhds/os.vhd", "secret": BLOB, "format": "vhd"}},
        {"lun": 5, "source": {"kind": "upload", "id": upload_id()}},
    ]});
    assert_eq!(accepted.work, publish(source));
}

#[test]
fn a_managed_image_is_a_whole_source() {
    let accepted =
        version().link(image(json!({}))).put(from(json!({"source": {"id": compute("images/i")}}))).unwrap();
    assert_eq!(accepted.work, publish(json!({"kind": "image", "id": compute("images/i")})));
    assert_eq!(accepted.properties["storageProfile"]["source"]["id"], compute("images/i"));
}

#[test]
fn the_disks_of_a_whole_source_may_be_encrypted_by_lun() {
    let scene = version().link(image(json!({"storageProfile": {"dataDisks": [{"lun": 7}]}})));
    let with = |lun: u32| {
        let set = compute("diskEncryptionSets/a");
        let encryption = json!({"dataDiskImages": [{"lun": lun, "diskEncryptionSetId": set}]});
        let region = json!({"name": "westeurope", "encryption": encryption});
        over(
            from(json!({"source": {"id": compute("images/i")}})),
            json!({"publishingProfile": {"targetRegions": [region]}}),
        )
    };
    assert!(scene.put(with(7)).is_ok());
    let target =
        "galleryImageVersion.properties.publishingProfile.targetRegions.encryption.dataDiskImages.lun";
    scene.check_refused(with(8), "InvalidParameter", target, "The lun must be one of [7]");
}

#[rstest]
#[case::os(json!({"storageProfile": {"osDisk": {"osType": "Windows"}}}), "different OS type ['Windows']")]
#[case::state(json!({"storageProfile": {"osDisk": {"osState": "Specialized"}}}), "different OS state ['Specialized'] than the parent gallery image OS state ['Generalized']")]
#[case::generation(json!({"hyperVGeneration": "V1"}), "different Hypervisor generation ['V1']")]
fn a_managed_image_of_another_kind_is_refused(#[case] of_image: Value, #[case] words: &str) {
    let storage = from(json!({"source": {"id": compute("images/i")}}));
    version().link(image(of_image)).check_refused(
        storage,
        "BadRequest",
        &format!("{STORAGE}.source.id"),
        words,
    );
}

#[rstest]
#[case::os(json!({"osType": "Windows"}), "different OS type ['Windows']")]
#[case::generation(json!({"hyperVGeneration": "V1"}), "different Hypervisor generation ['V1']")]
#[case::architecture(json!({"supportedCapabilities": {"architecture": "Arm64"}}), "different architecture ['Arm64']")]
#[case::plan(json!({"purchasePlan": {"name": "n"}}), "different plan")]
fn an_os_disk_of_another_kind_is_refused(#[case] of_disk: Value, #[case] words: &str) {
    let storage = from(json!({"osDiskImage": {"source": {"id": compute("disks/d")}}}));
    let target = format!("{STORAGE}.osDiskImage.source.id");
    version().link(disk("disks/d", of_disk)).check_refused(storage, "BadRequest", &target, words);
}

#[test]
fn a_disk_or_image_must_be_there_complete_and_near() {
    let os = from(json!({"osDiskImage": {"source": {"id": compute("disks/d")}}}));
    let whole = from(json!({"source": {"id": compute("images/i")}}));
    let (os_target, whole_target) =
        (format!("{STORAGE}.osDiskImage.source.id"), format!("{STORAGE}.source.id"));
    version().check_refused(
        os.clone(),
        "ResourceNotFound",
        &os_target,
        "is not found. Please check source exists",
    );
    version().check_refused(
        whole.clone(),
        "ResourceNotFound",
        &whole_target,
        "is not found. Please check source exists",
    );
    let far = |mut source: Stored| {
        source.document.location = Some("eastus2".to_owned());
        version().link(source)
    };
    far(disk("disks/d", json!({}))).check_refused(
        os.clone(),
        "ResourceNotFound",
        &os_target,
        "is in the same region",
    );
    far(image(json!({}))).check_refused(
        whole.clone(),
        "ResourceNotFound",
        &whole_target,
        "is in the same region",
    );
    let waiting = disk("disks/d", json!({"diskState": "ActiveUpload"}));
    version().link(waiting).check_refused(os, "OperationNotAllowed", &os_target, "ActiveUpload");
    let mut failed = image(json!({}));
    failed.document.state = State::Failed;
    version().link(failed).check_refused(whole, "OperationNotAllowed", &whole_target, "is in state 'Failed'");
    let data = json!({"osDiskImage": {"source": {"uri": BLOB}}, "dataDiskImages": [{"lun": 1, "source": {"id": compute("disks/gone")}}]});
    let target = format!("{STORAGE}.dataDiskImages[0].source.id");
    version().check_refused(from(data), "ResourceNotFound", &target, "is not found");
}

#[test]
fn trusted_launch_that_is_only_supported_takes_no_disks() {
    let mut scene = version().link(disk("disks/d", json!({}))).link(image(json!({})));
    let features = json!({"features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]});
    scene.parent = Some(definition(&definition_id(), features));
    let storage = from(json!({"osDiskImage": {"source": {"id": compute("disks/d")}}}));
    let target = format!("{STORAGE}.osDiskImage.source.id");
    scene.check_refused(
        storage,
        "BadRequest",
        &target,
        "Currently only Vhd Blob, User Image and Gallery Image Version",
    );
    assert!(scene.put(from(json!({"source": {"id": compute("images/i")}}))).is_ok());
}

#[rstest]
#[case::no_source(json!([{"lun": 0}]), ".dataDiskImages[0].source.uri", "Required parameter")]
#[case::version(json!([{"lun": 0, "source": {"id": source_version()}}]), ".dataDiskImages[0].source.id", "must be a managed disk or snapshot")]
#[case::two(json!([{"lun": 0, "source": {"id": compute("disks/d"), "uri": "https://h/x"}}]), "", "A data disk has more than one source")]
fn what_the_source_of_a_data_disk_may_not_be(#[case] disks: Value, #[case] place: &str, #[case] words: &str) {
    let storage = json!({"osDiskImage": {"source": {"uri": BLOB}}, "dataDiskImages": disks});
    version().check_refused(from(storage), "InvalidParameter", &format!("{STORAGE}{place}"), words);
}

#[test]
fn a_blob_in_an_account_of_ours_is_read_by_its_row() {
    let account_id: arm::ResourceId = account().parse().unwrap();
    let uri = "https://127.0.0.1:8443/acc/vhds/os.vhd?sv=1&sig=secret";
    let blob = own_blob(&account_id, uri).unwrap();
    let storage = |source: Value| from(json!({"osDiskImage": {"source": source}}));
    let body = storage(json!({"uri": uri, "storageAccountId": account()}));
    let links = version().kind.links(body.as_object().unwrap()).unwrap();
    let links: Vec<(String, String)> =
        links.into_iter().map(|link| (link.id.to_string(), link.action)).collect();
    let actions = [
        "Microsoft.Storage/storageAccounts/read",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ];
    assert_eq!(links, [(account(), actions[0].to_owned()), (blob.to_string(), actions[1].to_owned())]);
    let ours = version().link(stored(&account(), json!({})));
    let target = format!("{STORAGE}.osDiskImage.source.uri");
    ours.check_refused(
        body.clone(),
        "ResourceNotFound",
        &target,
        "'https://127.0.0.1:8443/acc/vhds/os.vhd' is not found",
    );
    let scene = ours.link(stored(&blob.to_string(), json!({})));
    let shown = "https://127.0.0.1:8443/acc/vhds/os.vhd";
    let job = json!({"kind": "ownBlob", "id": blob.to_string(), "uri": shown});
    let old_form = storage(json!({"uri": uri, "id": account()}));
    for body in [body.clone(), old_form] {
        let accepted = scene.put(body).unwrap();
        assert_eq!(accepted.work, publish(job.clone()));
        assert_eq!(accepted.properties["storageProfile"]["osDiskImage"]["source"]["uri"], shown);
    }
    // Somebody else's account is read by its address.
    let foreign = version().put(body).unwrap().work.unwrap();
    assert_eq!(foreign.input["source"]["kind"], "blob");
}
