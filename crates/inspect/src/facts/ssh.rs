//! What sshd does: the effective values of `sshd_config`.
//!
//! The first value wins, `Include` is read where it stands, and what stands under `Match` holds for some only and is
//! left out (sshd_config(5)).

use std::collections::{BTreeMap, BTreeSet};

use crate::guest::{Guest, settings};
use crate::text::plain;
use crate::tree::Error;

/// Files included by files.
const MOST_DEPTH: usize = 16;
/// Patterns and files that are included.
const MOST_INCLUDED: usize = 10_000;
/// Settings kept.
const MOST_SETTINGS: usize = 1000;

/// Effective global settings by their names in lower case; none when there is no sshd.
pub(super) fn read(guest: &Guest<'_>) -> Result<BTreeMap<String, String>, Error> {
    let text = match guest.file("/etc/ssh/sshd_config")? {
        Some(text) => Some(text),
        None => guest.file("/usr/etc/ssh/sshd_config")?,
    };
    let mut reading = Reading::default();
    if let Some(text) = text {
        add(guest, &text, MOST_DEPTH, &mut reading)?;
    }
    Ok(reading.found)
}

/// What is known so far.
#[derive(Default)]
struct Reading {
    found: BTreeMap<String, String>,
    /// Patterns and files that were included: since the first value wins, once is enough, and files that include each
    /// other come to an end.
    included: BTreeSet<Vec<u8>>,
}

fn add(guest: &Guest<'_>, text: &[u8], depth: usize, reading: &mut Reading) -> Result<(), Error> {
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
                    include(guest, pattern, depth - 1, reading)?;
                }
            }
            name if reading.found.len() < MOST_SETTINGS => {
                let value = plain(value).trim_matches('"').to_owned();
                reading.found.entry(plain(name)).or_insert(value);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads the files that a pattern names, unless that was done.
fn include(guest: &Guest<'_>, pattern: &[u8], depth: usize, reading: &mut Reading) -> Result<(), Error> {
    if reading.included.len() >= MOST_INCLUDED || !reading.included.insert(pattern.to_vec()) {
        return Ok(());
    }
    for path in matching(guest, &plain(pattern))? {
        // A pattern without a star is its own path, and was noted as that.
        let is_new = path == pattern || reading.included.insert(path.clone());
        if is_new && let Some(text) = guest.file(&path)? {
            add(guest, &text, depth, reading)?;
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

#[cfg(test)]
mod tests {
    use super::read;
    use crate::guest::Guest;
    use crate::testing::Files;

    #[test]
    fn files_that_include_each_other_come_to_an_end() {
        let text =
            "Include /etc/ssh/sshd_config\nInclude /etc/ssh/*\nInclude sshd_config\n".repeat(500) + "A b\n";
        let files = Files::new()
            .file("/etc/ssh/sshd_config", &text)
            .file("/etc/ssh/other", text.replace("A b", "A c"));
        let found = read(&Guest::new(&files)).unwrap();
        assert_eq!(found.get("a").map(String::as_str), Some("c"), "the included file comes first");
    }
}
