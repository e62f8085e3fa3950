//! `api-version` values: a date, perhaps with a suffix such as `-preview`.

use std::fmt;
use std::str::FromStr;

/// A well-formed api-version, ordered by date; previews sort before the release of the same date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    date: String,
    // `~` sorts after every letter, so a plain date comes after its previews.
    suffix: String,
}

impl ApiVersion {
    /// The calendar date, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Whether it carries a suffix such as `-preview`.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.suffix != "~"
    }
}

/// The text is no api-version.
#[derive(Debug, thiserror::Error)]
#[error("The api-version '{0}' is invalid. It should have the form YYYY-MM-DD or YYYY-MM-DD-preview.")]
pub struct ApiVersionError(String);

impl FromStr for ApiVersion {
    type Err = ApiVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ApiVersionError(text.chars().filter(|c| !c.is_control()).take(64).collect());
        if !text.is_ascii() || text.len() < 10 || text.len() > 40 {
            return Err(refused());
        }
        let (date, rest) = text.split_at(10);
        let digits = |range: std::ops::Range<usize>| date[range].bytes().all(|b| b.is_ascii_digit());
        let dated = digits(0..4) && digits(5..7) && digits(8..10) && &date[4..5] == "-" && &date[7..8] == "-";
        let month_and_day = ("01"..="12").contains(&&date[5..7]) && ("01"..="31").contains(&&date[8..10]);
        let suffix = match rest.strip_prefix('-') {
            None if rest.is_empty() => "~".to_owned(),
            Some(word)
                if !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
            {
                word.to_ascii_lowercase()
            }
            _ => return Err(refused()),
        };
        if !(dated && month_and_day) {
            return Err(refused());
        }
        Ok(Self { date: date.to_owned(), suffix })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.date)?;
        if self.is_preview() { write!(f, "-{}", self.suffix) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::ApiVersion;

    #[test]
    fn previews_come_before_their_release() {
        let order = ["2023-07-03", "2024-03-03-preview", "2024-03-03", "2025-01-01"]
            .map(|text| text.parse::<ApiVersion>().unwrap());
        assert!(order.is_sorted());
        assert_eq!(order[1].to_string(), "2024-03-03-preview");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "latest",
            "2024-3-3",
            "2024-13-01",
            "2024-01-32",
            "2024-01-01x",
            "2024-01-01-",
            "2024-01-01\0",
        ] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text:?} was accepted");
        }
    }
}
