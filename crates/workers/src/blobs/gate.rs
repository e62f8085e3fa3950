//! Who may write a blob just now, and how writes that arrive together are made durable together.
//!
//! Writes of pages go side by side; whatever looks before it writes (conditions), or changes more than pages, has the
//! blob alone. Gates are in memory: the data folder has one process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arm::ResourceId;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Gates that nobody uses are dropped when there are so many.
const GATES: usize = 1024;

/// The gates of the blobs in use.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<HashMap<String, Weak<Gate>>>);

impl Gates {
    pub(super) fn of(&self, id: &ResourceId) -> Arc<Gate> {
        self.named(id.key())
    }

    /// The gate of anything with a name of its own.
    pub(super) fn named(&self, key: String) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= GATES {
            gates.retain(|_, gate| gate.strong_count() > 0);
        }
        if let Some(gate) = gates.get(&key).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Gate::default());
        gates.insert(key, Arc::downgrade(&gate));
        gate
    }
}

/// The gate of one blob.
#[derive(Debug, Default)]
pub(super) struct Gate {
    order: RwLock<()>,
    arrived: AtomicU64,
    group: AsyncMutex<Group>,
}

/// The writes that were last made durable, and how that ended.
#[derive(Debug, Default)]
pub(super) struct Group {
    upto: u64,
    ended: Option<Ended>,
}

/// How a group of writes ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// Durable; the blob's state since.
    Written(super::Touched),
    /// The blob has other content by now: they are to be written again.
    Moved,
    /// They may not be relied on.
    Failed,
}

/// A turn to write.
#[derive(Debug)]
#[expect(dead_code, reason = "what it holds is given back when it is dropped")]
pub(super) enum Turn<'a> {
    Shared(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

impl Gate {
    pub(super) async fn turn(&self, is_alone: bool) -> Turn<'_> {
        if is_alone { self.alone().await } else { Turn::Shared(self.order.read().await) }
    }

    pub(super) async fn alone(&self) -> Turn<'_> {
        Turn::Alone(self.order.write().await)
    }

    /// Notes a write whose bytes are with the operating system; answers its number.
    pub(super) fn arrive(&self) -> u64 {
        self.arrived.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Waits until the write is either part of a group that has ended, or to lead one.
    pub(super) async fn lead(&self, number: u64) -> Result<Lead<'_>, Ended> {
        let group = self.group.lock().await;
        match &group.ended {
            Some(ended) if group.upto >= number => Err(ended.clone()),
            _ => Ok(Lead { upto: self.arrived.load(Ordering::SeqCst), group }),
        }
    }
}

/// The lead of a group: every write that had arrived when it began.
#[derive(Debug)]
pub(super) struct Lead<'a> {
    upto: u64,
    group: MutexGuard<'a, Group>,
}

impl Lead<'_> {
    pub(super) fn end(mut self, ended: Ended) {
        (self.group.upto, self.group.ended) = (self.upto, Some(ended));
    }
}
