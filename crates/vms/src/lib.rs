//! Machines: what one is, how it is started and watched, and who runs it.
//!
//! [`Host`] is the trait; [`Qemu`] runs machines for real, [`Simulator`] in memory, with faults on demand. A [`Machine`] is a
//! specification: it names its disks as the host knows them and holds no word that a user chose freely. This crate has
//! never heard of resources or of what is in a disk.

mod capacity;
mod error;
mod event;
pub mod guest;
mod host;
mod machine;
mod qemu;
mod readiness;
mod serial;
mod simulator;

#[cfg(test)]
mod conformance;

pub use capacity::{Capacity, Exhausted, Scarce, Usage};
pub use error::Error;
pub use event::{Ending, Event, State, What};
pub use host::{Forwarded, Host, Screenshot};
pub use machine::{
    Architecture, DataDisk, Disk, DiskFormat, Forward, Generation, MAX_DATA_DISKS, Machine, MachineId, Nic,
    Security, Source,
};
pub use qemu::{Firmware, Qemu, Settings};
pub use readiness::{Failure, Moment, Outcome, Progress, Stage, await_ready};
pub use serial::{Serial, SerialLog};
pub use simulator::{Script, Simulator};
