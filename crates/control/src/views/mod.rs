//! What can be asked at a path of its own without being a resource: lists drawn from other rows, tables, searches.
//!
//! A view is one file here and one line in [`all`]. The caller's right to ask is checked before it answers; it
//! writes, if at all, through one commit like every other request.

mod agreements;
mod consents;
mod consumers;
mod deployment_operations;
mod inspection_reports;
mod marketplace;
mod operations;
mod resource_graph;
mod skus;
mod soft_deleted;
mod storage_name;
mod usages;
mod vm_images;
mod vm_sizes;

use arm::{ResourceId, TypeName};
use async_trait::async_trait;

use crate::engine::Asked;
use crate::{Engine, Error, Method, Reply};

/// One family of paths and what is answered there.
#[async_trait]
pub(crate) trait View: Send + Sync {
    /// The types of its paths: `Microsoft.Compute/locations/usages`.
    fn types(&self) -> &'static [&'static str];

    /// The answer to a caller who may ask.
    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error>;
}

/// Every view there is.
fn all() -> &'static [&'static dyn View] {
    &[
        &agreements::Agreements,
        &consents::Consents,
        &consumers::Consumers,
        &deployment_operations::DeploymentOperations,
        &inspection_reports::InspectionReports,
        &marketplace::Marketplace,
        &operations::Operations,
        &resource_graph::ResourceGraph,
        &skus::Skus,
        &soft_deleted::SoftDeletedVersions,
        &storage_name::StorageName,
        &usages::Usages,
        &vm_images::VmImages,
        &vm_sizes::VmSizes,
    ]
}

/// The view that answers at paths of this type.
pub(crate) fn find(type_name: &TypeName) -> Option<&'static dyn View> {
    all().iter().copied().find(|view| view.types().iter().any(|known| type_name.is(known)))
}

/// A request to a view.
pub(crate) struct Viewed<'a> {
    pub(crate) asked: &'a Asked<'a>,
    /// What the path names, or for a list what it stands in; `None` for a list of the tenant.
    pub(crate) id: Option<ResourceId>,
    /// The type asked for: of the thing named, or of the things listed.
    pub(crate) type_name: TypeName,
    /// Whether the path ends in a type rather than a name.
    pub(crate) is_list: bool,
    /// The last segment of a POST to a thing.
    pub(crate) action: Option<&'a str>,
}

impl<'a> Viewed<'a> {
    pub(crate) fn one(asked: &'a Asked<'a>, id: &ResourceId, action: Option<&'a str>) -> Self {
        Self { asked, type_name: id.type_name(), id: Some(id.clone()), is_list: false, action }
    }

    pub(crate) fn list(asked: &'a Asked<'a>, scope: Option<ResourceId>, type_name: &TypeName) -> Self {
        Self { asked, id: scope, type_name: type_name.clone(), is_list: true, action: None }
    }

    /// Where the caller needs the right to ask.
    pub(crate) fn scope(&self) -> Option<&ResourceId> {
        self.id.as_ref()
    }

    /// The right that is needed.
    pub(crate) fn action_name(&self) -> String {
        let verb = match (self.action, self.asked.request.method) {
            (Some(action), _) => return format!("{}/{action}/action", self.type_name),
            (None, Method::Get | Method::Head) => "read",
            (None, Method::Put | Method::Patch) => "write",
            (None, Method::Delete) => "delete",
            (None, Method::Post) => "action",
        };
        format!("{}/{verb}", self.type_name)
    }

    /// The name that stands after `kind` in the path: `westeurope` after `locations`.
    pub(crate) fn name_after(&self, kind: &str) -> Option<&str> {
        name_after(self.id.as_ref()?, kind)
    }
}

/// The name that stands after `kind` in an id.
fn name_after<'a>(id: &'a ResourceId, kind: &str) -> Option<&'a str> {
    id.pairs().iter().find(|(word, _)| word.eq_ignore_ascii_case(kind)).map(|(_, name)| name.as_str())
}
