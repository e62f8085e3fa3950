//! Disks in, images out, entries over the wire.

use std::collections::HashSet;

use disks::{Blocks, ExtentKind};
use proptest::prelude::*;
use rstest::rstest;
use tempfile::tempdir;

use crate::testing::{Memory, OWNER, disk, load, made_up, noise, open, store, text};
use crate::{
    BlockBuilder, Digest, Entry, EntryReader, Error, GRID_BYTES, Image, IngestProgress, Piece,
    commit_entries, cut, ingest,
};

fn entries_of(bytes: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut entries = Vec::new();
    cut(&Memory::new(bytes.to_vec()), &mut |piece| {
        entries.push(match piece {
            Piece::Hole { length, .. } => (Entry::Hole { length }, Vec::new()),
            Piece::Chunk { digest, bytes, .. } => {
                (Entry::Chunk { digest, length: bytes.len().try_into().unwrap() }, bytes.to_vec())
            }
        });
        Ok(())
    })
    .unwrap();
    entries
}

fn some_disk() -> Vec<u8> {
    let mut bytes =
        disk(&[(Some(1), 300), (None, 40), (Some(2), 200), (None, 3), (Some(3), 90), (None, 700)]);
    bytes.extend(text(4, 3 << 20));
    bytes.extend(noise(5, 512));
    bytes
}

#[test]
fn a_disk_comes_back_byte_for_byte_also_after_reopening() {
    let folder = tempdir().unwrap();
    let bytes = some_disk();
    let region = open(folder.path());
    let stored = store(&region, &bytes);
    assert_eq!(load(&region, stored.root, bytes.len()).unwrap(), bytes);
    let (root, usage) = (stored.root, region.usage());
    assert!(usage.pack_count > 1 && stored.stored_bytes == usage.stored_bytes, "{usage:?}");
    drop((stored, region));
    let region = open(folder.path());
    assert_eq!(region.usage(), usage);
    assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes);
}

#[test]
fn the_same_bytes_in_any_container_are_one_image_and_stored_once() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let mut bytes = some_disk();
    let first = store(&region, &bytes);
    assert_eq!(first.new_chunk_count, first.chunk_count);
    for (unit, padding) in [(512, 0), (65536, 0), (2 << 20, 512), (0, 8 << 20)] {
        bytes.resize(bytes.len() + padding, 0);
        let again = ingest(&Memory { bytes: bytes.clone(), unit }, &region, OWNER, &|_| ()).unwrap();
        assert_eq!(again.root, first.root);
        assert_eq!((again.new_chunk_count, again.new_bytes, again.stored_bytes), (0, 0, 0));
        assert_eq!(again.logical_bytes, first.logical_bytes);
    }
}

#[test]
fn a_disk_of_zeros_is_the_empty_image() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let root = store(&region, &vec![0; 1 << 20]).root;
    assert_eq!(store(&region, &[]).root, root);
    assert_eq!(load(&region, root, 12345).unwrap(), vec![0; 12345]);
}

#[test]
fn a_new_version_stores_little_more_than_what_changed() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let mut bytes = noise(1, 24 << 20);
    store(&region, &bytes);
    bytes.splice(7 << 20..7 << 20, noise(2, 64 * 4096));
    let second = store(&region, &bytes);
    assert!(second.new_bytes < 64 * 4096 + (1 << 20), "{second:?}");
}

#[test]
fn progress_never_falls_and_ends_at_the_size() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let seen = std::cell::RefCell::new(Vec::new());
    ingest(&Memory::new(some_disk()), &region, OWNER, &|progress| seen.borrow_mut().push(progress)).unwrap();
    let seen = seen.into_inner();
    assert!(seen.is_sorted_by_key(|progress| progress.done_bytes));
    let size_bytes = some_disk().len().try_into().unwrap();
    assert_eq!(seen.last(), Some(&IngestProgress { done_bytes: size_bytes, size_bytes }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_of_an_image_reads_as_the_disk_did(ranges in prop::collection::vec((0.0..1.0_f64, 0..900_000_usize), 1..12)) {
        let folder = tempdir().unwrap();
        let region = open(folder.path());
        let bytes = some_disk();
        let root = store(&region, &bytes).root;
        let image = region.image(root, bytes.len().try_into().unwrap()).unwrap();
        for (part, length) in ranges {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any place will do")]
            let start = (part * bytes.len() as f64) as usize;
            let end = (start + length).min(bytes.len());
            // Reading on in steps takes the way through the thread that runs ahead.
            for at in (start..end).step_by(70_000) {
                let until = (at + 70_000).min(end);
                let mut buffer = vec![0xee; until - at];
                image.read_at(at.try_into().unwrap(), &mut buffer).unwrap();
                prop_assert!(buffer == bytes[at..until]);
            }
        }
    }
}

#[test]
fn extents_of_an_image_are_those_of_its_holes() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let bytes = some_disk();
    let root = store(&region, &bytes).root;
    let image = region.image(root, (bytes.len() + 99 * 512).try_into().unwrap()).unwrap();
    let (mut at, mut zeros) = (0, 0);
    while at < image.size_bytes() {
        let extent = image.extent_at(at).unwrap();
        assert!(extent.length > 0 && at + extent.length <= image.size_bytes());
        if extent.kind == ExtentKind::Zero {
            zeros += 1;
            let (start, end) = (usize::try_from(at).unwrap(), usize::try_from(at + extent.length).unwrap());
            assert!(bytes.iter().take(end).skip(start).all(|&byte| byte == 0));
        }
        at += extent.length;
    }
    assert_eq!((at, zeros), (image.size_bytes(), 3));
    assert!(image.extent_at(at).is_err());
}

#[test]
fn an_image_ends_where_its_size_says() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let root = store(&region, &noise(1, 8192)).root;
    let read = |image: Image, offset| image.read(offset, &mut [0; 10]);
    assert!(matches!(read(region.image(root, 8192).unwrap(), 8183), Err(Error::Invalid { .. })));
    assert!(matches!(read(region.image(root, 8192).unwrap(), u64::MAX - 2), Err(Error::Invalid { .. })));
    assert!(matches!(region.image(root, 4096), Err(Error::Invalid { .. })));
    assert!(matches!(region.image(Digest::of(b"else"), 4096), Err(Error::Missing { .. })));
}

#[test]
fn uploaded_chunks_become_the_image_that_importing_would_make() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let bytes = some_disk();
    let size_bytes = bytes.len().try_into().unwrap();
    let pieces = entries_of(&bytes);
    let mut wire = Vec::new();
    pieces.iter().for_each(|(entry, _)| entry.write_to(&mut wire));
    let entries = Entry::read_all(&wire).unwrap();
    let Err(Error::Missing { digests }) = commit_entries(&region, OWNER, entries.clone(), size_bytes) else {
        panic!("nothing was uploaded yet");
    };
    assert_eq!(region.usage().pack_count, 0);
    let lacking: HashSet<_> = digests.into_iter().collect();
    let writer = region.writer(OWNER);
    let mut block = BlockBuilder::new();
    for (entry, bytes) in &pieces {
        if let Entry::Chunk { digest, .. } = entry
            && lacking.contains(digest)
            && block.push(*digest, bytes).unwrap()
        {
            writer.put(&std::mem::take(&mut block).finish()).unwrap();
        }
    }
    writer.put(&block.finish()).unwrap();
    assert_eq!(region.writer(OWNER).seal().unwrap().new_count, 0);
    writer.seal().unwrap();
    assert_eq!(region.written_by(&OWNER), lacking);
    let committed = commit_entries(&region, OWNER, entries, size_bytes).unwrap();
    assert_eq!(load(&region, committed.root, bytes.len()).unwrap(), bytes);
    let other = tempdir().unwrap();
    assert_eq!(store(&open(other.path()), &bytes).root, committed.root);
}

#[rstest]
#[case::another_length_than_stored(|digest| vec![Entry::Chunk { digest, length: 8192 }], 8192)]
#[case::past_the_size(|digest| vec![Entry::Hole { length: 4096 }, Entry::Chunk { digest, length: 4096 }], 4096)]
#[case::off_the_grid(|digest| vec![Entry::Chunk { digest, length: 4095 }], 4096)]
fn a_list_that_does_not_fit_is_refused(#[case] list: fn(Digest) -> Vec<Entry>, #[case] size_bytes: u64) {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let bytes = noise(1, 4096);
    store(&region, &bytes);
    let result = commit_entries(&region, OWNER, list(Digest::of(&bytes)), size_bytes);
    assert!(matches!(result, Err(Error::Invalid { .. })), "{result:?}");
}

#[rstest]
#[case::cut_digest(&[3, 1, 2, 3])]
#[case::no_length(&[0])]
#[case::longer_than_shortest(&[0x82, 0])]
#[case::too_large(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])]
fn a_broken_list_of_entries_is_refused(#[case] bytes: &[u8]) {
    assert!(matches!(Entry::read_all(bytes), Err(Error::Invalid { .. })));
}

proptest! {
    #[test]
    fn foreign_lists_of_entries_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(entries) = Entry::read_all(&bytes) {
            let mut again = Vec::new();
            entries.iter().for_each(|entry| entry.write_to(&mut again));
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn a_list_of_entries_reads_the_same_in_pieces(
        blocks in prop::collection::vec((any::<bool>(), 1..65_u32), 0..40),
        parts in prop::collection::vec(1..90_usize, 1..20),
    ) {
        let mut wire = Vec::new();
        for (number, (hole, blocks)) in (0..).zip(&blocks) {
            if *hole {
                Entry::Hole { length: u64::from(*blocks) * 4096 }.write_to(&mut wire);
            } else {
                made_up(number, *blocks).write_to(&mut wire);
            }
        }
        let mut reader = EntryReader::new(blocks.len());
        let mut rest = &wire[..];
        for part in parts.iter().cycle() {
            let (now, later) = rest.split_at((*part).min(rest.len()));
            reader.push(now).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(reader.finish().unwrap(), Entry::read_all(&wire).unwrap());
        if let Some(fewer) = blocks.len().checked_sub(1) {
            let mut short = EntryReader::new(fewer);
            prop_assert!(short.push(&wire).and_then(|()| short.finish()).is_err());
        }
    }

    #[test]
    fn a_digest_reads_as_it_is_written(seed: u64) {
        let digest = Digest::of(&seed.to_le_bytes());
        prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        prop_assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        prop_assert!(digest.to_string()[1..].parse::<Digest>().is_err());
    }
}

#[test]
fn an_entry_is_as_long_as_a_digest_and_a_byte() {
    let mut bytes = Vec::new();
    made_up(1, 256 * 1024 / GRID_BYTES).write_to(&mut bytes);
    assert_eq!(bytes.len(), 34);
}
