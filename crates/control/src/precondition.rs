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
    let names_it = |tags: &[String]| etag.is_some_and(|etag| tags.iter().any(|tag| tag == "*" || tag == etag));
    if !wants.is_empty() && !names_it(&wants) {
        return Err(refusals::precondition_failed("The condition 'If-Match' does not hold: the resource has changed or does not exist. Read it again.").into());
    }
    if names_it(&wants_not) {
        return Err(refusals::precondition_failed("The condition 'If-None-Match' does not hold: the resource exists.").into());
    }
    Ok(())
}

/// Whether the request is bound to one state of the resource, so that a lost race may not be tried again.
pub(crate) fn is_bound(request: &Request) -> bool {
    !request.if_match.is_empty() || !request.if_none_match.is_empty()
}

fn tags(values: &[String]) -> Result<Vec<String>, Error> {
    let malformed = || Error::from(refusals::invalid_content("The If-Match or If-None-Match header is malformed. Send \"etag\" or *."));
    let parts = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    parts
        .map(|part| match part {
            "*" => Ok("*".to_owned()),
            _ => {
                // A weak tag never matches strongly, and every write compares strongly.
                let inner = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let weak = part.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"'));
                match (inner, weak) {
                    (Some(tag), _) if !tag.is_empty() && !tag.contains('"') => Ok(tag.to_owned()),
                    (None, Some(tag)) if !tag.is_empty() => Ok(format!("W/{tag}")),
                    _ => Err(malformed()),
                }
            }
        })
        .collect()
}
