//! Complete mode: what stands in the group and not in the template goes.

use std::collections::{BTreeMap, BTreeSet};

use arm::{ErrorDetail, ResourceId};
use bytes::Bytes;
use control::Method;
use metadata::Listing;
use template::Plan;

use super::asking::{Asking, refusal};
use crate::job::{Running, Stop};

/// What stands in the group of the deployment and not in its template, what is nested deepest first.
/// Deployments and what is below a resource that stays unnamed by its provider stay.
pub(super) async fn not_in(running: &Running, plan: &Plan) -> Result<Vec<ResourceId>, Stop> {
    let Some(group) = running.job.target.group_id() else { return Ok(Vec::new()) };
    let named: BTreeSet<String> =
        plan.resources.iter().map(|resource| resource.id.to_ascii_lowercase()).collect();
    let listing = Listing::Within { scope: group };
    let (mut rest, mut cursor) = (Vec::new(), None);
    loop {
        let rows = running.engine.metadata().list(&listing, cursor.as_ref(), 500).await?;
        let Some(last) = rows.last() else { break };
        cursor = Some(listing.cursor_after(last));
        for row in rows {
            let is_resource =
                row.id.pairs().len() > 2 && !row.id.type_name().is("Microsoft.Resources/deployments");
            if is_resource && !named.contains(&row.id.key()) {
                rest.push(row.id);
            }
        }
    }
    // A child whose parent is in the template is the parent's matter (azure-api 13).
    rest.retain(|id| !above(id).any(|parent| named.contains(&parent.key())));
    rest.sort_by_key(|id| std::cmp::Reverse(id.pairs().len()));
    Ok(rest)
}

fn above(id: &ResourceId) -> impl Iterator<Item = ResourceId> {
    std::iter::successors(id.parent(), ResourceId::parent).filter(|parent| parent.pairs().len() > 2)
}

/// Deletes them; answers what would not go.
pub(super) async fn remove_the_rest(
    running: &Running,
    asking: &Asking,
    plan: &Plan,
) -> Result<BTreeMap<String, ErrorDetail>, Stop> {
    let mut left = BTreeMap::new();
    for id in not_in(running, plan).await? {
        if running.is_stopped() {
            return Err(Stop::LeaseLost);
        }
        let newest = providers::resource_types().iter().find(|kind| kind.name() == id.type_name());
        let Some(newest) = newest.and_then(|kind| kind.api_versions().first()) else { continue };
        let reply = asking.send(Method::Delete, &id.to_string(), newest, Bytes::new()).await?;
        if !matches!(reply.status, 200 | 202 | 204) {
            left.insert(id.to_string(), refusal(reply));
        }
    }
    Ok(left)
}
