//! Image bytes: content-defined chunks, packs, manifests, regions, copies, collection.
//!
//! The way in: [`cut`] finds the chunks of a disk, [`Block`]s compress them, a [`Writer`] puts those into the packs of a
//! [`Region`], and a [`Manifest`] lists them; [`ingest`] does all of it. The way out is an [`Image`]. Everything
//! here blocks; callers with other work run it on threads for blocking calls.

mod block;
mod coding;
mod commit;
mod compression;
mod copy;
mod cut;
mod digest;
mod entry;
mod error;
mod folder;
mod gather;
mod image;
mod ingest;
mod lru;
mod manifest;
mod pack;
mod region;
mod transfer;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use block::{
    BLOCK_TARGET_BYTES, Block, BlockBuilder, ChunkName, MAX_BLOCK_BYTES, MAX_BLOCK_CHUNKS, OpenBlock,
};
pub use commit::{Committed, commit_entries};
pub use copy::{Copied, CopyProgress, copy};
pub use cut::{ALGORITHM, Piece, cut};
pub use digest::Digest;
pub use entry::{Entry, EntryReader, GRID_BYTES, MAX_CHUNK_BYTES, MAX_DISK_BYTES};
pub use error::Error;
pub use folder::{Fault, Step};
pub use image::Image;
pub use ingest::{IngestProgress, Ingested, ingest};
pub use manifest::{Descend, EmitPage, Entries, MAX_PAGE_BYTES, Manifest, ManifestBuilder, Visit};
pub use region::{
    BrokenImage, BrokenRange, Chunk, Collected, DamagedPack, InUse, Live, Options, Owner, Pin, Region,
    Report, Sealed, UnreferencedPack, Usage, VerifyProgress, Writer,
};
