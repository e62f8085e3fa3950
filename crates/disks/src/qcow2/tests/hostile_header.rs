//! Headers and extensions that point elsewhere, ask for too much, or make no sense.

use rstest::rstest;

use super::image::{CLUSTER, END, EXTENSIONS, Image, check, check_accepted, check_refused};
use crate::Reason;
use crate::Reason::{
    ImageCorrupt, ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageHasExternalReference,
    ImageLimitExceeded, ImageSizeNotAligned, ImageTruncated,
};

#[test]
fn a_good_image_is_read_without_a_word() {
    assert_eq!(check_accepted(|_| {}), Vec::<String>::new());
}

#[rstest]
fn a_backing_file_is_refused_and_its_name_not_repeated(
    #[values(
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "../../base.raw",
        "json:{\"driver\":\"file\"}",
        "nbd://10.0.0.1/x",
        "http://169.254.169.254/latest",
        "self.qcow2"
    )]
    name: &str,
    #[values(2, 3)] version: u32,
) {
    let mut image = if version == 2 { Image::version_2() } else { Image::new() };
    image.put(512, name.as_bytes());
    image.put_u64(8, 512);
    image.put_u32(16, u32::try_from(name.len()).unwrap());
    let error = image.read().unwrap_err();
    assert_eq!(error.reason(), Some(ImageHasExternalReference));
    assert!(!error.to_string().contains(name), "{error}");
}

#[rstest]
#[case::bit_and_name(4, true)]
#[case::bit_alone(4, false)]
#[case::name_alone(0, true)]
fn an_external_data_file_is_refused(#[case] bits: u64, #[case] named: bool) {
    check(
        |image| {
            image.put_u64(72, bits);
            if named {
                image.put_extension(0x4441_5441, b"/etc/passwd");
            }
        },
        ImageHasExternalReference,
    );
}

#[rstest]
#[case::corrupt_bit(1 << 1, ImageCorrupt)]
#[case::compression_bit_alone(1 << 3, ImageCorrupt)]
#[case::subclusters(1 << 4, ImageFormatUnsupported)]
#[case::bit_5(1 << 5, ImageFormatUnsupported)]
#[case::bit_63(1 << 63, ImageFormatUnsupported)]
fn features_that_change_the_reading_are_refused(#[case] bits: u64, #[case] reason: Reason) {
    check(|image| image.put_u64(72, bits), reason);
}

#[test]
fn an_image_in_use_is_read_with_a_warning() {
    let warnings = check_accepted(|image| image.put_u64(72, 1));
    assert!(matches!(&warnings[..], [one] if one.contains("in use")), "{warnings:?}");
}

#[rstest]
#[case::compatible(80, u64::MAX)]
#[case::autoclear(88, u64::MAX - 1)]
fn features_that_do_not_change_the_reading_are_accepted(#[case] at: usize, #[case] bits: u64) {
    assert_eq!(check_accepted(|image| image.put_u64(at, bits)), Vec::<String>::new());
}

#[rstest]
#[case::unknown(0x1234_5678)]
#[case::feature_names(0x6803_F857)]
#[case::backing_format(0xE279_2ACA)]
fn extensions_that_nobody_needs_are_accepted(#[case] kind: u32) {
    let warnings = check_accepted(|image| image.put_extension(kind, b"some bytes of it"));
    assert_eq!(warnings, Vec::<String>::new());
}

#[rstest]
#[case::version_0(4, 0, ImageFormatUnsupported)]
#[case::version_1(4, 1, ImageFormatUnsupported)]
#[case::version_4(4, 4, ImageFormatUnsupported)]
#[case::version_max(4, u32::MAX, ImageFormatUnsupported)]
#[case::cluster_bits_0(20, 0, ImageCorrupt)]
#[case::cluster_bits_8(20, 8, ImageCorrupt)]
#[case::cluster_bits_22(20, 22, ImageCorrupt)]
#[case::cluster_bits_63(20, 63, ImageCorrupt)]
#[case::cluster_bits_max(20, u32::MAX, ImageCorrupt)]
#[case::refcount_order_7(96, 7, ImageCorrupt)]
#[case::refcount_order_31(96, 31, ImageCorrupt)]
#[case::header_length_8(100, 8, ImageCorrupt)]
#[case::header_length_109(100, 109, ImageCorrupt)]
#[case::header_length_65537(100, 65537, ImageCorrupt)]
#[case::header_length_beyond(100, 8192, ImageCorrupt)]
#[case::encrypted_aes(32, 1, ImageFormatUnsupported)]
#[case::encrypted_luks(32, 2, ImageFormatUnsupported)]
#[case::encrypted_99(32, 99, ImageFormatUnsupported)]
#[case::l1_max(36, u32::MAX, ImageLimitExceeded)]
#[case::l1_just_over(36, (4 << 20) + 1, ImageLimitExceeded)]
#[case::l1_too_small(36, 0, ImageCorrupt)]
#[case::refcount_table_huge(56, (1 << 31) - 1, ImageLimitExceeded)]
#[case::refcount_table_none(56, 0, ImageCorrupt)]
#[case::snapshots_max(60, u32::MAX, ImageLimitExceeded)]
#[case::backing_name_max(16, u32::MAX, ImageLimitExceeded)]
fn numbers_that_cannot_be_are_refused(#[case] at: usize, #[case] value: u32, #[case] reason: Reason) {
    check(|image| image.put_u32(at, value), reason);
}

#[rstest]
#[case::nothing(0, ImageEmpty)]
#[case::no_sectors(65536 + 100, ImageSizeNotAligned)]
#[case::top_bit(1 << 63, ImageLimitExceeded)]
#[case::all_bits(u64::MAX, ImageLimitExceeded)]
#[case::sixty_four_tib(64 << 40, ImageLimitExceeded)]
#[case::more_than_the_table_maps(1 << 40, ImageCorrupt)]
fn a_wrong_virtual_size_is_refused(#[case] size: u64, #[case] reason: Reason) {
    check(|image| image.put_u64(24, size), reason);
}

#[test]
fn a_well_formed_disk_over_the_limit_is_refused() {
    // 64 TiB in clusters of 2 MiB need 128 entries.
    let mut image = Image::new();
    image.put_u32(20, 21);
    image.put_u32(36, 128);
    image.put_u64(24, 64 << 40);
    check_refused(&image, ImageLimitExceeded);
}

#[rstest]
#[case::unknown_type(2, ImageFormatUnsupported)]
#[case::type_without_bit(0, ImageCorrupt)]
fn an_unknown_compression_is_refused(#[case] kind: u8, #[case] reason: Reason) {
    let mut image = Image::zstd();
    image.put(104, &[kind]);
    check_refused(&image, reason);
}

#[test]
fn an_extension_longer_than_its_cluster_is_refused() {
    check(|image| image.put(EXTENSIONS, &[0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF, 0xFF, 0xF0]), ImageCorrupt);
}

#[test]
fn extensions_without_an_end_are_refused() {
    check(
        |image| {
            image.put_u32(EXTENSIONS, 0x1234_5678);
            image.put_u32(EXTENSIONS + 4, u32::try_from(CLUSTER - EXTENSIONS - 8).unwrap());
        },
        ImageCorrupt,
    );
}

fn bitmaps(count: u32, bytes: u64, offset: u64) -> Vec<u8> {
    [&count.to_be_bytes()[..], &[0; 4], &bytes.to_be_bytes(), &offset.to_be_bytes()].concat()
}

#[rstest]
#[case::far_away(bitmaps(1, 64, 1 << 50), ImageCorrupt)]
#[case::overflowing(bitmaps(1, u64::MAX, 4096), ImageCorrupt)]
#[case::unaligned(bitmaps(1, 64, 4097), ImageCorrupt)]
#[case::too_many(bitmaps(u32::MAX, 64, 4096), ImageLimitExceeded)]
#[case::too_short(vec![0; 16], ImageCorrupt)]
fn a_bitmap_directory_that_cannot_be_is_refused(#[case] body: Vec<u8>, #[case] reason: Reason) {
    check(|image| image.put_extension(0x2385_2875, &body), reason);
}

#[test]
fn bitmaps_are_dropped_with_a_warning() {
    let warnings = check_accepted(|image| {
        image.put(END, &[0; CLUSTER]);
        image.set_refcount(8, 1);
        image.put_u64(88, 1);
        image.put_extension(0x2385_2875, &bitmaps(1, 64, END as u64));
    });
    assert!(matches!(&warnings[..], [one] if one.contains("bitmaps")), "{warnings:?}");
}

#[test]
fn an_encryption_header_of_a_plain_image_is_refused() {
    check(|image| image.put_extension(0x0537_BE77, &[0xFF; 16]), ImageCorrupt);
}

#[test]
fn a_partitioned_disk_that_is_a_qcow2_too_is_neither() {
    let bend = |image: &mut Image| {
        image.put(512, b"EFI PART");
        image.put_u64(8, 1024);
        image.put(1024, b"/etc/passwd");
        image.put_u32(16, 11);
    };
    check(bend, ImageFormatMismatch);
}

#[test]
fn a_file_of_another_kind_is_not_qcow2() {
    check(|image| image.put(0, b"QED\0"), ImageFormatUnsupported);
    check(|image| image.put(0, b"KDMV"), ImageFormatMismatch);
    check(|image| image.put(0, b"\0\0\0\0"), ImageFormatMismatch);
    check(|image| image.bytes.clear(), ImageEmpty);
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let whole = Image::zstd();
    let borders = (1..8).map(|cluster| cluster * CLUSTER);
    for length in [71, 103, 104, 511, 512].into_iter().chain(borders) {
        let image = Image { bytes: whole.bytes[..length].to_vec() };
        check_refused(&image, ImageTruncated);
    }
}
