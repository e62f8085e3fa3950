//! Files under way: what was written is there, what was cleared is not, and nothing reaches past the end.

use std::collections::HashSet;
use std::io::ErrorKind;

use uuid::Uuid;

use super::Staging;

const MIB: u64 = 1 << 20;

#[test]
fn what_was_written_is_read_and_what_was_cleared_takes_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let name = Uuid::from_u128(1);
    let staged = staging.create(name, 8 * MIB).unwrap();
    assert_eq!(staged.next_data(0).unwrap(), None);
    staged.write(4 * MIB, &[7; 1 << 16]).unwrap();
    staged.write(MIB, &[9; 1 << 16]).unwrap();
    staged.sync().unwrap();
    assert_eq!(staged.next_data(0).unwrap(), Some(MIB..MIB + (1 << 16)));
    staged.clear(MIB, 1 << 16).unwrap();
    let again = staging.get(name).unwrap();
    assert_eq!(again.next_data(0).unwrap(), Some(4 * MIB..4 * MIB + (1 << 16)));
    let mut bytes = [1; 4];
    again.read(MIB, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
    again.read(4 * MIB, &mut bytes).unwrap();
    assert_eq!(bytes, [7; 4]);
    again.resize(MIB).unwrap();
    assert_eq!(staged.size_bytes().unwrap(), MIB);
}

#[test]
fn nothing_reaches_past_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let staged = Staging::open(folder.path()).unwrap().create(Uuid::from_u128(1), MIB).unwrap();
    for offset in [MIB - 1, MIB, u64::MAX] {
        assert_eq!(staged.write(offset, &[1, 2]).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(staged.clear(offset, 2).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(staged.size_bytes().unwrap(), MIB);
    assert_eq!(staged.next_data(0).unwrap(), None);
}

#[test]
fn only_what_is_named_stays() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let (kept, orphan) = (Uuid::from_u128(1), Uuid::from_u128(2));
    staging.create(kept, 512).unwrap();
    staging.create(orphan, 512).unwrap();
    assert_eq!(staging.create(kept, 512).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let found = staging.names().unwrap();
    // Made since the files were listed: nobody's yet.
    let fresh = Uuid::from_u128(3);
    staging.create(fresh, 512).unwrap();
    assert_eq!(staging.keep_only(&found, &HashSet::from([kept])).unwrap(), 1);
    assert_eq!(staging.names().unwrap(), HashSet::from([kept, fresh]));
    staging.remove(kept).unwrap();
    staging.remove(kept).unwrap();
    assert_eq!(staging.get(kept).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_no_row_can_name_yet_is_no_orphan() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let name = Uuid::from_u128(1);
    let unnamed = staging.clone().unnamed(name);
    staging.create(name, 512).unwrap();
    assert_eq!(staging.names().unwrap(), HashSet::new());
    drop(unnamed);
    assert_eq!(staging.names().unwrap(), HashSet::from([name]));
}
