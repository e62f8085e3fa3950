//! Kernels that are installed, and where their drivers for virtual hardware come from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::architecture::{self, Architecture, HEAD_BYTES};
use super::boot::{Entry, is_signed};
use super::initramfs::{self, module_name};
use crate::guest::{Guest, joined, lines};
use crate::packages::{Ecosystem, compare_versions};
use crate::text::plain;
use crate::tree::Error;

/// A kernel that a loader could start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kernel {
    /// Where it stands.
    pub path: String,
    /// Its version, as it tells itself, or as its name does.
    pub version: String,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Whether its modules are installed.
    pub has_modules: bool,
    /// Whether it carries a signature.
    pub signed: bool,
}

/// Where a driver comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Availability {
    /// It is a part of the kernel.
    BuiltIn,
    /// The initramfs brings it: it is there before the root is.
    Initramfs,
    /// It is installed, and there once the root is.
    Module,
    /// It is not there.
    Missing,
}

impl Availability {
    /// Whether the root can be on a disk that needs it.
    #[must_use]
    pub fn is_early(self) -> bool {
        matches!(self, Self::BuiltIn | Self::Initramfs)
    }
}

/// A driver, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// Its name, with `_`.
    pub name: String,
    /// Where it comes from, for the kernel that starts by default.
    pub availability: Availability,
}

/// Drivers that a virtual machine may need.
const DRIVERS: &[&str] = &[
    "hv_vmbus",
    "hv_storvsc",
    "hv_netvsc",
    "hv_utils",
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "virtio_net",
    "nvme",
    "nvme_core",
    "mlx4_core",
    "mlx5_core",
    "mana",
    "vfat",
    "udf",
    "isofs",
];

/// Starts of the names that kernels have in `/boot`.
const NAMES: &[&[u8]] = &[b"vmlinuz", b"vmlinux-", b"Image-", b"bzImage"];

/// Kernels in `/boot`, the newest first.
pub(super) fn installed(guest: &Guest<'_>) -> Result<Vec<Kernel>, Error> {
    let mut kernels: Vec<Kernel> = Vec::new();
    let is_kernel = |name: &[u8]| {
        NAMES.iter().any(|start| name.starts_with(start))
            && !name.ends_with(b".hmac")
            && !name.ends_with(b".old")
    };
    for path in guest.entries("/boot", is_kernel)?.into_iter().take(64) {
        let Some((real, _)) = guest.find(&path)? else { continue };
        if real != path && kernels.iter().any(|kernel| kernel.path == plain(&real)) {
            continue;
        }
        let Some(bytes) = guest.file_up_to(&path, HEAD_BYTES)? else { continue };
        let name = plain(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
        let by_name = name.split_once('-').map(|(_, version)| version.to_owned()).unwrap_or_default();
        let version = architecture::kernel_version(&bytes).unwrap_or(by_name);
        let has_modules = !version.is_empty() && guest.exists(format!("/lib/modules/{version}"))?;
        let architecture = architecture::of_program(&bytes);
        let signed = is_signed(&bytes);
        kernels.push(Kernel { path: plain(&path), version, architecture, has_modules, signed });
    }
    kernels.sort_by(|a, b| compare_versions(Ecosystem::Rpm, &b.version, &a.version));
    kernels.dedup_by(|a, b| a.version == b.version && a.path.ends_with("/vmlinuz"));
    Ok(kernels)
}

/// The kernel that `entry` names, or the newest.
pub(super) fn default<'k>(kernels: &'k [Kernel], entry: Option<&Entry>) -> Option<&'k Kernel> {
    let name = entry.and_then(|entry| entry.kernel.rsplit('/').next()).unwrap_or_default();
    kernels
        .iter()
        .find(|kernel| !name.is_empty() && kernel.path.ends_with(&format!("/{name}")))
        .or(kernels.first())
}

/// Where the drivers for virtual hardware come from when `kernel` starts.
pub(super) fn drivers(
    guest: &Guest<'_>,
    kernel: &Kernel,
    entry: Option<&Entry>,
) -> Result<Vec<Driver>, Error> {
    let folder = format!("/lib/modules/{}", kernel.version);
    let built_in = names(guest, &format!("{folder}/modules.builtin"))?;
    let installed = names(guest, &format!("{folder}/modules.dep"))?;
    let early = match initramfs_path(guest, kernel, entry)? {
        Some(path) => initramfs::modules(guest, &path)?.unwrap_or_default(),
        None => BTreeSet::new(),
    };
    let driver = |name: &&str| {
        let availability = if built_in.contains(*name) {
            Availability::BuiltIn
        } else if early.contains(*name) {
            Availability::Initramfs
        } else if installed.contains(*name) {
            Availability::Module
        } else {
            Availability::Missing
        };
        Driver { name: (*name).to_owned(), availability }
    };
    // Without lists of modules nothing can be told of any of them.
    if built_in.is_empty() && installed.is_empty() && early.is_empty() {
        return Ok(Vec::new());
    }
    Ok(DRIVERS.iter().map(driver).collect())
}

/// Module names out of a file with a path at the start of each line.
fn names(guest: &Guest<'_>, path: &str) -> Result<BTreeSet<String>, Error> {
    let text = guest.file_up_to(path, 8 << 20)?.unwrap_or_default();
    let first = |line: &[u8]| module_name(line.split(|byte| *byte == b':').next().unwrap_or_default());
    Ok(lines(&text).filter_map(first).collect())
}

/// Where the initramfs is: as the menu says, seen from the root of the system, or by the names that distributions give.
fn initramfs_path(
    guest: &Guest<'_>,
    kernel: &Kernel,
    entry: Option<&Entry>,
) -> Result<Option<String>, Error> {
    let told = entry.map(|entry| entry.initrd.as_str()).unwrap_or_default();
    let told = told.rsplit('/').next().unwrap_or_default();
    let version = &kernel.version;
    let flavour = kernel.path.rsplit('-').next().unwrap_or_default();
    let candidates = [
        told.to_owned(),
        format!("initrd.img-{version}"),
        format!("initramfs-{version}.img"),
        format!("initrd-{version}"),
        format!("initramfs-{flavour}"),
        format!("initramfs-{flavour}.img"),
    ];
    for name in candidates.iter().filter(|name| !name.is_empty()) {
        let path = joined(b"/boot", name.as_bytes());
        if guest.exists(&path)? {
            return Ok(Some(plain(&path)));
        }
    }
    Ok(None)
}
