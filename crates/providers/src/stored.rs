//! A resource as it is kept: the document in its row.

use std::collections::BTreeMap;

use arm::ResourceId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A resource and its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// In the spelling of its creation.
    pub id: ResourceId,
    /// The rest.
    pub document: Document,
}

/// What a row holds of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The number of this layout; older ones are read, newer ones refused.
    pub schema: u32,
    /// As the creator sent it, if the type has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Absent when never sent, empty when sent empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Top-level members besides id, name, type, location, tags and properties, such as `identity`.
    #[serde(default)]
    pub envelope: Map<String, Value>,
    /// `properties` in canonical spelling, without `provisioningState`.
    pub properties: Map<String, Value>,
    /// What only the server knows; never shown.
    #[serde(default)]
    pub internal: Map<String, Value>,
    /// Where it stands.
    pub state: State,
    /// Who made it and who changed it last.
    #[serde(default)]
    pub created_by: String,
}

impl Document {
    /// The layout this release writes.
    pub const SCHEMA: u32 = 1;
}

/// `provisioningState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Its first job runs.
    Creating,
    /// A later job runs.
    Updating,
    /// It is as asked.
    Succeeded,
    /// Its last job ended badly.
    Failed,
    /// Its last job was stopped.
    Canceled,
    /// It is going away.
    Deleting,
}

impl State {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Deleting => "Deleting",
        }
    }
}
