//! `GET …/locations/L/usages`: how much a subscription has of what is limited, and how much it may have.
//!
//! Read from the counters that commits keep: a list costs the same however much there is.

use std::collections::HashMap;

use arm::{Region, ResourceId};
use async_trait::async_trait;
use providers::{QUOTAS, Quota};
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, refusals};

pub(super) struct Usages;

#[async_trait]
impl View for Usages {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Compute/locations/usages"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        let subscription = viewed.scope().and_then(ResourceId::subscription);
        let region = viewed.name_after("locations").and_then(|name| name.parse::<Region>().ok());
        let (Some(subscription), Some(region), true) = (subscription, region, viewed.is_list) else {
            return Err(refusals::path_not_found().into());
        };
        let counts = engine.metadata.counts(&Quota::counters(subscription, &region)).await?;
        let counts: HashMap<String, u64> = counts.into_iter().collect();
        let stands = |quota: &&Quota| engine.registry.named(&quota.type_name.into()).is_some();
        let usages = QUOTAS.iter().filter(stands).map(|quota| {
            let current = counts.get(&quota.counter(subscription, &region)).copied().unwrap_or(0);
            usage(quota, current, engine.limits.most(quota))
        });
        Ok(Reply::json(200, json!({ "value": usages.collect::<Vec<_>>() })))
    }
}

fn usage(quota: &Quota, current: u64, most: u64) -> Value {
    json!({
        "limit": most,
        "unit": "Count",
        "currentValue": current,
        "name": {"value": quota.usage, "localizedValue": quota.shown},
    })
}
