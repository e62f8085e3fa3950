//! The types of parameters and outputs, and what a value must keep to.

use serde_json::{Map, Value};

use crate::Error;
use crate::evaluate::member;
use crate::read::shown;

/// The type of a parameter or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `string`
    Text,
    /// `securestring`
    SecureText,
    /// `int`
    Integer,
    /// `bool`
    Bool,
    /// `object`
    Object,
    /// `secureObject`
    SecureObject,
    /// `array`
    Array,
}

impl Kind {
    /// The type that a declaration names, by itself or through `$ref`.
    pub(crate) fn of(declaration: &Value, template: &Map<String, Value>) -> Result<Self, Error> {
        let declaration = resolved(declaration, template);
        let word = declaration.and_then(|members| member(members, "type")).and_then(Value::as_str);
        let word = word.unwrap_or_default().to_ascii_lowercase();
        Ok(match word.as_str() {
            "string" => Self::Text,
            "securestring" => Self::SecureText,
            "int" => Self::Integer,
            "bool" => Self::Bool,
            "object" => Self::Object,
            "secureobject" => Self::SecureObject,
            "array" => Self::Array,
            _ => {
                let message = format!(
                    "The type '{}' is not valid; valid are 'String, SecureString, Int, Bool, Object, SecureObject, Array'",
                    shown(&word)
                );
                return Err(Error::template(message));
            }
        })
    }

    /// The word in the answers of a deployment.
    #[must_use]
    pub fn shown(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::SecureText => "SecureString",
            Self::Integer => "Int",
            Self::Bool => "Bool",
            Self::Object => "Object",
            Self::SecureObject => "SecureObject",
            Self::Array => "Array",
        }
    }

    /// Whether its values are never shown.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Self::SecureText | Self::SecureObject)
    }

    /// Refuses a value of another type.
    pub(crate) fn check(self, value: &Value, what: &str) -> Result<(), Error> {
        let fits = match self {
            Self::Text | Self::SecureText => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Bool => value.is_boolean(),
            Self::Object | Self::SecureObject => value.is_object(),
            Self::Array => value.is_array(),
        };
        if fits {
            return Ok(());
        }
        let message = format!(
            "The value of the template {what} is not of its type. Expected '{}'. Actual '{}'. Please see https://aka.ms/resource-manager-parameter-files for usage details",
            self.shown(),
            type_of(value)
        );
        Err(Error::template(message))
    }
}

/// The declaration itself, or the definition it refers to.
fn resolved<'a>(declaration: &'a Value, template: &'a Map<String, Value>) -> Option<&'a Map<String, Value>> {
    let mut members = declaration.as_object()?;
    // A definition may refer to another; a ring of them ends.
    for _ in 0..16 {
        let Some(reference) = member(members, "$ref").and_then(Value::as_str) else { return Some(members) };
        let name = reference.strip_prefix("#/definitions/")?;
        members = member(member(template, "definitions")?.as_object()?, name)?.as_object()?;
    }
    None
}

/// The word for the type of a value.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// Refuses values for parameters that the template does not have.
pub(crate) fn all_are_known(declared: &Map<String, Value>, sent: &Map<String, Value>) -> Result<(), Error> {
    let unknown: Vec<String> =
        sent.keys().filter(|name| member(declared, name).is_none()).take(8).map(|name| shown(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = declared.keys().map(|name| shown(name)).collect();
    Err(Error::template(format!(
        "The template parameters '{}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '{}'. Please see https://aka.ms/arm-pass-parameter-values for usage details",
        unknown.join(", "),
        known.join(", ")
    )))
}

/// What was sent for a parameter: its value, or `None` when the default counts.
pub(crate) fn sent_value(sent: &Map<String, Value>, name: &str) -> Result<Option<Value>, Error> {
    let Some(entry) = member(sent, name) else { return Ok(None) };
    let entry = entry
        .as_object()
        .filter(|entry| member(entry, "value").is_some() || member(entry, "reference").is_some());
    let Some(entry) = entry else {
        return Err(Error::template(format!(
            "The value of the template parameter '{}' must be sent as an object with the member 'value'",
            shown(name)
        )));
    };
    if member(entry, "value").is_none() {
        let message = format!(
            "The template parameter '{}' refers to a key vault, which is not implemented in this release of Gallerist. Send its value instead.",
            shown(name)
        );
        return Err(Error::Invalid { code: "NotImplemented", message });
    }
    Ok(member(entry, "value").cloned())
}

/// Refuses a value that its declaration does not allow.
pub(crate) fn value_is_allowed(
    name: &str,
    declaration: &Value,
    template: &Map<String, Value>,
    value: &Value,
) -> Result<(), Error> {
    let kind = Kind::of(declaration, template)?;
    let members = resolved(declaration, template).ok_or_else(|| Error::template("A '$ref' leads nowhere"))?;
    let own = declaration.as_object().unwrap_or(members);
    let rule = |rule: &str| member(own, rule).or_else(|| member(members, rule));
    if value.is_null() && rule("nullable") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    kind.check(value, &format!("parameter '{}'", shown(name)))?;
    let refuse = |what: String| {
        Err(Error::template(format!(
            "The provided value for the template parameter '{}' is not valid. {what}",
            shown(name)
        )))
    };
    if let Some(Value::Array(allowed)) = rule("allowedValues") {
        // An array is checked value by value.
        let all: &[Value] = match value {
            Value::Array(values) if !allowed.iter().any(Value::is_array) => values,
            value => std::slice::from_ref(value),
        };
        if !all.iter().all(|value| allowed.contains(value)) {
            let words: Vec<String> = allowed
                .iter()
                .take(32)
                .map(|word| shown(word.as_str().unwrap_or(&word.to_string())))
                .collect();
            return refuse(format!(
                "The parameter value is not part of the allowed value(s): '{}'",
                words.join(",")
            ));
        }
    }
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(values) => Some(values.len()),
        _ => None,
    };
    let bound = |rule_name: &str| rule(rule_name).and_then(Value::as_i64);
    let length = length.and_then(|length| i64::try_from(length).ok());
    let outside = |number: &i64, least: &str, most: &str| {
        bound(least).is_some_and(|least| *number < least) || bound(most).is_some_and(|most| *number > most)
    };
    if let Some(length) = length.filter(|length| outside(length, "minLength", "maxLength")) {
        let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(i64::MAX));
        return refuse(format!(
            "The length of the value must be within '{least}' and '{most}'; it is '{length}'"
        ));
    }
    if let Some(number) = value.as_i64().filter(|number| outside(number, "minValue", "maxValue")) {
        let (least, most) = (bound("minValue").unwrap_or(i64::MIN), bound("maxValue").unwrap_or(i64::MAX));
        return refuse(format!("The value must be within '{least}' and '{most}'; it is '{number}'"));
    }
    Ok(())
}
