//! Manifests: equal content has equal roots, and similar content shares pages.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::made_up;

type Pages = HashMap<Digest, Vec<u8>>;

fn build(entries: &[Entry]) -> (Digest, Pages) {
    let mut pages = Pages::new();
    let mut emit = |digest, bytes: &[u8]| {
        assert_eq!(digest, Digest::of(bytes));
        assert!(bytes.len() <= MAX_PAGE_BYTES);
        pages.insert(digest, bytes.to_vec());
        Ok(())
    };
    let mut builder = ManifestBuilder::new();
    for entry in entries {
        builder.push(entry, &mut emit).unwrap();
    }
    let root = builder.finish(&mut emit).unwrap();
    (root, pages)
}

fn open(root: Digest, pages: &Pages) -> Result<Manifest<'_>, Error> {
    let missing = |digest: &Digest| Error::Missing { digests: vec![*digest] };
    Manifest::open(root, move |digest| pages.get(digest).cloned().ok_or_else(|| missing(digest)))
}

/// Adjacent holes as one, none at the end, and each entry with its offset.
fn canonical(entries: &[Entry]) -> Vec<(u64, Entry)> {
    let (mut result, mut at, mut hole) = (Vec::new(), 0, 0);
    for entry in entries {
        match entry {
            Entry::Hole { length } => hole += length,
            Entry::Chunk { .. } => {
                if hole > 0 {
                    result.push((at, Entry::Hole { length: hole }));
                    at += std::mem::take(&mut hole);
                }
                result.push((at, *entry));
                at += entry.length();
            }
        }
    }
    result
}

fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    let hole = (1..1000_u64).prop_map(|blocks| Entry::Hole { length: blocks * 4096 });
    let chunk = (0..5000_u64, 1..=64_u32).prop_map(|(number, blocks)| made_up(number, blocks));
    prop::collection::vec(prop_oneof![1 => hole, 6 => chunk], 0..3000)
}

fn chunks(count: u64) -> Vec<Entry> {
    (0..count).map(|number| made_up(number, 16)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entries_come_back_with_holes_merged(entries in any_entries()) {
        let (root, pages) = build(&entries);
        let manifest = open(root, &pages).unwrap();
        let expected = canonical(&entries);
        let read: Vec<_> = manifest.entries().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(&read, &expected);
        let length = expected.last().map_or(0, |(offset, entry)| offset + entry.length());
        prop_assert_eq!(manifest.length_bytes(), length);
    }

    #[test]
    fn reading_begins_at_any_offset(entries in any_entries(), part in 0.0..1.1_f64) {
        let (root, pages) = build(&entries);
        let manifest = open(root, &pages).unwrap();
        let blocks = manifest.length_bytes() / 4096;
        let target = (0..=blocks).nth(usize::try_from(blocks).unwrap() * usize::from(part < 1.0) / 3).unwrap() * 4096 + 17;
        let rest = canonical(&entries).into_iter().filter(|(offset, entry)| offset + entry.length() > target);
        let read: Vec<_> = manifest.entries_from(target).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read, rest.collect::<Vec<_>>());
    }

    #[test]
    fn how_holes_are_split_and_what_zeros_follow_is_no_part_of_the_digest(entries in any_entries(), zeros in 1..99_u64) {
        let split = entries.iter().flat_map(|entry| match entry {
            Entry::Hole { length } if *length > 4096 => {
                vec![Entry::Hole { length: 4096 }, Entry::Hole { length: length - 4096 }]
            }
            other => vec![*other],
        });
        let mut other: Vec<_> = split.collect();
        other.push(Entry::Hole { length: zeros * 4096 });
        prop_assert_eq!(build(&other).0, build(&entries).0);
    }

    #[test]
    fn foreign_pages_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), level in 0..3_u8) {
        let mut page = b"GP\x01".to_vec();
        page.push(level);
        page.extend(bytes);
        let child = Child { digest: Digest::of(&page), length: 4096 };
        if let Ok(Page::Leaf(entries)) = Page::read(&page, &child, level) {
            prop_assert_eq!(entries.iter().map(Entry::length).sum::<u64>(), 4096);
        }
    }
}

#[test]
fn a_change_in_one_place_changes_few_pages() {
    let before = chunks(50_000);
    let mut after = before.clone();
    after.splice(20_000..20_001, (900_000..900_003).map(|number| made_up(number, 16)));
    let (old, new) = (build(&before).1, build(&after).1);
    let fresh = new.keys().filter(|digest| !old.contains_key(digest)).count();
    assert!(new.len() > 200 && fresh <= 6, "{fresh} of {} pages are new", new.len());
}

#[test]
fn a_large_disk_has_few_levels_and_small_pages() {
    let (root, pages) = build(&chunks(50_000));
    let manifest = open(root, &pages).unwrap();
    assert!((2..=3).contains(&manifest.root.levels), "{}", manifest.root.levels);
    let bytes: usize = pages.values().map(Vec::len).sum();
    assert!(bytes / pages.len() < 8000, "{} bytes a page", bytes / pages.len());
}

#[test]
fn the_walk_visits_every_page_and_entry_once() {
    #[derive(Default)]
    struct Seen(Vec<Digest>, u64);
    impl Visit for Seen {
        fn page(&mut self, digest: &Digest) -> Result<Descend, Error> {
            self.0.push(*digest);
            Ok(Descend::Into)
        }
        fn entry(&mut self, offset: u64, _: &Entry) -> Result<(), Error> {
            assert_eq!(offset, self.1 * 65536);
            self.1 += 1;
            Ok(())
        }
    }
    let (root, pages) = build(&chunks(5000));
    let mut seen = Seen::default();
    open(root, &pages).unwrap().walk(&mut seen).unwrap();
    assert_eq!(seen.1, 5000);
    assert_eq!(seen.0.len(), pages.len());
    assert_eq!(seen.0.into_iter().collect::<HashSet<_>>(), pages.into_keys().collect());
}

#[test]
fn any_damaged_page_ends_the_reading() {
    let (root, pages) = build(&chunks(2000));
    for damaged in pages.keys() {
        let mut pages = pages.clone();
        let bytes = pages.get_mut(damaged).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let result =
            open(root, &pages).and_then(|manifest| manifest.entries().collect::<Result<Vec<_>, _>>());
        assert!(matches!(result, Err(Error::Corrupt { digest, .. }) if digest == *damaged));
    }
}

/// A page that is honestly stored but lies about what it is.
#[rstest]
#[case::of_another_level(1, 65536, 1)]
#[case::longer_than_its_entries(0, 131_072, 1)]
#[case::with_an_impossible_length(0, 65536, 0)]
#[case::below_too_many_levels(0, 65536, 200)]
#[case::of_no_level(0, 65536, 0)]
fn a_lying_tree_is_refused(#[case] page_level: u8, #[case] length: u64, #[case] levels: u8) {
    let mut page = Vec::new();
    Page::write_header(page_level, 1, &mut page);
    made_up(1, 16).write_to(&mut page);
    let top = Some(Child { digest: Digest::of(&page), length });
    let record = Root { algorithm: crate::cut::ALGORITHM, levels, top }.to_bytes();
    let root = Digest::of(&record);
    let pages = Pages::from([(root, record), (Digest::of(&page), page)]);
    let result = open(root, &pages).and_then(|manifest| manifest.entries().collect::<Result<Vec<_>, _>>());
    assert!(matches!(result, Err(Error::Corrupt { .. })), "{result:?}");
}

#[test]
fn a_root_of_another_algorithm_is_refused() {
    let record = Root { algorithm: 2, levels: 0, top: None }.to_bytes();
    let root = Digest::of(&record);
    let error = open(root, &Pages::from([(root, record)])).unwrap_err();
    assert!(error.to_string().contains("another version of the cutting rules"), "{error}");
}

#[test]
fn entries_past_the_largest_disk_are_refused() {
    let mut builder = ManifestBuilder::new();
    let hole = Entry::Hole { length: crate::MAX_DISK_BYTES };
    builder.push(&hole, &mut |_, _| Ok(())).unwrap();
    assert!(matches!(builder.push(&made_up(1, 1), &mut |_, _| Ok(())), Err(Error::Invalid { .. })));
}
