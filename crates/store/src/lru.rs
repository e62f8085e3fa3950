//! A small map that forgets what was not used for longest once its weights pass a bound.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Keeps values up to a total weight; the newest value always fits.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    entries: HashMap<K, Slot<V>>,
    by_age: BTreeMap<u64, K>,
    clock: u64,
    weight: usize,
    limit: usize,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    weight: usize,
    used: u64,
}

impl<K: Hash + Eq + Copy, V: Clone> Lru<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), by_age: BTreeMap::new(), clock: 0, weight: 0, limit }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        let slot = self.entries.get_mut(key)?;
        self.clock += 1;
        self.by_age.remove(&slot.used);
        slot.used = self.clock;
        self.by_age.insert(self.clock, *key);
        Some(slot.value.clone())
    }

    pub(crate) fn put(&mut self, key: K, value: V, weight: usize) {
        self.remove(&key);
        self.clock += 1;
        self.by_age.insert(self.clock, key);
        self.entries.insert(key, Slot { value, weight, used: self.clock });
        self.weight += weight;
        while self.weight > self.limit && self.entries.len() > 1 {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            if let Some(slot) = self.entries.remove(&oldest) {
                self.weight -= slot.weight;
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(slot) = self.entries.remove(key) {
            self.by_age.remove(&slot.used);
            self.weight -= slot.weight;
        }
    }

    /// Forgets every value whose key `keep` declines.
    pub(crate) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.entries.keys().filter(|key| !keep(key)).copied().collect();
        for key in &gone {
            self.remove(key);
        }
    }
}
