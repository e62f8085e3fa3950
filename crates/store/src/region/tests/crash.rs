//! What a crash at each step leaves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rstest::rstest;
use tempfile::{TempDir, tempdir};

use crate::testing::{Memory, OWNER, load, noise, open, small_packs};
use crate::{Digest, Error, Fault, Live, Options, Owner, Region, Step, ingest};

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Copies the folder before each step that changes it: what a kill at that point would leave.
struct Camera {
    source: TempDir,
    shots: TempDir,
    taken: Mutex<Vec<(Step, PathBuf)>>,
}

impl Camera {
    fn new() -> Arc<Self> {
        Arc::new(Self { source: tempdir().unwrap(), shots: tempdir().unwrap(), taken: Mutex::default() })
    }

    fn open(self: &Arc<Self>) -> Region {
        let camera = Arc::clone(self);
        let fault: Fault = Arc::new(move |step| {
            if step != Step::Read {
                camera.shoot(step);
            }
            Ok(())
        });
        let options = Options { fault: Some(fault), rewrite_below_percent: 100, ..small_packs() };
        Region::open("here", self.source.path(), options).unwrap()
    }

    fn shoot(&self, step: Step) {
        let mut taken = self.taken.lock().unwrap();
        let path = self.shots.path().join(taken.len().to_string());
        copy_tree(self.source.path(), &path);
        taken.push((step, path));
    }

    /// The shots so far; the camera begins anew.
    fn take(&self) -> Vec<(Step, PathBuf)> {
        self.shoot(Step::SyncFolder);
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

fn import(region: &Region, bytes: &[u8]) -> Digest {
    ingest(&Memory::new(bytes.to_vec()), region, OWNER, &|_| ()).unwrap().root
}

fn live(roots: &[Digest], owners: &[Owner]) -> Live {
    Live { roots: roots.to_vec(), open_owners: owners.iter().copied().collect() }
}

#[test]
fn a_kill_at_any_step_of_an_import_leaves_the_image_whole_or_absent_and_no_leak() {
    let camera = Camera::new();
    let region = camera.open();
    let bytes = noise(1, 2_500_000);
    let root = import(&region, &bytes);
    drop(region);
    let shots = camera.take();
    assert!(shots.len() > 15, "{}", shots.len());
    for (step, shot) in &shots {
        let region = open(shot);
        assert!(region.damaged().is_empty(), "{step:?}");
        if region.has(&root) {
            assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes, "{step:?}");
        }
        let report = region.verify(&[], &|_| ()).unwrap();
        assert!(report.is_healthy() && report.temp_files.is_empty(), "{step:?} {report:?}");
        // Doing it again succeeds, re-uses what was sealed, and an unfinished one can be cleared.
        let sealed = region.written_by(&OWNER).len();
        let again = ingest(&Memory::new(bytes.clone()), &region, OWNER, &|_| ()).unwrap();
        assert_eq!(again.root, root);
        assert!(sealed == 0 || again.new_chunk_count < again.chunk_count, "{step:?}");
        drop(again);
        region.collect(|| Ok(Live::default())).unwrap();
        assert_eq!(region.usage().stored_bytes, 0, "{step:?}");
    }
}

#[test]
fn a_kill_at_any_step_of_a_collection_keeps_what_is_live_and_the_next_one_clears_the_rest() {
    let camera = Camera::new();
    let region = camera.open();
    let kept = [noise(1, 300 * 4096), noise(2, 75 * 4096)].concat();
    let root = import(&region, &kept);
    import(&region, &[noise(3, 490 * 4096), noise(2, 75 * 4096)].concat());
    import(&region, &noise(4, 1_500_000));
    camera.take();
    let collected = region.collect(|| Ok(live(&[root], &[]))).unwrap();
    assert!(collected.dropped_packs > 0, "{collected:?}");
    let clean = {
        let fresh = tempdir().unwrap();
        let region = open(fresh.path());
        import(&region, &kept);
        region.usage().plain_bytes
    };
    assert_eq!(region.usage().plain_bytes, clean);
    drop(region);
    for (step, shot) in camera.take() {
        let options = Options { rewrite_below_percent: 100, ..small_packs() };
        let region = Region::open("here", &shot, options).unwrap();
        assert_eq!(load(&region, root, kept.len()).unwrap(), kept, "{step:?}");
        region.collect(|| Ok(live(&[root], &[]))).unwrap();
        assert_eq!(region.usage().plain_bytes, clean, "{step:?}");
        assert_eq!(load(&region, root, kept.len()).unwrap(), kept, "{step:?}");
        let report = region.verify(&[root], &|_| ()).unwrap();
        assert!(report.is_healthy() && report.unreferenced_bytes == 0, "{step:?} {report:?}");
    }
}

#[test]
fn bytes_are_synced_before_they_get_their_name_and_names_before_they_count() {
    let folder = tempdir().unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&steps);
    let fault: Fault = Arc::new(move |step| {
        recorded.lock().unwrap().push(step);
        Ok(())
    });
    let options = Options { fault: Some(fault), ..Options::default() };
    let region = Region::open("here", folder.path(), options).unwrap();
    let writer = region.writer(OWNER);
    writer.put_chunk(&Digest::of(b"chunk"), b"chunk").unwrap();
    assert!(steps.lock().unwrap().is_empty(), "nothing was written before there was a block");
    writer.seal().unwrap();
    use Step::{Create, Rename, SyncFile, SyncFolder, Write};
    // Header, block, footer; the first pack of its shelf also makes the shelf's name durable.
    let expected = [Create, Write, Write, Write, SyncFile, SyncFolder, Rename, SyncFolder];
    assert_eq!(*steps.lock().unwrap(), expected);
}

/// Fails the `at`-th step of a kind that changes the folder, once.
fn failing(at: usize, kind: Step) -> (Fault, Arc<AtomicUsize>) {
    // Not armed before it is set to zero.
    let seen = Arc::new(AtomicUsize::new(1 << 40));
    let counter = Arc::clone(&seen);
    let fault: Fault = Arc::new(move |step| {
        if step == kind && counter.fetch_add(1, Ordering::SeqCst) == at {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    });
    (fault, seen)
}

#[rstest]
fn a_failing_step_of_an_import_is_unavailable_leaves_nothing_and_passes(
    #[values(Step::Create, Step::Write, Step::SyncFile, Step::Rename, Step::SyncFolder)] kind: Step,
) {
    let bytes = noise(1, 2_500_000);
    for at in 0.. {
        let folder = tempdir().unwrap();
        let (fault, seen) = failing(at, kind);
        let options = Options { fault: Some(fault), ..small_packs() };
        let region = Region::open("here", folder.path(), options).unwrap();
        seen.store(0, Ordering::SeqCst);
        let result = ingest(&Memory::new(bytes.clone()), &region, OWNER, &|_| ());
        if seen.load(Ordering::SeqCst) <= at {
            assert!(result.is_ok() && at > 1, "{at} steps of this kind");
            break;
        }
        assert!(matches!(result, Err(Error::Unavailable { .. })), "{kind:?} {at}: {result:?}");
        let report = region.verify(&[], &|_| ()).unwrap();
        assert!(report.is_healthy() && report.temp_files.is_empty() && report.strange_files.is_empty());
        // Space is back, without a restart.
        let root = ingest(&Memory::new(bytes.clone()), &region, OWNER, &|_| ()).unwrap().root;
        assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes);
    }
}

#[rstest]
fn a_failing_step_of_a_collection_loses_nothing_live(
    #[values(Step::Create, Step::Write, Step::SyncFile, Step::Rename, Step::Remove, Step::Read)] kind: Step,
) {
    for at in 0.. {
        let folder = tempdir().unwrap();
        let (fault, seen) = failing(at, kind);
        // Without a cache every page and block is read, and so every read can fail.
        let options = Options { rewrite_below_percent: 100, cache_bytes: 0, ..small_packs() };
        let plain = Region::open("here", folder.path(), options.clone()).unwrap();
        let shared = noise(2, 75 * 4096);
        let root = import(&plain, &shared);
        let kept = [noise(1, 100 * 4096), shared.clone()].concat();
        let second = import(&plain, &kept);
        drop(plain);
        let region = Region::open("here", folder.path(), Options { fault: Some(fault), ..options }).unwrap();
        seen.store(0, Ordering::SeqCst);
        let result = region.collect(|| Ok(live(&[second], &[])));
        if seen.load(Ordering::SeqCst) <= at {
            let collected = result.unwrap();
            assert!(at > 0 && collected.rewritten_packs > 0, "{collected:?}");
            break;
        }
        assert!(matches!(result, Err(Error::Unavailable { .. })), "{kind:?} {at}: {result:?}");
        assert_eq!(load(&region, second, kept.len()).unwrap(), kept);
        region.collect(|| Ok(live(&[second], &[]))).unwrap();
        assert!(!region.has(&root), "the first image's root is dead");
        assert_eq!(load(&region, second, kept.len()).unwrap(), kept);
        assert_eq!(region.verify(&[second], &|_| ()).unwrap().unreferenced_bytes, 0);
    }
}
