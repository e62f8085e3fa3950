//! ext2, ext3 and ext4, made by `mkfs.ext4 -d`.

use inspect::{Budget, Content, Disk, FileSystem, ObservationKind, Place};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, ALL};
use crate::tools::Workshop;

/// A file system of 48 MiB with the sample in it.
fn make(workshop: &Workshop, options: &str) -> Memory {
    sample::make(&workshop.path("files"), ALL);
    workshop.image("image", 48);
    workshop.run(&format!("mkfs.ext4 -q -F {options} -L name -d files image"));
    workshop.load("image")
}

#[rstest]
#[case::ext4("-t ext4")]
#[case::small_blocks("-t ext4 -b 1024")]
#[case::ext3("-t ext3 -b 4096")]
#[case::indirect_blocks("-t ext2 -b 1024")]
#[case::without_kinds_in_folders("-t ext2 -O ^filetype")]
#[case::inline_data("-t ext4 -I 512 -O inline_data")]
#[case::meta_groups("-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode,^flex_bg")]
#[case::clusters("-t ext4 -O bigalloc -C 16384")]
#[case::narrow("-t ext4 -O ^64bit,^metadata_csum")]
#[case::old_inodes("-t ext2 -I 128")]
fn every_file_comes_back(#[case] options: &str) {
    let workshop = Workshop::new();
    let disk = make(&workshop, options);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let [volume] = disk.volumes.as_slice() else { panic!("{disk:?}") };
    assert_eq!((volume.place.clone(), volume.content), (Place::Disk, Content::Files(FileSystem::Ext)));
    assert_eq!((volume.label.as_deref(), volume.clean), (Some("name"), Some(true)));
    let usage = volume.usage.unwrap();
    assert!(usage.free_bytes > 8 << 20 && usage.free_bytes < 44 << 20, "{usage:?}");
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), ALL);
}

#[test]
fn hard_links_share_a_number() {
    let workshop = Workshop::new();
    std::fs::create_dir(workshop.path("files")).unwrap();
    std::fs::write(workshop.path("files/one"), "x").unwrap();
    std::fs::hard_link(workshop.path("files/one"), workshop.path("files/two")).unwrap();
    workshop.image("image", 8);
    workshop.run("mkfs.ext4 -q -F -d files image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    let tree = disk.volumes[0].tree().unwrap();
    let number = |path: &[u8]| tree.node(path).unwrap().unwrap().number.unwrap();
    assert_eq!(number(b"/one"), number(b"/two"));
}

#[test]
fn what_needs_recovery_is_told() {
    let workshop = Workshop::new();
    make(&workshop, "-t ext4");
    std::fs::write(workshop.path("commands"), "feature needs_recovery\n").unwrap();
    workshop.run("debugfs -w -f commands image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.volumes[0].clean, Some(false));
    assert!(disk.observations.iter().any(|seen| seen.kind == ObservationKind::NotClean));
}

#[test]
fn a_folder_linked_into_itself_is_visited_once() {
    let workshop = Workshop::new();
    std::fs::create_dir_all(workshop.path("files/a/b")).unwrap();
    workshop.image("image", 8);
    workshop.run("mkfs.ext4 -q -F -d files image");
    std::fs::write(workshop.path("commands"), "link a a/b/again\n").unwrap();
    workshop.run("debugfs -w -f commands image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    let mut told = 0;
    let missed = inspect::walk::visit(
        disk.volumes[0].tree().unwrap(),
        b"/",
        inspect::walk::Limits::default(),
        &mut |_, _| {
            told += 1;
            inspect::walk::Next::On
        },
    );
    assert_eq!((told, missed.len()), (4, 1), "{missed:?}");
    assert_eq!(missed[0].path, b"/a/b/again");
}
