//! Raw images: their sizes, their holes, and what `qemu-img` makes of them.

use std::io;

use proptest::prelude::*;
use rstest::rstest;

use crate::oracle::Oracle;
use crate::sample::{Sample, Sink, assert_same, disks};
use crate::{Extent, ExtentKind, InputFormat, Limits, OutputFormat, ReadAt, Reason, open, write};

const MIB: u64 = 1 << 20;

#[rstest]
#[case::nothing(0, Reason::ImageEmpty)]
#[case::a_byte(1, Reason::ImageSizeNotAligned)]
#[case::a_sector_less_a_byte(511, Reason::ImageSizeNotAligned)]
#[case::sectors_and_some(4 * 512 + 13, Reason::ImageSizeNotAligned)]
fn a_size_that_is_no_disk_is_refused(#[case] length: usize, #[case] reason: Reason) {
    let error = open(InputFormat::Raw, Box::new(vec![1; length]), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), Some(reason), "{error}");
}

#[test]
fn a_size_that_is_not_whole_mib_is_a_warning() {
    let warnings = |length: usize| {
        open(InputFormat::Raw, Box::new(vec![1; length]), &Limits::default()).unwrap().warnings
    };
    assert_eq!(warnings(4 << 20), Vec::<String>::new());
    assert_eq!(warnings((4 << 20) + 512).len(), 1);
}

/// A source that promises a length and has nothing.
struct Promise(u64);

impl ReadAt for Promise {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    fn read_exact_at(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<()> {
        panic!("read before the limit was checked");
    }
}

#[test]
fn a_length_over_the_limit_is_refused_before_reading() {
    for length in [64 << 40, (32 << 40) + 1, u64::MAX] {
        let error = open(InputFormat::Raw, Box::new(Promise(length)), &Limits::default()).unwrap_err();
        assert_eq!(error.reason(), Some(Reason::ImageLimitExceeded));
    }
}

#[test]
fn reading_past_the_end_is_refused() {
    let disk = open(InputFormat::Raw, Box::new(vec![1; 1024]), &Limits::default()).unwrap();
    disk.blocks.read_at(1023, &mut [0; 2]).unwrap_err();
    disk.blocks.read_at(u64::MAX, &mut [0; 2]).unwrap_err();
    disk.blocks.extent_at(1024).unwrap_err();
}

/// A source whose idea of its data is nonsense.
struct Confused(Option<(u64, u64)>);

impl ReadAt for Confused {
    fn length(&self) -> io::Result<u64> {
        Ok(4096)
    }

    fn read_exact_at(&self, buffer: &mut [u8], _offset: u64) -> io::Result<()> {
        buffer.fill(1);
        Ok(())
    }

    fn next_data(&self, _offset: u64) -> io::Result<Option<(u64, u64)>> {
        Ok(self.0)
    }
}

#[rstest]
#[case::before(Some((0, 512)), 3072, ExtentKind::Data)]
#[case::empty(Some((1024, 1024)), 3072, ExtentKind::Data)]
#[case::backwards(Some((1024, 0)), 3072, ExtentKind::Data)]
#[case::too_long(Some((0, u64::MAX)), 3072, ExtentKind::Data)]
#[case::behind_the_end(Some((8192, 9000)), 3072, ExtentKind::Zero)]
#[case::none(None, 3072, ExtentKind::Zero)]
fn an_extent_stays_on_the_disk_whatever_the_source_says(
    #[case] data: Option<(u64, u64)>,
    #[case] length: u64,
    #[case] kind: ExtentKind,
) {
    let disk = open(InputFormat::Raw, Box::new(Confused(data)), &Limits::default()).unwrap();
    assert_eq!(disk.blocks.extent_at(1024).unwrap(), Extent { length, kind });
}

#[test]
fn the_holes_of_a_file_are_known_and_kept() {
    let oracle = Oracle::new();
    let disk = Sample::empty(64 * MIB).with_noise(16 * MIB, 4 << 20).with_zeros(32 * MIB, 1 << 20);
    oracle.put_raw("sparse.raw", &disk);
    let found = oracle.open(InputFormat::Raw, "sparse.raw").unwrap();
    assert_same(found.blocks.as_ref(), &disk);
    let extent = found.blocks.extent_at(0).unwrap();
    assert_eq!(extent, Extent { length: 16 * MIB, kind: ExtentKind::Zero });
    oracle.check_writing(&disk, OutputFormat::Raw, "raw");
    let written = oracle.open(InputFormat::Raw, "written").unwrap();
    let extent = written.blocks.extent_at(20 * MIB).unwrap();
    assert_eq!(extent, Extent { length: 44 * MIB, kind: ExtentKind::Zero }, "zeros became a hole");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_disk_survives_the_round_trip(disk in disks(6 * MIB)) {
        let mut sink = Sink::default();
        write(OutputFormat::Raw, &disk, [0; 16], &mut sink).unwrap();
        prop_assert_eq!(disk.hole_bytes_read(), 0, "holes are not read");
        let found = open(InputFormat::Raw, Box::new(sink.bytes), &Limits::default()).unwrap();
        assert_same(found.blocks.as_ref(), &disk);
    }
}
