//! Conditional headers: what must hold of a blob before it is read or written ("Specifying conditional headers").

use jiff::Timestamp;
use providers::Rejection;

use super::blob::Blob;
use super::refusals;

/// What a request asks to hold first.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// `If-Match`: an etag with or without quotes, or `*`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
    /// `x-ms-if-sequence-number-le`.
    pub sequence_at_most: Option<u64>,
    /// `x-ms-if-sequence-number-lt`.
    pub sequence_below: Option<u64>,
    /// `x-ms-if-sequence-number-eq`.
    pub sequence_equals: Option<u64>,
}

/// Whether a condition guards a read or a write: a read that is not needed is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// 304 when nothing has changed.
    Read,
    /// 412.
    Write,
}

impl Conditions {
    /// Whether anything is asked.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.if_match.is_some()
            || self.if_none_match.is_some()
            || self.if_modified_since.is_some()
            || self.if_unmodified_since.is_some()
            || self.sequence_at_most.is_some()
            || self.sequence_below.is_some()
            || self.sequence_equals.is_some()
    }

    /// Refuses when the blob, which may not exist, is not as asked.
    ///
    /// # Errors
    /// 412, 304 for reads, 409 when a blob must not exist and does.
    pub fn check(&self, blob: Option<&Blob>, purpose: Purpose) -> Result<(), Rejection> {
        let names = |asked: &str| {
            asked
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/").trim_matches('"'))
                .any(|one| blob.is_some_and(|blob| one == "*" || one == blob.etag))
        };
        if self.if_match.as_deref().is_some_and(|asked| !names(asked)) {
            return Err(refusals::condition_not_met());
        }
        if let Some(asked) = self.if_none_match.as_deref().filter(|asked| names(asked)) {
            return Err(match purpose {
                Purpose::Read => refusals::not_modified(),
                Purpose::Write if asked.trim() == "*" => refusals::blob_exists(),
                Purpose::Write => refusals::condition_not_met(),
            });
        }
        let Some(blob) = blob else { return Ok(()) };
        // Headers tell whole seconds.
        let modified = blob.last_modified.as_second();
        if self.if_modified_since.is_some_and(|since| modified <= since.as_second()) {
            return Err(match purpose {
                Purpose::Read => refusals::not_modified(),
                Purpose::Write => refusals::condition_not_met(),
            });
        }
        if self.if_unmodified_since.is_some_and(|since| modified > since.as_second()) {
            return Err(refusals::condition_not_met());
        }
        let holds = self.sequence_at_most.is_none_or(|limit| blob.sequence <= limit)
            && self.sequence_below.is_none_or(|limit| blob.sequence < limit)
            && self.sequence_equals.is_none_or(|number| blob.sequence == number);
        if holds { Ok(()) } else { Err(refusals::sequence_not_met()) }
    }
}
