//! Which drivers an initramfs brings: names of modules in its archives.
//!
//! An initramfs is a row of cpio archives ("newc"), each as it is or compressed. It is read as a stream: however far it
//! unpacks, only the names are kept, and the stream ends at a limit.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};

use lzma_rust2::XzReader;

use crate::bytes::as_u64;
use crate::guest::Guest;
use crate::memory::{Key, recalled};
use crate::tree::{Error, NodeKind};

/// Bytes that all archives together may unpack to.
const MOST_UNPACKED: u64 = 2 << 30;
/// Memory that unpacking xz may take, in KiB; `xz -9` takes 64 MiB.
const MOST_DICTIONARY_KIB: u32 = 96 << 10;
/// Bytes read at once.
const STRIDE: usize = 256 << 10;
/// Archives in a row.
const MOST_ARCHIVES: usize = 16;
/// The largest name in an archive, as Linux has it.
const MOST_NAME_BYTES: usize = 4096;

/// Names of the modules in the initramfs at `path`, with `_` for `-`; `None` when there is no such file.
pub(crate) fn modules(guest: &Guest<'_>, path: &str) -> Result<Option<BTreeSet<String>>, Error> {
    let Some((path, node)) = guest.find(path)?.filter(|(_, node)| node.kind == NodeKind::File) else {
        return Ok(None);
    };
    let open = || {
        let file = GuestFile { guest, path: path.clone(), at: 0, size_bytes: node.size_bytes };
        BufReader::with_capacity(STRIDE, file)
    };
    let mut key = Key::of("initramfs");
    if guest.memory().is_some() {
        let mut file = open();
        loop {
            let bytes = file.fill_buf().map_err(damaged)?;
            if bytes.is_empty() {
                break;
            }
            let length = bytes.len();
            key.and(bytes);
            file.consume(length);
        }
    }
    recalled(guest.memory(), &key, || read(open())).map(Some)
}

fn read(mut input: impl BufRead) -> Result<BTreeSet<String>, Error> {
    let mut names = Names::default();
    for _ in 0..MOST_ARCHIVES {
        skip_zeros(&mut input).map_err(damaged)?;
        let magic = input.fill_buf().map_err(damaged)?.get(..6).map(<[u8]>::to_vec).unwrap_or_default();
        let was_whole = names.begin();
        match magic.as_slice() {
            [] => return Ok(names.modules),
            [b'0', b'7', b'0', b'7', b'0', b'1' | b'2'] => {
                plain_archive(&mut input, &mut names).map_err(damaged)?;
            }
            [0x1F, 0x8B, ..] => {
                let mut unpacked = flate2::bufread::GzDecoder::new(&mut input);
                io::copy(&mut unpacked, &mut names).map(drop).map_err(damaged)?;
            }
            [0xFD, b'7', b'z', b'X', b'Z', 0] => {
                let mut unpacked = XzReader::new_mem_limit(&mut input, false, MOST_DICTIONARY_KIB);
                io::copy(&mut unpacked, &mut names).map(drop).map_err(damaged)?;
            }
            [0x28, 0xB5, 0x2F, 0xFD, ..] => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(&mut input);
                let mut unpacked =
                    decoder.map_err(|error| Error::Damaged(format!("the initramfs: {error}")))?;
                io::copy(&mut unpacked, &mut names).map(drop).map_err(damaged)?;
            }
            [0x02, 0x21, 0x4C, 0x18, ..] | [0x04, 0x22, 0x4D, 0x18, ..] => {
                let mut unpacked = lz4_flex::frame::FrameDecoder::new(&mut input);
                let copied = io::copy(&mut unpacked, &mut names);
                // The old frame has no end of its own; the archive has.
                copied
                    .map(drop)
                    .or_else(|error| if names.is_whole { Ok(()) } else { Err(damaged(error)) })?;
            }
            _ if was_whole => return Ok(names.modules),
            _ => {
                return Err(Error::Unsupported(
                    "an initramfs packed in a way that is not known here".to_owned(),
                ));
            }
        }
    }
    Ok(names.modules)
}

fn damaged(error: impl Into<io::Error>) -> Error {
    Error::Damaged(format!("the initramfs: {}", error.into()))
}

/// An archive that is not compressed: fed to `names` until its trailer.
fn plain_archive(input: &mut impl BufRead, names: &mut Names) -> io::Result<()> {
    while !names.is_whole {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let used = names.take(bytes)?;
        input.consume(used);
    }
    Ok(())
}

fn skip_zeros(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == bytes.len();
        input.consume(zeros);
        if !all || zeros == 0 {
            return Ok(());
        }
    }
}

/// Takes a cpio archive piece by piece and keeps the names of modules.
#[derive(Debug, Default)]
struct Names {
    modules: BTreeSet<String>,
    /// A header, or a header and a name, not yet complete.
    pending: Vec<u8>,
    /// Bytes to pass over before the next header.
    skip: u64,
    /// Whether the trailer was met.
    is_whole: bool,
    unpacked: u64,
}

const HEADER_BYTES: usize = 110;

impl Names {
    /// Makes ready for another archive; tells whether the last one was whole.
    fn begin(&mut self) -> bool {
        (self.pending, self.skip) = (Vec::new(), 0);
        std::mem::take(&mut self.is_whole)
    }

    /// Takes bytes up to the end of the trailer's name; tells how many it took.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_whole = false;
        let mut used = 0;
        while used < bytes.len() {
            let rest = bytes.get(used..).unwrap_or_default();
            if self.skip > 0 {
                let passed = rest.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
                self.skip -= as_u64(passed);
                used += passed;
                continue;
            }
            let wanted = self.wanted()?;
            let taken = rest.len().min(wanted - self.pending.len());
            self.pending.extend_from_slice(rest.get(..taken).unwrap_or_default());
            used += taken;
            if self.pending.len() == wanted && wanted > HEADER_BYTES && self.entry()? {
                self.is_whole = true;
                break;
            }
        }
        Ok(used)
    }

    /// How long `pending` must become: the header first, then the name behind it.
    fn wanted(&self) -> io::Result<usize> {
        if self.pending.len() < HEADER_BYTES {
            return Ok(HEADER_BYTES);
        }
        let name_bytes = usize::try_from(self.field(11)?).unwrap_or(usize::MAX);
        if !self.pending.starts_with(b"07070") || name_bytes == 0 || name_bytes > MOST_NAME_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an archive with a broken header"));
        }
        Ok((HEADER_BYTES + name_bytes).next_multiple_of(4))
    }

    /// A field of the header: eight hexadecimal digits.
    fn field(&self, index: usize) -> io::Result<u64> {
        let start = 6 + index * 8;
        let digits = self.pending.get(start..start + 8).and_then(|digits| std::str::from_utf8(digits).ok());
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an archive with a broken number"))
    }

    /// Ends a header and its name; tells whether it was the trailer.
    fn entry(&mut self) -> io::Result<bool> {
        let name = self.pending.get(HEADER_BYTES..).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let is_trailer = name == b"TRAILER!!!";
        if let Some(module) = module_name(name) {
            self.modules.insert(module);
        }
        self.skip = self.field(6)?.next_multiple_of(4);
        self.pending.clear();
        Ok(is_trailer)
    }
}

impl Write for Names {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unpacked += as_u64(bytes.len());
        if self.unpacked > MOST_UNPACKED {
            return Err(io::Error::other("it unpacks to more than 2 GiB"));
        }
        let mut used = 0;
        while used < bytes.len() {
            if self.is_whole {
                // Another archive may follow inside the same stream, behind zeros.
                let rest = bytes.get(used..).unwrap_or_default();
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                used += zeros;
                if zeros == rest.len() {
                    break;
                }
            }
            used += self.take(bytes.get(used..).unwrap_or_default())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `hv_storvsc` out of `…/hv_storvsc.ko.xz`; `None` for what is no module.
pub(super) fn module_name(path: &[u8]) -> Option<String> {
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let name = std::str::from_utf8(name).ok()?;
    let stem =
        name.strip_suffix(".xz").or_else(|| name.strip_suffix(".zst")).or_else(|| name.strip_suffix(".gz"));
    let stem = stem.unwrap_or(name).strip_suffix(".ko")?;
    Some(stem.replace('-', "_"))
}

/// A file of the guest as a stream.
struct GuestFile<'g, 'a> {
    guest: &'g Guest<'a>,
    path: Vec<u8>,
    at: u64,
    size_bytes: u64,
}

impl Read for GuestFile<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size_bytes {
            return Ok(0);
        }
        let bytes = self.guest.read(&self.path, self.at, buffer.len()).map_err(io::Error::other)?;
        let taken = bytes.len().min(buffer.len());
        buffer.get_mut(..taken).unwrap_or_default().copy_from_slice(bytes.get(..taken).unwrap_or_default());
        self.at += as_u64(taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
