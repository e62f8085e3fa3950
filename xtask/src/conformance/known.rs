//! What the runs are told beyond the documents: `known.json` beside them in this crate.
//!
//! Every exception has its reason, and one that no example needs is still harmless.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

const TEXT: &str = include_str!("known.json");

/// The data file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Known {
    /// Examples that are wrong themselves, or need what no gallery has: by file, with the reason.
    pub(crate) out_of_scope: BTreeMap<String, String>,
    /// What examples misspell.
    pub(crate) spellings: Vec<Spelling>,
    /// Values of parameters that examples leave to chance, by name of the parameter.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Values of parameters that a generator filled with one letter, by name of the parameter.
    pub(crate) generated: BTreeMap<String, String>,
    /// What the marketplace offers to examples that look into it.
    pub(crate) catalogue: Value,
    /// Bodies that an example needs instead of those below, by its file and then by type.
    pub(crate) settings: BTreeMap<String, BTreeMap<String, Value>>,
    /// The least body with which a resource of a type is made, by type in lower case.
    pub(crate) bodies: BTreeMap<String, Value>,
}

/// A text in examples that stands for another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spelling {
    pub(crate) from: String,
    pub(crate) to: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    pub(crate) reason: String,
}

impl Known {
    pub(crate) fn read() -> anyhow::Result<Self> {
        serde_json::from_str(TEXT).context("known.json is not what it must be")
    }
}
