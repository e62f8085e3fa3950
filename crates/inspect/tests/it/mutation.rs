//! Damaged disks of every kind: nothing panics, nothing runs on without end, whatever is broken.

use disks::Blocks as _;
use inspect::tree::NodeKind;
use inspect::walk::{self, Limits, Next};
use inspect::{Budget, Disk};
use rstest::rstest;

use crate::memory::Memory;
use crate::sample::{self, Keeps};
use crate::tools::Workshop;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

/// A small budget, so that what would run without end is seen to end.
const BUDGET: Budget = Budget { read_bytes: 1 << 30, entries: 100_000, work: 2_000_000 };

/// Reads everything that is told of a disk; returns how many files that is.
fn look_at_all(disk: &Memory) -> u64 {
    let disk = Disk::open(disk, BUDGET);
    let mut told = 0;
    for volume in &disk.volumes {
        let Ok(tree) = volume.tree() else { continue };
        walk::visit(tree, b"/", Limits::default(), &mut |path, node| {
            told += 1;
            let read = match node.kind {
                NodeKind::File => tree.read(path, node.size_bytes / 2, 100_000).map(|bytes| bytes.len()),
                NodeKind::Link => tree.target(path).map(|target| target.len()),
                NodeKind::Folder | NodeKind::Other => Ok(0),
            };
            assert!(read.is_err() || read.is_ok_and(|length| length <= 100_000));
            Next::On
        });
    }
    let used = disk.used();
    // What is over the budget is refused at once, so it is never left far behind.
    assert!(used.work < BUDGET.work + 100_000, "{used:?}");
    told
}

/// Changes one thing in a page that holds something.
fn damage(disk: &mut Memory, used: &[u64], dice: &mut Dice) {
    let at = dice.pick(used) * (64 << 10) + dice.roll(64 << 10);
    if at + 512 > disk.size_bytes() {
        return;
    }
    match dice.roll(4) {
        0 => {
            let byte = disk.get(at, 1)[0];
            disk.put(at, &[byte ^ 1 << dice.roll(8)]);
        }
        1 => disk.put(at & !3, &[0xFF; 4]),
        2 => disk.put(at & !3, &[0; 4]),
        _ => {
            // Bytes of one place in another: a structure where none belongs.
            let from = (dice.pick(used) * (64 << 10)).min(disk.size_bytes() - 512);
            let bytes = disk.get(from, 512);
            disk.put(at & !511, &bytes);
        }
    }
}

/// Damages `disk` in `rounds` ways, each time anew, and looks at all of it.
fn survive(disk: &Memory, seed: u64, rounds: u32) {
    let whole = look_at_all(disk);
    assert!(whole > 10, "the undamaged disk is read: {whole}");
    let mut dice = Dice(seed);
    let used = disk.used();
    for _ in 0..rounds {
        let mut damaged = disk.clone();
        for _ in 0..=dice.roll(20) {
            damage(&mut damaged, &used, &mut dice);
        }
        look_at_all(&damaged);
    }
    // Cut anywhere, at whole sectors as a container has them.
    let size = disk.size_bytes();
    for part in 1..8 {
        let mut cut = disk.clone();
        cut.cut(size / 8 * part / 512 * 512);
        look_at_all(&cut);
    }
}

const FEW: Keeps = Keeps { modes: true, links: true, many: 60, big: 150_001 };

#[rstest]
#[case::extents("-t ext4 -b 1024", 1)]
#[case::maps("-t ext2 -b 1024", 2)]
#[case::inline("-t ext4 -O inline_data,^metadata_csum -I 256", 3)]
fn ext_survives(#[case] options: &str, #[case] seed: u64) {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), FEW);
    workshop.image("image", 12);
    workshop.run(&format!("mkfs.ext4 -q -F {options} -d files image"));
    survive(&workshop.load("image"), seed, 150);
}

#[test]
fn a_journal_survives() {
    let workshop = Workshop::new();
    let (disk, _) = crate::ext::cut_off(&workshop, "-t ext4 -b 1024 -O ^metadata_csum");
    let blocks = workshop.run_words(&["debugfs", "-R", "blocks <8>", "image"]);
    let first: u64 = blocks.split_whitespace().next().unwrap().parse().unwrap();
    let mut dice = Dice(11);
    for _ in 0..100 {
        let mut damaged = disk.clone();
        for _ in 0..3 {
            let at = first * 1024 + dice.roll(16 << 10);
            damaged.put(at, &dice.pick(&[[0xFF; 4], [0; 4], [0, 0, 0, 1]]));
        }
        look_at_all(&damaged);
    }
}

#[rstest]
#[case::without_checksums("-m crc=0", 4)]
#[case::with_checksums("-b size=1024", 5)]
fn xfs_survives(#[case] options: &str, #[case] seed: u64) {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), FEW);
    survive(&crate::xfs::make(&workshop, options), seed, 60);
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
        crc
    })
}

/// Makes the checksums of a Btrfs with nodes of 4 KiB right again, as one who means harm would.
pub(crate) fn sign(disk: &mut Memory) {
    let system = disk.get((64 << 10) + 32, 16);
    for page in disk.used() {
        for at in (page * (64 << 10)..(page + 1) * (64 << 10)).step_by(4096) {
            // Nodes and the superblock alike: first the sum, then the identifier of the file system.
            if at + 4096 <= disk.size_bytes() && disk.get(at + 32, 16) == system {
                let sum = crc32c(&disk.get(at + 32, 4096 - 32));
                disk.put(at, &sum.to_le_bytes());
            }
        }
    }
}

#[test]
fn btrfs_survives() {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), FEW);
    workshop.image("image", 120);
    workshop.run("mkfs.btrfs -q --mixed --rootdir files image");
    let disk = workshop.load("image");
    survive(&disk, 6, 40);
    let mut dice = Dice(12);
    let used = disk.used();
    for _ in 0..60 {
        let mut damaged = disk.clone();
        for _ in 0..=dice.roll(20) {
            damage(&mut damaged, &used, &mut dice);
        }
        sign(&mut damaged);
        look_at_all(&damaged);
    }
}

#[rstest]
#[case::bits12("-F 12 -s 8", 12, 7)]
#[case::bits32("-F 32", 40, 8)]
fn fat_survives(#[case] options: &str, #[case] mebibytes: u64, #[case] seed: u64) {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), Keeps { links: false, ..FEW });
    survive(&crate::fat::fill(&workshop, options, mebibytes), seed, 150);
}

#[test]
fn ntfs_survives() {
    let workshop = Workshop::new();
    sample::make(&workshop.path("files"), FEW);
    survive(&crate::ntfs::fill(&workshop, "-c 4096"), 9, 60);
}

#[test]
fn tables_and_logical_volumes_survive() {
    let workshop = Workshop::new();
    let disk = crate::roots::lvm_disk(&workshop, "striped", true);
    let mut dice = Dice(10);
    // The places that tables and metadata stand in, which damage elsewhere would seldom hit.
    let mib = 1 << 20;
    let places = [(0, 512), (512, 2048), (mib + 512, 512), (mib + 4096, 8192), (40 * mib - 512, 512)];
    for _ in 0..300 {
        let mut damaged = disk.clone();
        let (start, length) = dice.pick(&places);
        let at = start + dice.roll(length - 4);
        damaged.put(at, &dice.pick(&[[0xFF; 4], [0; 4], [0x7F, 0xFF, 0xFF, 0x80]]));
        look_at_all(&damaged);
    }
}
