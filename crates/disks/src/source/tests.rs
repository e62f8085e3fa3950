//! Files and buffers as sources.

use std::fs::File;
use std::io;

use proptest::prelude::*;

use super::{FileSource, ReadAt, WriteAt};

#[test]
fn a_buffer_gives_what_it_has_and_no_more() {
    let buffer = vec![1_u8, 2, 3, 4];
    let mut two = [0; 2];
    buffer.read_exact_at(&mut two, 2).unwrap();
    assert_eq!(two, [3, 4]);
    for offset in [3, 4, 5, u64::MAX] {
        let error = buffer.read_exact_at(&mut two, offset).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
    assert_eq!(buffer.length().unwrap(), 4);
    assert_eq!(buffer.next_data(1).unwrap(), Some((1, 4)));
    assert_eq!(buffer.next_data(4).unwrap(), None);
}

#[test]
fn only_a_regular_file_is_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let error = FileSource::new(File::open(folder.path()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    FileSource::new(File::open("/dev/null").unwrap()).unwrap_err();
}

#[test]
fn a_file_of_holes_has_no_data() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 30).unwrap();
    let source = FileSource::new(file).unwrap();
    assert_eq!(source.length().unwrap(), 1 << 30);
    assert_eq!(source.next_data(0).unwrap(), None);
    assert_eq!(source.next_data(u64::MAX).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn walking_the_data_of_a_file_meets_every_byte_written(runs in prop::collection::vec((0_u64..4 << 20, 1_usize..9000), 0..6)) {
        let mut file = tempfile::tempfile().unwrap();
        file.set_length(5 << 20).unwrap();
        let mut wanted = vec![0_u8; 5 << 20];
        for (offset, length) in runs {
            WriteAt::write_all_at(&mut file, &vec![7; length], offset).unwrap();
            let start = usize::try_from(offset).unwrap();
            wanted[start..start + length].fill(7);
        }
        let source = FileSource::new(file).unwrap();
        let mut found = vec![0_u8; 5 << 20];
        let mut offset = 0;
        while let Some((start, end)) = source.next_data(offset).unwrap() {
            prop_assert!(offset <= start && start < end && end <= 5 << 20);
            let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
            source.read_exact_at(&mut found[range], start).unwrap();
            offset = end;
        }
        prop_assert!(found == wanted);
    }
}
