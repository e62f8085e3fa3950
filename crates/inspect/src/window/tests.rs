//! Windows over a disk that counts how often it is read.

use std::sync::atomic::{AtomicU64, Ordering};

use disks::Extent;
use rstest::rstest;

use super::*;

/// Every byte tells where it stands; the last MiB is a hole.
struct Counting {
    reads: AtomicU64,
}

const SIZE: u64 = (4 << 20) + 512;
const DATA: u64 = 3 << 20;

fn byte(at: u64) -> u8 {
    if at < DATA { u8::try_from(at * 7 / 512 % 251).unwrap() } else { 0 }
}

impl Blocks for Counting {
    fn size_bytes(&self) -> u64 {
        SIZE
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        for (at, into) in (offset..).zip(buffer) {
            *into = byte(at);
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        let (kind, end) = if offset < DATA { (ExtentKind::Data, DATA) } else { (ExtentKind::Zero, SIZE) };
        Ok(Extent { length: end - offset, kind })
    }
}

fn disk() -> Counting {
    Counting { reads: AtomicU64::new(0) }
}

fn expected(ranges: &[(u64, u64)]) -> Vec<u8> {
    ranges.iter().flat_map(|(at, length)| (*at..at + length).map(byte)).collect()
}

#[rstest]
#[case(0, 10)]
#[case((64 << 10) - 3, 70_000)]
#[case(DATA - 100, 200)]
#[case(SIZE - 600, 600)]
fn a_read_gives_what_the_disk_has(#[case] offset: u64, #[case] length: u64) {
    let disk = disk();
    let window = Window::whole(&disk, Budget::default());
    assert!(window.bytes(offset, length).unwrap() == expected(&[(offset, length)]));
}

#[test]
fn parts_are_joined_in_any_order() {
    let disk = disk();
    let whole = Window::whole(&disk, Budget::default());
    let part = |offset, length| whole.part(offset, length).unwrap();
    let joined =
        whole.joined(&[part(100_000, 50_000), part(1000, 2000), part(3000, 1000), part(DATA - 10, 20)]);
    let all = [(100_000, 50_000), (1000, 3000), (DATA - 10, 20)];
    assert_eq!(joined.size_bytes(), 53_020);
    assert!(joined.bytes(0, 53_020).unwrap() == expected(&all));
    let inside = joined.part(49_990, 3015).unwrap();
    assert!(inside.bytes(5, 3010).unwrap() == expected(&[(149_995, 5), (1000, 3000), (DATA - 10, 5)]));
    assert_eq!(
        (inside.on_disk(10), inside.on_disk(3014), inside.on_disk(3015)),
        (Some(1000), Some(DATA - 6), None)
    );
}

#[rstest]
#[case(SIZE, 1)]
#[case(0, SIZE + 1)]
#[case(u64::MAX, 1)]
#[case(1, u64::MAX)]
fn nothing_reaches_outside(#[case] offset: u64, #[case] length: u64) {
    let disk = disk();
    let window = Window::whole(&disk, Budget::default());
    assert!(window.part(offset, length).is_none());
    assert!(matches!(window.bytes(offset, length), Err(Error::Damaged(_))));
}

#[test]
fn a_second_read_and_a_hole_fetch_nothing() {
    let disk = disk();
    let window = Window::whole(&disk, Budget::default());
    for _ in 0..3 {
        window.bytes(1000, 1000).unwrap();
        window.bytes(DATA + 1000, 1000).unwrap();
    }
    assert_eq!(disk.reads.load(Ordering::Relaxed), 1);
    assert_eq!(window.meter().used(), Budget { read_bytes: PAGE_BYTES, entries: 0, work: 6 });
}

#[rstest]
#[case(Budget { read_bytes: 100_000, ..Budget::default() }, "bytes read")]
#[case(Budget { work: 3, ..Budget::default() }, "steps")]
fn what_is_over_the_budget_is_refused(#[case] budget: Budget, #[case] what: &'static str) {
    let disk = disk();
    let window = Window::whole(&disk, budget);
    window.bytes(0, 10).unwrap();
    assert_eq!(window.bytes(1 << 20, 100_000), Err(Error::Budget(what)));
    assert_eq!(window.bytes(2 << 20, 1), Err(Error::Budget(what)));
}
