//! Tables whose entries lead outside, to each other, or to the same place twice; refcounts and snapshots.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rstest::rstest;

use super::image::{
    CLUSTER, END, FIRST_DATA, Image, L1, L2, PACKED, REFCOUNT_BLOCK, REFCOUNT_TABLE, check, check_accepted,
    check_refused, content, deflate, packed_entry,
};
use crate::Reason::{ImageCorrupt, ImageExpansionLimitExceeded, ImageLimitExceeded, ImageTruncated};
use crate::{InputFormat, Limits, ReadAt, Reason, open};

#[rstest]
#[case::itself(L1 as u64, ImageCorrupt)]
#[case::refcount_table(REFCOUNT_TABLE as u64, ImageCorrupt)]
#[case::far_away(1 << 55, ImageTruncated)]
#[case::past_the_end(END as u64, ImageTruncated)]
#[case::unaligned(L2 as u64 + 512, ImageCorrupt)]
#[case::reserved_low_bit(L2 as u64 + 1, ImageCorrupt)]
#[case::reserved_high_bit(L2 as u64 | 1 << 56, ImageCorrupt)]
fn a_wrong_first_level_entry_is_refused(#[case] entry: u64, #[case] reason: Reason) {
    check(|image| image.put_u64(L1, entry), reason);
}

#[test]
fn an_offset_of_zero_is_a_hole_and_not_the_header() {
    let mut image = Image::new();
    image.put_l2(5, 1 << 63);
    assert_eq!(image.read().unwrap(), (content(), Vec::new()));
    image.put_u64(L1, 1 << 63);
    assert!(image.read().unwrap().0.iter().all(|byte| *byte == 0));
}

#[rstest]
#[case::own_table(L2 as u64, ImageCorrupt)]
#[case::first_table(L1 as u64, ImageCorrupt)]
#[case::refcounts(REFCOUNT_BLOCK as u64, ImageCorrupt)]
#[case::shared(FIRST_DATA as u64, ImageCorrupt)]
#[case::in_packed(PACKED as u64, ImageCorrupt)]
#[case::past_the_end(END as u64, ImageTruncated)]
#[case::far_away(1 << 55, ImageTruncated)]
#[case::unaligned(FIRST_DATA as u64 + 512, ImageCorrupt)]
#[case::reserved_low_bit(FIRST_DATA as u64 + 2, ImageCorrupt)]
#[case::reserved_high_bit(FIRST_DATA as u64 | 1 << 61, ImageCorrupt)]
#[case::packed_header(packed_entry(512, 0), ImageCorrupt)]
#[case::packed_in_data(packed_entry(FIRST_DATA as u64, 0), ImageCorrupt)]
#[case::packed_into_its_end(packed_entry(END as u64 - 100, 15), ImageTruncated)]
#[case::packed_past_the_end(packed_entry(1 << 50, 0), ImageTruncated)]
#[case::packed_without_refcount(packed_entry(PACKED as u64, 0), ImageCorrupt)]
fn a_wrong_second_level_entry_is_refused(#[case] entry: u64, #[case] reason: Reason) {
    check(|image| image.put_l2(5, entry), reason);
}

#[rstest]
#[case::table_at_itself(REFCOUNT_TABLE, REFCOUNT_TABLE as u64, ImageCorrupt)]
#[case::block_is_data(REFCOUNT_TABLE, FIRST_DATA as u64, ImageCorrupt)]
#[case::block_past_the_end(REFCOUNT_TABLE + 8, 1 << 40, ImageTruncated)]
#[case::block_twice(REFCOUNT_TABLE + 8, REFCOUNT_BLOCK as u64, ImageCorrupt)]
#[case::block_unaligned(REFCOUNT_TABLE, REFCOUNT_BLOCK as u64 + 8, ImageCorrupt)]
#[case::table_past_the_end(48, 1 << 40, ImageTruncated)]
#[case::table_overflows(48, u64::MAX - 4095, ImageTruncated)]
#[case::table_unaligned(48, 4097, ImageCorrupt)]
#[case::table_is_header(48, 0, ImageCorrupt)]
#[case::l1_is_header(40, 0, ImageCorrupt)]
#[case::l1_past_the_end(40, 1 << 62, ImageTruncated)]
#[case::l1_unaligned(40, L1 as u64 + 8, ImageCorrupt)]
fn wrong_places_of_tables_are_refused(#[case] at: usize, #[case] value: u64, #[case] reason: Reason) {
    check(|image| image.put_u64(at, value), reason);
}

#[test]
fn a_zero_flag_is_reserved_in_version_2() {
    let mut image = Image::version_2();
    image.put_l2(3, 1);
    check_refused(&image, ImageCorrupt);
}

#[test]
fn refcounts_of_zero_are_a_warning() {
    let warnings = check_accepted(|image| image.put(REFCOUNT_BLOCK, &[0; CLUSTER]));
    assert!(matches!(&warnings[..], [one] if one.contains("refcounts of 8 clusters")), "{warnings:?}");
}

#[test]
fn a_cluster_used_as_often_as_its_refcount_says_is_accepted() {
    let mut image = Image::new();
    image.put_l2(5, FIRST_DATA as u64);
    image.set_refcount(5, 2);
    let (bytes, warnings) = image.read().unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(bytes[..CLUSTER], bytes[5 * CLUSTER..6 * CLUSTER]);
}

#[test]
fn a_file_of_too_many_clusters_is_refused() {
    let image = Image::new();
    let limits = Limits { table_bytes: 15, ..Limits::default() };
    let error = open(InputFormat::Qcow2, Box::new(image.bytes), &limits).unwrap_err();
    assert_eq!(error.reason(), Some(ImageLimitExceeded), "{error}");
}

/// A file whose bytes behind `secret_from` are counted when they are read.
struct Watched {
    bytes: Vec<u8>,
    secret_from: u64,
    seen: Arc<AtomicU64>,
}

impl ReadAt for Watched {
    fn length(&self) -> io::Result<u64> {
        self.bytes.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset + buffer.len() as u64;
        // The last sector is looked at for the marks of other formats.
        if end > self.secret_from && offset + 512 < self.bytes.len() as u64 {
            self.seen.fetch_add(end - self.secret_from.max(offset), Ordering::Relaxed);
        }
        self.bytes.read_exact_at(buffer, offset)
    }
}

/// Clusters of 2 MiB: header, refcount table, refcount block, L1, one full L2, and one small compressed cluster.
fn bomb(l1_entries: u32) -> Vec<u8> {
    let cluster = 2 << 20;
    let mut image = Image { bytes: vec![0; 6 * cluster] };
    image.put(0, &Image::new().bytes[..104]);
    image.put_u32(20, 21);
    image.put_u64(24, u64::from(l1_entries) << 39);
    image.put_u32(36, l1_entries);
    image.put_u64(40, 3 << 21);
    image.put_u64(48, 1 << 21);
    image.put_u64(1 << 21, 2 << 21);
    image.put(2 << 21, &[0xFF; 64]);
    for index in 0..l1_entries as usize {
        image.put_u64((3 << 21) + index * 8, 4 << 21);
    }
    let stream = deflate(&vec![0xA5; cluster]);
    image.put(5 << 21, &stream);
    let entry = 1 << 62 | (stream.len() as u64 / 512) << 49 | 5 << 21;
    for index in 0..cluster / 8 {
        image.put_u64((4 << 21) + index * 8, entry);
    }
    image.bytes
}

#[rstest]
#[case::sixteen_tib(32)]
#[case::half_a_tib(1)]
fn a_bomb_is_refused_before_any_data_is_read(#[case] l1_entries: u32) {
    let seen = Arc::new(AtomicU64::new(0));
    let file = Watched { bytes: bomb(l1_entries), secret_from: 5 << 21, seen: Arc::clone(&seen) };
    let error = open(InputFormat::Qcow2, Box::new(file), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), Some(ImageExpansionLimitExceeded), "{error}");
    assert_eq!(seen.load(Ordering::Relaxed), 0, "bytes of data that were read");
}

/// An image with one snapshot whose table stands at `table` and says what `entry` says.
fn put_snapshot(image: &mut Image, table: u64, bend: impl Fn(&mut Image, usize)) {
    let l1 = END;
    image.put(l1, &[0; CLUSTER]);
    image.put_u64(l1, L2 as u64);
    image.put_u32(60, 1);
    image.put_u64(64, table);
    let at = END + CLUSTER;
    image.put(at, &[0; CLUSTER]);
    image.put_u64(at, l1 as u64);
    image.put_u32(at + 8, 1);
    image.put(at + 12, &[0, 1, 0, 4]);
    image.put_u32(at + 36, 16);
    image.put(at + 56, b"1snap");
    for cluster in [8, 9] {
        image.set_refcount(cluster, 1);
    }
    bend(image, at);
}

#[test]
fn a_snapshot_is_dropped_with_a_warning() {
    let warnings = check_accepted(|image| put_snapshot(image, (END + CLUSTER) as u64, |_, _| {}));
    assert!(matches!(&warnings[..], [one] if one.starts_with("InternalSnapshotsDropped")), "{warnings:?}");
}

#[rstest]
#[case::far_away(1 << 50)]
#[case::behind_the_end((END + 2 * CLUSTER) as u64)]
#[case::overflowing(u64::MAX - 4095)]
#[case::unaligned(END as u64 + 1)]
#[case::in_another_table(L1 as u64)]
fn a_snapshot_table_that_cannot_be_there_is_refused(#[case] table: u64) {
    check(|image| put_snapshot(image, table, |_, _| {}), ImageCorrupt);
}

#[test]
fn a_snapshot_table_that_was_cut_off_is_truncated() {
    check(
        |image| {
            put_snapshot(image, (END + CLUSTER) as u64, |_, _| {});
            image.bytes.truncate(END + CLUSTER);
        },
        ImageTruncated,
    );
}

#[rstest]
#[case::l1_length(8, &u32::MAX.to_be_bytes(), ImageCorrupt)]
#[case::extra_length(36, &u32::MAX.to_be_bytes(), ImageCorrupt)]
#[case::name_lengths(12, &[0xFF; 4], ImageCorrupt)]
#[case::l1_unaligned(0, &1_u64.to_be_bytes(), ImageCorrupt)]
#[case::l1_far_away(0, &(1_u64 << 50).to_be_bytes(), ImageTruncated)]
#[case::l1_is_header(0, &0_u64.to_be_bytes(), ImageCorrupt)]
fn a_snapshot_that_makes_no_sense_is_refused(
    #[case] field: usize,
    #[case] value: &[u8],
    #[case] reason: Reason,
) {
    check(
        |image| put_snapshot(image, (END + CLUSTER) as u64, |image, at| image.put(at + field, value)),
        reason,
    );
}
