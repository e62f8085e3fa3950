//! What is in a disk: partitions, boot chain, file systems, operating system facts, findings, packages.
//!
//! Reads [`disks::Blocks`] and nothing else: no mount, no tool, no file of the host. Foreign bytes never panic and never
//! make memory or time grow past the budget; what could not be read is told as unknown, never as absent.

pub mod tree;
