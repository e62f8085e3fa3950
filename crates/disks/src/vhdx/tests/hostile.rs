//! VHDX files that lie, are damaged, or are cut.

use proptest::prelude::*;
use rstest::rstest;

use super::{
    METADATA_AT, MIB, TABLE_AT, check, image, open_bytes, put, sample, sign, with_header_field,
    with_metadata_field, with_region_field, with_table_entry, written,
};
use crate::sample::{Sample, Sink, assert_same};
use crate::{InputFormat, Limits, OutputFormat, Reason, open, write};

#[test]
fn one_whole_header_is_enough() {
    for at in [64 << 10, 128 << 10] {
        let mut image = image();
        image[at + 100] ^= 1;
        assert_same(open_bytes(image).unwrap().blocks.as_ref(), &sample());
    }
}

#[test]
fn two_damaged_headers_are_refused() {
    let mut image = image();
    image[(64 << 10) + 100] ^= 1;
    image[(128 << 10) + 100] ^= 1;
    check(image, Reason::ImageCorrupt);
}

#[test]
fn the_newer_header_counts() {
    let mut image = with_header_field(image(), 66, &2_u16.to_le_bytes());
    // The older one is of version 1 again, and must not be preferred for that.
    put(&mut image, (64 << 10) + 66, &1_u16.to_le_bytes());
    sign(&mut image, 64 << 10, 4096);
    check(image, Reason::ImageFormatUnsupported);
}

#[rstest]
#[case::same_sequence(8, &9_u64.to_le_bytes(), Reason::ImageCorrupt)]
#[case::version(66, &2_u16.to_le_bytes(), Reason::ImageFormatUnsupported)]
#[case::log_version(64, &1_u16.to_le_bytes(), Reason::ImageFormatUnsupported)]
#[case::log_unaligned(72, &(MIB + 4096).to_le_bytes(), Reason::ImageCorrupt)]
#[case::log_on_the_header(72, &0_u64.to_le_bytes(), Reason::ImageCorrupt)]
#[case::log_on_the_metadata(72, &(2 * MIB).to_le_bytes(), Reason::ImageCorrupt)]
#[case::log_on_a_block(72, &(5 * MIB).to_le_bytes(), Reason::ImageCorrupt)]
#[case::log_past_the_end(72, &(1_u64 << 50).to_le_bytes(), Reason::ImageTruncated)]
#[case::log_wraps(72, &(u64::MAX - MIB + 1).to_le_bytes(), Reason::ImageCorrupt)]
#[case::log_too_long(68, &(u32::MAX - (1 << 20) + 1).to_le_bytes(), Reason::ImageTruncated)]
fn a_lying_header_is_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check(with_header_field(image(), at, value), reason);
}

#[rstest]
#[case::count(8, &65_535_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::only_the_table(8, &1_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::none(8, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_on_metadata(32, &(2 * MIB).to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_on_the_header(32, &0_u64.to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_on_the_log(32, &MIB.to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_unaligned(32, &(3 * MIB + 512).to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_past_the_end(32, &(1_u64 << 50).to_le_bytes(), Reason::ImageTruncated)]
#[case::table_wraps(32, &(u64::MAX - MIB + 1).to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_empty(40, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::table_over_blocks(40, &(2_u32 << 20).to_le_bytes(), Reason::ImageCorrupt)]
#[case::metadata_past_the_end(64, &(1_u64 << 50).to_le_bytes(), Reason::ImageTruncated)]
#[case::unknown_and_required(48, &[9; 16], Reason::ImageFormatUnsupported)]
fn a_lying_region_table_is_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check(with_region_field(image(), at, value), reason);
}

#[test]
fn a_region_named_twice_is_refused() {
    let guid = image()[(192 << 10) + 16..][..16].to_vec();
    check(with_region_field(image(), 48, &guid), Reason::ImageCorrupt);
}

#[test]
fn an_unknown_region_that_is_not_required_is_accepted() {
    // It owns the block behind the last, which the file gets for it.
    let mut image = image();
    let end = u64::try_from(image.len()).unwrap();
    image.resize(image.len() + (1 << 20), 0);
    let entry =
        [&[9; 16][..], &end.to_le_bytes(), &(1_u32 << 20).to_le_bytes(), &0_u32.to_le_bytes()].concat();
    let image = with_region_field(with_region_field(image, 80, &entry), 8, &3_u32.to_le_bytes());
    assert_same(open_bytes(image).unwrap().blocks.as_ref(), &sample());
}

#[test]
fn one_whole_region_table_is_enough_and_two_different_are_too_many() {
    let mut damaged = image();
    damaged[(192 << 10) + 9] ^= 1;
    assert_same(open_bytes(damaged.clone()).unwrap().blocks.as_ref(), &sample());
    damaged[(256 << 10) + 9] ^= 1;
    check(damaged, Reason::ImageCorrupt);
    let mut different = image();
    put(&mut different, (256 << 10) + 32, &(4 * MIB).to_le_bytes());
    sign(&mut different, 256 << 10, 64 << 10);
    check(different, Reason::ImageCorrupt);
}

#[rstest]
#[case::signature(0, b"metadatA", Reason::ImageCorrupt)]
#[case::count(10, &65_535_u16.to_le_bytes(), Reason::ImageCorrupt)]
#[case::too_few(10, &4_u16.to_le_bytes(), Reason::ImageCorrupt)]
#[case::unknown_and_required(32 * 3, &[9; 16], Reason::ImageFormatUnsupported)]
#[case::item_over_the_table(32 + 16, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::item_over_another(32 + 16, &65_544_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::item_behind_the_metadata(32 + 16, &(1_u32 << 20).to_le_bytes(), Reason::ImageCorrupt)]
#[case::item_wraps(32 + 16, &u32::MAX.to_le_bytes(), Reason::ImageCorrupt)]
#[case::item_too_long(32 + 20, &u32::MAX.to_le_bytes(), Reason::ImageCorrupt)]
#[case::item_too_short(64 + 20, &4_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::has_parent(65_540, &2_u32.to_le_bytes(), Reason::ImageHasExternalReference)]
#[case::parent_locator(32 * 3, b"\x2D\x5F\xD3\xA8\x0B\xB3\x4D\x45\xAB\xF7\xD3\xD8\x48\x34\xAB\x0C", Reason::ImageHasExternalReference)]
#[case::block_zero(65_536, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::block_3_mib(65_536, &(3_u32 << 20).to_le_bytes(), Reason::ImageCorrupt)]
#[case::block_512_mib(65_536, &(512_u32 << 20).to_le_bytes(), Reason::ImageCorrupt)]
#[case::size_zero(65_544, &0_u64.to_le_bytes(), Reason::ImageEmpty)]
#[case::size_2_63(65_544, &(1_u64 << 63).to_le_bytes(), Reason::ImageLimitExceeded)]
#[case::size_65_tib(65_544, &(65_u64 << 40).to_le_bytes(), Reason::ImageLimitExceeded)]
#[case::size_30_tib(65_544, &(30_u64 << 40).to_le_bytes(), Reason::ImageCorrupt)]
#[case::size_not_sectors(65_544, &(8 * MIB - 1).to_le_bytes(), Reason::ImageSizeNotAligned)]
#[case::sector_zero(65_568, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::sector_513(65_568, &513_u32.to_le_bytes(), Reason::ImageCorrupt)]
#[case::physical_sector_zero(65_572, &0_u32.to_le_bytes(), Reason::ImageCorrupt)]
fn lying_metadata_are_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check(with_metadata_field(image(), at, value), reason);
}

#[test]
fn an_item_named_twice_is_refused() {
    let guid = image()[METADATA_AT + 64..][..16].to_vec();
    check(with_metadata_field(image(), 32 * 3, &guid), Reason::ImageCorrupt);
}

#[test]
fn sectors_of_4_kib_are_read() {
    let image = with_metadata_field(image(), 65_568, &4096_u32.to_le_bytes());
    assert_same(open_bytes(image).unwrap().blocks.as_ref(), &sample());
}

#[test]
fn a_size_not_of_whole_4_kib_sectors_is_refused() {
    let image = written(&Sample::empty(8 * MIB + 512));
    check(with_metadata_field(image, 65_568, &4096_u32.to_le_bytes()), Reason::ImageSizeNotAligned);
}

#[rstest]
#[case::state_4(4 << 20 | 4, Reason::ImageCorrupt)]
#[case::state_5(4 << 20 | 5, Reason::ImageCorrupt)]
#[case::partly_in_a_parent(4 << 20 | 7, Reason::ImageCorrupt)]
#[case::on_the_header(6, Reason::ImageCorrupt)]
#[case::on_the_log(1 << 20 | 6, Reason::ImageCorrupt)]
#[case::on_the_metadata(2 << 20 | 6, Reason::ImageCorrupt)]
#[case::on_the_table(3 << 20 | 6, Reason::ImageCorrupt)]
#[case::shared(4 << 20 | 6, Reason::ImageCorrupt)]
#[case::past_the_end(8 << 20 | 6, Reason::ImageTruncated)]
#[case::far_past_the_end(!7 | 6, Reason::ImageTruncated)]
fn a_block_in_the_wrong_place_is_refused(#[case] entry: u64, #[case] reason: Reason) {
    check(with_table_entry(image(), 3, entry), reason);
}

#[rstest]
fn states_without_data_read_as_zeros(#[values(0, 1, 2, 3)] state: u64) {
    // The entry keeps the offset of bytes that must not come to light.
    let disk = open_bytes(with_table_entry(image(), 0, 4 << 20 | state)).unwrap();
    let mut found = vec![1; 1 << 20];
    disk.blocks.read_at(0, &mut found).unwrap();
    assert!(found.iter().all(|byte| *byte == 0));
}

#[test]
fn a_cut_image_is_truncated() {
    let image = image();
    let kib = 1024;
    let cuts = [8, 512, 64 * kib, 68 * kib, 128 * kib, 192 * kib, 256 * kib, 320 * kib];
    let cuts = cuts.into_iter().chain((1..8).map(|mib| mib << 20)).chain([METADATA_AT + 32, image.len() - 1]);
    for cut in cuts {
        check(image[..cut].to_vec(), Reason::ImageTruncated);
    }
}

#[test]
fn a_table_over_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { table_bytes: 63, ..Limits::default() };
    let error = open(InputFormat::Vhdx, Box::new(image()), &limits).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
}

#[test]
fn a_disk_too_large_for_vhdx_is_not_written() {
    let disk = Sample::empty((64 << 40) + 512);
    let error = write(OutputFormat::Vhdx, &disk, [0; 16], &mut Sink::default()).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
}

/// A structure of the file, and how many of its bytes are worth changing.
fn places() -> impl Strategy<Value = usize> {
    let starts = [
        (64 << 10, 80),
        (128 << 10, 80),
        (192 << 10, 80),
        (METADATA_AT, 192),
        (METADATA_AT + 65_536, 40),
        (TABLE_AT, 72),
    ];
    prop::sample::select(starts.to_vec()).prop_flat_map(|(start, length)| start..start + length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_mutated_image_never_panics(
        edits in prop::collection::vec((places(), any::<u8>()), 1..6),
        signed in any::<bool>(),
    ) {
        let mut image = written(&Sample::empty(2 * MIB).with_text(0, 4096));
        for (at, value) in edits {
            image[at] = value;
        }
        if signed {
            // Equal tables again, so that what they say is looked at.
            let table = image[192 << 10..256 << 10].to_vec();
            put(&mut image, 256 << 10, &table);
            for (start, length) in [(64 << 10, 4096), (128 << 10, 4096), (192 << 10, 64 << 10), (256 << 10, 64 << 10)] {
                sign(&mut image, start, length);
            }
        }
        if let Ok(disk) = open_bytes(image) {
            let size_bytes = disk.blocks.size_bytes();
            disk.blocks.read_at(0, &mut vec![0; usize::try_from(size_bytes.min(4 * MIB)).unwrap()]).unwrap();
            prop_assert!(disk.blocks.extent_at(size_bytes - 1).is_ok());
        }
    }
}
