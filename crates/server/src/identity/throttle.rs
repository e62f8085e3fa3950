//! Slows down guessing: so many tries per account and minute, then a pause.
//!
//! A try counts from its beginning, so that many at once are no way around the limit. Accounts that
//! do not exist share one count, which bounds the memory by the size of the directory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// Wrong secrets an account may be offered within one window.
pub(super) const TRIES: u32 = 10;
/// The length of a window, in seconds.
pub(super) const WINDOW_SECONDS: i64 = 60;

/// Whose secret is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Account {
    /// A service principal or a user, by object id.
    Known(Uuid),
    /// Nobody the directory knows.
    Unknown,
}

/// Counts the tries of each account.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    windows: Mutex<HashMap<Account, Window>>,
}

#[derive(Debug)]
struct Window {
    tries: u32,
    ends: i64,
}

impl Throttle {
    /// Counts a try at `now` (seconds since 1970); beyond the limit, says how many seconds to wait.
    pub(super) fn begin(&self, account: Account, now: i64) -> Result<(), i64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(account).or_insert(Window { tries: 0, ends: 0 });
        if window.ends <= now {
            *window = Window { tries: 0, ends: now.saturating_add(WINDOW_SECONDS) };
        }
        if window.tries >= TRIES {
            return Err(window.ends.saturating_sub(now));
        }
        window.tries += 1;
        Ok(())
    }

    /// The secret was right: earlier tries are forgiven.
    pub(super) fn succeeded(&self, account: Account) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }
}
