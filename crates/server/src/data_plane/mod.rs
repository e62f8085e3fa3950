//! Bytes over HTTP: uploads in, versions out. Decided by the same authority, carried by `workers`.
//!
//! Bodies are the binary codings of the `store` crate; errors, headers and challenges are Azure Resource Manager's.

mod call;
mod uploads;
mod versions;

use std::sync::Arc;

use arm::ResourceId;
use axum::Router;
use axum::response::Response;
use axum::routing::{any, get, post};
use workers::blobs::Blobs;
use workers::{Collector, Downloads, Error, Grants, Regions, Uploads};

use self::call::{Call, malformed};
use crate::blob::{BlobIntakes, granted};
use crate::body::Intake;
use crate::edge::{Edge, not_allowed};

/// What the data plane works with.
#[derive(Clone)]
pub(crate) struct DataPlane {
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) downloads: Downloads,
    pub(crate) regions: Regions,
    pub(crate) collector: Arc<Collector>,
    pub(crate) subscriptions: Arc<[String]>,
    pub(crate) intakes: Intakes,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) grants: Grants,
    pub(crate) blob_intakes: BlobIntakes,
}

/// The bounds of what comes in: together, what all bodies may take of memory.
#[derive(Clone)]
pub(crate) struct Intakes {
    /// Lists of digests to ask about.
    wanted: Intake,
    /// Blocks.
    blocks: Intake,
    /// Lists of entries; few, because those of a large disk are large.
    commit: Intake,
}

impl Default for Intakes {
    fn default() -> Self {
        Self {
            wanted: Intake::new(4 << 20, 16),
            blocks: Intake::new(64 << 20, 16),
            commit: Intake::new(1 << 30, 4),
        }
    }
}

pub(crate) fn router() -> Router<Edge> {
    Router::new()
        .route("/gallerist/wanted/{*id}", post(uploads::wanted))
        .route("/gallerist/blocks/{*id}", post(uploads::receive).get(versions::blocks))
        .route("/gallerist/commit/{*id}", post(uploads::commit))
        .route("/gallerist/entries/{*id}", get(versions::entries))
        .route("/gallerist/sas/{*path}", any(granted::answer))
        .route("/gallerist/verify", get(verify))
        .method_not_allowed_fallback(wrong_method)
}

async fn wrong_method(call: Call) -> Response {
    call.answer(not_allowed())
}

/// Reads everything and lists what should not be.
async fn verify(call: Call) -> Response {
    let work = async {
        let edge = call.edge();
        let principal = call.caller()?;
        for subscription in edge.data.subscriptions.iter() {
            let scope = ResourceId::subscription_scope(subscription)
                .map_err(|error| malformed(&error.to_string()))?;
            edge.engine.authority().check(&principal, "Gallerist.Images/verify/action", &scope)?;
        }
        let data = &edge.data;
        // What is still left over after a collection is left over for good.
        if let Err(error) = data.collector.collect().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "verifying without a collection before");
        }
        let found = workers::verify(
            edge.engine.metadata().as_ref(),
            &data.regions,
            &data.subscriptions,
            &|_, _, _| {},
        )
        .await?;
        serde_json::to_value(found).map_err(|error| Error::Document(error.to_string()))
    };
    call.document(work.await)
}
