//! ext2, ext3 and ext4, made by `mkfs.ext4 -d`.

use inspect::tree::Error;
use inspect::walk::{self, Limits, Next};
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
#[case::ext4("-t ext4 -b 4096")]
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
    let missed = walk::visit(disk.volumes[0].tree().unwrap(), b"/", Limits::default(), &mut |_, _| {
        told += 1;
        Next::On
    });
    assert_eq!((told, missed.len()), (4, 1), "{missed:?}");
    assert_eq!(missed[0].path, b"/a/b/again");
}

/// The names of all files, and how many places could not be looked at.
fn count(disk: &Disk<'_>) -> (usize, usize) {
    let mut told = 0;
    let missed = walk::visit(disk.volumes[0].tree().unwrap(), b"/", Limits::default(), &mut |_, _| {
        told += 1;
        Next::On
    });
    (told, missed.len())
}

/// Blocks of a folder with this many names, all of the same file.
fn folder_of(names: u32, inode: u32) -> Vec<u8> {
    let mut blocks: Vec<u8> = Vec::new();
    for index in 0..names {
        let name = format!("{index:08}");
        let is_last = index % 256 == 255 || index == names - 1;
        let rest = 4096 - blocks.len() % 4096;
        let length = if is_last { rest } else { 16 };
        blocks.extend(inode.to_le_bytes());
        blocks.extend(u16::try_from(length).unwrap().to_le_bytes());
        blocks.extend([8, 1]);
        blocks.extend(name.as_bytes());
        blocks.resize(blocks.len() + length - 16, 0);
    }
    blocks
}

#[test]
fn a_hundred_thousand_names_and_a_very_deep_folder_are_told() {
    let workshop = Workshop::new();
    std::fs::create_dir(workshop.path("files")).unwrap();
    // The file of all these names is the journal, whose inode is known.
    std::fs::write(workshop.path("files/wide"), folder_of(100_000, 8)).unwrap();
    workshop.image("image", 64);
    workshop.run("mkfs.ext4 -q -F -b 4096 -O ^metadata_csum -N 4096 -d files image");
    let deep = "mkdir d\ncd d\n".repeat(1500);
    let disk = change(&workshop, &format!("set_inode_field /wide mode 040755\n{deep}"));
    let disk = Disk::open(&disk, Budget::default());
    // Besides what is in them: the folder with the names, and lost+found.
    let (told, missed) = count(&disk);
    assert_eq!((told, missed), (100_000 + 1500 + 2, 0));
}

#[rstest]
#[case::block_size(24, &u32::MAX.to_le_bytes())]
#[case::no_blocks_in_a_group(32, &[0; 4])]
#[case::no_inodes_in_a_group(40, &[0; 4])]
#[case::no_inode_size(88, &[0, 0])]
#[case::large_inode_size(88, &[0xFF, 0xFF])]
#[case::odd_descriptor_size(254, &[7, 0])]
#[case::more_blocks_than_the_volume(4, &u32::MAX.to_le_bytes())]
#[case::every_feature(96, &u32::MAX.to_le_bytes())]
fn a_hostile_superblock_is_told_as_unreadable(#[case] at: u64, #[case] bytes: &[u8]) {
    let workshop = Workshop::new();
    workshop.image("image", 8);
    workshop.run("mkfs.ext4 -q -F -O 64bit image");
    let mut disk = workshop.load("image");
    disk.put(1024 + at, bytes);
    let disk = Disk::open(&disk, Budget::default());
    assert!(disk.volumes[0].tree().is_err());
    let seen: Vec<_> = disk.observations.iter().map(|seen| seen.kind).collect();
    let expected = if at == 96 { ObservationKind::NotRead } else { ObservationKind::FileSystemUnreadable };
    assert_eq!(seen, [expected]);
}

/// Has `debugfs` change fields of an inode.
fn change(workshop: &Workshop, commands: &str) -> Memory {
    std::fs::write(workshop.path("commands"), commands).unwrap();
    workshop.run("debugfs -w -f commands image");
    workshop.load("image")
}

#[rstest]
#[case::magic("block[0] 0", "/big")]
#[case::depth("block[1] 0xFFFF0004", "/big")]
#[case::endless("block[0] 0xF30A0005", "/big")]
#[case::length_of_terabytes("size 0x40000000000", "/etc")]
fn a_hostile_inode_is_an_error_and_no_more(#[case] field: &str, #[case] path: &str) {
    let workshop = Workshop::new();
    make(&workshop, "-t ext4 -O ^metadata_csum");
    let disk = change(&workshop, &format!("set_inode_field {path} {field}\n"));
    let disk = Disk::open(&disk, Budget::default());
    let tree = disk.volumes[0].tree().unwrap();
    let told = if path == "/etc" { tree.names(b"/etc", 10).err() } else { tree.read(b"/big", 0, 10).err() };
    assert!(matches!(told, Some(Error::Damaged(_) | Error::Budget(_))), "{told:?}");
    assert_eq!(tree.read(b"/many/file-with-some-name-0007", 0, 10).unwrap(), b"7");
}

#[test]
fn a_name_that_would_lead_elsewhere_is_damage() {
    let workshop = Workshop::new();
    let mut disk = make(&workshop, "-t ext2 -O ^metadata_csum");
    // The name stands in the block of its folder, and in the file it came from nowhere.
    let name = b"exactly4096";
    let at = (0..disks::Blocks::size_bytes(&disk) / 4096)
        .map(|block| (block * 4096, disk.get(block * 4096, 4096)))
        .find_map(|(start, block)| {
            block.windows(name.len()).position(|it| it == name).map(|place| start + place as u64)
        })
        .unwrap();
    disk.put(at, b"../../../et");
    let disk = Disk::open(&disk, Budget::default());
    let tree = disk.volumes[0].tree().unwrap();
    assert!(matches!(tree.names(b"/etc", 100), Err(Error::Damaged(_))));
}

#[test]
fn a_budget_that_is_used_up_is_told() {
    let workshop = Workshop::new();
    let disk = make(&workshop, "-t ext4");
    let opened = Disk::open(&disk, Budget { work: 40, ..Budget::default() });
    let tree = opened.volumes[0].tree().unwrap();
    let mut missed = Vec::new();
    for _ in 0..2 {
        missed = walk::visit(tree, b"/", Limits::default(), &mut |_, _| Next::On);
    }
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].error, Error::Budget("steps"));
    let opened = Disk::open(&disk, Budget { work: 2, ..Budget::default() });
    assert!(opened.observations.iter().any(|seen| seen.kind == ObservationKind::BudgetUsedUp), "{opened:?}");
}

/// Files whose first blocks are changed in the journal.
const NEWER: [&str; 3] = ["/etc/small", "/etc/exactly4096", "/many/file-with-some-name-0002"];

/// A file system that was cut off, with newer blocks in its journal; and the block it wrote to the second file.
pub(crate) fn cut_off(workshop: &Workshop, options: &str) -> (Memory, Vec<u8>) {
    make(workshop, options);
    let size = if options.contains("1024") { 1024 } else { 4096 };
    let [first, second, third] = NEWER.map(|path| {
        let blocks = workshop.run_words(&["debugfs", "-R", &format!("blocks {path}"), "image"]);
        blocks.split_whitespace().next().unwrap().to_owned()
    });
    // The newer copy counts; what looks like the journal's own is escaped; what is revoked later stays as it was.
    let text = |word: &str| word.repeat(size).into_bytes()[..size].to_vec();
    let escaped = [&[0xC0, 0x3B, 0x39, 0x98], &text("esc ")[4..]].concat();
    for (name, bytes) in [("old", text("old ")), ("new", text("new ")), ("escaped", escaped.clone())] {
        std::fs::write(workshop.path(name), bytes).unwrap();
    }
    let disk = change(
        workshop,
        &format!(
            "journal_open\njournal_write -b {first} old\njournal_write -b {second} escaped\n\
             journal_write -b {third} old\njournal_write -b {first} new\njournal_write -r {third}\njournal_close\n"
        ),
    );
    (disk, escaped)
}

#[rstest]
#[case::usual("-t ext4 -b 4096")]
#[case::small_blocks("-t ext3 -b 1024")]
#[case::without_checksums("-t ext4 -b 4096 -O ^metadata_csum,^64bit")]
fn a_journal_is_replayed_as_the_guest_would(#[case] options: &str) {
    let workshop = Workshop::new();
    let (disk, escaped) = cut_off(&workshop, options);
    let opened = Disk::open(&disk, Budget::default());
    let seen: Vec<_> = opened.observations.iter().map(|seen| (seen.kind, seen.text.as_str())).collect();
    let text = "its file system was not unmounted cleanly; its journal is replayed in memory";
    assert_eq!(seen, [(ObservationKind::NotClean, text)]);
    let tree = opened.volumes[0].tree().unwrap();
    let read = |path: &str| tree.read(path.as_bytes(), 0, 1024).unwrap();
    assert_eq!(&read("/etc/small")[..4], b"new ");
    assert!(read("/etc/exactly4096") == escaped[..1024]);
    assert_eq!(read("/many/file-with-some-name-0002"), b"2");
    // And so does the program that every guest starts with.
    workshop.run_words(&["sh", "-c", "e2fsck -fy image; test $? -lt 4"]);
    let repaired = workshop.load("image");
    let repaired = Disk::open(&repaired, Budget::default());
    let other = repaired.volumes[0].tree().unwrap();
    for path in NEWER.into_iter().chain(["/big"]) {
        assert!(tree.read(path.as_bytes(), 0, 5000) == other.read(path.as_bytes(), 0, 5000), "{path}");
    }
}

#[rstest]
#[case::the_head(0)]
#[case::the_first_descriptor(1)]
fn a_damaged_journal_is_told_and_passed_over(#[case] block: u64) {
    let workshop = Workshop::new();
    let (mut disk, _) = cut_off(&workshop, "-t ext4 -b 4096");
    let blocks = workshop.run_words(&["debugfs", "-R", "blocks <8>", "image"]);
    let first: u64 = blocks.split_whitespace().next().unwrap().parse().unwrap();
    disk.put((first + block) * 4096, &[0; 64]);
    let disk = Disk::open(&disk, Budget::default());
    let [seen] = disk.observations.as_slice() else { panic!("{disk:?}") };
    assert_eq!((seen.kind, disk.volumes[0].clean), (ObservationKind::NotClean, Some(false)));
    assert_eq!(seen.text.contains("is not replayed"), block == 0, "{seen:?}");
    assert_eq!(disk.volumes[0].tree().unwrap().read(b"/etc/small", 0, 100).unwrap(), b"a few bytes\n");
}

#[rstest]
#[case::usual("-t ext4 -b 4096")]
#[case::small_blocks("-t ext4 -b 1024")]
#[case::narrow("-t ext2")]
fn a_deleted_file_still_stands_in_free_blocks(#[case] options: &str) {
    let workshop = Workshop::new();
    let disk = make(&workshop, options);
    let secret = sample::noise(2, 4097)[..1024].to_vec();
    let holds_secret = |disk: &Disk<'_>| {
        let volume = &disk.volumes[0];
        let runs = volume.free_runs().unwrap();
        let free: u64 = runs.iter().map(|run| run.end - run.start).sum();
        assert!(free <= volume.usage.unwrap().free_bytes, "{free}");
        assert!(free > 4 << 20, "{free}");
        runs.iter().any(|run| {
            let bytes = volume.window().bytes(run.start, run.end - run.start).unwrap();
            bytes.chunks(1024).any(|chunk| chunk == secret)
        })
    };
    assert!(!holds_secret(&Disk::open(&disk, Budget::default())));
    let disk = change(&workshop, "rm /etc/one-more\n");
    assert!(holds_secret(&Disk::open(&disk, Budget::default())));
}
