//! Jobs, uploads, collection and verification together: rows in memory, regions in folders, time turned by hand.

mod artifacts;
mod collection;
mod crash;
mod deployment;
pub(crate) mod disk;
mod disk_access;
mod disks;
mod import;
mod inspection;
mod own_blobs;
mod publishing;
mod regions;
mod rows;
mod soft_delete;
mod sources;
mod verification;
mod web;
pub(crate) mod world;
