//! Region names: `westeurope` and `West Europe` are one region.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A region by its short name, lower case without blanks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// Azure's public regions; any other name is its own display name.
const DISPLAY_NAMES: &[&str] = &[
    "Australia Central",
    "Australia Central 2",
    "Australia East",
    "Australia Southeast",
    "Austria East",
    "Brazil South",
    "Brazil Southeast",
    "Canada Central",
    "Canada East",
    "Central India",
    "Central US",
    "Central US EUAP",
    "Chile Central",
    "East Asia",
    "East US",
    "East US 2",
    "East US 2 EUAP",
    "France Central",
    "France South",
    "Germany North",
    "Germany West Central",
    "Indonesia Central",
    "Israel Central",
    "Italy North",
    "Japan East",
    "Japan West",
    "Jio India Central",
    "Jio India West",
    "Korea Central",
    "Korea South",
    "Malaysia West",
    "Mexico Central",
    "New Zealand North",
    "North Central US",
    "North Europe",
    "Norway East",
    "Norway West",
    "Poland Central",
    "Qatar Central",
    "South Africa North",
    "South Africa West",
    "South Central US",
    "South India",
    "Southeast Asia",
    "Spain Central",
    "Sweden Central",
    "Sweden South",
    "Switzerland North",
    "Switzerland West",
    "UAE Central",
    "UAE North",
    "UK South",
    "UK West",
    "West Central US",
    "West Europe",
    "West India",
    "West US",
    "West US 2",
    "West US 3",
];

impl Region {
    /// The short name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name people read: `West Europe`.
    #[must_use]
    pub fn display_name(&self) -> &str {
        DISPLAY_NAMES.iter().find(|name| short(name) == self.0).copied().unwrap_or(&self.0)
    }
}

fn short(name: &str) -> String {
    name.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect()
}

/// The text is no region name.
#[derive(Debug, thiserror::Error)]
#[error("The region name '{0}' is invalid. It should hold letters and digits only, at most 64.")]
pub struct RegionError(String);

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = short(text);
        let plain = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain {
            Ok(Self(name))
        } else {
            Err(RegionError(text.chars().filter(|c| !c.is_control()).take(64).collect()))
        }
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn both_spellings_are_one_region() {
        let region: Region = "West Europe".parse().unwrap();
        assert_eq!(region, "westeurope".parse().unwrap());
        assert_eq!(region.display_name(), "West Europe");
        assert_eq!("edge1".parse::<Region>().unwrap().display_name(), "edge1");
        assert!("../etc".parse::<Region>().is_err());
    }
}
