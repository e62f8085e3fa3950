//! NTFS, made by `mkntfs` and filled by `wimapply`, which needs no mount.

use inspect::{Budget, Content, Disk, FileSystem, ObservationKind, System, walk};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, Keeps};
use crate::tools::Workshop;

const KEEPS: Keeps = Keeps { modes: false, links: true, many: 1500, big: 3_000_001 };

/// A file system with the sample in it.
fn make(workshop: &Workshop, options: &str) -> Memory {
    sample::make(&workshop.path("files"), KEEPS);
    fill(workshop, options)
}

/// A file system with the files of the workshop in it.
pub(crate) fn fill(workshop: &Workshop, options: &str) -> Memory {
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

#[test]
fn what_windows_should_check_is_told() {
    let workshop = Workshop::new();
    make(&workshop, "-c 4096");
    // It marks the volume for a check at the next start.
    workshop.run("ntfsfix image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.volumes[0].clean, Some(false));
    assert_eq!(disk.observations[0].kind, ObservationKind::NotClean);
}

#[test]
fn a_root_of_windows_is_found() {
    let workshop = Workshop::new();
    std::fs::create_dir_all(workshop.path("files/Windows/System32/config")).unwrap();
    std::fs::write(workshop.path("files/Windows/System32/config/SYSTEM"), "regf").unwrap();
    std::fs::create_dir(workshop.path("files/Users")).unwrap();
    std::fs::write(workshop.path("files/Users/file"), "x").unwrap();
    std::os::unix::fs::symlink("Users", workshop.path("files/Documents and Settings")).unwrap();
    workshop.image("image", 16);
    workshop.run("mkntfs -F -q -f image");
    workshop.run("wimcapture files files.wim --compress=none");
    workshop.run("wimapply files.wim image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    let [root] = disk.roots.as_slice() else { panic!("{disk:?}") };
    assert_eq!((root.system, root.volume), (System::Windows, 0));
    let read = |path: &[u8]| walk::read_file(&root.tree, path, 100).unwrap();
    assert_eq!(read(b"/WINDOWS/system32/CONFIG/system").unwrap(), b"regf");
    assert_eq!(read(b"/documents and settings/FILE").unwrap(), b"x");
}
