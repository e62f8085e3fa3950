//! Soft delete: what a DELETE leaves, and what a PUT makes of it.

use rstest::rstest;
use serde_json::{Value, json};

use super::{body, definition, definition_id, over, upload, upload_id, version};
use crate::compute::gallery::Gallery;
use crate::compute::image_version::{SOFT_DELETED, SoftDeleted, aside, version_of};
use crate::testing::{Scene, compute, stored};
use crate::{Query, Removal, State, Stored};

/// A published version in a gallery with `policy`.
fn published(policy: Value) -> Scene {
    let mut scene = version().after(body(json!({})));
    scene.grandparent = Some(stored(&compute("galleries/g"), json!({"softDeletePolicy": policy})));
    let document = &mut scene.current.as_mut().unwrap().document;
    document.internal.remove("source");
    document.internal.insert("root".to_owned(), json!("b3:00"));
    scene
}

fn enabled() -> Value {
    json!({"isSoftDeleteEnabled": true, "retentionPeriodInDays": 3, "gracePeriodInDays": 2})
}

fn kept(scene: &Scene) -> Stored {
    match scene.delete().unwrap() {
        Removal::Becomes(stored) => *stored,
        Removal::Gone => panic!("it should be kept"),
    }
}

/// The number of a version that was soft-deleted, with nothing standing.
fn deleted() -> Scene {
    let mut scene = published(enabled());
    let aside = kept(&scene);
    scene.current = None;
    scene.link(aside)
}

#[test]
fn a_deleted_version_stands_aside_below_its_definition() {
    let scene = published(enabled());
    let before = scene.current.clone().unwrap().document;
    let aside = kept(&scene);
    assert!(aside.id.type_name().is(SOFT_DELETED));
    assert_eq!(aside.id.parent(), scene.id.parent());
    assert_eq!(version_of(&aside.id).as_ref(), Some(&scene.id));
    assert_eq!((&aside.document.properties, aside.document.state), (&before.properties, State::Succeeded));
    let times = SoftDeleted::of(&aside.document).unwrap();
    assert_eq!(
        times.properties(&scene.id),
        json!({
            "resourceArmId": scene.id.to_string(),
            "softDeletedArtifactType": "Images",
            "softDeletedTime": "2027-01-01T00:00:00+00:00",
            "consumptionEndTime": "2027-01-04T00:00:00+00:00",
            "hardDeletionTargetTime": "2027-01-06T00:00:00+00:00",
        })
    );
}

#[test]
fn a_policy_without_periods_keeps_for_seven_days() {
    let times = SoftDeleted::of(&kept(&published(json!({"isSoftDeleteEnabled": true}))).document).unwrap();
    assert_eq!(times.consumption_ends_at.to_string(), "2027-01-08T00:00:00Z");
    assert_eq!(times.purged_at, times.consumption_ends_at);
}

#[rstest]
#[case::no_policy(published(json!({})), false)]
#[case::switched_off(published(json!({"isSoftDeleteEnabled": false, "retentionPeriodInDays": 3})), false)]
#[case::bypassed(published(enabled()), true)]
#[case::failed(in_state(State::Failed), false)]
#[case::canceled(in_state(State::Canceled), false)]
#[case::without_bytes(version().after(body(json!({}))), false)]
fn what_is_not_kept_is_gone(#[case] scene: Scene, #[case] bypass_soft_delete: bool) {
    let query = Query { bypass_soft_delete, ..Query::default() };
    assert_eq!(scene.delete_with(&query), Ok(Removal::Gone));
}

fn in_state(state: State) -> Scene {
    let mut scene = published(enabled());
    scene.current.as_mut().unwrap().document.state = state;
    scene
}

#[rstest]
#[case::az(json!({}))]
#[case::az_with_safety(json!({"safetyProfile": {"allowDeletionOfReplicatedLocations": false}}))]
#[case::newer(json!({"restore": true, "storageProfile": {}}))]
#[case::blanked(json!({"restore": true, "storageProfile": {"osDiskImage": {"hostCaching": "None", "source": {}}}}))]
fn a_put_without_a_source_takes_it_back(#[case] sent: Value) {
    let before = published(enabled()).current.unwrap().document;
    let accepted = deleted().put(sent).unwrap();
    assert_eq!(accepted.properties, before.properties);
    assert_eq!(accepted.internal, Some(before.internal));
    assert_eq!(accepted.instead_of, aside(&version().id));
    assert_eq!(accepted.work.unwrap().kind, "image_version.publish");
}

#[test]
fn the_safety_profile_may_be_said_when_it_comes_back() {
    let accepted =
        deleted().put(json!({"safetyProfile": {"allowDeletionOfReplicatedLocations": true}})).unwrap();
    assert_eq!(accepted.properties["safetyProfile"]["allowDeletionOfReplicatedLocations"], true);
    deleted().check_refused(
        json!({"safetyProfile": {"blockDeletionBeforeEndOfLife": true}}),
        "InvalidParameter",
        "galleryImageVersion.properties.safetyProfile.blockDeletionBeforeEndOfLife",
        "endOfLifeDate",
    );
}

#[rstest]
#[case::upload(body(json!({})))]
#[case::upload_and_restore(body(json!({"restore": true})))]
#[case::whole(json!({"storageProfile": {"source": {"id": compute("images/i")}}}))]
#[case::data_disk(json!({"storageProfile": {"dataDiskImages": [{"lun": 0, "source": {"id": compute("disks/d")}}]}}))]
fn its_number_is_not_given_to_another(#[case] sent: Value) {
    let scene = deleted();
    scene.check_refused(sent.clone(), "Conflict", "galleryImageVersion.name", "is soft-deleted");
    scene.check_refused(sent, "Conflict", "galleryImageVersion.name", "softDeletedArtifactTypes");
}

#[test]
fn nothing_is_restored_where_nothing_was_deleted() {
    let target = "galleryImageVersion.properties.restore";
    version().check_refused(json!({"restore": true}), "InvalidParameter", target, "no soft-deleted");
    // What stands is as if restored.
    let mut scene = version().after(body(json!({})));
    scene.parent = Some(definition(&definition_id(), json!({})));
    assert!(scene.link(upload()).put(json!({"restore": true, "storageProfile": {}})).is_ok());
    assert!(upload_id().contains("uploads"));
}

#[test]
fn a_policy_is_filled_and_not_lost_by_leaving_it_out() {
    let gallery = Scene::new(&Gallery, &compute("galleries/g"));
    let scene = gallery.after(json!({"softDeletePolicy": {"isSoftDeleteEnabled": "true"}}));
    let filled = json!({"isSoftDeleteEnabled": true, "retentionPeriodInDays": 7});
    let policy = |sent: Value| scene.properties(sent)["softDeletePolicy"].clone();
    assert_eq!(policy(json!({"description": "d"})), filled);
    assert_eq!(policy(json!({"softDeletePolicy": {}})), filled);
    let off = json!({"isSoftDeleteEnabled": false});
    assert_eq!(policy(over(json!({}), json!({"softDeletePolicy": off}))), off);
}
