//! Windows' registry hives: keys and values by path (the "regf" format, as the Windows registry file format
//! specification of the libregf project describes it).
//!
//! Cells are read as they are needed; every list, name and value is bounded, and no path is followed deeper than asked.

#[cfg(test)]
pub(crate) mod tests;

use crate::bytes::{Fields, as_usize};
use crate::guest::Guest;
use crate::text::{plain, plain_utf16};
use crate::tree::{Error, NodeKind};

/// Where the first block of cells begins; offsets of cells count from here.
const CELLS: u64 = 4096;
/// The largest cell that is read.
const MOST_CELL_BYTES: u32 = 4 << 20;
/// Subkeys of one key that are looked at.
const MOST_SUBKEYS: usize = 100_000;

/// An opened hive.
pub(crate) struct Hive<'a> {
    guest: Guest<'a>,
    path: Vec<u8>,
    size_bytes: u64,
    root: u32,
}

/// A value: its type (winnt.h, `REG_*`) and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    kind: u32,
    bytes: Vec<u8>,
}

impl Value {
    /// A text, of whatever kind of text.
    pub(crate) fn text(&self) -> Option<String> {
        let is_text = matches!(self.kind, 1 | 2 | 7);
        is_text.then(|| plain_utf16(crate::text::units(&self.bytes).take_while(|unit| *unit != 0)))
    }

    /// The bytes as they stand.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A number of 32 bits.
    pub(crate) fn number(&self) -> Option<u32> {
        (self.kind == 4).then(|| Fields::new("value", &self.bytes).le_u32(0).ok())?
    }
}

impl<'a> Hive<'a> {
    /// Opens the hive at `path`, found as Windows finds files; `None` when there is none.
    pub(crate) fn open(guest: &Guest<'a>, path: &str) -> Result<Option<Self>, Error> {
        let Some(path) = guest.spelled(path)? else { return Ok(None) };
        let Some((path, node)) = guest.find(&path)?.filter(|(_, node)| node.kind == NodeKind::File) else {
            return Ok(None);
        };
        let base = guest.read(&path, 0, as_usize(CELLS))?;
        let fields = Fields::new("header of a hive", &base);
        if fields.slice(0, 4)? != b"regf" {
            return Err(Error::Damaged("a hive of the registry begins with something else".to_owned()));
        }
        let root = fields.le_u32(0x24)?;
        Ok(Some(Self { guest: *guest, path, size_bytes: node.size_bytes, root }))
    }

    /// The value `name` of the key at `path`; `None` when either is not there.
    pub(crate) fn value(&self, path: &[&str], name: &str) -> Result<Option<Value>, Error> {
        let mut key = self.cell(self.root)?;
        for part in path {
            let Some(below) = self.subkey(&key, part)? else { return Ok(None) };
            key = self.cell(below)?;
        }
        self.value_of(&key, name)
    }

    /// A text at `path`, or nothing.
    pub(crate) fn text(&self, path: &[&str], name: &str) -> Result<Option<String>, Error> {
        Ok(self.value(path, name)?.and_then(|value| value.text()))
    }

    /// A number at `path`, or nothing.
    pub(crate) fn number(&self, path: &[&str], name: &str) -> Result<Option<u32>, Error> {
        Ok(self.value(path, name)?.and_then(|value| value.number()))
    }

    /// The names of the keys below `path`, as many as are looked at; none when it is not there.
    pub(crate) fn names(&self, path: &[&str]) -> Result<Vec<String>, Error> {
        let mut key = self.cell(self.root)?;
        for part in path {
            let Some(below) = self.subkey(&key, part)? else { return Ok(Vec::new()) };
            key = self.cell(below)?;
        }
        let mut names = Vec::new();
        self.each_subkey(&key, |cell| {
            names.push(name_in(cell, KEY_NAME)?);
            Ok(false)
        })?;
        Ok(names)
    }

    /// The bytes of an allocated cell.
    fn cell(&self, offset: u32) -> Result<Vec<u8>, Error> {
        let at = CELLS + u64::from(offset);
        let head = self.guest.read(&self.path, at, 4)?;
        let size = Fields::new("cell of a hive", &head).le_u32(0)?.wrapping_neg();
        if !(8..=MOST_CELL_BYTES).contains(&size) || at + u64::from(size) > self.size_bytes {
            return Err(Error::Damaged("the registry points to no cell".to_owned()));
        }
        self.guest.read(&self.path, at + 4, as_usize(u64::from(size - 4)))
    }

    fn subkey(&self, key: &[u8], name: &str) -> Result<Option<u32>, Error> {
        self.each_subkey(key, |cell| Ok(name_in(cell, KEY_NAME)?.eq_ignore_ascii_case(name)))
    }

    /// The first key below `key` that `is_meant` accepts by its cell.
    fn each_subkey(
        &self,
        key: &[u8],
        mut is_meant: impl FnMut(&[u8]) -> Result<bool, Error>,
    ) -> Result<Option<u32>, Error> {
        let fields = Fields::new("key of the registry", key);
        if fields.slice(0, 2)? != b"nk" || fields.le_u32(0x14)? == 0 {
            return Ok(None);
        }
        let mut lists = vec![(fields.le_u32(0x1C)?, 0)];
        let mut looked = 0;
        while let Some((at, depth)) = lists.pop() {
            let list = self.cell(at)?;
            let fields = Fields::new("list of keys", &list);
            let count = usize::from(fields.le_u16(2)?);
            let (stride, is_index) = match fields.slice(0, 2)? {
                b"lf" | b"lh" => (8, false),
                b"li" => (4, false),
                b"ri" if depth == 0 => (4, true),
                _ => {
                    return Err(Error::Damaged(
                        "a list of keys in the registry is of no known kind".to_owned(),
                    ));
                }
            };
            for entry in 0..count {
                let at = fields.le_u32(4 + entry * stride)?;
                if is_index {
                    lists.push((at, depth + 1));
                    continue;
                }
                looked += 1;
                if looked > MOST_SUBKEYS {
                    return Err(Error::Budget("keys of one key of the registry"));
                }
                if is_meant(&self.cell(at)?)? {
                    return Ok(Some(at));
                }
            }
        }
        Ok(None)
    }

    fn value_of(&self, key: &[u8], name: &str) -> Result<Option<Value>, Error> {
        let fields = Fields::new("key of the registry", key);
        let count = as_usize(u64::from(fields.le_u32(0x24)?)).min(MOST_SUBKEYS);
        if fields.slice(0, 2)? != b"nk" || count == 0 {
            return Ok(None);
        }
        let list = self.cell(fields.le_u32(0x28)?)?;
        let list = Fields::new("list of values", &list);
        for entry in 0..count {
            let cell = self.cell(list.le_u32(entry * 4)?)?;
            if !name_in(&cell, VALUE_NAME)?.eq_ignore_ascii_case(name) {
                continue;
            }
            let value = Fields::new("value of the registry", &cell);
            let (length, kind) = (value.le_u32(4)?, value.le_u32(0x0C)?);
            // Up to four bytes stand where longer values have their place.
            let bytes = if length & 0x8000_0000 == 0 {
                let data = self.cell(value.le_u32(8)?)?;
                Fields::new("data of a value", &data).slice(0, as_usize(u64::from(length)))?.to_vec()
            } else {
                value.slice(8, as_usize(u64::from(length & 7)).min(4))?.to_vec()
            };
            return Ok(Some(Value { kind, bytes }));
        }
        Ok(None)
    }
}

/// Where a cell keeps its name: the name's length, the name, flags, and the flag for one byte a letter.
#[derive(Clone, Copy)]
struct NamePlace {
    length_at: usize,
    at: usize,
    flags_at: usize,
    flag: u16,
}

const KEY_NAME: NamePlace = NamePlace { length_at: 0x48, at: 0x4C, flags_at: 2, flag: 0x20 };
const VALUE_NAME: NamePlace = NamePlace { length_at: 2, at: 0x14, flags_at: 0x10, flag: 1 };

/// The name of a key or value.
fn name_in(cell: &[u8], place: NamePlace) -> Result<String, Error> {
    let fields = Fields::new("name in the registry", cell);
    let bytes = fields.slice(place.at, usize::from(fields.le_u16(place.length_at)?))?;
    Ok(if fields.le_u16(place.flags_at)? & place.flag != 0 {
        plain(bytes)
    } else {
        plain_utf16(crate::text::units(bytes))
    })
}
