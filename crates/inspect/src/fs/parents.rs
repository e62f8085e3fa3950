//! Paths for readers that take nothing else: each number is known with its folder and its name there.
//!
//! A path is put together only when asked for, so that deep trees cost no more memory than flat ones.

use std::collections::HashMap;

use crate::tree::Error;

/// Longest path put together, in bytes; Linux itself takes 4096.
const MOST_PATH_BYTES: usize = 16 << 10;
/// Most numbers remembered.
const MOST_KNOWN: usize = 1_000_000;

/// Where numbers were met.
#[derive(Default)]
pub(super) struct Parents {
    known: HashMap<u64, (u64, Box<[u8]>)>,
}

impl Parents {
    /// Remembers that `id` is called `name` in the folder `parent`; the first place stays.
    pub(super) fn met(&mut self, id: u64, parent: u64, name: &[u8]) -> Result<(), Error> {
        if self.known.len() >= MOST_KNOWN {
            return Err(Error::Budget("folders and links of one file system"));
        }
        self.known.entry(id).or_insert_with(|| (parent, name.into()));
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
