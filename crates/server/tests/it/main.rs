//! The whole server in process, over real TLS; and the rows of a large installation.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod blobs;
mod counting;
mod data_plane;
mod disks;
mod edge;
mod grants;
mod hostile;
mod lifetime;
mod marketplace;
mod matrix;
mod scale;
mod sharing;
mod transcript;
mod wire;
mod world;
