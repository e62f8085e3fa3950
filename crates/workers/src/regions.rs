//! The regions of this installation and the stores behind them.
//!
//! A region whose folder cannot be opened does not keep the others from working: it is asked for again whenever it is
//! needed, so it comes back without a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arm::Region;
use providers::Rejection;
use store::Options;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::Error;

/// Every region's store, by name.
#[derive(Clone, Debug)]
pub struct Regions {
    slots: Arc<BTreeMap<Region, Slot>>,
}

/// A region that is open, or can be tried.
#[derive(Debug)]
struct Slot {
    store: OnceLock<store::Region>,
    /// Where it is, for as long as it is not open; one thread tries at a time.
    closed: Mutex<Option<(PathBuf, Options)>>,
}

impl Regions {
    /// Opens (or makes) the store of each region in its folder.
    ///
    /// One that cannot be opened is logged, and tried again by whatever needs it next.
    pub fn open<'a>(folders: impl IntoIterator<Item = (Region, &'a Path)>, options: &Options) -> Self {
        let opened = folders.into_iter().map(|(region, folder)| {
            let closed = Mutex::new(Some((folder.to_owned(), options.clone())));
            let slot = Slot { store: OnceLock::new(), closed };
            // What is wrong is logged there, and said again to whoever needs the region.
            slot.open(&region).ok();
            (region, slot)
        });
        Self { slots: Arc::new(opened.collect()) }
    }

    /// Stores that are open already.
    #[must_use]
    pub fn of(stores: impl IntoIterator<Item = (Region, store::Region)>) -> Self {
        let slots = stores
            .into_iter()
            .map(|(region, store)| (region, Slot { store: store.into(), closed: Mutex::default() }));
        Self { slots: Arc::new(slots.collect()) }
    }

    /// The store of `region`; opens it when that was not possible before.
    ///
    /// # Errors
    /// 400 when this installation has no such region; [`Error::Store`] when it cannot be opened at present.
    pub fn store(&self, region: &Region) -> Result<&store::Region, Error> {
        let slot = self.slots.get(region).ok_or_else(|| {
            let known: Vec<&str> = self.slots.keys().map(Region::as_str).collect();
            let message =
                format!("The region '{region}' does not exist here. Regions are: {}.", known.join(", "));
            Rejection::invalid("region", message)
        })?;
        Ok(slot.open(region)?)
    }

    /// All regions in order; a closed one is tried, as by [`Regions::store`].
    pub fn iter(&self) -> impl Iterator<Item = (&Region, Result<&store::Region, store::Error>)> {
        self.slots.iter().map(|(region, slot)| (region, slot.open(region)))
    }
}

impl Slot {
    fn open(&self, region: &Region) -> Result<&store::Region, store::Error> {
        match self.store.get() {
            Some(store) => Ok(store),
            None => aside(|| self.open_folder(region)),
        }
    }

    fn open_folder(&self, region: &Region) -> Result<&store::Region, store::Error> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((folder, options)) = closed.as_ref() else {
            // Another thread opened it while this one waited.
            return self.store.get().ok_or_else(|| unavailable(region));
        };
        let opened = store::Region::open(region.as_str(), folder, options.clone()).inspect_err(|error| {
            tracing::error!(error = error as &dyn std::error::Error, region = %region, "region {region} cannot be opened; the others work, and it is tried again when it is needed");
        })?;
        for pack in opened.damaged() {
            tracing::error!(region = %region, pack = ?pack, "a pack is damaged; what it held must come from another region");
        }
        *closed = None;
        Ok(self.store.get_or_init(|| opened))
    }
}

fn unavailable(region: &Region) -> store::Error {
    let source = std::io::ErrorKind::NotConnected.into();
    store::Error::Unavailable { region: region.to_string(), doing: "open its folder", source }
}

/// Runs long blocking work; where there are other threads they take over what waits on this one.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
