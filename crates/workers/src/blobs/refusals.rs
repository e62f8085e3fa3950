//! Blob storage's own words for what cannot be ("Blob service error codes").

use providers::Rejection;

pub(super) fn account_not_found() -> Rejection {
    Rejection::new(404, "ResourceNotFound", "The storage account does not exist here. Create it first.")
}

pub(super) fn container_not_found() -> Rejection {
    Rejection::new(404, "ContainerNotFound", "The specified container does not exist.")
}

pub(super) fn container_exists() -> Rejection {
    Rejection::conflict("ContainerAlreadyExists", "The specified container already exists.")
}

pub(super) fn blob_not_found() -> Rejection {
    Rejection::new(404, "BlobNotFound", "The specified blob does not exist.")
}

pub(super) fn blob_exists() -> Rejection {
    Rejection::conflict("BlobAlreadyExists", "The specified blob already exists.")
}

pub(super) fn blob_kind() -> Rejection {
    Rejection::conflict("InvalidBlobType", "The blob type is invalid for this operation.")
}

pub(super) fn condition_not_met() -> Rejection {
    let message = "The condition specified using HTTP conditional header(s) is not met.";
    Rejection::new(412, "ConditionNotMet", message)
}

pub(super) fn not_modified() -> Rejection {
    let message = "The condition specified using HTTP conditional header(s) is not met.";
    Rejection::new(304, "ConditionNotMet", message)
}

pub(super) fn sequence_not_met() -> Rejection {
    Rejection::new(
        412,
        "SequenceNumberConditionNotMet",
        "The sequence number condition specified was not met.",
    )
}

pub(super) fn page_range() -> Rejection {
    let message = "The page range specified is invalid: it lies outside of the blob, or is not whole pages of 512 bytes.";
    Rejection::new(416, "InvalidPageRange", message)
}

pub(super) fn block_list(words: &str) -> Rejection {
    Rejection::new(400, "InvalidBlockList", format!("The specified block list is invalid: {words}."))
}

pub(super) fn busy() -> Rejection {
    let message = "The blob is being written by many at once. Try again.";
    Rejection::new(503, "ServerBusy", message)
}
