//! The members of a request body: found by name without case, read against the shapes of a type.

use std::collections::BTreeMap;

use arm::ResourceId;
use providers::{Rejection, ResourceType, Stored, shape};
use serde_json::{Map, Value};

use crate::{Error, Method, Request, body, refusals, tags};

/// The members every resource has; whatever else is sent is the type's own.
const KNOWN: [&str; 6] = ["id", "name", "type", "location", "tags", "properties"];

/// A request body, its well-known members in canonical spelling; `null` means absent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    known: Map<String, Value>,
    further: Map<String, Value>,
}

/// A body read against the shapes of its type, on top of what stands.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    pub(crate) properties: Map<String, Value>,
    /// The properties that the body itself names, without what stands.
    pub(crate) named: Map<String, Value>,
    pub(crate) envelope: Map<String, Value>,
    pub(crate) directives: Map<String, Value>,
}

impl Sent {
    /// Reads the body of `request`.
    ///
    /// # Errors
    /// 413, 415 or 400 `InvalidRequestContent`.
    pub(crate) fn of(request: &Request, kind: &dyn ResourceType) -> Result<Self, Error> {
        let members = body::members(request, kind)?;
        let (mut known, mut further) = (Map::new(), Map::new());
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            match KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(canonical) => known.insert(canonical.to_owned(), value),
                None => further.insert(name, value),
            };
        }
        Ok(Self { known, further })
    }

    /// The location asked for; empty text is none.
    ///
    /// # Errors
    /// 400 when it is no text.
    pub(crate) fn location(&self) -> Result<Option<&str>, Rejection> {
        let Some(value) = self.known.get("location") else { return Ok(None) };
        let text =
            value.as_str().ok_or_else(|| refusals::invalid_content("The location must be a string."))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The tags sent; `None` when there are none, which is not the same as `{}`.
    pub(crate) fn tags(&self) -> Result<Option<BTreeMap<String, String>>, Rejection> {
        tags::read(self.known.get("tags"))
    }

    /// Refuses a body whose id or name is another than the URL's.
    pub(crate) fn names_agree(&self, id: &ResourceId) -> Result<(), Rejection> {
        let differs = |member: &str, wanted: &str| {
            let value = self.known.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
            value.is_some_and(|value| !value.eq_ignore_ascii_case(wanted))
        };
        if differs("id", &id.to_string()) || differs("name", id.name()) {
            let message =
                format!("The id or name in the request content does not match the request URL '{id}'.");
            return Err(refusals::invalid_content(message));
        }
        Ok(())
    }

    /// What the body wants of a resource of `kind`: all of it on PUT, merged onto what stands on PATCH.
    ///
    /// # Errors
    /// 400 at the first member that does not fit its shape or may not change.
    pub(crate) fn asks(
        &self,
        kind: &dyn ResourceType,
        method: Method,
        current: Option<&Stored>,
    ) -> Result<Asks, Rejection> {
        let subject = kind.subject();
        let path = format!("{subject}.properties");
        let nothing = Value::Object(Map::new());
        let properties = self.known.get("properties").unwrap_or(&nothing);
        let mut read = shape::read(kind.properties(), properties, &path)?;
        let further = Value::Object(self.further.clone());
        let mut envelope = shape::read(kind.envelope(), &further, subject)?.stored;
        let named = read.stored.clone();
        let stands = current.map(|current| &current.document);
        if let (Method::Patch, Some(stands)) = (method, stands) {
            read.stored = shape::merge(&stands.properties, read.stored);
            envelope = shape::merge(&stands.envelope, envelope);
        }
        let before = stands.map(|stands| &stands.properties);
        let properties = shape::settle(kind.properties(), before, read.stored, &path)?;
        let before = stands.map(|stands| &stands.envelope);
        let envelope = shape::settle(kind.envelope(), before, envelope, subject)?;
        Ok(Asks { properties, named, envelope, directives: read.directives })
    }
}
