//! What galleries and image definitions may be called (azure-api 5.6).

use crate::Rejection;

const LONGEST_NAME: usize = 80;

/// Whether a name may hold dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dashes {
    Allowed,
    Refused,
}

/// Refuses a name of `what` ("gallery") that breaks the rule; `target` is the name's place.
pub(crate) fn check(name: &str, what: &str, target: &str, dashes: Dashes) -> Result<(), Rejection> {
    let (allowed, remark) = match dashes {
        Dashes::Allowed => ("letters, digits, underscores, periods and dashes", ""),
        Dashes::Refused => ("letters, digits, underscores and periods", " Dashes are not allowed."),
    };
    let shown: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let rule = format!(
        "It should hold 1 to {LONGEST_NAME} {allowed}, and begin and end with a letter or a digit.{remark}"
    );
    let fits = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || (c == '-' && dashes == Dashes::Allowed)
    };
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        return Err(Rejection::invalid(target, format!("The {what} name '{shown}' is invalid. {rule}")));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Rejection::invalid(target, format!("The {what} name '{shown}' is invalid. {rule}")));
    }
    if !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Rejection::invalid(
            target,
            format!("The {what} name '{shown}' has invalid trailing characters. {rule}"),
        ));
    }
    Ok(())
}
