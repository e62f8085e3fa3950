//! What a disk is: facts that anybody can check, without any judgement.
//!
//! A fact that could not be told is listed in [`Facts::unknown`] with the reason; it is never told as absent. Facts hold
//! no secrets and no bytes of files, only what they come to.

pub(crate) mod accounts;
pub(crate) mod agents;
pub(crate) mod architecture;
pub(crate) mod boot;
mod disk;
mod identity;
mod initramfs;
mod kernel;
mod lifecycle;
pub(crate) mod mounts;
mod services;
mod ssh;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod windows;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::accounts::{Password, Scheme, User};
pub use self::agents::Agent;
pub use self::architecture::{Architecture, Witness};
pub use self::boot::{Boot, Entry, Generation, Loader};
pub use self::disk::{Layout, PartitionFact, VolumeFact};
pub use self::identity::Distribution;
#[cfg(feature = "fuzzing")]
pub(crate) use self::initramfs::modules as initramfs_modules;
pub use self::kernel::{Availability, Driver, Kernel};
pub use self::lifecycle::{LifeState, Lifecycle};
pub use self::mounts::FstabLine;
pub use self::state::{OsState, Signal, SignalKind};
use crate::disk::Disk;
use crate::guest::Guest;
use crate::packages::{self, Package};
use crate::root::System;
use crate::tree::Error;

/// Families of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OsType {
    /// Linux, of whatever distribution.
    Linux,
    /// Windows.
    Windows,
}

impl OsType {
    /// As the wire spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        }
    }
}

/// Everything that is told of a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// What system it holds.
    pub os_type: Option<OsType>,
    /// How many systems it holds.
    pub root_count: usize,
    /// Which distribution.
    pub distribution: Option<Distribution>,
    /// Where that is in its life.
    pub lifecycle: Option<Lifecycle>,
    /// Whether it is one machine's or anybody's.
    pub os_state: Option<OsState>,
    /// What of one machine's identity is there.
    pub identity: Vec<Signal>,
    /// What it runs on.
    pub architecture: Option<Architecture>,
    /// The programs that say so.
    pub witnesses: Vec<Witness>,
    /// What starts it.
    pub boot: Boot,
    /// Kernels, the newest first.
    pub kernels: Vec<Kernel>,
    /// The version of the kernel that starts by default.
    pub default_kernel: Option<String>,
    /// Drivers for virtual hardware, as that kernel has them.
    pub drivers: Vec<Driver>,
    /// Who makes new machines of it, and other agents.
    pub agents: Vec<Agent>,
    /// Accounts.
    pub users: Vec<User>,
    /// Effective settings of sshd.
    pub sshd: BTreeMap<String, String>,
    /// Units and services that start by themselves.
    pub services: Vec<String>,
    /// What it mounts.
    pub fstab: Vec<FstabLine>,
    /// Partitions and volumes.
    pub layout: Layout,
    /// Packages.
    pub packages: Vec<Package>,
    /// Packages whose installation stopped halfway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub halfway_packages: Vec<String>,
    /// What could not be told.
    pub unknown: Vec<Unknown>,
}

/// A fact that could not be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unknown {
    /// Which one: a member of [`Facts`].
    pub fact: String,
    /// Why not.
    pub why: String,
}

impl Facts {
    /// Looks at a disk; `today` is `YYYY-MM-DD`.
    #[must_use]
    pub fn of(disk: &Disk<'_>, today: &str) -> Self {
        let mut facts = Self { layout: Layout::of(disk), root_count: disk.roots.len(), ..Self::default() };
        facts.boot = facts.told("boot", boot::firmware(disk));
        if let Some(root) = disk.roots.first() {
            let guest = Guest::new(&root.tree).remembering(disk.memory());
            match root.system {
                System::Linux => facts.add_linux(&guest, today),
                System::Windows => facts.add_windows(&guest, today),
            }
        } else if let Some(volume) = disk.volumes.iter().find(|volume| volume.content.is_encrypted()) {
            facts.miss("osType", format!("{} is encrypted", volume.place));
        } else if let Some(why) = disk::unreadable(disk) {
            facts.miss("osType", why);
        }
        facts.settle_architecture();
        facts
    }

    /// Whether `fact` could not be told.
    #[must_use]
    pub fn is_unknown(&self, fact: &str) -> bool {
        self.unknown.iter().any(|unknown| unknown.fact == fact)
    }

    /// The agents that give a new machine its identity.
    pub fn provisioners(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| agent.provisions)
    }

    /// Where `driver` comes from, if that is known.
    #[must_use]
    pub fn driver(&self, driver: &str) -> Option<Availability> {
        self.drivers.iter().find(|known| known.name == driver).map(|known| known.availability)
    }

    /// Takes what was told, or notes why it was not.
    fn told<T: Default>(&mut self, fact: &str, told: Result<T, Error>) -> T {
        told.unwrap_or_else(|error| {
            self.miss(fact, error.to_string());
            T::default()
        })
    }

    fn miss(&mut self, fact: &str, why: String) {
        self.unknown.push(Unknown { fact: fact.to_owned(), why });
    }

    /// What the root of a Linux tells.
    pub(crate) fn add_linux(&mut self, guest: &Guest<'_>, today: &str) {
        self.os_type = Some(OsType::Linux);
        self.distribution = self.told("distribution", identity::read(guest));
        self.lifecycle =
            self.distribution.as_ref().and_then(|distribution| lifecycle::of(distribution, today));
        match state::linux(guest) {
            Ok(signals) => {
                self.os_state = Some(state::of(&signals));
                self.identity = signals;
            }
            Err(error) => self.miss("osState", error.to_string()),
        }
        self.witnesses = self.told("architecture", architecture::witnesses(guest));
        let inventory = packages::read(guest);
        self.packages = inventory.packages;
        self.halfway_packages = inventory.halfway;
        for (place, error) in inventory.unread {
            self.miss("packages", format!("{place}: {error}"));
        }
        self.boot.entry = self.told("boot", boot::default_entry(guest));
        self.kernels = self.told("kernels", kernel::installed(guest));
        if let Some(kernel) = kernel::default(&self.kernels, self.boot.entry.as_ref()).cloned() {
            self.drivers = self.told("drivers", kernel::drivers(guest, &kernel, self.boot.entry.as_ref()));
            self.default_kernel = Some(kernel.version);
        }
        self.services = self.told("services", services::enabled(guest));
        let arguments = self.boot.entry.as_ref().map(|entry| entry.arguments.clone()).unwrap_or_default();
        let agents = agents::read(guest, &self.packages, &self.services, &arguments);
        self.agents = self.told("agents", agents);
        self.users = self.told("users", accounts::read(guest));
        self.sshd = self.told("sshd", ssh::read(guest));
        self.fstab = self.told("fstab", mounts::read(guest));
    }

    /// What the root of a Windows tells.
    pub(crate) fn add_windows(&mut self, guest: &Guest<'_>, today: &str) {
        self.os_type = Some(OsType::Windows);
        let distribution = self.told("distribution", windows::identity(guest));
        self.lifecycle = lifecycle::of(&distribution, today);
        self.distribution = Some(distribution).filter(|found| !found.id.is_empty());
        match windows::signals(guest) {
            Ok(Some(signals)) => {
                self.os_state = Some(state::of(&signals));
                self.identity = signals;
            }
            Ok(None) => self.miss("osState", "neither the registry nor State.ini tells it".to_owned()),
            Err(error) => self.miss("osState", error.to_string()),
        }
        self.witnesses = self.told("architecture", architecture::windows(guest));
        (self.drivers, self.agents) = self.told("drivers", windows::services(guest));
    }

    /// Programs decide; where there are none that can be read, the loaders and kernels do.
    pub(crate) fn settle_architecture(&mut self) {
        let kernels = self.kernels.iter().filter_map(|kernel| {
            Some(Witness { path: kernel.path.clone(), architecture: kernel.architecture? })
        });
        let loaders = self.boot.loaders.iter().filter(|loader| loader.is_removable());
        let loaders = loaders.filter_map(|loader| {
            Some(Witness { path: format!("ESP:{}", loader.path), architecture: loader.architecture? })
        });
        let others: Vec<Witness> = kernels.take(1).chain(loaders).collect();
        self.architecture = self.witnesses.first().or(others.first()).map(|witness| witness.architecture);
        self.witnesses.extend(others);
    }
}
