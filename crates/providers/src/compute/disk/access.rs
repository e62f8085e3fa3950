//! Grants: for a time, whoever has the address may read a disk as a VHD, or write the one that is to become it.
//!
//! A grant is a note in the row. Its address is signed by the job that hands it out and kept nowhere in clear; when the
//! note goes, the address is worth nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::settle::{SOURCE, guid};
use super::{Disk, wire};
use crate::compute::source::SNAPSHOTS;
use crate::shape::text_at;
use crate::{Act, Acted, Answer, Rejection, State, Stored, Work};

/// The server's note of the grant that stands.
const GRANT: &str = "grant";

/// A grant as the row notes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What its address names.
    pub id: String,
    /// Whether the disk may be written.
    pub may_write: bool,
    /// When it ends.
    pub expires: Timestamp,
}

impl Grant {
    /// The grant in the server's notes of a disk, over or not.
    #[must_use]
    pub fn of(internal: &Map<String, Value>) -> Option<Self> {
        let grant = internal.get(GRANT)?;
        Some(Self {
            id: grant["id"].as_str()?.to_owned(),
            may_write: grant["access"] == "Write",
            expires: grant["expires"].as_str()?.parse().ok()?,
        })
    }

    fn note(&self, internal: &mut Map<String, Value>) {
        let access = if self.may_write { "Write" } else { "Read" };
        let expires = self.expires.to_string();
        internal.insert(GRANT.to_owned(), json!({"id": self.id, "access": access, "expires": expires}));
    }
}

/// Forgets a grant that is over or revoked: a disk that waited for bytes waits for them again.
pub fn end_grant(properties: &mut Map<String, Value>, internal: &mut Map<String, Value>) {
    internal.remove(GRANT);
    let state = match text_at(properties, "diskState") {
        Some("ActiveUpload" | "ReadyToUpload") => "ReadyToUpload",
        _ => "Unattached",
    };
    properties.insert("diskState".to_owned(), state.into());
}

/// Refuses what may not happen while somebody reads or writes the disk from outside.
pub(crate) fn none_is_active(stored: &Stored, now: Timestamp, what: &str) -> Result<(), Rejection> {
    match Grant::of(&stored.document.internal) {
        Some(grant) if grant.expires > now => {
            let message = format!(
                "There is an active shared access signature outstanding for disk {}. Call EndGetAccess before {what}.",
                stored.id.name()
            );
            Err(Rejection::conflict("OperationNotAllowed", message))
        }
        _ => Ok(()),
    }
}

/// Decides `beginGetAccess` and `endGetAccess`.
pub(crate) fn act(act: &Act<'_>, subject: &str) -> Result<Acted, Rejection> {
    if act.action == wire::BEGIN { begin(act, subject) } else { Ok(end(act)) }
}

fn begin(act: &Act<'_>, subject: &str) -> Result<Acted, Rejection> {
    let document = &act.stored.document;
    is_ready(act.stored)?;
    let missing = |name: &str| super::creation::missing(&format!("grantAccessData.{name}"));
    let access = text_at(act.body, "access").ok_or_else(|| missing("access"))?;
    let seconds = act.body.get("durationInSeconds").and_then(Value::as_i64);
    let seconds = seconds.ok_or_else(|| missing("durationInSeconds"))?;
    may_be_granted(act, access)?;
    let may_write = access == "Write";
    match (may_write, waits_for_upload(act.stored)) {
        (true, false) => {
            let message = format!(
                "Write access is granted to a {subject} that was created with the option 'Upload' and still waits for its bytes; '{}' does not.",
                act.stored.id.name()
            );
            return Err(Rejection::conflict("OperationNotAllowed", message));
        }
        (false, true) => {
            let message = format!(
                "The {subject} '{}' has no bytes to read yet. Ask for Write access, upload them, and end the access.",
                act.stored.id.name()
            );
            return Err(Rejection::conflict("OperationNotAllowed", message));
        }
        (true, true) | (false, false) => {}
    }
    let expires = expiry(act.now, seconds);
    // Asked again it is the same grant, so that all its addresses are revoked together.
    let standing = Grant::of(&document.internal).filter(|grant| grant.expires > act.now);
    let grant = match standing {
        Some(grant) => Grant { expires: grant.expires.max(expires), ..grant },
        None => Grant { id: guid(act.entropy, 32), may_write, expires },
    };
    let (mut properties, mut internal) = (document.properties.clone(), document.internal.clone());
    let state = if may_write { "ActiveUpload" } else { "ActiveSAS" };
    properties.insert("diskState".to_owned(), state.into());
    grant.note(&mut internal);
    let input =
        json!({"base": act.base, "grant": grant.id, "write": may_write, "expires": expires.to_string()});
    Ok(Acted {
        properties: Some(properties),
        internal: Some(internal),
        work: Some(Work { kind: Disk::GRANT, input }),
        ..Acted::default()
    })
}

/// Whole seconds, as the address tells them.
fn expiry(now: Timestamp, seconds: i64) -> Timestamp {
    let until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    Timestamp::from_second(until.as_second()).unwrap_or(until)
}

fn is_ready(stored: &Stored) -> Result<(), Rejection> {
    let state = stored.document.state;
    if matches!(state, State::Succeeded | State::Updating) {
        return Ok(());
    }
    // What a client has written and could not be read as a disk may be written again.
    let is_made = !stored.document.internal.contains_key(SOURCE);
    if state == State::Failed && is_made && waits_for_upload(stored) {
        return Ok(());
    }
    let message = format!("'{}' is in state '{}'. It must be 'Succeeded'.", stored.id.name(), state.as_str());
    Err(Rejection::conflict("OperationNotAllowed", message))
}

/// What was promised about who may reach the bytes is not given away by an address that anybody may use.
fn may_be_granted(act: &Act<'_>, access: &str) -> Result<(), Rejection> {
    if access == "None" {
        let message = "The value 'None' of parameter 'grantAccessData.access' grants nothing. Ask for Read or Write, or end the access.";
        return Err(Rejection::invalid("grantAccessData.access", message));
    }
    if access == "Write" && act.stored.id.type_name().is(SNAPSHOTS) && !waits_for_upload(act.stored) {
        let message = "A snapshot can be read, not written.";
        return Err(Rejection::conflict("OperationNotAllowed", message));
    }
    if act.body.get("getSecureVMGuestStateSAS") == Some(&Value::Bool(true)) {
        return Err(Rejection::not_implemented("Access to the guest state of a secure disk")
            .at("grantAccessData.getSecureVMGuestStateSAS"));
    }
    if text_at(act.body, "fileFormat") == Some("VHDX") {
        return Err(Rejection::not_implemented("Access to a disk as VHDX").at("grantAccessData.fileFormat"));
    }
    let properties = &act.stored.document.properties;
    if text_at(properties, "dataAccessAuthMode") == Some("AzureActiveDirectory") {
        return Err(Rejection::not_implemented(
            "Access to a disk with the dataAccessAuthMode 'AzureActiveDirectory'",
        ));
    }
    for (name, allowed) in [("networkAccessPolicy", "AllowAll"), ("publicNetworkAccess", "Enabled")] {
        let word = text_at(properties, name).unwrap_or(allowed);
        if word != allowed {
            let message = format!(
                "Access to '{}' is not allowed: its {name} is '{word}'. Set it to '{allowed}' first.",
                act.stored.id.name()
            );
            return Err(Rejection::conflict("OperationNotAllowed", message));
        }
    }
    Ok(())
}

fn waits_for_upload(stored: &Stored) -> bool {
    matches!(text_at(&stored.document.properties, "diskState"), Some("ReadyToUpload" | "ActiveUpload"))
}

/// The grant ends with this request; what was written is made an image by a job.
fn end(act: &Act<'_>) -> Acted {
    let document = &act.stored.document;
    // Also when the access is over already: what was written in its time counts.
    let is_uploaded = waits_for_upload(act.stored) && !document.internal.contains_key(SOURCE);
    if Grant::of(&document.internal).is_none() && !is_uploaded {
        return Acted { answer: Answer::Operation(Value::Null), ..Acted::default() };
    }
    let (mut properties, mut internal) = (document.properties.clone(), document.internal.clone());
    end_grant(&mut properties, &mut internal);
    let work = is_uploaded.then_some(Work { kind: Disk::SETTLE, input: Value::Null });
    let answer = if work.is_some() { Answer::Done } else { Answer::Operation(Value::Null) };
    Acted { properties: Some(properties), internal: Some(internal), work, answer, ..Acted::default() }
}
