//! What consumers of a shared or community gallery see of it: shapes of their own, with nothing of the owner's
//! subscription but the name the gallery is shared under (azure-api 8.3).

#[cfg(test)]
mod tests;

use arm::{Region, VersionName};
use serde_json::{Map, Value, json};

use super::gallery::community_metadata;
use super::image_version;
use crate::shape::at;
use crate::{Rejection, Stored};

const DISCLAIMER: &str = "https://aka.ms/community-gallery-disclaimer";

/// How a gallery is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// To subscriptions and tenants.
    Shared,
    /// To everybody.
    Community,
}

/// A gallery as it is offered under `name` and asked for in `region`.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// To whom.
    pub offer: Offer,
    /// The unique or public name.
    pub name: &'a str,
    /// Where it is looked at.
    pub region: &'a Region,
}

impl Offered<'_> {
    /// The gallery in a list.
    #[must_use]
    pub fn gallery_entry(&self) -> Value {
        self.entity(self.name, &[])
    }

    /// The gallery by itself.
    #[must_use]
    pub fn gallery(&self, gallery: &Stored) -> Value {
        let mut body = self.gallery_entry();
        body["properties"] = json!({});
        if self.offer == Offer::Community {
            let metadata = community_metadata(gallery);
            body["properties"] = json!({"disclaimer": DISCLAIMER, "communityMetadata": metadata});
            body["communityMetadata"] = metadata;
        }
        body
    }

    /// A definition in it.
    #[must_use]
    pub fn image(&self, definition: &Stored) -> Value {
        const SHOWN: [&str; 11] = [
            "osType",
            "osState",
            "endOfLifeDate",
            "recommended",
            "disallowed",
            "hyperVGeneration",
            "features",
            "purchasePlan",
            "architecture",
            "privacyStatementUri",
            "eula",
        ];
        let stands = &definition.document.properties;
        let shown = SHOWN.into_iter().filter_map(|name| Some((name.to_owned(), stands.get(name)?.clone())));
        let mut properties: Map<String, Value> = shown.collect();
        properties.entry("recommended").or_insert_with(|| json!({}));
        let identifier = match self.offer {
            Offer::Shared => stands.get("identifier").cloned().unwrap_or_default(),
            // Azure blanks it; the members are required.
            Offer::Community => json!({"publisher": "", "offer": "", "sku": ""}),
        };
        properties.insert("identifier".to_owned(), identifier);
        let mut body = self.entity(definition.id.name(), &["Images", definition.id.name()]);
        body["properties"] = Value::Object(self.disclaimed(properties));
        body
    }

    /// A version of the definition `image`.
    #[must_use]
    pub fn version(&self, image: &str, version: &Stored) -> Value {
        let stands = &version.document.properties;
        let excluded = image_version::is_excluded(&version.document, Some(self.region));
        let mut properties = Map::new();
        for name in ["publishedDate", "endOfLifeDate"] {
            let moment = at(stands, &format!("publishingProfile.{name}"));
            properties.extend(moment.map(|moment| (name.to_owned(), moment.clone())));
        }
        properties.insert("excludeFromLatest".to_owned(), excluded.into());
        properties.insert("storageProfile".to_owned(), storage(stands));
        properties.insert("imageState".to_owned(), "Active".into());
        let name = version.id.name();
        let mut body = self.entity(name, &["Images", image, "Versions", name]);
        body["properties"] = Value::Object(self.disclaimed(properties));
        body
    }

    fn disclaimed(&self, mut properties: Map<String, Value>) -> Map<String, Value> {
        if self.offer == Offer::Community {
            properties.insert("disclaimer".to_owned(), DISCLAIMER.into());
        }
        properties
    }

    fn entity(&self, name: &str, below: &[&str]) -> Value {
        let root = match self.offer {
            Offer::Shared => "SharedGalleries",
            Offer::Community => "CommunityGalleries",
        };
        let mut unique_id = format!("/{root}/{}", self.name);
        for word in below {
            unique_id.push('/');
            unique_id.push_str(word);
        }
        json!({"name": name, "location": self.region.as_str(), "identifier": {"uniqueId": unique_id}})
    }
}

/// The disks of a version, without where they came from.
fn storage(properties: &Map<String, Value>) -> Value {
    let disk = |disk: &Value| {
        let named = [("lun", "lun"), ("diskSizeGB", "sizeInGB"), ("hostCaching", "hostCaching")];
        let members = named
            .into_iter()
            .filter_map(|(shown, stored)| Some((shown.to_owned(), disk.get(stored)?.clone())));
        Value::Object(members.collect())
    };
    let mut storage = json!({});
    if let Some(os_disk) = at(properties, "storageProfile.osDiskImage") {
        storage["osDiskImage"] = disk(os_disk);
    }
    if let Some(Value::Array(data_disks)) = at(properties, "storageProfile.dataDiskImages") {
        storage["dataDiskImages"] = data_disks.iter().map(disk).collect();
    }
    storage
}

/// What a consumer asked for and did not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The gallery, or it is not offered to whom asks.
    Gallery,
    /// The definition.
    Image,
    /// The version, or it is not complete in the region.
    Version,
}

/// 404 `NotFound`, the same for what is absent, not shared, and not in this region.
#[must_use]
pub fn not_found(missing: Missing) -> Rejection {
    let target = match missing {
        Missing::Gallery => "gallery.name",
        Missing::Image => "galleryImage.name",
        Missing::Version => "galleryImageVersion.name",
    };
    Rejection::new(404, "NotFound", "The entity was not found in this Azure location.").at(target)
}

/// Whether `name` can name a version to a consumer: a number, or `latest`.
#[must_use]
pub fn names_a_version(name: &str) -> bool {
    name.eq_ignore_ascii_case("latest") || name.parse::<VersionName>().is_ok()
}
