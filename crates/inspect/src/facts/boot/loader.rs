//! Programs on the EFI system partition: for which processor, signed by whom, of which SBAT level.
//!
//! Names of signers are read, signatures are not verified: that needs the certificates of the firmware at hand.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bytes::{Fields, as_usize};
use crate::disk::Disk;
use crate::facts::architecture::{Architecture, pe};
use crate::guest::{Guest, joined};
use crate::text::plain;
use crate::tree::{Error, NodeKind};
use crate::volumes::Place;

/// Loaders that are looked at on one disk.
const MOST_LOADERS: usize = 64;
/// The largest loader that is read.
const MOST_BYTES: usize = 16 << 20;

/// Authorities whose certificates firmware of virtual machines holds, as their certificates name them.
const AUTHORITIES: &[&str] = &[
    "Microsoft Corporation UEFI CA 2011",
    "Microsoft UEFI CA 2023",
    "Microsoft Option ROM UEFI CA 2023",
    "Microsoft Windows Production PCA 2011",
    "Windows UEFI CA 2023",
];

/// A program that firmware or another loader starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loader {
    /// The number of its partition.
    pub partition: u32,
    /// Where it stands there.
    pub path: String,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Whether it carries a signature.
    pub signed: bool,
    /// Whether a signature is for these very bytes.
    pub intact: bool,
    /// Microsoft's authorities that its signatures name.
    pub authorities: Vec<String>,
    /// Its SBAT entries, `component,generation`.
    pub sbat: Vec<String>,
}

impl Loader {
    /// Whether firmware starts it without an entry of its own (UEFI 2.10, 3.5.1.1).
    #[must_use]
    pub fn is_removable(&self) -> bool {
        let name = self.path.to_ascii_uppercase();
        let expected = match self.architecture {
            Some(Architecture::X64) => "/EFI/BOOT/BOOTX64.EFI",
            Some(Architecture::Arm64) => "/EFI/BOOT/BOOTAA64.EFI",
            Some(Architecture::X86) => "/EFI/BOOT/BOOTIA32.EFI",
            _ => return false,
        };
        name == expected
    }
}

/// Every loader on every EFI system partition.
pub(super) fn all(disk: &Disk<'_>) -> Result<Vec<Loader>, Error> {
    let mut loaders = Vec::new();
    for partition in disk.partitions.iter().filter(|partition| partition.is_efi_system()) {
        let place = Place::Partition(partition.number);
        let Some(volume) = disk.volumes.iter().find(|volume| volume.place == place) else { continue };
        let guest = Guest::new(volume.tree()?);
        let Some(root) = guest.spelled("/EFI")? else { continue };
        for vendor in guest.names(&root)? {
            let folder = joined(&root, &vendor);
            // Windows keeps its loader one folder deeper.
            let below = guest.names(&folder)?.into_iter().map(|name| joined(&folder, &name));
            let folders: Vec<_> = std::iter::once(folder.clone()).chain(below).collect();
            for folder in folders {
                for name in guest.names(&folder)? {
                    if loaders.len() < MOST_LOADERS && name.to_ascii_lowercase().ends_with(b".efi") {
                        loaders.extend(read(&guest, partition.number, &joined(&folder, &name))?);
                    }
                }
            }
        }
    }
    Ok(loaders)
}

pub(super) fn read(guest: &Guest<'_>, partition: u32, path: &[u8]) -> Result<Option<Loader>, Error> {
    let Some((_, node)) = guest.find(path)? else { return Ok(None) };
    if node.kind != NodeKind::File {
        return Ok(None);
    }
    let bytes = guest.file_up_to(path, MOST_BYTES)?.unwrap_or_default();
    let certificates = certificates(&bytes);
    let named = |authority: &&&str| memchr::memmem::find(certificates, authority.as_bytes()).is_some();
    Ok(Some(Loader {
        partition,
        path: plain(path),
        architecture: pe(&bytes),
        size_bytes: node.size_bytes,
        sha256: hex(&Sha256::digest(&bytes)),
        signed: !certificates.is_empty(),
        intact: is_intact(&bytes),
        authorities: AUTHORITIES.iter().filter(named).map(|name| (*name).to_owned()).collect(),
        sbat: sbat(&bytes).unwrap_or_default(),
    }))
}

/// Where a program keeps the place and length of its certificates, and the place and length themselves.
struct CertificateTable {
    entry: usize,
    start: usize,
    length: usize,
}

/// The fifth directory of a PE header (PE format, "Optional Header Data Directories").
fn certificate_table(header: &[u8]) -> Result<CertificateTable, Error> {
    let fields = Fields::new("PE header", header);
    let at = as_usize(u64::from(fields.le_u32(0x3C)?)) + 24;
    let directories = if fields.le_u16(at)? == 0x20B { at + 112 } else { at + 96 };
    let entry = directories + 4 * 8;
    // Unlike the others this directory counts from the start of the file.
    let start = as_usize(u64::from(fields.le_u32(entry)?));
    let length = as_usize(u64::from(fields.le_u32(entry + 4)?));
    Ok(CertificateTable { entry, start, length })
}

/// Whether the program whose first bytes these are carries certificates.
pub(in crate::facts) fn is_signed(header: &[u8]) -> bool {
    pe(header).is_some() && certificate_table(header).is_ok_and(|table| table.length > 0)
}

/// The certificates of a program; empty when it has none.
fn certificates(bytes: &[u8]) -> &[u8] {
    let table = certificate_table(bytes).ok();
    table.and_then(|table| bytes.get(table.start..table.start.checked_add(table.length)?)).unwrap_or_default()
}

/// Whether the certificates speak of the digest that the program has (Windows Authenticode, "Calculating the PE Image
/// Hash"): all bytes but the checksum, the place of the certificates and the certificates.
fn is_intact(bytes: &[u8]) -> bool {
    let digest = || {
        let table = certificate_table(bytes).ok()?;
        let checksum = as_usize(u64::from(Fields::new("PE header", bytes).le_u32(0x3C).ok()?)) + 24 + 64;
        let mut hash = Sha256::new();
        hash.update(bytes.get(..checksum)?);
        hash.update(bytes.get(checksum + 4..table.entry)?);
        hash.update(bytes.get(table.entry + 8..table.start)?);
        hash.update(bytes.get(table.start.checked_add(table.length)?..)?);
        Some(hash.finalize())
    };
    digest().is_some_and(|digest| memchr::memmem::find(certificates(bytes), &digest).is_some())
}

/// The lines of the section `.sbat`, without the first, which is about the format.
fn sbat(bytes: &[u8]) -> Result<Vec<String>, Error> {
    let fields = Fields::new("PE header", bytes);
    let at = as_usize(u64::from(fields.le_u32(0x3C)?));
    let (sections, optional) = (fields.le_u16(at + 6)?, fields.le_u16(at + 20)?);
    for index in 0..usize::from(sections).min(96) {
        let header = at + 24 + usize::from(optional) + index * 40;
        if fields.slice(header, 8)? == b".sbat\0\0\0" {
            let (length, start) = (fields.le_u32(header + 8)?, fields.le_u32(header + 20)?);
            let text = fields.slice(as_usize(u64::from(start)), as_usize(u64::from(length)).min(64 << 10))?;
            let lines = crate::guest::lines(text.split(|byte| *byte == 0).next().unwrap_or_default());
            let entry = |line: &[u8]| {
                let mut fields = line.split(|byte| *byte == b',');
                let (component, level) = (fields.next()?, fields.next()?);
                Some(format!("{},{}", plain(component), plain(level)))
            };
            return Ok(lines.skip(1).filter_map(entry).take(32).collect());
        }
    }
    Ok(Vec::new())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
