//! Which system it is: `os-release`, and the files that came before it.
//!
//! The file is shell text to others; here it is data: quotes are taken off, nothing is evaluated.

use serde::{Deserialize, Serialize};

use crate::guest::{Guest, settings};
use crate::text::plain;
use crate::tree::Error;

/// A distribution as it names itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Distribution {
    /// `debian`, `ubuntu`, `rhel`; `windows` for Windows.
    pub id: String,
    /// What it is like, closest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// The version; empty for rolling releases.
    pub version: String,
    /// Its name for people.
    pub name: String,
    /// Its variant (`server`, `cloud`), where it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// When its maker ends support, as the image itself says (`YYYY-MM-DD`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub support_end: String,
}

pub(super) fn read(guest: &Guest<'_>) -> Result<Option<Distribution>, Error> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let Some(text) = guest.file(path)? {
            return Ok(Some(os_release(&text)));
        }
    }
    older(guest)
}

fn os_release(text: &[u8]) -> Distribution {
    let mut found = Distribution { id: "linux".to_owned(), ..Distribution::default() };
    for line in settings(text) {
        let Some(equals) = line.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = line.split_at(equals);
        let value = unquoted(value.get(1..).unwrap_or_default());
        match name {
            b"ID" => found.id = value.to_ascii_lowercase(),
            b"ID_LIKE" => found.like = value.split_whitespace().take(8).map(str::to_owned).collect(),
            b"VERSION_ID" => found.version = value,
            b"PRETTY_NAME" => found.name = value,
            b"NAME" if found.name.is_empty() => found.name = value,
            b"VARIANT_ID" => found.variant = value,
            b"SUPPORT_END" => found.support_end = value,
            _ => {}
        }
    }
    found
}

/// A value of shell-like text without its quotes and escapes.
pub(super) fn unquoted(value: &[u8]) -> String {
    let value = value.trim_ascii();
    let inner = match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    };
    let mut text = Vec::with_capacity(inner.len().min(1024));
    let mut escaped = false;
    for byte in inner.iter().copied().take(4096) {
        if byte == b'\\' && !escaped && value.first() != Some(&b'\'') {
            escaped = true;
            continue;
        }
        escaped = false;
        text.push(byte);
    }
    plain(&text)
}

/// Systems without `os-release` have a file of one line: `CentOS Linux release 7.9.2009 (Core)`.
fn older(guest: &Guest<'_>) -> Result<Option<Distribution>, Error> {
    const FILES: &[(&str, &str)] = &[
        ("/etc/redhat-release", "rhel"),
        ("/etc/SuSE-release", "sles"),
        ("/etc/alpine-release", "alpine"),
        ("/etc/debian_version", "debian"),
        ("/etc/arch-release", "arch"),
    ];
    for (path, id) in FILES {
        let Some(text) = guest.file(path)? else { continue };
        let name = plain(text.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let lower = name.to_lowercase();
        let id = if lower.starts_with("centos") { "centos" } else { id };
        let version =
            name.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        let version = version.unwrap_or_default().to_owned();
        return Ok(Some(Distribution { id: id.to_owned(), version, name, ..Distribution::default() }));
    }
    Ok(None)
}
