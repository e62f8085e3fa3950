//! Damage is found, never served.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rstest::rstest;
use tempfile::tempdir;

use crate::testing::{OWNER, load, noise, open, store, text};
use crate::{BlockBuilder, Digest, Error, Region, copy};

fn packs(folder: &Path) -> Vec<PathBuf> {
    let shelves = fs::read_dir(folder.join("packs")).unwrap();
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap());
    let mut packs: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    packs.sort_unstable();
    packs
}

fn contents() -> [Vec<u8>; 3] {
    [text(1, 900), noise(2, 250), text(3, 40)]
}

/// A region with one small pack: a compressed block and a raw one.
fn small(folder: &Path) -> Region {
    let region = open(folder);
    let writer = region.writer(OWNER);
    for bytes in contents() {
        writer.put_chunk(&Digest::of(&bytes), &bytes).unwrap();
        writer.flush().unwrap();
    }
    writer.seal().unwrap();
    region
}

#[test]
fn every_flipped_bit_of_a_pack_is_found_and_none_is_served() {
    let folder = tempdir().unwrap();
    drop(small(folder.path()));
    let pack = packs(folder.path()).remove(0);
    let good = fs::read(&pack).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&pack, &bad).unwrap();
        let region = open(folder.path());
        for bytes in contents() {
            match region.get(&Digest::of(&bytes)) {
                Ok(served) => assert_eq!(*served, *bytes, "byte {at}"),
                Err(Error::Corrupt { .. } | Error::Missing { .. }) => {}
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
        let report = region.verify(&[], &|_| ()).unwrap();
        assert_eq!(report.damaged_packs.len(), 1, "byte {at} is damaged and nobody noticed");
        assert_eq!(fs::read(&pack).unwrap(), bad, "a damaged pack is left alone");
    }
}

#[test]
fn damage_while_the_region_is_open_is_found_too() {
    let folder = tempdir().unwrap();
    let region = small(folder.path());
    let pack = packs(folder.path()).remove(0);
    let mut bad = fs::read(&pack).unwrap();
    bad[40] ^= 1;
    fs::write(&pack, bad).unwrap();
    let first = Digest::of(&contents()[0]);
    assert!(matches!(region.get(&first), Err(Error::Corrupt { digest, .. }) if digest == first));
    assert!(!region.has(&first), "it can be sent again");
    assert!(matches!(region.get(&first), Err(Error::Corrupt { .. })), "it is not forgotten");
    assert!(region.get(&Digest::of(&contents()[1])).is_ok(), "its neighbours are read");
}

#[test]
fn a_pack_whose_checksums_fit_but_whose_chunk_does_not_is_not_believed() {
    let folder = tempdir().unwrap();
    let region = open(folder.path());
    let claimed = Digest::of(b"what it should be");
    let mut lying = BlockBuilder::new();
    lying.push(claimed, b"what it is").unwrap();
    let writer = region.writer(OWNER);
    writer.store(&lying.finish()).unwrap();
    writer.seal().unwrap();
    assert!(matches!(region.get(&claimed), Err(Error::Corrupt { digest, .. }) if digest == claimed));
    assert_eq!(region.verify(&[], &|_| ()).unwrap().damaged_packs.len(), 1);
}

#[derive(Clone, Copy)]
enum Instead {
    Nothing,
    Empty,
    Shorter,
    Longer,
    Folder,
    Link,
    Fifo,
    OtherPack,
}

#[rstest]
fn whatever_stands_in_a_packs_place_is_never_served(
    #[values(
        Instead::Nothing,
        Instead::Empty,
        Instead::Shorter,
        Instead::Longer,
        Instead::Folder,
        Instead::Link,
        Instead::Fifo,
        Instead::OtherPack
    )]
    instead: Instead,
    #[values(false, true)] reopened: bool,
) {
    let folder = tempdir().unwrap();
    let mut region = Some(small(folder.path()));
    let other = noise(9, 999);
    let writer = region.as_ref().unwrap().writer(OWNER);
    writer.put_chunk(&Digest::of(&other), &other).unwrap();
    writer.seal().unwrap();
    let [pack, second] = packs(folder.path()).try_into().unwrap();
    let good = fs::read(&pack).unwrap();
    fs::remove_file(&pack).unwrap();
    match instead {
        Instead::Nothing => {}
        Instead::Empty => fs::write(&pack, "").unwrap(),
        Instead::Shorter => fs::write(&pack, &good[..good.len() / 3]).unwrap(),
        Instead::Longer => fs::write(&pack, [&good[..], b"more"].concat()).unwrap(),
        Instead::Folder => fs::create_dir(&pack).unwrap(),
        Instead::Link => {
            fs::write(folder.path().join("elsewhere"), &good).unwrap();
            symlink(folder.path().join("elsewhere"), &pack).unwrap();
        }
        Instead::Fifo => rustix::fs::mknodat(
            rustix::fs::CWD,
            &pack,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap(),
        Instead::OtherPack => fs::write(&pack, fs::read(&second).unwrap()).unwrap(),
    }
    if reopened {
        drop(region.take());
        region = Some(open(folder.path()));
    }
    let region = region.unwrap();
    let report = region.verify(&[], &|_| ()).unwrap();
    let served = contents().iter().filter(|bytes| region.get(&Digest::of(bytes)).is_ok()).count();
    match instead {
        // The open region still knows where each block stands, and they are unharmed.
        Instead::Longer if !reopened => assert_eq!(served, 3),
        _ => assert_eq!(served, 0),
    }
    let gone = matches!(instead, Instead::Nothing) && reopened;
    assert_eq!(report.damaged_packs.len(), usize::from(!gone), "{report:?}");
    assert_eq!(*region.get(&Digest::of(&other)).unwrap(), *other);
}

#[test]
fn a_damaged_image_lists_its_losses_and_heals_from_another_region() {
    let (here, there) = (tempdir().unwrap(), tempdir().unwrap());
    let (mut region, far) = (open(here.path()), open(there.path()));
    let bytes = noise(1, 5 << 20);
    let root = store(&region, &bytes).root;
    copy(root, &region, &far, OWNER, &|_| (), &|| false).unwrap();
    let pack = packs(here.path()).remove(0);
    let mut bad = fs::read(&pack).unwrap();
    bad[100_000] ^= 4;
    fs::write(&pack, bad).unwrap();
    drop(region);
    region = open(here.path());
    let report = region.verify(&[root], &|_| ()).unwrap();
    let [broken] = &report.broken_images[..] else { panic!("{report:?}") };
    assert!(!report.is_healthy() && broken.root == root && broken.lost_bytes > 0);
    assert!(broken.lost_bytes < 1 << 20, "only the damaged block is lost, not {}", broken.lost_bytes);
    // Which block of the disk stands there is the threads' affair; all of it is told, and no more.
    let listed: u64 = broken.ranges.iter().map(|range| range.length).sum();
    assert_eq!(listed, broken.lost_bytes);
    assert!(matches!(load(&region, root, bytes.len()), Err(Error::Corrupt { .. })));
    let healed = copy(root, &far, &region, OWNER, &|_| (), &|| false).unwrap();
    assert_eq!(healed.total_bytes, broken.lost_bytes);
    assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes);
    // After a restart both copies are known; the bad one is found again and the good one served.
    drop((healed, region));
    region = open(here.path());
    assert_eq!(load(&region, root, bytes.len()).unwrap(), bytes);
    assert!(region.verify(&[root], &|_| ()).unwrap().broken_images.is_empty());
}

#[test]
fn a_lost_root_is_a_broken_image() {
    let folder = tempdir().unwrap();
    let report = open(folder.path()).verify(&[Digest::of(b"gone")], &|_| ()).unwrap();
    assert_eq!(report.broken_images.len(), 1);
}

#[test]
fn strangers_in_the_folder_are_listed_and_left_alone() {
    let folder = tempdir().unwrap();
    let region = small(folder.path());
    fs::write(folder.path().join("packs/note"), "hello").unwrap();
    fs::write(folder.path().join("packs/00/zz.pack"), "hello").unwrap();
    fs::write(folder.path().join("staging/0000beef.temp"), "half").unwrap();
    let report = region.verify(&[], &|_| ()).unwrap();
    assert_eq!(report.strange_files, ["packs/00/zz.pack", "packs/note"]);
    assert_eq!(report.temp_files, ["0000beef.temp"]);
    assert_eq!((report.unreferenced_packs.len(), report.pack_count), (1, 1));
    drop(region);
    assert!(open(folder.path()).verify(&[], &|_| ()).unwrap().temp_files.is_empty());
}
