//! What is installed, as the databases of the package managers tell it.
//!
//! A database that is there but cannot be read is told as unknown; a system without one has no packages.

mod apk;
mod dpkg;
mod pacman;
mod rpm;
#[cfg(test)]
mod tests;
mod version;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

pub use self::version::compare as compare_versions;
use crate::guest::Guest;
use crate::tree::Error;

/// Bytes of a database in text form that are looked at.
const TEXT_BYTES: usize = 64 << 20;
/// Packages that are told; more than any distribution has.
const MOST_PACKAGES: usize = 200_000;

/// A family of package managers: their database, and their order of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ecosystem {
    /// Debian, Ubuntu and their kin.
    Deb,
    /// Red Hat, SUSE and their kin.
    Rpm,
    /// Alpine.
    Apk,
    /// Arch.
    Pacman,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Whose database tells it.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Its version as its tools print it, with epoch and release.
    pub version: String,
    /// What it was built for, in the ecosystem's own words; empty where none is noted.
    pub architecture: String,
    /// The name of the source package it was built from; advisories speak of it.
    pub source: String,
    /// The version of the source package.
    pub source_version: String,
    /// The licence as the database tells it; empty where it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
}

impl Package {
    /// Compares the versions of two packages of one ecosystem.
    #[must_use]
    pub fn compare_version(&self, other: &str) -> Ordering {
        compare_versions(self.ecosystem, &self.version, other)
    }
}

/// All packages of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Sorted by name, version and architecture.
    pub(crate) packages: Vec<Package>,
    /// Names of packages whose installation stopped halfway.
    pub(crate) halfway: Vec<String>,
    /// Databases that are there and could not be read: path and why.
    pub(crate) unread: Vec<(String, Error)>,
}

/// Reads every database there is.
pub(crate) fn read(guest: &Guest<'_>) -> Inventory {
    type Reader = fn(&Guest<'_>, &mut Inventory) -> Result<(), Error>;
    const READERS: &[(&str, Reader)] = &[
        ("/var/lib/dpkg", dpkg::read),
        ("the rpm database", rpm::read),
        ("the apk database", apk::read),
        ("/var/lib/pacman/local", pacman::read),
    ];
    let mut inventory = Inventory::default();
    for (place, reader) in READERS {
        if let Err(error) = reader(guest, &mut inventory) {
            inventory.unread.push(((*place).to_owned(), error));
        }
    }
    inventory.packages.truncate(MOST_PACKAGES);
    inventory
        .packages
        .sort_by(|a, b| (&a.name, &a.version, &a.architecture).cmp(&(&b.name, &b.version, &b.architecture)));
    inventory
}
