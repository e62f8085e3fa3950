//! Images with random damage: refused or read, never more.

use proptest::prelude::*;

use super::image::{END, Image};
use crate::{InputFormat, Limits, open};

/// Limits under which nothing large can be asked for.
const LIMITS: Limits = Limits { virtual_bytes: 1 << 30, table_bytes: 1 << 20 };

/// Walks extents and reads the beginning of what opens.
fn exercise(bytes: Vec<u8>) -> Result<(), crate::Error> {
    let disk = open(InputFormat::Qcow2, Box::new(bytes), &LIMITS)?;
    let size = disk.blocks.size_bytes();
    let mut offset = 0;
    for _ in 0..1000 {
        if offset >= size {
            break;
        }
        let extent = disk.blocks.extent_at(offset)?;
        assert!(extent.length > 0 && offset + extent.length <= size);
        let mut part = vec![0; usize::try_from(extent.length.min(70_000)).unwrap()];
        disk.blocks.read_at(offset, &mut part)?;
        offset += extent.length;
    }
    assert!(disk.blocks.read_at(size, &mut [0]).is_err());
    assert!(disk.blocks.extent_at(u64::MAX).is_err());
    Ok(())
}

/// A place in the file: half of the time in the header, otherwise in any of the tables.
fn places() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..128_usize,
        (1..5_usize, 0..64_usize).prop_map(|(cluster, byte)| cluster * 4096 + byte),
        0..END
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damage_never_panics(
        zstd in any::<bool>(),
        damage in prop::collection::vec((places(), any::<u8>()), 1..8),
        length in prop_oneof![Just(END), 0..END],
    ) {
        let mut image = if zstd { Image::zstd() } else { Image::new() };
        for (at, value) in damage {
            image.put(at, &[value]);
        }
        image.bytes.truncate(length);
        // Either outcome is good; what counts is that there is one.
        drop(exercise(image.bytes));
    }
}
