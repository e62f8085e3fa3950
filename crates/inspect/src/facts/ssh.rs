//! What sshd does: the effective values of `sshd_config`.
//!
//! The first value wins, `Include` is read where it stands, and what stands under `Match` holds for some only and is
//! left out (sshd_config(5)).

use std::collections::BTreeMap;

use crate::guest::{Guest, settings};
use crate::text::plain;
use crate::tree::Error;

/// Files included by files.
const MOST_DEPTH: usize = 16;
/// Settings kept.
const MOST_SETTINGS: usize = 1000;

/// Effective global settings by their names in lower case; none when there is no sshd.
pub(super) fn read(guest: &Guest<'_>) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    let text = match guest.file("/etc/ssh/sshd_config")? {
        Some(text) => Some(text),
        None => guest.file("/usr/etc/ssh/sshd_config")?,
    };
    if let Some(text) = text {
        add(guest, &text, MOST_DEPTH, &mut found)?;
    }
    Ok(found)
}

fn add(
    guest: &Guest<'_>,
    text: &[u8],
    depth: usize,
    found: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    for line in settings(text) {
        let end =
            line.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'=').unwrap_or(line.len());
        let (name, value) = line.split_at(end);
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
        match name.to_ascii_lowercase().as_slice() {
            b"match" => return Ok(()),
            b"include" if depth > 0 => {
                for pattern in value.split(u8::is_ascii_whitespace).filter(|pattern| !pattern.is_empty()) {
                    for path in matching(guest, &plain(pattern))? {
                        if let Some(text) = guest.file(&path)? {
                            add(guest, &text, depth - 1, found)?;
                        }
                    }
                }
            }
            name if found.len() < MOST_SETTINGS => {
                let value = plain(value).trim_matches('"').to_owned();
                found.entry(plain(name)).or_insert(value);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The files that a pattern names; `*` may stand in the last part of it.
fn matching(guest: &Guest<'_>, pattern: &str) -> Result<Vec<Vec<u8>>, Error> {
    let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
    let Some((folder, name)) = pattern.rsplit_once('/') else { return Ok(Vec::new()) };
    match name.split_once('*') {
        None => Ok(vec![pattern.into_bytes()]),
        Some((start, end)) => guest.entries(folder, |name| {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_bytes())
                && name.ends_with(end.as_bytes())
                && !name.starts_with(b".")
        }),
    }
}
