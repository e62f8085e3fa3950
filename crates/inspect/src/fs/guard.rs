//! Keeps a reader that is not ours from ending the process or reading without end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bytes::as_u64;
use crate::tree::Error;
use crate::window::Window;

/// Most bytes that one call into such a reader may fetch: what it keeps of them is smaller.
const MOST_BYTES: u64 = 96 << 20;

/// A volume handed to such a reader, with an allowance for each call.
#[derive(Clone)]
pub(super) struct Lent<'a> {
    volume: Window<'a>,
    /// Steps charged for each 4 KiB, beside what reading itself costs.
    weight: u64,
    call: Arc<Mutex<Call>>,
}

struct Call {
    left: u64,
    /// The reader tells only that reading failed; this is why.
    stopped: Option<Error>,
}

/// Reading stopped; the reason is kept by [`Lent`].
#[derive(Debug)]
pub(super) struct Stopped;

impl<'a> Lent<'a> {
    pub(super) fn new(volume: Window<'a>, weight: u64) -> Self {
        Self { volume, weight, call: Arc::new(Mutex::new(Call { left: MOST_BYTES, stopped: None })) }
    }

    /// Reads as the reader asks.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Stopped> {
        let mut call = self.call();
        let read = match call.left.checked_sub(as_u64(buffer.len())) {
            Some(left) => {
                call.left = left;
                let work = self.weight * as_u64(buffer.len()).div_ceil(4096);
                self.volume.meter().step(work).and_then(|()| self.volume.read(offset, buffer))
            }
            None => Err(Error::Budget("bytes for one look at a file system")),
        };
        read.map_err(|error| {
            call.stopped = Some(error);
            Stopped
        })
    }

    /// Calls `reader` with a new allowance; a panic in it is told as damage, since only damaged bytes lead there.
    pub(super) fn during<T>(
        &self,
        what: &'static str,
        reader: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        *self.call() = Call { left: MOST_BYTES, stopped: None };
        // What the reader keeps between calls is bytes of the disk, which a panic cannot leave half changed.
        let answer = catch_unwind(AssertUnwindSafe(reader))
            .unwrap_or_else(|_panic| Err(Error::Damaged(format!("the {what} contradicts itself"))));
        answer.map_err(|error| self.call().stopped.take().unwrap_or(error))
    }

    fn call(&self) -> MutexGuard<'_, Call> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
