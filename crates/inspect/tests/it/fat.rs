//! FAT, made by `mkfs.vfat` and filled by `mcopy`.

use inspect::{Budget, Content, Disk, FileSystem, ObservationKind};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, Keeps};
use crate::tools::Workshop;

const KEEPS: Keeps = Keeps { modes: false, links: false, many: 100, big: 3_000_001 };

/// A file system with the sample in it.
fn make(workshop: &Workshop, options: &str, mebibytes: u64) -> Memory {
    sample::make(&workshop.path("files"), KEEPS);
    fill(workshop, options, mebibytes)
}

/// A file system with the files of the workshop in it.
pub(crate) fn fill(workshop: &Workshop, options: &str, mebibytes: u64) -> Memory {
    workshop.image("image", mebibytes);
    workshop.run(&format!("mkfs.vfat {options} -n NAME -i 12345678 image"));
    let names: Vec<String> = std::fs::read_dir(workshop.path("files"))
        .unwrap()
        .map(|entry| format!("files/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    let mut line = vec!["mcopy", "-i", "image", "-s", "-Q"];
    line.extend(names.iter().map(String::as_str));
    line.push("::");
    workshop.run_words(&line);
    workshop.load("image")
}

#[rstest]
#[case::bits12("-F 12 -s 8", 12)]
#[case::bits16("-F 16", 40)]
#[case::bits32("-F 32", 64)]
#[case::large_sectors("-F 32 -S 4096 -s 1", 280)]
fn every_file_comes_back(#[case] options: &str, #[case] mebibytes: u64) {
    let workshop = Workshop::new();
    let disk = make(&workshop, options, mebibytes);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let [volume] = disk.volumes.as_slice() else { panic!("{disk:?}") };
    assert_eq!(volume.content, Content::Files(FileSystem::Fat));
    assert_eq!((volume.label.as_deref(), volume.uuid.as_deref()), (Some("NAME"), Some("1234-5678")));
    assert_eq!(volume.clean, Some(true));
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), KEEPS);
}

#[test]
fn names_are_found_in_any_case() {
    let workshop = Workshop::new();
    let disk = make(&workshop, "-F 16", 40);
    let disk = Disk::open(&disk, Budget::default());
    let tree = disk.volumes[0].tree().unwrap();
    assert_eq!(tree.read(b"/ETC/Small", 0, 100).unwrap(), b"a few bytes\n");
    assert_eq!(tree.node(b"/ETC/Smal").unwrap(), None);
}

#[test]
fn a_chain_that_turns_in_a_circle_ends() {
    let workshop = Workshop::new();
    let mut disk = make(&workshop, "-F 32", 64);
    // The root begins at cluster 2: its chain is made to lead back to it.
    let table = u64::from(u16::from_le_bytes(disk.get(14, 2).try_into().unwrap())) * 512;
    disk.put(table + 8, &2_u32.to_le_bytes());
    let disk = Disk::open(&disk, Budget::default());
    assert!(disk.volumes[0].tree().is_err());
    assert_eq!(disk.observations[0].kind, ObservationKind::FileSystemUnreadable);
}

#[rstest]
#[case::windows_mark("-F 16", 40, false)]
#[case::linux_mark("-F 16", 40, true)]
#[case::windows_mark_wide("-F 32", 64, false)]
#[case::linux_mark_wide("-F 32", 64, true)]
fn what_was_not_unmounted_is_told(#[case] options: &str, #[case] mebibytes: u64, #[case] by_linux: bool) {
    let workshop = Workshop::new();
    let mut disk = make(&workshop, options, mebibytes);
    let is_wide = options.contains("32");
    let table = u64::from(u16::from_le_bytes(disk.get(14, 2).try_into().unwrap())) * 512;
    match (by_linux, is_wide) {
        (true, _) => disk.put(if is_wide { 65 } else { 37 }, &[1]),
        (false, true) => disk.put(table + 4, &0x07FF_FFFF_u32.to_le_bytes()),
        (false, false) => disk.put(table + 2, &0x7FFF_u16.to_le_bytes()),
    }
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.volumes[0].clean, Some(false));
    assert_eq!(disk.observations[0].kind, ObservationKind::NotClean);
}
