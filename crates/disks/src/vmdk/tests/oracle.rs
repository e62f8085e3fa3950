//! What `qemu-img` writes is read, and what is written here `qemu-img` reads.

use std::fs::{self, File};

use proptest::prelude::*;
use rstest::rstest;

use crate::oracle::Oracle;
use crate::sample::{Sample, Sink, assert_same, disks};
use crate::{Error, FileSource, InputFormat, Limits, OutputFormat, open, open_flat_vmdk, write};

const MIB: u64 = 1 << 20;

/// Noise, text, zeros and holes, and an end in the middle of a grain.
fn sample() -> Sample {
    Sample::empty(70 * MIB + 512 * 3)
        .with_noise(0, 300 * 512)
        .with_text(MIB + 512, 700_000)
        .with_zeros(3 * MIB, 1 << 20)
        .with_noise(5 * MIB - 512, 70_000)
        .with_text(70 * MIB - 512, 512 * 4)
}

#[rstest]
#[case("subformat=monolithicSparse")]
#[case("subformat=monolithicSparse,zeroed_grain=on")]
#[case("subformat=streamOptimized")]
fn what_qemu_writes_is_read(#[case] options: &str) {
    let arguments = ["-O", "vmdk", "-o", options];
    let warnings = Oracle::new().check_reading(&sample(), &arguments, InputFormat::Vmdk);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn a_flat_disk_is_read_from_its_two_files() {
    let (oracle, disk) = (Oracle::new(), sample());
    oracle.put_raw("wanted.raw", &disk);
    oracle.run(&[
        "convert",
        "-f",
        "raw",
        "-O",
        "vmdk",
        "-o",
        "subformat=monolithicFlat",
        "wanted.raw",
        "flat.vmdk",
    ]);
    let descriptor = fs::read(oracle.path("flat.vmdk")).unwrap();
    let extent = FileSource::new(File::open(oracle.path("flat-flat.vmdk")).unwrap()).unwrap();
    let found = open_flat_vmdk(&descriptor, Box::new(extent), &Limits::default()).unwrap();
    assert_eq!(found.warnings, Vec::<String>::new());
    assert_same(found.blocks.as_ref(), &disk);
}

#[rstest]
#[case(sample())]
#[case(Sample::empty(512))]
#[case(Sample::empty(512).with_noise(0, 512))]
#[case(Sample::empty(64 << 10).with_zeros(0, 64 << 10))]
#[case(Sample::empty(64 * MIB).with(0, vec![0xA5; 64 << 20]))]
#[case(Sample::empty(32 << 30).with_text((20 << 30) + 512, 100_000).with_noise((32 << 30) - 512, 512))]
fn what_is_written_qemu_reads(#[case] disk: Sample) {
    let oracle = Oracle::new();
    oracle.check_writing(&disk, OutputFormat::Vmdk, "vmdk");
    let said = oracle.run(&["check", "-f", "vmdk", "written"]);
    assert!(said.contains("No errors were found on the image."), "{said}");
}

fn round_trip(disk: &Sample) -> Result<(), Error> {
    let mut sink = Sink::default();
    write(OutputFormat::Vmdk, disk, [0xFF; 16], &mut sink)?;
    let found = open(InputFormat::Vmdk, Box::new(sink.bytes), &Limits::default())?;
    assert_eq!(found.warnings, Vec::<String>::new());
    assert_same(found.blocks.as_ref(), disk);
    Ok(())
}

#[test]
fn a_huge_disk_is_written_and_read_back() {
    let disk = Sample::empty(32 << 40).with_text((3 << 40) + 512, 100_000).with_noise((32 << 40) - 512, 512);
    round_trip(&disk).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(disk in disks(3 * MIB)) {
        round_trip(&disk).unwrap();
    }
}
