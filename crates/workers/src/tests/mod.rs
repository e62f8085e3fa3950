//! Jobs, uploads, collection and verification together: rows in memory, regions in folders, time turned by hand.

mod collection;
mod crash;
pub(crate) mod disk;
mod disks;
mod import;
mod publishing;
mod regions;
mod rows;
mod sources;
mod verification;
mod web;
pub(crate) mod world;
