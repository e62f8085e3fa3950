//! Partition tables made by `sgdisk` and `sfdisk`, and what hostile ones lead to.

use std::fs;

use inspect::{Budget, Content, Disk, FileSystem, ObservationKind, PartitionKind, Place, TableKind};
use rstest::rstest;

use crate::memory::Memory;
use crate::tools::Workshop;

const ROOT_GUID: &str = "11111111-2222-3333-4444-555555555555";

/// A disk of 64 MiB with an EFI system partition, a BIOS boot partition, and a root.
fn gpt(workshop: &Workshop) -> Memory {
    workshop.image("image", 64);
    workshop.run_words(&[
        "sgdisk",
        "-n",
        "1:2048:+16M",
        "-t",
        "1:ef00",
        "-c",
        "1:EFI System",
        "-n",
        "14:0:+1M",
        "-t",
        "14:ef02",
        "-A",
        "14:set:2",
        "-n",
        "2:0:0",
        "-u",
        &format!("2:{ROOT_GUID}"),
        "image",
    ]);
    workshop.load("image")
}

fn kinds(disk: &Disk<'_>) -> Vec<ObservationKind> {
    disk.observations.iter().map(|seen| seen.kind).collect()
}

#[test]
fn a_gpt_is_told_as_it_was_made() {
    let workshop = Workshop::new();
    let disk = gpt(&workshop);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, disk.sector_bytes), (TableKind::Gpt, 512));
    assert_eq!(disk.observations, []);
    let told: Vec<_> = disk.partitions.iter().map(|it| (it.number, it.first_byte >> 20, it.active)).collect();
    assert_eq!(told, [(1, 1, false), (2, 18, false), (14, 17, true)]);
    let [esp, root, bios] = disk.partitions.as_slice() else { panic!("{disk:?}") };
    assert!(esp.is_efi_system() && bios.is_bios_boot() && !root.is_efi_system());
    assert_eq!((esp.name.as_str(), esp.size_bytes), ("EFI System", 16 << 20));
    assert_eq!(root.id, ROOT_GUID);
    assert_eq!(root.kind, PartitionKind::Gpt("0fc63daf-8483-4772-8e79-3d69d8477de4".to_owned()));
    assert_eq!(disk.volumes[1].place, Place::Partition(2));
    assert_eq!(disk.volumes[1].content, Content::Empty);
}

#[rstest]
#[case::first_header(&[512 + 16], &[ObservationKind::GptPrimaryDamaged])]
#[case::first_list(&[1024 + 56], &[ObservationKind::GptPrimaryDamaged])]
#[case::last_header(&[(64 << 20) - 512 + 40], &[ObservationKind::GptBackupDamaged])]
#[case::both(&[520, (64 << 20) - 505], &[ObservationKind::TableUnreadable])]
fn a_damaged_copy_gives_way_to_the_other(#[case] at: &[u64], #[case] seen: &[ObservationKind]) {
    let workshop = Workshop::new();
    let mut disk = gpt(&workshop);
    for at in at {
        let byte = disk.get(*at, 1)[0];
        disk.put(*at, &[byte ^ 0x10]);
    }
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(kinds(&disk), seen);
    let is_told = !seen.contains(&ObservationKind::TableUnreadable);
    assert_eq!(disk.partitions.len(), if is_told { 3 } else { 0 });
}

#[test]
fn a_copy_that_was_not_moved_is_told() {
    let workshop = Workshop::new();
    let small = gpt(&workshop);
    let mut disk = Memory::empty(80 << 20);
    disk.put_disk(0, &small);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(kinds(&disk), [ObservationKind::GptBackupMisplaced]);
    assert_eq!(disk.partitions.len(), 3);
}

#[test]
fn a_cut_disk_tells_what_is_outside() {
    let workshop = Workshop::new();
    let mut disk = gpt(&workshop);
    disk.cut(32 << 20);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(kinds(&disk), [ObservationKind::GptBackupDamaged, ObservationKind::PartitionOutside]);
    assert_eq!(disk.volumes.len(), 2);
}

#[test]
fn a_gpt_that_no_mbr_announces_is_left_over() {
    let workshop = Workshop::new();
    let mut disk = gpt(&workshop);
    let other = workshop.image("other", 64);
    make_mbr(&workshop, "other", "label: dos\nlabel-id: 0xcafe0001\nstart=2048, type=83, bootable\n");
    disk.put(0, &Memory::load(&other).get(0, 512));
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, kinds(&disk)), (TableKind::Mbr, vec![ObservationKind::GptStale]));
    assert_eq!((disk.partitions[0].id.as_str(), disk.partitions[0].active), ("cafe0001-01", true));
}

#[test]
fn a_gpt_without_any_mbr_is_told() {
    let workshop = Workshop::new();
    let mut disk = gpt(&workshop);
    disk.put(0, &[0; 512]);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, kinds(&disk)), (TableKind::Gpt, vec![ObservationKind::GptUnprotected]));
}

#[test]
fn a_hybrid_mbr_is_told() {
    let workshop = Workshop::new();
    gpt(&workshop);
    workshop.run("sgdisk -h 2 image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, kinds(&disk)), (TableKind::Gpt, vec![ObservationKind::HybridMbr]));
    assert_eq!(disk.partitions.len(), 3);
}

/// Writes a table as `script` says it.
fn make_mbr(workshop: &Workshop, name: &str, script: &str) {
    let path = workshop.path("script.sfdisk");
    fs::write(&path, script).unwrap();
    workshop.run_words(&["sh", "-c", &format!("sfdisk -q {name} < script.sfdisk")]);
}

#[test]
fn logical_partitions_are_followed() {
    let workshop = Workshop::new();
    workshop.image("image", 64);
    make_mbr(
        &workshop,
        "image",
        "label: dos\nlabel-id: 0x12345678\nimage1 : size=8M, type=83\nimage2 : size=50M, type=f\n\
         image5 : size=10M, type=83\nimage6 : size=10M, type=82\n\
         image7 : size=10M, type=8e\n",
    );
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let told: Vec<_> =
        disk.partitions.iter().map(|it| (it.number, it.kind.clone(), it.size_bytes >> 20)).collect();
    let kind = PartitionKind::Mbr;
    assert_eq!(told, [(1, kind(0x83), 8), (5, kind(0x83), 10), (6, kind(0x82), 10), (7, kind(0x8E), 10)]);
    assert_eq!(disk.partitions[2].id, "12345678-06");
}

#[test]
fn a_chain_of_logical_partitions_that_turns_in_a_circle_ends() {
    let workshop = Workshop::new();
    workshop.image("image", 64);
    make_mbr(
        &workshop,
        "image",
        "label: dos\nimage1 : size=50M, type=f\nimage5 : size=10M, type=83\nimage6 : size=10M, type=83\n",
    );
    let mut disk = workshop.load("image");
    // The link in the second record (its first sector is told by the first one) leads back to the first.
    let base = u64::from(u32::from_le_bytes(disk.get(454, 4).try_into().unwrap())) * 512;
    let next = u64::from(u32::from_le_bytes(disk.get(base + 470, 4).try_into().unwrap())) * 512;
    disk.put(base + next + 462, &[0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(kinds(&disk), [ObservationKind::PartitionsTooMany]);
    assert_eq!(disk.partitions.len(), 2);
}

#[test]
fn partitions_that_share_bytes_are_told() {
    let mut disk = Memory::empty(64 << 20);
    let entry = |kind: u8, first: u32, sectors: u32| {
        let mut entry = vec![0, 0, 0, 0, kind, 0, 0, 0];
        entry.extend(first.to_le_bytes());
        entry.extend(sectors.to_le_bytes());
        entry
    };
    let table =
        [entry(0x83, 2048, 20000), entry(0x83, 10000, 20000), entry(0x83, u32::MAX, 5), entry(0, 0, 0)];
    disk.put(446, &table.concat());
    disk.put(510, &[0x55, 0xAA]);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(kinds(&disk), [ObservationKind::PartitionOutside, ObservationKind::PartitionsOverlap]);
    assert_eq!(disk.volumes.len(), 2);
}

#[test]
fn a_file_system_over_the_whole_disk_is_no_table() {
    let workshop = Workshop::new();
    workshop.image("image", 8);
    workshop.run("mkfs.vfat image");
    let disk = workshop.load("image");
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, disk.observations.len()), (TableKind::None, 0));
    assert_eq!(
        (disk.volumes[0].place.clone(), disk.volumes[0].content),
        (Place::Disk, Content::Files(FileSystem::Fat))
    );
}

#[rstest]
#[case::swap("mkswap -q -L name image", Content::Swap, Some("name"))]
#[case::squashfs(
    "mksquashfs files image -quiet -no-progress -noappend",
    Content::Files(FileSystem::SquashFs),
    None
)]
#[case::disc("xorrisofs -quiet -V NAME -o image files", Content::Files(FileSystem::Iso9660), Some("NAME"))]
fn what_is_not_read_is_recognised(
    #[case] command: &str,
    #[case] content: Content,
    #[case] label: Option<&str>,
) {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("files")).unwrap();
    workshop.image("image", 2);
    workshop.run(command);
    let mut disk = workshop.load("image");
    let whole = inspect_size(&disk);
    disk.cut(whole);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.volumes[0].content, disk.volumes[0].label.as_deref()), (content, label));
    assert!(disk.volumes[0].tree().is_err());
}

/// The size in whole sectors.
fn inspect_size(disk: &Memory) -> u64 {
    disks::Blocks::size_bytes(disk) / 512 * 512
}

#[rstest]
#[case::luks(&[(0, &b"LUKS\xBA\xBE\x00\x02"[..])], Content::Luks(2))]
#[case::bitlocker(&[(0, &b"\xEB\x58\x90-FVE-FS-"[..]), (510, &b"\x55\xAA"[..])], Content::BitLocker)]
#[case::raid(&[(4096, &b"\xFC\x4E\x2B\xA9"[..])], Content::RaidMember)]
#[case::raid_at_the_end(&[((4 << 20) - 8192, &b"\xFC\x4E\x2B\xA9"[..])], Content::RaidMember)]
#[case::refs(&[(0, &b"\0\0\0ReFS\0\0\0\0"[..])], Content::Files(FileSystem::ReFs))]
#[case::nothing(&[], Content::Empty)]
#[case::noise(&[(100, &b"noise"[..])], Content::Unknown)]
fn magic_numbers_are_recognised(#[case] bytes: &[(u64, &[u8])], #[case] content: Content) {
    let mut disk = Memory::empty(4 << 20);
    for (at, bytes) in bytes {
        disk.put(*at, bytes);
    }
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.volumes[0].content, content);
    assert_eq!(kinds(&disk).contains(&ObservationKind::Encrypted), content.is_encrypted());
}

#[rstest]
#[case(0)]
#[case(512)]
#[case(1024)]
#[case(64 << 10)]
fn a_tiny_disk_is_opened(#[case] size_bytes: u64) {
    let disk = Memory::empty(size_bytes);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, disk.partitions.len(), disk.roots.len()), (TableKind::None, 0, 0));
}
