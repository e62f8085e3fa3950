//! `POST …/sharedGallerySubscriptions/S/sharedGalleries/U/accept` and `reject`: what a subscription wants of what is
//! shared with it. What it rejects it does not see, until it accepts it.

use arm::ResourceId;
use async_trait::async_trait;
use metadata::{ActivityEntry, Change, Claim};
use providers::compute::consumer::{Missing, not_found};
use providers::compute::gallery::{Consumer, claim_of_unique_name, is_shared_with};
use serde_json::json;

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, operation, refusals, stored_of};

pub(super) struct Consents;

#[async_trait]
impl View for Consents {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Compute/locations/sharedGallerySubscriptions/sharedGalleries"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Post])?;
        let accepted = match viewed.action.map(str::to_ascii_lowercase).as_deref() {
            Some("accept") => true,
            Some("reject") => false,
            _ => return Err(refusals::path_not_found().into()),
        };
        let id = viewed.id.as_ref().ok_or_else(refusals::path_not_found)?;
        let subscription = id.subscription().unwrap_or_default();
        let named = viewed.name_after("sharedGallerySubscriptions").unwrap_or_default();
        if !named.eq_ignore_ascii_case(subscription) {
            return Err(not_found(Missing::Gallery).into());
        }
        let gallery = shared(engine, viewed, id, subscription).await?;
        let document = json!({ "accepted": accepted });
        match engine.metadata.put_facet(&gallery, &facet(subscription), &document).await {
            Err(metadata::Error::Absent(_)) => return Err(not_found(Missing::Gallery).into()),
            done => done?,
        }
        noted(engine, viewed, id).await
    }
}

/// The gallery that is shared with the subscription under the name in the path.
async fn shared(
    engine: &Engine,
    viewed: &Viewed<'_>,
    id: &ResourceId,
    subscription: &str,
) -> Result<ResourceId, Error> {
    let missing = || Error::from(not_found(Missing::Gallery));
    let claim = claim_of_unique_name(id.name()).ok_or_else(missing)?;
    let holder = engine.metadata.holder(&Claim(claim)).await?.ok_or_else(missing)?;
    let row = engine.metadata.row(&holder).await?.ok_or_else(missing)?;
    let gallery = stored_of(&row)?;
    let tenant = viewed.asked.principal.tenant_id.as_str();
    let consumers = [Consumer::Subscription(subscription), Consumer::Tenant(tenant)];
    let is_shared = consumers.into_iter().any(|consumer| is_shared_with(&gallery, consumer));
    is_shared.then_some(gallery.id).ok_or_else(missing)
}

/// Leaves the activity and the operation that clients poll.
async fn noted(engine: &Engine, viewed: &Viewed<'_>, id: &ResourceId) -> Result<Reply, Error> {
    let asked = viewed.asked;
    let job = engine.ended_job(asked, id);
    let activity = ActivityEntry {
        target: id.clone(),
        at: engine.clock.now(),
        action: viewed.action_name(),
        caller: asked.principal.object_id.clone(),
        correlation_id: asked.request.correlation_id.clone(),
        document: json!({"status": "Accepted", "subStatus": "OK", "callerName": asked.principal.name}),
    };
    let job_id = job.id;
    let change = Change { jobs: vec![job], activity: vec![activity], ..Change::default() };
    engine.metadata.commit(change).await?;
    let kind = engine.kind(&"Microsoft.Compute/galleries".into(), asked)?;
    let location = viewed.name_after("locations").unwrap_or_default();
    let (base, version) = (&asked.request.base, asked.api_version.to_string());
    Ok(Reply::empty(202)
        .with("location", operation::result_url(base, id, kind, location, job_id, &version))
        .with("azure-asyncoperation", operation::status_url(base, id, kind, location, job_id, &version))
        .with("retry-after", operation::RETRY_SECONDS))
}

/// Whether `subscription` has rejected the gallery.
pub(super) async fn is_rejected(
    engine: &Engine,
    gallery: &ResourceId,
    subscription: &str,
) -> Result<bool, Error> {
    let name = facet(subscription);
    let found = engine.metadata.facets(gallery, &name).await?;
    Ok(found.iter().any(|(found, document)| *found == name && document["accepted"] == false))
}

/// Beside the gallery, so that it goes with it.
fn facet(subscription: &str) -> String {
    format!("consent/{}", subscription.to_ascii_lowercase())
}
