//! `locations/L/publishers/…`: the marketplace as Azure's clients walk it (azure-api 11).
//!
//! Lists are bare arrays. Publishers, offers and SKUs are the same in every region; versions with bytes are seen
//! where they are complete.

use arm::{Region, ResourceId};
use async_trait::async_trait;
use providers::Rejection;
use providers::images::marketplace::{root, type_below};
use serde_json::{Map, Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::marketplace::{MarketplaceImage, Versions};
use crate::{Engine, Error, Method, Reply, refusals};

pub(super) struct VmImages;

/// What each level is called, and how it is written in ids.
const LEVELS: [(&str, &str); 4] =
    [("publishers", "Publishers"), ("offers", "Offers"), ("skus", "Skus"), ("versions", "Versions")];

#[async_trait]
impl View for VmImages {
    fn types(&self) -> &'static [&'static str] {
        &[
            "Microsoft.Compute/locations/edgeZones",
            "Microsoft.Compute/locations/edgeZones/publishers",
            "Microsoft.Compute/locations/edgeZones/publishers/artifacttypes/offers",
            "Microsoft.Compute/locations/edgeZones/publishers/artifacttypes/offers/skus",
            "Microsoft.Compute/locations/edgeZones/publishers/artifacttypes/offers/skus/versions",
            "Microsoft.Compute/locations/edgeZones/vmimages",
            "Microsoft.Compute/locations/publishers",
            "Microsoft.Compute/locations/publishers/artifacttypes",
            "Microsoft.Compute/locations/publishers/artifacttypes/offers",
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus",
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions",
            "Microsoft.Compute/locations/publishers/artifacttypes/types",
            "Microsoft.Compute/locations/publishers/artifacttypes/types/versions",
        ]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        let subscription = viewed.scope().and_then(ResourceId::subscription);
        let region = viewed.name_after("locations").and_then(|name| name.parse::<Region>().ok());
        let (Some(subscription), Some(region)) = (subscription, region) else {
            return Err(refusals::path_not_found().into());
        };
        if viewed.type_name.is("Microsoft.Compute/locations/edgeZones") && viewed.is_list {
            return Ok(Reply::json(200, json!({ "value": [] })));
        }
        if let Some(zone) = viewed.name_after("edgeZones") {
            return Err(no_edge_zone(zone, &region).into());
        }
        let place = Place { subscription, region: &region };
        let artifact = viewed.name_after("artifacttypes");
        let last = viewed.type_name.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if artifact.is_some_and(|artifact| artifact.eq_ignore_ascii_case("vmextension")) {
            // There are no extensions here, and clients ask what there is.
            return if viewed.is_list && last == "types" {
                Ok(Reply::json(200, json!([])))
            } else {
                Err(refusals::path_not_found().into())
            };
        }
        if artifact.is_some_and(|artifact| !artifact.eq_ignore_ascii_case("vmimage")) || last == "types" {
            let message = format!("Artifact: {} was not found.", artifact.unwrap_or_default());
            return Err(Rejection::new(404, "NotFound", message).into());
        }
        let names: Vec<&str> = LEVELS.iter().map_while(|(kind, _)| viewed.name_after(kind)).collect();
        let level = LEVELS.iter().position(|(kind, _)| *kind == last).ok_or_else(refusals::path_not_found)?;
        match (viewed.is_list, names.as_slice()) {
            (true, [publisher, offer, sku]) if level == 3 => {
                place.versions(engine, viewed, [publisher, offer, sku]).await
            }
            (true, names) if level == names.len() => place.list(engine, names).await,
            (false, [publisher, offer, sku, version]) => {
                place.version(engine, [publisher, offer, sku], version).await
            }
            _ => Err(refusals::path_not_found().into()),
        }
    }
}

/// Where a client looks.
struct Place<'a> {
    subscription: &'a str,
    region: &'a Region,
}

impl Place<'_> {
    /// Publishers, offers of one, or SKUs of one of those.
    async fn list(&self, engine: &Engine, names: &[&str]) -> Result<Reply, Error> {
        let parent = match names {
            [] => root(),
            names => engine.publisher_or_offer(names).await?.id,
        };
        let above: Vec<String> = parent.names().iter().skip(1).map(ToString::to_string).collect();
        let rows = engine.all_below(parent, type_below(names.len())).await?;
        let items = rows.iter().map(|row| {
            let names: Vec<&str> = above.iter().map(String::as_str).chain([row.id.name()]).collect();
            Value::Object(self.item(&names))
        });
        Ok(Reply::json(200, items.collect()))
    }

    async fn versions(&self, engine: &Engine, viewed: &Viewed<'_>, names: [&str; 3]) -> Result<Reply, Error> {
        let options = &viewed.asked.options;
        let prefix = options.filter.as_deref().map(starts_with).transpose()?;
        let wanted = Versions {
            descending: is_descending(options.order_by.as_deref())?,
            top: options.top.as_deref().map(top).transpose()?,
            prefix: prefix.as_deref(),
        };
        let expand = expand(options.query.expand.as_deref())?;
        let shelf = engine.shelf(names).await?;
        let [publisher, offer, sku] = &shelf.names;
        let versions = engine.listed_versions(&shelf, self.region, wanted).await?;
        let items = versions.iter().map(|image| {
            let mut item = self.item(&[publisher, offer, sku, &image.version]);
            let properties = match expand {
                Expand::Nothing => None,
                Expand::Deprecation => Some(image.facts.deprecation_alone()),
                Expand::All => Some(image.facts.properties()),
            };
            item.extend(properties.map(|properties| ("properties".to_owned(), Value::Object(properties))));
            Value::Object(item)
        });
        Ok(Reply::json(200, items.collect()))
    }

    async fn version(&self, engine: &Engine, names: [&str; 3], version: &str) -> Result<Reply, Error> {
        let shelf = engine.shelf(names).await?;
        let [publisher, offer, sku] = &shelf.names;
        let found = engine.listed_version(&shelf, self.region, version).await?;
        let MarketplaceImage { version, facts, .. } = found.ok_or_else(|| {
            let shown: String = version.chars().filter(|c| !c.is_control()).take(128).collect();
            Rejection::new(404, "NotFound", format!("Version: {shown} was not found."))
        })?;
        let mut item = self.item(&[publisher, offer, sku, &version]);
        item.insert("properties".to_owned(), Value::Object(facts.properties()));
        Ok(Reply::json(200, Value::Object(item)))
    }

    /// What every list says of an entry; the id in the spelling of Azure's answers.
    fn item(&self, names: &[&str]) -> Map<String, Value> {
        let region = self.region;
        let mut id =
            format!("/Subscriptions/{}/Providers/Microsoft.Compute/Locations/{region}", self.subscription);
        for ((_, kind), name) in LEVELS.iter().zip(names) {
            id.push_str(&format!("/{kind}/{name}"));
            if *kind == "Publishers" && names.len() > 1 {
                id.push_str("/ArtifactTypes/VMImage");
            }
        }
        let name = names.last().copied().unwrap_or_default();
        let members = [("location", region.as_str()), ("name", name), ("id", id.as_str())];
        members.into_iter().map(|(member, text)| (member.to_owned(), text.into())).collect()
    }
}

#[derive(Clone, Copy)]
enum Expand {
    Nothing,
    Deprecation,
    All,
}

fn expand(text: Option<&str>) -> Result<Expand, Rejection> {
    match text.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" => Ok(Expand::Nothing),
        "properties" => Ok(Expand::All),
        "properties/imagedeprecationstatus" => Ok(Expand::Deprecation),
        _ => Err(Rejection::invalid(
            "$expand",
            "The value of $expand must be properties or properties/imageDeprecationStatus.",
        )),
    }
}

fn top(text: &str) -> Result<usize, Rejection> {
    text.parse().map_err(|_error| Rejection::invalid("$top", "The value of $top must be a whole number."))
}

fn is_descending(text: Option<&str>) -> Result<bool, Rejection> {
    match text.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "name" | "name asc" => Ok(false),
        "name desc" => Ok(true),
        _ => Err(Rejection::invalid("$orderby", "The value of $orderby must be 'name' or 'name desc'.")),
    }
}

/// The prefix in `startswith(name, '22.04')`.
fn starts_with(text: &str) -> Result<String, Rejection> {
    let read = || {
        let inner = text.trim().strip_prefix("startswith(")?.strip_suffix(')')?;
        let (name, prefix) = inner.split_once(',')?;
        let prefix = prefix.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        (name.trim() == "name" && !prefix.contains('\'')).then(|| prefix.to_owned())
    };
    let message = "Invalid $filter in the query string. Supported is startswith(name, 'PREFIX').";
    read().ok_or_else(|| Rejection::new(400, "InvalidFilterInQueryString", message))
}

fn no_edge_zone(zone: &str, region: &Region) -> Rejection {
    let shown: String = zone.chars().filter(|c| !c.is_control()).take(64).collect();
    let message = format!(
        "The edge zone '{shown}' was not found in '{region}': this installation has regions alone, no edge zones."
    );
    Rejection::new(404, "NotFound", message)
}
