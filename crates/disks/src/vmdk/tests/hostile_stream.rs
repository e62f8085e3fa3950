//! Streamed images whose footer, markers or grains lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rstest::rstest;

use super::image::{Image, SECTOR, check_refused, stream_content};
use crate::Reason;
use crate::Reason::{ImageCorrupt, ImageExpansionLimitExceeded, ImageFormatUnsupported, ImageTruncated};
use crate::sample::noise;

/// Where the first grain's marker stands.
const FIRST: usize = 128 * SECTOR;

fn check(bend: impl Fn(&mut Image), reason: Reason) {
    let mut image = Image::stream();
    bend(&mut image);
    check_refused(&image, reason);
}

#[test]
fn a_good_image_is_read_without_a_word() {
    assert_eq!(Image::stream().read().unwrap(), (stream_content().to_vec(), Vec::new()));
}

#[rstest]
#[case::version(4)]
#[case::flags(8)]
#[case::capacity(12)]
#[case::grain(20)]
#[case::descriptor(28)]
#[case::descriptor_size(36)]
fn a_footer_that_contradicts_the_header_is_refused(#[case] at: usize) {
    check(
        |image| {
            let place = image.footer() + at;
            let value = image.u32_at(place);
            // One more or twice as much: still a number that a header may have.
            image.put_u32(place, if at == 20 { value * 2 } else { value ^ 2 });
        },
        ImageCorrupt,
    );
}

#[test]
fn a_second_descriptor_behind_the_end_is_refused() {
    check(
        |image| {
            let end = image.bytes.len();
            let footer = image.footer();
            image.put_u64(footer + 28, (end / SECTOR) as u64);
            let descriptor = image.bytes[SECTOR..2 * SECTOR].to_vec();
            image.put(end, &descriptor);
        },
        // The footer is no longer where a footer must be.
        ImageTruncated,
    );
}

#[test]
fn a_chain_of_footers_is_refused() {
    check(
        |image| {
            let footer = image.footer();
            image.put_u64(footer + 56, u64::MAX);
        },
        ImageCorrupt,
    );
}

#[test]
fn a_missing_footer_is_refused() {
    check(
        |image| {
            let marker = image.footer() - SECTOR;
            image.put(marker, &[0; SECTOR]);
        },
        ImageTruncated,
    );
    check(
        |image| {
            let footer = image.footer();
            image.put(footer, &[0; 4]);
        },
        ImageCorrupt,
    );
    check(
        |image| {
            let end = image.bytes.len() - SECTOR;
            image.put(end, &[1]);
        },
        ImageCorrupt,
    );
}

#[test]
fn compression_without_markers_is_not_read() {
    check(
        |image| {
            for at in [8, image.footer() + 8] {
                image.put_u32(at, 1 | 1 << 16);
            }
        },
        ImageFormatUnsupported,
    );
}

#[rstest]
#[case::huge(8, 0xFFFF_FFF0, ImageCorrupt)]
#[case::empty(8, 0, ImageCorrupt)]
#[case::twice_a_grain_and_one(8, 131_073, ImageCorrupt)]
#[case::too_short(8, 20, ImageCorrupt)]
#[case::other_place(0, 128, ImageCorrupt)]
#[case::far_place(4, 1 << 31, ImageCorrupt)]
fn a_marker_that_lies_is_refused(#[case] at: usize, #[case] value: u32, #[case] reason: Reason) {
    check(|image| image.put_u32(FIRST + at, value), reason);
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[rstest]
#[case::sixty_four_mib(deflated(&vec![5; 64 << 20]), ImageExpansionLimitExceeded)]
#[case::one_byte_more(deflated(&[5; 65537]), ImageExpansionLimitExceeded)]
#[case::a_hundred_bytes(deflated(&[5; 100]), ImageCorrupt)]
#[case::noise(noise(4, 1000), ImageCorrupt)]
fn a_grain_that_is_not_one_is_refused(#[case] stream: Vec<u8>, #[case] reason: Reason) {
    check(
        |image| {
            // A new grain at the end of the file, before a copy of the old end.
            let table = image.stream_table();
            let tail = image.bytes.split_off(image.footer() - SECTOR);
            let at = image.bytes.len();
            image.put_u64(at, 2 * 128);
            image.put_u32(at + 8, u32::try_from(stream.len()).unwrap());
            image.put(at + 12, &stream);
            let end = image.bytes.len().next_multiple_of(SECTOR);
            image.put(end, &tail);
            image.put_u32(table + 8, u32::try_from(at / SECTOR).unwrap());
        },
        reason,
    );
}

#[test]
fn many_places_of_one_grain_are_refused() {
    check(
        |image| {
            let table = image.stream_table();
            let first = image.u32_at(table);
            for index in 2..16 {
                image.put_u32(table + index * 4, first);
            }
        },
        ImageCorrupt,
    );
}

#[test]
fn a_grain_inside_a_table_is_refused() {
    check(
        |image| {
            let table = image.stream_table();
            image.put_u32(table + 8, u32::try_from(table / SECTOR + 1).unwrap());
        },
        ImageCorrupt,
    );
}

#[test]
fn a_grain_inside_another_is_found_when_it_is_read() {
    check(
        |image| {
            let table = image.stream_table();
            let second = image.u32_at(table + 4);
            image.put_u32(table + 8, second + 3);
        },
        ImageCorrupt,
    );
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let whole = Image::stream().bytes.len();
    let borders = [SECTOR, 21 * SECTOR, FIRST, FIRST + SECTOR].into_iter();
    for length in borders.chain((1..8).map(|sectors| whole - sectors * SECTOR)).chain([whole - 1, 511]) {
        check(|image| image.bytes.truncate(length), ImageTruncated);
    }
}

#[test]
fn parts_of_grains_are_read_by_many_threads() {
    let disk = Image::stream().open().unwrap();
    let wanted = stream_content().to_vec();
    std::thread::scope(|scope| {
        for start in [0, 1, 511, 65537] {
            let (disk, wanted) = (&disk, &wanted);
            scope.spawn(move || {
                for offset in (start..200_000).step_by(4099) {
                    let mut part = [0; 7000];
                    disk.blocks.read_at(offset as u64, &mut part).unwrap();
                    assert_eq!(part[..], wanted[offset..offset + 7000], "at {offset}");
                }
            });
        }
    });
}
