//! Images that lie, are damaged or are good, each with what must be said of it. For tests.
//!
//! An image is made anew each time it is asked for, from nothing or by Debian's own tools, and is the same each time. What
//! is expected is a verdict; that it comes without a panic, in bounded time and memory, and without a look at any other
//! file is for the caller to see to.

mod case;
mod dice;
mod image;
mod others;
mod qcow2;
mod raw;
mod systems;
mod tables;
mod trees;
mod vhd;
mod vhdx;
mod vmdk;
mod workshop;

pub use case::{Case, Expect};
pub use image::Image;
pub use systems::{base, sign_btrfs};
pub use trees::small_files;
pub use vhd::{dynamic as vhd, sign_all as sign_vhd};
pub use vhdx::{good as vhdx, sign_all as sign_vhdx};
pub use workshop::Workshop;

/// Makes the cases of one family.
pub type Family = fn(&Workshop) -> anyhow::Result<Vec<Case>>;

/// Makes the bytes of an image, or of a part of one.
pub(crate) type Bytes = fn() -> Vec<u8>;

/// Every family of cases by its name; the names of its cases begin with it.
pub const FAMILIES: &[(&str, Family)] = &[
    ("qcow2", qcow2::cases),
    ("raw", raw::cases),
    ("others", others::cases),
    ("systems", systems::cases),
    ("tables", tables::cases),
    ("trees", trees::cases),
    ("vhd", vhd::cases),
    ("vhdx", vhdx::cases),
    ("vmdk", vmdk::cases),
];
