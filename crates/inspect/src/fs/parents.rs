//! Paths for readers that take nothing else: each number is known with its folder and its name there.
//!
//! A path is put together only when asked for, so that deep trees cost no more memory than flat ones.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::budget::Meter;
use crate::bytes::as_u64;
use crate::tree::Error;

/// Longest path put together, in bytes; Linux itself takes 4096.
const MOST_PATH_BYTES: usize = 16 << 10;
/// What a number takes beside the letters of its name.
const NUMBER_BYTES: u64 = 64;

/// Where numbers were met.
#[derive(Default)]
pub(super) struct Parents {
    known: HashMap<u64, (u64, Box<[u8]>)>,
}

impl Parents {
    /// Remembers that `id` is called `name` in the folder `parent`; the first place stays.
    pub(super) fn met(&mut self, meter: &Meter, id: u64, parent: u64, name: &[u8]) -> Result<(), Error> {
        if let Entry::Vacant(place) = self.known.entry(id) {
            meter.keep(NUMBER_BYTES + as_u64(name.len()))?;
            place.insert((parent, name.into()));
        }
        Ok(())
    }

    /// The path of `id` from `root`, with a leading `/`.
    pub(super) fn path(&self, root: u64, id: u64) -> Result<Vec<u8>, Error> {
        let mut names: Vec<&[u8]> = Vec::new();
        let (mut at, mut length) = (id, 0);
        while at != root {
            let (parent, name) = self
                .known
                .get(&at)
                .ok_or_else(|| Error::NotThere("nothing was met under this number".to_owned()))?;
            length += name.len() + 1;
            if length > MOST_PATH_BYTES {
                return Err(Error::Unsupported("the path is longer than 16 KiB".to_owned()));
            }
            names.push(name);
            at = *parent;
        }
        let mut path = Vec::with_capacity(length + 1);
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(path)
    }
}
