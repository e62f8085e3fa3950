//! The uploads that have something in memory: each begun once, and only so many.
//!
//! A session that is dropped is sealed first, so that what it was sent is found again by the next one; what the client
//! merely showed (because others had stored it already) will be asked for again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arm::ResourceId;
use jiff::{SignedDuration, Timestamp};
use store::Owner;
use tokio::sync::OnceCell;

use super::session::Session;
use crate::Error;

/// How many sessions are kept; those in use are kept beyond it.
pub(super) const SESSIONS: usize = 64;
/// A session that nobody used for so long is dropped.
pub(super) const IDLE: SignedDuration = SignedDuration::from_hours(1);

/// All sessions, by the key of their upload's id.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Table>);

#[derive(Default)]
struct Table {
    places: HashMap<String, Place>,
    /// Counts uses, so that the least recent one is known.
    uses: u64,
}

struct Place {
    upload: ResourceId,
    owner: Owner,
    used: u64,
    used_at: Timestamp,
    session: Arc<OnceCell<Arc<Session>>>,
}

impl Place {
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.session) > 1
            || self.session.get().is_some_and(|session| Arc::strong_count(session) > 1)
    }
}

impl Sessions {
    /// The session of an upload. When there is none `begin` makes it; others who ask meanwhile wait for the same one.
    pub(super) async fn get(
        &self,
        upload: &ResourceId,
        owner: Owner,
        now: Timestamp,
        begin: impl Future<Output = Result<Session, Error>>,
    ) -> Result<Arc<Session>, Error> {
        let (place, dropped) = {
            let mut table = self.lock();
            (table.place(upload, owner, now), table.drop_some(now))
        };
        seal(dropped).await?;
        place.get_or_try_init(|| async { begin.await.map(Arc::new) }).await.cloned()
    }

    /// Drops what nobody used for long.
    pub(super) async fn drop_idle(&self, now: Timestamp) -> Result<(), Error> {
        let dropped = self.lock().drop_some(now);
        seal(dropped).await
    }

    /// Every upload with a session.
    pub(super) fn uploads(&self) -> Vec<(ResourceId, Owner)> {
        self.lock().places.values().map(|place| (place.upload.clone(), place.owner)).collect()
    }

    /// Drops the session of an upload, whatever it holds.
    pub(super) fn forget(&self, upload: &ResourceId) {
        self.lock().places.remove(&upload.key());
    }

    /// The same, unless the name stands for another upload by now.
    pub(super) fn forget_of(&self, upload: &ResourceId, owner: Owner) {
        let mut table = self.lock();
        if table.places.get(&upload.key()).is_some_and(|place| place.owner == owner) {
            table.places.remove(&upload.key());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn place(&mut self, upload: &ResourceId, owner: Owner, now: Timestamp) -> Arc<OnceCell<Arc<Session>>> {
        self.uses += 1;
        let fresh =
            || Place { upload: upload.clone(), owner, used: 0, used_at: now, session: Arc::default() };
        let place = self.places.entry(upload.key()).or_insert_with(fresh);
        // One of the same name that was deleted is another upload.
        if place.owner != owner {
            *place = fresh();
        }
        (place.used, place.used_at) = (self.uses, now);
        place.session.clone()
    }

    /// Takes out what is idle, and the least recently used beyond the bound.
    fn drop_some(&mut self, now: Timestamp) -> Vec<Arc<Session>> {
        let mut unused: Vec<(u64, String, bool)> = self
            .places
            .iter()
            .filter(|(_, place)| !place.is_in_use())
            .map(|(key, place)| (place.used, key.clone(), now.duration_since(place.used_at) >= IDLE))
            .collect();
        unused.sort_unstable();
        let mut dropped = Vec::new();
        for (_, key, is_idle) in unused {
            if is_idle || self.places.len() > SESSIONS {
                let place = self.places.remove(&key);
                dropped.extend(place.and_then(|place| place.session.get().cloned()));
            }
        }
        dropped
    }
}

async fn seal(dropped: Vec<Arc<Session>>) -> Result<(), Error> {
    if dropped.is_empty() {
        return Ok(());
    }
    let sealing = tokio::task::spawn_blocking(move || {
        for session in dropped {
            if let Err(error) = session.seal() {
                // What is lost will be asked for again.
                tracing::warn!(error = &error as &dyn std::error::Error, resource.id = %session.upload, "an idle upload could not be sealed");
            }
        }
    });
    Ok(sealing.await?)
}
