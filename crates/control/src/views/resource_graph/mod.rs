//! `POST /providers/Microsoft.ResourceGraph/resources`: a small part of Azure Resource Graph (azure-api 8.4, 18).
//!
//! Resources are told to who may list them; galleries of the community to everybody. What one request looks at is
//! bounded, and `$skipToken` goes on from there.

mod query;

use arm::{Region, ResourceId};
use async_trait::async_trait;
use metadata::{Claim, Cursor, Listing, Row};
use providers::Rejection;
use providers::compute::consumer::{Offer, Offered};
use providers::compute::gallery::{PUBLIC_CLAIMS, is_public, public_name};
use serde_json::{Map, Value, json};

use self::query::{Query, Table};
use super::{View, Viewed};
use crate::engine::only;
use crate::read::envelope;
use crate::{Engine, Error, Method, Reply, body, refusals, stored_of};

/// Rows of a page, unless `$top` asks for fewer; the graph's own limit.
const PAGE_ROWS: usize = 1000;
/// Rows looked at for one page.
const LOOKED_AT_ROWS: usize = 5000;
const BATCH_ROWS: u32 = 200;
const COMMUNITY_TYPE: &str = "microsoft.compute/locations/communitygalleries";

pub(super) struct ResourceGraph;

#[async_trait]
impl View for ResourceGraph {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.ResourceGraph/resources"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Post])?;
        if !viewed.is_list || viewed.id.is_some() {
            return Err(refusals::path_not_found().into());
        }
        let search = Search::of(engine, viewed)?;
        let page = match search.query.table {
            Table::Resources => search.resources().await?,
            Table::CommunityGalleries => search.community().await?,
        };
        let mut reply = json!({
            "totalRecords": page.rows.len(), "count": page.rows.len(), "data": &page.rows, "facets": [],
            "resultTruncated": "false",
        });
        if let Some(next) = page.next.filter(|_| search.goes_on(page.rows.len())) {
            reply["$skipToken"] =
                engine.tokens.issue(&search.list, &search.counted(next, page.rows.len())).into();
        }
        Ok(Reply::json(200, reply))
    }
}

/// What was asked, read.
struct Search<'a> {
    engine: &'a Engine,
    viewed: &'a Viewed<'a>,
    query: Query,
    /// The subscriptions named; none means all.
    subscriptions: Vec<String>,
    /// Rows at most.
    most: usize,
    /// What a token is bound to.
    list: String,
    /// Where the page before ended.
    after: Option<Cursor>,
    /// Rows that the pages before had.
    taken: usize,
}

/// Rows, and where the next page begins if there is one.
#[derive(Default)]
struct Page {
    rows: Vec<Value>,
    next: Option<Cursor>,
}

impl<'a> Search<'a> {
    fn of(engine: &'a Engine, viewed: &'a Viewed<'a>) -> Result<Self, Error> {
        let request = viewed.asked.request;
        let sent = body::object(&request.body, request.content_type.as_deref())?;
        let text = sent.get("query").and_then(Value::as_str);
        let text =
            text.ok_or_else(|| Rejection::invalid("query", "Required parameter 'query' is missing (null)."))?;
        let query = Query::parse(text)?;
        let nothing = Map::new();
        let options = sent.get("options").and_then(Value::as_object).unwrap_or(&nothing);
        let format = options.get("resultFormat").and_then(Value::as_str).unwrap_or("objectArray");
        if !format.eq_ignore_ascii_case("objectArray") {
            let message = "The result format must be 'objectArray'; others are not understood.";
            return Err(Rejection::invalid("options.resultFormat", message).into());
        }
        let named = sent.get("subscriptions").and_then(Value::as_array).into_iter().flatten();
        let subscriptions: Vec<String> =
            named.filter_map(Value::as_str).take(PAGE_ROWS).map(str::to_ascii_lowercase).collect();
        let list = format!("graph?{text}?{}", subscriptions.join(","));
        let token = options.get("$skipToken").and_then(Value::as_str).filter(|token| !token.is_empty());
        let after = token.map(|token| engine.tokens.redeem(&list, token)).transpose()?;
        let (taken, after) = after.map_or((0, None), uncounted);
        let left = query.limit.map_or(PAGE_ROWS, |limit| limit.saturating_sub(taken));
        let most = most(options)?.min(left);
        Ok(Self { engine, viewed, query, subscriptions, most, list, after, taken })
    }

    /// Whether the query's own limit lets a page follow one of so many rows.
    fn goes_on(&self, row_count: usize) -> bool {
        self.query.limit.is_none_or(|limit| self.taken + row_count < limit)
    }

    /// A cursor that also says how many rows there were up to it.
    fn counted(&self, cursor: Cursor, row_count: usize) -> Cursor {
        Cursor { sort_key: format!("{} {}", self.taken + row_count, cursor.sort_key), ..cursor }
    }

    /// Resources of the subscriptions whose resources the caller may list.
    async fn resources(&self) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut looked_at = 0;
        // Within a token the subscription stands before the place in it.
        let (from, mut cursor) =
            match self.after.as_ref().map(|after| (after, after.sort_key.split_once(' '))) {
                Some((after, Some((subscription, sort_key)))) => {
                    let place = Cursor { sort_key: sort_key.to_owned(), id_key: after.id_key.clone() };
                    (Some(subscription.to_owned()), Some(place))
                }
                _ => (None, None),
            };
        let subscriptions = self.readable()?;
        let begins = |(id, _): &(String, ResourceId)| from.as_ref().is_some_and(|from| id != from);
        for (subscription, scope) in subscriptions.into_iter().skip_while(begins) {
            let listing = self.listing(scope);
            loop {
                let rows = self.engine.metadata.list(&listing, cursor.as_ref(), BATCH_ROWS).await?;
                if rows.is_empty() {
                    break;
                }
                for row in &rows {
                    if page.rows.len() == self.most || looked_at == LOOKED_AT_ROWS {
                        // Without a cursor none of this subscription has been seen: nothing sorts before the empty one.
                        let (sort_key, id_key) =
                            cursor.map(|cursor| (cursor.sort_key, cursor.id_key)).unwrap_or_default();
                        page.next = Some(Cursor { sort_key: format!("{subscription} {sort_key}"), id_key });
                        return Ok(page);
                    }
                    cursor = Some(listing.cursor_after(row));
                    looked_at += 1;
                    let shown = self.resource(row)?.filter(|shown| self.query.passes(shown));
                    page.rows.extend(shown.map(|shown| self.query.projected(shown)));
                }
            }
            cursor = None;
        }
        Ok(page)
    }

    fn listing(&self, scope: ResourceId) -> Listing {
        match self.query.type_name() {
            Some(type_name) => Listing::OfType { scope, type_name },
            None => Listing::Within { scope },
        }
    }

    /// The subscriptions asked about that the caller may list, by id.
    fn readable(&self) -> Result<Vec<(String, ResourceId)>, Error> {
        let principal = self.viewed.asked.principal;
        let seen = self.engine.directory.subscriptions(principal);
        let mut readable = Vec::new();
        for subscription in seen["value"].as_array().into_iter().flatten() {
            let id = subscription["id"].as_str().and_then(|id| id.rsplit('/').next()).unwrap_or_default();
            let id = id.to_ascii_lowercase();
            let is_asked = self.subscriptions.is_empty() || self.subscriptions.contains(&id);
            let Ok(scope) = ResourceId::subscription_scope(&id) else { continue };
            let action = "Microsoft.Resources/subscriptions/resources/read";
            if is_asked && self.engine.authority.check(principal, action, &scope).is_ok() {
                readable.push((id, scope));
            }
        }
        Ok(readable)
    }

    /// A resource as the graph has it: types and groups in lower case.
    fn resource(&self, row: &Row) -> Result<Option<Value>, Error> {
        let stored = stored_of(row)?;
        let Some(kind) = self.engine.registry.named(&stored.id.type_name()) else { return Ok(None) };
        if stored.id.pairs().len() <= 2 {
            return Ok(None);
        }
        let whole = envelope(kind, &stored, &providers::Query::default(), &[]);
        let mut shown = blank();
        for name in ["id", "name", "location", "tags", "identity", "sku", "plan", "properties"] {
            if let Some(value) = whole.get(name) {
                shown[name] = value.clone();
            }
        }
        shown["type"] = stored.id.type_name().key().into();
        shown["tenantId"] = self.viewed.asked.principal.tenant_id.clone().into();
        shown["resourceGroup"] = stored.id.group().unwrap_or_default().to_ascii_lowercase().into();
        shown["subscriptionId"] = stored.id.subscription().unwrap_or_default().into();
        Ok(Some(shown))
    }

    /// Galleries of the community, once for each region of the installation.
    async fn community(&self) -> Result<Page, Error> {
        if self.query.type_name().is_some_and(|type_name| type_name != COMMUNITY_TYPE) {
            let message = format!("Of communitygalleryresources only the type '{COMMUNITY_TYPE}' is known.");
            return Err(Rejection::new(400, "InvalidQuery", message).at("query").into());
        }
        let mut page = Page::default();
        let mut looked_at = 0;
        let mut after = self.after.clone();
        // The gallery at which the page before ended may have regions left.
        let mut found = match &after {
            Some(cursor) => self.held(&Claim(cursor.sort_key.clone())).await?,
            None => Vec::new(),
        };
        loop {
            for (claim, id) in found {
                if !self.gallery(&mut page, &mut after, &claim, &id).await? || looked_at == LOOKED_AT_ROWS {
                    page.next = after;
                    return Ok(page);
                }
                looked_at += 1;
            }
            let last = after.as_ref().map(|cursor| Claim(cursor.sort_key.clone()));
            found = self.engine.metadata.claimed(PUBLIC_CLAIMS, last.as_ref(), BATCH_ROWS).await?;
            if found.is_empty() {
                return Ok(page);
            }
        }
    }

    async fn held(&self, claim: &Claim) -> Result<Vec<(Claim, ResourceId)>, Error> {
        let holder = self.engine.metadata.holder(claim).await?;
        Ok(holder.map(|id| (claim.clone(), id)).into_iter().collect())
    }

    /// Adds the rows of one gallery after `after`; `false` when the page is full before they are all there.
    async fn gallery(
        &self,
        page: &mut Page,
        after: &mut Option<Cursor>,
        claim: &Claim,
        id: &ResourceId,
    ) -> Result<bool, Error> {
        let row = self.engine.metadata.row(id).await?;
        let gallery = row.map(|row| stored_of(&row)).transpose()?.filter(is_public);
        let name = gallery.as_ref().and_then(public_name).map(str::to_owned);
        let (Some(gallery), Some(name)) = (gallery, name) else {
            *after = Some(Cursor { sort_key: claim.0.clone(), id_key: String::new() });
            return Ok(true);
        };
        for region in &self.engine.regions {
            let here = Cursor { sort_key: claim.0.clone(), id_key: region.to_string() };
            let is_done = |after: &Cursor| after.sort_key == here.sort_key && after.id_key >= here.id_key;
            if after.as_ref().is_some_and(is_done) {
                continue;
            }
            let offered = Offered { offer: Offer::Community, name: &name, region };
            let shown = community_row(&name, region, offered.gallery(&gallery));
            if self.query.passes(&shown) {
                if page.rows.len() == self.most {
                    return Ok(false);
                }
                page.rows.push(self.query.projected(shown));
            }
            *after = Some(here);
        }
        Ok(true)
    }
}

/// What [`Search::counted`] put together.
fn uncounted(cursor: Cursor) -> (usize, Option<Cursor>) {
    let (taken, sort_key) = cursor.sort_key.split_once(' ').unwrap_or(("0", &cursor.sort_key));
    let taken = taken.parse().unwrap_or(0);
    (taken, Some(Cursor { sort_key: sort_key.to_owned(), id_key: cursor.id_key }))
}

fn most(options: &Map<String, Value>) -> Result<usize, Error> {
    let Some(top) = options.get("$top").filter(|top| !top.is_null()) else { return Ok(PAGE_ROWS) };
    let top = top.as_u64().and_then(|top| usize::try_from(top).ok()).filter(|top| *top > 0);
    let refuse =
        || Rejection::invalid("options.$top", "The value of $top must be a whole number of at least 1.");
    Ok(top.ok_or_else(refuse)?.min(PAGE_ROWS))
}

fn community_row(name: &str, region: &Region, gallery: Value) -> Value {
    let mut row = blank();
    row["id"] = format!("/providers/Microsoft.Compute/locations/{region}/CommunityGalleries/{name}").into();
    row["name"] = name.into();
    row["type"] = COMMUNITY_TYPE.into();
    row["location"] = region.as_str().into();
    row["properties"] = gallery;
    row
}

/// A row with every column the graph has, as it shows what a resource does not have.
fn blank() -> Value {
    json!({
        "id": "", "name": "", "type": "", "tenantId": "", "kind": "", "location": "", "resourceGroup": "",
        "subscriptionId": "", "managedBy": "", "sku": null, "plan": null, "properties": {}, "tags": null,
        "identity": null, "zones": null, "extendedLocation": null,
    })
}
