//! Copies of a version's images to many regions, each by itself: tried, reported and given up alone.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use arm::Region;
use futures_util::future::join_all;
use store::Digest;

use crate::Error;
use crate::image::{Image, Images};
use crate::job::{Running, Stop};
use crate::replicas::{self, Meter, Replica, ReplicaState};

/// How often a running copy writes down how far it is.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Copies `images` to every target that is not complete; answers which failed and what they said.
pub(crate) async fn copy_to_all(
    running: &Running,
    images: &Images,
    targets: &[Region],
) -> Result<Vec<(Region, String)>, Stop> {
    let rows = running.engine.metadata();
    let known = replicas::read(rows.as_ref(), &running.job.target).await?;
    let complete = |region: &Region| {
        let says_so =
            known.iter().any(|(name, replica)| name == region && replica.state == ReplicaState::Completed);
        says_so && running.regions.store(region).is_ok_and(|store| images.are_in(store))
    };
    let wanting: Vec<&Region> = targets.iter().filter(|region| !complete(region)).collect();
    for region in &wanting {
        replicas::report(running, region, &Replica::default()).await?;
    }
    let copies = wanting.into_iter().map(|region| copy_with_retries(running, images, region));
    let mut failures = Vec::new();
    for ended in join_all(copies).await {
        failures.extend(ended?);
    }
    Ok(failures)
}

/// One region, tried until it is complete or the tries are used up.
async fn copy_with_retries(
    running: &Running,
    images: &Images,
    region: &Region,
) -> Result<Option<(Region, String)>, Stop> {
    let mut attempt = 1;
    loop {
        let meter = Arc::new(Meter::new(running.clock.now()));
        let ended = copy_once(running, images, region, attempt, &meter).await?;
        let now = running.clock.now();
        let error = match ended {
            Ok(()) => {
                let replica = meter.replica(ReplicaState::Completed, attempt, now);
                replicas::report(running, region, &replica).await?;
                return Ok(None);
            }
            Err(_) if running.is_stopped() => return Err(Stop::LeaseLost),
            Err(error) => error,
        };
        tracing::warn!(error = &error as &dyn std::error::Error, region = %region, attempt, "a copy failed");
        let last = attempt >= running.settings.region_attempts;
        let words = for_people(&error);
        let state = if last { ReplicaState::Failed } else { ReplicaState::Copying };
        let replica = Replica { error: Some(words.clone()), ..meter.replica(state, attempt, now) };
        replicas::report(running, region, &replica).await?;
        if last {
            return Ok(Some((region.clone(), words)));
        }
        running.pause(running.settings.pause_after(attempt)).await;
        attempt += 1;
    }
}

/// One try, reporting while it goes on. The outer error ends the job, the inner one this try.
async fn copy_once(
    running: &Running,
    images: &Images,
    region: &Region,
    attempt: u32,
    meter: &Arc<Meter>,
) -> Result<Result<(), store::Error>, Stop> {
    let to = match running.regions.store(region) {
        Ok(store) => store.clone(),
        Err(Error::Store(error)) => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    // A region that has a root has all below it, unless a disk failed since: the root is stored last.
    let lacking: Vec<Image> = images.all().copied().filter(|image| !to.has(&image.root)).collect();
    if lacking.is_empty() {
        return Ok(Ok(()));
    }
    let sources: Vec<store::Region> =
        running.regions.iter().filter_map(|(_, store)| store.ok()).cloned().collect();
    let (owner, stopped, progress) = (running.owner(), running.stop_flag(), meter.clone());
    let copy = running.blocking(move || {
        let mut before_bytes = 0;
        for (number, image) in lacking.iter().enumerate() {
            // Of those that come after nobody knows yet how much is here already.
            let after_bytes: u64 = lacking[number + 1..].iter().map(|image| image.data_bytes).sum();
            let seen = Cell::new(0);
            let note = |now: store::CopyProgress| {
                seen.set(now.total_bytes);
                progress.note(before_bytes + now.done_bytes, before_bytes + now.total_bytes + after_bytes);
            };
            copy_from_any(image.root, &sources, &to, owner, &note, &|| stopped.is_cancelled())?;
            before_bytes += seen.get();
        }
        Ok(())
    });
    tokio::pin!(copy);
    loop {
        tokio::select! {
            ended = &mut copy => return Ok(ended?),
            () = tokio::time::sleep(REPORT_EVERY) => {
                let replica = meter.replica(ReplicaState::Copying, attempt, running.clock.now());
                replicas::report(running, region, &replica).await?;
            }
        }
    }
}

/// Copies one image from whichever region has it whole.
fn copy_from_any(
    root: Digest,
    sources: &[store::Region],
    to: &store::Region,
    owner: store::Owner,
    note: &dyn Fn(store::CopyProgress),
    cancelled: &dyn Fn() -> bool,
) -> Result<(), store::Error> {
    let mut ended = Err(store::Error::Missing { digests: vec![root] });
    for from in sources.iter().filter(|store| store.has(&root)) {
        ended = store::copy(root, from, to, owner, note, cancelled).map(|_copied| ());
        // Where one region's bytes are lost or damaged, another's may be whole.
        if !matches!(ended, Err(store::Error::Missing { .. } | store::Error::Corrupt { .. })) {
            break;
        }
    }
    ended
}

/// What the owner of a version may read about a failing region: what happened, no paths.
fn for_people(error: &store::Error) -> String {
    match error {
        store::Error::Unavailable { source, .. } => {
            format!("The region's storage refused: {}.", source.kind())
        }
        store::Error::Missing { .. } => "No region holds the image whole any more.".to_owned(),
        store::Error::Corrupt { .. } => {
            "The stored bytes of the image are damaged in the region it is copied from.".to_owned()
        }
        other => format!("The copy failed: {other}."),
    }
}
