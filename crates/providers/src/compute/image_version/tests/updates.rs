//! What may change after creation, and what stays when it is left out.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::{BLOB, REGIONS, STORAGE, body, from, profile, upload_id, version};
use crate::testing::{Scene, compute};
use crate::{State, Work};

const SHOWN_BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd";

/// A version in two regions.
fn published() -> Scene {
    version().after(body(profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]}))))
}

fn work(scene: &Scene, properties: Value) -> Option<Work> {
    scene.put(properties).unwrap().work
}

fn copying() -> Option<Work> {
    Some(Work { kind: "image_version.publish", input: json!({"source": null}) })
}

#[rstest]
#[case::nothing(json!({}))]
#[case::empty(json!({"publishingProfile": {}, "storageProfile": {}, "safetyProfile": {}}))]
#[case::as_az_does(json!({"storageProfile": {"osDiskImage": {"hostCaching": "ReadWrite", "source": {}}}}))]
#[case::no_source(json!({"storageProfile": {"osDiskImage": {"hostCaching": "ReadWrite"}, "dataDiskImages": []}}))]
#[case::nulls(json!({"publishingProfile": null, "storageProfile": {"source": null, "osDiskImage": {"source": {"id": null}}}}))]
#[case::the_default_mode(json!({"publishingProfile": {"replicationMode": "Full", "storageAccountType": "standard_lrs"}}))]
#[case::restore(json!({"restore": false, "allowUpdateImage": true}))]
fn what_is_left_out_stays(#[case] sent: Value) {
    let scene = published();
    let accepted = scene.put(sent).unwrap();
    assert_eq!(accepted.properties, scene.current.as_ref().unwrap().document.properties);
    assert_eq!((accepted.work, accepted.internal), (None, None));
}

#[test]
fn an_update_needs_the_source_neither_there_nor_linked() {
    let mut scene = published();
    scene.linked.clear();
    assert!(scene.put(body(json!({}))).is_ok());
}

#[rstest]
#[case::another_upload(json!({"osDiskImage": {"source": {"id": upload_id().replace("/u", "/v")}}}), ".osDiskImage.source.id")]
#[case::a_whole_source(json!({"source": {"id": compute("galleries/g/images/d/versions/1.0.0")}}), ".source.id")]
#[case::a_blob(json!({"osDiskImage": {"source": {"uri": BLOB}}}), ".osDiskImage.source.uri")]
#[case::caching(json!({"osDiskImage": {"hostCaching": "None"}}), ".osDiskImage.hostCaching")]
fn the_bits_of_a_version_never_change(#[case] storage: Value, #[case] place: &str) {
    let words = format!("Changing property '{STORAGE}{place}' is not allowed.");
    published().check_refused(
        from(storage),
        "PropertyChangeNotAllowed",
        &format!("{STORAGE}{place}"),
        &words,
    );
}

#[rstest]
#[case::storage(json!({"storageAccountType": "Premium_LRS"}), "storageAccountType")]
#[case::strategy(json!({"storageAccountStrategy": "PreferStandard_ZRS"}), "storageAccountStrategy")]
#[case::mode(json!({"replicationMode": "Shallow"}), "replicationMode")]
#[case::regional_storage(json!({"targetRegions": [{"name": "eastus2"}, {"name": "westeurope", "storageAccountType": "Premium_LRS"}]}), "targetRegions[1].storageAccountType")]
fn how_a_version_is_stored_never_changes(#[case] sent: Value, #[case] member: &str) {
    let target = format!("galleryImageVersion.properties.publishingProfile.{member}");
    published().check_refused(profile(sent), "PropertyChangeNotAllowed", &target, "is not allowed");
}

#[test]
fn data_disks_never_come_later() {
    let words =
        "Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed.";
    let storage = from(json!({"dataDiskImages": [{"lun": 0}]}));
    published().check_refused(storage, "BadRequest", &format!("{STORAGE}.dataDiskImages"), words);
}

#[test]
fn a_region_is_lost_only_on_purpose() {
    let home_alone = json!({"targetRegions": [{"name": "westeurope"}]});
    published().check_refused(
        profile(home_alone.clone()),
        "BadRequest",
        REGIONS,
        "Complete set of target locations not specified while updating gallery artifact '1.1.2' and type 'Microsoft.Compute/galleries/images/versions'. Deletion of previously replicated locations is not allowed",
    );
    let agreed = json!({"publishingProfile": home_alone, "safetyProfile": {"allowDeletionOfReplicatedLocations": true}});
    let accepted = published().put(agreed.clone()).unwrap();
    assert_eq!(accepted.properties["publishingProfile"]["targetRegions"].as_array().unwrap().len(), 1);
    assert_eq!(accepted.work, copying());
    // Agreed once, the agreement stands.
    let allowed = published().after(json!({"safetyProfile": {"allowDeletionOfReplicatedLocations": true}}));
    assert!(allowed.put(profile(home_alone)).is_ok());
    let withdrawn = json!({"publishingProfile": agreed["publishingProfile"], "safetyProfile": {"allowDeletionOfReplicatedLocations": false}});
    allowed.check_refused(withdrawn, "BadRequest", REGIONS, "Missing locations: 'East US 2'");
}

#[test]
fn a_region_that_the_installation_lost_may_stay() {
    let mut scene = published();
    let regions =
        &mut scene.current.as_mut().unwrap().document.properties["publishingProfile"]["targetRegions"];
    regions[1]["name"] = json!("Chile Central");
    assert!(scene.put(scene.get(None, &[])).is_ok());
}

#[rstest]
#[case::new_region(profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}, {"name": "edge1"}]})), copying())]
#[case::count(profile(json!({"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 2}, {"name": "eastus2"}]})), copying())]
#[case::common_count(profile(json!({"replicaCount": 2, "targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]})), copying())]
#[case::sets(profile(json!({"targetRegions": [{"name": "westeurope", "additionalReplicaSets": [{"regionalReplicaCount": 1}]}, {"name": "eastus2"}]})), copying())]
#[case::order(profile(json!({"targetRegions": [{"name": "East US 2"}, {"name": "West Europe"}]})), None)]
#[case::hidden(profile(json!({"excludeFromLatest": true})), None)]
#[case::hidden_somewhere(profile(json!({"targetRegions": [{"name": "westeurope", "excludeFromLatest": true}, {"name": "eastus2"}]})), None)]
#[case::end_of_life(profile(json!({"endOfLifeDate": "2030-01-01"})), None)]
fn only_what_moves_bytes_is_work(#[case] sent: Value, #[case] wanted: Option<Work>) {
    assert_eq!(work(&published(), sent), wanted);
}

#[test]
fn a_put_of_one_member_loses_no_region_and_a_left_out_date_goes() {
    let scene = version().after(body(profile(
        json!({"endOfLifeDate": "2030-01-01", "replicaCount": 3, "excludeFromLatest": true, "targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]}),
    )));
    let sent = profile(json!({"excludeFromLatest": false}));
    let put = &scene.properties(sent.clone())["publishingProfile"];
    assert_eq!(
        (put["targetRegions"].as_array().unwrap().len(), &put["replicaCount"], put.get("endOfLifeDate")),
        (2, &json!(3), None)
    );
    let patched = scene.patch(sent).unwrap().properties;
    let patched = &patched["publishingProfile"];
    assert_eq!(
        (&patched["excludeFromLatest"], &patched["endOfLifeDate"]),
        (&json!(false), &json!("2030-01-01T00:00:00+00:00"))
    );
    assert_eq!(patched["publishedDate"], "2027-01-01T00:00:00+00:00");
}

#[test]
fn what_workers_add_stays() {
    let mut scene = published();
    let document = &mut scene.current.as_mut().unwrap().document;
    document.properties["storageProfile"]["osDiskImage"]["sizeInGB"] = json!(30);
    document.internal.insert("root".to_owned(), json!("b3:00"));
    let accepted = scene.put(from(json!({"osDiskImage": {"sizeInGB": 1, "source": {}}}))).unwrap();
    assert_eq!(accepted.properties["storageProfile"]["osDiskImage"]["sizeInGB"], 30);
    assert_eq!(accepted.internal, None);
}

#[rstest]
#[case(State::Failed)]
#[case(State::Canceled)]
fn what_failed_is_tried_again_with_the_same_source(#[case] state: State) {
    let mut scene = published();
    scene.current.as_mut().unwrap().document.state = state;
    let source = json!({"kind": "upload", "id": upload_id()});
    let again = Some(Work { kind: "image_version.publish", input: json!({"source": source}) });
    assert_eq!(work(&scene, json!({})), again);
    assert_eq!(work(&scene, body(json!({}))), again);
    assert_eq!(scene.patch(json!({})).unwrap().work, again);
}

#[test]
fn a_blob_is_the_same_whatever_its_signature() {
    let blob = |uri: &str| from(json!({"osDiskImage": {"source": {"uri": uri}}}));
    let mut scene = version().after(blob(BLOB));
    for uri in [BLOB, SHOWN_BLOB, "https://acc.blob.core.windows.net/vhds/os.vhd?sig=fresh"] {
        let accepted = scene.put(blob(uri)).unwrap();
        assert_eq!(accepted.properties["storageProfile"]["osDiskImage"]["source"]["uri"], SHOWN_BLOB);
        assert_eq!((accepted.work, accepted.internal), (None, None));
    }
    scene.check_refused(
        blob("https://acc.blob.core.windows.net/vhds/other.vhd?sig=x"),
        "PropertyChangeNotAllowed",
        &format!("{STORAGE}.osDiskImage.source.uri"),
        "is not allowed",
    );
    // After a failure a fresh signature is used, and the old one when there is none.
    scene.current.as_mut().unwrap().document.state = State::Failed;
    for (sent, used) in [
        (
            "https://acc.blob.core.windows.net/vhds/os.vhd?sig=fresh",
            "https://acc.blob.core.windows.net/vhds/os.vhd?sig=fresh",
        ),
        (SHOWN_BLOB, BLOB),
    ] {
        let accepted = scene.put(blob(sent)).unwrap();
        let source = json!({"kind": "blob", "uri": SHOWN_BLOB, "secret": used, "format": "vhd"});
        assert_eq!(accepted.work.map(|work| work.input), Some(json!({"source": source})));
        assert_eq!(accepted.internal.map(Value::Object), Some(json!({"source": source})));
        assert_eq!(accepted.properties["storageProfile"]["osDiskImage"]["source"]["uri"], SHOWN_BLOB);
    }
}

proptest! {
    #[test]
    fn what_a_get_shows_may_be_put_back(
        regions in prop::sample::subsequence(vec!["northeurope", "East US 2", "edge1"], 0..=3),
        counts in prop::collection::vec(prop::option::of(1..=20_u32), 4),
        common in prop::option::of(1..=20_u32),
        storage in prop::option::of(prop::sample::select(vec!["standard_zrs", "Premium_LRS", "PremiumV2_LRS"])),
        strategy in prop::option::of(prop::sample::select(vec!["PreferStandard_ZRS", "defaultstandard_lrs"])),
        mode in prop::option::of(prop::sample::select(vec!["full", "Shallow"])),
        hidden in prop::option::of(any::<bool>()),
        end in prop::option::of(prop::sample::select(vec!["2030-01-01", "2031-05-05T12:59:59.000Z", "2032-01-01T00:00:00.1234567+02:00"])),
        blob in any::<bool>(),
        expand in any::<bool>(),
    ) {
        let names = std::iter::once("West Europe").chain(regions);
        let targets: Vec<Value> = names
            .zip(counts)
            .map(|(name, count)| json!({"name": name, "regionalReplicaCount": count, "excludeFromLatest": hidden}))
            .collect();
        let source = if blob { json!({"uri": BLOB}) } else { json!({"id": upload_id()}) };
        let sent = json!({
            "publishingProfile": {
                "targetRegions": targets, "replicaCount": common, "storageAccountType": storage,
                "storageAccountStrategy": strategy, "replicationMode": mode, "excludeFromLatest": hidden, "endOfLifeDate": end,
            },
            "storageProfile": {"osDiskImage": {"source": source}},
            "safetyProfile": {"blockDeletionBeforeEndOfLife": end.map(|_| true)},
        });
        let Ok(accepted) = version().put(sent) else { return Ok(()) };
        let scene = version().standing(accepted, State::Succeeded);
        let again = scene.put(scene.get(expand.then_some("ReplicationStatus"), &[])).unwrap();
        prop_assert_eq!(&again.properties, &scene.current.as_ref().unwrap().document.properties);
        prop_assert_eq!(again.work, None);
    }
}
