//! What may stand between the colons of `Publisher:Offer:Sku:Version`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a publisher, an offer, a SKU, a plan or an alias; compared without case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

const LONGEST_NAME: usize = 128;

/// The number of a version: `22.04.202401161`, compared part by part as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionNumber(String);

const MOST_PARTS: usize = 4;
const LONGEST_PART: usize = 18;

/// Why a text is no name or number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' {rule}")]
pub struct NameError {
    text: String,
    rule: &'static str,
}

fn refuse(text: &str, rule: &'static str) -> NameError {
    NameError { text: text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(), rule }
}

impl Name {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || text.len() > LONGEST_NAME || !text.chars().all(fits) || text.ends_with('.') {
            let rule = "is no name here: 1 to 128 letters, digits, '-', '_' and '.', the first a letter or a digit, the last no '.'";
            return Err(refuse(text, rule));
        }
        Ok(Self(text.to_owned()))
    }
}

impl VersionNumber {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Text that sorts as the numbers do.
    #[must_use]
    pub fn sort_key(&self) -> String {
        let parts = self.0.split('.').map(|part| format!("{part:0>LONGEST_PART$}"));
        parts.collect::<Vec<_>>().join(".")
    }

    /// The same as the number of an image version, which has three parts without leading zeros.
    #[must_use]
    pub fn of_gallery(&self) -> Option<arm::VersionName> {
        let plain = |part: &str| match part.trim_start_matches('0') {
            "" => "0".to_owned(),
            digits => digits.to_owned(),
        };
        let parts: Vec<String> = self.0.split('.').map(plain).collect();
        parts.join(".").parse().ok()
    }
}

impl FromStr for VersionNumber {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_number = |part: &str| {
            !part.is_empty() && part.len() <= LONGEST_PART && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if text.split('.').count() > MOST_PARTS || !text.split('.').all(is_number) {
            let rule = "is no version here: one to four numbers of at most 18 digits with '.' between them";
            return Err(refuse(text, rule));
        }
        Ok(Self(text.to_owned()))
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )*};
}

as_text!(Name, VersionNumber);
