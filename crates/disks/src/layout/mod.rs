//! Who owns which bytes of a container: every byte has at most one role.
//!
//! Two roles for one byte are how a small file becomes a huge disk, and how two readers see two disks.

#[cfg(test)]
mod tests;

use crate::Error;

/// A part of a file that is not data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure {
    name: &'static str,
    start: u64,
    length: u64,
}

impl Structure {
    /// `name` is what a person calls it: "VHD block table".
    pub(crate) fn new(name: &'static str, start: u64, length: u64) -> Self {
        Self { name, start, length }
    }

    fn end(&self) -> Result<u64, Error> {
        let past = || Error::truncated(format!("the {} ends past the largest file there can be", self.name));
        self.start.checked_add(self.length).ok_or_else(past)
    }
}

/// The structures of a container, in the order of the file.
#[derive(Debug)]
pub(crate) struct Layout {
    structures: Vec<Structure>,
}

impl Layout {
    /// Refuses structures that overlap. There are few of them.
    pub(crate) fn new(mut structures: Vec<Structure>) -> Result<Self, Error> {
        structures.sort_by_key(|structure| structure.start);
        for pair in structures.windows(2) {
            let [before, after] = pair else { continue };
            if before.end()? > after.start {
                return Err(Error::corrupt(format!("the {} and the {} overlap", before.name, after.name)));
            }
        }
        if let Some(last) = structures.last() {
            last.end()?;
        }
        Ok(Self { structures })
    }

    /// Refuses blocks of `block_bytes` at `starts` that overlap each other or a structure, or reach past `end`.
    ///
    /// `starts` is walked before it is collected, so that memory is only taken for blocks that the file can hold.
    pub(crate) fn check_blocks(
        &self,
        starts: impl Iterator<Item = u64> + Clone,
        block_bytes: u64,
        end: u64,
    ) -> Result<(), Error> {
        if let Some(last) = starts.clone().max()
            && last.checked_add(block_bytes).is_none_or(|block_end| block_end > end)
        {
            return Err(Error::truncated(format!(
                "the block of {block_bytes} bytes at offset {last} reaches past the end of the data ({end})"
            )));
        }
        let count = starts.clone().fold(0_u64, |count, _start| count + 1);
        if count.checked_mul(block_bytes).is_none_or(|bytes| bytes > end) {
            return Err(Error::corrupt(format!(
                "{count} blocks of {block_bytes} bytes do not fit the data ({end} bytes) without overlap"
            )));
        }
        let mut starts: Vec<u64> = starts.collect();
        starts.sort_unstable();
        for pair in starts.windows(2) {
            let [before, after] = pair else { continue };
            if after - before < block_bytes {
                return Err(Error::corrupt(format!("the blocks at offsets {before} and {after} overlap")));
            }
        }
        for structure in &self.structures {
            let structure_end = structure.end()?;
            // The first block that ends behind the structure's start is the only one that can be the first to meet it.
            let first = starts.partition_point(|start| start.saturating_add(block_bytes) <= structure.start);
            if starts.get(first).is_some_and(|start| *start < structure_end) {
                return Err(Error::corrupt(format!(
                    "the block at offset {} overlaps the {}",
                    starts[first], structure.name
                )));
            }
        }
        Ok(())
    }
}
