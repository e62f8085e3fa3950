//! Resources as rows, and how they are listed.

use arm::ResourceId;
use jiff::Timestamp;
use serde_json::Value;

use crate::JobId;

/// One resource. The store does not look into `document`; it keeps times to the microsecond.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The id in the spelling of its creation; compared without case.
    pub id: ResourceId,
    /// Orders siblings: text that sorts as the type wants (versions as numbers).
    pub sort_key: String,
    /// What the resource is, as `control` keeps it.
    pub document: Value,
    /// Changes with every write.
    pub etag: String,
    /// The job that owns the row now; writes wait for it.
    pub operation: Option<JobId>,
    /// Words that no two resources may hold at once.
    pub claims: Vec<Claim>,
    /// Things elsewhere that this row keeps alive, such as `westeurope/<digest>`.
    pub holds: Vec<String>,
    /// Counters in which the row counts, each once: `<subscription>/westeurope/<type>`.
    pub counted: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub changed_at: Timestamp,
}

/// A word that only one resource may hold, such as a gallery's name within its subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim(pub String);

/// What to list. Types compare without case; a listing is ordered by (sort_key, id key).
#[derive(Clone, Debug)]
pub enum Listing {
    /// The children of one type directly below `parent` (a resource or a resource group).
    Children {
        /// The parent.
        parent: ResourceId,
        /// Full type name.
        type_name: String,
    },
    /// All resources of one type within `scope`, however deep; `scope` too, when it is of the type.
    OfType {
        /// A subscription or a group; other scopes work, at the cost of the subscription's rows of the type.
        scope: ResourceId,
        /// Full type name.
        type_name: String,
    },
    /// Everything within `scope` except `scope` itself, ordered by id key.
    Within {
        /// A subscription, group or resource.
        scope: ResourceId,
    },
}

impl Listing {
    /// Where a page of this listing ended whose last row is `row`.
    #[must_use]
    pub fn cursor_after(&self, row: &Row) -> Cursor {
        let id_key = row.id.key();
        let sort_key = match self {
            Self::Within { .. } => id_key.clone(),
            Self::Children { .. } | Self::OfType { .. } => row.sort_key.clone(),
        };
        Cursor { sort_key, id_key }
    }
}

/// Where a page ended: the next begins after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Sort key of the last row seen (its id key for [`Listing::Within`]).
    pub sort_key: String,
    /// Id key of the last row seen.
    pub id_key: String,
}
