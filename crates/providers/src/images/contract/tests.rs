//! Every rule of contracts as a table of bodies and answers.

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::Contract;
use crate::testing::{Scene, check_refusal, compute};

fn scene() -> Scene {
    let definition = compute("galleries/g/images/d");
    Scene::new(&Contract, &format!("{definition}/providers/Gallerist.Images/contracts/default"))
}

#[rstest]
#[case::nothing(json!({}), json!({"mode": "Default"}))]
#[case::off(json!({"mode": "off"}), json!({"mode": "Off"}))]
#[case::rules(
    json!({"mode": "warn", "rules": {"arch-match": "IGNORE", "GEN-MACHINE-ID": "refuse"}}),
    json!({"mode": "Warn", "rules": {"ARCH-MATCH": "ignore", "GEN-MACHINE-ID": "refuse"}})
)]
#[case::waivers(
    json!({"unknown": "Refuse", "waivers": [{"rule": "gen-hostname", "reason": "an appliance", "expiresOn": "2027-01-01T00:00:00Z"}]}),
    json!({"mode": "Default", "unknown": "refuse", "waivers": [{"rule": "GEN-HOSTNAME", "reason": "an appliance", "expiresOn": "2027-01-01T00:00:00+00:00"}]})
)]
fn a_contract_is_kept_in_one_spelling(#[case] sent: Value, #[case] kept: Value) {
    assert_eq!(scene().properties(sent), kept);
}

#[rstest]
#[case::mode(json!({"mode": "strict"}), "contract.properties.mode", "Default, Warn, Off")]
#[case::outcome(json!({"rules": {"ARCH-MATCH": "deny"}}), "contract.properties.rules.ARCH-MATCH", "refuse, warn, ignore")]
#[case::empty_id(json!({"rules": {"": "warn"}}), "contract.properties.rules", "is no rule id")]
#[case::strange_id(json!({"rules": {"a b": "warn"}}), "contract.properties.rules", "'a b' in parameter")]
#[case::strange_waiver(json!({"waivers": [{"rule": "*", "reason": "all"}]}), "contract.properties.waivers", "'*' in parameter")]
#[case::silent_waiver(json!({"waivers": [{"rule": "GEN-HOSTNAME"}]}), "contract.properties.waivers", "no 'reason'")]
fn a_malformed_contract_is_refused(#[case] sent: Value, #[case] target: &str, #[case] words: &str) {
    scene().check_refused(sent, "InvalidParameter", target, words);
}

#[test]
fn too_many_rules_are_refused() {
    let rules: Map<String, Value> = (0..257).map(|n| (format!("RULE-{n}"), "warn".into())).collect();
    scene().check_refused(json!({ "rules": rules }), "InvalidParameter", "contract.properties.rules", "257");
}

#[test]
fn it_is_called_default_and_hangs_below_a_definition() {
    let definition = compute("galleries/g/images/d");
    let other = Scene::new(&Contract, &format!("{definition}/providers/Gallerist.Images/contracts/mine"));
    other.check_refused(json!({}), "InvalidParameter", "contract.name", "called 'default'");
    let gallery = compute("galleries/g");
    let astray = Scene::new(&Contract, &format!("{gallery}/providers/Gallerist.Images/contracts/default"));
    let refusal = astray.put(json!({})).unwrap_err();
    check_refusal(&refusal, "BadRequest", "contract.id", "not below 'Microsoft.Compute/galleries'");
}
