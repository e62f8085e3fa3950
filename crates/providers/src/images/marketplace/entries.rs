//! From a catalogue to the rows it is kept in.

use arm::{ResourceId, ResourceIdError};
use serde_json::{Map, Value};

use super::{Catalogue, Sku, row_id};

/// Most versions of one SKU: a list of them is one answer.
pub const MOST_VERSIONS: u64 = 1_000;
/// Most short names: all of them are one document, which is told to everybody.
pub const MOST_ALIASES: u64 = 1_000;
/// Most publishers, offers of one publisher, SKUs of one offer, plans of one offer.
pub const MOST_BELOW_ONE: u64 = 10_000;

/// One row of a catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its row.
    pub id: ResourceId,
    /// Orders it among its siblings.
    pub sort_key: String,
    /// What the row says.
    pub properties: Map<String, Value>,
    /// The most siblings of its kind.
    pub most: u64,
    /// The SKU, when it is one.
    pub sku: Option<Sku>,
    /// The image version that has the bytes, when it is a version that has some.
    pub image_version: Option<ResourceId>,
}

impl Catalogue {
    /// Every entry, each after the one it stands in.
    ///
    /// # Errors
    /// When a name can be none.
    pub fn entries(&self) -> Result<Vec<Entry>, ResourceIdError> {
        let mut entries = Vec::new();
        for publisher in &self.publishers {
            let p = publisher.name.as_str();
            entries.push(Entry::plain(&[p])?);
            for offer in &publisher.offers {
                let o = offer.name.as_str();
                entries.push(Entry::plain(&[p, o])?);
                for sku in &offer.skus {
                    entries.extend(of_sku([p, o, sku.name.as_str()], sku)?);
                }
            }
        }
        Ok(entries)
    }
}

impl Entry {
    fn plain(names: &[&str]) -> Result<Self, ResourceIdError> {
        let name = names.last().copied().unwrap_or_default();
        Ok(Self {
            id: row_id(names)?,
            sort_key: name.to_ascii_lowercase(),
            properties: Map::new(),
            most: MOST_BELOW_ONE,
            sku: None,
            image_version: None,
        })
    }
}

fn of_sku(names: [&str; 3], sku: &Sku) -> Result<Vec<Entry>, ResourceIdError> {
    let [p, o, s] = names;
    let alone = Sku { versions: Vec::new(), gallery: None, ..sku.clone() };
    let mut entries =
        vec![Entry { properties: members(&alone), sku: Some(alone), ..Entry::plain(&[p, o, s])? }];
    for version in &sku.versions {
        entries.push(Entry {
            sort_key: version.name.sort_key(),
            properties: members(version),
            most: MOST_VERSIONS,
            image_version: version.image_version.clone(),
            ..Entry::plain(&[p, o, s, version.name.as_str()])?
        });
    }
    Ok(entries)
}

fn members(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
