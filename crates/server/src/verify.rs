//! Verification of a data folder that no server holds.

use std::path::Path;

use metadata::Sqlite;
use workers::{Regions, Verification};

use crate::config::Config;
use crate::home::Home;
use crate::identity::subscriptions_of;

/// Reads the rows and stores of `data` and lists what should not be; takes the folder for the time.
///
/// # Errors
/// [`crate::home::Error::Busy`] when a server holds the folder (ask that one), or when it cannot be read.
pub async fn verify_offline(
    data: &Path,
    config: &Config,
    progress: &(dyn Fn(&arm::Region, u64, u64) + Send + Sync),
) -> anyhow::Result<Verification> {
    let home = Home::open(data)?;
    let rows = Sqlite::open(&home.path().join("gallerist.db")).await?;
    let folders = config.folders(home.path());
    let regions = Regions::open(
        folders.iter().map(|(region, folder)| (region.clone(), folder.as_path())),
        &store::Options::default(),
    );
    let subscriptions = subscriptions_of(&home)?;
    Ok(workers::verify(&rows, &regions, &subscriptions, progress).await?)
}
