//! What the things in galleries, and galleries, may be called (azure-api 5.4 to 5.6).

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

/// What may stand between the words of a name, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separators {
    Underscores,
    DashesPeriodsUnderscores,
}

/// Refuses a name that is not words of letters and digits with single separators between them.
pub(crate) fn check_words(
    name: &str,
    what: &str,
    target: &str,
    separators: Separators,
) -> Result<(), Rejection> {
    let (allowed, words) = match separators {
        Separators::Underscores => (&['_'][..], "an underscore"),
        Separators::DashesPeriodsUnderscores => (&['-', '.', '_'][..], "a dash, a period or an underscore"),
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    if name.len() <= LONGEST_NAME && name.split(allowed).all(is_word) {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let message = format!(
        "The {what} name '{shown}' is invalid. It should hold 1 to {LONGEST_NAME} letters and digits, with at most {words} between two of them."
    );
    Err(Rejection::invalid(target, message))
}
