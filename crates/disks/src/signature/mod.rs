//! The marks by which formats are known: the one place that compares what was declared with what is there.
//!
//! Nothing is opened because of a mark. A mark can only lead to a refusal, so that no other program can
//! ever see another disk in the same bytes than we did.

#[cfg(test)]
mod tests;

use crate::bytes::{as_u64, as_usize};
use crate::{Blocks, Error, InputFormat, ReadAt};

/// How many bytes at the start are looked at.
const HEAD_BYTES: u64 = 1024;
/// Length of a VHD footer and of a sector, in bytes.
const FOOTER_BYTES: u64 = 512;

/// What a mark says about the bytes around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// A disk format that we read when it is declared.
    Ours(InputFormat),
    /// A disk format that we do not read, by name.
    OtherDisk(&'static str),
    /// Something that has to be unpacked first, by name.
    Packed(&'static str),
}

/// Marks at fixed places of the start: offset, bytes, meaning.
const HEAD_MARKS: &[(usize, &[u8], Mark)] = &[
    (0, b"QFI\xfb", Mark::Ours(InputFormat::Qcow2)),
    (0, b"vhdxfile", Mark::Ours(InputFormat::Vhdx)),
    (0, b"conectix", Mark::Ours(InputFormat::Vhd)),
    (0, b"KDMV", Mark::Ours(InputFormat::Vmdk)),
    (0, b"COWD", Mark::Ours(InputFormat::Vmdk)),
    (0, b"\xbe\xba\xfe\xca\0\0\0\0", Mark::Ours(InputFormat::Vmdk)),
    (0, b"# Disk DescriptorFile", Mark::Ours(InputFormat::Vmdk)),
    (0, b"QED\0", Mark::OtherDisk("QED")),
    (64, b"\x7f\x10\xda\xbe", Mark::OtherDisk("VDI")),
    (0, b"WithoutFreeSpace", Mark::OtherDisk("Parallels")),
    (0, b"WithouFreSpacExt", Mark::OtherDisk("Parallels")),
    (0, b"Bochs Virtual HD Image", Mark::OtherDisk("Bochs")),
    (0, b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop", Mark::OtherDisk("cloop")),
    (0, b"\x1f\x8b\x08", Mark::Packed("gzip")),
    (0, b"PK\x03\x04", Mark::Packed("ZIP")),
    (0, b"PK\x05\x06", Mark::Packed("ZIP")),
    (257, b"ustar", Mark::Packed("tar (OVA)")),
    (0, b"\xfd7zXZ\0", Mark::Packed("xz")),
    (0, b"BZh", Mark::Packed("bzip2")),
    (0, b"\x28\xb5\x2f\xfd", Mark::Packed("Zstandard")),
    (0, b"7z\xbc\xaf\x27\x1c", Mark::Packed("7-Zip")),
];

/// Refuses a file whose marks are not those of the declared format.
pub(crate) fn check_file(declared: InputFormat, file: &dyn ReadAt) -> Result<(), Error> {
    let length = file.length()?;
    if length == 0 {
        return Err(Error::empty("the file has no bytes"));
    }
    let mut head = vec![0; as_usize(length.min(HEAD_BYTES))?];
    file.read_exact_at(&mut head, 0)?;
    let tail = sector_before(length, |buffer, offset| Ok(file.read_exact_at(buffer, offset)?))?;
    let (start, end) = (head_mark(&head), tail_mark(&tail));
    match declared {
        InputFormat::Raw => [start, end].into_iter().flatten().try_for_each(|mark| refuse(mark, declared)),
        // The footer is read by the format itself, which knows what a missing one means.
        InputFormat::Vhd => match start {
            Some(mark) if mark != Mark::Ours(declared) => refuse(mark, declared),
            _ => Ok(()),
        },
        InputFormat::Vhdx | InputFormat::Qcow2 | InputFormat::Vmdk => {
            check_container(declared, &head, start, end)
        }
    }
}

/// A container must begin with its own mark, and be nothing else besides.
fn check_container(
    declared: InputFormat,
    head: &[u8],
    start: Option<Mark>,
    end: Option<Mark>,
) -> Result<(), Error> {
    match start {
        Some(Mark::Ours(found)) if found == declared => {}
        Some(mark) => return refuse(mark, declared),
        None => {
            return Err(Error::mismatch(format!(
                "the file does not begin as {declared} does; declare its real format, or raw if it is a plain disk"
            )));
        }
    }
    if let Some(mark) = end {
        return refuse(mark, declared);
    }
    if head.get(512..520) == Some(b"EFI PART") {
        return Err(Error::mismatch(format!(
            "the file is declared as {declared} and is a partitioned raw disk at the same time"
        )));
    }
    Ok(())
}

/// Refuses a disk whose own bytes are another disk's container.
///
/// Written out as raw, such a disk would be opened as what it is not.
pub(crate) fn check_guest(blocks: &dyn Blocks) -> Result<(), Error> {
    let length = blocks.size_bytes();
    let mut head = vec![0; as_usize(length.min(HEAD_BYTES))?];
    blocks.read_at(0, &mut head)?;
    let tail = sector_before(length, |buffer, offset| blocks.read_at(offset, buffer))?;
    for mark in [head_mark(&head), tail_mark(&tail)].into_iter().flatten() {
        match mark {
            Mark::Ours(found) => {
                return Err(Error::mismatch(format!(
                    "the disk inside the image is itself a {found} file; upload that file as {found}"
                )));
            }
            Mark::OtherDisk(name) => {
                return Err(Error::mismatch(format!("the disk inside the image is itself a {name} file")));
            }
            // An archive written onto a disk is nothing that a program would open by itself.
            Mark::Packed(_) => {}
        }
    }
    Ok(())
}

/// Whether the whole disk is one LUKS volume.
pub(crate) fn is_encrypted(blocks: &dyn Blocks) -> Result<bool, Error> {
    let mut magic = [0; 6];
    blocks.read_at(0, &mut magic)?;
    Ok(&magic == b"LUKS\xba\xbe")
}

fn refuse(mark: Mark, declared: InputFormat) -> Result<(), Error> {
    Err(match mark {
        Mark::Ours(found) if found == declared => {
            Error::mismatch(format!("the file bears the marks of {found} twice"))
        }
        Mark::Ours(found) => Error::mismatch(format!(
            "the file is declared as {declared} and bears the mark of {found}; declare what it is"
        )),
        Mark::OtherDisk(name) => Error::unsupported(format!(
            "the file is a {name} disk, which is not read; convert it to qcow2, vhdx, vhd or raw"
        )),
        Mark::Packed(name) => {
            Error::unsupported(format!("the file is packed as {name}; unpack it and upload the disk itself"))
        }
    })
}

fn head_mark(head: &[u8]) -> Option<Mark> {
    let fixed =
        HEAD_MARKS.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    match fixed {
        Some((_, _, mark)) => Some(*mark),
        None => is_vmdk_descriptor(head).then_some(Mark::Ours(InputFormat::Vmdk)),
    }
}

/// Whether a text begins as a VMDK descriptor: comments and blank lines, then `version=`.
fn is_vmdk_descriptor(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"#"))
        .is_some_and(|line| line.to_ascii_lowercase().starts_with(b"version="))
}

/// The mark at the end: a whole sector, or one byte less, as the first Virtual PC wrote it.
fn tail_mark(tail: &[u8]) -> Option<Mark> {
    if tail.starts_with(b"conectix") || tail.get(1..).is_some_and(|rest| rest.starts_with(b"conectix")) {
        return Some(Mark::Ours(InputFormat::Vhd));
    }
    tail.starts_with(b"koly").then_some(Mark::OtherDisk("DMG"))
}

/// The last sector before `end`, or less when there is less.
fn sector_before(end: u64, read: impl FnOnce(&mut [u8], u64) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let length = end.min(FOOTER_BYTES);
    let mut sector = vec![0; as_usize(length)?];
    let offset = end - as_u64(sector.len());
    read(&mut sector, offset)?;
    Ok(sector)
}
