//! The formats by name, and the two doors: [`open()`] and [`write()`].

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use crate::{Blocks, Error, ReadAt, WriteAt, qcow2, raw, signature, vhd, vhdx, vmdk};

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

/// The input formats by the names people type.
const INPUT_NAMES: &[(&str, InputFormat)] = &[
    ("raw", InputFormat::Raw),
    ("vhd", InputFormat::Vhd),
    ("vhdx", InputFormat::Vhdx),
    ("qcow2", InputFormat::Qcow2),
    ("vmdk", InputFormat::Vmdk),
];

/// The output formats by the names people type.
const OUTPUT_NAMES: &[(&str, OutputFormat)] = &[
    ("raw", OutputFormat::Raw),
    ("vhd", OutputFormat::Vhd),
    ("vhd-dynamic", OutputFormat::VhdDynamic),
    ("vhdx", OutputFormat::Vhdx),
    ("qcow2", OutputFormat::Qcow2),
    ("vmdk", OutputFormat::Vmdk),
];

impl FromStr for InputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        by_name(INPUT_NAMES, text)
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(name_of(INPUT_NAMES, *self))
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        by_name(OUTPUT_NAMES, text)
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(name_of(OUTPUT_NAMES, *self))
    }
}

fn by_name<T: Copy>(names: &[(&str, T)], text: &str) -> Result<T, Error> {
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, format)| *format).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Error::unsupported(format!("unknown disk format; the formats are {}", known.join(", ")))
    })
}

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], format: T) -> &'static str {
    names.iter().find(|(_, named)| *named == format).map_or("unknown", |(name, _)| name)
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

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Disk")
            .field("size_bytes", &self.blocks.size_bytes())
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// Opens `file` as `format` and checks every structure that can be checked without reading the data.
///
/// The declared format is believed and then proven: there is no probing, and bytes that are
/// really another format are refused.
///
/// # Errors
/// [`Error::Refused`] with the reason; [`Error::Io`] when the file itself cannot be read.
pub fn open(format: InputFormat, file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    if format == InputFormat::Raw && file.length()? > limits.virtual_bytes {
        // Said before the first read: a promised length may have no bytes behind it.
        raw::check_size(file.length()?, limits)?;
    }
    signature::check_file(format, file.as_ref())?;
    let disk = match format {
        InputFormat::Raw => raw::open(file, limits),
        InputFormat::Vhd => vhd::open(file, limits),
        InputFormat::Vhdx => vhdx::open(file, limits),
        InputFormat::Qcow2 => qcow2::open(file, limits),
        InputFormat::Vmdk => vmdk::open(file, limits),
    }?;
    look_inside(format, disk)
}

/// Opens the two files of a monolithicFlat VMDK: the descriptor's text and the one extent that came in the same upload.
///
/// # Errors
/// As [`open`].
pub fn open_flat_vmdk(descriptor: &[u8], extent: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    look_inside(InputFormat::Vmdk, vmdk::open_flat(descriptor, extent, limits)?)
}

/// What is checked on the disk's own bytes, whatever the container.
fn look_inside(format: InputFormat, mut disk: Disk) -> Result<Disk, Error> {
    signature::check_guest(disk.blocks.as_ref())?;
    if signature::is_encrypted(disk.blocks.as_ref())? {
        disk.warnings
            .push("The whole disk is a LUKS volume: its content is encrypted and was not read.".to_owned());
    }
    let is_azure_format = matches!(format, InputFormat::Raw | InputFormat::Vhd);
    if is_azure_format && !disk.blocks.size_bytes().is_multiple_of(1 << 20) {
        disk.warnings.push("The disk's size is not a whole number of MiB, which Azure asks for.".to_owned());
    }
    Ok(disk)
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
    match format {
        OutputFormat::Raw => raw::write(blocks, out),
        OutputFormat::Vhd => vhd::write_fixed(blocks, identity, out),
        OutputFormat::VhdDynamic => vhd::write_dynamic(blocks, identity, out),
        OutputFormat::Vhdx => vhdx::write(blocks, identity, out),
        OutputFormat::Qcow2 => qcow2::write(blocks, out),
        OutputFormat::Vmdk => vmdk::write(blocks, identity, out),
    }
}
