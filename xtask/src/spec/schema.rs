//! Whether a JSON value is what a schema of Swagger 2.0 says.
//!
//! Members and words that a schema does not list are noted apart: a service may answer more than a release of its
//! description knew, unless the schema is closed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Located, Specs};

/// Whether a value is asked or answered: the server's own members are required only of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// What does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What contradicts the schema, each with its path.
    pub(crate) violations: Vec<String>,
    /// What the schema does not know and does not forbid.
    pub(crate) strangers: BTreeSet<String>,
}

/// How deep schemas may nest; values are no deeper than their parser allows.
const MOST_DEEP: usize = 64;

/// Looks at `value`; an error is one of the schema itself.
pub(crate) fn check(
    specs: &Specs,
    schema: &Located,
    value: &Value,
    direction: Direction,
) -> anyhow::Result<Findings> {
    let mut checker = Checker { specs, direction, findings: Findings::default() };
    checker.value("", schema, value, true)?;
    Ok(checker.findings)
}

struct Checker<'a> {
    specs: &'a Specs,
    direction: Direction,
    findings: Findings,
}

/// The members of an object, with what it inherits.
#[derive(Default)]
struct Members {
    known: BTreeMap<String, Located>,
    required: BTreeSet<String>,
    others: Others,
}

#[derive(Default)]
enum Others {
    #[default]
    Unsaid,
    Forbidden,
    Like(Located),
}

impl Checker<'_> {
    fn value(&mut self, at: &str, schema: &Located, value: &Value, may_descend: bool) -> anyhow::Result<()> {
        let schema = self.specs.resolved(schema)?;
        if value.is_null() {
            if schema.value["x-nullable"] != true {
                self.wrong(at, "is null");
            }
            return Ok(());
        }
        self.words(at, &schema.value, value);
        let is_object = ["properties", "allOf", "additionalProperties", "discriminator"]
            .iter()
            .any(|word| schema.value.get(word).is_some());
        match schema.value["type"].as_str() {
            Some("object") => self.object(at, &schema, value, may_descend),
            None if is_object => self.object(at, &schema, value, may_descend),
            Some("array") => self.array(at, &schema, value),
            Some("string") => {
                self.text(at, &schema.value, value);
                Ok(())
            }
            Some("integer") => {
                self.integer(at, &schema.value, value);
                Ok(())
            }
            Some("number") if !value.is_number() => {
                self.wrong(at, "is no number");
                Ok(())
            }
            Some("boolean") if !value.is_boolean() => {
                self.wrong(at, "is neither true nor false");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, at: &str, schema: &Located, value: &Value, may_descend: bool) -> anyhow::Result<()> {
        let Some(object) = value.as_object() else {
            self.wrong(at, "is no object");
            return Ok(());
        };
        if may_descend && let Some(kind) = self.kind_of(schema, object)? {
            return self.value(at, &kind, value, false);
        }
        let mut members = Members::default();
        self.collect(schema, &mut members, 0)?;
        for name in members.required.iter().filter(|name| !object.contains_key(*name)) {
            let of_server = match members.known.get(name) {
                Some(known) => {
                    known.value["readOnly"] == true || self.specs.resolved(known)?.value["readOnly"] == true
                }
                None => false,
            };
            if self.direction == Direction::Response || !of_server {
                self.wrong(&format!("{at}.{name}"), "is missing");
            }
        }
        for (name, value) in object {
            let place = format!("{at}.{name}");
            match (members.known.get(name), &members.others) {
                (Some(known), _) => self.value(&place, known, value, true)?,
                (None, Others::Like(like)) => self.value(&place, like, value, true)?,
                (None, Others::Forbidden) => self.wrong(&place, "is not allowed"),
                // An object of which nothing is said may hold anything.
                (None, Others::Unsaid) if members.known.is_empty() => {}
                (None, Others::Unsaid) => self.strange(&place),
            }
        }
        Ok(())
    }

    /// Own members and inherited ones; what stands nearer wins.
    fn collect(&self, schema: &Located, members: &mut Members, depth: usize) -> anyhow::Result<()> {
        anyhow::ensure!(depth < MOST_DEEP, "a schema in {} inherits itself", schema.document.display());
        let schema = self.specs.resolved(schema)?;
        for (name, value) in schema.value["properties"].as_object().into_iter().flatten() {
            let member = Located { document: schema.document.clone(), value: value.clone() };
            members.known.entry(name.clone()).or_insert(member);
        }
        let required = schema.value["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        members.required.extend(required.map(str::to_owned));
        match schema.member("additionalProperties").map(|others| (others.value.clone(), others)) {
            Some((Value::Bool(false), _)) => members.others = Others::Forbidden,
            Some((Value::Object(_), like)) => members.others = Others::Like(like),
            _ => {}
        }
        for value in schema.value["allOf"].as_array().into_iter().flatten() {
            let base = Located { document: schema.document.clone(), value: value.clone() };
            self.collect(&base, members, depth + 1)?;
        }
        Ok(())
    }

    /// The schema that a discriminator in `object` chooses, if there is one.
    fn kind_of(&self, schema: &Located, object: &Map<String, Value>) -> anyhow::Result<Option<Located>> {
        let member = schema.value["discriminator"].as_str();
        let Some(word) = member.and_then(|member| object.get(member)?.as_str()) else { return Ok(None) };
        let document = self.specs.document(&schema.document)?;
        let mut definitions = document["definitions"].as_object().into_iter().flatten();
        let chosen = definitions.find(|(name, definition)| {
            let says = definition["x-ms-discriminator-value"].as_str();
            definition.get("allOf").is_some() && says.unwrap_or(name) == word
        });
        Ok(chosen.map(|(_, value)| Located { document: schema.document.clone(), value: value.clone() }))
    }

    fn array(&mut self, at: &str, schema: &Located, value: &Value) -> anyhow::Result<()> {
        let Some(items) = value.as_array() else {
            self.wrong(at, "is no array");
            return Ok(());
        };
        let Some(like) = schema.member("items") else { return Ok(()) };
        for (number, item) in items.iter().enumerate() {
            self.value(&format!("{at}[{number}]"), &like, item, true)?;
        }
        Ok(())
    }

    fn text(&mut self, at: &str, schema: &Value, value: &Value) {
        let Some(text) = value.as_str() else {
            self.wrong(at, "is no string");
            return;
        };
        let format = schema["format"].as_str().unwrap_or_default();
        if !is_formatted(format, text) {
            self.wrong(at, &format!("is no {format}"));
        }
        let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let least = schema["minLength"].as_u64().unwrap_or(0);
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        if count < least || count > most {
            self.wrong(at, &format!("has {count} characters, not {least} to {most}"));
        }
    }

    fn integer(&mut self, at: &str, schema: &Value, value: &Value) {
        let Some(number) = value.as_i64() else {
            self.wrong(at, "is no integer");
            return;
        };
        let narrow = schema["format"] == "int32" && i32::try_from(number).is_err();
        let low = schema["minimum"].as_i64().is_some_and(|least| number < least);
        let high = schema["maximum"].as_i64().is_some_and(|most| number > most);
        if narrow || low || high {
            self.wrong(at, &format!("is {number}, which is out of range"));
        }
    }

    /// One of the listed words; a list that is a string to its model may grow.
    fn words(&mut self, at: &str, schema: &Value, value: &Value) {
        let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) else { return };
        if schema["x-ms-enum"]["modelAsString"] == true && value.is_string() {
            self.strange(&format!("{at} = {value}"));
        } else {
            let words: Vec<String> = words.iter().map(Value::to_string).collect();
            self.wrong(at, &format!("is {value}, none of {}", words.join(", ")));
        }
    }

    fn wrong(&mut self, at: &str, what: &str) {
        let place = if at.is_empty() { "the body" } else { at.trim_start_matches('.') };
        self.findings.violations.push(format!("{place} {what}"));
    }

    fn strange(&mut self, at: &str) {
        self.findings.strangers.insert(at.trim_start_matches('.').to_owned());
    }
}

fn is_formatted(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "uuid" => text.parse::<uuid::Uuid>().is_ok(),
        "uri" | "url" => text.parse::<url::Url>().is_ok(),
        "arm-id" => text.starts_with('/'),
        "byte" => text.len().is_multiple_of(4) && text.bytes().all(is_base64),
        _ => true,
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
