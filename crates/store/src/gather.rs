//! Chunks by name, as blocks to send away.

use crate::compression::Effort;
use crate::region::{Marks, Region};
use crate::transfer::send_marked;
use crate::{Block, Digest, Error};

impl Region {
    /// Hands out blocks that hold exactly `digests`, each chunk once, in the order in which they are stored.
    ///
    /// Chunks that share a block with others that were not asked for are packed anew: nothing else goes out. That costs
    /// little time at some length: the blocks are for a receiver that opens them at once, which proves every chunk.
    ///
    /// # Errors
    /// As [`Region::get`], and what `each` answers.
    pub fn gather(
        &self,
        digests: &[Digest],
        each: &mut dyn FnMut(Block) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (pin, mut wanted) = (self.pin(), Marks::default());
        for digest in digests {
            // A collection may write a pack anew at any time, and the old one would be gone before it is read.
            wanted.mark(&pin.hold_copy(digest)?);
        }
        wanted.packs().try_for_each(|marked| send_marked(self, marked, Effort::Pass, each))
    }
}
