//! Which versions of a SKU are to be had in a region, and what is told of each.

use arm::{Region, ResourceId};
use metadata::{Listing, Row};
use providers::compute::image_version::{Candidate, Progress, ProgressState, latest};
use providers::images::marketplace::{Facts, Sku, Version, row_id, type_below};
use providers::{Rejection, Stored};
use serde_json::Value;

use crate::{Engine, Error, stored_of};

/// Rows of one read while a region's versions are looked for.
const PAGE_ROWS: u32 = 200;
/// The fewest rows of one read: the newest version may not have reached the region yet.
const FEWEST_ROWS: usize = 8;

/// An image of the marketplace, as it is in one region.
#[derive(Clone, Debug)]
pub struct MarketplaceImage {
    /// Its number.
    pub version: String,
    /// The gallery's version that has the bytes; `None` when there is only a description.
    pub image_version: Option<ResourceId>,
    /// What is known of it.
    pub facts: Facts,
}

/// A SKU as it stands.
pub(crate) struct Shelf {
    /// Publisher, offer and SKU in the spelling of the catalogue.
    pub(crate) names: [String; 3],
    id: ResourceId,
    sku: Sku,
    /// The definition that it follows, if it follows one that exists.
    definition: Option<Stored>,
}

/// Which versions are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Versions<'a> {
    /// From the highest number down.
    pub(crate) descending: bool,
    /// At most so many.
    pub(crate) top: Option<usize>,
    /// Only numbers that begin so.
    pub(crate) prefix: Option<&'a str>,
}

impl Engine {
    /// The image that a machine or a disk in `region` is made of; `version` may be `latest`.
    ///
    /// # Errors
    /// 404 `PlatformImageNotFound` when there is none, or not in that region.
    pub async fn marketplace_image(
        &self,
        [publisher, offer, sku]: [&str; 3],
        version: &str,
        region: &Region,
    ) -> Result<MarketplaceImage, Error> {
        let missing = || {
            let message = format!(
                "The platform image '{publisher}:{offer}:{sku}:{version}' is not available in {region}. Verify that all fields in the storage profile are correct."
            );
            Error::from(Rejection::new(404, "PlatformImageNotFound", message))
        };
        let shelf = match self.shelf([publisher, offer, sku]).await {
            Err(Error::Refused(refusal)) if refusal.status == 404 => return Err(missing()),
            shelf => shelf?,
        };
        let found = if version.eq_ignore_ascii_case("latest") {
            let newest = Versions { descending: true, top: Some(1), prefix: None };
            self.listed_versions(&shelf, region, newest).await?.pop()
        } else {
            self.listed_version(&shelf, region, version).await?
        };
        found.ok_or_else(missing)
    }

    /// The SKU of those names.
    ///
    /// # Errors
    /// 404 naming which of the three there is not.
    pub(crate) async fn shelf(&self, names: [&str; 3]) -> Result<Shelf, Error> {
        let id = row_id(&names).map_err(|_error| not_found("Sku", names[2]))?;
        let Some(row) = self.metadata.row(&id).await? else {
            self.publisher_or_offer(&names[..1]).await?;
            self.publisher_or_offer(&names[..2]).await?;
            return Err(not_found("Sku", names[2]).into());
        };
        let stored = stored_of(&row)?;
        let sku: Sku = read(&stored)?;
        let definition = match &sku.definition {
            Some(id) => self.metadata.row(id).await?.as_ref().map(stored_of).transpose()?,
            None => None,
        };
        let spelled: Vec<&str> = row.id.names();
        let names = [1, 2, 3].map(|at| spelled.get(at).copied().unwrap_or_default().to_owned());
        Ok(Shelf { names, id: row.id.clone(), sku, definition })
    }

    /// The row of a publisher, or of an offer and its publisher.
    ///
    /// # Errors
    /// 404 naming which there is not.
    pub(crate) async fn publisher_or_offer(&self, names: &[&str]) -> Result<Row, Error> {
        let level = if names.len() == 1 { "Publisher" } else { "Offer" };
        let name = names.last().copied().unwrap_or_default();
        let id = row_id(names).map_err(|_error| not_found(level, name))?;
        match self.metadata.row(&id).await? {
            Some(row) => Ok(row),
            None if names.len() > 1 => {
                Box::pin(self.publisher_or_offer(&names[..names.len() - 1])).await?;
                Err(not_found(level, name).into())
            }
            None => Err(not_found(level, name).into()),
        }
    }

    /// The versions that are offered in `region`, by number.
    ///
    /// What is excluded from latest is not offered, though whoever knows its number may have it: clients take the
    /// highest that is listed for the latest.
    pub(crate) async fn listed_versions(
        &self,
        shelf: &Shelf,
        region: &Region,
        wanted: Versions<'_>,
    ) -> Result<Vec<MarketplaceImage>, Error> {
        let Some(listing) = shelf.listing() else { return Ok(Vec::new()) };
        let most = wanted.top.unwrap_or(usize::MAX);
        let few = u32::try_from(most.max(FEWEST_ROWS)).unwrap_or(PAGE_ROWS).min(PAGE_ROWS);
        let (mut offered, mut cursor) = (Vec::new(), None);
        while offered.len() < most {
            let rows = match wanted.descending {
                true => self.metadata.list_back(&listing, cursor.as_ref(), few).await?,
                false => self.metadata.list(&listing, cursor.as_ref(), few).await?,
            };
            let Some(last) = rows.last() else { break };
            cursor = Some(listing.cursor_after(last));
            for row in rows.iter().filter(|row| row.id.name().starts_with(wanted.prefix.unwrap_or_default()))
            {
                offered.extend(self.offered(shelf, row, region, false).await?);
                if offered.len() == most {
                    break;
                }
            }
        }
        Ok(offered)
    }

    /// One version, if it is to be had in `region`.
    pub(crate) async fn listed_version(
        &self,
        shelf: &Shelf,
        region: &Region,
        version: &str,
    ) -> Result<Option<MarketplaceImage>, Error> {
        let above = match &shelf.definition {
            Some(definition) => &definition.id,
            None if shelf.sku.definition.is_some() => return Ok(None),
            None => &shelf.id,
        };
        let Ok(id) = above.child("versions", version) else { return Ok(None) };
        match self.metadata.row(&id).await? {
            Some(row) => self.offered(shelf, &row, region, true).await,
            None => Ok(None),
        }
    }

    async fn offered(
        &self,
        shelf: &Shelf,
        row: &Row,
        region: &Region,
        by_number: bool,
    ) -> Result<Option<MarketplaceImage>, Error> {
        let stored = stored_of(row)?;
        let version = row.id.name().to_owned();
        if let Some(definition) = &shelf.definition {
            let stands = self.stands(&stored, region, by_number).await?;
            let facts = || Facts::of_gallery(&definition.document, &stored.document, self.clock.now());
            return Ok(stands.then(|| MarketplaceImage {
                version,
                facts: facts(),
                image_version: Some(stored.id.clone()),
            }));
        }
        let said: Version = read(&stored)?;
        let [publisher, offer, _] = &shelf.names;
        let mut bytes = None;
        if let Some(id) = &said.image_version {
            let Some(row) = self.metadata.row(id).await? else { return Ok(None) };
            let stored = stored_of(&row)?;
            if !self.stands(&stored, region, by_number).await? {
                return Ok(None);
            }
            bytes = Some(stored);
        }
        let document = bytes.as_ref().map(|stored| &stored.document);
        let facts = Facts::of_catalogue(publisher, offer, &shelf.sku, &said, document);
        Ok(Some(MarketplaceImage { version, facts, image_version: bytes.map(|stored| stored.id) }))
    }

    /// Whether a gallery's version is complete in `region`, and offered there unless it is asked for by its number.
    async fn stands(&self, version: &Stored, region: &Region, by_number: bool) -> Result<bool, Error> {
        let facet = format!("replica/{region}");
        let found = self.metadata.facets(&version.id, &facet).await?;
        // The prefix of one region is that of another: eastus, eastus2.
        let progress = found.into_iter().find(|(name, _)| *name == facet);
        let progress = progress.and_then(|(_, document)| serde_json::from_value::<Progress>(document).ok());
        if progress.is_none_or(|progress| progress.state != ProgressState::Completed) {
            return Ok(false);
        }
        let Ok(name) = version.id.name().parse() else { return Ok(by_number) };
        let completed = [region.clone()];
        let candidate = Candidate { name, document: &version.document, completed: &completed };
        Ok(by_number || latest([candidate], Some(region)).is_some())
    }
}

impl Shelf {
    /// Where its versions stand; `None` when it follows a definition that is gone.
    fn listing(&self) -> Option<Listing> {
        let of_gallery = || "Microsoft.Compute/galleries/images/versions".to_owned();
        match (&self.definition, &self.sku.definition) {
            (Some(definition), _) => {
                Some(Listing::Children { parent: definition.id.clone(), type_name: of_gallery() })
            }
            (None, Some(_)) => None,
            (None, None) => {
                Some(Listing::Children { parent: self.id.clone(), type_name: type_below(3).to_owned() })
            }
        }
    }
}

/// 404 in Azure's words: `Publisher: x was not found.`
pub(crate) fn not_found(level: &str, name: &str) -> Rejection {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    Rejection::new(404, "NotFound", format!("{level}: {shown} was not found."))
}

fn read<T: serde::de::DeserializeOwned>(stored: &Stored) -> Result<T, Error> {
    let properties = Value::Object(stored.document.properties.clone());
    serde_json::from_value(properties).map_err(|error| Error::Internal(Box::new(error)))
}
