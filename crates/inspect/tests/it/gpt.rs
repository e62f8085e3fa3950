//! Tables written by hand, each with right checksums: what no tool would write, and larger sectors.

use inspect::{Budget, Disk, ObservationKind, TableKind};
use rstest::rstest;

use crate::memory::Memory;

/// The disk that all of this stands on.
const DISK_BYTES: u64 = 16 << 20;

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

/// What a header says of its list.
#[derive(Clone, Copy)]
struct List {
    at: u64,
    count: u32,
    entry_bytes: u32,
}

/// An entry of 128 bytes.
fn entry(first: u64, last: u64, name: &str) -> Vec<u8> {
    let mut entry = vec![0x11; 16];
    entry.extend([0x22; 16]);
    entry.extend(first.to_le_bytes());
    entry.extend(last.to_le_bytes());
    entry.extend([0; 8]);
    entry.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
    entry.resize(128, 0);
    entry
}

/// A disk with both copies of a GPT, whose headers say `list` of the `entries`.
fn disk(sector: u64, entries: &[Vec<u8>], list: List) -> Memory {
    let mut disk = Memory::empty(DISK_BYTES);
    let last = DISK_BYTES / sector - 1;
    disk.put(446, &[0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    disk.put(510, &[0x55, 0xAA]);
    let mut bytes = entries.concat();
    disk.put(list.at.saturating_mul(sector).min(DISK_BYTES - (1 << 20)), &bytes);
    let told = u64::from(list.count) * u64::from(list.entry_bytes);
    bytes.resize(usize::try_from(told.min(1 << 20)).unwrap(), 0);
    for (own, other) in [(1, last), (last, 1)] {
        let mut header = b"EFI PART\0\0\x01\0".to_vec();
        header.extend(92_u32.to_le_bytes());
        header.extend([0; 8]);
        for number in [own, other, 34, last - 34] {
            header.extend(number.to_le_bytes());
        }
        header.extend([0x33; 16]);
        header.extend(list.at.to_le_bytes());
        for number in [list.count, list.entry_bytes, crc32(&bytes)] {
            header.extend(number.to_le_bytes());
        }
        let sum = crc32(&header);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        disk.put(own * sector, &header);
    }
    disk
}

const USUAL: List = List { at: 2, count: 128, entry_bytes: 128 };

#[rstest]
#[case(512)]
#[case(4096)]
fn sectors_of_both_sizes_are_read(#[case] sector: u64) {
    let disk = disk(sector, &[entry(256, 511, "one"), entry(512, 1023, "two")], USUAL);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!((disk.table, disk.sector_bytes, disk.observations.len()), (TableKind::Gpt, sector, 0));
    let told: Vec<_> = disk
        .partitions
        .iter()
        .map(|it| (it.name.as_str(), it.first_byte / sector, it.size_bytes / sector))
        .collect();
    assert_eq!(told, [("one", 256, 256), ("two", 512, 512)]);
}

#[rstest]
#[case::a_list_of_billions(List { count: u32::MAX, ..USUAL })]
#[case::entries_of_nothing(List { entry_bytes: 0, ..USUAL })]
#[case::entries_of_gigabytes(List { entry_bytes: 2 << 30, ..USUAL })]
#[case::entries_of_an_odd_size(List { entry_bytes: 129, ..USUAL })]
#[case::no_entries(List { count: 0, ..USUAL })]
#[case::a_list_beyond_the_disk(List { at: 1 << 40, ..USUAL })]
#[case::a_list_beyond_everything(List { at: 1 << 63, ..USUAL })]
fn a_header_that_says_what_cannot_be_is_no_table(#[case] list: List) {
    let disk = disk(512, &[entry(256, 511, "one")], list);
    let disk = Disk::open(&disk, Budget::default());
    let seen: Vec<_> = disk.observations.iter().map(|seen| seen.kind).collect();
    assert_eq!((disk.table, seen), (TableKind::None, vec![ObservationKind::TableUnreadable]));
}

#[rstest]
#[case::past_everything(1 << 63, u64::MAX)]
#[case::one_past_the_end(256, DISK_BYTES / 512)]
#[case::reversed(511, 256)]
#[case::all_of_the_numbers(0, u64::MAX)]
fn a_partition_that_cannot_be_is_told_and_not_opened(#[case] first: u64, #[case] last: u64) {
    let disk = disk(512, &[entry(first, last, "odd"), entry(1024, 2047, "good")], USUAL);
    let disk = Disk::open(&disk, Budget::default());
    let seen: Vec<_> = disk.observations.iter().map(|seen| (seen.kind, seen.place.as_str())).collect();
    assert_eq!(seen, [(ObservationKind::PartitionOutside, "partition 1")]);
    assert_eq!((disk.partitions.len(), disk.volumes.len()), (2, 1));
}

#[test]
fn names_are_fit_to_be_shown() {
    let disk =
        disk(512, &[entry(256, 511, "a\x1b[2J\r\n\u{202E}b"), entry(512, 600, &"x".repeat(36))], USUAL);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.partitions[0].name, "a\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{FFFD}b");
    assert_eq!(disk.partitions[1].name.len(), 36);
}

#[test]
fn no_more_than_128_partitions_are_told() {
    let entries: Vec<_> = (0..200).map(|index| entry(256 + index * 8, 263 + index * 8, "")).collect();
    let disk = disk(512, &entries, List { count: 200, ..USUAL });
    let disk = Disk::open(&disk, Budget::default());
    let seen: Vec<_> = disk.observations.iter().map(|seen| seen.kind).collect();
    assert_eq!((disk.partitions.len(), seen), (128, vec![ObservationKind::PartitionsTooMany]));
}

#[test]
fn many_partitions_over_one_place_cost_no_more_than_the_budget() {
    let entries: Vec<_> = (0..128).map(|_| entry(256, 4000, "")).collect();
    let disk = disk(512, &entries, USUAL);
    let disk = Disk::open(&disk, Budget { work: 100, ..Budget::default() });
    assert_eq!(disk.volumes.len(), 128);
    assert!(disk.observations.iter().any(|seen| seen.kind == ObservationKind::BudgetUsedUp));
}
