//! The formats by name, and the two doors: [`open`] and [`write`].

use crate::{Blocks, Error, ReadAt, WriteAt};

/// A format an image may be declared to have on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// The bytes themselves.
    Raw,
    /// Virtual PC / Azure VHD, fixed or dynamic.
    Vhd,
    /// Hyper-V VHDX.
    Vhdx,
    /// QEMU qcow2, version 2 or 3.
    Qcow2,
    /// VMware VMDK: monolithicSparse, streamOptimized, or monolithicFlat.
    Vmdk,
}

/// A format an image can be exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// The bytes themselves, sparse where the sink can.
    Raw,
    /// Fixed VHD: what Azure takes.
    Vhd,
    /// Dynamic VHD.
    VhdDynamic,
    /// Hyper-V VHDX, dynamic.
    Vhdx,
    /// QEMU qcow2 version 3, zstd clusters.
    Qcow2,
    /// VMware streamOptimized VMDK.
    Vmdk,
}

/// What an image may ask for before it is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest virtual size, in bytes.
    pub virtual_bytes: u64,
    /// Most bytes of tables (L1, BAT, grain directories) that may be held in memory for one image.
    pub table_bytes: u64,
}

impl Default for Limits {
    /// 32 TiB (Azure's largest image), 128 MiB of tables.
    fn default() -> Self {
        Self { virtual_bytes: 32 << 40, table_bytes: 128 << 20 }
    }
}

/// An opened image: its blocks, and what was odd but acceptable.
pub struct Disk {
    /// The disk as a guest sees it.
    pub blocks: Box<dyn Blocks>,
    /// Things a person should know, one sentence each, without text from the file.
    pub warnings: Vec<String>,
}

/// Opens `file` as `format` and checks every structure that can be checked without reading the data.
///
/// The declared format is believed and then proven: there is no probing, and bytes that are
/// really another format are refused.
///
/// # Errors
/// [`Error::Refused`] with the reason; [`Error::Io`] when the file itself cannot be read.
pub fn open(format: InputFormat, file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    todo!("{format:?} {limits:?} {}", file.length()?)
}

/// Opens the two files of a monolithicFlat VMDK: the descriptor's text and the one extent that came in the same upload.
///
/// # Errors
/// As [`open`].
pub fn open_flat_vmdk(descriptor: &[u8], extent: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    todo!("{limits:?} {} {}", descriptor.len(), extent.length()?)
}

/// Writes `blocks` as `format`; returns the bytes of the file.
///
/// `identity` becomes the container's own unique ids, so the same disk and identity give the same file.
///
/// # Errors
/// When reading or writing fails.
pub fn write(
    format: OutputFormat,
    blocks: &dyn Blocks,
    identity: [u8; 16],
    out: &mut dyn WriteAt,
) -> Result<u64, Error> {
    let _ = (blocks, identity, out);
    todo!("{format:?}")
}
