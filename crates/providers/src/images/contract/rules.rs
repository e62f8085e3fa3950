//! What a contract may be.

use arm::ResourceId;
use serde_json::{Map, Value};

use super::wire::DEFAULT;
use crate::Rejection;

const MOST_RULES: usize = 256;
const LONGEST_RULE: usize = 64;

/// There is one contract, so there is one name.
pub(super) fn name_is_default(name: &str) -> Result<(), Rejection> {
    if name.eq_ignore_ascii_case("default") {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let message =
        format!("The contract name '{shown}' is invalid. An image definition has one, called 'default'.");
    Err(Rejection::invalid("contract.name", message))
}

pub(super) fn hangs_below_a_definition(id: &ResourceId) -> Result<(), Rejection> {
    let below = id.parent().map(|parent| parent.type_name());
    if below.as_ref().is_some_and(|kind| kind.is("Microsoft.Compute/galleries/images")) {
        return Ok(());
    }
    let shown = below.map(|kind| kind.to_string()).unwrap_or_default();
    Err(Rejection::contradiction(format!(
        "A contract belongs below an image definition (Microsoft.Compute/galleries/images), not below '{shown}'."
    ))
    .at("contract.id"))
}

/// Rules are named by their ids, `ARCH-MATCH`; which there are, reports say.
pub(super) fn rules_are_named_well(properties: &Map<String, Value>) -> Result<(), Rejection> {
    let rules = properties.get("rules").and_then(Value::as_object);
    let rules = rules.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    are_ids(rules, "contract.properties.rules")?;
    let waivers = properties.get("waivers").and_then(Value::as_array).into_iter().flatten();
    let (mut waived, target) = (Vec::new(), "contract.properties.waivers");
    for waiver in waivers {
        let reason = waiver.get("reason").and_then(Value::as_str).unwrap_or_default();
        if reason.trim().is_empty() {
            return Err(Rejection::invalid(
                target,
                format!(
                    "A waiver in parameter '{target}' has no 'reason'. Say why its rule is not held against images."
                ),
            ));
        }
        waived.push(waiver.get("rule").and_then(Value::as_str).unwrap_or_default());
    }
    are_ids(waived, target)
}

fn are_ids(rules: Vec<&str>, target: &str) -> Result<(), Rejection> {
    if rules.len() > MOST_RULES {
        let message =
            format!("Parameter '{target}' names {} rules. It may name at most {MOST_RULES}.", rules.len());
        return Err(Rejection::invalid(target, message));
    }
    let is_id = |id: &str| {
        !id.is_empty()
            && id.len() <= LONGEST_RULE
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    match rules.into_iter().find(|id| !is_id(id)) {
        None => Ok(()),
        Some(id) => {
            let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
            let message = format!(
                "'{shown}' in parameter '{target}' is no rule id. Take the ids from an inspection report, such as 'ARCH-MATCH'."
            );
            Err(Rejection::invalid(target, message))
        }
    }
}

/// Rule ids are written in capitals; nothing said is the default.
pub(super) fn settled(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut properties = wanted.clone();
    properties.entry("mode").or_insert_with(|| DEFAULT.into());
    if let Some(Value::Object(rules)) = properties.get_mut("rules") {
        *rules = std::mem::take(rules)
            .into_iter()
            .map(|(id, outcome)| (id.to_ascii_uppercase(), outcome))
            .collect();
    }
    for waiver in properties.get_mut("waivers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::String(rule)) = waiver.get_mut("rule") {
            rule.make_ascii_uppercase();
        }
    }
    properties
}
