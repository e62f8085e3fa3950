//! `GET …/skus`: the sizes of machines and the classes of disks, region by region, with what each can do.

use arm::{Region, ResourceId};
use async_trait::async_trait;
use metadata::Cursor;
use providers::compute::size::{DISK_SKUS, sku_of};
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::filter::location_in;
use crate::{Engine, Error, Method, Reply, refusals};

/// Items of one page.
const PAGE_ITEMS: usize = 2_000;

pub(super) struct Skus;

#[async_trait]
impl View for Skus {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Compute/skus"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        let asked = viewed.asked;
        only(asked.request, &[Method::Get])?;
        if !viewed.is_list || viewed.scope().and_then(ResourceId::subscription).is_none() {
            return Err(refusals::path_not_found().into());
        }
        let wanted = location_in(asked.options.filter.as_deref())?;
        let regions = engine
            .regions
            .iter()
            .filter(|region| wanted.as_ref().is_none_or(|wanted| wanted == region.as_str()));
        // A token fits the same path and filter only.
        let list = format!("skus {} {wanted:?}", asked.request.path.to_ascii_lowercase());
        let from = match asked.options.skip_token.as_deref() {
            Some(token) => {
                let cursor = engine.tokens.redeem(&list, token)?;
                cursor.sort_key.parse::<usize>().map_err(|_error| refusals::skip_token_invalid())?
            }
            None => 0,
        };
        let mut items = regions.flat_map(|region| in_region(engine, region)).skip(from);
        let page: Vec<Value> = items.by_ref().take(PAGE_ITEMS).collect();
        let next = Cursor { sort_key: (from + page.len()).to_string(), id_key: String::new() };
        let link = items.next().and_then(|_more| engine.next_link(asked, &list, Some(&next)));
        let mut body = json!({ "value": page });
        if let Some(link) = link {
            body["nextLink"] = link.into();
        }
        Ok(Reply::json(200, body))
    }
}

fn in_region<'a>(engine: &'a Engine, region: &'a Region) -> impl Iterator<Item = Value> + 'a {
    let sizes = engine.sizes.iter().map(|(family, size)| sku_of(family, size, region.as_str()));
    sizes.chain(DISK_SKUS.iter().map(|sku| sku.item(region.as_str())))
}
