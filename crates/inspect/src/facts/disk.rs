//! How the disk is divided and what its volumes hold.

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::observation::ObservationKind;
use crate::partitions::{PartitionKind, TableKind};
use crate::probe::Content;

/// Partitions and volumes of a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Layout {
    /// Size of the disk in bytes.
    pub size_bytes: u64,
    /// `gpt`, `mbr` or `none`.
    pub table: String,
    /// In the order of the table.
    pub partitions: Vec<PartitionFact>,
    /// The whole or its partitions, then logical volumes.
    pub volumes: Vec<VolumeFact>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionFact {
    /// Its number.
    pub number: u32,
    /// Its type: a GUID, or the byte of an MBR as `0x83`.
    pub kind: String,
    /// Its name; empty when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it begins, in bytes.
    pub first_byte: u64,
    /// How long it is, in bytes.
    pub size_bytes: u64,
    /// Whether a BIOS starts from it.
    pub active: bool,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeFact {
    /// Where it is, in words.
    pub place: String,
    /// What it holds: a file system by its name, `swap`, `lvm`, `luks`, `bitlocker`, `raid`, `empty`, `unknown`.
    pub content: String,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What `UUID=` refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What of it is free, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Whether it was unmounted cleanly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<bool>,
}

impl Layout {
    pub(super) fn of(disk: &Disk<'_>) -> Self {
        let table = match disk.table {
            TableKind::Gpt => "gpt",
            TableKind::Mbr => "mbr",
            TableKind::None => "none",
        };
        let partitions = disk.partitions.iter().map(|partition| PartitionFact {
            number: partition.number,
            kind: match &partition.kind {
                PartitionKind::Mbr(kind) => format!("{kind:#04x}"),
                PartitionKind::Gpt(guid) => guid.clone(),
            },
            name: partition.name.clone(),
            first_byte: partition.first_byte,
            size_bytes: partition.size_bytes,
            active: partition.active,
        });
        let volumes = disk.volumes.iter().map(|volume| VolumeFact {
            place: volume.place.to_string(),
            content: content(volume.content).to_owned(),
            label: volume.label.clone(),
            uuid: volume.uuid.clone(),
            size_bytes: volume.window().size_bytes(),
            free_bytes: volume.usage.map(|usage| usage.free_bytes),
            clean: volume.clean,
        });
        Self {
            size_bytes: disk.window().size_bytes(),
            table: table.to_owned(),
            partitions: partitions.collect(),
            volumes: volumes.collect(),
        }
    }
}

fn content(content: Content) -> &'static str {
    match content {
        Content::Files(system) => system.name(),
        Content::Swap => "swap",
        Content::LvmPhysical => "lvm",
        Content::Luks(_) => "luks",
        Content::BitLocker => "bitlocker",
        Content::RaidMember => "raid",
        Content::Empty => "empty",
        Content::Unknown => "unknown",
    }
}

/// Why a system may be there that was not found; `None` when everything was read and there is none.
pub(super) fn unreadable(disk: &Disk<'_>) -> Option<String> {
    let hides = |kind| {
        matches!(
            kind,
            ObservationKind::TableUnreadable
                | ObservationKind::VolumeGroupIncomplete
                | ObservationKind::Encrypted
                | ObservationKind::NotRead
                | ObservationKind::FileSystemUnreadable
                | ObservationKind::BudgetUsedUp
        )
    };
    let seen = disk.observations.iter().find(|seen| hides(seen.kind))?;
    Some(format!("{}: {}", seen.place, seen.text))
}
