//! What is put can be got, before and after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::thread;

use proptest::prelude::*;
use tempfile::tempdir;

use crate::block::Encoding;
use crate::testing::{OWNER, noise, open, small_packs, text};
use crate::{Block, BlockBuilder, ChunkName, Digest, Error, Fault, Live, Options, Owner, Region, Step};

fn block(seeds: &[u64]) -> Block {
    let mut builder = BlockBuilder::new();
    for &seed in seeds {
        let bytes = chunk(seed);
        builder.push(Digest::of(&bytes), &bytes).unwrap();
    }
    builder.finish()
}

fn chunk(seed: u64) -> Vec<u8> {
    text(seed, 4096 * (1 + usize::try_from(seed % 5).unwrap()))
}

fn name(seed: u64) -> Digest {
    Digest::of(&chunk(seed))
}

#[derive(Clone, Debug)]
enum Act {
    Put(u8, Vec<u64>),
    PutOne(u8, u64),
    Seal(u8),
    Abandon(u8),
    Reopen,
    /// Nothing is live but what these owners wrote.
    Collect(BTreeSet<u8>),
}

fn any_act() -> impl Strategy<Value = Act> {
    let seeds = prop::collection::vec(0..24_u64, 1..6).prop_map(|mut seeds| {
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    });
    prop_oneof![
        4 => (0..3_u8, seeds).prop_map(|(owner, seeds)| Act::Put(owner, seeds)),
        2 => (0..3_u8, 0..24_u64).prop_map(|(owner, seed)| Act::PutOne(owner, seed)),
        3 => (0..3_u8).prop_map(Act::Seal),
        1 => (0..3_u8).prop_map(Act::Abandon),
        1 => Just(Act::Reopen),
        1 => prop::collection::btree_set(0..3_u8, 0..3).prop_map(Act::Collect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The model: which chunks are sealed, and by which owners.
    #[test]
    fn a_region_does_what_a_set_would(acts in prop::collection::vec(any_act(), 1..40)) {
        let folder = tempdir().unwrap();
        let mut region = Some(open(folder.path()));
        let mut writers = BTreeMap::new();
        let mut given: BTreeMap<u8, BTreeSet<u64>> = BTreeMap::new();
        let mut relied: BTreeMap<u8, BTreeSet<u64>> = BTreeMap::new();
        let mut sealed: BTreeSet<u64> = BTreeSet::new();
        for act in acts {
            let here = region.as_ref().unwrap();
            let mut writer = |owner: u8| {
                let new = || here.writer(Owner([owner + 1; 16]));
                writers.remove(&owner).unwrap_or_else(new)
            };
            match act {
                Act::Put(owner, seeds) => {
                    let writer = writer(owner);
                    writer.put(&block(&seeds)).unwrap();
                    let given = given.entry(owner).or_default();
                    let found = seeds.iter().filter(|seed| sealed.contains(seed) && !given.contains(seed));
                    relied.entry(owner).or_default().extend(found);
                    given.extend(&seeds);
                    writers.insert(owner, writer);
                }
                Act::PutOne(owner, seed) => {
                    let writer = writer(owner);
                    if sealed.contains(&seed) && !given.get(&owner).is_some_and(|given| given.contains(&seed)) {
                        relied.entry(owner).or_default().insert(seed);
                    }
                    writer.put_chunk(&name(seed), &chunk(seed)).unwrap();
                    prop_assert!(writer.has(&name(seed)));
                    given.entry(owner).or_default().insert(seed);
                    writers.insert(owner, writer);
                }
                Act::Seal(owner) => {
                    // The pin goes at once: from here on only the owner protects.
                    writer(owner).seal().unwrap();
                    sealed.extend(given.remove(&owner).unwrap_or_default());
                    relied.remove(&owner);
                }
                Act::Abandon(owner) => {
                    writers.remove(&owner);
                    given.remove(&owner);
                    relied.remove(&owner);
                }
                Act::Reopen => {
                    writers.clear();
                    given.clear();
                    relied.clear();
                    drop(region.take());
                    region = Some(open(folder.path()));
                }
                Act::Collect(open) => {
                    let open_owners = open.iter().map(|owner| Owner([owner + 1; 16])).collect();
                    let mut kept = BTreeSet::new();
                    for owner in &open_owners {
                        let written = here.written_by(owner);
                        kept.extend((0..24).filter(|&seed| written.contains(&name(seed))));
                    }
                    here.collect(|| Ok(Live { roots: Vec::new(), open_owners })).unwrap();
                    // What else stays does so in the packs that open writers rely on.
                    for &seed in &sealed {
                        prop_assert!(here.has(&name(seed)) || !kept.contains(&seed));
                    }
                    for seed in relied.values().flatten() {
                        prop_assert!(here.has(&name(*seed)));
                    }
                    sealed.retain(|&seed| here.has(&name(seed)));
                }
            }
            let here = region.as_ref().unwrap();
            for seed in 0..24 {
                let expected = sealed.contains(&seed);
                prop_assert_eq!(here.has(&name(seed)), expected, "{}", seed);
                match here.get(&name(seed)) {
                    Ok(bytes) => prop_assert!(expected && *bytes == *chunk(seed)),
                    Err(error) => {
                        let is_missing = matches!(error, Error::Missing { .. });
                        prop_assert!(!expected && is_missing);
                    }
                }
            }
        }
    }
}

#[test]
fn a_block_that_lies_about_a_chunk_is_not_stored() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let writer = region.writer(OWNER);
    let mut lying = BlockBuilder::new();
    lying.push(name(1), &chunk(1)).unwrap();
    lying.push(name(2), &chunk(3)).unwrap();
    let error = writer.put(&lying.finish()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { digest, .. } if digest == name(2)), "{error}");
    assert!(matches!(writer.put_chunk(&name(2), &chunk(3)), Err(Error::Corrupt { .. })));
    assert_eq!(writer.seal().unwrap().new_count, 0);
    assert_eq!(region.usage().pack_count, 0);
}

#[test]
fn a_block_known_in_part_is_stored_in_part() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let first = region.writer(OWNER);
    first.put(&block(&[1, 2, 3])).unwrap();
    first.seal().unwrap();
    let second = region.writer(OWNER);
    second.put(&block(&[2, 3, 4])).unwrap();
    second.put(&block(&[4])).unwrap();
    assert_eq!(second.seal().unwrap().new_count, 1);
    assert_eq!(region.usage().chunk_count, 4);
}

#[test]
fn a_block_longer_than_ours_and_known_in_part_is_stored_in_part() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    // A block of ours ends with the chunk that fills it; here four more follow, within what a block may hold.
    let chunks: Vec<Vec<u8>> = (100..112).map(|seed| noise(seed, 64 << 10)).collect();
    let named = |bytes: &Vec<u8>| ChunkName { digest: Digest::of(bytes), length: 64 << 10 };
    let long = Block {
        chunks: chunks.iter().map(named).collect(),
        encoding: Encoding::Raw,
        payload: chunks.concat(),
    };
    let (first, rest) = chunks.split_first().unwrap();
    let earlier = region.writer(OWNER);
    earlier.put_chunk(&Digest::of(first), first).unwrap();
    earlier.seal().unwrap();
    let writer = region.writer(OWNER);
    writer.put(&long).unwrap();
    assert_eq!(writer.seal().unwrap().new_count, 11);
    for bytes in rest {
        assert_eq!(&region.get(&Digest::of(bytes)).unwrap()[..], bytes);
    }
}

#[test]
fn what_a_failed_write_did_not_store_is_not_claimed() {
    let folder = tempdir().unwrap();
    let fault: Fault = Arc::new(|step| match step {
        Step::Write => Err(io::Error::from(io::ErrorKind::StorageFull)),
        _ => Ok(()),
    });
    let region =
        Region::open("here", folder.path(), Options { fault: Some(fault), ..small_packs() }).unwrap();
    let writer = region.writer(OWNER);
    assert!(matches!(writer.put(&block(&[1, 2])), Err(Error::Unavailable { .. })));
    assert!([1, 2].into_iter().all(|seed| !writer.has(&name(seed))));
}

#[test]
fn a_full_pack_is_visible_before_the_writer_is_sealed() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let writer = region.writer(OWNER);
    let bytes = noise(1, 200_000);
    writer.put_chunk(&Digest::of(&bytes), &bytes).unwrap();
    assert!(writer.has(&Digest::of(&bytes)) && !region.has(&Digest::of(&bytes)));
    for seed in 2..12 {
        let bytes = noise(seed, 200_000);
        writer.put_chunk(&Digest::of(&bytes), &bytes).unwrap();
    }
    assert!(region.has(&Digest::of(&bytes)));
    drop(writer);
    assert!(region.has(&Digest::of(&bytes)));
    assert!(region.verify(&[], &|_| ()).unwrap().temp_files.is_empty());
}

#[test]
fn several_threads_share_a_writer() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let writer = region.writer(OWNER);
    thread::scope(|scope| {
        for part in 0..4_u64 {
            let writer = &writer;
            scope.spawn(move || {
                for seed in 0..40 {
                    // Neighbours overlap by half.
                    writer.put(&block(&[part * 20 + seed, 1000 + part * 20 + seed])).unwrap();
                }
            });
        }
    });
    writer.seal().unwrap();
    assert_eq!(region.usage().chunk_count, 200);
    assert!(region.verify(&[], &|_| ()).unwrap().is_healthy());
}

#[test]
fn many_readers_get_right_bytes_from_a_small_cache() {
    let folder = tempdir().unwrap();
    let options = Options { cache_bytes: 100_000, ..small_packs() };
    let region = Arc::new(Region::open("here", folder.path(), options).unwrap());
    let writer = region.writer(OWNER);
    for first in (0..60).step_by(6) {
        writer.put(&block(&(first..first + 6).collect::<Vec<_>>())).unwrap();
    }
    writer.seal().unwrap();
    thread::scope(|scope| {
        for start in 0..4 {
            let region = Arc::clone(&region);
            scope.spawn(move || {
                for step in 0..300 {
                    let seed = (start * 17 + step * 7) % 60;
                    assert_eq!(*region.get(&name(seed)).unwrap(), *chunk(seed));
                }
            });
        }
    });
}

#[test]
fn a_region_is_open_once() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let second = Region::open("here", folder.path(), Options::default());
    assert!(matches!(second, Err(Error::Busy { .. })));
    drop(region);
    assert!(Region::open("here", folder.path(), Options::default()).is_ok());
}
