//! Tags: at most 50; no name twice, which the body sees to (azure-api 14; limits of Azure Resource Manager).

use std::collections::BTreeMap;

use providers::Rejection;
use serde_json::Value;

/// Reads the `tags` member; `None` when it is absent or null.
///
/// # Errors
/// 400 `InvalidParameter` or `BadRequest` at `tags`.
pub(crate) fn read(value: Option<&Value>) -> Result<Option<BTreeMap<String, String>>, Rejection> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let Some(members) = value.as_object() else {
        return Err(Rejection::contradiction("Tags must be an object of strings.").at("tags"));
    };
    let refuse = |message: String| Err(Rejection::invalid("tags", message));
    if members.len() > 50 {
        return refuse(format!("A resource may have at most 50 tags; {} were sent.", members.len()));
    }
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in members {
        let Some(value) = value.as_str() else {
            return Err(Rejection::contradiction("Every tag value must be a string.").at("tags"));
        };
        if name.is_empty() || name.chars().count() > 512 || value.chars().count() > 256 {
            return refuse("A tag name may have 1 to 512 characters and a tag value at most 256.".to_owned());
        }
        let forbidden = |c: char| c.is_control() || matches!(c, '<' | '>' | '%' | '&' | '\\' | '?' | '/');
        if name.chars().any(forbidden) || value.chars().any(char::is_control) {
            return refuse(
                "Tag names may not hold control characters or any of <>%&\\?/; values no control characters."
                    .to_owned(),
            );
        }
        tags.insert(name.clone(), value.to_owned());
    }
    Ok(Some(tags))
}
