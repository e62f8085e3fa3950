//! Virtual disk formats in and out: sparse streams of bytes, whatever the container.
//!
//! Nothing here opens a file by name, knows about resources, or trusts a byte it reads.

mod blocks;
mod bytes;
mod error;
mod format;
mod layout;
#[cfg(test)]
mod oracle;
mod packed;
mod qcow2;
mod raw;
#[cfg(test)]
mod sample;
mod signature;
mod source;
mod units;
mod vhd;
mod vhdx;
mod vmdk;

pub use blocks::{Blocks, Extent, ExtentKind};
pub use error::{Error, Reason};
pub use format::{Disk, InputFormat, Limits, OutputFormat, open, open_flat_vmdk, write};
pub use source::{FileSource, ReadAt, WriteAt};
pub use vhd::{fixed_vhd_footer, is_fixed_vhd_footer};
