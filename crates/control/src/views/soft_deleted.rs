//! `…/galleries/G/softDeletedArtifactTypes/Images/artifacts/D/versions`: versions that were deleted and can be
//! taken back, until their time is over or somebody purges them (azure-api 9.2).

use arm::ResourceId;
use async_trait::async_trait;
use metadata::{ActivityEntry, Change, Expect, Listing, NewJob};
use providers::compute::image_version::{
    SOFT_DELETED, SOFT_DELETED_ARTIFACT, SoftDeleted, artifact, aside, version_of,
};
use providers::{Rejection, Stored};
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::locks::{self, Intent};
use crate::remove::reply_to_delete;
use crate::write::RACES;
use crate::{Engine, Error, Method, Reply, policy, precondition, refusals, stored_of};

const VERSIONS: &str = "Microsoft.Compute/galleries/images/versions";
const DEFINITIONS: &str = "Microsoft.Compute/galleries/images";

pub(super) struct SoftDeletedVersions;

#[async_trait]
impl View for SoftDeletedVersions {
    fn types(&self) -> &'static [&'static str] {
        &[SOFT_DELETED_ARTIFACT]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        let definition = definition_in(viewed)?;
        if viewed.is_list {
            only(viewed.asked.request, &[Method::Get])?;
            return list(engine, viewed, definition).await;
        }
        if viewed.action.is_some() {
            return Err(refusals::path_not_found().into());
        }
        only(viewed.asked.request, &[Method::Get, Method::Delete])?;
        let name = viewed.id.as_ref().map(ResourceId::name).unwrap_or_default();
        let version = definition.child("versions", name).map_err(|_shape| refusals::path_not_found())?;
        match viewed.asked.request.method {
            Method::Delete => purge(engine, viewed, &version).await,
            _ => show(engine, &version).await,
        }
    }
}

/// The definition that the path is about.
fn definition_in(viewed: &Viewed<'_>) -> Result<ResourceId, Rejection> {
    let id = viewed.id.as_ref().ok_or_else(refusals::path_not_found)?;
    let kind = viewed.name_after("softDeletedArtifactTypes").unwrap_or_default();
    if !kind.eq_ignore_ascii_case("Images") {
        let message = format!("The soft-deleted artifact type '{kind}' is not known. Known is: Images.");
        return Err(Rejection::invalid("softDeletedArtifactTypes", message));
    }
    let pairs =
        id.pairs().iter().take_while(|(word, _)| !word.eq_ignore_ascii_case("softDeletedArtifactTypes"));
    let gallery = ResourceId::from_pairs(pairs.cloned().collect());
    let definition = viewed.name_after("artifacts").unwrap_or_default();
    let definition = gallery.and_then(|gallery| gallery.child("images", definition));
    definition.map_err(|_shape| refusals::path_not_found())
}

async fn list(engine: &Engine, viewed: &Viewed<'_>, definition: ResourceId) -> Result<Reply, Error> {
    let kind = engine.kind(&DEFINITIONS.into(), viewed.asked)?;
    let parent = engine.existing(kind, &definition).await?.id;
    let listing = Listing::Children { parent, type_name: SOFT_DELETED.to_owned() };
    engine.page_of_rows(viewed.asked, &listing, |_row, stored| shown(stored)).await
}

async fn show(engine: &Engine, version: &ResourceId) -> Result<Reply, Error> {
    let missing = || refusals::not_found(&artifact(version).unwrap_or_else(|| version.clone()));
    let row = match aside(version) {
        Some(id) => engine.metadata.row(&id).await?,
        None => None,
    };
    let row = row.ok_or_else(missing)?;
    let body = shown(&stored_of(&row)?).ok_or_else(missing)?;
    Ok(Reply::json(200, body).with("etag", format!("\"{}\"", row.etag)))
}

/// Deletes a soft-deleted version for good; its bytes go with it.
async fn purge(engine: &Engine, viewed: &Viewed<'_>, version: &ResourceId) -> Result<Reply, Error> {
    let asked = viewed.asked;
    let id = aside(version).ok_or_else(refusals::path_not_found)?;
    locks::check(version, Intent::Delete)?;
    let kind = engine.kind(&VERSIONS.into(), asked)?;
    for _ in 0..RACES {
        let Some(row) = engine.metadata.row(&id).await? else {
            engine.group_exists(&id).await?;
            return Ok(Reply::empty(204));
        };
        precondition::check(asked.request, Some(&row.etag))?;
        let stored = stored_of(&row)?;
        policy::check(&row.id, &stored.document)?;
        let target = artifact(&row.id).unwrap_or_else(|| row.id.clone());
        let job = engine.ended_job(asked, &target);
        match engine.metadata.commit(purging(engine, viewed, &row.id, row.etag.clone(), job.clone())).await {
            Ok(()) => {
                engine.bytes_released().notify_one();
                return Ok(reply_to_delete(asked, kind, &stored, Some(&job)));
            }
            // Restored or purged meanwhile: look again.
            Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(refusals::busy(version).into())
}

fn purging(engine: &Engine, viewed: &Viewed<'_>, id: &ResourceId, etag: String, job: NewJob) -> Change {
    let activity = ActivityEntry {
        target: job.target.clone(),
        at: engine.clock.now(),
        action: viewed.action_name(),
        caller: viewed.asked.principal.object_id.clone(),
        correlation_id: viewed.asked.request.correlation_id.clone(),
        document: json!({"status": "Accepted", "subStatus": "OK", "callerName": viewed.asked.principal.name}),
    };
    Change {
        expect: vec![Expect::Unchanged(id.clone(), etag)],
        delete: vec![id.clone()],
        jobs: vec![job],
        activity: vec![activity],
        ..Change::default()
    }
}

fn shown(stored: &Stored) -> Option<Value> {
    let version = version_of(&stored.id)?;
    let mut body = json!({
        "id": artifact(&version)?.to_string(),
        "name": version.name(),
        "type": SOFT_DELETED_ARTIFACT,
        "properties": SoftDeleted::of(&stored.document)?.properties(&version),
    });
    if let Some(location) = &stored.document.location {
        body["location"] = location.clone().into();
    }
    if let Some(tags) = &stored.document.tags {
        body["tags"] = json!(tags);
    }
    Some(body)
}
