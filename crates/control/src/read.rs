//! GET, HEAD and lists.

use arm::{ResourceId, TypeName};
use metadata::{Cursor, Listing, Row};
use providers::{Query, Rejection, ResourceType, Show, Stored};
use serde_json::{Map, Value, json};

use crate::engine::{Asked, only};
use crate::filter::Filter;
use crate::{Engine, Error, Method, Reply, refusals, stored_of};

/// Rows of one page, unless `$top` asks for fewer.
const PAGE_ROWS: u32 = 200;
/// A page ends with the resource that takes it past this; Azure's own limit is 8 MiB.
const PAGE_BYTES: usize = 4 << 20;
/// Rows looked at for one page: a filter that few pass must not read everything for one request.
const LOOKED_AT_ROWS: usize = 5000;

impl Engine {
    pub(crate) async fn get(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
    ) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/read", kind.name()), id)?;
        let row = self.existing(kind, id).await;
        if asked.request.method == Method::Head {
            return match row {
                Ok(_) => Ok(Reply::empty(204)),
                Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(Reply::empty(404)),
                Err(error) => Err(error),
            };
        }
        let row = row?;
        let body = self.shown(kind, &row, &asked.options.query).await?;
        Ok(Reply::json(200, body).with("etag", format!("\"{}\"", row.etag)))
    }

    /// The row of a resource, or the 404 that says what is missing: the subscription, the group, or the resource.
    pub(crate) async fn existing(
        &self,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
    ) -> Result<Row, Error> {
        self.subscription_is_known(id.subscription())?;
        if let Some(row) = self.metadata.row(id).await? {
            return Ok(row);
        }
        self.group_exists(id).await?;
        if kind.name().is("Microsoft.Resources/resourceGroups") {
            return Err(refusals::group_not_found(id.name()).into());
        }
        Err(refusals::not_found(id).into())
    }

    /// Refuses when the group of `id` does not exist; answers its id in its own spelling.
    pub(crate) async fn group_exists(&self, id: &ResourceId) -> Result<Option<ResourceId>, Error> {
        let Some(group) = id.group_id() else { return Ok(None) };
        let row = self.metadata.row(&group).await?;
        row.map(|row| Some(row.id)).ok_or_else(|| refusals::group_not_found(group.name()).into())
    }

    /// A resource as it is answered, with what the query asks for.
    pub(crate) async fn shown(
        &self,
        kind: &'static dyn ResourceType,
        row: &Row,
        query: &Query,
    ) -> Result<Value, Error> {
        let facets = match kind.facets(query) {
            Some(prefix) => self.metadata.facets(&row.id, prefix).await?,
            None => Vec::new(),
        };
        let stored = stored_of(row)?;
        Ok(envelope(kind, &stored, query, &facets))
    }

    pub(crate) async fn collection(
        &self,
        asked: &Asked<'_>,
        scope: ResourceId,
        type_name: &TypeName,
    ) -> Result<Reply, Error> {
        let kind = self.kind(type_name, asked)?;
        only(asked.request, &[Method::Get])?;
        self.authority.check(asked.principal, &format!("{}/read", kind.name()), &scope)?;
        let listing = self.listing(asked, scope, kind).await?;
        let query = Query { base: asked.request.base.clone(), ..Query::default() };
        let page = self.page(asked, &listing, |stored| envelope(kind, stored, &query, &[])).await?;
        Ok(page)
    }

    /// What a collection lists: everything of the type in a subscription, or the children of a group or resource.
    async fn listing(
        &self,
        asked: &Asked<'_>,
        scope: ResourceId,
        kind: &'static dyn ResourceType,
    ) -> Result<Listing, Error> {
        let type_name = kind.name().as_str().to_owned();
        self.subscription_is_known(scope.subscription())?;
        if scope.pairs().len() == 1 && !kind.is_scoped() {
            return Ok(Listing::OfType { scope, type_name });
        }
        self.group_exists(&scope).await?;
        if scope.pairs().len() > 2 {
            // Listing what a missing parent holds is a 404, not an empty list.
            let parent_kind = self.kind(&scope.type_name(), asked)?;
            let scope = self.canonical(&scope, &parent_kind.name());
            self.existing(parent_kind, &scope).await?;
        }
        Ok(Listing::Children { parent: scope, type_name })
    }

    /// `GET …/resources`: every resource of a subscription or group, in the short form of Azure Resource Manager.
    pub(crate) async fn everything(&self, asked: &Asked<'_>, scope: &ResourceId) -> Result<Reply, Error> {
        only(asked.request, &[Method::Get])?;
        self.authority.check(asked.principal, "Microsoft.Resources/subscriptions/resources/read", scope)?;
        self.subscription_is_known(scope.subscription())?;
        self.group_exists(scope).await?;
        let expand = asked.options.query.expand.clone().unwrap_or_default().to_ascii_lowercase();
        let scope = scope.clone();
        self.page_of_rows(asked, &Listing::Within { scope }, |row, stored| {
            let is_group = stored.id.pairs().len() <= 2;
            // What no client can name, or has no place of its own, is a part of something else and is not listed.
            let is_named = self.registry.named(&stored.id.type_name()).is_some();
            let is_tracked = stored.document.location.is_some();
            // Deployments are no resources of a group: they make them (azure-api 14).
            let is_deployment = stored.id.type_name().is("Microsoft.Resources/deployments");
            (!is_group && is_named && is_tracked && !is_deployment).then(|| generic(row, stored, &expand))
        })
        .await
    }

    async fn page(
        &self,
        asked: &Asked<'_>,
        listing: &Listing,
        show: impl Fn(&Stored) -> Value,
    ) -> Result<Reply, Error> {
        self.page_of_rows(asked, listing, |_row, stored| Some(show(stored))).await
    }

    /// One page of `listing`: rows that pass `$filter` and `show`, and the link to the next page if there may be one.
    pub(crate) async fn page_of_rows(
        &self,
        asked: &Asked<'_>,
        listing: &Listing,
        show: impl Fn(&Row, &Stored) -> Option<Value>,
    ) -> Result<Reply, Error> {
        let options = &asked.options;
        let filter = Filter::parse(options.filter.as_deref())?;
        let wanted = page_size(options.top.as_deref())?;
        // A token fits the same path and filter only.
        let list = format!(
            "{}?{}",
            asked.request.path.to_ascii_lowercase(),
            options.filter.as_deref().unwrap_or_default()
        );
        let token = options.skip_token.as_deref();
        let mut cursor = token.map(|token| self.tokens.redeem(&list, token)).transpose()?;
        let (mut shown, mut bytes, mut looked_at) = (Vec::new(), 0, 0);
        let full = usize::try_from(wanted).unwrap_or(usize::MAX);
        // One more than the page holds tells whether there is a next; of those that pass a filter nobody knows.
        let limit = if filter == Filter::default() { wanted } else { PAGE_ROWS }.saturating_add(1);
        loop {
            let rows = self.metadata.list(listing, cursor.as_ref(), limit).await?;
            let more = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
            for row in &rows {
                if shown.len() == full || bytes > PAGE_BYTES || looked_at == LOOKED_AT_ROWS {
                    let link = self.next_link(asked, &list, cursor.as_ref());
                    return Ok(Reply::json(200, json!({ "value": shown, "nextLink": link })));
                }
                cursor = Some(listing.cursor_after(row));
                looked_at += 1;
                let stored = stored_of(row)?;
                if let Some(value) = filter.passes(&stored).then(|| show(row, &stored)).flatten() {
                    bytes += value.to_string().len();
                    shown.push(value);
                }
            }
            if !more {
                return Ok(Reply::json(200, json!({ "value": shown })));
            }
        }
    }

    pub(crate) fn next_link(&self, asked: &Asked<'_>, list: &str, cursor: Option<&Cursor>) -> Option<String> {
        let token = self.tokens.issue(list, cursor?);
        let request = asked.request;
        let kept = request.query.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
            !pair.is_empty() && name != "$skiptoken" && name != "%24skiptoken"
        });
        let query: Vec<&str> = kept.collect();
        Some(format!("{}{}?{}&$skiptoken={token}", request.base, request.path, query.join("&")))
    }
}

/// How many a page may hold: what `$top` asks for, within bounds.
pub(crate) fn page_size(top: Option<&str>) -> Result<u32, Error> {
    let Some(text) = top else { return Ok(PAGE_ROWS) };
    let number = text.parse::<u32>().ok().filter(|number| *number > 0);
    let refuse = || Rejection::invalid("$top", "The value of $top must be a whole number of at least 1.");
    Ok(number.ok_or_else(refuse)?.min(PAGE_ROWS))
}

/// The whole resource as it is answered.
pub(crate) fn envelope(
    kind: &dyn ResourceType,
    stored: &Stored,
    query: &Query,
    facets: &[(String, Value)],
) -> Value {
    let document = &stored.document;
    let mut properties = kind.show(&Show { stored, query, facets });
    if kind.shows_state() {
        properties.insert("provisioningState".to_owned(), document.state.as_str().into());
    }
    let mut body = Map::new();
    body.insert("name".to_owned(), stored.id.name().into());
    body.insert("id".to_owned(), stored.id.to_string().into());
    body.insert("type".to_owned(), kind.name().as_str().into());
    if let Some(location) = &document.location {
        body.insert("location".to_owned(), location.clone().into());
    }
    if let Some(tags) = &document.tags {
        body.insert("tags".to_owned(), json!(tags));
    }
    body.extend(document.envelope.clone());
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}

fn generic(row: &Row, stored: &Stored, expand: &str) -> Value {
    let mut body = json!({"id": stored.id.to_string(), "name": stored.id.names().join("/"), "type": stored.id.type_name().as_str()});
    if let Some(location) = &stored.document.location {
        body["location"] = location.clone().into();
    }
    if let Some(tags) = &stored.document.tags {
        body["tags"] = json!(tags);
    }
    let mut expanded = |name: &str, value: Value| {
        if expand.contains(&name.to_ascii_lowercase()) {
            body[name] = value;
        }
    };
    expanded("createdTime", row.created_at.to_string().into());
    expanded("changedTime", row.changed_at.to_string().into());
    expanded("provisioningState", stored.document.state.as_str().into());
    body
}
