//! How far replicas are, and how that reads.

use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Progress, ProgressState};
use super::{body, profile, version};
use crate::testing::Scene;
use crate::{Query, State};

fn published() -> Scene {
    version().after(body(profile(json!({"targetRegions": [{"name": "westeurope"}, {"name": "eastus2"}]}))))
}

fn facet(region: &str, progress: Value) -> (String, Value) {
    (format!("replica/{region}"), progress)
}

#[test]
fn replicas_are_shown_only_when_asked_for() {
    let asks = |expand: Option<&str>| {
        let query = Query { expand: expand.map(str::to_owned), ..Query::default() };
        version().kind.facets(&query)
    };
    assert_eq!(asks(Some("replicationstatus")), Some("replica/"));
    assert_eq!(asks(Some("UefiSettings, ReplicationStatus")), Some("replica/"));
    assert_eq!(asks(Some("UefiSettings")), None);
    assert_eq!(asks(None), None);
    assert_eq!(published().get(None, &[]).get("replicationStatus"), None);
}

#[test]
fn each_region_tells_how_far_it_is() {
    let mut scene = published();
    scene.current.as_mut().unwrap().document.state = State::Updating;
    let facets = [
        facet(
            "westeurope",
            json!({"state": "Completed", "doneBytes": 3_221_225_472_u64, "totalBytes": 3_221_225_472_u64, "attempts": 1}),
        ),
        facet(
            "eastus2",
            json!({"state": "Copying", "doneBytes": 1_288_490_188_u64, "totalBytes": 3_221_225_472_u64, "etaSeconds": 130, "error": null, "attempts": 1}),
        ),
        facet("edge1", json!({"state": "Failed", "doneBytes": 0, "totalBytes": 0})),
    ];
    let status = &scene.get(Some("ReplicationStatus"), &facets)["replicationStatus"];
    let wanted = json!({"aggregatedState": "InProgress", "summary": [
        {"region": "East US 2", "state": "Replicating", "progress": 39, "details": "1.1 GiB of 3.0 GiB copied (39 %), about 3 minutes left.",
            "bytesDone": 1_288_490_188_u64, "bytesTotal": 3_221_225_472_u64, "etaSeconds": 130},
        {"region": "West Europe", "state": "Completed", "progress": 100, "details": "Complete; 3.0 GiB copied.",
            "bytesDone": 3_221_225_472_u64, "bytesTotal": 3_221_225_472_u64, "etaSeconds": null},
    ]});
    assert_eq!(*status, wanted);
}

#[rstest]
#[case::all_done(State::Succeeded, Some("Completed"), Some("Completed"), "Completed")]
#[case::one_failed(State::Failed, Some("Completed"), Some("Failed"), "Failed")]
#[case::failed_and_copying(State::Updating, Some("Copying"), Some("Failed"), "Failed")]
#[case::waiting(State::Creating, Some("Pending"), Some("Completed"), "InProgress")]
#[case::not_begun(State::Creating, None, None, "InProgress")]
#[case::unheard_of(State::Succeeded, Some("Completed"), None, "Unknown")]
#[case::nonsense(State::Succeeded, Some("Completed"), Some("Lost"), "Unknown")]
fn regions_add_up(
    #[case] state: State,
    #[case] first: Option<&str>,
    #[case] second: Option<&str>,
    #[case] wanted: &str,
) {
    let mut scene = published();
    scene.current.as_mut().unwrap().document.state = state;
    let facets: Vec<_> = [("westeurope", first), ("eastus2", second)]
        .into_iter()
        .filter_map(|(region, word)| Some(facet(region, json!({"state": word?}))))
        .collect();
    let shown = scene.get(Some("ReplicationStatus"), &facets);
    assert_eq!(shown["replicationStatus"]["aggregatedState"], wanted);
    assert_eq!(shown["replicationStatus"]["summary"].as_array().unwrap().len(), 2);
}

#[rstest]
#[case::nothing(0, 0, 0)]
#[case::half(1, 2, 50)]
#[case::almost(999, 1000, 99)]
#[case::all_but_not_verified(1000, 1000, 99)]
#[case::more_than_known(5, 0, 99)]
#[case::huge(u64::MAX, u64::MAX, 99)]
fn a_hundred_percent_means_complete(#[case] done: u64, #[case] total: u64, #[case] wanted: u64) {
    let progress = Progress {
        state: ProgressState::Copying,
        done_bytes: done,
        total_bytes: total,
        ..Progress::default()
    };
    assert_eq!(progress.percent(), wanted);
    assert_eq!(Progress { state: ProgressState::Completed, ..progress }.percent(), 100);
}

#[rstest]
#[case::begun(json!({"state": "Copying", "doneBytes": 512, "totalBytes": 0}), "512 B copied.")]
#[case::no_eta(json!({"state": "Copying", "doneBytes": 1024, "totalBytes": 2048}), "1.0 KiB of 2.0 KiB copied (50 %).")]
#[case::seconds(json!({"state": "Copying", "doneBytes": 0, "totalBytes": 2048, "etaSeconds": 1}), "0 B of 2.0 KiB copied (0 %), about 1 second left.")]
#[case::hours(json!({"state": "Copying", "doneBytes": 0, "totalBytes": 2_199_023_255_552_u64, "etaSeconds": 7300}), "0 B of 2.0 TiB copied (0 %), about 3 hours left.")]
#[case::waiting(json!({"state": "Pending"}), "Waiting to be copied.")]
#[case::failed(json!({"state": "Failed", "doneBytes": 1_048_576, "totalBytes": 4_194_304, "error": "no space left in the region", "attempts": 3}),
    "Failed with 1.0 MiB of 4.0 MiB copied (25 %). Last error (attempt 3): no space left in the region")]
#[case::tried_again(json!({"state": "Copying", "doneBytes": 0, "totalBytes": 1024, "error": "timeout", "attempts": 1}), "0 B of 1.0 KiB copied (0 %). Last error: timeout")]
#[case::over(json!({"state": "Completed", "doneBytes": 1024, "totalBytes": 1024, "error": "timeout", "attempts": 2}), "Complete; 1.0 KiB copied.")]
fn details_are_for_people(#[case] document: Value, #[case] wanted: &str) {
    let shown = published().get(Some("ReplicationStatus"), &[facet("eastus2", document)]);
    assert_eq!(shown["replicationStatus"]["summary"][0]["details"], wanted);
}
