//! One operation: what is asked where, what is answered, and its examples.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::{Located, Specs};

/// An operation of a document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// The document's name: `gallery.json`.
    pub(crate) document: String,
    pub(crate) api_version: String,
    /// `GalleryImages_Get`.
    pub(crate) id: String,
    /// In capitals.
    pub(crate) method: String,
    /// With its parameters in braces.
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    /// What is answered, by status; `None` for an empty body.
    pub(crate) responses: BTreeMap<u16, Option<Located>>,
    /// By name of file.
    pub(crate) examples: BTreeMap<String, Value>,
}

/// A parameter of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) is_required: bool,
    /// What the body must be.
    pub(crate) schema: Option<Located>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Body,
    Elsewhere,
}

const METHODS: [&str; 6] = ["get", "head", "put", "patch", "post", "delete"];

pub(super) fn read(specs: &Specs, path: &Path) -> anyhow::Result<Vec<Operation>> {
    let document = specs.document(path)?;
    let api_version = document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut operations = Vec::new();
    for (place, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(value) = item.get(method) else { continue };
            let here = |value: &Value| Located { document: path.to_owned(), value: value.clone() };
            let common = item["parameters"].as_array().into_iter().flatten();
            let own = value["parameters"].as_array().into_iter().flatten();
            let parameters = common.chain(own).map(|parameter| parameter_of(specs, &here(parameter)));
            let id = value["operationId"].as_str().unwrap_or_default().to_owned();
            operations.push(Operation {
                document: name.to_owned(),
                api_version: api_version.to_owned(),
                method: method.to_uppercase(),
                path: place.clone(),
                parameters: parameters.collect::<anyhow::Result<_>>().with_context(|| id.clone())?,
                responses: responses_of(specs, &here(&value["responses"]))?,
                examples: examples_of(specs, &here(&value["x-ms-examples"]))?,
                id,
            });
        }
    }
    Ok(operations)
}

fn parameter_of(specs: &Specs, located: &Located) -> anyhow::Result<Parameter> {
    let found = specs.resolved(located)?;
    let place = match found.value["in"].as_str() {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("body") => Place::Body,
        _ => Place::Elsewhere,
    };
    Ok(Parameter {
        name: found.value["name"].as_str().context("a parameter without a name")?.to_owned(),
        place,
        is_required: found.value["required"] == true,
        schema: found.member("schema"),
    })
}

/// The numbered answers; `default` describes errors, which are looked at by themselves.
fn responses_of(specs: &Specs, located: &Located) -> anyhow::Result<BTreeMap<u16, Option<Located>>> {
    let mut responses = BTreeMap::new();
    for status in located.value.as_object().into_iter().flat_map(|answers| answers.keys()) {
        let Ok(number) = status.parse() else { continue };
        let answer = located.member(status).context("an answer that is not there")?;
        responses.insert(number, specs.resolved(&answer)?.member("schema"));
    }
    Ok(responses)
}

fn examples_of(specs: &Specs, located: &Located) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut examples = BTreeMap::new();
    for title in located.value.as_object().into_iter().flat_map(|examples| examples.keys()) {
        let named = located.member(title).context("an example that is not there")?;
        let file = named.value["$ref"].as_str().unwrap_or(title);
        let name = file.rsplit('/').next().unwrap_or(file).to_owned();
        let found = specs.resolved(&named).with_context(|| format!("the example '{title}'"))?;
        examples.insert(name, found.value);
    }
    Ok(examples)
}
