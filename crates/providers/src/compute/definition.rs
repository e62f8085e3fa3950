//! What applications, scripts and access control profiles check alike.

use std::collections::HashSet;

use serde_json::Value;

use super::end_of_life;
use crate::{Put, Rejection};

/// An end of life that is set or moved lies in the future.
pub(super) fn end_lies_ahead(put: &Put<'_>, subject: &str) -> Result<(), Rejection> {
    let current = put.current.map(|current| &current.document.properties);
    end_of_life::is_ahead_when_changed(put.now, current, put.wanted, "endOfLifeDate", subject)
}

/// Custom actions are told apart by name, and so are the parameters of each.
pub(super) fn actions_are_named_once(actions: Option<&Value>, place: &str) -> Result<(), Rejection> {
    let actions = actions.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    are_named_once(actions, place)?;
    for (number, action) in actions.iter().enumerate() {
        let place = format!("{place}[{number}]");
        let has_script = action["script"].as_str().is_some_and(|script| !script.is_empty());
        if !has_script {
            return Err(missing(&format!("{place}.script")));
        }
        let parameters = action["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        are_named_once(parameters, &format!("{place}.parameters"))?;
    }
    Ok(())
}

/// Each of `items` has a name, and no two have the same.
pub(super) fn are_named_once(items: &[Value], place: &str) -> Result<(), Rejection> {
    let mut seen = HashSet::new();
    for (number, item) in items.iter().enumerate() {
        let target = format!("{place}[{number}].name");
        let name = item["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| missing(&target))?;
        if !seen.insert(name.to_ascii_lowercase()) {
            let message = format!("The name '{name}' stands twice in '{place}'. Give each its own name.");
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

pub(super) fn missing(target: &str) -> Rejection {
    Rejection::invalid(target, format!("Required parameter '{target}' is missing (null)."))
}
