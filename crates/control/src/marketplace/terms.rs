//! The terms of plans, and what each subscription has said to them.

use arm::ResourceId;
use jiff::Timestamp;
use metadata::{Change, Limit};
use providers::Rejection;
use providers::images::marketplace::{
    MOST_BELOW_ONE, PlanNames, agreement, agreement_id, agreements, plan_id,
};
use serde_json::{Map, Value, json};

use super::{counter, images::not_found};
use crate::engine::Asked;
use crate::{Engine, Error, stored_of};

/// Most plans of one publisher that one subscription has said something to.
const MOST_AGREEMENTS: u64 = MOST_BELOW_ONE;

impl Engine {
    /// The terms of a plan as `subscription` sees them.
    pub(crate) async fn terms(&self, subscription: &str, names: &PlanNames) -> Result<Value, Error> {
        let terms = self.terms_of(names).await?;
        let id = agreement_id(subscription, names).map_err(|_error| not_found("Plan", &names.name))?;
        let said = self.metadata.row(&id).await?.as_ref().map(stored_of).transpose()?;
        let said = said.map(|said| said.document.properties).unwrap_or_default();
        let accepted = said.get("accepted") == Some(&Value::Bool(true));
        let at = said.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        let signature = signature(subscription, names, &terms);
        let properties =
            agreement(names, &terms, &signature, accepted, at.unwrap_or_else(|| self.clock.now()));
        Ok(shown(subscription, names, &properties))
    }

    /// Notes whether `subscription` accepts the terms of a plan, and answers them.
    pub(crate) async fn agree(
        &self,
        asked: &Asked<'_>,
        subscription: &str,
        names: &PlanNames,
        accepted: bool,
    ) -> Result<Value, Error> {
        self.terms_of(names).await?;
        let id = agreement_id(subscription, names).map_err(|_error| not_found("Plan", &names.name))?;
        let members = [
            ("publisher", json!(names.publisher)),
            ("product", json!(names.product)),
            ("plan", json!(names.name)),
            ("accepted", json!(accepted)),
            ("at", json!(self.clock.now().to_string())),
        ];
        let properties = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let row = self.listed(asked, id.clone(), properties, None)?;
        let verb = if accepted { "sign/action" } else { "cancel/action" };
        let change = Change {
            limits: vec![Limit { counter: counter(&id), most: MOST_AGREEMENTS }],
            activity: vec![self.noted(asked, &id, verb, &Value::Null)],
            put: vec![row],
            ..Change::default()
        };
        self.metadata.commit(change).await?;
        self.terms(subscription, names).await
    }

    /// Refuses what was not read before it is accepted.
    pub(crate) async fn check_signature(
        &self,
        subscription: &str,
        names: &PlanNames,
        sent: Option<&str>,
    ) -> Result<(), Error> {
        let terms = self.terms_of(names).await?;
        if sent == Some(signature(subscription, names, &terms).as_str()) {
            return Ok(());
        }
        let message = "The signature is not that of the current terms. Get the agreement, and send it back with accepted set.";
        Err(Rejection::invalid("properties.signature", message).into())
    }

    /// Everything `subscription` has said.
    pub(crate) async fn agreements(&self, subscription: &str) -> Result<Vec<Value>, Error> {
        let Ok(scope) = agreements(subscription) else { return Ok(Vec::new()) };
        let listing = metadata::Listing::Within { scope };
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let rows = self.metadata.list(&listing, cursor.as_ref(), super::PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(all) };
            cursor = Some(listing.cursor_after(last));
            for row in &rows {
                let said = &row.document["properties"];
                let name = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
                let names =
                    PlanNames { publisher: name("publisher"), product: name("product"), name: name("plan") };
                match self.terms(subscription, &names).await {
                    Ok(terms) => all.push(terms),
                    Err(Error::Refused(refusal)) if refusal.status == 404 => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn terms_of(&self, names: &PlanNames) -> Result<Map<String, Value>, Error> {
        let id: Option<ResourceId> = plan_id(names).ok();
        let row = match &id {
            Some(id) => self.metadata.row(id).await?,
            None => None,
        };
        let missing = || not_found("Plan", &format!("{}:{}:{}", names.publisher, names.product, names.name));
        Ok(stored_of(&row.ok_or_else(missing)?)?.document.properties)
    }
}

/// What proves that just these terms were read.
fn signature(subscription: &str, names: &PlanNames, terms: &Map<String, Value>) -> String {
    let parts = [subscription, &names.publisher, &names.product, &names.name].map(str::to_ascii_lowercase);
    let mut hasher = blake3::Hasher::new_derive_key("gallerist 2026-11 terms of a plan");
    for part in parts.iter().map(String::as_bytes).chain([json!(terms).to_string().as_bytes()]) {
        hasher.update(part).update(&[0]);
    }
    hasher.finalize().to_hex().to_string().to_uppercase()
}

fn shown(subscription: &str, names: &PlanNames, properties: &Value) -> Value {
    let id = format!(
        "/subscriptions/{subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/{}/offers/{}/plans/{}/agreements/current",
        names.publisher, names.product, names.name
    );
    json!({"id": id, "name": names.name, "type": "Microsoft.MarketplaceOrdering/offertypes", "properties": properties})
}
