//! Where a version may come from, and what is refused.

use rstest::rstest;
use serde_json::{Value, json};

use super::{BLOB, STORAGE, body, definition, definition_id, from, over, upload, upload_id, version};
use crate::testing::{GROUP, check_refusal, compute, stored};
use crate::{State, Stored, Work};

fn account() -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acc")
}

fn source_version() -> String {
    compute("galleries/other/images/base/versions/1.0.0")
}

fn publish(source: Value) -> Option<Work> {
    Some(Work { kind: "image_version.publish", input: json!({"source": source}) })
}

#[test]
fn a_version_of_an_upload_is_answered_whole() {
    let accepted = version()
        .put(json!({
            "PublishingProfile": {
                "TARGETREGIONS": [{"Name": "westeurope"}, {"name": "eastus2", "regionalReplicaCount": 2, "unknown": 1}],
                "excludeFromLatest": "True", "endOfLifeDate": "2030-01-01", "publishedDate": "1999-01-01T00:00:00Z",
                "replicationMode": "Full", "targetExtendedLocations": null,
            },
            "storageProfile": {"osDiskImage": {"hostCaching": "readonly", "sizeInGB": 7, "source": {"id": upload_id()}}, "dataDiskImages": []},
            "safetyProfile": {"blockDeletionBeforeEndOfLife": true, "reportedForPolicyViolation": true},
            "securityProfile": {"secretsProvisioningSettings": {"isSupported": true, "osName": "mariner", "components": [{"name": "cloudinit", "version": "1"}]}},
            "provisioningState": "Succeeded", "restore": false, "replicationStatus": {"aggregatedState": "Failed"},
        }))
        .unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    let source = json!({"kind": "upload", "id": upload_id()});
    assert_eq!(accepted.internal.map(Value::Object), Some(json!({"source": source})));
    assert_eq!(accepted.work, publish(source));
    assert!(accepted.claims.is_empty());
}

#[rstest]
#[case::with_account(json!({"uri": BLOB, "storageAccountId": account()}), json!({"uri": "https://acc.blob.core.windows.net/vhds/os.vhd", "storageAccountId": account()}))]
#[case::old_form(json!({"uri": BLOB, "id": account()}), json!({"uri": "https://acc.blob.core.windows.net/vhds/os.vhd", "id": account()}))]
#[case::alone(json!({"uri": "http://host:8080/a%20b?sig=x"}), json!({"uri": "http://host:8080/a%20b"}))]
fn a_blob_shows_no_secret(#[case] source: Value, #[case] shown: Value) {
    let uri = source["uri"].clone();
    let accepted = version().put(from(json!({"osDiskImage": {"source": source}}))).unwrap();
    let wanted = json!({"osDiskImage": {"source": shown, "hostCaching": "ReadWrite"}});
    assert_eq!(accepted.properties["storageProfile"], wanted);
    let job = json!({"kind": "blob", "uri": shown["uri"], "secret": uri, "format": "vhd"});
    assert_eq!(accepted.internal.map(Value::Object), Some(json!({"source": job})));
    assert_eq!(accepted.work, publish(job));
}

#[rstest]
fn an_address_that_readers_may_take_differently_is_refused(
    #[values(
        "http://ok@evil/x.vhd",
        "http:\\\\127.0.0.1\\x.vhd",
        "http://0x7f.1/x.vhd",
        "http://2130706433/x.vhd",
        "http://ok%2eevil/x.vhd",
        "HTTP://host/x.vhd",
        "http://host/x.vhd#part",
        "http://h\tost/x",
        "file:///etc/passwd",
        "ftp://host/x.vhd",
        "host/x.vhd"
    )]
    uri: &str,
) {
    let target = "galleryImageVersion.properties.storageProfile.osDiskImage.source.uri";
    version().check_refused(
        from(json!({"osDiskImage": {"source": {"uri": uri}}})),
        "InvalidParameter",
        target,
        "absolute http or https",
    );
}

#[test]
fn another_version_is_a_source() {
    let scene = version()
        .link(stored(&source_version(), json!({})))
        .link(definition(&compute("galleries/other/images/base"), json!({})));
    let accepted = scene.put(from(json!({"source": {"id": source_version()}}))).unwrap();
    let wanted = json!({"source": {"id": source_version()}, "osDiskImage": {"hostCaching": "ReadWrite"}});
    assert_eq!(accepted.properties["storageProfile"], wanted);
    assert_eq!(accepted.work, publish(json!({"kind": "version", "id": source_version()})));
}

#[test]
fn a_sibling_version_is_a_source() {
    let sibling = format!("{}/versions/1.0.0", definition_id());
    let scene = version().link(stored(&sibling, json!({}))).link(definition(&definition_id(), json!({})));
    assert!(scene.put(from(json!({"source": {"id": sibling}}))).is_ok());
}

#[test]
fn sources_are_linked_so_that_the_caller_needs_rights_on_them() {
    let kind = version().kind;
    let links = |storage: Value| {
        let wanted = from(storage);
        let links = kind.links(wanted.as_object().unwrap()).unwrap();
        links.into_iter().map(|link| (link.id.to_string(), link.target, link.action)).collect::<Vec<_>>()
    };
    let action = |kind: &str| format!("Microsoft.Compute/galleries/images/{kind}");
    assert_eq!(
        links(json!({"source": {"id": source_version()}})),
        [
            (source_version(), format!("{STORAGE}.source.id"), action("versions/read")),
            (
                compute("galleries/other/images/base"),
                format!("{STORAGE}.source.id"),
                "Microsoft.Compute/galleries/images/read".to_owned()
            ),
        ]
    );
    assert_eq!(
        links(json!({"osDiskImage": {"source": {"id": upload_id()}}})),
        [(
            upload_id(),
            format!("{STORAGE}.osDiskImage.source.id"),
            "Gallerist.Images/uploads/read".to_owned()
        )]
    );
    assert_eq!(links(json!({"osDiskImage": {"source": {"uri": BLOB}}})), []);
    assert_eq!(links(json!({})), []);
}

#[rstest]
#[case::none(json!({}), "", "One and only one source type")]
#[case::empty(json!({"source": {}, "osDiskImage": {"source": {}}}), "", "The source of the image version is missing")]
#[case::two_whole(json!({"source": {"id": source_version(), "virtualMachineId": compute("virtualMachines/v")}}), "", "more than one source")]
#[case::two_levels(json!({"source": {"id": source_version()}, "osDiskImage": {"source": {"id": upload_id()}}}), "", "either directly under storageProfile or within individual OS or data disks")]
#[case::whole_and_data(json!({"source": {"id": source_version()}, "dataDiskImages": [{"lun": 0, "source": {"id": compute("disks/d")}}]}), "", "more than one source")]
#[case::upload_and_blob(json!({"osDiskImage": {"source": {"id": upload_id(), "uri": BLOB}}}), "", "more than one source")]
#[case::upload_and_account(json!({"osDiskImage": {"source": {"id": upload_id(), "storageAccountId": account()}}}), "", "more than one source")]
#[case::machine_as_id(json!({"source": {"id": compute("virtualMachines/v")}}), ".source",
    "must be specified in 'galleryImageVersion.properties.storageProfile.source.virtualMachineId'.")]
#[case::disk_as_whole(json!({"source": {"id": compute("disks/d")}}), ".source.id", "must either be a managed image, virtual machine or another gallery image version")]
#[case::upload_as_whole(json!({"source": {"id": upload_id()}}), ".source.id", "must either be")]
#[case::no_machine(json!({"source": {"virtualMachineId": compute("disks/d")}}), ".source.virtualMachineId", "must be a virtual machine")]
#[case::version_as_disk(json!({"osDiskImage": {"source": {"id": source_version()}}}), ".osDiskImage.source.id", "must be a managed disk or snapshot")]
#[case::account_alone(json!({"osDiskImage": {"source": {"id": account()}}}), ".osDiskImage.source.uri", "Required parameter")]
#[case::account_without_blob(json!({"osDiskImage": {"source": {"storageAccountId": account()}}}), ".osDiskImage.source.uri", "Required parameter")]
#[case::no_account(json!({"osDiskImage": {"source": {"uri": BLOB, "storageAccountId": compute("disks/d")}}}), ".osDiskImage.source.storageAccountId", "must be a storage account")]
#[case::file(json!({"osDiskImage": {"source": {"uri": "file:///etc/passwd"}}}), ".osDiskImage.source.uri", "http or https")]
#[case::relative(json!({"osDiskImage": {"source": {"uri": "vhds/os.vhd"}}}), ".osDiskImage.source.uri", "http or https")]
#[case::no_host(json!({"osDiskImage": {"source": {"uri": "http://"}}}), ".osDiskImage.source.uri", "http or https")]
fn what_a_source_may_not_be(#[case] storage: Value, #[case] place: &str, #[case] words: &str) {
    version().check_refused(from(storage), "InvalidParameter", &format!("{STORAGE}{place}"), words);
}

#[rstest]
#[case::lun_twice(json!([{"lun": 1, "source": {"id": compute("disks/a")}}, {"lun": 1, "source": {"id": compute("disks/b")}}]), ".dataDiskImages", "Duplicated lun numbers have been detected in the input data disks")]
#[case::no_lun(json!([{"source": {"id": compute("disks/a")}}]), ".dataDiskImages[0].lun", "Required parameter")]
#[case::source_twice(json!([{"lun": 0, "source": {"id": compute("disks/a")}}, {"lun": 1, "source": {"id": compute("DISKS/A")}}]), ".dataDiskImages[1]", "Duplicated source ids are found in the input disks")]
#[case::same_blob(json!([{"lun": 0, "source": {"uri": BLOB}}]), ".dataDiskImages[0]", "cannot point to same blob")]
fn what_data_disks_may_not_be(#[case] disks: Value, #[case] place: &str, #[case] words: &str) {
    let storage = json!({"osDiskImage": {"source": {"uri": BLOB}}, "dataDiskImages": disks});
    version().check_refused(from(storage), "InvalidParameter", &format!("{STORAGE}{place}"), words);
}

#[test]
fn data_disks_of_another_version_are_not_said_again() {
    let storage = json!({"source": {"id": source_version()}, "dataDiskImages": [{"lun": 0}]});
    version().check_refused(
        from(storage),
        "InvalidParameter",
        &format!("{STORAGE}.dataDiskImages"),
        "is not allowed",
    );
}

#[rstest]
#[case::whole(json!({"source": {"id": "img1"}}), "source.id")]
#[case::machine(json!({"source": {"virtualMachineId": "vm1"}}), "source.virtualMachineId")]
#[case::community(json!({"source": {"communityGalleryImageId": "x"}}), "source.communityGalleryImageId")]
#[case::os_disk(json!({"osDiskImage": {"source": {"id": "/subscriptions/s/disks"}}}), "osDiskImage.source.id")]
#[case::account(json!({"osDiskImage": {"source": {"uri": BLOB, "storageAccountId": "acc"}}}), "osDiskImage.source.storageAccountId")]
#[case::data_disk(json!({"osDiskImage": {"source": {"uri": BLOB}}, "dataDiskImages": [{"lun": 0, "source": {"id": "d"}}]}), "dataDiskImages[0].source.id")]
fn an_id_that_is_none_is_refused(#[case] storage: Value, #[case] path: &str) {
    let words = format!(
        "at path 'properties.storageProfile.{path}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}'"
    );
    version().check_refused(from(storage), "LinkedInvalidPropertyId", &format!("{STORAGE}.{path}"), &words);
}

#[rstest]
#[case::machine(json!({"source": {"virtualMachineId": compute("virtualMachines/v")}}), ".source.virtualMachineId", "virtual machine")]
#[case::community(json!({"source": {"communityGalleryImageId": "/CommunityGalleries/p/Images/i/Versions/1.0.0"}}), ".source.communityGalleryImageId", "community gallery image")]
fn a_source_that_is_not_read_yet_is_named(#[case] storage: Value, #[case] place: &str, #[case] words: &str) {
    version().check_refused(from(storage), "NotImplemented", &format!("{STORAGE}{place}"), words);
}

#[test]
fn an_upload_must_be_there_complete_and_near() {
    let target = format!("{STORAGE}.osDiskImage.source.id");
    let with = |change: fn(&mut crate::Stored)| {
        let mut upload = upload();
        change(&mut upload);
        version().link(upload)
    };
    let open = with(|upload| upload.document.internal.clear());
    open.check_refused(body(json!({})), "OperationNotAllowed", &target, "is not committed");
    let far = with(|upload| upload.document.location = Some("East US 2".to_owned()));
    far.check_refused(
        body(json!({})),
        "ResourceNotFound",
        &target,
        "is in the same region as gallery image version being created",
    );
    let near = with(|upload| upload.document.location = Some("West Europe".to_owned()));
    assert!(near.put(body(json!({}))).is_ok());
    let mut absent = version();
    absent.linked.clear();
    absent.check_refused(
        body(json!({})),
        "ResourceNotFound",
        &target,
        "is not found. Please check source exists",
    );
}

#[test]
fn an_upload_of_another_definition_is_refused() {
    let id = upload_id().replace("/images/d/", "/images/e/");
    let mut other = upload();
    other.id = id.parse().unwrap();
    let storage = from(json!({"osDiskImage": {"source": {"id": id}}}));
    version().link(other).check_refused(
        storage,
        "InvalidParameter",
        &format!("{STORAGE}.osDiskImage.source.id"),
        "another image definition",
    );
}

#[rstest]
#[case::os(json!({"osType": "Windows"}), "has a different OS type ['Windows'] than the parent gallery image OS type generation ['Linux'].")]
#[case::state(json!({"osState": "Specialized"}), "has a different OS state ['Specialized'] than the parent gallery image OS state ['Generalized'].")]
#[case::generation(json!({"hyperVGeneration": "V1"}), "has a different Hypervisor generation ['V1'] than the parent gallery image Hypervisor generation ['V2'].")]
#[case::architecture(json!({"architecture": "Arm64"}), "has a different architecture ['Arm64']")]
#[case::plan(json!({"purchasePlan": {"name": "n"}}), "has a different plan ['{\"name\":\"n\"}'] than the parent gallery image plan ['null'].")]
fn a_version_of_another_kind_is_refused(#[case] of_source: Value, #[case] words: &str) {
    let scene = version()
        .link(stored(&source_version(), json!({})))
        .link(definition(&compute("galleries/other/images/base"), of_source));
    let storage = from(json!({"source": {"id": source_version()}}));
    scene.check_refused(storage, "BadRequest", &format!("{STORAGE}.source.id"), words);
}

#[test]
fn a_version_that_is_not_there_or_not_done_is_refused() {
    let (storage, target) =
        (from(json!({"source": {"id": source_version()}})), format!("{STORAGE}.source.id"));
    version().check_refused(storage.clone(), "ResourceNotFound", &target, "is not found");
    for state in [State::Creating, State::Updating, State::Failed, State::Canceled, State::Deleting] {
        let mut source = stored(&source_version(), json!({}));
        source.document.state = state;
        let words = format!("is in state '{}'", state.as_str());
        version().link(source).check_refused(storage.clone(), "OperationNotAllowed", &target, &words);
    }
}

#[test]
fn words_of_a_bad_address_do_not_repeat_it() {
    let bad = from(json!({"osDiskImage": {"source": {"uri": "ftp://h/x?sig=secret"}}}));
    let refusal = version().put(bad).unwrap_err();
    assert!(!refusal.to_string().contains("secret"), "{refusal}");
    let long = from(
        json!({"osDiskImage": {"source": {"uri": format!("https://h/?sig=secret{}", "x".repeat(9000))}}}),
    );
    let refusal = version().put(long).unwrap_err();
    check_refusal(&refusal, "InvalidParameter", &format!("{STORAGE}.osDiskImage.source.uri"), "at most 8192");
    assert!(!refusal.to_string().contains("secret"), "{refusal}");
}

#[test]
fn firmware_keys_need_trusted_firmware() {
    let target = "galleryImageVersion.properties.securityProfile.uefiSettings";
    let settings = |value: &str| {
        body(json!({"securityProfile": {"uefiSettings": {
            "signatureTemplateNames": ["microsoftwindowstemplate"],
            "additionalSignatures": {"pk": {"type": "X509", "value": [value]}, "db": [{"type": "sha256", "value": ["QUJD"]}]},
        }}}))
    };
    let trusted = json!({"features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]});
    let with = |more: Value| {
        let mut scene = version();
        scene.parent = Some(definition(&definition_id(), more));
        scene
    };
    with(json!({})).check_refused(settings("QUJD"), "BadRequest", target, "this one is 'Standard'");
    with(json!({"hyperVGeneration": "V1"})).check_refused(
        settings("QUJD"),
        "BadRequest",
        target,
        "generation 1",
    );
    let too_late =
        json!({"features": [{"name": "SecurityType", "value": "TrustedLaunch", "startsAtVersion": "1.2.0"}]});
    with(too_late).check_refused(settings("QUJD"), "BadRequest", target, "this one is 'Standard'");
    let properties = with(trusted.clone()).properties(settings("QUI="));
    assert_eq!(
        properties["securityProfile"]["uefiSettings"]["signatureTemplateNames"][0],
        "MicrosoftWindowsTemplate"
    );
    for value in ["", "QUJ", "QUJ*", "===="] {
        with(trusted.clone()).check_refused(
            settings(value),
            "InvalidParameter",
            &format!("{target}.additionalSignatures"),
            "no base64",
        );
    }
    let later = over(settings("QUJD"), json!({"storageProfile": {}}));
    with(trusted).after(body(json!({}))).check_refused(
        later,
        "PropertyChangeNotAllowed",
        target,
        "not allowed",
    );
}

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
