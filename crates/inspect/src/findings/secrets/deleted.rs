//! Secrets in blocks that no file has: deleted, and not yet written over.
//!
//! Only file systems whose free blocks are told are searched, and of those only so much; what is left out is said.

use std::ops::Range;

use super::super::{Evidence, Hit, Scene, Severity};
use super::{Secret, keys, tokens};
use crate::bytes::{all_zero, as_u64};
use crate::guest::Guest;
use crate::memory::{Key, Memory, is_clean};
use crate::tree::Error;
use crate::volumes::Volume;

/// Bytes looked at in one go.
const STRIDE: u64 = 1 << 20;
/// Bytes by which one go reaches into the next, so that no secret is cut in two.
const OVERLAP: u64 = 64 << 10;
/// Free bytes of all volumes that are searched.
const MOST_BYTES: u64 = 8 << 30;

/// Searches the free blocks of every volume that tells them.
pub(super) fn search(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let mut hits = Vec::new();
    let (mut is_about, mut left_bytes) = (false, MOST_BYTES);
    let memory = scene.guest.as_ref().and_then(Guest::memory);
    for volume in scene.volumes {
        match volume.free_runs() {
            Ok(runs) => {
                is_about = true;
                for run in runs {
                    of_run(volume, run, memory, &mut left_bytes, &mut hits)?;
                }
            }
            // Not every file system tells its free blocks.
            Err(Error::Unsupported(_) | Error::NotThere(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if left_bytes == 0 {
        let words = format!("only {} GiB of free space were searched", MOST_BYTES >> 30);
        hits.push(Evidence::words(words).rated(Severity::Info));
    }
    Ok(is_about.then_some(hits))
}

fn of_run(
    volume: &Volume<'_>,
    run: Range<u64>,
    memory: Option<&Memory>,
    left_bytes: &mut u64,
    hits: &mut Vec<Hit>,
) -> Result<(), Error> {
    let (mut at, end) = (run.start, run.end);
    while at < end && *left_bytes > 0 {
        let hole = volume.window().hole_at(at)?.min(end - at);
        if hole > 0 {
            at += hole;
            continue;
        }
        let bytes = volume.window().bytes(at, (end - at).min(STRIDE + OVERLAP))?;
        *left_bytes = left_bytes.saturating_sub(STRIDE);
        let mut found = Vec::new();
        let mut key = Key::of("secrets in free blocks");
        if memory.is_some() {
            key.and(&bytes);
        }
        let nothing = all_zero(&bytes)
            || is_clean(memory, &key, || {
                keys::find(b"", &bytes, &mut found);
                tokens::of_known_shape(&bytes, &mut found);
                found.is_empty()
            });
        if !nothing {
            // What begins in the overlap is found again by the next go.
            let is_own = |secret: &Secret<'_>| as_u64(secret.offset) < STRIDE;
            let room = super::MOST_SECRETS.saturating_sub(hits.len());
            for secret in found.iter().filter(|secret| is_own(secret)).take(room) {
                let mut evidence = Evidence::secret(b"", secret.offset, secret.bytes, secret.what);
                evidence.path = None;
                evidence.volume = Some(volume.place.to_string());
                evidence.offset = Some(at + as_u64(secret.offset));
                hits.push(evidence.into());
            }
        }
        at += STRIDE;
    }
    Ok(())
}
