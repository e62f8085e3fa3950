//! Features of an image definition: what machines made of it may rely on (azure-api 6.2).
//!
//! A value is stored in one spelling; a change needs `allowUpdateImage`.

use arm::{ApiVersion, VersionName};
use serde_json::{Map, Value, json};

use super::rules::{has_modern_defaults, text};
use crate::compute::gallery;
use crate::{Rejection, Stored};

const TARGET: &str = "galleryImage.properties.features";

/// Which values a feature takes.
enum Values {
    Switch,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
}

const FEATURES: [(&str, Values); 6] = [
    ("SecurityType", Values::OneOf(SECURITY_TYPES)),
    ("IsAcceleratedNetworkSupported", Values::Switch),
    ("IsHibernateSupported", Values::Switch),
    ("DiskControllerTypes", Values::SomeOf(&["SCSI", "NVMe"])),
    ("IsSecureBootSupported", Values::Switch),
    ("IsMeasuredBootSupported", Values::Switch),
];

const SECURITY_TYPES: &[&str] = &[
    "Standard",
    "TrustedLaunch",
    "TrustedLaunchSupported",
    "ConfidentialVM",
    "ConfidentialVMSupported",
    "TrustedLaunchAndConfidentialVmSupported",
];

/// Checks and normalises `features`, or keeps what stands.
pub(super) fn settle(
    properties: &mut Map<String, Value>,
    current: Option<&Map<String, Value>>,
    directives: &Map<String, Value>,
    api_version: &ApiVersion,
) -> Result<(), Rejection> {
    let may_change = current.is_none() || directives.get("allowUpdateImage") == Some(&Value::Bool(true));
    let stands = current.and_then(|current| current.get("features"));
    let asked = match properties.remove("features") {
        Some(Value::Array(asked)) => Some(asked).filter(|asked| may_change || !asked.is_empty()),
        _ => None,
    };
    let settled = match asked {
        Some(asked) => Some(Value::Array(normalised(&asked)?)),
        None => stands.cloned(),
    };
    if !may_change && settled.as_ref() != stands {
        let mut refusal = Rejection::change(TARGET);
        refusal
            .detail
            .message
            .push_str(" Set 'allowUpdateImage' to true to change the features of an image.");
        return Err(refusal);
    }
    properties.extend(settled.map(|features| ("features".to_owned(), features)));
    if current.is_none() {
        add_default_security_type(properties, api_version);
    }
    security_needs_generation_2(properties)
}

/// The `SecurityType` that a definition gives to `version`; `Standard` when it says nothing.
pub(in crate::compute) fn security_type(properties: &Map<String, Value>, version: VersionName) -> &str {
    let features = properties.get("features").and_then(Value::as_array).into_iter().flatten();
    let since = |feature: &Value| {
        feature["startsAtVersion"].as_str().and_then(|text| text.parse::<VersionName>().ok())
    };
    let effective = features.filter(|feature| {
        feature["name"] == "SecurityType" && since(feature).is_none_or(|since| since <= version)
    });
    effective
        .max_by_key(|feature| since(feature))
        .and_then(|feature| feature["value"].as_str())
        .unwrap_or("Standard")
}

fn normalised(asked: &[Value]) -> Result<Vec<Value>, Rejection> {
    let mut features: Vec<Value> = Vec::with_capacity(asked.len());
    for (at, feature) in asked.iter().enumerate() {
        let feature = one(feature, &format!("{TARGET}[{at}]"))?;
        let same = |other: &Value| {
            other["name"] == feature["name"] && other.get("startsAtVersion") == feature.get("startsAtVersion")
        };
        if features.iter().any(same) {
            let name = feature["name"].as_str().unwrap_or_default();
            return Err(Rejection::invalid(
                TARGET,
                format!("The feature '{name}' is specified more than once."),
            ));
        }
        features.push(feature);
    }
    Ok(features)
}

fn one(feature: &Value, path: &str) -> Result<Value, Rejection> {
    let member =
        |name: &str| feature.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let missing = |name: &str| {
        let target = format!("{path}.{name}");
        let message = format!("Required parameter '{target}' is missing (null).");
        Rejection::invalid(target, message)
    };
    let asked = member("name").ok_or_else(|| missing("name"))?;
    let Some((name, values)) = FEATURES.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked)) else {
        let names: Vec<&str> = FEATURES.iter().map(|(name, _)| *name).collect();
        return Err(not_allowed(&format!("{path}.name"), asked, &names));
    };
    let value =
        canonical(values, member("value").ok_or_else(|| missing("value"))?, &format!("{path}.value"))?;
    let mut settled = json!({"name": name, "value": value});
    if let Some(text) = member("startsAtVersion") {
        let version: VersionName = text
            .parse()
            .map_err(|error| Rejection::invalid(format!("{path}.startsAtVersion"), format!("{error}")))?;
        settled["startsAtVersion"] = version.to_string().into();
    }
    Ok(settled)
}

fn canonical(values: &Values, asked: &str, path: &str) -> Result<String, Rejection> {
    let find = |words: &[&'static str], asked: &str| {
        words.iter().find(|word| word.eq_ignore_ascii_case(asked)).copied()
    };
    match values {
        Values::Switch => find(&["True", "False"], asked)
            .map(str::to_owned)
            .ok_or_else(|| not_allowed(path, asked, &["True", "False"])),
        Values::OneOf(words) => {
            find(words, asked).map(str::to_owned).ok_or_else(|| not_allowed(path, asked, words))
        }
        Values::SomeOf(words) => {
            let mut found: Vec<&str> = Vec::new();
            for word in asked.split(',') {
                match find(words, word.trim()) {
                    Some(word) if !found.contains(&word) => found.push(word),
                    _ => return Err(not_allowed(path, asked, words)),
                }
            }
            Ok(found.join(", "))
        }
    }
}

fn not_allowed(path: &str, asked: &str, words: &[&str]) -> Rejection {
    let message = format!(
        "The value '{asked}' of parameter '{path}' is not allowed. Allowed values are: {}.",
        words.join(", ")
    );
    Rejection::invalid(path, message)
}

/// Newer clients expect a generation 2 image to allow trusted launch; `Standard` says that it does not.
fn add_default_security_type(properties: &mut Map<String, Value>, api_version: &ApiVersion) {
    if !has_modern_defaults(api_version) || text(properties, "hyperVGeneration") != "V2" {
        return;
    }
    let features = properties.entry("features").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(features) = features
        && !features.iter().any(|feature| feature["name"] == "SecurityType")
    {
        features.push(json!({"name": "SecurityType", "value": "TrustedLaunchSupported"}));
    }
}

fn security_needs_generation_2(properties: &Map<String, Value>) -> Result<(), Rejection> {
    if text(properties, "hyperVGeneration") == "V2" {
        return Ok(());
    }
    let mut features = properties.get("features").and_then(Value::as_array).into_iter().flatten();
    match features.find(|feature| feature["name"] == "SecurityType" && feature["value"] != "Standard") {
        None => Ok(()),
        Some(feature) => {
            let kind = feature["value"].as_str().unwrap_or_default();
            let message =
                format!("The security type '{kind}' is supported only with 'hyperVGeneration' 'V2'.");
            Err(Rejection::invalid(TARGET, message))
        }
    }
}

/// Machines that must be trusted or confidential are made of private galleries only (azure-api 8.2).
pub(super) fn fit_sharing(
    gallery: Option<&Stored>,
    properties: &Map<String, Value>,
) -> Result<(), Rejection> {
    let Some(gallery) = gallery else { return Ok(()) };
    let Some(kind) = gallery::shared_kind(&gallery.document.properties) else { return Ok(()) };
    let is_strict = |feature: &&Value| {
        let value = feature["value"].as_str().unwrap_or_default();
        feature["name"] == "SecurityType" && matches!(value, "TrustedLaunch" | "ConfidentialVM")
    };
    let mut features = properties.get("features").and_then(Value::as_array).into_iter().flatten();
    match features.find(is_strict) {
        None => Ok(()),
        Some(feature) => {
            let value = feature["value"].as_str().unwrap_or_default();
            let message = format!(
                "An image definition with the security type '{value}' is supported only in a private gallery; gallery '{}' is shared with 'permissions' '{kind}'. Use '{value}Supported', or another gallery.",
                gallery.id.name()
            );
            Err(Rejection::contradiction(message).at(TARGET))
        }
    }
}
