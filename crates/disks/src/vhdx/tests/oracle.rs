//! Both ways between our reader and writer, and `qemu-img`.

use std::fs::File;

use proptest::prelude::*;
use rstest::rstest;

use super::{MIB, image, open_bytes, sample, written};
use crate::oracle::Oracle;
use crate::sample::{Sample, assert_same, disks};
use crate::{ExtentKind, InputFormat, OutputFormat, write};

#[test]
fn what_we_write_we_read() {
    let disk = sample();
    let found = open_bytes(written(&disk)).unwrap();
    assert_same(found.blocks.as_ref(), &disk);
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn blocks_of_zeros_are_not_stored() {
    assert_eq!(image().len(), (4 + 4) << 20, "four blocks behind header, log, metadata and table");
    let disk = open_bytes(image()).unwrap();
    let extent = disk.blocks.extent_at(3 * MIB).unwrap();
    assert_eq!((extent.kind, extent.length), (ExtentKind::Zero, 4 * MIB));
}

#[test]
fn reading_past_the_end_is_refused() {
    let disk = open_bytes(image()).unwrap();
    disk.blocks.read_at(8 * MIB - 1, &mut [0; 2]).unwrap_err();
    disk.blocks.read_at(u64::MAX, &mut [0; 2]).unwrap_err();
    disk.blocks.extent_at(8 * MIB).unwrap_err();
}

/// Behind 4 GiB the table's first entry for a sector bitmap is passed.
#[rstest]
fn qemu_reads_what_we_write(#[values(512, 8 * MIB, 8 * MIB + 512, 4096 * MIB, 5000 * MIB)] size_bytes: u64) {
    let oracle = Oracle::new();
    let mut disk = Sample::empty(size_bytes).with_noise(0, 512);
    if size_bytes > MIB {
        disk = disk.with_noise(size_bytes - 70_144, 70_144);
    }
    if size_bytes > 4096 * MIB {
        disk = disk.with_text(4096 * MIB - 100_000, 200_000);
    }
    oracle.check_writing(&disk, OutputFormat::Vhdx, "vhdx");
    oracle.run(&["check", "-f", "vhdx", "written"]);
    let found = oracle.open(InputFormat::Vhdx, "written").unwrap();
    assert_same(found.blocks.as_ref(), &disk);
}

/// Too large to be read through by `qemu-img`, which does not know its holes: its check has to do.
#[test]
fn a_disk_beyond_1_tib_has_larger_blocks() {
    let oracle = Oracle::new();
    let disk = Sample::empty((1 << 40) + 1536).with_noise(0, 512).with_text(1 << 40, 1536);
    let mut file = File::create(oracle.path("large.vhdx")).unwrap();
    let length = write(OutputFormat::Vhdx, &disk, [7; 16], &mut file).unwrap();
    assert_eq!(length, (3 + 5 + 2 * 2) * MIB, "two blocks of 2 MiB behind a table of 5 MiB");
    oracle.run(&["check", "-f", "vhdx", "large.vhdx"]);
    assert_same(oracle.open(InputFormat::Vhdx, "large.vhdx").unwrap().blocks.as_ref(), &disk);
}

#[rstest]
fn we_read_what_qemu_writes(
    #[values(
        "subformat=dynamic",
        "subformat=fixed",
        "subformat=dynamic,block_size=1M",
        "block_size=16M,block_state_zero=off"
    )]
    options: &str,
    #[values(512, 8 * MIB, 8 * MIB + 512, 100 * MIB)] size_bytes: u64,
) {
    let disk = Sample::empty(size_bytes).with_noise(0, 512);
    let disk =
        if size_bytes > MIB { disk.with_text(3 * MIB, 3 << 20).with_noise(7 * MIB, 9999) } else { disk };
    let warnings = Oracle::new().check_reading(&disk, &["-O", "vhdx", "-o", options], InputFormat::Vhdx);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn we_read_what_qemu_writes_behind_the_first_sector_bitmap() {
    let disk =
        Sample::empty(5000 * MIB).with_text(4096 * MIB - 100_000, 200_000).with_noise(4999 * MIB, 4096);
    Oracle::new().check_reading(&disk, &["-O", "vhdx", "-o", "block_size=1M"], InputFormat::Vhdx);
}

#[test]
fn blocks_that_qemu_wrote_out_of_order_are_found() {
    let oracle = Oracle::new();
    oracle.create_and_scribble("vhdx", "block_size=1M", "scribbled.vhdx");
    oracle.check_agreement("vhdx", InputFormat::Vhdx, "scribbled.vhdx");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_disk_survives_the_round_trip(disk in disks(6 * MIB)) {
        let image = written(&disk);
        prop_assert_eq!(disk.hole_bytes_read(), 0, "holes are not read");
        assert_same(open_bytes(image).unwrap().blocks.as_ref(), &disk);
    }
}
