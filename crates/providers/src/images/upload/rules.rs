//! What an upload may be, and how long it stays.

use arm::{Region, ResourceId, wire_time};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::wire::{COMMITTED, OPEN};
use crate::{Put, Rejection};

/// How long an upload waits for its bytes after it was last asked for.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(24);

const SECTOR_BYTES: i64 = 512;

pub(super) fn hangs_below_a_definition(id: &ResourceId) -> Result<(), Rejection> {
    let below = id.parent().map(|parent| parent.type_name());
    if below.as_ref().is_some_and(|kind| kind.is("Microsoft.Compute/galleries/images")) {
        return Ok(());
    }
    let shown = below.map(|kind| kind.to_string()).unwrap_or_default();
    Err(Rejection::contradiction(format!(
        "An upload belongs below an image definition (Microsoft.Compute/galleries/images), not below '{shown}'."
    ))
    .at("upload.id"))
}

pub(super) fn lands_in_a_region(put: &Put<'_>) -> Result<(), Rejection> {
    let region = put.location.parse::<Region>().ok();
    if put.current.is_some() || region.is_some_and(|region| put.regions.contains(&region)) {
        return Ok(());
    }
    let regions: Vec<&str> = put.regions.iter().map(Region::as_str).collect();
    let message = format!(
        "The provided location '{}' is not available for resource type 'Gallerist.Images/uploads'. List of available regions for the resource type is '{}'.",
        put.location,
        regions.join(",")
    );
    Err(Rejection::new(400, "LocationNotAvailableForResourceType", message).at("upload.location"))
}

pub(super) fn size_is_whole_sectors(wanted: &Map<String, Value>) -> Result<(), Rejection> {
    let size = wanted.get("sizeBytes").and_then(Value::as_i64).unwrap_or_default();
    if size % SECTOR_BYTES == 0 {
        return Ok(());
    }
    let target = "upload.properties.sizeBytes";
    let message = format!(
        "The value '{size}' of parameter '{target}' is not a multiple of {SECTOR_BYTES}: a disk holds whole sectors."
    );
    Err(Rejection::invalid(target, message))
}

/// The name is shown to people and never opened: a folder in it would only tell about someone's machine.
pub(super) fn file_name_is_no_path(wanted: &Map<String, Value>) -> Result<(), Rejection> {
    let name = wanted.get("fileName").and_then(Value::as_str).unwrap_or_default();
    if !name.contains(['/', '\\', '\n', '\r', '\t']) {
        return Ok(());
    }
    let target = "upload.properties.fileName";
    Err(Rejection::invalid(
        target,
        format!("The value of parameter '{target}' should be the name of a file, without folders."),
    ))
}

/// A new upload is Open; asking again gives an Open one another day and leaves a Committed one alone.
pub(super) fn opened_or_extended(put: &Put<'_>) -> Map<String, Value> {
    let mut properties = put.wanted.clone();
    let state = properties.entry("uploadState").or_insert_with(|| OPEN.into());
    if state != COMMITTED {
        // The clock would have to be centuries off for this to overflow.
        let until = put.now.checked_add(OPEN_FOR).unwrap_or(put.now);
        properties.insert("expiresAt".to_owned(), wire_time(until).into());
    }
    properties
}
