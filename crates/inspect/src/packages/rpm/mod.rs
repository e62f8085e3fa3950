//! rpm: headers in one of three kinds of databases.
//!
//! Pages are read as they are needed; a database of any size costs the memory of one header.

mod bdb;
mod header;
mod ndb;
mod sqlite;

use std::cell::{Cell, RefCell};

use super::{Inventory, MOST_PACKAGES};
use crate::bytes::{as_u64, as_usize};
use crate::guest::Guest;
use crate::tree::{Error, NodeKind};

/// The largest header that is read; the longest lists of files come to a tenth of it.
const MOST_HEADER_BYTES: usize = 64 << 20;
/// Bytes fetched at once.
const STRIDE: u64 = 256 << 10;
/// Strides kept.
const KEPT: usize = 32;

/// How often each byte of a database may be asked for on average, beside what any database needs, and the most in all:
/// only where many records claim one place is it more, and such reads cost the budget nothing while they are kept.
const MOST_TIMES: u64 = 4;
const ALWAYS_BYTES: u64 = 64 << 20;
const MOST_BYTES: u64 = 4 << 30;

/// Where distributions keep their databases.
const FOLDERS: &[&str] = &["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];

type Opener = fn(&Paged<'_>, &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>;

const KINDS: &[(&str, Opener)] =
    &[("rpmdb.sqlite", sqlite::headers), ("Packages.db", ndb::headers), ("Packages", bdb::headers)];

pub(super) fn read(guest: &Guest<'_>, inventory: &mut Inventory) -> Result<(), Error> {
    for folder in FOLDERS {
        for (name, open) in KINDS {
            let Some(file) = Paged::open(guest, &format!("{folder}/{name}"))? else { continue };
            let packages = &mut inventory.packages;
            return open(&file, &mut |blob| {
                if packages.len() < MOST_PACKAGES {
                    packages.push(header::package(blob)?);
                }
                Ok(())
            });
        }
    }
    Ok(())
}

/// A file of pages, some of them kept.
struct Paged<'a> {
    guest: Guest<'a>,
    path: Vec<u8>,
    size_bytes: u64,
    kept: RefCell<Vec<(u64, Vec<u8>)>>,
    /// Bytes that were asked for.
    told_bytes: Cell<u64>,
}

impl<'a> Paged<'a> {
    fn open(guest: &Guest<'a>, path: &str) -> Result<Option<Self>, Error> {
        Ok(match guest.find(path)? {
            Some((path, node)) if node.kind == NodeKind::File && node.size_bytes > 0 => {
                let (size_bytes, kept, told_bytes) = (node.size_bytes, RefCell::default(), Cell::new(0));
                Some(Self { guest: *guest, path, size_bytes, kept, told_bytes })
            }
            _ => None,
        })
    }

    /// The file of the same name with `suffix` behind it.
    fn beside(&self, suffix: &str) -> Result<Option<Self>, Error> {
        let path = format!("{}{suffix}", String::from_utf8_lossy(&self.path));
        Self::open(&self.guest, &path)
    }

    /// `length` bytes from `offset`, all of them.
    fn bytes(&self, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let end = offset.checked_add(as_u64(length)).filter(|end| *end <= self.size_bytes);
        if end.is_none() || length > MOST_HEADER_BYTES {
            return Err(Error::Damaged("the rpm database points outside itself".to_owned()));
        }
        self.told_bytes.set(self.told_bytes.get() + as_u64(length));
        let most = self.size_bytes.saturating_mul(MOST_TIMES).saturating_add(ALWAYS_BYTES).min(MOST_BYTES);
        if self.told_bytes.get() > most {
            return Err(Error::Damaged("the rpm database says the same again and again".to_owned()));
        }
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = offset + as_u64(bytes.len());
            let number = at / STRIDE;
            let mut kept = self.kept.borrow_mut();
            if let Some(found) = kept.iter().position(|(kept, _)| *kept == number) {
                kept[..=found].rotate_right(1);
            } else {
                let stride = self.guest.read(&self.path, number * STRIDE, as_usize(STRIDE))?;
                kept.truncate(KEPT - 1);
                kept.insert(0, (number, stride));
            }
            let stride = kept.first().map(|(_, stride)| stride.as_slice()).unwrap_or_default();
            let rest = stride.get(as_usize(at % STRIDE)..).unwrap_or_default();
            let taken = rest.len().min(length - bytes.len());
            if taken == 0 {
                return Err(Error::Damaged("the rpm database ends too soon".to_owned()));
            }
            bytes.extend_from_slice(rest.get(..taken).unwrap_or_default());
        }
        Ok(bytes)
    }
}
