//! What a gallery shows when it is asked for more.

use serde_json::{Map, Value};

use crate::{Query, Show};

/// The properties; with whom it is shared, and how far that got, only when asked.
pub(super) fn properties(show: &Show<'_>) -> Map<String, Value> {
    let mut properties = show.stored.document.properties.clone();
    if asks_for_sharing(show.query) {
        let profile = properties.entry("sharingProfile").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(profile) = profile {
            profile.entry("permissions").or_insert_with(|| "Private".into());
            profile.entry("groups").or_insert_with(|| Value::Array(Vec::new()));
        }
    } else {
        properties.remove("sharingStatus");
        if let Some(Value::Object(profile)) = properties.get_mut("sharingProfile") {
            profile.remove("groups");
        }
    }
    properties
}

fn asks_for_sharing(query: &Query) -> bool {
    let asks = |option: &Option<String>, word: &str| {
        option
            .iter()
            .flat_map(|option| option.split(','))
            .any(|asked| asked.trim().eq_ignore_ascii_case(word))
    };
    asks(&query.select, "Permissions") || asks(&query.expand, "SharingProfile/Groups")
}
