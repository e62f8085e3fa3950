//! What is in a disk: partitions, boot chain, file systems, operating system facts, findings, packages.
//!
//! Reads [`disks::Blocks`] and nothing else: no mount, no tool, no file of the host. Foreign bytes never panic and never
//! make memory or time grow past the budget; what could not be read is told as unknown, never as absent.

mod budget;
mod bytes;
pub mod contract;
mod crc;
mod disk;
pub mod facts;
pub mod findings;
mod folders;
mod fs;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guest;
mod lvm;
pub mod memory;
mod observation;
pub mod packages;
mod partitions;
mod probe;
pub mod report;
mod root;
#[cfg(test)]
mod testing;
mod text;
pub mod tree;
mod volumes;
pub mod walk;
mod window;

pub use budget::Budget;
pub use disk::Disk;
pub use facts::Facts;
pub use guest::Guest;
pub use observation::{Observation, ObservationKind};
pub use partitions::{Partition, PartitionKind, TableKind};
pub use probe::{Content, FileSystem};
pub use root::{Composite, Mount, Root, System};
pub use volumes::{Place, Usage, Volume};
pub use window::Window;
