//! Managed disks: bytes with a size, made from nothing, from an image, from another disk, or brought by a client.
//!
//! Copies share their bytes: what a disk is made of is the digest that its row notes, in the region it lies in.

pub(crate) mod access;
pub(crate) mod creation;
mod performance;
pub(crate) mod settle;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

use arm::TypeName;
use serde_json::{Map, Value};

pub use self::access::{Grant, end_grant};
use super::name::{self, Dashes};
use super::source::DISKS;
use crate::shape::Field;
use crate::{Accepted, Act, Acted, Action, Delete, Link, Put, Rejection, Removal, ResourceType, Show};

/// `Microsoft.Compute/disks`.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Disk {
    /// The job that brings the bytes of a new disk or snapshot.
    pub const CREATE: &'static str = "disk.create";
    /// The job that hands out the address of a grant.
    pub const GRANT: &'static str = "disk.grant";
    /// The job that makes an image of what a client has written.
    pub const SETTLE: &'static str = "disk.settle";
}

impl ResourceType for Disk {
    fn name(&self) -> TypeName {
        DISKS.into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        wire::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "DiskOperations"
    }

    /// Clients take 200 and 202 of this type, never 201.
    fn put_status(&self, is_new: bool) -> u16 {
        if is_new { 202 } else { 200 }
    }

    fn subject(&self) -> &'static str {
        "disk"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "disk", "disk.name", Dashes::Allowed)
    }

    fn links(&self, named: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
        creation::links(named, self.subject())
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        settle::put(put, self.subject())
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        access::none_is_active(delete.stored, delete.now, "deleting or attaching the disk")?;
        Ok(Removal::Gone)
    }

    fn actions(&self) -> &'static [Action] {
        wire::ACTIONS
    }

    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        access::act(act, self.subject())
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        performance::shown(&show.stored.document)
    }
}
