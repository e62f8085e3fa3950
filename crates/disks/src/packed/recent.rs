//! Small memories of an open disk: units used last, and decoders waiting for work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// The few values that were used last, by key. Never holds more than it was made for.
pub(crate) struct Recent<V: ?Sized> {
    capacity: usize,
    entries: Mutex<VecDeque<(u64, Arc<V>)>>,
}

impl<V: ?Sized> Recent<V> {
    /// `capacity` is small: entries are found by looking at each.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::new(VecDeque::with_capacity(capacity)) }
    }

    /// The value of `key`, loaded when it is not remembered. Two threads may load the same one at the same time.
    pub(crate) fn get_or_load(
        &self,
        key: u64,
        load: impl FnOnce() -> Result<Arc<V>, Error>,
    ) -> Result<Arc<V>, Error> {
        if let Some(found) = self.get(key) {
            return Ok(found);
        }
        let loaded = load()?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.truncate(self.capacity.saturating_sub(1));
        entries.push_front((key, Arc::clone(&loaded)));
        Ok(loaded)
    }

    fn get(&self, key: u64) -> Option<Arc<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let place = entries.iter().position(|(known, _)| *known == key)?;
        let entry = entries.remove(place)?;
        let value = Arc::clone(&entry.1);
        entries.push_front(entry);
        Some(value)
    }
}

/// Things that are costly to make and used by one thread at a time. Holds as many as threads met at once.
pub(crate) struct Pool<T> {
    idle: Mutex<Vec<T>>,
}

impl<T> Pool<T> {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::new(Vec::new()) }
    }

    /// Lends an idle one, or a new one from `make`, to `work`.
    pub(crate) fn lend<R>(
        &self,
        make: impl FnOnce() -> Result<T, Error>,
        work: impl FnOnce(&mut T) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = match idle {
            Some(lent) => lent,
            None => make()?,
        };
        let outcome = work(&mut lent);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lent);
        outcome
    }
}
