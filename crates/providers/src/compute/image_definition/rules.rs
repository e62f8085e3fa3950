//! What an image definition may be.

use arm::{ApiVersion, ResourceId};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Rejection;
use crate::compute::end_of_life;
use crate::shape::at;

/// From here on a definition is of generation 2 and trusted launch unless it says otherwise (azure-api 6.1, 6.2).
const MODERN_DEFAULTS_SINCE: &str = "2025-03-03";

/// The parts of an identifier and their greatest lengths.
const IDENTIFIER_PARTS: [(&str, usize); 3] = [("publisher", 128), ("offer", 64), ("sku", 64)];

/// Whether `api_version` is one whose clients expect generation 2.
pub(super) fn has_modern_defaults(api_version: &ApiVersion) -> bool {
    api_version.date() >= MODERN_DEFAULTS_SINCE
}

/// What a creation leaves unsaid.
pub(super) fn fill_defaults(
    properties: &mut Map<String, Value>,
    current: Option<&Map<String, Value>>,
    api_version: &ApiVersion,
) {
    if current.is_some() {
        return;
    }
    let generation = if has_modern_defaults(api_version) { "V2" } else { "V1" };
    properties.entry("hyperVGeneration").or_insert_with(|| generation.into());
    properties.entry("architecture").or_insert_with(|| "x64".into());
}

pub(super) fn identifier_is_well_formed(properties: &Map<String, Value>) -> Result<(), Rejection> {
    for (part, longest) in IDENTIFIER_PARTS {
        let value = identifier(properties, part);
        let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if plain && !value.ends_with('.') && value.len() <= longest {
            continue;
        }
        let target = format!("galleryImage.properties.identifier.{part}");
        let message = format!(
            "Asset name {target} is not valid. It may hold letters, digits, '.', '_' and '-', may not end with '.', and its length cannot exceed {longest}."
        );
        return Err(Rejection::invalid(target, message));
    }
    Ok(())
}

pub(super) fn least_is_at_most_most(properties: &Map<String, Value>) -> Result<(), Rejection> {
    for path in ["recommended.vCPUs", "recommended.memory"] {
        let bound = |name: &str| at(properties, &format!("{path}.{name}")).and_then(Value::as_i64);
        if let (Some(min), Some(max)) = (bound("min"), bound("max"))
            && min > max
        {
            let target = format!("galleryImage.properties.{path}");
            let message = format!(
                "The minimum value of '{target}' must not be greater than the maximum value of '{target}'."
            );
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

pub(super) fn end_of_life_is_ahead(
    now: Timestamp,
    current: Option<&Map<String, Value>>,
    properties: &Map<String, Value>,
) -> Result<(), Rejection> {
    end_of_life::is_ahead_when_changed(now, current, properties, "endOfLifeDate", "galleryImage")
}

pub(super) fn arm64_needs_generation_2(properties: &Map<String, Value>) -> Result<(), Rejection> {
    if text(properties, "architecture") == "Arm64" && text(properties, "hyperVGeneration") != "V2" {
        return Err(Rejection::invalid(
            "galleryImage.properties.architecture",
            "The architecture 'Arm64' is supported only with 'hyperVGeneration' 'V2'.",
        ));
    }
    Ok(())
}

/// Clients send empty objects and lists for what they do not say; answers leave them out.
pub(super) fn drop_empty(properties: &mut Map<String, Value>) {
    let says_nothing = |value: Option<&Value>| {
        value.is_some_and(|value| match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        })
    };
    if says_nothing(at(properties, "disallowed.diskTypes")) {
        properties.remove("disallowed");
    }
    if says_nothing(properties.get("features")) {
        properties.remove("features");
    }
}

/// Publisher, offer and SKU name a definition within its gallery.
pub(super) fn claim(id: &ResourceId, properties: &Map<String, Value>) -> String {
    let gallery = id.parent().map(|gallery| gallery.key()).unwrap_or_default();
    // A slash cannot occur in a part, so no two triples make one claim.
    let parts = IDENTIFIER_PARTS.map(|(part, _)| identifier(properties, part).to_ascii_lowercase());
    format!("{gallery}/identifier/{}", parts.join("/"))
}

pub(super) fn identifier_is_taken(
    properties: &Map<String, Value>,
    id: &ResourceId,
    holder: &ResourceId,
) -> Rejection {
    let [publisher, offer, sku] = IDENTIFIER_PARTS.map(|(part, _)| identifier(properties, part));
    let message = format!(
        "Gallery image: {} identified by (publisher:{publisher}, offer:{offer}, sku:{sku}) already exists. Choose a different publisher, offer, sku combination for '{}'.",
        holder.name(),
        id.name(),
    );
    Rejection::conflict("Conflict", message).at("galleryImage.properties.identifier")
}

pub(super) fn text<'a>(properties: &'a Map<String, Value>, name: &str) -> &'a str {
    properties.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn identifier<'a>(properties: &'a Map<String, Value>, part: &str) -> &'a str {
    at(properties, "identifier")
        .and_then(|identifier| identifier.get(part))
        .and_then(Value::as_str)
        .unwrap_or_default()
}
