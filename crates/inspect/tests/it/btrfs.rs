//! Btrfs, made by `mkfs.btrfs --rootdir`.

use inspect::{Budget, Content, Disk, FileSystem};
use rstest::rstest;

use crate::sample::{self, ALL};
use crate::tools::Workshop;

#[rstest]
#[case::usual("")]
#[case::small_nodes("-n 4096")]
#[case::mixed("--mixed")]
fn every_file_comes_back(#[case] options: &str) {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), ALL);
    workshop.image("image", 192);
    workshop.run(&format!("mkfs.btrfs -q -L name {options} --rootdir files image"));
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let [volume] = disk.volumes.as_slice() else { panic!("{disk:?}") };
    assert_eq!((volume.content, volume.label.as_deref()), (Content::Files(FileSystem::Btrfs), Some("name")));
    assert!(volume.usage.unwrap().free_bytes > 64 << 20);
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), ALL);
}
