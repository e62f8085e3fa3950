//! Disks made by the tools that everyone makes them with, and what is told of them.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod btrfs;
mod ext;
mod fat;
mod gpt;
mod images;
mod memory;
mod mutation;
mod ntfs;
mod roots;
mod sample;
mod tables;
mod tools;
mod xfs;
