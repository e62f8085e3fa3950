//! Folders: records of 32 bytes; a long name stands in several of them before the short one.

use super::{Fat, ROOT, Short};
use crate::bytes::{Fields, as_u64};
use crate::fs::{Entry, check_name};
use crate::text;
use crate::tree::Error;

/// Bytes of a record.
const RECORD_BYTES: usize = 32;
/// The attributes of a piece of a long name.
const LONG: u8 = 0x0F;
/// The attribute of the record that holds the label of the volume.
const LABEL: u8 = 0x08;
/// Most pieces of a long name: 255 letters, 13 in each.
const MOST_PIECES: u8 = 20;

/// The names in `folder`.
pub(super) fn entries(fat: &Fat<'_>, folder: &Short, most: usize) -> Result<Vec<Entry>, Error> {
    if !folder.is_folder {
        return Err(Error::NotThere("what stands there is no folder".to_owned()));
    }
    let mut entries = Vec::new();
    let mut long = Long::default();
    each_record(fat, folder, &mut |at, record, attributes| {
        if attributes & 0x3F == LONG {
            long.add(record)?;
        } else if attributes & LABEL != 0 {
            long = Long::default();
        } else {
            let name = match std::mem::take(&mut long).name(record)? {
                Some(name) => name,
                None => short_name(record)?,
            };
            check_name(&name)?;
            if entries.len() >= most {
                return Err(Error::Budget("names in one folder"));
            }
            entries.push(Entry { name, id: at });
        }
        Ok(())
    })?;
    Ok(entries)
}

/// The label of the volume, which stands among the names of the root.
pub(super) fn label(fat: &Fat<'_>) -> Result<Option<String>, Error> {
    let mut label = None;
    let root = fat.short(ROOT)?;
    each_record(fat, &root, &mut |_, record, attributes| {
        if attributes & 0x3F != LONG && attributes & LABEL != 0 && label.is_none() {
            label = record.get(..11).and_then(text::padded);
        }
        Ok(())
    })?;
    Ok(label)
}

/// What is done with a record: where it stands on the volume, its bytes, its attributes.
type Each<'e> = &'e mut dyn FnMut(u64, &[u8], u8) -> Result<(), Error>;

/// Hands every record in use to `each`.
fn each_record(fat: &Fat<'_>, folder: &Short, each: Each<'_>) -> Result<(), Error> {
    for (start, length) in fat.parts(folder)? {
        let part = fat.volume.bytes(start, length)?;
        for (record, index) in part.chunks_exact(RECORD_BYTES).zip(0..) {
            let fields = Fields::new("FAT folder", record);
            match fields.u8(0)? {
                0x00 => return Ok(()),
                0xE5 => continue,
                _ => each(start + index * as_u64(RECORD_BYTES), record, fields.u8(11)?)?,
            }
        }
    }
    Ok(())
}

/// The pieces of a long name met so far, the last piece first.
#[derive(Default)]
struct Long {
    pieces: Vec<[u16; 13]>,
    /// The number of the piece that comes next; 0 when all are there.
    next: u8,
    sum: u8,
}

impl Long {
    fn add(&mut self, record: &[u8]) -> Result<(), Error> {
        let fields = Fields::new("FAT long name", record);
        let (order, sum) = (fields.u8(0)?, fields.u8(13)?);
        let number = order & 0x3F;
        if order & 0x40 != 0 && (1..=MOST_PIECES).contains(&number) {
            *self = Self { pieces: Vec::new(), next: number, sum };
        }
        if self.next == 0 || number != self.next || sum != self.sum {
            // A piece that belongs to nothing: the short name counts.
            *self = Self::default();
            return Ok(());
        }
        let mut piece = [0; 13];
        let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain([28, 30]);
        for (unit, at) in piece.iter_mut().zip(places) {
            *unit = fields.le_u16(at)?;
        }
        self.pieces.push(piece);
        self.next -= 1;
        Ok(())
    }

    /// The name, if its pieces are whole and belong to the short entry in `record`.
    fn name(self, record: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let short = Fields::new("FAT folder", record).slice(0, 11)?;
        let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        if self.pieces.is_empty() || self.next != 0 || sum != self.sum {
            return Ok(None);
        }
        let units = self.pieces.iter().rev().flatten().copied();
        Ok(Some(text::utf16_name(units.take_while(|unit| *unit != 0))))
    }
}

/// The name of eight letters and three; letters beyond ASCII depend on a code page that is told nowhere.
fn short_name(record: &[u8]) -> Result<Vec<u8>, Error> {
    let fields = Fields::new("FAT folder", record);
    let flags = fields.u8(12)?;
    let mut base = fields.array::<8>(0)?;
    if let [first @ 0x05, ..] = &mut base {
        *first = 0xE5;
    }
    let mut name = letters(&base, flags & 0x08 != 0);
    let extension = letters(fields.slice(8, 3)?, flags & 0x10 != 0);
    if !extension.is_empty() {
        name.push('.');
        name.push_str(&extension);
    }
    Ok(name.into_bytes())
}

fn letters(padded: &[u8], is_lower: bool) -> String {
    let letters = padded.trim_ascii_end().iter().map(|byte| match byte {
        byte if !byte.is_ascii() => char::REPLACEMENT_CHARACTER,
        byte if is_lower => char::from(byte.to_ascii_lowercase()),
        byte => char::from(*byte),
    });
    letters.collect()
}
