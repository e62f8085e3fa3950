//! What the parameters of a script may be.

use serde_json::{Map, Value};

use super::ARTIFACT;
use crate::Rejection;
use crate::compute::definition;
use crate::shape::at;

/// Each parameter has a name of its own, and bounds, words and default of its own type.
pub(super) fn parameters_are_whole(properties: &Map<String, Value>) -> Result<(), Rejection> {
    let path = "publishingProfile.source.parameters";
    let parameters = at(properties, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    definition::are_named_once(parameters, &ARTIFACT.target(path))?;
    for (number, parameter) in parameters.iter().enumerate() {
        let place = format!("{}[{number}]", ARTIFACT.target(path));
        is_of_its_type(parameter, &place)?;
    }
    Ok(())
}

fn is_of_its_type(parameter: &Value, place: &str) -> Result<(), Rejection> {
    let kind = parameter["type"].as_str().unwrap_or("String");
    let words: Vec<&str> = texts(&parameter["enumValues"]);
    if (kind == "Enum") == words.is_empty() {
        let message =
            format!("'{place}.enumValues' must be given for a parameter of type 'Enum', and for no other.");
        return Err(Rejection::invalid(format!("{place}.enumValues"), message));
    }
    let is_number = matches!(kind, "Int" | "Double");
    for name in ["minValue", "maxValue", "defaultValue"] {
        let Some(text) = parameter[name].as_str() else { continue };
        let is_bound = name != "defaultValue";
        let fits = match kind {
            "Int" => text.parse::<i64>().is_ok(),
            "Double" => text.parse::<f64>().is_ok_and(f64::is_finite),
            "Boolean" => !is_bound && ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(text)),
            "Enum" => !is_bound && words.contains(&text),
            _ => !is_bound,
        };
        if !fits {
            let message = match is_bound && !is_number {
                true => format!(
                    "'{place}.{name}' is for parameters of type 'Int' or 'Double'; this one is of type '{kind}'."
                ),
                false => format!("The value of '{place}.{name}' is none of type '{kind}'."),
            };
            return Err(Rejection::invalid(format!("{place}.{name}"), message));
        }
    }
    is_within_its_bounds(parameter, place)
}

fn is_within_its_bounds(parameter: &Value, place: &str) -> Result<(), Rejection> {
    let number = |name: &str| parameter[name].as_str().and_then(|text| text.parse::<f64>().ok());
    let (low, high) = (number("minValue").unwrap_or(f64::MIN), number("maxValue").unwrap_or(f64::MAX));
    if low > high {
        let message = format!("'{place}.minValue' is larger than '{place}.maxValue'.");
        return Err(Rejection::invalid(format!("{place}.minValue"), message));
    }
    let has_bounds = parameter["minValue"].is_string() || parameter["maxValue"].is_string();
    if has_bounds && number("defaultValue").is_some_and(|default| !(low..=high).contains(&default)) {
        let message = format!("'{place}.defaultValue' is not between 'minValue' and 'maxValue'.");
        return Err(Rejection::invalid(format!("{place}.defaultValue"), message));
    }
    Ok(())
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
