//! VHDX files from ours and from `qemu-img`, and such that lie.

mod hostile;
mod log;
mod oracle;

use crate::sample::{Sample, Sink};
use crate::vhdx::crc32c::crc32c_without;
use crate::{Disk, Error, InputFormat, Limits, OutputFormat, Reason, open, write};

const MIB: u64 = 1 << 20;
/// Where our writer puts metadata and block table.
const METADATA_AT: usize = 2 << 20;
const TABLE_AT: usize = 3 << 20;

/// Blocks 0, 1, 2 and 7 of eight hold data; block 4 is zeros that are declared as data.
fn sample() -> Sample {
    Sample::empty(8 * MIB).with_noise(0, 5000 * 512).with_zeros(4 * MIB, 1 << 20).with_text(7 * MIB, 1 << 20)
}

fn written(disk: &Sample) -> Vec<u8> {
    let mut sink = Sink::default();
    let length = write(OutputFormat::Vhdx, disk, [7; 16], &mut sink).unwrap();
    assert_eq!(u64::try_from(sink.bytes.len()).unwrap(), length);
    sink.bytes
}

fn image() -> Vec<u8> {
    written(&sample())
}

fn open_bytes(bytes: Vec<u8>) -> Result<Disk, Error> {
    open(InputFormat::Vhdx, Box::new(bytes), &Limits::default())
}

fn check(image: Vec<u8>, reason: Reason) {
    let error = open_bytes(image).unwrap_err();
    assert_eq!(error.reason(), Some(reason), "{error}");
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn sign(bytes: &mut [u8], start: usize, length: usize) {
    let sum = crc32c_without(&bytes[start..start + length], 4);
    put(bytes, start + 4, &sum.to_le_bytes());
}

/// The image with `value` at `at` of both headers, checksums right again.
fn with_header_field(mut image: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    for start in [64 << 10, 128 << 10] {
        put(&mut image, start + at, value);
        sign(&mut image, start, 4096);
    }
    image
}

/// The image with `value` at `at` of both region tables, checksums right again.
/// The block table's entry begins at 16, the metadata's at 48; offset at +16, length at +24, required at +28.
fn with_region_field(mut image: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    for start in [192 << 10, 256 << 10] {
        put(&mut image, start + at, value);
        sign(&mut image, start, 64 << 10);
    }
    image
}

/// The image with `value` at `at` of its metadata. Entries of 32 bytes begin at 32: parameters, size, id, logical
/// and physical sector; their values begin at 65536, 65544, 65552, 65568, 65572.
fn with_metadata_field(mut image: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    put(&mut image, METADATA_AT + at, value);
    image
}

/// The image with another entry in its block table.
fn with_table_entry(mut image: Vec<u8>, index: usize, entry: u64) -> Vec<u8> {
    put(&mut image, TABLE_AT + index * 8, &entry.to_le_bytes());
    image
}
