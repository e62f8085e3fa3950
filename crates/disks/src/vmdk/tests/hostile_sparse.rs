//! Headers, directories and tables of plain sparse images that lie.

use rstest::rstest;

use super::image::{
    DIRECTORY, END, FIRST_GRAIN, GRAIN, Image, SECTOR, TABLE, check_refused, descriptor, sparse_content,
};
use crate::Reason;
use crate::Reason::{
    ImageCorrupt, ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageLimitExceeded, ImageTruncated,
};

fn check(bend: impl Fn(&mut Image), reason: Reason) {
    let mut image = Image::sparse();
    bend(&mut image);
    check_refused(&image, reason);
}

#[test]
fn a_good_image_is_read_without_a_word() {
    assert_eq!(Image::sparse().read().unwrap(), (sparse_content(), Vec::new()));
}

#[rstest]
#[case::capacity_0(12, 0, ImageEmpty)]
#[case::capacity_lie(12, 24 * 4096, ImageCorrupt)]
#[case::capacity_top_bit(12, 1 << 63, ImageLimitExceeded)]
#[case::capacity_over_limit(12, 1 << 40, ImageLimitExceeded)]
#[case::grain_0(20, 0, ImageCorrupt)]
#[case::grain_77(20, 77, ImageCorrupt)]
#[case::grain_huge(20, 1 << 31, ImageCorrupt)]
#[case::grain_top_bit(20, 1 << 63, ImageCorrupt)]
#[case::descriptor_none(28, 0, ImageFormatUnsupported)]
#[case::descriptor_far(28, 1 << 50, ImageTruncated)]
#[case::descriptor_overflows(28, u64::MAX, ImageLimitExceeded)]
#[case::descriptor_huge(36, 1 << 50, ImageLimitExceeded)]
#[case::descriptor_overflowing(36, u64::MAX, ImageLimitExceeded)]
#[case::descriptor_into_directory(36, 4, ImageCorrupt)]
#[case::directory_0(56, 0, ImageCorrupt)]
#[case::directory_is_descriptor(56, 2, ImageCorrupt)]
#[case::directory_is_grain(56, 9, ImageTruncated)]
#[case::directory_far(56, 1 << 40, ImageTruncated)]
#[case::directory_overflows(56, 1 << 63, ImageTruncated)]
#[case::directory_at_an_end_that_is_not_there(56, u64::MAX, ImageTruncated)]
fn wrong_places_and_sizes_are_refused(#[case] at: usize, #[case] value: u64, #[case] reason: Reason) {
    check(|image| image.put_u64(at, value), reason);
}

#[rstest]
#[case::version_0(4, 0, ImageFormatUnsupported)]
#[case::version_4(4, 4, ImageFormatUnsupported)]
#[case::unknown_flag(8, 1 << 3, ImageFormatUnsupported)]
#[case::unknown_high_flag(8, 1 << 31, ImageFormatUnsupported)]
#[case::compressed_without_algorithm(8, 1 << 16, ImageCorrupt)]
#[case::entries_0(44, 0, ImageCorrupt)]
#[case::entries_1024(44, 1024, ImageCorrupt)]
#[case::entries_max(44, u32::MAX, ImageCorrupt)]
#[case::redundant_directory_is_header(8, 2, ImageCorrupt)]
#[case::newlines(73, 0x0A0A_0A0A, ImageCorrupt)]
#[case::algorithm_without_flag(77, 1, ImageCorrupt)]
#[case::algorithm_unknown(77, 2, ImageFormatUnsupported)]
fn wrong_variants_are_refused(#[case] at: usize, #[case] value: u32, #[case] reason: Reason) {
    check(|image| image.put_u32(at, value), reason);
}

#[rstest]
#[case::table_is_header(DIRECTORY, 1, ImageCorrupt)]
#[case::table_is_directory(DIRECTORY, 4, ImageCorrupt)]
#[case::table_far(DIRECTORY, u32::MAX, ImageTruncated)]
#[case::table_at_the_end(DIRECTORY, 24, ImageTruncated)]
#[case::grain_is_header(TABLE + 8, 1, ImageCorrupt)]
#[case::grain_is_table(TABLE + 8, 6, ImageCorrupt)]
#[case::grain_twice(TABLE + 8, 9, ImageCorrupt)]
#[case::grain_overlaps_the_first(TABLE + 8, 10, ImageCorrupt)]
#[case::grain_overlaps_before(TABLE + 8, 16, ImageCorrupt)]
#[case::grain_past_the_end(TABLE + 8, 25, ImageTruncated)]
#[case::grain_half_past_the_end(TABLE + 8, 21, ImageTruncated)]
#[case::grain_far(TABLE + 8, u32::MAX, ImageTruncated)]
fn wrong_entries_are_refused(#[case] at: usize, #[case] sector: u32, #[case] reason: Reason) {
    check(|image| image.put_u32(at, sector), reason);
}

#[test]
fn two_tables_may_not_overlap() {
    let mut image = Image::sparse();
    // Two tables of 512 grains, and the second begins inside the first.
    image.put_u64(12, 8 * 600);
    image.set_descriptor(&descriptor("monolithicSparse", "RW 4800 SPARSE \"disk.vmdk\""));
    image.put_u32(DIRECTORY + 4, 6);
    check_refused(&image, ImageCorrupt);
}

#[test]
fn a_grain_anywhere_that_is_free_is_read() {
    let mut image = Image::sparse();
    image.put_u32(TABLE + 8, 28);
    image.put(28 * SECTOR, &[0xA5; GRAIN]);
    let (bytes, _) = image.read().unwrap();
    assert!(bytes[2 * GRAIN..].iter().all(|byte| *byte == 0xA5));
}

#[test]
fn zeroed_grains_are_zeros_where_the_header_knows_them() {
    let mut image = Image::sparse();
    image.put_u32(TABLE + 4, 1);
    check_refused(&image, ImageCorrupt);
    image.put_u32(8, 1 | 1 << 2);
    let (bytes, _) = image.read().unwrap();
    assert!(bytes[GRAIN..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_capacity_in_whole_grains_gives_way_to_the_descriptor() {
    let mut image = Image::sparse();
    image.set_descriptor(&descriptor("monolithicSparse", "RW 19 SPARSE \"disk.vmdk\""));
    assert_eq!(image.read().unwrap().0, sparse_content()[..19 * SECTOR]);
}

#[test]
fn an_image_in_use_is_read_with_a_warning() {
    let mut image = Image::sparse();
    image.put(72, &[1]);
    let (_, warnings) = image.read().unwrap();
    assert!(matches!(&warnings[..], [one] if one.contains("in use")), "{warnings:?}");
}

#[test]
fn a_file_of_another_kind_is_not_a_hosted_vmdk() {
    check(|image| image.put(0, b"COWD"), ImageFormatUnsupported);
    check(|image| image.put(0, b"\xbe\xba\xfe\xca\0\0\0\0"), ImageFormatUnsupported);
    check(|image| image.put(0, b"QFI\xfb"), ImageFormatMismatch);
    check(|image| image.put(0, b"\0\0\0\0"), ImageFormatMismatch);
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let borders = [511, SECTOR, 2 * SECTOR, DIRECTORY, TABLE, FIRST_GRAIN, FIRST_GRAIN + GRAIN, END - 1];
    for length in borders {
        check(|image| image.bytes.truncate(length), ImageTruncated);
    }
}
