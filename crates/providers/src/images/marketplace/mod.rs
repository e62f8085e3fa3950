//! The marketplace: publishers, their offers, the SKUs of those, and the versions of each; one for the installation.
//!
//! What a catalogue file says is read here whole and strictly, and shown here in Azure's words. A SKU either lists
//! versions of its own, or follows an image definition and has whatever versions that has.

mod batches;
mod catalogue;
mod entries;
mod name;
mod show;
#[cfg(test)]
mod tests;

use arm::{ResourceId, ResourceIdError};

pub use self::catalogue::{
    Alternative, AlternativeKind, Architecture, Catalogue, DataDisk, Deprecation, Disk, Feature, Gallery,
    Generation, ImageState, Offer, OsType, Plan, Publisher, Sku, Version,
};
pub use self::entries::{Entry, MOST_ALIASES, MOST_BELOW_ONE, MOST_VERSIONS};
pub use self::name::{Name, VersionNumber};
pub use self::show::{Facts, PlanNames, agreement};

/// The namespace of the rows.
const NAMESPACE: &str = "Gallerist.Images";

/// Where everything stands below: `…/marketplaces/default`.
#[must_use]
pub fn root() -> ResourceId {
    let pairs = [("providers", NAMESPACE), ("marketplaces", "default")];
    let pairs = pairs.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    ResourceId::from_pairs(pairs.into()).expect("the words are those of an id")
}

/// The types of the rows, from the marketplace down.
pub const TYPES: &[&str] = &[
    "Gallerist.Images/marketplaces",
    "Gallerist.Images/marketplaces/publishers",
    "Gallerist.Images/marketplaces/publishers/offers",
    "Gallerist.Images/marketplaces/publishers/offers/skus",
    "Gallerist.Images/marketplaces/publishers/offers/skus/versions",
];

/// What each level is called in a path.
const LEVELS: [&str; 4] = ["publishers", "offers", "skus", "versions"];

/// The row of a publisher, an offer, a SKU or a version, by the names down to it.
///
/// # Errors
/// When a name can be none.
pub fn row_id(names: &[&str]) -> Result<ResourceId, ResourceIdError> {
    LEVELS.iter().zip(names).try_fold(root(), |above, (kind, name)| above.child(kind, name))
}

/// The type of the rows directly below those of `depth` names.
#[must_use]
pub fn type_below(depth: usize) -> &'static str {
    TYPES.get(depth + 1).copied().unwrap_or_default()
}

/// The type of alias rows.
pub const ALIASES: &str = "Gallerist.Images/marketplaces/aliases";

/// The row of an alias.
///
/// # Errors
/// When the name can be none.
pub fn alias_id(alias: &str) -> Result<ResourceId, ResourceIdError> {
    root().child("aliases", alias)
}

/// The row that says that a plan exists and what its terms are.
///
/// # Errors
/// When a name can be none.
pub fn plan_id(names: &PlanNames) -> Result<ResourceId, ResourceIdError> {
    plan_below(&root().child("planPublishers", &names.publisher)?, names)
}

/// The row of what a subscription has said to the terms of a plan.
///
/// # Errors
/// When a name can be none.
pub fn agreement_id(subscription: &str, names: &PlanNames) -> Result<ResourceId, ResourceIdError> {
    plan_below(&agreements(subscription)?.child("publishers", &names.publisher)?, names)
}

/// What the agreements of a subscription stand below.
///
/// # Errors
/// When its id can be none.
pub fn agreements(subscription: &str) -> Result<ResourceId, ResourceIdError> {
    root().child("agreements", subscription)
}

fn plan_below(publisher: &ResourceId, names: &PlanNames) -> Result<ResourceId, ResourceIdError> {
    publisher.child("offers", &names.product)?.child("plans", &names.name)
}
