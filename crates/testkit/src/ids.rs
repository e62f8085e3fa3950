//! Ids one after the other.

use std::sync::atomic::{AtomicU64, Ordering};

use control::Ids;
use uuid::Uuid;

/// Counts up from one: every id is fresh and a test knows which comes next.
#[derive(Debug, Default)]
pub struct CountedIds(AtomicU64);

impl CountedIds {
    /// How many ids were given out.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Ids for CountedIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)) + 1)
    }
}
