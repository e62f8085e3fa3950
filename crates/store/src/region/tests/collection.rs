//! Collection against publishing, pins and readers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use proptest::prelude::*;
use tempfile::tempdir;

use crate::testing::{OWNER, load, noise, open, small_packs, store, store_for};
use crate::{Collected, Digest, Error, Fault, Live, Options, Owner, Region, Step, copy};

fn collect(region: &Region, roots: &[Digest]) -> Collected {
    region.collect(|| Ok(Live { roots: roots.to_vec(), ..Live::default() })).unwrap()
}

fn thorough() -> Options {
    Options { rewrite_below_percent: 100, ..small_packs() }
}

#[test]
fn nothing_dead_is_left_after_one_collection() {
    let folder = tempdir().unwrap();
    let region = Region::open("here", folder.path(), thorough()).unwrap();
    let shared = noise(1, 320 * 4096);
    let dead = store(&region, &[shared.clone(), noise(2, 490 * 4096)].concat()).root;
    let kept = [noise(3, 170 * 4096), shared].concat();
    let root = store(&region, &kept).root;
    let before = region.usage().stored_bytes;
    let collected = collect(&region, &[root]);
    assert_eq!(before - region.usage().stored_bytes, collected.freed_bytes);
    assert!(collected.dropped_packs > 0 && collected.rewritten_packs > 0, "{collected:?}");
    assert_eq!(collected.live_bytes, region.usage().plain_bytes);
    assert!(!region.has(&dead));
    assert_eq!(load(&region, root, kept.len()).unwrap(), kept);
    assert_eq!(region.verify(&[root], &|_| ()).unwrap().unreferenced_bytes, 0);
    assert_eq!(collect(&region, &[root]).freed_bytes, 0);
    collect(&region, &[]);
    assert_eq!(region.usage().stored_bytes, 0);
}

#[test]
fn packs_that_are_mostly_live_are_not_rewritten() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let root = store(&region, &noise(1, 150 * 4096)).root;
    store(&region, &[noise(1, 150 * 4096), noise(2, 75 * 4096)].concat());
    let collected = collect(&region, &[root]);
    assert_eq!((collected.dropped_packs, collected.rewritten_packs), (1, 0));
}

#[test]
fn many_small_packs_are_joined_and_stay_readable() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let roots: Vec<_> = (0..20).map(|seed| store(&region, &noise(seed, 40_000)).root).collect();
    let collected = collect(&region, &roots);
    assert_eq!((collected.rewritten_packs, region.usage().pack_count), (20, 1));
    for (root, seed) in roots.iter().zip(0..) {
        assert_eq!(load(&region, *root, 40_000).unwrap(), noise(seed, 40_000));
    }
    assert_eq!(collect(&region, &roots).rewritten_packs, 0);
}

#[test]
fn what_is_being_gathered_is_not_written_anew_meanwhile() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let images: Vec<_> = (0..20).map(|seed| noise(seed, 8192)).collect();
    let roots: Vec<_> = images.iter().map(|bytes| store(&region, bytes).root).collect();
    let digests: Vec<_> = images.iter().map(|bytes| Digest::of(bytes)).collect();
    let mut gathered = Vec::new();
    region
        .gather(&digests, &mut |block| {
            gathered.extend(block.chunks().iter().map(|chunk| chunk.digest));
            assert_eq!(collect(&region, &roots).rewritten_packs, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(gathered, digests);
    assert_eq!(collect(&region, &roots).rewritten_packs, 20);
}

#[test]
fn packs_of_an_open_owner_stay_until_it_is_closed() {
    let folder = tempdir().unwrap();
    let mut region = open(folder.path());
    let owner = Owner([3; 16]);
    store_for(&region, &noise(1, 100_000), owner);
    let written = region.written_by(&owner);
    drop(region);
    region = open(folder.path());
    let open_owners = || [owner].into_iter().collect();
    region.collect(|| Ok(Live { roots: Vec::new(), open_owners: open_owners() })).unwrap();
    assert_eq!(region.written_by(&owner), written);
    collect(&region, &[]);
    assert_eq!(region.usage().pack_count, 0);
}

#[test]
fn a_pin_taken_before_during_or_released_during_keeps_the_chunk() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let stored = |seed: u64| {
        let root = store_for(&region, &noise(seed, 50_000), Owner([9; 16])).root;
        (root, region.pin())
    };
    let (before, pin_before) = stored(1);
    let (during, pin_during) = stored(2);
    let (released, pin_released) = stored(3);
    let (dead, pin_late) = stored(4);
    assert!(pin_before.hold(&before) && pin_released.hold(&released));
    region
        .collect(|| {
            // The roots are being read: a publish that re-uses, and one that has just committed.
            assert!(pin_during.hold(&during));
            drop(pin_released);
            Ok(Live::default())
        })
        .unwrap();
    assert!(region.has(&before) && region.has(&during) && region.has(&released));
    assert!(!region.has(&dead) && !pin_late.hold(&dead), "who comes too late is told");
    drop((pin_before, pin_during));
    collect(&region, &[]);
    assert_eq!(region.usage().pack_count, 0);
}

#[test]
fn what_was_sealed_stays_while_its_pin_lives() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let stored = store(&region, &noise(1, 50_000));
    collect(&region, &[]);
    assert_eq!(load(&region, stored.root, 50_000).unwrap(), noise(1, 50_000));
    drop(stored.pin);
    collect(&region, &[]);
    assert_eq!(region.usage().pack_count, 0);
}

#[test]
fn while_packs_are_removed_a_hold_answers_truly() {
    // Before each removal this asks for everything: a chunk it can hold must still be there afterwards.
    let folder = tempdir().unwrap();
    type Asked = Option<(Region, Vec<Digest>)>;
    let shared: Arc<Mutex<Asked>> = Arc::default();
    let held = Arc::new(Mutex::new(Vec::new()));
    let fault: Fault = {
        let (shared, held) = (Arc::clone(&shared), Arc::clone(&held));
        Arc::new(move |step| {
            if let (Step::Remove, Some((region, digests))) = (step, &*shared.lock().unwrap()) {
                let pin = region.pin();
                let kept: Vec<_> = digests.iter().copied().filter(|digest| pin.hold(digest)).collect();
                held.lock().unwrap().push((pin, kept));
            }
            Ok(())
        })
    };
    let region =
        Region::open("here", folder.path(), Options { fault: Some(fault), ..small_packs() }).unwrap();
    let roots: Vec<_> = (0..4).map(|seed| store(&region, &noise(seed, 50_000)).root).collect();
    *shared.lock().unwrap() = Some((region.clone(), roots.clone()));
    let collected = collect(&region, &[]);
    // The first removal is under way when all others are held.
    assert_eq!((collected.dropped_packs, collected.spared_packs), (1, 3));
    let held = std::mem::take(&mut *held.lock().unwrap());
    let kept: Vec<_> = held.iter().flat_map(|(_, kept)| kept.clone()).collect();
    assert_eq!(kept, roots[1..]);
    assert!(kept.iter().all(|root| region.get(root).is_ok()));
    shared.lock().unwrap().take();
}

#[test]
fn what_is_sealed_while_the_roots_are_read_is_no_candidate() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let mut root = None;
    region
        .collect(|| {
            root = Some(store(&region, &noise(1, 50_000)).root);
            Ok(Live::default())
        })
        .unwrap();
    assert_eq!(load(&region, root.unwrap(), 50_000).unwrap(), noise(1, 50_000));
}

#[test]
fn an_open_image_is_readable_although_its_version_is_gone() {
    let folder = tempdir().unwrap();
    let region = Region::open("here", folder.path(), Options { cache_bytes: 0, ..thorough() }).unwrap();
    let bytes = noise(1, 3_000_000);
    let root = store(&region, &bytes).root;
    let image = region.image(root, 3_000_000).unwrap();
    collect(&region, &[]);
    let mut read = vec![0; bytes.len()];
    image.read(0, &mut read).unwrap();
    assert!(read == bytes);
    drop(image);
    collect(&region, &[]);
    assert_eq!(region.usage().pack_count, 0);
}

#[test]
fn whatever_cannot_be_read_stops_the_collection() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    store(&region, &noise(1, 50_000));
    let before = region.usage();
    let unreadable = region.collect(|| Err("the database is half readable".into()));
    assert!(matches!(unreadable, Err(Error::Roots(_))));
    let missing = region.collect(|| Ok(Live { roots: vec![Digest::of(b"not here")], ..Live::default() }));
    assert!(matches!(missing, Err(Error::Missing { .. })));
    assert_eq!(region.usage(), before);
    // And the next one works.
    assert_eq!(collect(&region, &[]).dropped_packs, before.pack_count);
}

#[test]
fn a_chunk_stored_twice_is_kept_once() {
    let folder = tempdir().unwrap();
    let region = Region::open("here", folder.path(), thorough()).unwrap();
    let bytes = noise(1, 50_000);
    let writers = [region.writer(Owner([1; 16])), region.writer(Owner([2; 16]))];
    let writers = writers.map(|writer| {
        writer.put_chunk(&Digest::of(&bytes), &bytes).unwrap();
        writer
    });
    for writer in writers {
        writer.seal().unwrap();
    }
    assert_eq!(region.usage().chunk_count, 2);
    let copies = region.locate(&Digest::of(&bytes)).unwrap();
    assert_eq!(copies.pack.number, 1, "the newest is used: it may have come to replace a bad one");
    let other = tempdir().unwrap();
    let root = store(&open(other.path()), &bytes).root;
    copy(root, &open(other.path()), &region, OWNER, &|_| (), &|| false).unwrap();
    collect(&region, &[root]);
    assert_eq!(region.verify(&[root], &|_| ()).unwrap().unreferenced_bytes, 0);
    assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes);
}

/// What a publisher does next, against a collection that stops at each of its own steps.
#[derive(Clone, Copy, Debug)]
enum Act {
    Hold(usize),
    Commit(usize),
    Retire(usize),
}

fn any_acts() -> impl Strategy<Value = Vec<Act>> {
    let image = 0..3_usize;
    let act = prop_oneof![
        image.clone().prop_map(Act::Hold),
        image.clone().prop_map(Act::Commit),
        image.prop_map(Act::Retire)
    ];
    prop::collection::vec(act, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Publishers hold, commit and retire before the roots are read, while they are, and between removals.
    #[test]
    fn no_order_of_steps_loses_a_committed_image(
        before in any_acts(),
        during in any_acts(),
        between in any_acts(),
    ) {
        let folder = tempdir().unwrap();
        type Hook = Option<Box<dyn FnMut() + Send>>;
        let hook: Arc<Mutex<Hook>> = Arc::default();
        let called = Arc::clone(&hook);
        let fault: Fault = Arc::new(move |step| {
            let act = if step == Step::Remove { called.lock().unwrap().take() } else { None };
            if let Some(mut act) = act {
                act();
            }
            Ok(())
        });
        let region = Region::open("here", folder.path(), Options { fault: Some(fault), ..thorough() }).unwrap();
        let images: Vec<Vec<u8>> = (0..3).map(|seed| noise(seed, 60_000)).collect();
        let roots: Vec<_> = images.iter().map(|bytes| store(&region, bytes).root).collect();
        store(&region, &noise(77, 60_000));
        let world = Arc::new(Mutex::new(World::default()));
        let run = {
            let (world, region, images, roots) = (Arc::clone(&world), region.clone(), images.clone(), roots.clone());
            move |acts: &[Act]| {
                for act in acts {
                    world.lock().unwrap().act(*act, &region, &images, &roots);
                }
            }
        };
        run(&before);
        let between_run = run.clone();
        *hook.lock().unwrap() = Some(Box::new(move || between_run(&between)));
        region.collect(|| {
            let committed = world.lock().unwrap().committed.clone();
            run(&during);
            Ok(Live { roots: committed, ..Live::default() })
        }).unwrap();
        let world = std::mem::take(&mut *world.lock().unwrap());
        for root in &world.committed {
            let image = roots.iter().position(|other| other == root).unwrap();
            prop_assert!(load(&region, *root, 60_000).unwrap() == images[image]);
        }
        hook.lock().unwrap().take();
    }
}

/// The database and the publishers at work.
#[derive(Default)]
struct World {
    committed: Vec<Digest>,
    pins: Vec<(Digest, crate::Pin)>,
}

impl World {
    fn act(&mut self, act: Act, region: &Region, images: &[Vec<u8>], roots: &[Digest]) {
        match act {
            // A publish: what is here is held, what is not is sent again.
            Act::Hold(image) => {
                let stored = store_for(region, &images[image], Owner([image.try_into().unwrap(); 16]));
                self.pins.push((stored.root, stored.pin));
            }
            Act::Commit(image) => {
                if let Some(at) = self.pins.iter().position(|(root, _)| *root == roots[image]) {
                    self.committed.push(roots[image]);
                    self.pins.swap_remove(at);
                }
            }
            Act::Retire(image) => self.committed.retain(|root| *root != roots[image]),
        }
    }
}

#[test]
fn publishing_retiring_and_collecting_at_once_loses_nothing() {
    let folder = tempdir().unwrap();
    let region = Region::open("here", folder.path(), thorough()).unwrap();
    let committed: Mutex<Vec<(Digest, u64)>> = Mutex::default();
    let (done, start) = (AtomicBool::new(false), Barrier::new(3));
    let bytes = |seed: u64| [noise(seed % 3, 20 * 4096), noise(100 + seed % 7, 10 * 4096)].concat();
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            while !done.load(Ordering::SeqCst) {
                let live = || committed.lock().unwrap().iter().map(|(root, _)| *root).collect();
                region.collect(|| Ok(Live { roots: live(), ..Live::default() })).unwrap();
            }
        });
        let publishers: Vec<_> = (0..2_u8)
            .map(|publisher| {
                let (region, committed, start) = (&region, &committed, &start);
                scope.spawn(move || {
                    start.wait();
                    for round in 0..60 {
                        let seed = round * 2 + u64::from(publisher);
                        let stored = store_for(region, &bytes(seed), Owner([publisher + 1; 16]));
                        let root = stored.root;
                        committed.lock().unwrap().push((root, seed));
                        drop(stored.pin);
                        assert!(load(region, root, 30 * 4096).unwrap() == bytes(seed), "round {round}");
                        let mut committed = committed.lock().unwrap();
                        if committed.len() > 4 {
                            committed.remove(0);
                        }
                    }
                })
            })
            .collect();
        let results: Vec<_> = publishers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::SeqCst);
        assert!(results.iter().all(Result::is_ok));
    });
    let committed = committed.into_inner().unwrap();
    let roots: Vec<_> = committed.iter().map(|(root, _)| *root).collect();
    collect(&region, &roots);
    for (root, seed) in committed {
        assert!(load(&region, root, 30 * 4096).unwrap() == bytes(seed));
    }
    assert_eq!(region.verify(&roots, &|_| ()).unwrap().unreferenced_bytes, 0);
}
