//! The shape of a JSON object as data: which members it has, of what kind, and who may write them.
//!
//! One table drives reading (names and choices compare without case and come out in canonical spelling, `null`
//! means absent, unknown members are dropped), immutability, and documentation.

mod read;
mod settle;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use read::{Reading, read};
pub use settle::{merge, settle};

/// One member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Canonical spelling.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Who writes it and when.
    pub access: Access,
    /// Whether a PUT without it is refused when nothing stands.
    pub required: bool,
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, inclusive.
    Integer(i64, i64),
    /// An RFC 3339 moment.
    Time,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A nested object.
    Object(&'static [Field]),
    /// A list.
    List(&'static Self),
    /// An object with free names.
    Map(&'static Self),
    /// Anything, kept as sent (bounded by the body's size and depth).
    Any,
}

/// Who writes a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The client, at any time.
    Write,
    /// The client, at creation only; left out or empty later it stays as it is.
    Fixed,
    /// The server; what a client sends is ignored.
    Read,
    /// A directive: told to the rule, never stored.
    Directive,
}

impl Field {
    /// A member the client may write at any time.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, access: Access::Write, required: false }
    }

    /// The same, fixed at creation.
    #[must_use]
    pub const fn fixed(self) -> Self {
        Self { access: Access::Fixed, ..self }
    }

    /// The same, the server's.
    #[must_use]
    pub const fn read_only(self) -> Self {
        Self { access: Access::Read, ..self }
    }

    /// The same, as a directive.
    #[must_use]
    pub const fn directive(self) -> Self {
        Self { access: Access::Directive, ..self }
    }

    /// The same, required at creation.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// The member at a dotted path, such as `publishingProfile.replicaCount`.
#[must_use]
pub fn at<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => members.get(path),
        Some((name, rest)) => at(members.get(name)?.as_object()?, rest),
    }
}

/// The text at a dotted path; empty text is no text.
#[must_use]
pub fn text_at<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    at(members, path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The object called `name` in `members`, made when there is none.
pub fn object_in<'a>(members: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made an object")
}

fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
}
