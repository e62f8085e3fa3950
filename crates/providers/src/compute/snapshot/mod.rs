//! Snapshots: the bytes of a disk as they were, kept for as long as the snapshot is.
//!
//! Full or incremental makes no difference to what is stored: equal bytes are stored once either way.

#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value};

use super::disk::wire::{ACTIONS, API_VERSIONS};
use super::disk::{access, creation, settle};
use super::name::{self, Dashes};
use super::source::SNAPSHOTS;
use crate::shape::Field;
use crate::{Accepted, Act, Acted, Action, Delete, Link, Put, Rejection, Removal, ResourceType};

/// `Microsoft.Compute/snapshots`.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot;

impl ResourceType for Snapshot {
    fn name(&self) -> TypeName {
        SNAPSHOTS.into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "DiskOperations"
    }

    /// Clients take 200 and 202 of this type, never 201.
    fn put_status(&self, is_new: bool) -> u16 {
        if is_new { 202 } else { 200 }
    }

    fn subject(&self) -> &'static str {
        "snapshot"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "snapshot", "snapshot.name", Dashes::Allowed)
    }

    fn links(&self, named: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
        creation::links(named, self.subject())
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        let mut accepted = settle::put(put, self.subject())?;
        accepted.properties.entry("incremental").or_insert(Value::Bool(false));
        Ok(accepted)
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        access::none_is_active(delete.stored, delete.now, "deleting the snapshot")?;
        Ok(Removal::Gone)
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        access::act(act, self.subject())
    }
}
