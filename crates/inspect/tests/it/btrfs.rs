//! Btrfs, made by `mkfs.btrfs --rootdir`.

use inspect::{Budget, Content, Disk, FileSystem, ObservationKind, walk};
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
    assert_eq!(volume.clean, Some(true));
    assert!(volume.usage.unwrap().free_bytes > 64 << 20);
    sample::assert_same(volume.tree().unwrap(), &workshop.path("files"), ALL);
}

#[test]
fn subvolumes_are_mounted_as_fstab_says() {
    let workshop = Workshop::new();
    let files = workshop.path("files");
    for folder in ["etc", "top", "gone"] {
        std::fs::create_dir_all(files.join(folder)).unwrap();
    }
    std::fs::write(files.join("etc/os-release"), "ID=test\n").unwrap();
    let uuid = "bbbbbbbb-0000-4000-8000-000000000001";
    let fstab = format!(
        "UUID={uuid} / btrfs defaults 0 0\nUUID={uuid} /top btrfs ro,subvolid=5 0 0\n\
         UUID={uuid} /gone btrfs subvol=/etc 0 0\n"
    );
    std::fs::write(files.join("etc/fstab"), fstab).unwrap();
    workshop.image("image", 128);
    workshop.run(&format!("mkfs.btrfs -q -U {uuid} --rootdir files image"));
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    let [root] = disk.roots.as_slice() else { panic!("{disk:?}") };
    let read = |path: &[u8]| walk::read_file(&root.tree, path, 100).unwrap();
    assert_eq!(read(b"/top/etc/os-release").unwrap(), b"ID=test\n");
    // Each mount counts its own numbers: the same folder seen twice is two folders.
    let number = |path: &[u8]| walk::follow(&root.tree, path).unwrap().unwrap().node.number.unwrap();
    assert_ne!(number(b"/etc"), number(b"/top/etc"));
    let [seen] = disk.observations.as_slice() else { panic!("{disk:?}") };
    assert_eq!((seen.kind, seen.place.as_str()), (ObservationKind::MountUnresolved, "/gone"));
}

#[test]
fn what_has_a_log_is_told() {
    let workshop = Workshop::new();
    std::fs::create_dir(workshop.path("files")).unwrap();
    workshop.image("image", 128);
    workshop.run("mkfs.btrfs -q --mixed --rootdir files image");
    let mut disk = workshop.load("image");
    disk.put((64 << 10) + 96, &4096_u64.to_le_bytes());
    crate::mutation::sign(&mut disk);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.volumes[0].clean, Some(false));
    let seen: Vec<_> = disk.observations.iter().map(|seen| (seen.kind, seen.text.as_str())).collect();
    let text = "its file system was not unmounted cleanly; its log of files synced last is not replayed";
    assert_eq!(seen, [(ObservationKind::NotClean, text)]);
}
