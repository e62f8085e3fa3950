//! Images from region to region.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tempfile::{TempDir, tempdir};

use crate::testing::{OWNER, load, noise, open, small_packs, store, text};
use crate::{CopyProgress, Error, Fault, Options, Owner, Region, Step, copy};

fn two() -> (TempDir, TempDir, Region, Region) {
    let (here, there) = (tempdir().unwrap(), tempdir().unwrap());
    let (from, to) = (open(here.path()), open(there.path()));
    (here, there, from, to)
}

#[test]
fn a_copy_is_the_image_and_a_second_copy_sends_nothing() {
    let (_here, _there, from, to) = two();
    let bytes = [text(1, 3 << 20), vec![0; 1 << 20], noise(2, 1 << 20)].concat();
    let root = store(&from, &bytes).root;
    let seen = RefCell::new(Vec::new());
    let copied =
        copy(root, &from, &to, OWNER, &|progress| seen.borrow_mut().push(progress), &|| false).unwrap();
    assert_eq!(load(&to, root, bytes.len()).unwrap(), bytes);
    let seen = seen.into_inner();
    let total_bytes = copied.total_bytes;
    assert_eq!(seen.first(), Some(&CopyProgress { done_bytes: 0, total_bytes }));
    assert_eq!(seen.last(), Some(&CopyProgress { done_bytes: total_bytes, total_bytes }));
    assert!(seen.is_sorted_by_key(|progress| progress.done_bytes));
    assert_eq!(total_bytes, to.usage().plain_bytes);
    assert!(copied.sent_bytes < total_bytes, "text was sent compressed");
    let again = copy(root, &from, &to, OWNER, &|_| (), &|| false).unwrap();
    assert_eq!((again.sent_bytes, again.total_bytes, again.sent_count), (0, 0, 0));
}

#[test]
fn a_next_version_sends_little_more_than_what_changed() {
    let (_here, _there, from, to) = two();
    let mut bytes = noise(1, 16 << 20);
    let first = store(&from, &bytes).root;
    copy(first, &from, &to, OWNER, &|_| (), &|| false).unwrap();
    bytes.splice(5 << 20..5 << 20, noise(2, 50 * 4096));
    let second = store(&from, &bytes).root;
    let copied = copy(second, &from, &to, OWNER, &|_| (), &|| false).unwrap();
    assert!(copied.sent_bytes < 50 * 4096 + (1 << 20), "{copied:?}");
    assert_eq!(load(&to, second, bytes.len()).unwrap(), bytes);
}

#[test]
fn a_cancelled_copy_leaves_no_image_and_continues_where_its_packs_ended() {
    let (_here, there, from, to) = two();
    let bytes = noise(1, 6 << 20);
    let root = store(&from, &bytes).root;
    let whole = from.usage().plain_bytes;
    let asked = Cell::new(0);
    let cancelled = || asked.replace(asked.get() + 1) == 6;
    assert!(matches!(copy(root, &from, &to, OWNER, &|_| (), &cancelled), Err(Error::Cancelled)));
    assert!(!to.has(&root));
    drop(to);
    let to = open(there.path());
    let sealed = to.usage().plain_bytes;
    assert!(sealed >= 1 << 20);
    let copied = copy(root, &from, &to, OWNER, &|_| (), &|| false).unwrap();
    assert_eq!(copied.total_bytes, whole - sealed);
    assert_eq!(load(&to, root, bytes.len()).unwrap(), bytes);
}

#[test]
fn a_target_that_cannot_write_is_unavailable_by_name_and_recovers() {
    let (_here, _there, from, _) = two();
    let there = tempdir().unwrap();
    let bytes = noise(1, 3 << 20);
    let root = store(&from, &bytes).root;
    let (broken, writes) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_broken, count) = (Arc::clone(&broken), Arc::clone(&writes));
    let fault: Fault = Arc::new(move |step| {
        let full = step == Step::Write && count.fetch_add(1, Ordering::SeqCst) > 4;
        if full && is_broken.load(Ordering::SeqCst) { Err(io::Error::other("disk full")) } else { Ok(()) }
    });
    let to = Region::open("there", there.path(), Options { fault: Some(fault), ..small_packs() }).unwrap();
    let error = copy(root, &from, &to, OWNER, &|_| (), &|| false).unwrap_err();
    assert!(matches!(&error, Error::Unavailable { region, .. } if region == "there"), "{error}");
    let report = to.verify(&[], &|_| ()).unwrap();
    assert!(report.is_healthy() && report.temp_files.is_empty() && !to.has(&root));
    broken.store(false, Ordering::SeqCst);
    copy(root, &from, &to, OWNER, &|_| (), &|| false).unwrap();
    assert_eq!(load(&to, root, bytes.len()).unwrap(), bytes);
}

#[test]
fn a_source_without_the_image_says_so() {
    let (_here, _there, from, to) = two();
    let root = store(&to, &noise(1, 9000)).root;
    assert!(matches!(copy(root, &from, &to, OWNER, &|_| (), &|| false), Err(Error::Missing { .. })));
}

#[test]
fn copies_of_two_images_at_once_end_well() {
    let (_here, _there, from, to) = two();
    let images = [0, 1].map(|seed| [noise(9, 2 << 20), noise(seed, 2 << 20)].concat());
    let roots = images.clone().map(|bytes| store(&from, &bytes).root);
    std::thread::scope(|scope| {
        for (root, owner) in roots.into_iter().zip(1..) {
            let (from, to) = (&from, &to);
            scope.spawn(move || copy(root, from, to, Owner([owner; 16]), &|_| (), &|| false).unwrap());
        }
    });
    for (root, bytes) in roots.into_iter().zip(&images) {
        assert_eq!(load(&to, root, bytes.len()).unwrap(), *bytes);
    }
}

#[test]
fn gathered_blocks_hold_what_was_asked_for_and_nothing_else() {
    let (_here, _there, from, to) = two();
    store(&from, &noise(1, 3 << 20));
    let mut digests: Vec<_> = from.written_by(&OWNER).into_iter().collect();
    digests.sort_unstable();
    let wanted: Vec<_> = digests.iter().copied().step_by(3).chain(digests.first().copied()).collect();
    let writer = to.writer(OWNER);
    from.gather(&wanted, &mut |block| writer.put(&block)).unwrap();
    writer.seal().unwrap();
    assert_eq!(to.written_by(&OWNER), wanted.iter().copied().collect());
    let missing = to.gather(&digests, &mut |_| Ok(()));
    assert!(matches!(missing, Err(Error::Missing { .. })));
}
