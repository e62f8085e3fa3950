//! Which version is the latest.

use arm::Region;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Candidate, latest};
use crate::testing::stored;
use crate::{Document, State};

struct Version(&'static str, Document, Vec<Region>);

fn a_version(name: &'static str, publishing: Value) -> Version {
    let document = stored("/subscriptions/s", json!({"publishingProfile": publishing})).document;
    Version(name, document, vec![region("westeurope"), region("eastus2")])
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn check(versions: &[Version], asked: Option<&str>, wanted: Option<&str>) {
    let candidates = || {
        versions.iter().map(|Version(name, document, completed)| Candidate {
            name: name.parse().unwrap(),
            document,
            completed,
        })
    };
    let asked = asked.map(region);
    for found in [latest(candidates(), asked.as_ref()), latest(candidates().rev(), asked.as_ref())] {
        assert_eq!(found.map(|found| found.name.to_string()).as_deref(), wanted);
    }
}

#[test]
fn numbers_decide() {
    let versions = ["1.0.10", "1.0.2", "0.9.11"].map(|name| a_version(name, json!({})));
    check(&versions, Some("westeurope"), Some("1.0.10"));
    check(&versions, None, Some("1.0.10"));
    check(&[], None, None);
}

#[rstest]
#[case::common(json!({"excludeFromLatest": true}), Some("1.0.0"), Some("1.0.0"))]
#[case::region_over_common(json!({"excludeFromLatest": true, "targetRegions": [{"name": "West Europe", "excludeFromLatest": false}]}), Some("2.0.0"), Some("1.0.0"))]
#[case::region_alone(json!({"excludeFromLatest": false, "targetRegions": [{"name": "East US 2"}, {"name": "West Europe", "excludeFromLatest": true}]}), Some("1.0.0"), Some("2.0.0"))]
#[case::another_region(json!({"targetRegions": [{"name": "East US 2", "excludeFromLatest": true}]}), Some("2.0.0"), Some("2.0.0"))]
#[case::past_its_end(json!({"endOfLifeDate": "1999-01-01T00:00:00+00:00"}), Some("2.0.0"), Some("2.0.0"))]
fn what_is_excluded_is_not_latest(
    #[case] newer: Value,
    #[case] in_region: Option<&str>,
    #[case] anywhere: Option<&str>,
) {
    let versions = [a_version("1.0.0", json!({})), a_version("2.0.0", newer)];
    check(&versions, Some("westeurope"), in_region);
    check(&versions, None, anywhere);
}

#[rstest]
fn what_was_never_published_or_goes_away_is_not_latest(
    #[values(State::Creating, State::Canceled, State::Deleting)] state: State,
) {
    let mut newer = a_version("2.0.0", json!({}));
    newer.1.state = state;
    check(&[newer, a_version("1.0.0", json!({}))], Some("westeurope"), Some("1.0.0"));
}

#[rstest]
fn a_version_stays_latest_where_it_is_complete_while_another_region_is_added_or_fails(
    #[values(State::Succeeded, State::Updating, State::Failed)] state: State,
) {
    let mut newer = a_version("2.0.0", json!({}));
    newer.1.state = state;
    let versions = [newer, a_version("1.0.0", json!({}))];
    check(&versions, Some("westeurope"), Some("2.0.0"));
    check(&versions, None, Some("2.0.0"));
}

#[test]
fn a_failed_version_that_is_complete_nowhere_is_not_latest() {
    let mut newer = a_version("2.0.0", json!({}));
    newer.1.state = State::Failed;
    newer.2 = Vec::new();
    check(&[newer, a_version("1.0.0", json!({}))], None, Some("1.0.0"));
}

#[test]
fn a_version_is_latest_where_it_is_complete() {
    let mut newer = a_version("2.0.0", json!({}));
    newer.2 = vec![region("eastus2")];
    let versions = [newer, a_version("1.0.0", json!({}))];
    check(&versions, Some("westeurope"), Some("1.0.0"));
    check(&versions, Some("eastus2"), Some("2.0.0"));
    check(&versions, Some("edge1"), None);
    check(&versions, None, Some("2.0.0"));
}
