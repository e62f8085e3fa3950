//! Containers: made, read, deleted.

use axum::response::Response;
use http::StatusCode;
use providers::Rejection;
use workers::Error;
use workers::blobs::Container;

use super::Call;
use super::headers::{date_text, empty, metadata, set, text};

pub(super) async fn create(call: &Call<'_>) -> Result<Response, Error> {
    let access = match text(call.headers(), "x-ms-blob-public-access")? {
        None => "None",
        Some("blob") => "Blob",
        Some("container") => "Container",
        Some(_) => return Err(super::headers::invalid("x-ms-blob-public-access").into()),
    };
    if access != "None" && !call.account.allows_public {
        let message = "Public access is not permitted on this storage account.";
        return Err(Rejection::conflict("PublicAccessNotPermitted", message).into());
    }
    let id = call.container().map_err(|_no_name| {
        let message = "The specified resource name contains invalid characters, or is too short or too long.";
        Error::from(Rejection::new(400, "InvalidResourceName", message))
    })?;
    let made = call.blobs().create_container(&id, access, &metadata(call.headers())?).await?;
    let mut response = empty(StatusCode::CREATED);
    describe(&mut response, &made);
    Ok(response)
}

pub(super) async fn properties(call: &Call<'_>) -> Result<Response, Error> {
    let found = call.blobs().container(&call.container()?).await?;
    let mut response = empty(StatusCode::OK);
    describe(&mut response, &found);
    set(&mut response, "x-ms-lease-status", "unlocked");
    set(&mut response, "x-ms-lease-state", "available");
    set(&mut response, "x-ms-has-immutability-policy", "false");
    set(&mut response, "x-ms-has-legal-hold", "false");
    if found.public_access != "None" {
        set(&mut response, "x-ms-blob-public-access", &found.public_access.to_ascii_lowercase());
    }
    for (name, value) in &found.metadata {
        set(&mut response, &format!("x-ms-meta-{name}"), value);
    }
    Ok(response)
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Response, Error> {
    call.blobs().delete_container(&call.container()?).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

fn describe(response: &mut Response, container: &Container) {
    set(response, "etag", &format!("\"{}\"", container.etag));
    set(response, "last-modified", &date_text(container.last_modified));
}
