//! Which processor a program is for, from its own header: ELF, PE, and the kernel's boot header.

use serde::{Deserialize, Serialize};

use crate::bytes::{Fields, as_usize};
use crate::guest::Guest;
use crate::text::plain;
use crate::tree::Error;

/// Bytes of a program's beginning that are looked at.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// Processors that images are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86.
    #[serde(rename = "x64")]
    X64,
    /// 64-bit ARM.
    Arm64,
    /// 32-bit x86.
    #[serde(rename = "x86")]
    X86,
    /// Something else.
    Other,
}

impl Architecture {
    /// As the wire spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "Arm64",
            Self::X86 => "x86",
            Self::Other => "other",
        }
    }
}

/// A program, and what it was built for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// Where it stands.
    pub path: String,
    /// What it runs on.
    pub architecture: Architecture,
}

/// Programs that every Linux has, in the order of their weight.
const PROGRAMS: &[&str] = &["/sbin/init", "/usr/lib/systemd/systemd", "/bin/sh", "/bin/busybox"];

pub(super) fn witnesses(guest: &Guest<'_>) -> Result<Vec<Witness>, Error> {
    let mut found: Vec<Witness> = Vec::new();
    for path in PROGRAMS {
        if let Some(bytes) = guest.file_up_to(path, HEAD_BYTES)?
            && let Some(architecture) = of_program(&bytes)
        {
            found.push(Witness { path: (*path).to_owned(), architecture });
        }
    }
    Ok(found)
}

/// What a program or kernel runs on; `None` when it is neither ELF, PE nor a kernel image.
pub(crate) fn of_program(bytes: &[u8]) -> Option<Architecture> {
    elf(bytes).or_else(|| pe(bytes)).or_else(|| kernel(bytes))
}

/// ELF: `e_machine` (System V ABI).
fn elf(bytes: &[u8]) -> Option<Architecture> {
    if !bytes.starts_with(b"\x7FELF") {
        return None;
    }
    let fields = Fields::new("ELF header", bytes);
    let machine = if bytes.get(5) == Some(&2) { fields.be_u16(18) } else { fields.le_u16(18) }.ok()?;
    Some(match (machine, bytes.get(4)) {
        (62, Some(2)) => Architecture::X64,
        (183, _) => Architecture::Arm64,
        (3 | 62, _) => Architecture::X86,
        _ => Architecture::Other,
    })
}

/// PE: the machine of the COFF header.
pub(crate) fn pe(bytes: &[u8]) -> Option<Architecture> {
    if !bytes.starts_with(b"MZ") {
        return None;
    }
    let fields = Fields::new("PE header", bytes);
    let at = as_usize(u64::from(fields.le_u32(0x3C).ok()?));
    if fields.slice(at, 4).ok()? != b"PE\0\0" {
        return None;
    }
    Some(match fields.le_u16(at + 4).ok()? {
        0x8664 => Architecture::X64,
        0xAA64 => Architecture::Arm64,
        0x014C => Architecture::X86,
        _ => Architecture::Other,
    })
}

/// A kernel without an EFI stub: Linux/x86 boot protocol, arm64 booting.
fn kernel(bytes: &[u8]) -> Option<Architecture> {
    let fields = Fields::new("kernel header", bytes);
    if fields.slice(0x202, 4).is_ok_and(|magic| magic == b"HdrS") {
        let is_64_bit = fields.le_u16(0x236).is_ok_and(|flags| flags & 1 == 1);
        return Some(if is_64_bit { Architecture::X64 } else { Architecture::X86 });
    }
    fields.slice(0x38, 4).is_ok_and(|magic| magic == b"ARM\x64").then_some(Architecture::Arm64)
}

/// The version that a kernel for x86 tells of itself: `6.1.0-48-cloud-amd64`.
pub(crate) fn kernel_version(bytes: &[u8]) -> Option<String> {
    let fields = Fields::new("kernel header", bytes);
    if fields.slice(0x202, 4).ok()? != b"HdrS" {
        return None;
    }
    let at = usize::from(fields.le_u16(0x20E).ok()?) + 0x200;
    let text = bytes.get(at..)?.split(|byte| matches!(byte, 0 | b' ')).next()?;
    (!text.is_empty()).then(|| plain(text))
}

/// Windows' kernel.
pub(super) fn windows(guest: &Guest<'_>) -> Result<Vec<Witness>, Error> {
    for path in
        ["/Windows/System32/ntoskrnl.exe", "/Windows/System32/winload.efi", "/Windows/System32/winload.exe"]
    {
        let Some(spelled) = guest.spelled(path)? else { continue };
        let bytes = guest.file_up_to(&spelled, HEAD_BYTES)?.unwrap_or_default();
        if let Some(architecture) = pe(&bytes) {
            return Ok(vec![Witness { path: plain(&spelled), architecture }]);
        }
    }
    Ok(Vec::new())
}
