//! Jobs, uploads, collection and verification together: rows in memory, regions in folders, time turned by hand.

mod collection;
mod crash;
mod deployment;
pub(crate) mod disk;
mod import;
mod publishing;
mod regions;
mod rows;
mod verification;
mod web;
pub(crate) mod world;
