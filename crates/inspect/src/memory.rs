//! What earlier inspections came to, by the bytes they looked at: unpacking and searching the same bytes again is spared.
//!
//! An entry is named by a digest of the kind of look, the rules of this release, and every byte that was looked at, so it
//! holds for whatever disk has the same bytes. A memory never changes what is told: without one, or with one of another
//! release, all is looked at. It holds no bytes of files, and of secrets nothing: what has some is searched anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::facts::boot::hex;

/// Changes when what a look comes to does, for the same bytes: then earlier memories say nothing.
const RULES: u32 = 1;
/// Entries that are kept; a Debian server has some thousands.
const MOST_ENTRIES: usize = 50_000;

/// Outcomes by the digest of what was looked at.
#[derive(Debug, Default)]
pub struct Memory {
    known: BTreeMap<String, Value>,
    met: Mutex<BTreeMap<String, Value>>,
}

impl Memory {
    /// A memory as [`Memory::document`] gave it; one of another release is empty.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        if document["rules"] != json!(RULES) || document["inspector"] != json!(env!("CARGO_PKG_VERSION")) {
            return Self::default();
        }
        let known = document["entries"].as_object().into_iter().flatten().take(MOST_ENTRIES);
        Self {
            known: known.map(|(key, value)| (key.clone(), value.clone())).collect(),
            met: Mutex::default(),
        }
    }

    /// What is to be kept for the next inspection: only what this one has met, so that it does not grow for ever.
    #[must_use]
    pub fn document(&self) -> Value {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"rules": RULES, "inspector": env!("CARGO_PKG_VERSION"), "entries": *met})
    }

    fn recall(&self, key: &str) -> Option<Value> {
        let outcome = self.known.get(key)?.clone();
        self.note(key, outcome.clone());
        Some(outcome)
    }

    fn note(&self, key: &str, outcome: Value) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() < MOST_ENTRIES {
            met.insert(key.to_owned(), outcome);
        }
    }
}

/// A digest of all that a look depends on, while it is put together.
#[derive(Debug)]
pub(crate) struct Key(blake3::Hasher);

impl Key {
    /// For a look of this kind.
    pub(crate) fn of(kind: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_bytes()).update(&[0]);
        Self(hasher)
    }

    /// Something more that it depends on; the whole of a part comes in one call, or in the last.
    pub(crate) fn and(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    fn text(&self) -> String {
        hex(self.0.finalize().as_bytes().get(..16).unwrap_or_default())
    }
}

/// Whether nothing was found in these bytes before; else `look` says whether nothing is.
pub(crate) fn is_clean(memory: Option<&Memory>, key: &Key, look: impl FnOnce() -> bool) -> bool {
    let Some(memory) = memory else { return look() };
    let key = key.text();
    if memory.recall(&key).is_some() {
        return true;
    }
    let is_clean = look();
    if is_clean {
        memory.note(&key, Value::Null);
    }
    is_clean
}

/// What these bytes came to before; else what `look` says. Failures are not kept.
pub(crate) fn recalled<T: Serialize + DeserializeOwned, E>(
    memory: Option<&Memory>,
    key: &Key,
    look: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let Some(memory) = memory else { return look() };
    let key = key.text();
    if let Some(outcome) = memory.recall(&key).and_then(|outcome| serde_json::from_value(outcome).ok()) {
        return Ok(outcome);
    }
    let outcome = look()?;
    if let Ok(kept) = serde_json::to_value(&outcome) {
        memory.note(&key, kept);
    }
    Ok(outcome)
}
