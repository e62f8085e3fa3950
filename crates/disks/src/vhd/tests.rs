//! VHDs from ours and from `qemu-img`, and VHDs that lie.

use proptest::prelude::*;
use rstest::rstest;

use super::footer::checksum;
use crate::oracle::Oracle;
use crate::sample::{Sample, Sink, assert_same, disks, noise};
use crate::{Disk, Error, ExtentKind, InputFormat, Limits, OutputFormat, Reason, open, write};

const MIB: u64 = 1 << 20;

fn sample() -> Sample {
    Sample::empty(8 * MIB).with_noise(0, 5000 * 512).with_zeros(4 * MIB, 2 << 20).with_text(7 * MIB, 1 << 20)
}

fn written(format: OutputFormat, disk: &Sample) -> Vec<u8> {
    let mut sink = Sink::default();
    let length = write(format, disk, [7; 16], &mut sink).unwrap();
    assert_eq!(u64::try_from(sink.bytes.len()).unwrap(), length);
    sink.bytes
}

fn open_bytes(bytes: Vec<u8>) -> Result<Disk, Error> {
    open(InputFormat::Vhd, Box::new(bytes), &Limits::default())
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn sign(bytes: &mut [u8], start: usize, length: usize, checksum_at: usize) {
    let sum = checksum(&bytes[start..start + length], checksum_at);
    put(bytes, start + checksum_at, &sum.to_be_bytes());
}

/// The image with `value` at `at` of all its footers, checksums right again.
fn with_footer_field(mut image: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    let end = image.len() - 512;
    let starts = if image.starts_with(b"conectix") { vec![0, end] } else { vec![end] };
    for start in starts {
        put(&mut image, start + at, value);
        sign(&mut image, start, 512, 64);
    }
    image
}

/// The dynamic image with `value` at `at` of its dynamic header, checksum right again.
fn with_header_field(mut image: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    put(&mut image, 512 + at, value);
    sign(&mut image, 512, 1024, 36);
    image
}

/// The dynamic image with another table entry. Entry 2 is the only unused one of four.
fn with_table_entry(mut image: Vec<u8>, index: usize, sector: u32) -> Vec<u8> {
    put(&mut image, 1536 + index * 4, &sector.to_be_bytes());
    image
}

fn table_entry(image: &[u8], index: usize) -> u32 {
    u32::from_be_bytes(image[1536 + index * 4..][..4].try_into().unwrap())
}

fn check(image: Vec<u8>, reason: Reason) {
    let error = open_bytes(image).unwrap_err();
    assert_eq!(error.reason(), Some(reason), "{error}");
}

fn fixed() -> Vec<u8> {
    written(OutputFormat::Vhd, &sample())
}

fn dynamic() -> Vec<u8> {
    written(OutputFormat::VhdDynamic, &sample())
}

#[rstest]
fn what_we_write_we_read(#[values(OutputFormat::Vhd, OutputFormat::VhdDynamic)] format: OutputFormat) {
    let disk = sample();
    let found = open_bytes(written(format, &disk)).unwrap();
    assert_same(found.blocks.as_ref(), &disk);
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn blocks_of_zeros_are_not_stored() {
    let image = dynamic();
    assert_eq!(table_entry(&image, 2), u32::MAX, "four to six MiB are zeros in a data extent");
    assert_eq!(image.len(), 2048 + 3 * (512 + (2 << 20)) + 512, "blocks 0, 1 and 3 stand in the file");
}

#[rstest]
// Sizes that no geometry expresses, and one that does.
fn qemu_reads_what_we_write(
    #[values(OutputFormat::Vhd, OutputFormat::VhdDynamic)] format: OutputFormat,
    #[values(512, 8 * MIB, 8 * MIB + 512, 64 * MIB, 3 * 17 * 4 * 512, 41 * MIB - 1536)] size_bytes: u64,
) {
    let disk = Sample::empty(size_bytes).with_noise(0, 512);
    let disk = if size_bytes > MIB { disk.with_noise(size_bytes - 70_144, 70_144) } else { disk };
    Oracle::new().check_writing(&disk, format, "vpc");
}

#[rstest]
fn we_read_what_qemu_writes(
    #[values("fixed", "dynamic")] subformat: &str,
    #[values(512, 8 * MIB, 8 * MIB + 512, 100 * MIB)] size_bytes: u64,
) {
    let disk = Sample::empty(size_bytes).with_noise(0, 512);
    let disk =
        if size_bytes > MIB { disk.with_text(3 * MIB, 3 << 20).with_noise(7 * MIB, 9999) } else { disk };
    let options = format!("subformat={subformat},force_size=on");
    Oracle::new().check_reading(&disk, &["-O", "vpc", "-o", &options], InputFormat::Vhd);
}

#[rstest]
fn a_size_that_qemu_rounded_to_its_geometry_is_read_as_qemu_reads_it(
    #[values("fixed", "dynamic")] subformat: &str,
) {
    let oracle = Oracle::new();
    let disk = Sample::empty(8 * MIB).with_noise(MIB, 4 << 20);
    oracle.put_raw("source.raw", &disk);
    let options = format!("subformat={subformat}");
    oracle.run(&["convert", "-f", "raw", "-O", "vpc", "-o", &options, "source.raw", "rounded.vhd"]);
    let ours = oracle.check_agreement("vpc", InputFormat::Vhd, "rounded.vhd");
    assert!(ours.blocks.size_bytes() > 8 * MIB);
}

#[test]
fn blocks_that_qemu_wrote_out_of_order_are_found() {
    let oracle = Oracle::new();
    oracle.create_and_scribble("vpc", "subformat=dynamic,force_size=on", "scribbled.vhd");
    oracle.check_agreement("vpc", InputFormat::Vhd, "scribbled.vhd");
}

#[test]
fn a_sector_never_written_reads_as_zeros() {
    let mut image = dynamic();
    let bitmap = usize::try_from(table_entry(&image, 0)).unwrap() * 512;
    // Sectors 8..16 of the first block.
    image[bitmap + 1] = 0;
    let disk = open_bytes(image).unwrap();
    let mut found = vec![1; 32 * 512];
    disk.blocks.read_at(0, &mut found).unwrap();
    let mut wanted = noise(0, 32 * 512);
    wanted[8 * 512..16 * 512].fill(0);
    assert!(found == wanted);
    assert_eq!(disk.blocks.extent_at(8 * 512 + 100).unwrap().length, 8 * 512 - 100);
}

#[test]
fn several_threads_read_one_disk() {
    let disk = open_bytes(dynamic()).unwrap();
    let wanted = sample();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_same(disk.blocks.as_ref(), &wanted));
        }
    });
}

#[test]
fn holes_of_the_file_inside_a_block_are_known() {
    let oracle = Oracle::new();
    let disk = Sample::empty(8 * MIB).with_noise(3 * MIB, 65_536);
    oracle.check_writing(&disk, OutputFormat::VhdDynamic, "vpc");
    let found = oracle.open(InputFormat::Vhd, "written").unwrap();
    // Just behind the block's bitmap, whose page of the file is data.
    let before = found.blocks.extent_at(2 * MIB + 65_536).unwrap();
    assert_eq!(before.kind, ExtentKind::Zero);
    assert!(before.length > MIB / 2, "{before:?}");
}

#[test]
fn a_suspended_machine_is_a_warning() {
    assert_eq!(open_bytes(with_footer_field(fixed(), 84, &[1])).unwrap().warnings.len(), 1);
}

#[test]
fn a_size_that_azure_does_not_take_is_a_warning() {
    let disk = Sample::empty(8 * MIB + 512);
    assert_eq!(open_bytes(written(OutputFormat::Vhd, &disk)).unwrap().warnings.len(), 1);
}

#[test]
fn reading_past_the_end_is_refused() {
    for format in [OutputFormat::Vhd, OutputFormat::VhdDynamic] {
        let disk = open_bytes(written(format, &sample())).unwrap();
        disk.blocks.read_at(8 * MIB - 1, &mut [0; 2]).unwrap_err();
        disk.blocks.read_at(u64::MAX, &mut [0; 2]).unwrap_err();
        disk.blocks.extent_at(8 * MIB).unwrap_err();
    }
}

#[rstest]
#[case::version(12, &2_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_none(60, &0_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_reserved(60, &1_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_reserved_too(60, &5_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_six(60, &6_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_unknown(60, &255_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::type_differencing(60, &4_u32.to_be_bytes(), Reason::ImageHasExternalReference)]
#[case::size_huge(48, &(1_u64 << 63).to_be_bytes(), Reason::ImageLimitExceeded)]
#[case::size_zero(48, &0_u64.to_be_bytes(), Reason::ImageEmpty)]
#[case::size_not_sectors(48, &(8 * MIB + 100).to_be_bytes(), Reason::ImageSizeNotAligned)]
fn a_lying_footer_is_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check(with_footer_field(fixed(), at, value), reason);
    check(with_footer_field(dynamic(), at, value), reason);
}

#[rstest]
#[case::a_thousandfold(8 * MIB * 1024, Reason::ImageTruncated)]
#[case::a_sector_more(8 * MIB + 512, Reason::ImageTruncated)]
#[case::smaller_than_data(4 * MIB, Reason::ImageCorrupt)]
fn a_fixed_disk_is_as_long_as_its_footer_says(#[case] size_bytes: u64, #[case] reason: Reason) {
    check(with_footer_field(fixed(), 48, &size_bytes.to_be_bytes()), reason);
}

#[test]
fn a_dynamic_disk_larger_than_its_table_is_refused() {
    check(with_footer_field(dynamic(), 48, &(8 * MIB + 512).to_be_bytes()), Reason::ImageCorrupt);
    check(with_footer_field(dynamic(), 48, &(8 * MIB * 1024).to_be_bytes()), Reason::ImageCorrupt);
}

#[test]
fn a_dynamic_disk_smaller_than_its_blocks_is_refused() {
    check(with_footer_field(dynamic(), 48, &(4 * MIB).to_be_bytes()), Reason::ImageCorrupt);
}

#[test]
fn a_table_longer_than_the_disk_is_accepted_when_the_rest_is_unused() {
    // 8 MiB are four blocks; the table is padded with unused entries anyway.
    let image = with_header_field(dynamic(), 28, &128_u32.to_be_bytes());
    assert_same(open_bytes(image).unwrap().blocks.as_ref(), &sample());
}

#[rstest]
fn a_damaged_footer_is_refused(#[values(0, 64, 67, 100)] at: usize) {
    for mut image in [fixed(), dynamic()] {
        let end = image.len() - 512;
        image[end + at] ^= 1;
        let reason = open_bytes(image).unwrap_err().reason();
        // Without its cookie a fixed VHD is any raw disk, and a dynamic one lacks its end.
        let cookie_reasons = [Some(Reason::ImageFormatMismatch), Some(Reason::ImageTruncated)];
        match at {
            0 => assert!(cookie_reasons.contains(&reason), "{reason:?}"),
            _ => assert_eq!(reason, Some(Reason::ImageCorrupt)),
        }
    }
}

#[rstest]
#[case::w2ku(b"W2ku")]
#[case::w2ru(b"W2ru")]
#[case::macx(b"MacX")]
#[case::none(b"\0\0\0\0")]
fn a_differencing_disk_is_refused_whatever_its_locator_says(#[case] platform: &[u8]) {
    let image = with_header_field(dynamic(), 576, platform);
    let image = with_header_field(image, 584, &u32::MAX.to_be_bytes());
    check(with_footer_field(image, 60, &4_u32.to_be_bytes()), Reason::ImageHasExternalReference);
}

#[test]
fn two_footers_that_differ_are_refused() {
    let mut image = dynamic();
    image[24] = 9;
    sign(&mut image, 0, 512, 64);
    check(image, Reason::ImageCorrupt);
}

#[rstest]
#[case::cookie(0, b"cxspars!", Reason::ImageCorrupt)]
#[case::version(24, &0x0002_0000_u32.to_be_bytes(), Reason::ImageFormatUnsupported)]
#[case::table_past_the_end(16, &(1_u64 << 40).to_be_bytes(), Reason::ImageTruncated)]
#[case::table_wraps(16, &(u64::MAX - 511).to_be_bytes(), Reason::ImageTruncated)]
#[case::table_over_the_footer(16, &0_u64.to_be_bytes(), Reason::ImageCorrupt)]
#[case::table_over_the_header(16, &1024_u64.to_be_bytes(), Reason::ImageCorrupt)]
// What is read there as a table is noise, which points anywhere.
#[case::table_over_a_block(16, &8192_u64.to_be_bytes(), Reason::ImageTruncated)]
#[case::no_entries(28, &0_u32.to_be_bytes(), Reason::ImageCorrupt)]
#[case::too_few_entries(28, &3_u32.to_be_bytes(), Reason::ImageCorrupt)]
#[case::all_entries(28, &u32::MAX.to_be_bytes(), Reason::ImageLimitExceeded)]
#[case::block_zero(32, &0_u32.to_be_bytes(), Reason::ImageCorrupt)]
#[case::block_256(32, &256_u32.to_be_bytes(), Reason::ImageCorrupt)]
#[case::block_3_mib(32, &(3_u32 << 20).to_be_bytes(), Reason::ImageCorrupt)]
#[case::block_2_gib(32, &(2_u32 << 30).to_be_bytes(), Reason::ImageCorrupt)]
#[case::block_twice_as_large(32, &(4_u32 << 20).to_be_bytes(), Reason::ImageCorrupt)]
fn a_lying_dynamic_header_is_refused(#[case] at: usize, #[case] value: &[u8], #[case] reason: Reason) {
    check(with_header_field(dynamic(), at, value), reason);
}

#[test]
fn a_damaged_dynamic_header_is_refused() {
    let mut image = dynamic();
    image[512 + 200] ^= 1;
    check(image, Reason::ImageCorrupt);
}

#[rstest]
#[case::past_the_end(100_000_000, Reason::ImageTruncated)]
#[case::one_sector_past_the_end(12_304, Reason::ImageTruncated)]
#[case::on_the_footer(0, Reason::ImageCorrupt)]
#[case::on_the_table(3, Reason::ImageCorrupt)]
#[case::shared(4, Reason::ImageCorrupt)]
#[case::sharing_a_sector(4 + 4096, Reason::ImageCorrupt)]
#[case::sharing_all_but_4_kib(4 + 8, Reason::ImageCorrupt)]
fn a_block_in_the_wrong_place_is_refused(#[case] sector: u32, #[case] reason: Reason) {
    check(with_table_entry(dynamic(), 2, sector), reason);
}

#[test]
fn a_dynamic_header_in_the_wrong_place_is_refused() {
    check(with_footer_field(dynamic(), 16, &(1_u64 << 40).to_be_bytes()), Reason::ImageTruncated);
    check(with_footer_field(dynamic(), 16, &u64::MAX.to_be_bytes()), Reason::ImageTruncated);
    check(with_footer_field(dynamic(), 16, &0_u64.to_be_bytes()), Reason::ImageCorrupt);
}

#[test]
fn a_cut_dynamic_image_is_truncated() {
    let image = dynamic();
    let cuts = [511, 512, 1000, 1536, 2048, 2560, 4096, 3 << 20, image.len() - 512, image.len() - 1];
    for cut in cuts {
        check(image[..cut].to_vec(), Reason::ImageTruncated);
    }
}

#[test]
fn a_cut_fixed_image_is_never_read() {
    let image = fixed();
    check(image[..image.len() - 1].to_vec(), Reason::ImageTruncated);
    check(image[..image.len() - 511].to_vec(), Reason::ImageTruncated);
    // On a sector border nothing tells it from a raw disk.
    check(image[..image.len() - 512].to_vec(), Reason::ImageFormatMismatch);
    check(image[..512].to_vec(), Reason::ImageFormatMismatch);
}

#[test]
fn millions_of_blocks_in_one_place_are_refused() {
    // 16 GiB in blocks of 4 KiB, all of them at sector 0: a table of 16 MiB of zeros.
    let mut head = with_header_field(dynamic(), 32, &4096_u32.to_be_bytes());
    head = with_header_field(head, 28, &(4_u32 << 20).to_be_bytes());
    head = with_footer_field(head, 48, &(16_u64 << 30).to_be_bytes());
    head.truncate(1536);
    let mut image = head.clone();
    image.resize(1536 + (16 << 20), 0);
    image.extend(&head[..512]);
    check(image, Reason::ImageCorrupt);
}

#[test]
fn a_table_over_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { table_bytes: 15, ..Limits::default() };
    let error = open(InputFormat::Vhd, Box::new(dynamic()), &limits).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
}

#[test]
fn a_disk_over_the_limit_is_refused() {
    let limits = Limits { virtual_bytes: 8 * MIB - 1, ..Limits::default() };
    for image in [fixed(), dynamic()] {
        let error = open(InputFormat::Vhd, Box::new(image), &limits).unwrap_err();
        assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
    }
}

#[test]
fn a_disk_too_large_for_a_dynamic_vhd_is_not_written() {
    let disk = Sample::empty(3 << 40);
    let error = write(OutputFormat::VhdDynamic, &disk, [0; 16], &mut Sink::default()).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_disk_survives_the_round_trip(disk in disks(6 * MIB), dynamic in any::<bool>()) {
        let format = if dynamic { OutputFormat::VhdDynamic } else { OutputFormat::Vhd };
        let image = written(format, &disk);
        prop_assert_eq!(disk.hole_bytes_read(), 0, "holes are not read");
        let found = open_bytes(image).unwrap();
        assert_same(found.blocks.as_ref(), &disk);
    }

    #[test]
    fn a_mutated_image_never_panics(
        edits in prop::collection::vec((0_usize..3072, any::<u8>()), 1..6),
        at_end in any::<bool>(),
        signed in any::<bool>(),
    ) {
        let mut image = written(OutputFormat::VhdDynamic, &Sample::empty(2 * MIB).with_text(0, 4096));
        let base = if at_end { image.len() - 3072 } else { 0 };
        for (at, value) in edits {
            image[base + at] = value;
        }
        if signed {
            let end = image.len() - 512;
            sign(&mut image, 0, 512, 64);
            sign(&mut image, end, 512, 64);
            sign(&mut image, 512, 1024, 36);
        }
        if let Ok(disk) = open_bytes(image) {
            let size_bytes = disk.blocks.size_bytes();
            let _outcome = disk.blocks.read_at(0, &mut vec![0; usize::try_from(size_bytes.min(4 * MIB)).unwrap()]);
            prop_assert!(disk.blocks.extent_at(size_bytes - 1).is_ok());
        }
    }
}
