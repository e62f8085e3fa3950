//! What a version comes to: defaults, states, retries, deletion.

use rstest::rstest;
use serde_json::{Value, json};

use super::{body, profile, version};
use crate::testing::check_refusal;
use crate::{Removal, State};

#[rstest]
#[case::two_parts("1.0")]
#[case::words("latest")]
#[case::recent("recent")]
#[case::suffix("1.0.0-rc1")]
#[case::leading_zero("1.01.0")]
#[case::negative("1.-1.0")]
fn a_name_that_is_no_version_is_refused(#[case] name: &str) {
    let refusal = version().kind.check_name(name).unwrap_err();
    check_refusal(
        &refusal,
        "InvalidParameter",
        "galleryImageVersion.name",
        "Major(int).Minor(int).Patch(int)",
    );
}

#[test]
fn a_part_of_a_name_fits_an_integer() {
    assert_eq!(version().kind.check_name("0.0.2147483647"), Ok(()));
    let refusal = version().kind.check_name("0.0.2147483648").unwrap_err();
    check_refusal(
        &refusal,
        "InvalidParameter",
        "galleryImageVersion.name",
        "between 0 and 2147483647, inclusive",
    );
}

#[test]
fn siblings_are_ordered_by_number() {
    let kind = version().kind;
    assert!(kind.sort_key("1.0.2") < kind.sort_key("1.0.10"));
}

#[test]
fn what_goes_away_is_not_updated() {
    let mut scene = version().after(body(json!({})));
    scene.current.as_mut().unwrap().document.state = State::Deleting;
    scene.check_refused(
        json!({}),
        "OperationNotAllowed",
        "",
        "is not allowed on '1.1.2' since it is marked for deletion",
    );
}

#[test]
fn blocking_deletion_needs_an_end_of_life() {
    let target = "galleryImageVersion.properties.safetyProfile.blockDeletionBeforeEndOfLife";
    let block = json!({"safetyProfile": {"blockDeletionBeforeEndOfLife": true}});
    version().check_refused(
        body(block.clone()),
        "InvalidParameter",
        target,
        "publishingProfile.endOfLifeDate",
    );
    let scene = version().after(super::over(body(block), profile(json!({"endOfLifeDate": "2028-01-01"}))));
    // Taking the date away would make the promise empty.
    scene.check_refused(
        profile(json!({"excludeFromLatest": true})),
        "InvalidParameter",
        target,
        "endOfLifeDate",
    );
}

#[rstest]
#[case::blocked(true, "2027-12-31T23:59:59Z", false)]
#[case::over(true, "2028-01-01T00:00:00Z", true)]
#[case::not_asked(false, "2027-06-01T00:00:00Z", true)]
fn a_version_lives_until_its_end_when_asked(#[case] blocks: bool, #[case] now: &str, #[case] goes: bool) {
    let mut scene = version().after(body(json!({
        "publishingProfile": {"endOfLifeDate": "2028-01-01"}, "safetyProfile": {"blockDeletionBeforeEndOfLife": blocks},
    })));
    scene.now = now.parse().unwrap();
    match scene.delete() {
        Ok(removal) => assert!(goes && removal == Removal::Gone),
        Err(refusal) => {
            assert!(!goes, "{refusal}");
            check_refusal(
                &refusal,
                "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
                "",
                "2028-01-01T00:00:00+00:00",
            );
        }
    }
}

#[test]
fn a_safety_profile_that_is_left_out_stays_and_one_that_is_said_replaces() {
    let safety = |scene: &crate::testing::Scene, sent: Value| scene.properties(sent)["safetyProfile"].clone();
    let both = json!({"blockDeletionBeforeEndOfLife": true, "allowDeletionOfReplicatedLocations": true});
    let scene = version().after(super::over(
        body(json!({"safetyProfile": both})),
        profile(json!({"endOfLifeDate": "2028-01-01"})),
    ));
    let stands = json!({"blockDeletionBeforeEndOfLife": true, "allowDeletionOfReplicatedLocations": true, "reportedForPolicyViolation": false});
    assert_eq!(safety(&scene, json!({})), stands);
    assert_eq!(
        safety(&scene, json!({"safetyProfile": {"blockDeletionBeforeEndOfLife": false}})),
        json!({"blockDeletionBeforeEndOfLife": false, "allowDeletionOfReplicatedLocations": false, "reportedForPolicyViolation": false})
    );
}
