//! What the rules of an access control profile may be: each part named once, and nothing named that is not there.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::ARTIFACT;
use crate::Rejection;
use crate::compute::definition::{are_named_once, missing};
use crate::shape::at;

pub(super) fn are_whole(properties: &Map<String, Value>) -> Result<(), Rejection> {
    for name in ["mode", "defaultAccess"] {
        if !properties.contains_key(name) {
            return Err(ARTIFACT.missing(name));
        }
    }
    for part in ["privileges", "roles", "identities"] {
        are_named_once(list(properties, part), &place(part))?;
    }
    for (number, privilege) in list(properties, "privileges").iter().enumerate() {
        if privilege["path"].as_str().is_none_or(str::is_empty) {
            return Err(missing(&format!("{}[{number}].path", place("privileges"))));
        }
    }
    let privileges = names(properties, "privileges");
    for (number, role) in list(properties, "roles").iter().enumerate() {
        let target = format!("{}[{number}].privileges", place("roles"));
        are_known(&role["privileges"], &privileges, "privilege", &target)?;
    }
    let (roles, identities) = (names(properties, "roles"), names(properties, "identities"));
    for (number, assignment) in list(properties, "roleAssignments").iter().enumerate() {
        let target = format!("{}[{number}]", place("roleAssignments"));
        let role = assignment["role"].as_str().filter(|role| !role.is_empty());
        let role = role.ok_or_else(|| missing(&format!("{target}.role")))?;
        are_known(&Value::from(vec![role]), &roles, "role", &format!("{target}.role"))?;
        are_known(&assignment["identities"], &identities, "identity", &format!("{target}.identities"))?;
    }
    Ok(())
}

fn are_known(asked: &Value, known: &HashSet<String>, what: &str, target: &str) -> Result<(), Rejection> {
    let asked = asked.as_array().filter(|asked| !asked.is_empty()).ok_or_else(|| missing(target))?;
    let unknown =
        asked.iter().filter_map(Value::as_str).find(|name| !known.contains(&name.to_ascii_lowercase()));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "The {what} '{name}' at '{target}' is not among the rules. Define it, or name another."
            );
            Err(Rejection::invalid(target, message))
        }
    }
}

fn list<'a>(properties: &'a Map<String, Value>, part: &str) -> &'a [Value] {
    let list = at(properties, &format!("rules.{part}")).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn names(properties: &Map<String, Value>, part: &str) -> HashSet<String> {
    let names = list(properties, part).iter().filter_map(|item| item["name"].as_str());
    names.map(str::to_ascii_lowercase).collect()
}

fn place(part: &str) -> String {
    ARTIFACT.target(&format!("rules.{part}"))
}
