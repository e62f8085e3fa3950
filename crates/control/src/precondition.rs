//! `If-Match` and `If-None-Match` (RFC 9110), before any rule sees the request.

use crate::{Error, Request, refusals};

/// Refuses a request whose conditions do not hold for what stands (`etag` of the row, if there is one).
///
/// # Errors
/// 412 `PreconditionFailed`, or 400 for conditions that are malformed or contradict each other.
pub(crate) fn check(request: &Request, etag: Option<&str>) -> Result<(), Error> {
    let (wants, wants_not) = (tags(&request.if_match)?, tags(&request.if_none_match)?);
    if !wants.is_empty() && !wants_not.is_empty() {
        return Err(refusals::invalid_content("If-Match and If-None-Match cannot be sent together.").into());
    }
    let names_it = |tags: &[Tag], is_it: fn(&Tag, &str) -> bool| {
        etag.is_some_and(|etag| tags.iter().any(|tag| is_it(tag, etag)))
    };
    if !wants.is_empty() && !names_it(&wants, Tag::is_strongly) {
        return Err(refusals::precondition_failed("The condition 'If-Match' does not hold: the resource has changed or does not exist. Read it again.").into());
    }
    if names_it(&wants_not, Tag::is_weakly) {
        return Err(refusals::precondition_failed(
            "The condition 'If-None-Match' does not hold: the resource exists.",
        )
        .into());
    }
    Ok(())
}

/// One entity tag of a condition.
enum Tag {
    Any,
    Strong(String),
    Weak(String),
}

impl Tag {
    /// Strong comparison: a weak tag is never the one that stands.
    fn is_strongly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Strong(tag) => tag == etag,
            Self::Weak(_) => false,
        }
    }

    /// Weak comparison, as `If-None-Match` asks for.
    fn is_weakly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Strong(tag) | Self::Weak(tag) => tag == etag,
        }
    }
}

fn tags(values: &[String]) -> Result<Vec<Tag>, Error> {
    let malformed = || {
        Error::from(refusals::invalid_content(
            "The If-Match or If-None-Match header is malformed. Send \"etag\" or *.",
        ))
    };
    let parts = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    parts.map(|part| tag(part).ok_or_else(malformed)).collect()
}

fn tag(text: &str) -> Option<Tag> {
    if text == "*" {
        return Some(Tag::Any);
    }
    let (is_weak, quoted) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let inner = Some(inner).filter(|inner| !inner.is_empty() && !inner.contains('"'))?.to_owned();
    Some(if is_weak { Tag::Weak(inner) } else { Tag::Strong(inner) })
}
