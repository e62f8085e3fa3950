//! `Gallerist.Images/marketplaces/default`: where the operator of an installation lists and delists what is offered.

use arm::ResourceId;
use async_trait::async_trait;
use metadata::Listing;
use providers::images::marketplace::{TYPES, root};
use serde_json::json;

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, refusals, stored_of};

pub(super) struct Marketplace;

#[async_trait]
impl View for Marketplace {
    fn types(&self) -> &'static [&'static str] {
        TYPES
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        let asked = viewed.asked;
        let id = viewed.scope().ok_or_else(refusals::path_not_found)?;
        if !id.is_within(&root()) {
            return Err(refusals::path_not_found().into());
        }
        if viewed.is_list {
            only(asked.request, &[Method::Get])?;
            let type_name = viewed.type_name.as_str().to_owned();
            let listing = Listing::Children { parent: id.clone(), type_name };
            return engine.page_of_rows(asked, &listing, |row, stored| {
                Some(json!({"id": row.id.to_string(), "name": row.id.name(), "type": row.id.type_name().as_str(),
                    "properties": stored.document.properties}))
            }).await;
        }
        match (asked.request.method, viewed.action) {
            (Method::Post, Some(action)) if action.eq_ignore_ascii_case("import") && *id == root() => {
                engine.import(asked).await
            }
            (Method::Delete, None) if *id != root() => engine.delist(asked, id).await,
            (Method::Get, None) if *id != root() => one(engine, id).await,
            _ => Err(refusals::method_not_allowed().into()),
        }
    }
}

async fn one(engine: &Engine, id: &ResourceId) -> Result<Reply, Error> {
    let row = engine.metadata.row(id).await?.ok_or_else(|| refusals::not_found(id))?;
    let properties = stored_of(&row)?.document.properties;
    let body = json!({"id": row.id.to_string(), "name": row.id.name(), "type": row.id.type_name().as_str(),
        "properties": properties});
    Ok(Reply::json(200, body).with("etag", format!("\"{}\"", row.etag)))
}
