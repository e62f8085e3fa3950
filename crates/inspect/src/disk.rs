//! A disk opened for inspection: its table, its volumes, its operating systems, and what was odd on the way.

use disks::Blocks;

use crate::budget::Budget;
use crate::memory::Memory;
use crate::observation::{Observation, ObservationKind};
use crate::partitions::{self, Partition, Table, TableKind};
use crate::root::{self, Root};
use crate::tree::Error;
use crate::volumes::{self, Volume};
use crate::window::Window;

/// Everything that is told of a disk before its files are read.
#[derive(Clone, Debug)]
pub struct Disk<'a> {
    /// How it is divided.
    pub table: TableKind,
    /// Bytes of a sector, as the table counts them.
    pub sector_bytes: u64,
    /// Its partitions, in the order of the table; some may lie outside the disk.
    pub partitions: Vec<Partition>,
    /// What can be read of it: the whole or its partitions, then logical volumes.
    pub volumes: Vec<Volume<'a>>,
    /// The operating systems on it.
    pub roots: Vec<Root<'a>>,
    /// What was odd.
    pub observations: Vec<Observation>,
    memory: Option<&'a Memory>,
    whole: Window<'a>,
}

impl<'a> Disk<'a> {
    /// Opens whatever `blocks` holds; what cannot be read is told in [`Disk::observations`], and is no failure.
    #[must_use]
    pub fn open(blocks: &'a dyn Blocks, budget: Budget) -> Self {
        let whole = Window::whole(blocks, budget);
        let mut observations = Vec::new();
        let table = partitions::read(&whole, &mut observations).unwrap_or_else(|error| {
            observations.push(Observation::new(
                ObservationKind::TableUnreadable,
                "the partition table",
                error.to_string(),
            ));
            Table { kind: TableKind::None, sector_bytes: 512, partitions: Vec::new() }
        });
        let volumes = volumes::all(&whole, &table, &mut observations);
        let roots = root::all(&volumes, &table.partitions, &mut observations);
        Self {
            table: table.kind,
            sector_bytes: table.sector_bytes,
            partitions: table.partitions,
            volumes,
            roots,
            observations,
            memory: None,
            whole,
        }
    }

    /// The same, with what earlier inspections came to.
    #[must_use]
    pub fn remembering(self, memory: Option<&'a Memory>) -> Self {
        Self { memory, ..self }
    }

    pub(crate) fn memory(&self) -> Option<&'a Memory> {
        self.memory
    }

    /// All its bytes.
    #[must_use]
    pub fn window(&self) -> &Window<'a> {
        &self.whole
    }

    /// Its first `length` bytes, where boot code stands.
    ///
    /// # Errors
    /// [`Error`] when it has fewer, or they cannot be read.
    pub fn head(&self, length: u64) -> Result<Vec<u8>, Error> {
        self.whole.bytes(0, length)
    }

    /// What of the budget is used so far, by this and by every tree of it.
    #[must_use]
    pub fn used(&self) -> Budget {
        self.whole.meter().used()
    }
}
