//! `rpmdb.sqlite`: the blobs of the table `Packages` (SQLite file format 3), with what its write-ahead log adds.
//!
//! Only what that table needs is read: table B-trees, overflow chains, the log's committed frames.

use std::collections::HashMap;

use super::{MOST_HEADER_BYTES, Paged};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::Error;

/// Levels of a B-tree; five reach beyond any database.
const MOST_DEPTH: u32 = 16;

struct Database<'a, 'b> {
    file: &'b Paged<'a>,
    page_bytes: usize,
    /// Bytes of a page that hold content.
    usable: usize,
    log: Option<Paged<'a>>,
    /// Where in the log the newest committed copy of a page stands.
    logged: HashMap<u64, u64>,
}

type Each<'e> = dyn FnMut(&[u8]) -> Result<(), Error> + 'e;

pub(super) fn headers(file: &Paged<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    let start = file.bytes(0, 100)?;
    let head = Fields::new("SQLite header", &start);
    if head.slice(0, 16)? != b"SQLite format 3\0" {
        return Err(Error::Damaged("rpmdb.sqlite is no SQLite database".to_owned()));
    }
    let page_bytes = match head.be_u16(16)? {
        1 => 65_536,
        bytes => usize::from(bytes),
    };
    let usable = page_bytes.saturating_sub(usize::from(head.u8(20)?));
    if !page_bytes.is_power_of_two() || usable < 480 {
        return Err(Error::Damaged(format!("an SQLite database with pages of {page_bytes} bytes")));
    }
    let log = file.beside("-wal")?;
    let mut database = Database { file, page_bytes, usable, log, logged: HashMap::new() };
    database.read_log()?;
    let mut root = None;
    database.rows(1, &mut |row| {
        let columns = columns(row)?;
        if let [kind, name, _, page, ..] = columns.as_slice()
            && *kind == b"table"
            && *name == b"Packages"
        {
            root = Some(page.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte)));
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| Error::Damaged("rpmdb.sqlite has no table Packages".to_owned()))?;
    database.rows(root, &mut |row| match columns(row)?.as_slice() {
        [_, blob, ..] => each(blob),
        _ => Err(Error::Damaged("a row of Packages without a blob".to_owned())),
    })
}

impl Database<'_, '_> {
    /// Finds the pages that transactions in the log have written; a torn end of the log is left out, as SQLite does.
    fn read_log(&mut self) -> Result<(), Error> {
        let Some(log) = self.log.as_ref().filter(|log| log.size_bytes >= 32) else { return Ok(()) };
        let start = log.bytes(0, 32)?;
        let head = Fields::new("SQLite log", &start);
        let big_endian = match head.be_u32(0)? {
            0x377F_0682 => false,
            0x377F_0683 => true,
            _ => return Ok(()),
        };
        if as_usize(u64::from(head.be_u32(8)?)) != self.page_bytes {
            return Ok(());
        }
        let mut sum = checksum((0, 0), head.slice(0, 24)?, big_endian);
        if sum != (head.be_u32(24)?, head.be_u32(28)?) {
            return Ok(());
        }
        let salts = head.slice(16, 8)?;
        let frame_bytes = 24 + as_u64(self.page_bytes);
        let mut pending = Vec::new();
        for number in 0..(log.size_bytes - 32) / frame_bytes {
            let at = 32 + number * frame_bytes;
            let frame = log.bytes(at, as_usize(frame_bytes))?;
            let frame = Fields::new("frame of the SQLite log", &frame);
            sum = checksum(sum, frame.slice(0, 8)?, big_endian);
            sum = checksum(sum, frame.slice(24, self.page_bytes)?, big_endian);
            if frame.slice(8, 8)? != salts || sum != (frame.be_u32(16)?, frame.be_u32(20)?) {
                break;
            }
            pending.push((u64::from(frame.be_u32(0)?), at + 24));
            if frame.be_u32(4)? != 0 {
                self.logged.extend(pending.drain(..));
            }
        }
        Ok(())
    }

    fn page(&self, number: u64) -> Result<Vec<u8>, Error> {
        if let (Some(at), Some(log)) = (self.logged.get(&number), &self.log) {
            return log.bytes(*at, self.page_bytes);
        }
        let index = number.checked_sub(1).ok_or_else(|| damaged("the page 0"))?;
        self.file.bytes(index.saturating_mul(as_u64(self.page_bytes)), self.page_bytes)
    }

    /// Hands every row of the table whose root is `root` to `each`.
    fn rows(&self, root: u64, each: &mut Each<'_>) -> Result<(), Error> {
        let most_pages = self.file.size_bytes / as_u64(self.page_bytes) + as_u64(self.logged.len()) + 1;
        let mut visited = 0;
        let mut todo = vec![(root, 0)];
        while let Some((number, depth)) = todo.pop() {
            visited += 1;
            if visited > most_pages || depth > MOST_DEPTH {
                return Err(damaged("a B-tree that leads back to itself"));
            }
            let bytes = self.page(number)?;
            let page = Fields::new("SQLite page", &bytes);
            let start = if number == 1 { 100 } else { 0 };
            let cells = usize::from(page.be_u16(start + 3)?);
            match page.u8(start)? {
                0x05 => {
                    todo.push((u64::from(page.be_u32(start + 8)?), depth + 1));
                    for cell in (0..cells).rev() {
                        let at = usize::from(page.be_u16(start + 12 + cell * 2)?);
                        todo.push((u64::from(page.be_u32(at)?), depth + 1));
                    }
                }
                0x0D => {
                    for cell in 0..cells {
                        let at = usize::from(page.be_u16(start + 8 + cell * 2)?);
                        each(&self.payload(&bytes, at)?)?;
                    }
                }
                _ => return Err(damaged("a page that belongs to no table")),
            }
        }
        Ok(())
    }

    /// The content of a leaf cell, from its page and its overflow pages.
    fn payload(&self, page: &[u8], at: usize) -> Result<Vec<u8>, Error> {
        let mut rest = page.get(at..).unwrap_or_default();
        let length = as_usize(varint(&mut rest)?);
        let _row = varint(&mut rest)?;
        if length > MOST_HEADER_BYTES {
            return Err(Error::Budget("bytes of one rpm header"));
        }
        let most_local = self.usable - 35;
        if length <= most_local {
            return rest
                .get(..length)
                .map(<[u8]>::to_vec)
                .ok_or_else(|| damaged("a cell longer than its page"));
        }
        let least_local = (self.usable - 12) * 32 / 255 - 23;
        let local = least_local + (length - least_local) % (self.usable - 4);
        let local = if local > most_local { least_local } else { local };
        let fields = Fields::new("SQLite cell", rest);
        let mut content = fields.slice(0, local)?.to_vec();
        let mut next = u64::from(fields.be_u32(local)?);
        while content.len() < length {
            let bytes = self.page(next)?;
            let overflow = Fields::new("SQLite overflow page", &bytes);
            let taken = (length - content.len()).min(self.usable - 4);
            content.extend_from_slice(overflow.slice(4, taken)?);
            next = u64::from(overflow.be_u32(0)?);
        }
        Ok(content)
    }
}

/// The columns of a row: texts, blobs and numbers as their stored bytes.
fn columns(row: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut rest = row;
    let header_bytes = as_usize(varint(&mut rest)?);
    let mut header =
        row.get(row.len() - rest.len()..header_bytes).ok_or_else(|| damaged("a row without columns"))?;
    let mut body = row.get(header_bytes..).unwrap_or_default();
    let mut columns = Vec::new();
    while !header.is_empty() && columns.len() < 16 {
        let length = match varint(&mut header)? {
            0 | 8 | 9 => 0,
            kind @ 1..=4 => as_usize(kind),
            5 => 6,
            6 | 7 => 8,
            kind => as_usize(kind.saturating_sub(12) / 2),
        };
        let (column, after) =
            body.split_at_checked(length).ok_or_else(|| damaged("a row shorter than its columns"))?;
        columns.push(column);
        body = after;
    }
    Ok(columns)
}

/// A number of one to nine bytes, the high bits first.
fn varint(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut number = 0_u64;
    for index in 0..9 {
        let (byte, after) = rest.split_first().ok_or_else(|| damaged("a number that ends too soon"))?;
        *rest = after;
        if index == 8 {
            return Ok((number << 8) | u64::from(*byte));
        }
        number = (number << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(number)
}

/// The log's running checksum over pairs of 32-bit words.
fn checksum((mut a, mut b): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let word =
        |bytes: [u8; 4]| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let (pairs, _) = bytes.as_chunks::<8>();
    for [a0, a1, a2, a3, b0, b1, b2, b3] in pairs {
        a = a.wrapping_add(word([*a0, *a1, *a2, *a3])).wrapping_add(b);
        b = b.wrapping_add(word([*b0, *b1, *b2, *b3])).wrapping_add(a);
    }
    (a, b)
}

fn damaged(what: &str) -> Error {
    Error::Damaged(format!("rpmdb.sqlite: {what}"))
}
