//! Compressed clusters that are not what they say. They are found when they are read.

use rstest::rstest;

use super::image::{CLUSTER, Image, PACKED, check_refused, content, deflate, text};
use crate::Reason;
use crate::Reason::{ImageCorrupt, ImageExpansionLimitExceeded};
use crate::sample::noise;

#[test]
fn zstandard_is_read() {
    assert_eq!(Image::zstd().read().unwrap(), (content(), Vec::new()));
}

#[test]
fn version_2_is_read() {
    assert_eq!(Image::version_2().read().unwrap(), (content(), Vec::new()));
}

#[rstest]
#[case::noise(noise(9, 2000), ImageCorrupt)]
#[case::a_hundred_bytes(deflate(&text()[..100]), ImageCorrupt)]
#[case::cut(deflate(&noise(9, CLUSTER))[..2000].to_vec(), ImageCorrupt)]
#[case::one_byte_more(deflate(&[5; CLUSTER + 1]), ImageExpansionLimitExceeded)]
#[case::sixty_four_mib(deflate(&vec![5; 64 << 20])[..3584].to_vec(), ImageExpansionLimitExceeded)]
fn a_wrong_deflate_stream_is_refused(#[case] stream: Vec<u8>, #[case] reason: Reason) {
    let mut image = Image::new();
    image.put_packed(2, &stream);
    check_refused(&image, reason);
}

/// A frame with the given header bytes and one block of repeated bytes.
fn frame(header: &[u8], repeated: u32) -> Vec<u8> {
    let block = 1 | 1 << 1 | repeated << 3;
    [&[0x28, 0xB5, 0x2F, 0xFD], header, &block.to_le_bytes()[..3], &[0xA5]].concat()
}

#[test]
fn a_frame_with_a_small_window_is_read() {
    let mut image = Image::zstd();
    // A window of 2^(10+2) bytes, and no size.
    image.put_packed(2, &frame(&[0, 2 << 3], 4096));
    let (bytes, _) = image.read().unwrap();
    assert!(bytes[2 * CLUSTER..3 * CLUSTER].iter().all(|byte| *byte == 0xA5));
}

#[rstest]
#[case::window_of_2_tib(frame(&[0, 0xF8], 4096), ImageExpansionLimitExceeded)]
#[case::window_of_two_clusters(frame(&[0, 3 << 3], 4096), ImageExpansionLimitExceeded)]
#[case::size_of_2_pib(frame(&[0xE0, 0, 0, 0, 0, 0, 0, 8, 0], 4096), ImageExpansionLimitExceeded)]
#[case::size_of_one_byte_more(zstd::bulk::compress(&[5; CLUSTER + 1], 3).unwrap(), ImageExpansionLimitExceeded)]
#[case::more_than_it_says(frame(&[0, 2 << 3], 4097), ImageCorrupt)]
#[case::a_hundred_bytes(zstd::bulk::compress(&text()[..100], 3).unwrap(), ImageCorrupt)]
#[case::noise(noise(9, 2000), ImageCorrupt)]
#[case::deflate(deflate(&text()), ImageCorrupt)]
#[case::empty_frames([0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0].repeat(400), ImageCorrupt)]
#[case::skippable_only([[0x50, 0x2A, 0x4D, 0x18].as_slice(), &[0xFF; 4]].concat(), ImageCorrupt)]
#[case::only_a_magic(vec![0x28, 0xB5, 0x2F, 0xFD], ImageCorrupt)]
fn a_wrong_zstandard_frame_is_refused(#[case] stream: Vec<u8>, #[case] reason: Reason) {
    let mut image = Image::zstd();
    image.put_packed(2, &stream);
    check_refused(&image, reason);
}

#[test]
fn a_broken_magic_is_refused() {
    let mut image = Image::zstd();
    image.put(PACKED, b"\0");
    check_refused(&image, ImageCorrupt);
}

#[test]
fn parts_of_compressed_clusters_are_read_by_many_threads() {
    let disk = Image::zstd().open().unwrap();
    let wanted = content();
    std::thread::scope(|scope| {
        for start in [0, 1, 511, 4097] {
            let (disk, wanted) = (&disk, &wanted);
            scope.spawn(move || {
                for offset in (start..wanted.len() - 700).step_by(509) {
                    let mut part = [0; 700];
                    disk.blocks.read_at(offset as u64, &mut part).unwrap();
                    assert_eq!(part[..], wanted[offset..offset + 700], "at {offset}");
                }
            });
        }
    });
}
