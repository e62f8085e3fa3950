//! Image version names: three numbers, ordered as numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `Major.Minor.Patch`, each 0 to 2147483647 without leading zeros; 1.0.10 comes after 1.0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionName {
    major: u32,
    minor: u32,
    patch: u32,
}

const LARGEST_PART: u32 = 2_147_483_647;

impl VersionName {
    /// The first version `publish --version next` makes in an empty definition.
    pub const FIRST: Self = Self { major: 1, minor: 0, patch: 0 };

    /// The version with the next patch number; `None` when that number is used up.
    #[must_use]
    pub fn next_patch(self) -> Option<Self> {
        (self.patch < LARGEST_PART).then(|| Self { patch: self.patch + 1, ..self })
    }

    /// Text that sorts as the numbers do.
    #[must_use]
    pub fn sort_key(self) -> String {
        format!("{:010}.{:010}.{:010}", self.major, self.minor, self.patch)
    }
}

/// The text is no version name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VersionNameError {
    /// Not three numbers.
    #[error(
        "The image version name '{0}' is invalid. The name should follow Major(int).Minor(int).Patch(int) format, for example: 1.0.0."
    )]
    Shape(String),
    /// A number does not fit.
    #[error(
        "The value '{0}' of the image version name is out of range. The value must be between 0 and 2147483647, inclusive."
    )]
    Range(String),
}

impl FromStr for VersionName {
    type Err = VersionNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || VersionNameError::Shape(text.chars().filter(|c| !c.is_control()).take(80).collect());
        let parts: Vec<&str> = text.split('.').collect();
        let [major, minor, patch] = parts[..] else { return Err(shape()) };
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if !digits || (part.len() > 1 && part.starts_with('0')) {
                return Err(shape());
            }
            let in_range = part.parse::<u32>().ok().filter(|number| *number <= LARGEST_PART);
            in_range.ok_or_else(|| VersionNameError::Range(part.chars().take(40).collect()))
        };
        Ok(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)? })
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl TryFrom<String> for VersionName {
    type Error = VersionNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<VersionName> for String {
    fn from(name: VersionName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{VersionName, VersionNameError};

    #[test]
    fn versions_are_ordered_as_numbers() {
        let name = |text: &str| text.parse::<VersionName>().unwrap();
        assert!(name("1.0.10") > name("1.0.2"));
        assert!(name("1.0.10").sort_key() > name("1.0.2").sort_key());
        assert_eq!(name("1.0.2147483647").next_patch(), None);
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "1.0.x",
            "1.0.-1",
            "+1.0.0",
            "01.0.0",
            "latest",
            "1.0.0-rc1",
            "1..0",
            "１.0.0",
        ] {
            assert!(matches!(text.parse::<VersionName>(), Err(VersionNameError::Shape(_))), "{text:?}");
        }
        assert_eq!(
            "1.0.2147483648".parse::<VersionName>(),
            Err(VersionNameError::Range("2147483648".into()))
        );
    }

    proptest! {
        #[test]
        fn display_reads_back(major in 0..=super::LARGEST_PART, minor in 0..=super::LARGEST_PART, patch in 0..=super::LARGEST_PART) {
            let name = VersionName { major, minor, patch };
            prop_assert_eq!(name.to_string().parse::<VersionName>(), Ok(name));
        }
    }
}
