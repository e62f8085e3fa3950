//! The rule against a slow and obvious one.

use proptest::prelude::*;

use super::{Layout, Structure};
use crate::Reason;

#[test]
fn a_structure_that_ends_behind_every_file_is_truncated() {
    let error = Layout::new(vec![Structure::new("last", u64::MAX - 1, 2)]).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageTruncated));
}

proptest! {
    #[test]
    fn overlaps_are_found_wherever_they_are(
        structures in prop::collection::vec((0_u64..40, 1_u64..6), 0..4),
        starts in prop::collection::vec(0_u64..40, 0..5),
        block_bytes in 1_u64..6,
    ) {
        let end = 42;
        let blocks = starts.iter().map(|start| (*start, block_bytes));
        let ranges: Vec<(u64, u64)> = structures.iter().copied().chain(blocks).collect();
        let overlap = ranges.iter().enumerate().any(|(index, (a, a_length))| {
            ranges[index + 1..].iter().any(|(b, b_length)| *a < b + b_length && *b < a + a_length)
        });
        let outside = starts.iter().any(|start| start + block_bytes > end);
        let structures = structures.iter().map(|(start, length)| Structure::new("structure", *start, *length));
        let found = Layout::new(structures.collect()).and_then(|layout| layout.check_blocks(starts.into_iter(), block_bytes, end));
        prop_assert_eq!(found.is_err(), overlap || outside);
    }
}
