//! `Microsoft.MarketplaceOrdering`: the terms of plans, read, accepted and given up per subscription.

use arm::ResourceId;
use async_trait::async_trait;
use providers::Rejection;
use providers::images::marketplace::PlanNames;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, body, refusals};

pub(super) struct Agreements;

const OF_OFFER: &str = "Microsoft.MarketplaceOrdering/offerTypes/publishers/offers/plans/agreements";
const OF_PLAN: &str = "Microsoft.MarketplaceOrdering/agreements/offers/plans";
const ALL: &str = "Microsoft.MarketplaceOrdering/agreements";

#[async_trait]
impl View for Agreements {
    fn types(&self) -> &'static [&'static str] {
        &[OF_OFFER, OF_PLAN, ALL]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        let subscription = viewed.scope().and_then(ResourceId::subscription);
        let subscription = subscription.ok_or_else(refusals::path_not_found)?;
        if viewed.is_list {
            only(viewed.asked.request, &[Method::Get])?;
            if !viewed.type_name.is(ALL) {
                return Err(refusals::path_not_found().into());
            }
            return Ok(Reply::json(200, json!({ "value": engine.agreements(subscription).await? })));
        }
        let names = names(viewed).ok_or_else(refusals::path_not_found)?;
        let terms = match (viewed.asked.request.method, viewed.action) {
            (Method::Get, None) => engine.terms(subscription, &names).await?,
            (Method::Put, None) if viewed.type_name.is(OF_OFFER) => {
                let accepted = self.accepted(engine, viewed, subscription, &names).await?;
                engine.agree(viewed.asked, subscription, &names, accepted).await?
            }
            (Method::Post, Some(action)) if viewed.type_name.is(OF_PLAN) => {
                let accepted = match action.to_ascii_lowercase().as_str() {
                    "sign" => true,
                    "cancel" => false,
                    _ => return Err(refusals::path_not_found().into()),
                };
                engine.agree(viewed.asked, subscription, &names, accepted).await?
            }
            _ => return Err(refusals::method_not_allowed().into()),
        };
        Ok(Reply::json(200, terms))
    }
}

impl Agreements {
    /// What a PUT says, once it is clear that it speaks of the terms that stand.
    async fn accepted(
        &self,
        engine: &Engine,
        viewed: &Viewed<'_>,
        subscription: &str,
        names: &PlanNames,
    ) -> Result<bool, Error> {
        let request = viewed.asked.request;
        let sent = Value::Object(body::object(&request.body, request.content_type.as_deref())?);
        let properties = &sent["properties"];
        engine.check_signature(subscription, names, properties["signature"].as_str()).await?;
        let accepted = properties["accepted"].as_bool();
        let refuse = || {
            Rejection::invalid(
                "properties.accepted",
                "Required parameter 'accepted' should be true or false.",
            )
        };
        accepted.ok_or_else(|| refuse().into())
    }
}

fn names(viewed: &Viewed<'_>) -> Option<PlanNames> {
    let name = |kind: &str| viewed.name_after(kind).map(str::to_owned);
    let publisher = if viewed.type_name.is(OF_OFFER) {
        let is_known = viewed.name_after("offerTypes")?.eq_ignore_ascii_case("virtualmachine")
            && viewed.name_after("agreements")?.eq_ignore_ascii_case("current");
        name("publishers").filter(|_| is_known)?
    } else {
        name("agreements")?
    };
    Some(PlanNames { publisher, product: name("offers")?, name: name("plans")? })
}
