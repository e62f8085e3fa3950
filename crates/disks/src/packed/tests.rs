//! Remembering, lending, and compressing in order.

use std::sync::Arc;

use rstest::rstest;

use super::{Pack, Pool, Recent, pack_units};
use crate::Error;
use crate::sample::Sample;

#[test]
fn the_least_recent_value_is_forgotten_first() {
    let recent: Recent<u64> = Recent::new(2);
    let mut loads = Vec::new();
    for key in [1, 2, 1, 3, 1, 2, 3] {
        let value = recent.get_or_load(key, || {
            loads.push(key);
            Ok(Arc::new(key * 10))
        });
        assert_eq!(*value.unwrap(), key * 10);
    }
    assert_eq!(loads, [1, 2, 3, 2, 3]);
}

#[test]
fn what_cannot_be_loaded_is_not_remembered() {
    let recent: Recent<u64> = Recent::new(2);
    assert!(recent.get_or_load(1, || Err(Error::corrupt("no"))).is_err());
    assert_eq!(*recent.get_or_load(1, || Ok(Arc::new(7))).unwrap(), 7);
}

#[test]
fn what_was_lent_is_lent_again() {
    let pool = Pool::new();
    let mut made = 0;
    for _ in 0..3 {
        let outcome = pool.lend(
            || {
                made += 1;
                Ok(0)
            },
            |lent| {
                *lent += 1;
                Ok(*lent)
            },
        );
        assert!(outcome.is_ok());
    }
    assert_eq!(made, 1);
}

/// "Compresses" to the index and the first byte; fails at one index.
struct Summary {
    fails_at: u64,
}

impl Pack for Summary {
    fn pack(&mut self, index: u64, plain: &[u8], packed: &mut Vec<u8>) -> Result<(), Error> {
        assert!(packed.is_empty());
        if index == self.fails_at {
            return Err(Error::corrupt("this one"));
        }
        packed.extend([u8::try_from(index % 256).unwrap(), plain[0]]);
        Ok(())
    }
}

fn packers(fails_at: u64) -> [Box<dyn Pack>; 2] {
    [Box::new(Summary { fails_at }), Box::new(Summary { fails_at })]
}

/// More units than one batch holds, each second one a hole.
fn disk() -> Sample {
    let mut disk = Sample::empty(12 << 20);
    for index in 0..96 {
        disk = disk.with(index * 2 * 65536, vec![u8::try_from(index).unwrap() + 1; 65536]);
    }
    disk
}

#[test]
fn units_come_compressed_and_in_order() {
    let mut seen = 0;
    pack_units(&disk(), 65536, &mut packers(u64::MAX), &mut |index, plain, packed| {
        assert_eq!(index, seen * 2);
        assert_eq!(packed, [u8::try_from(index % 256).unwrap(), plain[0]]);
        seen += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 96);
}

#[rstest]
fn a_unit_that_fails_ends_the_work(#[values(0, 62, 64, 126, 190)] fails_at: u64) {
    let outcome = pack_units(&disk(), 65536, &mut packers(fails_at), &mut |_, _, _| Ok(()));
    assert!(outcome.is_err());
}
