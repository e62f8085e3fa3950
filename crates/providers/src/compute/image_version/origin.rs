//! Whether a source is there, complete, and of the kind that the definition promises.

use arm::{Region, ResourceId};
use serde_json::{Map, Value};

use super::source::TARGET;
use crate::compute::source::Source;
use crate::shape::text_at;
use crate::{Put, Rejection, State, Stored};

/// Refuses a creation from a source that is not there or does not fit.
pub(super) fn fits(put: &Put<'_>, source: &Source) -> Result<(), Rejection> {
    if put.current.is_some() {
        return Ok(());
    }
    match source {
        // Only reading it tells.
        Source::Blob(_) | Source::Disk(_) | Source::Empty | Source::Snapshot(_) => Ok(()),
        Source::Upload(id) => upload_fits(put, id, &format!("{TARGET}.osDiskImage.source.id")),
        Source::Version { id, .. } => version_fits(put, id, &format!("{TARGET}.source.id")),
    }
}

fn upload_fits(put: &Put<'_>, id: &ResourceId, target: &str) -> Result<(), Rejection> {
    let below_same_definition = id.parent() == put.id.parent();
    let upload = put.linked.get(&id.key()).ok_or_else(|| not_found(id, target))?;
    if !below_same_definition {
        let message =
            format!("The upload '{id}' belongs to another image definition than the image version.");
        return Err(Rejection::invalid(target, message));
    }
    let region = |text: &str| text.parse::<Region>().ok();
    if upload.document.location.as_deref().and_then(region) != region(put.location) {
        return Err(not_found(id, target));
    }
    if !upload.document.internal.contains_key("root") {
        let message = format!(
            "The upload '{}' is not committed: its bytes are not complete yet. Finish it, then create the image version.",
            id.name()
        );
        return Err(Rejection::conflict("OperationNotAllowed", message).at(target));
    }
    Ok(())
}

fn version_fits(put: &Put<'_>, id: &ResourceId, target: &str) -> Result<(), Rejection> {
    let version = put.linked.get(&id.key()).ok_or_else(|| not_found(id, target))?;
    if version.document.state != State::Succeeded {
        let message = format!(
            "The source gallery image version '{id}' is in state '{}'. It must be 'Succeeded' to be copied.",
            version.document.state.as_str()
        );
        return Err(Rejection::conflict("OperationNotAllowed", message).at(target));
    }
    let definition = id.parent().and_then(|definition| definition_of(put, &definition));
    let definition = definition.ok_or_else(|| not_found(id, target))?;
    match put.parent {
        Some(parent) => definitions_agree(id, &definition.document.properties, &parent.document.properties),
        None => Ok(()),
    }
    .map_err(|refusal| refusal.at(target))
}

fn definition_of<'a>(put: &'a Put<'_>, id: &ResourceId) -> Option<&'a Stored> {
    put.linked.get(&id.key()).or_else(|| put.parent.filter(|parent| parent.id == *id))
}

/// A machine built from the copy must be one that the original would have made (azure-api 7.4).
fn definitions_agree(
    id: &ResourceId,
    source: &Map<String, Value>,
    parent: &Map<String, Value>,
) -> Result<(), Rejection> {
    // The words differ as Azure's do.
    let kept = [
        ("osType", "OS type", "OS type generation"),
        ("osState", "OS state", "OS state"),
        ("hyperVGeneration", "Hypervisor generation", "Hypervisor generation"),
        ("architecture", "architecture", "architecture"),
    ];
    for (name, what, of_parent) in kept {
        let (theirs, ours) =
            (text_at(source, name).unwrap_or_default(), text_at(parent, name).unwrap_or_default());
        if theirs != ours {
            return Err(Rejection::contradiction(format!(
                "The resource with id '{id}' has a different {what} ['{theirs}'] than the parent gallery image {of_parent} ['{ours}']."
            )));
        }
    }
    let plan = |definition: &Map<String, Value>| {
        definition.get("purchasePlan").map_or("null".to_owned(), Value::to_string)
    };
    let (theirs, ours) = (plan(source), plan(parent));
    if theirs.eq_ignore_ascii_case(&ours) {
        return Ok(());
    }
    Err(Rejection::contradiction(format!(
        "The resource with id '{id}' has a different plan ['{theirs}'] than the parent gallery image plan ['{ours}']."
    )))
}

fn not_found(id: &ResourceId, target: &str) -> Rejection {
    let message = format!(
        "Source '{id}' is not found. Please check source exists, and is in the same region as gallery image version being created."
    );
    Rejection::new(404, "ResourceNotFound", message).at(target)
}
