//! XFS, made by `mkfs.xfs -p` from a prototype file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use inspect::{Budget, Content, Disk, FileSystem};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, ALL};
use crate::tools::Workshop;

/// Tells `mkfs.xfs` of every file below `folder`.
fn prototype(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let set_user = if metadata.mode() & 0o4000 == 0 { '-' } else { 'u' };
        let mode =
            format!("{set_user}-{:03o} {} {}", metadata.mode() & 0o777, metadata.uid(), metadata.gid());
        if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            into.push_str(&format!("{name} l{mode} {}\n", target.display()));
        } else if metadata.is_dir() {
            into.push_str(&format!("{name} d{mode}\n"));
            prototype(&path, into);
            into.push_str("$\n");
        } else {
            into.push_str(&format!("{name} -{mode} {}\n", path.display()));
        }
    }
}

/// A file system with the files of the workshop in it.
pub(crate) fn make(workshop: &Workshop, options: &str) -> Memory {
    let mut lines = String::from("boot\n0 0\nd--755 0 0\n");
    prototype(&workshop.path("files"), &mut lines);
    lines.push_str("$\n");
    fs::write(workshop.path("prototype"), lines).unwrap();
    workshop.image("image", 320);
    workshop.run(&format!("mkfs.xfs -q -L name {options} -p prototype image"));
    workshop.load("image")
}

#[rstest]
#[case::usual("")]
#[case::small_blocks("-b size=1024 -m reflink=0")]
#[case::without_checksums("-m crc=0")]
#[case::without_kinds_in_folders("-m crc=0 -n ftype=0")]
#[case::large_folder_blocks("-n size=16384 -i size=1024")]
fn every_file_comes_back(#[case] options: &str) {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), ALL);
    let disk = make(&workshop, options);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let [volume] = disk.volumes.as_slice() else { panic!("{disk:?}") };
    assert_eq!((volume.content, volume.label.as_deref()), (Content::Files(FileSystem::Xfs), Some("name")));
    assert!(volume.usage.unwrap().free_bytes > 64 << 20);
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), ALL);
}
