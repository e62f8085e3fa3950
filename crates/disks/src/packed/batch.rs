//! Compressing the units of a disk on two threads, and handing them on in order.

use std::thread;

use crate::units::{EachUnit, for_each_unit};
use crate::{Blocks, Error};

/// How many bytes of units are compressed at a time: enough to be worth a thread, little to hold.
const BATCH_BYTES: usize = 4 << 20;

/// What is done with the index, the bytes and the compressed bytes of one unit.
pub(crate) type EachPacked<'a> = dyn FnMut(u64, &[u8], &[u8]) -> Result<(), Error> + 'a;

/// Compresses one unit at a time.
pub(crate) trait Pack: Send {
    /// Puts the compressed `plain` into `packed`, which is empty; leaving it empty means that it did not pay.
    fn pack(&mut self, index: u64, plain: &[u8], packed: &mut Vec<u8>) -> Result<(), Error>;
}

#[derive(Default)]
struct Unit {
    index: u64,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

/// Calls `each` with index, bytes and compressed bytes of every unit that is not zero, in order.
///
/// `packers` work side by side; their buffers are reused.
pub(crate) fn pack_units(
    blocks: &dyn Blocks,
    unit_bytes: usize,
    packers: &mut [Box<dyn Pack>; 2],
    each: &mut EachPacked<'_>,
) -> Result<(), Error> {
    let capacity = (BATCH_BYTES / unit_bytes.max(1)).max(2);
    let mut batch: Vec<Unit> = Vec::new();
    batch.resize_with(capacity, Unit::default);
    let mut filled = 0;
    let collect: &mut EachUnit<'_> = &mut |index, plain| {
        if filled == capacity {
            emit(&mut batch, packers, each)?;
            filled = 0;
        }
        let unit = &mut batch[filled];
        unit.index = index;
        unit.plain.clear();
        unit.plain.extend_from_slice(plain);
        filled += 1;
        Ok(())
    };
    for_each_unit(blocks, unit_bytes, collect)?;
    emit(&mut batch[..filled], packers, each)
}

fn emit(
    batch: &mut [Unit],
    packers: &mut [Box<dyn Pack>; 2],
    each: &mut EachPacked<'_>,
) -> Result<(), Error> {
    let (first, second) = batch.split_at_mut(batch.len() / 2);
    let [here, there] = packers;
    thread::scope(|scope| {
        let other = scope.spawn(|| pack_all(first, there));
        let this = pack_all(second, here);
        let other = other.join().map_err(|_panic| {
            Error::Io(std::io::Error::other("a compressing thread ended before its work was done"))
        })?;
        other.and(this)
    })?;
    batch.iter().try_for_each(|unit| each(unit.index, &unit.plain, &unit.packed))
}

fn pack_all(units: &mut [Unit], packer: &mut Box<dyn Pack>) -> Result<(), Error> {
    units.iter_mut().try_for_each(|unit| {
        unit.packed.clear();
        packer.pack(unit.index, &unit.plain, &mut unit.packed)
    })
}
