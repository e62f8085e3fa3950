//! Files side by side as one disk: each where the row says, zeros between, nothing beyond.

use std::io;

use disks::{Blocks, ReadAt};
use rstest::rstest;
use serde_json::json;

use super::{BOUNDARY_BYTES, Bundle, MOST_BYTES, Text};
use crate::job::Stop;

fn bundle() -> Bundle {
    let mut bundle = Bundle::default();
    bundle.add("package", Box::new(Text(vec![1; 5]))).unwrap();
    bundle.add("configuration", Box::new(Text(vec![2; 4097]))).unwrap();
    bundle
}

#[test]
fn each_file_begins_at_a_boundary() {
    let bundle = bundle();
    assert_eq!(bundle.size_bytes(), 3 * BOUNDARY_BYTES);
    let files = json!([
        {"name": "package", "offset": 0, "sizeBytes": 5},
        {"name": "configuration", "offset": 4096, "sizeBytes": 4097},
    ]);
    assert_eq!(bundle.files(), files);
    assert_eq!(bundle.extent_at(4000).unwrap().length, 3 * BOUNDARY_BYTES - 4000);
}

#[rstest]
#[case::start(0, &[1, 1, 1, 1, 1, 0])]
#[case::across(4094, &[0, 0, 2, 2])]
#[case::end_of_a_file(8191, &[2, 2, 0])]
#[case::end(12_286, &[0, 0])]
fn what_is_between_files_is_zeros(#[case] offset: u64, #[case] wanted: &[u8]) {
    let mut bytes = vec![9; wanted.len()];
    bundle().read_at(offset, &mut bytes).unwrap();
    assert_eq!(bytes, wanted);
}

#[rstest]
#[case(12_287, 2)]
#[case(12_288, 1)]
#[case(u64::MAX, 1)]
fn there_is_nothing_beyond_the_end(#[case] offset: u64, #[case] length: usize) {
    assert!(bundle().read_at(offset, &mut vec![0; length]).is_err());
    assert!(bundle().extent_at(12_288).is_err());
}

/// So many bytes, which nobody reads.
struct Long(u64);

impl ReadAt for Long {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    fn read_exact_at(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn a_file_may_be_as_large_as_a_package_and_no_larger() {
    let mut bundle = Bundle::default();
    bundle.add("package", Box::new(Long(MOST_BYTES))).unwrap();
    let Err(Stop::Failed(detail, _)) = bundle.add("package", Box::new(Long(MOST_BYTES + 1))) else {
        panic!("it is taken")
    };
    assert_eq!(detail.code, "GallerySourceResourceExceedsMaxSize");
}
