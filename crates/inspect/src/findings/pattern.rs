//! Places in a tree, many at once: `/var/lib/dhcp/*`, `~/.bash_history`, `/var/log/**`.
//!
//! `*` stands for any run of characters in one name, `**` at the end for everything below, `~` for every home. Only files
//! that are not empty, and links that stand there themselves, count.

use crate::guest::{Guest, joined};
use crate::tree::{Error, NodeKind};

/// Files that one rule tells at most.
const MOST_FILES: usize = 2000;
/// How deep `**` goes.
const MOST_DEPTH: usize = 12;
/// How many entries `**` looks at.
const MOST_ENTRIES: u64 = 200_000;

/// Paths and sizes of the files that stand at any of `patterns`, sorted, each once.
pub(super) fn files(
    guest: &Guest<'_>,
    homes: &[String],
    patterns: &[&str],
) -> Result<Vec<(Vec<u8>, u64)>, Error> {
    let mut found = Vec::new();
    for pattern in patterns {
        match pattern.strip_prefix('~') {
            Some(rest) => {
                homes.iter().try_for_each(|home| add(guest, &format!("{home}{rest}"), &mut found))?;
            }
            None => add(guest, pattern, &mut found)?,
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn add(guest: &Guest<'_>, pattern: &str, found: &mut Vec<(Vec<u8>, u64)>) -> Result<(), Error> {
    if let Some(folder) = pattern.strip_suffix("/**") {
        for folder in expand(guest, folder)? {
            for file in guest.under(&folder, MOST_DEPTH, MOST_ENTRIES)? {
                let counts = file.node.kind == NodeKind::File && file.node.size_bytes > 0;
                if counts && found.len() < MOST_FILES {
                    found.push((file.path, file.node.size_bytes));
                }
            }
        }
        return Ok(());
    }
    for path in expand(guest, pattern)? {
        let Some(node) = guest.node_itself(&path)? else { continue };
        let counts = match node.kind {
            NodeKind::File => node.size_bytes > 0,
            NodeKind::Link => true,
            NodeKind::Folder | NodeKind::Other => false,
        };
        if counts && found.len() < MOST_FILES {
            found.push((path, node.size_bytes));
        }
    }
    Ok(())
}

/// The paths that a pattern without `**` may mean.
fn expand(guest: &Guest<'_>, pattern: &str) -> Result<Vec<Vec<u8>>, Error> {
    let mut paths = vec![Vec::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for path in paths {
            if part.contains('*') {
                let names = guest.names(if path.is_empty() { b"/" } else { path.as_slice() })?;
                let fitting = names.iter().filter(|name| fits(part.as_bytes(), name));
                next.extend(fitting.take(MOST_FILES).map(|name| joined(&path, name)));
            } else {
                next.push(joined(&path, part.as_bytes()));
            }
        }
        paths = next;
    }
    Ok(paths)
}

/// Whether `name` is what `pattern` says, with `*` for any run of bytes.
pub(super) fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&[u8]> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match memchr::memmem::find(rest, part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
