//! Logs that are still to be applied: what qemu makes of them, we make of them; and logs that lie.

use std::fs;

use proptest::prelude::*;
use rstest::rstest;

use super::{MIB, TABLE_AT, check, image, open_bytes, put, sample, sign, with_header_field};
use crate::oracle::Oracle;
use crate::sample::assert_same;
use crate::{ExtentKind, InputFormat, Limits, Reason, open};

const GUID: [u8; 16] = [5; 16];
const LOG_AT: usize = 1 << 20;
const LOG_BYTES: usize = 1 << 20;
const TABLE: u64 = 3 * MIB;

/// One change in an entry.
#[derive(Clone)]
enum Change {
    Sector(u64, Vec<u8>),
    Zeros(u64, u64),
}

/// An entry of the log, with the file's sizes as they are.
fn entry(sequence: u64, tail: usize, changes: &[Change]) -> Vec<u8> {
    let data_at = (64 + changes.len() * 32).next_multiple_of(4096);
    let mut bytes = vec![0; data_at];
    put(&mut bytes, 0, b"loge");
    put(&mut bytes, 12, &u32::try_from(tail).unwrap().to_le_bytes());
    put(&mut bytes, 16, &sequence.to_le_bytes());
    put(&mut bytes, 24, &u32::try_from(changes.len()).unwrap().to_le_bytes());
    put(&mut bytes, 32, &GUID);
    put(&mut bytes, 48, &(8 * MIB).to_le_bytes());
    put(&mut bytes, 56, &(8 * MIB).to_le_bytes());
    for (index, change) in changes.iter().enumerate() {
        let at = 64 + index * 32;
        put(&mut bytes, at + 24, &sequence.to_le_bytes());
        match change {
            Change::Zeros(offset, length) => {
                put(&mut bytes, at, b"zero");
                put(&mut bytes, at + 8, &length.to_le_bytes());
                put(&mut bytes, at + 16, &offset.to_le_bytes());
            }
            Change::Sector(offset, content) => {
                put(&mut bytes, at, b"desc");
                put(&mut bytes, at + 4, &content[4092..]);
                put(&mut bytes, at + 8, &content[..8]);
                put(&mut bytes, at + 16, &offset.to_le_bytes());
                let mut sector = content.clone();
                put(&mut sector, 0, b"data");
                put(&mut sector, 4, &u32::try_from(sequence >> 32).unwrap().to_le_bytes());
                put(&mut sector, 4092, &u32::try_from(sequence & 0xFFFF_FFFF).unwrap().to_le_bytes());
                bytes.extend(sector);
            }
        }
    }
    let length = u32::try_from(bytes.len()).unwrap();
    put(&mut bytes, 8, &length.to_le_bytes());
    let whole = bytes.len();
    sign(&mut bytes, 0, whole);
    bytes
}

/// The image with these entries, each at its position of the log, still to be applied.
fn with_log(image: Vec<u8>, entries: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut image = with_header_field(image, 48, &GUID);
    for (position, bytes) in entries {
        for (index, byte) in bytes.iter().enumerate() {
            image[LOG_AT + (position + index) % LOG_BYTES] = *byte;
        }
    }
    image
}

/// The first sector of the block table, with the first block's entry gone.
fn table_without_block_0() -> Vec<u8> {
    let mut sector = image()[TABLE_AT..TABLE_AT + 4096].to_vec();
    sector[..8].fill(0);
    sector
}

/// Compares our reading with that of `qemu-img`, which mends its own copy first.
fn check_as_qemu(image: Vec<u8>) {
    let oracle = Oracle::new();
    fs::write(oracle.path("pending.vhdx"), &image).unwrap();
    oracle.run(&["check", "-r", "all", "-f", "vhdx", "pending.vhdx"]);
    oracle.run(&["convert", "-f", "vhdx", "-O", "raw", "pending.vhdx", "mended.raw"]);
    let wanted = oracle.open(InputFormat::Raw, "mended.raw").unwrap();
    let found = open_bytes(image).unwrap();
    assert_eq!(found.warnings.len(), 1, "that it was not closed is said");
    assert_same(found.blocks.as_ref(), wanted.blocks.as_ref());
    let mut first = [1; 16];
    found.blocks.read_at(0, &mut first).unwrap();
    assert_eq!(first, [0; 16], "the log took the first block away");
}

#[test]
fn a_pending_entry_is_applied() {
    let change = [Change::Sector(TABLE, table_without_block_0())];
    check_as_qemu(with_log(image(), &[(0, entry(7, 0, &change))]));
}

#[test]
fn an_entry_that_qemu_logged_is_applied() {
    let oracle = Oracle::new();
    oracle.create_and_scribble("vhdx", "block_size=1M", "scribbled.vhdx");
    // As if the machine had stopped before the table was written: the log is all there is.
    let written = fs::read(oracle.path("scribbled.vhdx")).unwrap();
    assert!(written[LOG_AT..].starts_with(b"loge"));
    let mut image = with_header_field(written.clone(), 48, &written[LOG_AT + 32..LOG_AT + 48]);
    // The header of the newest entry is at the log's start, its descriptor says which sector it changes.
    let target = u64::from_le_bytes(image[LOG_AT + 80..LOG_AT + 88].try_into().unwrap());
    let target = usize::try_from(target).unwrap();
    image[target..target + 4096].fill(0);
    fs::write(oracle.path("pending.vhdx"), &image).unwrap();
    fs::write(oracle.path("mended.vhdx"), &image).unwrap();
    oracle.run(&["check", "-r", "all", "-f", "vhdx", "mended.vhdx"]);
    let mended = oracle.check_agreement("vhdx", InputFormat::Vhdx, "mended.vhdx");
    let pending = oracle.open(InputFormat::Vhdx, "pending.vhdx").unwrap();
    assert_same(pending.blocks.as_ref(), mended.blocks.as_ref());
    let extents = [0, 50 * MIB].map(|offset| pending.blocks.extent_at(offset).unwrap().kind);
    assert!(extents.contains(&ExtentKind::Data), "the log brought blocks back");
}

#[test]
fn a_pending_zero_entry_is_applied() {
    check_as_qemu(with_log(image(), &[(0, entry(7, 0, &[Change::Zeros(TABLE, 4096)]))]));
}

#[test]
fn entries_are_applied_in_order_around_the_end_of_the_log() {
    let image_table = image()[TABLE_AT..TABLE_AT + 4096].to_vec();
    let first = entry(7, LOG_BYTES - 4096, &[Change::Sector(TABLE, image_table)]);
    let second = entry(8, LOG_BYTES - 4096, &[Change::Sector(TABLE, table_without_block_0())]);
    check_as_qemu(with_log(image(), &[(LOG_BYTES - 4096, first), (4096, second)]));
}

#[test]
fn entries_before_the_tail_and_of_other_logs_are_left_alone() {
    let old = entry(6, 0, &[Change::Zeros(TABLE, MIB)]);
    let mut other = entry(99, 8192, &[Change::Zeros(TABLE, MIB)]);
    put(&mut other, 32, &[6; 16]);
    let length = other.len();
    sign(&mut other, 0, length);
    let new = entry(7, 4096, &[Change::Sector(TABLE, table_without_block_0())]);
    check_as_qemu(with_log(image(), &[(0, old), (4096, new), (16_384, other)]));
}

#[test]
fn the_source_reads_the_same_without_its_log() {
    assert_same(open_bytes(image()).unwrap().blocks.as_ref(), &sample());
}

fn check_entry(bytes: Vec<u8>, reason: Reason) {
    check(with_log(image(), &[(0, bytes)]), reason);
}

#[rstest]
#[case::zeroing_2_60(Change::Zeros(TABLE, 1 << 60))]
#[case::zeroing_at_2_60(Change::Zeros(1 << 60, 4096))]
#[case::zeroing_that_wraps(Change::Zeros(u64::MAX - 4095, 8192))]
#[case::writing_at_2_60(Change::Sector(1 << 60, vec![0; 4096]))]
#[case::writing_past_the_end(Change::Sector(8 * MIB, vec![0; 4096]))]
#[case::writing_the_file_identifier(Change::Sector(0, vec![0; 4096]))]
#[case::writing_a_header(Change::Sector(128 << 10, vec![0; 4096]))]
#[case::writing_the_log(Change::Sector(MIB + 4096, vec![0; 4096]))]
#[case::zeroing_over_the_log(Change::Zeros(MIB, 4 * MIB))]
#[case::unaligned(Change::Sector(TABLE + 512, vec![0; 4096]))]
#[case::unaligned_length(Change::Zeros(TABLE, 512))]
fn a_change_outside_is_refused(#[case] change: Change) {
    check_entry(entry(7, 0, &[change]), Reason::ImageCorrupt);
}

/// The entry with `value` at `at` and its checksum right again.
fn with_entry_field(at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = entry(7, 0, &[Change::Sector(TABLE, table_without_block_0())]);
    put(&mut bytes, at, value);
    let length = bytes.len();
    sign(&mut bytes, 0, length);
    bytes
}

#[rstest]
#[case::length_zero(8, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::length_unaligned(8, &100_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::length_over_the_log(8, &u32::MAX.to_le_bytes(), Reason::ImageCorrupt)]
#[case::tail_elsewhere(12, &4096_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::tail_outside(12, &u32::MAX.to_le_bytes(), Reason::ImageCorrupt)]
#[case::sequence_zero(16, &0_u64.to_le_bytes(), Reason::ImageCorrupt)]
#[case::sequence_of_others(16, &8_u64.to_le_bytes(), Reason::ImageCorrupt)]
#[case::descriptors_uncounted(24, &u32::MAX.to_le_bytes(), Reason::ImageCorrupt)]
#[case::descriptors_too_many(24, &2_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::descriptors_over_the_data(24, &127_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::flushed_more_than_there_is(48, &(9 * MIB).to_le_bytes(), Reason::ImageTruncated)]
#[case::growing_to_2_60(56, &(1_u64 << 60).to_le_bytes(), Reason::ImageCorrupt)]
#[case::unknown_descriptor(64, b"what", Reason::ImageCorrupt)]
#[case::data_of_others(4096 + 4, &1_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::data_without_mark(4096, b"atad", Reason::ImageCorrupt)]
fn a_lying_entry_is_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check_entry(with_entry_field(at, value), reason);
}

#[test]
fn a_damaged_entry_is_refused() {
    let mut bytes = entry(7, 0, &[Change::Zeros(TABLE, 4096)]);
    bytes[70] ^= 1;
    check_entry(bytes, Reason::ImageCorrupt);
}

#[test]
fn a_log_of_garbage_is_refused() {
    check_entry(vec![0xA5; LOG_BYTES], Reason::ImageCorrupt);
    check(with_header_field(image(), 48, &GUID), Reason::ImageCorrupt);
}

#[test]
fn a_sequence_with_a_gap_is_refused() {
    let first = entry(7, 0, &[Change::Zeros(TABLE, 4096)]);
    let second = entry(9, 0, &[Change::Zeros(TABLE, 4096)]);
    check(with_log(image(), &[(0, first), (4096, second)]), Reason::ImageCorrupt);
}

#[test]
fn a_log_of_entries_within_entries_is_refused_early() {
    let mut log = vec![0; LOG_BYTES];
    let length = u32::try_from(LOG_BYTES).unwrap().to_le_bytes();
    for position in (0..LOG_BYTES).step_by(4096) {
        put(&mut log, position, &entry(7, 0, &[]));
        put(&mut log, position + 8, &length);
    }
    check_entry(log, Reason::ImageCorrupt);
}

#[test]
fn more_changes_than_we_hold_are_refused() {
    let changes = vec![Change::Zeros(TABLE, 4096); 20_000];
    check_entry(entry(7, 0, &changes), Reason::ImageLimitExceeded);
}

#[test]
fn a_log_over_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { table_bytes: MIB - 1, ..Limits::default() };
    let image = with_log(image(), &[(0, entry(7, 0, &[]))]);
    let error = open(InputFormat::Vhdx, Box::new(image), &limits).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_mutated_log_never_panics(edits in prop::collection::vec((0_usize..160, any::<u8>()), 1..5)) {
        let changes = [Change::Zeros(TABLE, 4096), Change::Sector(TABLE, table_without_block_0())];
        let mut bytes = entry(7, 0, &changes);
        for (at, value) in edits {
            bytes[at] = value;
        }
        let length = bytes.len();
        sign(&mut bytes, 0, length);
        if let Ok(disk) = open_bytes(with_log(image(), &[(0, bytes)])) {
            let mut all = vec![0; usize::try_from(disk.blocks.size_bytes()).unwrap()];
            disk.blocks.read_at(0, &mut all).unwrap();
        }
    }
}
