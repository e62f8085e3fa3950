//! Walking and writing sparsely.

use proptest::prelude::*;

use super::{for_each_unit, write_sparse};
use crate::sample::{Sample, Sink, disks};
use crate::{Blocks, Error};

/// The disk again, from its units.
fn rebuilt(disk: &Sample, unit_bytes: usize) -> Vec<u8> {
    let mut all = vec![0; disk.to_vec().len().next_multiple_of(unit_bytes)];
    let mut last = None;
    for_each_unit(disk, unit_bytes, &mut |index, bytes| {
        assert!(last < Some(index), "units come in order, each once");
        assert!(bytes.iter().any(|byte| *byte != 0), "units of zeros are left out");
        last = Some(index);
        let start = usize::try_from(index).unwrap() * unit_bytes;
        all[start..start + unit_bytes].copy_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    all.truncate(usize::try_from(disk.size_bytes()).unwrap());
    all
}

#[test]
fn a_failing_sink_ends_the_walk() {
    let disk = Sample::empty(8192).with_noise(0, 8192);
    let mut calls = 0;
    let outcome = for_each_unit(&disk, 4096, &mut |_, _| {
        calls += 1;
        Err(Error::corrupt("enough"))
    });
    outcome.unwrap_err();
    assert_eq!(calls, 1);
}

/// A sink that counts the bytes it is given.
#[derive(Default)]
struct Counting {
    sink: Sink,
    bytes: usize,
}

impl crate::WriteAt for Counting {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> std::io::Result<()> {
        self.bytes += data.len();
        self.sink.write_all_at(data, offset)
    }

    fn set_length(&mut self, bytes: u64) -> std::io::Result<()> {
        self.sink.set_length(bytes)
    }
}

#[test]
fn runs_of_zeros_are_not_written() {
    let mut bytes = vec![0; 1 << 20];
    bytes[200_000] = 1;
    bytes[900_000] = 2;
    let mut out = Counting::default();
    write_sparse(&mut out, &bytes, 512).unwrap();
    assert_eq!(out.bytes, 2 * 65_536);
    out.sink.bytes.resize(512 + (1 << 20), 0);
    assert!(out.sink.bytes[512..] == bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn units_hold_the_whole_disk(disk in disks(1 << 20), unit_bytes in prop::sample::select(vec![512_usize, 1536, 4096, 65_536, 1 << 20])) {
        prop_assert!(rebuilt(&disk, unit_bytes) == disk.to_vec());
        prop_assert_eq!(disk.hole_bytes_read(), 0, "holes are not read");
    }
}
