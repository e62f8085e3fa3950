//! The two halves of a disk, looked at side by side.

use std::thread;

use crate::Error;

/// Calls `look` with the start and the end of each half of a disk of `size_bytes`; the halves meet between two units.
///
/// Of two errors the one nearer to the start is told, so that a refusal reads the same each time.
pub(crate) fn side_by_side(
    size_bytes: u64,
    unit_bytes: u64,
    look: &(dyn Fn(u64, u64) -> Result<(), Error> + Sync),
) -> Result<(), Error> {
    let middle = (size_bytes / 2).next_multiple_of(unit_bytes).min(size_bytes);
    let (first, second) = thread::scope(|scope| {
        let other = scope.spawn(|| look(middle, size_bytes));
        let first = look(0, middle);
        (first, other.join())
    });
    first?;
    second.map_err(|_panic| {
        Error::Io(std::io::Error::other("a thread ended before its half of the disk was looked at"))
    })?
}
