//! Cuts depend on content alone.

use std::cell::RefCell;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{Memory, disk, noise};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Hole(u64, u64),
    Chunk(u64, Digest, Vec<u8>),
}

fn pieces(disk: &Memory, window_bytes: usize) -> Vec<Owned> {
    let mut pieces = Vec::new();
    cut_in_windows(disk, window_bytes, &mut |piece| {
        pieces.push(match piece {
            Piece::Hole { offset, length } => Owned::Hole(offset, length),
            Piece::Chunk { offset, digest, bytes } => Owned::Chunk(offset, digest, bytes.to_vec()),
        });
        Ok(())
    })
    .unwrap();
    pieces
}

fn digests(bytes: Vec<u8>) -> Vec<Digest> {
    let digest = |piece| match piece {
        Owned::Chunk(_, digest, _) => Some(digest),
        Owned::Hole(..) => None,
    };
    pieces(&Memory::new(bytes), WINDOW_BYTES).into_iter().filter_map(digest).collect()
}

fn any_disk() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop_oneof![Just(None), (1..20_u64).prop_map(Some)], 1..90_usize);
    (prop::collection::vec(run, 0..12), 0..9_usize).prop_map(|(runs, sectors)| {
        let mut bytes = disk(&runs);
        bytes.extend(noise(99, sectors * 512));
        bytes
    })
}

proptest! {
    #[test]
    fn pieces_cover_the_disk_in_order_and_within_bounds(bytes in any_disk()) {
        let size = bytes.len();
        let mut back = Vec::new();
        for piece in pieces(&Memory::new(bytes.clone()), WINDOW_BYTES) {
            match piece {
                Owned::Hole(offset, length) => {
                    prop_assert_eq!(offset, wide(back.len()));
                    prop_assert!(length > 0);
                    back.resize(back.len() + usize::try_from(length).unwrap(), 0);
                    prop_assert!(length >= HOLE_BLOCKS * 4096 || back.len() >= size);
                }
                Owned::Chunk(offset, digest, bytes) => {
                    prop_assert_eq!(offset, wide(back.len()));
                    prop_assert_eq!(digest, Digest::of(&bytes));
                    prop_assert!(bytes.len().is_multiple_of(4096) && bytes.len() <= 256 * 1024);
                    back.extend(bytes);
                }
            }
        }
        prop_assert_eq!(back.len(), size.next_multiple_of(4096));
        back.truncate(size);
        prop_assert!(back == bytes);
    }

    #[test]
    fn pieces_depend_neither_on_extents_nor_on_windows(bytes in any_disk()) {
        let expected = pieces(&Memory::new(bytes.clone()), WINDOW_BYTES);
        for unit in [512, 4096, 20 * 512, 65536, 1 << 20] {
            for window_blocks in [1, 3, 17, 1024] {
                let disk = Memory { bytes: bytes.clone(), unit };
                prop_assert_eq!(&pieces(&disk, window_blocks * 4096), &expected, "{} {}", unit, window_blocks);
            }
        }
    }

    #[test]
    fn zeros_after_the_end_change_no_chunk(bytes in any_disk(), padding in 1..200_usize) {
        let mut padded = bytes.clone();
        padded.resize(bytes.len() + padding * 512, 0);
        prop_assert_eq!(digests(padded), digests(bytes));
    }
}

#[rstest]
#[case::short_run_is_data(15, 1)]
#[case::long_run_is_a_hole(16, 0)]
fn sixteen_zero_blocks_make_a_hole(#[case] zeros: usize, #[case] holes_less: usize) {
    let bytes = disk(&[(Some(1), 2), (None, zeros), (Some(2), 2)]);
    let holes =
        pieces(&Memory::new(bytes), WINDOW_BYTES).iter().filter(|p| matches!(p, Owned::Hole(..))).count();
    assert_eq!(holes, 1 - holes_less);
}

#[test]
fn chunks_of_noise_have_about_the_average_length() {
    let bytes = noise(5, 64 << 20);
    let chunks = digests(bytes).len();
    let average = (64 << 10) / chunks;
    assert!((56..=84).contains(&average), "{average} KiB");
}

#[test]
fn inserted_blocks_change_only_the_chunks_around_them() {
    let before = noise(6, 16 << 20);
    let mut after = before.clone();
    after.splice(5 << 20..5 << 20, noise(7, 3 * 4096));
    let (before, after) = (digests(before), digests(after));
    let fresh = after.iter().filter(|digest| !before.contains(digest)).count();
    assert!(fresh <= 4, "{fresh} of {} chunks are new", after.len());
}

#[test]
fn the_rules_are_those_of_this_algorithm_version() {
    // If this changes, every image digest does: then ALGORITHM must too.
    let bytes = disk(&[(Some(1), 300), (None, 40), (Some(2), 77), (None, 5), (Some(3), 90)]);
    let all: Vec<u8> = digests(bytes).iter().flat_map(|digest| *digest.as_bytes()).collect();
    assert_eq!(
        (ALGORITHM, Digest::of(&all).to_string().as_str()),
        (1, "04769830a98b5cba78180533987342ad1e75a4d47fd32e2dd6db7a3fdaeaf7b6")
    );
}

#[test]
fn an_error_of_the_taker_ends_the_cutting() {
    let calls = RefCell::new(0);
    let error = cut(&Memory::new(noise(8, 32 << 20)), &mut |_| {
        *calls.borrow_mut() += 1;
        Err(Error::Cancelled)
    });
    assert!(matches!(error, Err(Error::Cancelled)));
    assert_eq!(*calls.borrow(), 1);
}

#[test]
fn a_disk_that_cannot_be_read_is_an_error_of_the_source() {
    struct Broken;
    impl Blocks for Broken {
        fn size_bytes(&self) -> u64 {
            1 << 20
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> Result<(), disks::Error> {
            Err(disks::Error::Io(std::io::Error::other("scratched")))
        }
        fn extent_at(&self, offset: u64) -> Result<disks::Extent, disks::Error> {
            // Zero-length extents break the contract; they must not hang the cutter.
            Ok(disks::Extent {
                length: 0,
                kind: if offset == 0 { ExtentKind::Zero } else { ExtentKind::Data },
            })
        }
    }
    assert!(matches!(cut(&Broken, &mut |_| Ok(())), Err(Error::Source(_))));
}
