//! What `qemu-img` writes is read, and what is written here `qemu-img` reads.

use proptest::prelude::*;
use rstest::rstest;

use crate::oracle::Oracle;
use crate::sample::{Sample, Sink, assert_same, disks};
use crate::{Error, InputFormat, Limits, OutputFormat, open, write};

const MIB: u64 = 1 << 20;

/// Noise, text, zeros and holes, and an end in the middle of a cluster.
fn sample() -> Sample {
    Sample::empty(9 * MIB + 512 * 3)
        .with_noise(0, 300 * 512)
        .with_text(MIB + 512, 700_000)
        .with_zeros(3 * MIB, 1 << 20)
        .with_noise(5 * MIB - 512, 70_000)
        .with_text(9 * MIB - 512, 512 * 4)
}

#[rstest]
#[case("plain", &[])]
#[case("cluster_size=512", &[])]
#[case("cluster_size=4k", &["-c"])]
#[case("cluster_size=2M", &[])]
#[case("cluster_size=2M", &["-c"])]
#[case("cluster_size=512", &["-c"])]
#[case("compression_type=zlib", &["-c"])]
#[case("compression_type=zstd", &["-c"])]
#[case("compression_type=zstd,cluster_size=2M", &["-c"])]
#[case("compression_type=zstd,cluster_size=512", &["-c"])]
#[case("compat=0.10", &[])]
#[case("compat=0.10", &["-c"])]
#[case("preallocation=metadata", &[])]
#[case("preallocation=full", &[])]
#[case("refcount_bits=1", &[])]
#[case("refcount_bits=2", &[])]
#[case("refcount_bits=64", &["-c"])]
#[case("lazy_refcounts=on", &[])]
fn what_qemu_writes_is_read(#[case] options: &str, #[case] compress: &[&str]) {
    let mut arguments = vec!["-O", "qcow2"];
    if options != "plain" {
        arguments.extend(["-o", options]);
    }
    arguments.extend(compress);
    let warnings = Oracle::new().check_reading(&sample(), &arguments, InputFormat::Qcow2);
    assert_eq!(warnings, Vec::<String>::new());
}

/// Makes an image, lets `qemu-img` change it, and compares what both read; returns the warnings.
fn check_changed(options: &str, changes: &[&[&str]]) -> Vec<String> {
    let oracle = Oracle::new();
    oracle.put_raw("wanted.raw", &sample());
    oracle.run(&["convert", "-f", "raw", "-O", "qcow2", "-o", options, "wanted.raw", "changed"]);
    for change in changes {
        oracle.run(change);
    }
    oracle.run(&["convert", "-f", "qcow2", "-O", "raw", "changed", "wanted.raw"]);
    let wanted = oracle.open(InputFormat::Raw, "wanted.raw").unwrap();
    let found = oracle.open(InputFormat::Qcow2, "changed").unwrap();
    assert_same(found.blocks.as_ref(), wanted.blocks.as_ref());
    found.warnings
}

#[rstest]
#[case::grown(&["resize", "-q", "-f", "qcow2", "changed", "40G"])]
#[case::shrunk(&["resize", "-q", "-f", "qcow2", "--shrink", "changed", "3080192"])]
#[case::rewritten(&["amend", "-f", "qcow2", "-o", "compat=0.10", "changed"])]
fn images_that_qemu_changed_are_read(
    #[case] change: &[&str],
    #[values("cluster_size=512", "cluster_size=64k")] options: &str,
) {
    assert_eq!(check_changed(options, &[change]), Vec::<String>::new());
}

#[test]
fn snapshots_and_bitmaps_are_left_behind_with_warnings() {
    let warnings = check_changed(
        "cluster_size=4k",
        &[
            &["snapshot", "-q", "-c", "first", "changed"],
            &["bitmap", "-f", "qcow2", "--add", "changed", "since-monday"],
            &["snapshot", "-q", "-c", "second", "changed"],
        ],
    );
    assert!(
        matches!(&warnings[..], [bitmaps, snapshots] if bitmaps.contains("bitmaps") && snapshots.contains("2 internal")),
        "{warnings:?}"
    );
}

fn check_writing(disk: &Sample) {
    let oracle = Oracle::new();
    oracle.check_writing(disk, OutputFormat::Qcow2, "qcow2");
    let said = oracle.run(&["check", "-f", "qcow2", "written"]);
    assert!(said.contains("No errors were found on the image."), "{said}");
}

#[test]
fn what_is_written_qemu_reads_and_finds_nothing_wrong_with() {
    check_writing(&sample());
}

#[rstest]
#[case(Sample::empty(512))]
#[case(Sample::empty(512).with_noise(0, 512))]
#[case(Sample::empty(64 << 10).with_zeros(0, 64 << 10))]
#[case(Sample::empty(4 << 40).with_text((3 << 40) + 512, 100_000).with_noise((4 << 40) - 512, 512))]
#[case(Sample::empty(40 * MIB).with(0, vec![0xA5; 40 << 20]))]
fn odd_disks_are_written(#[case] disk: Sample) {
    check_writing(&disk);
}

#[test]
fn many_small_compressed_clusters_count_well() {
    // Alternating text and noise: the packed clusters have gaps to fill.
    let mut disk = Sample::empty(24 * MIB);
    for index in 0..150 {
        let offset = index * 160 * 1024;
        disk = if index % 2 == 0 { disk.with_text(offset, 120_000) } else { disk.with_noise(offset, 90_000) };
    }
    check_writing(&disk);
}

fn round_trip(disk: &Sample) -> Result<(), Error> {
    let mut sink = Sink::default();
    write(OutputFormat::Qcow2, disk, [0; 16], &mut sink)?;
    let found = open(InputFormat::Qcow2, Box::new(sink.bytes), &Limits::default())?;
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
