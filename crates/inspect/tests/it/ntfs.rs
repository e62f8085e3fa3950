//! NTFS, made by `mkntfs` and filled by `wimapply`, which needs no mount.

use inspect::{Budget, Content, Disk, FileSystem};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, Keeps};
use crate::tools::Workshop;

const KEEPS: Keeps = Keeps { modes: false, links: true, many: 1500 };

/// A file system with the sample in it.
pub(crate) fn make(workshop: &Workshop, options: &str) -> Memory {
    sample::make(&workshop.path("files"), KEEPS);
    workshop.image("image", 64);
    workshop.run(&format!("mkntfs -F -q -f {options} -L name image"));
    workshop.run("wimcapture files files.wim --compress=none");
    workshop.run("wimapply files.wim image");
    workshop.load("image")
}

#[rstest]
#[case::usual("-c 4096")]
#[case::small_clusters("-c 512")]
#[case::large_clusters("-c 65536")]
fn every_file_comes_back(#[case] options: &str) {
    let workshop = Workshop::new();
    let disk = make(&workshop, options);
    let disk = Disk::open(&disk, Budget::default());
    let [volume] = disk.volumes.as_slice() else { panic!("{disk:?}") };
    assert_eq!(disk.observations, []);
    assert_eq!((volume.content, volume.label.as_deref()), (Content::Files(FileSystem::Ntfs), Some("name")));
    assert_eq!(volume.clean, Some(true));
    assert!(volume.usage.unwrap().free_bytes > 16 << 20);
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), KEEPS);
}
