//! Frees what nothing refers to any more: after deletes, and now and then.
//!
//! What is live is read from the rows after the collection has begun to watch; rows that cannot be read stop it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arm::{Region, ResourceId};
use control::Engine;
use metadata::{Listing, Store};
use store::{Collected, Digest, Live, Owner};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::uploads::owner_of;
use crate::{Error, Regions, Uploads};

/// Collects in every region.
pub struct Collector {
    engine: Arc<Engine>,
    regions: Regions,
    uploads: Arc<Uploads>,
    subscriptions: Vec<String>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("regions", &self.regions).finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector for the images of these subscriptions: all there are.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        regions: Regions,
        uploads: Arc<Uploads>,
        subscriptions: Vec<String>,
    ) -> Self {
        Self { engine, regions, uploads, subscriptions }
    }

    /// Collects at the start (what a crash left), after deletes, and every `pause`, until `stop`.
    pub async fn run(self: Arc<Self>, pause: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.collect().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "not everything could be collected"
                );
            }
            tokio::select! {
                () = self.engine.bytes_released().notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// One collection of every region.
    ///
    /// # Errors
    /// The first failure; the other regions are collected all the same, none is harmed.
    pub async fn collect(&self) -> Result<(), Error> {
        // An upload that was deleted still pins what it had sent.
        self.uploads.forget_gone().await?;
        let mut failure = None;
        for (region, store) in self.regions.iter() {
            let collected = match store {
                Ok(store) => self.collect_one(region, store).await,
                Err(error) => Err(error.into()),
            };
            match collected {
                Ok(collected) if collected.freed_bytes > 0 => {
                    tracing::info!(region = %region, freed_bytes = collected.freed_bytes, pack_count = collected.dropped_packs, "freed bytes in {region}");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, region = %region, "nothing was collected in {region}");
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn collect_one(&self, region: &Region, store: &store::Region) -> Result<Collected, Error> {
        let (engine, subscriptions) = (self.engine.clone(), self.subscriptions.clone());
        let (region, store, handle) = (region.clone(), store.clone(), Handle::current());
        let collected = tokio::task::spawn_blocking(move || {
            let watched = store.clone();
            store.collect(move || {
                handle.block_on(live(&engine, &subscriptions, &region, &watched)).map_err(Into::into)
            })
        });
        Ok(collected.await??)
    }
}

/// What the rows keep alive in `region`, as committed now.
async fn live(
    engine: &Engine,
    subscriptions: &[String],
    region: &Region,
    store: &store::Region,
) -> Result<Live, Error> {
    let rows = engine.metadata();
    let open_owners = open_owners(rows.as_ref(), subscriptions).await?;
    // Jobs and uploads are read before the holds: one that ends in between is then in the holds.
    let prefix = format!("{region}/");
    let holds = rows.holds(&prefix).await?;
    let digests = holds.iter().map(|hold| {
        let digest = hold.strip_prefix(&prefix).and_then(|digest| digest.parse::<Digest>().ok());
        digest.ok_or_else(|| Error::Document(format!("the hold '{hold}' names no digest")))
    });
    let held: Vec<Digest> = digests.collect::<Result<_, _>>()?;
    // A region that is still to receive an image has no root of it yet; its chunks belong to an open job.
    let roots = held.into_iter().filter(|root| store.has(root)).collect();
    Ok(Live { roots, open_owners })
}

/// Whose packs must stay although nothing may refer to them yet: jobs that have not ended, and uploads.
pub(crate) async fn open_owners(rows: &dyn Store, subscriptions: &[String]) -> Result<HashSet<Owner>, Error> {
    let mut owners: HashSet<Owner> =
        rows.open_jobs().await?.into_iter().map(|job| Owner(*job.0.as_bytes())).collect();
    for subscription in subscriptions {
        let scope = ResourceId::subscription_scope(subscription)
            .map_err(|error| Error::Document(error.to_string()))?;
        let listing = Listing::OfType { scope, type_name: "Gallerist.Images/uploads".to_owned() };
        let mut cursor = None;
        loop {
            let page = rows.list(&listing, cursor.as_ref(), 500).await?;
            let Some(last) = page.last() else { break };
            cursor = Some(listing.cursor_after(last));
            owners.extend(page.iter().map(owner_of));
        }
    }
    Ok(owners)
}
