//! The front door's refusals: ARM's codes, statuses and words (azure-api 1.8, 19.2), in one file.

use arm::ResourceId;
use providers::Rejection;
use providers::compute::image_version::SOFT_DELETED;

pub(crate) fn subscription_not_found(subscription: &str) -> Rejection {
    Rejection::new(
        404,
        "SubscriptionNotFound",
        format!("The subscription '{subscription}' could not be found."),
    )
}

pub(crate) fn group_not_found(group: &str) -> Rejection {
    Rejection::new(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

pub(crate) fn not_found(id: &ResourceId) -> Rejection {
    let type_name = id.type_name();
    let types = type_name.path().split('/');
    let chain: Vec<String> = types.zip(id.names()).map(|(kind, name)| format!("{kind}/{name}")).collect();
    let place = id.group().map_or_else(String::new, |group| format!(" under resource group '{group}'"));
    let message = format!(
        "The Resource '{}/{}'{place} was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        type_name.namespace(),
        chain.join("/")
    );
    Rejection::new(404, "ResourceNotFound", message)
}

pub(crate) fn parent_not_found(parent: &ResourceId) -> Rejection {
    let message = format!(
        "Can not perform requested operation on nested resource. Parent resource '{}' not found.",
        parent.names().join("/")
    );
    Rejection::new(404, "ParentResourceNotFound", message)
}

pub(crate) fn path_not_found() -> Rejection {
    Rejection::new(
        404,
        "NotFound",
        "No resource, collection or operation has this path. Check the path for a missing or misspelled segment.",
    )
}

pub(crate) fn method_not_allowed() -> Rejection {
    Rejection::new(405, "MethodNotAllowed", "The requested resource does not support this HTTP method.")
}

pub(crate) fn invalid_resource_type(namespace: &str, kind: &str, api_version: &str) -> Rejection {
    let message = format!(
        "The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{api_version}'."
    );
    Rejection::new(404, "InvalidResourceType", message)
}

pub(crate) fn invalid_namespace(namespace: &str) -> Rejection {
    Rejection::new(
        404,
        "InvalidResourceNamespace",
        format!("The resource namespace '{namespace}' is invalid."),
    )
}

pub(crate) fn api_version_missing() -> Rejection {
    let message = "The api-version query parameter (?api-version=) is required for all requests.";
    Rejection::new(400, "MissingApiVersionParameter", message)
}

pub(crate) fn api_version_invalid(message: String) -> Rejection {
    Rejection::new(400, "InvalidApiVersionParameter", message)
}

pub(crate) fn api_version_unknown(
    api_version: &str,
    kind: &str,
    supported: &[&str],
    locations: &str,
) -> Rejection {
    let message = format!(
        "No registered resource provider found for location '{locations}' and API version '{api_version}' for type '{kind}'. The supported api-versions are '{}'. The supported locations are '{locations}'.",
        supported.join(", ")
    );
    Rejection::new(400, "NoRegisteredProviderFound", message)
}

pub(crate) fn location_required() -> Rejection {
    Rejection::new(400, "LocationRequired", "The location property is required for this definition.")
}

pub(crate) fn location_unavailable(location: &str, kind: &str, regions: &str) -> Rejection {
    let message = format!(
        "The provided location '{location}' is not available for resource type '{kind}'. List of available regions for the resource type is '{regions}'."
    );
    Rejection::new(400, "LocationNotAvailableForResourceType", message)
}

pub(crate) fn location_differs(id: &ResourceId, stands: &str, asked: &str) -> Rejection {
    if id.pairs().len() == 2 {
        let message = format!(
            "Invalid resource group location '{asked}'. The Resource group already exists in location '{stands}'."
        );
        return Rejection::new(409, "InvalidResourceGroupLocation", message);
    }
    let message = format!(
        "The resource '{}' already exists in location '{stands}' in resource group '{}'. A resource with the same name cannot be created in location '{asked}'. Please select a new resource name.",
        id.name(),
        id.group().unwrap_or_default()
    );
    Rejection::new(409, "InvalidResourceLocation", message)
}

pub(crate) fn invalid_content(message: impl Into<String>) -> Rejection {
    Rejection::new(400, "InvalidRequestContent", message)
}

pub(crate) fn content_too_large(limit: usize) -> Rejection {
    Rejection::new(
        413,
        "RequestContentTooLarge",
        format!("The request content is larger than the limit of {limit} bytes."),
    )
}

pub(crate) fn media_type() -> Rejection {
    Rejection::new(
        415,
        "UnsupportedMediaType",
        "The request content must have the media type application/json.",
    )
}

pub(crate) fn children_exist(children: &[ResourceId]) -> Rejection {
    let names: Vec<String> = children
        .iter()
        .map(|child| {
            let type_name = child.type_name();
            let chain: Vec<String> = type_name
                .path()
                .split('/')
                .zip(child.names())
                .map(|(kind, name)| format!("{kind}/{name}"))
                .collect();
            format!("{}/{}", type_name.namespace(), chain.join("/"))
        })
        .collect();
    let set_aside = children.iter().any(|child| child.type_name().is(SOFT_DELETED));
    let hint = if set_aside {
        " Soft-deleted image versions are among them: purge them with DELETE of their entries under softDeletedArtifactTypes, or wait for their time."
    } else {
        ""
    };
    let message = format!(
        "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '{}'. Please delete all nested resources before deleting this resource.{hint}",
        names.join(", ")
    );
    Rejection::new(409, "CannotDeleteResource", message)
}

pub(crate) fn busy(id: &ResourceId) -> Rejection {
    let message = format!(
        "Another operation on '{}' is in progress. Wait until it has ended, then try again.",
        id.names().join("/")
    );
    Rejection::new(409, "Conflict", message)
}

pub(crate) fn quota_exceeded(shown: &str, key: &str, location: &str, current: u64, most: u64) -> Rejection {
    let message = format!(
        "Operation could not be completed as it results in exceeding approved {shown} quota. Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {most}, Current Usage: {current}, Additional Required: 1, (Minimum) New Limit Required: {}. Delete what is not needed any more, or ask the operator to raise '{key}' under [limits] in the configuration.",
        current.saturating_add(1)
    );
    Rejection::new(409, "QuotaExceeded", message)
}

pub(crate) fn precondition_failed(message: &str) -> Rejection {
    Rejection::new(412, "PreconditionFailed", message)
}

pub(crate) fn authorization_failed(name: &str, object_id: &str, action: &str, scope: &str) -> Rejection {
    let message = format!(
        "The client '{name}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    );
    Rejection::new(403, "AuthorizationFailed", message)
}

pub(crate) fn linked_authorization_failed(action: &str, scope: &str) -> Rejection {
    let message = format!(
        "The client does not have permission to perform action '{action}' on the linked scope(s) '{scope}', or the linked scope(s) are invalid."
    );
    Rejection::new(403, "LinkedAuthorizationFailed", message)
}

pub(crate) fn skip_token_invalid() -> Rejection {
    Rejection::invalid(
        "$skiptoken",
        "The $skiptoken is invalid or belongs to another list. Start the list again without it.",
    )
}
