//! What an image is declared to be, compared with what it is.
//!
//! Only what is declared is compared. A fact that could not be told is no mismatch and no match: it is unknown, and the
//! [`Policy`] says what follows.

mod policy;
mod rules;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::policy::{Action, Policy};
pub(crate) use self::rules::RULES;
use crate::facts::{Architecture, Generation, OsState, OsType};

/// What an image definition declares; nothing is compared with what is not declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Contract {
    /// The family of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_type: Option<OsType>,
    /// Whether it is anybody's or one machine's; never [`OsState::Mixed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_state: Option<OsState>,
    /// How it is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The feature `SecurityType`, as the wire spells it: `TrustedLaunch`, `ConfidentialVmSupported`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_type: Option<String>,
    /// The feature `DiskControllerTypes`: `SCSI`, `NVMe`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disk_controllers: Vec<String>,
}

impl Contract {
    /// Whether machines check the signature of what starts them.
    pub(crate) fn needs_secure_boot(&self) -> bool {
        self.security_type
            .as_deref()
            .is_some_and(|kind| !kind.eq_ignore_ascii_case("Standard") && !kind.is_empty())
    }

    pub(crate) fn needs_nvme(&self) -> bool {
        self.disk_controllers.iter().any(|controller| controller.eq_ignore_ascii_case("NVMe"))
    }
}

/// A declaration that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(String);

impl FromStr for Contract {
    type Err = NotUnderstood;

    /// Reads `os-type=Linux,os-state=Generalized,generation=V2,architecture=x64,security-type=TrustedLaunch,`
    /// `disk-controllers=SCSI+NVMe`; values in any case, members in any order.
    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let mut contract = Self::default();
        for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (name, value) = member
                .split_once('=')
                .ok_or_else(|| NotUnderstood(format!("'{member}' is no NAME=VALUE")))?;
            match name {
                "os-type" => {
                    let values = [OsType::Linux, OsType::Windows].map(|kind| (kind.name(), kind));
                    contract.os_type = Some(choice(name, value, &values)?);
                }
                "os-state" => {
                    let values =
                        [OsState::Generalized, OsState::Specialized].map(|state| (state.name(), state));
                    contract.os_state = Some(choice(name, value, &values)?);
                }
                "generation" => {
                    let values =
                        [Generation::V1, Generation::V2].map(|generation| (generation.name(), generation));
                    contract.generation = Some(choice(name, value, &values)?);
                }
                "architecture" => {
                    let values = [Architecture::X64, Architecture::Arm64].map(|kind| (kind.name(), kind));
                    contract.architecture = Some(choice(name, value, &values)?);
                }
                "security-type" => {
                    contract.security_type =
                        Some(choice(name, value, &SECURITY_TYPES.map(|kind| (kind, kind)))?.to_owned());
                }
                "disk-controllers" | "disk-controller" => {
                    let values = [("SCSI", "SCSI"), ("NVMe", "NVMe")];
                    let one = |value: &str| choice(name, value, &values).map(str::to_owned);
                    contract.disk_controllers = value.split('+').map(one).collect::<Result<_, _>>()?;
                }
                _ => {
                    return Err(NotUnderstood(format!(
                        "'{name}' is not a part of a contract; known are os-type, os-state, generation, architecture, security-type and disk-controllers"
                    )));
                }
            }
        }
        Ok(contract)
    }
}

const SECURITY_TYPES: [&str; 6] = [
    "Standard",
    "TrustedLaunch",
    "TrustedLaunchSupported",
    "ConfidentialVM",
    "ConfidentialVMSupported",
    "TrustedLaunchAndConfidentialVmSupported",
];

fn choice<T: Copy>(name: &str, value: &str, values: &[(&str, T)]) -> Result<T, NotUnderstood> {
    let found = values.iter().find(|(known, _)| known.eq_ignore_ascii_case(value)).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let known: Vec<&str> = values.iter().map(|(known, _)| *known).collect();
        NotUnderstood(format!("'{value}' is no {name}; known are {}", known.join(", ")))
    })
}
