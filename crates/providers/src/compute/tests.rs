//! Azure's troubleshooting table as a table: each condition of galleries, definitions and versions, with the code,
//! the place and the words that tools look for (azure-api 19.3 to 19.5).

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::gallery::Gallery;
use super::image_definition::ImageDefinition;
use super::image_version::ImageVersion;
use crate::shape::merge;
use crate::testing::{Scene, check_refusal, compute, stored};
use crate::{Rejection, ResourceType, State};

const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd";

fn gallery() -> Scene {
    Scene::new(&Gallery, &compute("galleries/g"))
}

fn definition() -> Scene {
    let mut scene = Scene::new(&ImageDefinition, &compute("galleries/g/images/d"));
    scene.parent = Some(stored(&compute("galleries/g"), json!({})));
    scene
}

fn version() -> Scene {
    let mut scene = Scene::new(&ImageVersion, &compute("galleries/g/images/d/versions/1.0.0"));
    let properties =
        json!({"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64"});
    scene.parent = Some(stored(&compute("galleries/g/images/d"), properties));
    scene.grandparent = Some(stored(&compute("galleries/g"), json!({})));
    scene
}

fn image(more: Value) -> Value {
    let least = json!({"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "identifier": {"publisher": "p", "offer": "o", "sku": "s"}});
    over(least, more)
}

fn bits(more: Value) -> Value {
    over(json!({"storageProfile": {"osDiskImage": {"source": {"uri": BLOB}}}}), more)
}

fn regions(regions: Value) -> Value {
    bits(json!({"publishingProfile": {"targetRegions": regions}}))
}

fn over(least: Value, more: Value) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    Value::Object(merge(&object(least), object(more)))
}

fn published() -> Scene {
    version().after(regions(json!([{"name": "westeurope"}, {"name": "eastus2"}])))
}

#[rstest]
#[case::permission_kind_changed(gallery().after(json!({})), json!({"sharingProfile": {"permissions": "Groups"}}), "InvalidParameter",
    "gallery.properties.sharingProfile.permissions", "from 'Private' to 'Groups'")]
#[case::os_type_changed(definition().after(image(json!({}))), json!({"osType": "Windows"}), "PropertyChangeNotAllowed",
    "galleryImage.properties.osType", "Changing property 'galleryImage.properties.osType' is not allowed")]
#[case::sku_changed(definition().after(image(json!({}))), json!({"identifier": {"sku": "t"}}), "PropertyChangeNotAllowed",
    "galleryImage.properties.identifier.sku", "Changing property 'galleryImage.properties.identifier.sku' is not allowed")]
#[case::asset_name(definition(), image(json!({"identifier": {"offer": "o".repeat(65)}})), "InvalidParameter",
    "galleryImage.properties.identifier.offer", "Asset name galleryImage.properties.identifier.offer is not valid")]
#[case::asset_length(definition(), image(json!({"identifier": {"offer": "o".repeat(65)}})), "InvalidParameter",
    "galleryImage.properties.identifier.offer", "length cannot exceed 64")]
#[case::no_date(definition(), image(json!({"endOfLifeDate": "whenever"})), "InvalidParameter",
    "galleryImage.properties.endOfLifeDate", "Could not convert string to DateTimeOffset: whenever. Path 'properties.endOfLifeDate'")]
#[case::past_date(definition(), image(json!({"endOfLifeDate": "2020-01-01T12:59:59Z"})), "InvalidParameter",
    "galleryImage.properties.endOfLifeDate", "EndOfLifeDate must be set to a future date")]
#[case::min_over_max(definition(), image(json!({"recommended": {"memory": {"min": 8, "max": 4}}})), "InvalidParameter",
    "galleryImage.properties.recommended.memory", "The minimum value of 'galleryImage.properties.recommended.memory' must not be greater than the maximum value of")]
#[case::home_absent(version(), regions(json!([{"name": "eastus2"}])), "InvalidParameter",
    "galleryImageVersion.properties.publishingProfile.targetRegions", "publishing profile regions 'eastus2' must contain the location of image version 'West Europe'. ")]
#[case::count_out_of_range(version(), bits(json!({"publishingProfile": {"replicaCount": 0}})), "InvalidParameter",
    "galleryImageVersion.properties.publishingProfile.replicaCount", "is out of range. The value must be between 1 and 100, inclusive")]
#[case::duplicate_regions(version(), regions(json!([{"name": "westeurope"}, {"name": "West Europe"}])), "InvalidParameter",
    "galleryImageVersion.properties.publishingProfile.targetRegions", "Duplicate regions are not allowed in target publishing regions")]
#[case::region_removed(published(), json!({"publishingProfile": {"targetRegions": [{"name": "westeurope"}]}}), "BadRequest",
    "galleryImageVersion.properties.publishingProfile.targetRegions", "Deletion of previously replicated locations is not allowed")]
#[case::region_removed_says_how(published(), json!({"publishingProfile": {"targetRegions": [{"name": "westeurope"}]}}), "BadRequest",
    "galleryImageVersion.properties.publishingProfile.targetRegions", "allowDeletionOfReplicatedLocations")]
#[case::storage_changed(published(), json!({"publishingProfile": {"storageAccountType": "Premium_LRS"}}), "PropertyChangeNotAllowed",
    "galleryImageVersion.properties.publishingProfile.storageAccountType", "Changing property")]
#[case::mode_changed(published(), json!({"publishingProfile": {"replicationMode": "Shallow"}}), "PropertyChangeNotAllowed",
    "galleryImageVersion.properties.publishingProfile.replicationMode", "Changing property")]
#[case::source_changed(published(), json!({"storageProfile": {"osDiskImage": {"source": {"uri": "https://acc.blob.core.windows.net/vhds/other.vhd"}}}}), "PropertyChangeNotAllowed",
    "galleryImageVersion.properties.storageProfile.osDiskImage.source.uri", "Changing property")]
#[case::disks_changed(published(), json!({"storageProfile": {"dataDiskImages": [{"lun": 0}]}}), "BadRequest",
    "galleryImageVersion.properties.storageProfile.dataDiskImages", "Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed")]
#[case::no_source(version(), json!({}), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile", "One and only one source type")]
#[case::vm_in_the_wrong_field(version(), json!({"storageProfile": {"source": {"id": compute("virtualMachines/vm")}}}), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.source", "must be specified in 'galleryImageVersion.properties.storageProfile.source.virtualMachineId'")]
#[case::foreign_source(version(), json!({"storageProfile": {"source": {"id": compute("availabilitySets/a")}}}), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.source.id", "must either be a managed image, virtual machine or another gallery image version")]
#[case::foreign_disk(version(), json!({"storageProfile": {"osDiskImage": {"source": {"id": compute("images/i")}}}}), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.osDiskImage.source.id", "must be a managed disk or snapshot")]
#[case::malformed_id(version(), json!({"storageProfile": {"source": {"id": "image1"}}}), "LinkedInvalidPropertyId",
    "galleryImageVersion.properties.storageProfile.source.id", "Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'")]
#[case::luns_twice(version(), bits(json!({"storageProfile": {"dataDiskImages": [{"lun": 1, "source": {"id": compute("disks/a")}}, {"lun": 1, "source": {"id": compute("disks/b")}}]}})), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.dataDiskImages", "Duplicated lun numbers have been detected in the input data disks")]
#[case::sources_twice(version(), bits(json!({"storageProfile": {"dataDiskImages": [{"lun": 1, "source": {"id": compute("disks/a")}}, {"lun": 2, "source": {"id": compute("disks/a")}}]}})), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.dataDiskImages[1]", "Duplicated source ids are found in the input disks")]
#[case::one_blob_twice(version(), bits(json!({"storageProfile": {"dataDiskImages": [{"lun": 1, "source": {"uri": BLOB}}]}})), "InvalidParameter",
    "galleryImageVersion.properties.storageProfile.dataDiskImages[0]", "OSDiskImage and DataDiskImage cannot point to same blob")]
#[case::wrong_json(version(), json!({"storageProfile": {"osDiskImage": {"source": "x"}}}), "BadRequest",
    "galleryImageVersion.properties.storageProfile.osDiskImage.source", "Error converting value \"x\" to")]
#[case::marked_for_deletion(going(), json!({}), "OperationNotAllowed", "", "is marked for deletion. You can only retry the Delete operation")]
fn the_troubleshooting_table_holds(
    #[case] scene: Scene,
    #[case] sent: Value,
    #[case] code: &str,
    #[case] target: &str,
    #[case] words: &str,
) {
    scene.check_refused(sent, code, target, words);
}

fn going() -> Scene {
    let mut scene = published();
    scene.current.as_mut().unwrap().document.state = State::Deleting;
    scene
}

#[rstest]
#[case::gallery_dash(Gallery.check_name("my-gallery"), "gallery.name", "Dashes are not allowed")]
#[case::gallery_end(Gallery.check_name("g_"), "gallery.name", "has invalid trailing characters")]
#[case::definition_end(ImageDefinition.check_name("d."), "galleryImage.name", "has invalid trailing characters")]
#[case::version(ImageVersion.check_name("1.0"), "galleryImageVersion.name", "Major(int).Minor(int).Patch(int)")]
fn names_are_refused_in_azures_words(
    #[case] checked: Result<(), Rejection>,
    #[case] target: &str,
    #[case] words: &str,
) {
    check_refusal(&checked.unwrap_err(), "InvalidParameter", target, words);
}

#[test]
fn what_is_taken_is_refused_in_azures_words() {
    let other = compute("galleries/g").replace("/rg/", "/other/").parse().unwrap();
    let refusal = Gallery.taken(&Map::new(), &gallery().id, &other);
    check_refusal(&refusal, "Conflict", "gallery.name", "is not unique within the subscription");
    let Value::Object(properties) = image(json!({})) else { panic!("an object") };
    let holder = compute("galleries/g/images/e").parse().unwrap();
    let refusal = ImageDefinition.taken(&properties, &definition().id, &holder);
    let words =
        "Gallery image: e identified by (publisher:p, offer:o, sku:s) already exists. Choose a different";
    check_refusal(&refusal, "Conflict", "galleryImage.properties.identifier", words);
}

#[test]
fn a_version_is_kept_until_its_end_of_life_in_azures_words() {
    let sent = bits(json!({
        "publishingProfile": {"endOfLifeDate": "2028-01-01T12:59:59Z"},
        "safetyProfile": {"blockDeletionBeforeEndOfLife": true},
    }));
    let refusal = version().after(sent).delete().unwrap_err();
    check_refusal(
        &refusal,
        "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
        "",
        "cannot be deleted before its end of life",
    );
}
