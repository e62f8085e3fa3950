//! Target regions: which, how many copies, added and removed.

use rstest::rstest;
use serde_json::{Value, json};

use super::{REGIONS, body, profile, set, version};
use crate::testing::compute;

#[rstest]
#[case::home_absent(profile(json!({"targetRegions": [{"name": "eastus2"}, {"name": "North Europe"}]})), "InvalidParameter", "",
    "Gallery image version publishing profile regions 'eastus2, northeurope' must contain the location of image version 'West Europe'. ")]
#[case::no_region(profile(json!({"targetRegions": []})), "InvalidParameter", "", "must contain the location")]
#[case::twice(profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "West Europe"}]})), "InvalidParameter", "",
    "Duplicate regions are not allowed in target publishing regions.")]
#[case::unknown(profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "mars"}]})), "InvalidParameter", "",
    "'mars' is not available. List of available regions is 'eastus2,edge1,northeurope,westeurope'")]
#[case::no_name(profile(json!({"targetRegions": [{"regionalReplicaCount": 1}]})), "InvalidParameter", "[0].name", "Required parameter")]
#[case::strange_name(profile(json!({"targetRegions": [{"name": "../etc"}]})), "InvalidParameter", "[0].name", "letters and digits")]
#[case::no_replica(profile(json!({"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 0}]})), "InvalidParameter", "[0].regionalReplicaCount",
    "The value '0' of parameter 'galleryImageVersion.properties.publishingProfile.targetRegions[0].regionalReplicaCount' is out of range. The value must be between 1 and 100, inclusive.")]
#[case::many_replicas(profile(json!({"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 101}]})), "InvalidParameter", "[0].regionalReplicaCount", "out of range")]
#[case::sum(profile(json!({"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 60}, {"name": "eastus2", "regionalReplicaCount": 41}]})), "InvalidParameter", "", "101 replicas in total")]
#[case::sum_of_sets(profile(json!({"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 60, "additionalReplicaSets": [{"storageAccountType": "PremiumV2_LRS", "regionalReplicaCount": 41}]}]})), "InvalidParameter", "", "101 replicas in total")]
#[case::sum_of_common(profile(json!({"replicaCount": 51, "targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]})), "InvalidParameter", "", "102 replicas in total")]
#[case::storage(profile(json!({"targetRegions": [{"name": "westeurope", "storageAccountType": "Tape"}]})), "InvalidParameter", "[0].storageAccountType", "Allowed values are: Standard_LRS")]
#[case::shallow_elsewhere(profile(json!({"replicationMode": "Shallow", "targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]})), "InvalidParameter", "", "'Shallow'")]
#[case::shallow_many(profile(json!({"replicationMode": "Shallow", "replicaCount": 2})), "InvalidParameter", "", "'Shallow'")]
#[case::wrong_type(profile(json!({"targetRegions": {"name": "westeurope"}})), "BadRequest", "", "Path 'properties.publishingProfile.targetRegions'")]
#[case::wrong_item(profile(json!({"targetRegions": ["westeurope"]})), "BadRequest", "[0]", "Error converting value \"westeurope\"")]
fn where_a_version_may_not_be(
    #[case] more: Value,
    #[case] code: &str,
    #[case] place: &str,
    #[case] words: &str,
) {
    version().check_refused(body(more), code, &format!("{REGIONS}{place}"), words);
}

#[rstest]
#[case::common_count(json!({"replicaCount": 101}), "replicaCount", "out of range")]
#[case::both_storages(json!({"storageAccountType": "Standard_LRS", "storageAccountStrategy": "PreferStandard_ZRS"}), "storageAccountStrategy", "cannot be specified along with")]
#[case::mode(json!({"replicationMode": "Deep"}), "replicationMode", "Allowed values are: Full, Shallow")]
#[case::past_end(json!({"endOfLifeDate": "2026-12-31T23:59:59Z"}), "endOfLifeDate", "must be set to a future date")]
fn what_a_profile_may_not_say(#[case] more: Value, #[case] member: &str, #[case] words: &str) {
    let target = format!("galleryImageVersion.properties.publishingProfile.{member}");
    version().check_refused(body(profile(more)), "InvalidParameter", &target, words);
}

#[test]
fn edge_zones_are_refused_rather_than_forgotten() {
    let zones = json!({"targetExtendedLocations": [{"name": "westeurope", "extendedLocation": {"name": "z", "type": "EdgeZone"}}]});
    let target = "galleryImageVersion.properties.publishingProfile.targetExtendedLocations";
    version().check_refused(body(profile(zones)), "NotImplemented", target, "edge zones");
    let properties = version().properties(body(profile(json!({"targetExtendedLocations": []}))));
    assert_eq!(properties["publishingProfile"].get("targetExtendedLocations"), None);
}

#[rstest]
#[case::nothing(json!({}), json!([{"name": "West Europe", "regionalReplicaCount": 1, "storageAccountType": "Standard_LRS"}]))]
#[case::counts(
    json!({"replicaCount": 3, "storageAccountType": "premium_lrs", "targetRegions": [{"name": "westeurope"}, {"name": "edge1", "regionalReplicaCount": "2", "storageAccountType": "standard_zrs", "excludeFromLatest": true}]}),
    json!([
        {"name": "West Europe", "regionalReplicaCount": 3, "storageAccountType": "Premium_LRS"},
        {"name": "edge1", "regionalReplicaCount": 2, "storageAccountType": "Standard_ZRS", "excludeFromLatest": true},
    ]))]
#[case::prefer_zones(
    json!({"storageAccountStrategy": "preferstandard_zrs", "targetRegions": [{"name": "WESTEUROPE"}, {"name": "East US 2", "storageAccountType": "Premium_LRS"}]}),
    json!([
        {"name": "West Europe", "regionalReplicaCount": 1, "storageAccountType": "Standard_ZRS"},
        {"name": "East US 2", "regionalReplicaCount": 1, "storageAccountType": "Premium_LRS"},
    ]))]
#[case::local(json!({"storageAccountStrategy": "DefaultStandard_LRS"}), json!([{"name": "West Europe", "regionalReplicaCount": 1, "storageAccountType": "Standard_LRS"}]))]
#[case::shallow(json!({"replicationMode": "shallow"}), json!([{"name": "West Europe", "regionalReplicaCount": 1, "storageAccountType": "Standard_LRS"}]))]
fn regions_are_filled(#[case] asked: Value, #[case] wanted: Value) {
    let properties = version().properties(body(profile(asked)));
    assert_eq!(properties["publishingProfile"]["targetRegions"], wanted);
}

#[test]
fn a_strategy_leaves_the_common_type_unsaid() {
    let with = version().properties(body(profile(json!({"storageAccountStrategy": "PreferStandard_ZRS"}))));
    assert_eq!(with["publishingProfile"].get("storageAccountType"), None);
    let without = version().properties(body(json!({})));
    assert_eq!(without["publishingProfile"]["storageAccountType"], "Standard_LRS");
}

fn encrypted(first: Value, second: Value) -> Value {
    body(profile(json!({"targetRegions": [
        {"name": "westeurope", "encryption": first}, {"name": "eastus2", "encryption": second},
    ]})))
}

#[test]
fn encryption_is_kept_as_sent() {
    let os = |name: &str| json!({"osDiskImage": {"securityProfile": {}, "diskEncryptionSetId": set(name)}});
    let scene = version().after(encrypted(os("a"), os("b")));
    let regions = &scene.current.as_ref().unwrap().document.properties["publishingProfile"]["targetRegions"];
    assert_eq!((&regions[0]["encryption"], &regions[1]["encryption"]), (&os("a"), &os("b")));
    let without = encrypted(json!({}), Value::Null);
    assert_eq!(scene.properties(without)["publishingProfile"]["targetRegions"], *regions);
    let other = scene.put(encrypted(os("a"), os("c"))).unwrap_err();
    assert_eq!(other.detail.target, Some(format!("{REGIONS}[1].encryption")), "{other}");
    let third =
        profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}, {"name": "edge1"}]}));
    scene.check_refused(
        third,
        "InvalidParameter",
        REGIONS,
        "is required for disk 'osDiskImage' in target region 'edge1'",
    );
}

#[test]
fn encryption_cannot_come_later() {
    let scene = version().after(body(json!({})));
    let later = profile(
        json!({"targetRegions": [{"name": "westeurope", "encryption": {"osDiskImage": {"diskEncryptionSetId": set("a")}}}]}),
    );
    scene.check_refused(
        later,
        "PropertyChangeNotAllowed",
        &format!("{REGIONS}[0].encryption"),
        "not allowed",
    );
}

#[rstest]
#[case::one_region_only(json!({"osDiskImage": {"diskEncryptionSetId": set("a")}}), "publishing", "is required for disk 'osDiskImage' in target region 'East US 2'")]
#[case::no_id(json!({"osDiskImage": {"diskEncryptionSetId": "des1"}}), "osDiskImage", "is invalid")]
#[case::no_set(json!({"osDiskImage": {"diskEncryptionSetId": set("a").replace("diskEncryptionSets", "disks")}}), "osDiskImage", "is invalid")]
#[case::foreign(json!({"osDiskImage": {"diskEncryptionSetId": set("a").replace("1111-1111", "2222-2222")}}), "osDiskImage", "must be in the same subscription")]
#[case::unknown_lun(json!({"dataDiskImages": [{"lun": 3, "diskEncryptionSetId": set("a")}]}), "lun", "An invalid lun [3] was specified in encryption.dataDiskImages. The lun must be one of []")]
#[case::no_lun(json!({"dataDiskImages": [{"diskEncryptionSetId": set("a")}]}), "lun", "Required parameter")]
fn what_encryption_may_not_be(#[case] first: Value, #[case] place: &str, #[case] words: &str) {
    let target = match place {
        "publishing" => REGIONS.to_owned(),
        "lun" => format!("{REGIONS}.encryption.dataDiskImages.lun"),
        disk => format!(
            "galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.{disk}.diskEncryptionSetId"
        ),
    };
    version().check_refused(encrypted(first, json!({})), "InvalidParameter", &target, words);
}

#[test]
fn disks_of_confidential_machines_need_a_definition_of_such() {
    let disk = |kind: &str, set: Value| json!({"osDiskImage": {"securityProfile": {"confidentialVMEncryptionType": kind, "secureVMDiskEncryptionSetId": set}}});
    let sent =
        |disk: Value| body(profile(json!({"targetRegions": [{"name": "westeurope", "encryption": disk}]})));
    let place = "galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.osDiskImage.securityProfile.secureVMDiskEncryptionSetId";
    let mut scene = version();
    scene.check_refused(
        sent(disk("EncryptedWithPmk", Value::Null)),
        "BadRequest",
        &format!("{REGIONS}.encryption"),
        "this one is 'Standard'",
    );
    scene.check_refused(
        sent(disk("EncryptedWithCmk", Value::Null)),
        "InvalidParameter",
        place,
        "keys of your own",
    );
    scene.check_refused(
        sent(disk("EncryptedWithCmk", json!("des"))),
        "InvalidParameter",
        place,
        "is invalid",
    );
    let foreign = json!(set("a").replace("1111-1111", "2222-2222"));
    scene.check_refused(
        sent(disk("EncryptedWithCmk", foreign)),
        "InvalidParameter",
        place,
        "same subscription",
    );
    for kind in ["ConfidentialVM", "ConfidentialVMSupported", "TrustedLaunchAndConfidentialVmSupported"] {
        let features = json!({"features": [{"name": "SecurityType", "value": kind}]});
        scene.parent = Some(super::definition(&super::definition_id(), features));
        assert!(scene.put(sent(disk("EncryptedWithPmk", Value::Null))).is_ok(), "{kind}");
        assert!(scene.put(sent(disk("EncryptedWithCmk", json!(set("a"))))).is_ok(), "{kind}");
    }
}

#[test]
fn no_disk_is_encrypted_later() {
    let mut scene = version().after(body(json!({})));
    let encryption = |luns: &[i64]| {
        let disks: Vec<Value> =
            luns.iter().map(|lun| json!({"lun": lun, "diskEncryptionSetId": set("a")})).collect();
        json!([{"name": "West Europe", "encryption": {"dataDiskImages": disks}}])
    };
    let properties = &mut scene.current.as_mut().unwrap().document.properties;
    properties["publishingProfile"]["targetRegions"] = encryption(&[1]);
    scene.check_refused(
        profile(json!({"targetRegions": encryption(&[1, 2])})),
        "InvalidParameter",
        &format!("{REGIONS}.encryption.dataDiskImages.lun"),
        "Cannot specify new data disk image encryption lun [2] with a disk encryption set in region [West Europe] for update",
    );
}

#[test]
fn what_comes_as_a_whole_brings_its_own_data_disks() {
    let sets = json!({"dataDiskImages": [{"lun": 0, "diskEncryptionSetId": set("a")}]});
    let mut asked = encrypted(sets.clone(), sets);
    asked["storageProfile"] = json!({"source": {"virtualMachineId": compute("virtualMachines/vm")}});
    let refusal = version().put(asked).unwrap_err();
    assert_eq!(refusal.detail.code, "NotImplemented", "{refusal}");
}
