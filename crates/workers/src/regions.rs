//! The regions of this installation and the stores behind them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arm::Region;
use providers::Rejection;
use store::Options;

/// Every region's store, by name.
#[derive(Clone, Debug)]
pub struct Regions {
    stores: Arc<BTreeMap<Region, store::Region>>,
}

impl Regions {
    /// Opens (or makes) the store of each region in its folder.
    ///
    /// # Errors
    /// When a folder cannot be made or read.
    pub fn open<'a>(
        folders: impl IntoIterator<Item = (Region, &'a Path)>,
        options: &Options,
    ) -> Result<Self, store::Error> {
        let opened = folders.into_iter().map(|(region, folder)| {
            let store = store::Region::open(region.as_str(), folder, options.clone())?;
            for pack in store.damaged() {
                tracing::error!(region = %region, pack = ?pack, "a pack is damaged; what it held must come from another region");
            }
            Ok((region, store))
        });
        Ok(Self::of(opened.collect::<Result<Vec<_>, store::Error>>()?))
    }

    /// Stores that are open already.
    #[must_use]
    pub fn of(stores: impl IntoIterator<Item = (Region, store::Region)>) -> Self {
        Self { stores: Arc::new(stores.into_iter().collect()) }
    }

    /// The store of `region`.
    ///
    /// # Errors
    /// 400 when this installation has no such region.
    pub fn store(&self, region: &Region) -> Result<&store::Region, Rejection> {
        self.stores.get(region).ok_or_else(|| {
            let known: Vec<&str> = self.stores.keys().map(Region::as_str).collect();
            let message =
                format!("The region '{region}' does not exist here. Regions are: {}.", known.join(", "));
            Rejection::invalid("region", message)
        })
    }

    /// All regions in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Region, &store::Region)> {
        self.stores.iter()
    }
}
