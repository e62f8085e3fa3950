//! Errors as blob storage says them: a code in a header and in XML, and nothing of ours behind a 5xx.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use providers::Rejection;
use workers::Error;

use super::xml::{HEAD, element};
use crate::edge::Edge;

/// The answer to what could not be done.
pub(super) fn refuse(edge: &Edge, parts: &Parts, error: &Error) -> Response {
    let id = edge.ids.uuid().to_string();
    let rejection = rejection(error, &id);
    let code = code(&rejection);
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(rejection.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("x-ms-error-code", code);
    set("x-ms-request-id", &id);
    if rejection.status == 401 {
        let challenge = format!(
            "Bearer authorization_uri={} resource_id={}",
            edge.identity.endpoint().authority(),
            edge.identity.endpoint().audience()
        );
        set("www-authenticate", &challenge);
    }
    if rejection.status == 503 {
        set("retry-after", "5");
    }
    if parts.method != Method::HEAD && rejection.status != 304 {
        set("content-type", "application/xml");
        let said = format!("{}\nRequestId:{id}\nTime:{}", rejection.detail.message, edge.data.blobs.now());
        let inside = element("Code", code) + &element("Message", &said).replace('\u{fffd}', "\n");
        *response.body_mut() = Body::from(format!("{HEAD}<Error>{inside}</Error>"));
    }
    response
}

/// Our own codes in blob storage's words.
fn code(rejection: &Rejection) -> &str {
    match rejection.detail.code.as_str() {
        "RequestContentTooLarge" => "RequestBodyTooLarge",
        "RequestTimeout" => "OperationTimedOut",
        "InvalidRequestContent" => "InvalidInput",
        code => code,
    }
}

fn rejection(error: &Error, id: &str) -> Rejection {
    let cause = error as &dyn std::error::Error;
    match error {
        Error::Refused(rejection) => rejection.clone(),
        Error::Store(store::Error::Unavailable { .. }) => {
            tracing::warn!(error = cause, request.id = id, "the bytes of a blob are not available");
            Rejection::new(503, "ServerBusy", "The storage of the account's region is not available now.")
        }
        Error::Staging(failed) if failed.kind() == std::io::ErrorKind::StorageFull => {
            tracing::error!(error = cause, request.id = id, "no space is left for blobs");
            Rejection::new(503, "ServerBusy", "The server has no space left. Try again when it has.")
        }
        _ => {
            tracing::error!(error = cause, request.id = id, "request failed");
            let message = format!(
                "The server encountered an internal error. Quote the request id '{id}' to the operator."
            );
            Rejection::new(500, "InternalError", message)
        }
    }
}
