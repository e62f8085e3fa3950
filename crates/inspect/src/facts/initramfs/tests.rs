//! Archives in every packing, whole and damaged.

use std::io::Write;

use rstest::rstest;

use super::modules;
use crate::guest::Guest;
use crate::testing::Files;
use crate::tree::Error;

/// A cpio archive ("newc") of empty files.
fn archive(names: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names.iter().chain(&["TRAILER!!!"]) {
        let length = name.len() + 1;
        let content: &[u8] = if name.ends_with(".ko") { b"\x7FELF!" } else { b"" };
        let size = content.len();
        let zero = 0;
        write!(bytes, "070701{zero:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{size:08x}")
            .unwrap();
        write!(bytes, "{zero:08x}{zero:08x}{zero:08x}{zero:08x}{length:08x}{zero:08x}{name}\0").unwrap();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut packed = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn told(bytes: Vec<u8>) -> Result<Vec<String>, Error> {
    let files = Files::new().file("/boot/initrd", bytes);
    let found = modules(&Guest::new(&files), "/boot/initrd")?;
    Ok(found.expect("the file is there").into_iter().collect())
}

const DRIVERS: &[&str] =
    &["usr/lib/modules/6.1/kernel/drivers/hv/hv_storvsc.ko", "etc/x", "usr/lib/modules/a/nvme-core.ko"];

#[rstest]
#[case::plain(<[u8]>::to_vec)]
#[case::gzip(gzip)]
#[case::xz(xz)]
#[case::zstd(zstd)]
#[case::lz4(lz4)]
fn drivers_are_found_behind_the_microcode(#[case] pack: fn(&[u8]) -> Vec<u8>) {
    let microcode = archive(&["kernel/x86/microcode/GenuineIntel.bin"]);
    let bytes = [microcode, pack(&archive(DRIVERS))].concat();
    assert_eq!(told(bytes), Ok(vec!["hv_storvsc".to_owned(), "nvme_core".to_owned()]));
}

#[rstest]
#[case::torn_archive(archive(DRIVERS)[..200].to_vec())]
#[case::torn_stream({ let mut bytes = gzip(&archive(DRIVERS)); bytes.truncate(40); bytes })]
#[case::endless_name({ let mut bytes = archive(DRIVERS); bytes[94..102].copy_from_slice(b"FFFFFFFF"); bytes })]
#[case::no_number({ let mut bytes = archive(DRIVERS); bytes[94..102].copy_from_slice(b"ZZZZZZZZ"); bytes })]
#[case::other(b"hello world, this is no archive".to_vec())]
fn damage_is_told(#[case] bytes: Vec<u8>) {
    assert!(told(bytes).is_err());
}

#[test]
fn any_damage_ends_without_a_panic() {
    for pack in [gzip, xz, zstd, lz4] {
        let packed = pack(&archive(DRIVERS));
        for at in 0..packed.len() {
            let mut bytes = packed.clone();
            bytes[at] ^= 0x55;
            drop(told(bytes));
        }
    }
}
