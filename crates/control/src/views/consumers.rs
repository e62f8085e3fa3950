//! Galleries as those see them with whom they are shared: `…/locations/L/sharedGalleries` and `communityGalleries`.
//!
//! What is absent, not shared, rejected, or not complete in the region is not found, in the same words; a gallery is
//! found by a claim and never by looking through those of others (azure-api 8.3).

use arm::{Region, ResourceId, TypeName, VersionName};
use async_trait::async_trait;
use metadata::{Claim, Cursor, Listing, Row};
use providers::compute::consumer::{Missing, Offer, Offered, names_a_version, not_found};
use providers::compute::gallery::{
    Consumer, claim_of_public_name, claim_of_unique_name, is_public, is_shared_with, public_name, unique_name,
};
use providers::compute::image_version::{Candidate, Progress, ProgressState, latest};
use providers::{Rejection, Stored};
use serde_json::{Value, json};

use super::{View, Viewed, consents, name_after};
use crate::engine::{Asked, only};
use crate::read::page_size;
use crate::{Engine, Error, Method, Principal, Reply, refusals, stored_of};

const DEFINITIONS: &str = "Microsoft.Compute/galleries/images";
const VERSIONS: &str = "Microsoft.Compute/galleries/images/versions";
/// Rows looked at for one answer; what a gallery holds beyond that comes with the next page.
const LOOKED_AT_ROWS: usize = 1000;
const BATCH_ROWS: u32 = 100;

pub(super) struct Consumers;

#[async_trait]
impl View for Consumers {
    fn types(&self) -> &'static [&'static str] {
        &[
            "Microsoft.Compute/locations/communityGalleries",
            "Microsoft.Compute/locations/communityGalleries/images",
            "Microsoft.Compute/locations/communityGalleries/images/versions",
            "Microsoft.Compute/locations/sharedGalleries",
            "Microsoft.Compute/locations/sharedGalleries/images",
            "Microsoft.Compute/locations/sharedGalleries/images/versions",
        ]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        if viewed.asked.options.filter.is_some() {
            let message = "$filter is not understood for what is shared. Leave it out.";
            return Err(Rejection::invalid("$filter", message).into());
        }
        let id = viewed.id.as_ref().ok_or_else(refusals::path_not_found)?;
        let look = Look::of(engine, viewed.asked.principal, id)?;
        let (offer, word) = offer_in(&viewed.type_name);
        let Some(name) = viewed.name_after(word) else {
            // The community's galleries are found through the resource graph.
            return if offer == Offer::Shared {
                look.galleries(viewed.asked).await
            } else {
                Err(refusals::path_not_found().into())
            };
        };
        let gallery = look.gallery(offer, name).await?;
        let shown_name = match offer {
            Offer::Shared => unique_name(&gallery.id),
            Offer::Community => public_name(&gallery).unwrap_or(name).to_owned(),
        };
        let offered = Offered { offer, name: &shown_name, region: &look.region };
        match (viewed.name_after("images"), viewed.name_after("versions")) {
            (None, _) if viewed.is_list => look.images(viewed.asked, &offered, &gallery).await,
            (None, _) => Ok(Reply::json(200, offered.gallery(&gallery))),
            (Some(image), None) => {
                let image = look.image(&gallery, image).await?;
                let is_of_versions = viewed.is_list;
                if is_of_versions {
                    look.versions(viewed.asked, &offered, &image).await
                } else {
                    Ok(Reply::json(200, offered.image(&image)))
                }
            }
            (Some(image), Some(version)) => {
                let image = look.image(&gallery, image).await?;
                let version = look.version(&image, version).await?;
                Ok(Reply::json(200, offered.version(image.id.name(), &version)))
            }
        }
    }
}

/// One consumer's look at one region.
struct Look<'a> {
    engine: &'a Engine,
    region: Region,
    subscription: &'a str,
    tenant: &'a str,
}

impl<'a> Look<'a> {
    fn of(engine: &'a Engine, principal: &'a Principal, id: &'a ResourceId) -> Result<Self, Error> {
        let region = name_after(id, "locations").and_then(|name| name.parse().ok());
        let (Some(region), Some(subscription)) = (region, id.subscription()) else {
            return Err(refusals::path_not_found().into());
        };
        Ok(Self { engine, region, subscription, tenant: principal.tenant_id.as_str() })
    }

    /// The gallery offered under `name`, if it is offered to this consumer.
    async fn gallery(&self, offer: Offer, name: &str) -> Result<Stored, Error> {
        let missing = || Error::from(not_found(Missing::Gallery));
        let claim = match offer {
            Offer::Shared => claim_of_unique_name(name).ok_or_else(missing)?,
            Offer::Community => claim_of_public_name(name),
        };
        let holder = self.engine.metadata.holder(&Claim(claim)).await?.ok_or_else(missing)?;
        let row = self.engine.metadata.row(&holder).await?.ok_or_else(missing)?;
        let gallery = stored_of(&row)?;
        let is_offered = match offer {
            Offer::Shared => {
                let consumers = [Consumer::Subscription(self.subscription), Consumer::Tenant(self.tenant)];
                consumers.into_iter().any(|consumer| is_shared_with(&gallery, consumer))
                    && !consents::is_rejected(self.engine, &gallery.id, self.subscription).await?
            }
            Offer::Community => is_public(&gallery),
        };
        is_offered.then_some(gallery).ok_or_else(missing)
    }

    /// What is shared with the subscription, or with `sharedTo=tenant` with the whole tenant.
    async fn galleries(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let options = &asked.options;
        let consumer = match options.shared_to.as_deref() {
            None => Consumer::Subscription(self.subscription),
            Some(word) if word.eq_ignore_ascii_case("tenant") => Consumer::Tenant(self.tenant),
            Some(_) => {
                return Err(Rejection::invalid("sharedTo", "The value of sharedTo must be 'tenant'.").into());
            }
        };
        let prefix = consumer.claim_prefix();
        let list = format!("{}?{prefix}", asked.request.path.to_ascii_lowercase());
        let token = options.skip_token.as_deref();
        let cursor = token.map(|token| self.engine.tokens.redeem(&list, token)).transpose()?;
        let mut after = cursor.map(|cursor| Claim(cursor.sort_key));
        let wanted = usize::try_from(page_size(options.top.as_deref())?).unwrap_or(usize::MAX);
        let (mut shown, mut looked_at) = (Vec::new(), 0);
        loop {
            let found = self.engine.metadata.claimed(&prefix, after.as_ref(), BATCH_ROWS).await?;
            if found.is_empty() {
                return Ok(Reply::json(200, json!({ "value": shown })));
            }
            for (claim, id) in found {
                if shown.len() == wanted || looked_at == LOOKED_AT_ROWS {
                    let cursor = after.map(|after| Cursor { sort_key: after.0, id_key: String::new() });
                    let link = self.engine.next_link(asked, &list, cursor.as_ref());
                    return Ok(Reply::json(200, json!({ "value": shown, "nextLink": link })));
                }
                after = Some(claim);
                looked_at += 1;
                if !consents::is_rejected(self.engine, &id, self.subscription).await? {
                    let name = unique_name(&id);
                    let offered = Offered { offer: Offer::Shared, name: &name, region: &self.region };
                    shown.push(offered.gallery_entry());
                }
            }
        }
    }

    async fn images(
        &self,
        asked: &Asked<'_>,
        offered: &Offered<'_>,
        gallery: &Stored,
    ) -> Result<Reply, Error> {
        let listing = Listing::Children { parent: gallery.id.clone(), type_name: DEFINITIONS.to_owned() };
        let show = |_row: &Row, stored: &Stored| Some(offered.image(stored));
        self.engine.page_of_rows(asked, &listing, show).await
    }

    async fn image(&self, gallery: &Stored, name: &str) -> Result<Stored, Error> {
        let missing = || Error::from(not_found(Missing::Image));
        let id = gallery.id.child("images", name).map_err(|_name| missing())?;
        let row = self.engine.metadata.row(&id).await?.ok_or_else(missing)?;
        stored_of(&row)
    }

    async fn version(&self, image: &Stored, name: &str) -> Result<Stored, Error> {
        let missing = || Error::from(not_found(Missing::Version));
        if !names_a_version(name) {
            return Err(missing());
        }
        if name.eq_ignore_ascii_case("latest") {
            return self.latest(image).await?.ok_or_else(missing);
        }
        let id = image.id.child("versions", name).map_err(|_name| missing())?;
        let row = self.engine.metadata.row(&id).await?.ok_or_else(missing)?;
        if self.is_complete(&row).await? { stored_of(&row) } else { Err(missing()) }
    }

    /// The highest version that counts as latest in the region.
    async fn latest(&self, image: &Stored) -> Result<Option<Stored>, Error> {
        let listing = versions_of(image);
        let mut cursor = None;
        loop {
            let rows = self.engine.metadata.list_back(&listing, cursor.as_ref(), BATCH_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            cursor = Some(listing.cursor_after(last));
            for row in &rows {
                let version = stored_of(row)?;
                let Ok(name) = version.id.name().parse::<VersionName>() else { continue };
                let completed =
                    if self.is_complete(row).await? { vec![self.region.clone()] } else { Vec::new() };
                let candidate = Candidate { name, document: &version.document, completed: &completed };
                if latest([candidate], Some(&self.region)).is_some() {
                    return Ok(Some(version));
                }
            }
        }
    }

    async fn versions(
        &self,
        asked: &Asked<'_>,
        offered: &Offered<'_>,
        image: &Stored,
    ) -> Result<Reply, Error> {
        let listing = versions_of(image);
        let list = asked.request.path.to_ascii_lowercase();
        let token = asked.options.skip_token.as_deref();
        let mut cursor = token.map(|token| self.engine.tokens.redeem(&list, token)).transpose()?;
        let wanted = usize::try_from(page_size(asked.options.top.as_deref())?).unwrap_or(usize::MAX);
        let (mut shown, mut looked_at): (Vec<Value>, usize) = (Vec::new(), 0);
        loop {
            let rows = self.engine.metadata.list(&listing, cursor.as_ref(), BATCH_ROWS).await?;
            if rows.is_empty() {
                return Ok(Reply::json(200, json!({ "value": shown })));
            }
            for row in &rows {
                if shown.len() == wanted || looked_at == LOOKED_AT_ROWS {
                    let link = self.engine.next_link(asked, &list, cursor.as_ref());
                    return Ok(Reply::json(200, json!({ "value": shown, "nextLink": link })));
                }
                cursor = Some(listing.cursor_after(row));
                looked_at += 1;
                if self.is_complete(row).await? {
                    shown.push(offered.version(image.id.name(), &stored_of(row)?));
                }
            }
        }
    }

    /// Whether a version stands complete in the region.
    async fn is_complete(&self, row: &Row) -> Result<bool, Error> {
        let name = format!("replica/{}", self.region);
        let facets = self.engine.metadata.facets(&row.id, &name).await?;
        let progress = facets.into_iter().find(|(found, _)| *found == name).map(|(_, document)| document);
        let progress = progress.and_then(|document| serde_json::from_value::<Progress>(document).ok());
        Ok(progress.is_some_and(|progress| progress.state == ProgressState::Completed))
    }
}

impl Engine {
    /// The version that a path below `sharedGalleries` or `communityGalleries` means, and the region of the path:
    /// when the caller may read there, it is offered to the caller's subscription, and it is complete there.
    ///
    /// # Errors
    /// 403 for who may not ask, else 404 `NotFound` in the words of consumers.
    pub async fn offered_version(
        &self,
        principal: &Principal,
        id: &ResourceId,
    ) -> Result<(ResourceId, Region), Error> {
        let type_name = id.type_name();
        self.authority.check(principal, &format!("{type_name}/read"), id)?;
        self.subscription_is_known(id.subscription())?;
        let look = Look::of(self, principal, id)?;
        let (offer, word) = offer_in(&type_name);
        let name = |kind: &str| name_after(id, kind).ok_or_else(refusals::path_not_found);
        let gallery = look.gallery(offer, name(word)?).await?;
        let image = look.image(&gallery, name("images")?).await?;
        let version = look.version(&image, name("versions")?).await?;
        Ok((version.id, look.region))
    }
}

/// To whom galleries are offered that stand below this type of path, and the word before their names.
fn offer_in(type_name: &TypeName) -> (Offer, &'static str) {
    match type_name.path().to_ascii_lowercase() {
        path if path.starts_with("locations/communitygalleries") => (Offer::Community, "communityGalleries"),
        _ => (Offer::Shared, "sharedGalleries"),
    }
}

fn versions_of(image: &Stored) -> Listing {
    Listing::Children { parent: image.id.clone(), type_name: VERSIONS.to_owned() }
}
