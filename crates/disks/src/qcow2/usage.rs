//! Which cluster of the file serves what: one role each, and as many references as its refcount admits.

use std::collections::HashMap;

use super::entry::Geometry;
use crate::bytes::as_usize;
use crate::{Error, Limits};

/// The mark of a cluster that nothing uses.
const UNUSED: u16 = 0;
/// The mark of a cluster that holds a table or a header.
const STRUCTURE: u16 = 1;
/// The mark of a cluster that holds data as it is.
const PLAIN: u16 = 2;
/// The mark of a cluster with this many less compressed clusters in it.
const PACKED_BASE: u16 = 2;
/// Most plain clusters that may be shared: images made by known tools share none.
const SHARED_LIMIT: usize = 1 << 16;

/// The roles of all clusters of a file: two bytes for each.
pub(super) struct Usage {
    cluster_bits: u32,
    marks: Vec<u16>,
    /// References beyond the first to plain clusters.
    shared: HashMap<u64, u64>,
}

impl Usage {
    /// Refuses files of so many clusters that their roles cannot be kept.
    pub(super) fn new(geometry: Geometry, limits: &Limits) -> Result<Self, Error> {
        let clusters = geometry.file_bytes.div_ceil(geometry.cluster_bytes());
        if clusters.saturating_mul(2) > limits.table_bytes {
            return Err(Error::limit(format!(
                "the file has {clusters} clusters; use a larger cluster size (`-o cluster_size=64k`)"
            )));
        }
        let marks = vec![UNUSED; as_usize(clusters)?];
        Ok(Self { cluster_bits: geometry.cluster_bits, marks, shared: HashMap::new() })
    }

    /// How many clusters the file has.
    pub(super) fn clusters(&self) -> u64 {
        crate::bytes::as_u64(self.marks.len())
    }

    /// Gives the clusters of a table to it alone. The range lies inside the file and `length` is not zero.
    pub(super) fn claim_structure(&mut self, what: &str, offset: u64, length: u64) -> Result<(), Error> {
        let last = offset.saturating_add(length.max(1)) - 1;
        for cluster in (offset >> self.cluster_bits)..=(last >> self.cluster_bits) {
            let mark = self.mark(cluster)?;
            if *mark != UNUSED {
                return Err(self.two_roles(what, cluster));
            }
            *mark = STRUCTURE;
        }
        Ok(())
    }

    /// Adds a reference to the data cluster at `offset`; answers whether it is the first.
    pub(super) fn claim_plain(&mut self, offset: u64) -> Result<bool, Error> {
        let cluster = offset >> self.cluster_bits;
        let may_share = self.shared.len() < SHARED_LIMIT;
        let mark = self.mark(cluster)?;
        match *mark {
            UNUSED => {
                *mark = PLAIN;
                Ok(true)
            }
            PLAIN if may_share => {
                *self.shared.entry(cluster).or_default() += 1;
                Ok(false)
            }
            PLAIN => Err(Error::corrupt(format!("more than {SHARED_LIMIT} clusters are used twice"))),
            _ => Err(self.two_roles("data cluster", cluster)),
        }
    }

    /// Adds a reference to every cluster that the compressed range touches; answers how many are new.
    pub(super) fn claim_packed(&mut self, offset: u64, length: u64) -> Result<u64, Error> {
        let last = offset.saturating_add(length.max(1)) - 1;
        let mut fresh = 0;
        for cluster in (offset >> self.cluster_bits)..=(last >> self.cluster_bits) {
            let mark = self.mark(cluster)?;
            *mark = match *mark {
                UNUSED => PACKED_BASE + 1,
                STRUCTURE | PLAIN => return Err(self.two_roles("compressed cluster", cluster)),
                // What is beyond counting stays at the top; only refcounts wider than 16 bits could admit it.
                packed => packed.saturating_add(1),
            };
            fresh += u64::from(*mark == PACKED_BASE + 1);
        }
        Ok(fresh)
    }

    /// How often a cluster is referenced, and whether several references need a refcount that says so.
    pub(super) fn references(&self, cluster: u64) -> u64 {
        let mark = usize::try_from(cluster).ok().and_then(|index| self.marks.get(index)).copied();
        match mark.unwrap_or(UNUSED) {
            UNUSED => 0,
            STRUCTURE => 1,
            PLAIN if self.shared.is_empty() => 1,
            PLAIN => 1 + self.shared.get(&cluster).copied().unwrap_or(0),
            packed => u64::from(packed - PACKED_BASE),
        }
    }

    /// Whether a cluster is one that holds plain data for several places of the disk.
    pub(super) fn is_shared_plain(&self, cluster: u64) -> bool {
        self.shared.contains_key(&cluster)
    }

    fn mark(&mut self, cluster: u64) -> Result<&mut u16, Error> {
        let mark = usize::try_from(cluster).ok().and_then(|index| self.marks.get_mut(index));
        mark.ok_or_else(|| Error::truncated(format!("cluster {cluster} is behind the end of the file")))
    }

    fn two_roles(&self, what: &str, cluster: u64) -> Error {
        let offset = cluster << self.cluster_bits;
        Error::corrupt(format!("the {what} at offset {offset} is something else at the same time"))
    }
}
