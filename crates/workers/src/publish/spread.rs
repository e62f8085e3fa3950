//! Copies of one image to many regions, each by itself: tried, reported and given up alone.

use std::sync::Arc;
use std::time::Duration;

use arm::Region;
use futures_util::future::join_all;

use crate::Error;
use crate::image::Image;
use crate::job::{Running, Stop};
use crate::replicas::{self, Meter, Replica, ReplicaState};

/// How often a running copy writes down how far it is.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Copies `image` to every target that is not complete; answers which failed and what they said.
pub(crate) async fn copy_to_all(
    running: &Running,
    image: &Image,
    targets: &[Region],
) -> Result<Vec<(Region, String)>, Stop> {
    let rows = running.engine.metadata();
    let known = replicas::read(rows.as_ref(), &running.job.target).await?;
    let complete = |region: &Region| {
        let says_so =
            known.iter().any(|(name, replica)| name == region && replica.state == ReplicaState::Completed);
        says_so && running.regions.store(region).is_ok_and(|store| store.has(&image.root))
    };
    let wanting: Vec<&Region> = targets.iter().filter(|region| !complete(region)).collect();
    for region in &wanting {
        replicas::report(running, region, &Replica::default()).await?;
    }
    let copies = wanting.into_iter().map(|region| copy_with_retries(running, image, region));
    let mut failures = Vec::new();
    for ended in join_all(copies).await {
        failures.extend(ended?);
    }
    Ok(failures)
}

/// One region, tried until it is complete or the tries are used up.
async fn copy_with_retries(
    running: &Running,
    image: &Image,
    region: &Region,
) -> Result<Option<(Region, String)>, Stop> {
    let mut attempt = 1;
    loop {
        let meter = Arc::new(Meter::new(running.clock.now()));
        let ended = copy_once(running, image, region, attempt, &meter).await?;
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
    image: &Image,
    region: &Region,
    attempt: u32,
    meter: &Arc<Meter>,
) -> Result<Result<(), store::Error>, Stop> {
    let to = match running.regions.store(region) {
        Ok(store) => store.clone(),
        Err(Error::Store(error)) => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    if to.has(&image.root) {
        // The root is stored last: a region that has it has all below it, unless a disk failed since.
        return Ok(Ok(()));
    }
    let root = image.root;
    let sources = running.regions.iter().filter_map(|(_, store)| store.ok());
    let sources: Vec<store::Region> = sources.filter(|store| store.has(&root)).cloned().collect();
    let (owner, stopped, progress) = (running.owner(), running.stop_flag(), meter.clone());
    let copy = running.blocking(move || {
        let note = |seen: store::CopyProgress| progress.note(seen.done_bytes, seen.total_bytes);
        let mut ended = Err(store::Error::Missing { digests: vec![root] });
        for from in &sources {
            ended = store::copy(root, from, &to, owner, &note, &|| stopped.is_cancelled()).map(|_copied| ());
            // Where one region's bytes are lost or damaged, another's may be whole.
            if !matches!(ended, Err(store::Error::Missing { .. } | store::Error::Corrupt { .. })) {
                break;
            }
        }
        ended
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
