//! Images with random damage: refused or read, never more.

use proptest::prelude::*;

use super::image::{Image, SECTOR};
use crate::{InputFormat, Limits, open};

/// Limits under which nothing large can be asked for.
const LIMITS: Limits = Limits { virtual_bytes: 1 << 30, table_bytes: 1 << 20 };

/// Walks extents and reads the beginning of what opens.
fn exercise(bytes: Vec<u8>) -> Result<(), crate::Error> {
    let disk = open(InputFormat::Vmdk, Box::new(bytes), &LIMITS)?;
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

/// A place counted from the start or from the end, where headers, tables and footers are.
fn places() -> impl Strategy<Value = (bool, usize)> {
    (any::<bool>(), prop_oneof![0..128_usize, SECTOR..2 * SECTOR, 0..12 * SECTOR, 0..140 * SECTOR])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damage_never_panics(
        stream in any::<bool>(),
        damage in prop::collection::vec((places(), any::<u8>()), 1..8),
        cut in prop_oneof![Just(0), 0..20 * SECTOR],
    ) {
        let mut bytes = if stream { Image::stream().bytes } else { Image::sparse().bytes };
        let length = bytes.len();
        for ((from_end, at), value) in damage {
            let at = at % length;
            bytes[if from_end { length - 1 - at } else { at }] = value;
        }
        bytes.truncate(length - cut);
        // Either outcome is good; what counts is that there is one.
        drop(exercise(bytes));
    }
}
