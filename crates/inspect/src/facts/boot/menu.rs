//! What the loader starts when nobody chooses: GRUB's menu, entries of the Boot Loader Specification, extlinux.
//!
//! GRUB's menu is a program; what is read of it are its `linux` and `initrd` lines, which distributions generate.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::guest::{Guest, joined, lines};
use crate::packages::{Ecosystem, compare_versions};
use crate::text::plain;
use crate::tree::Error;

/// Words of a command line that are kept.
const MOST_WORDS: usize = 200;
/// Menus of distributions, in the order in which they are looked for.
const GRUB: &[&str] = &["/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"];
const EXTLINUX: &[&str] = &[
    "/boot/extlinux/extlinux.conf",
    "/boot/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
    "/extlinux.conf",
    "/syslinux.cfg",
];

/// What is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// The file that says so.
    pub from: String,
    /// The kernel, as that file spells it.
    pub kernel: String,
    /// What is loaded beside it; empty when nothing is.
    pub initrd: String,
    /// The kernel's command line, word by word.
    pub arguments: Vec<String>,
}

/// The default entry; none when there is no menu.
pub(crate) fn default_entry(guest: &Guest<'_>) -> Result<Option<Entry>, Error> {
    for path in GRUB {
        let Some(text) = guest.file_up_to(path, 4 << 20)? else { continue };
        // Menus of this kind name no kernel; their entries are files.
        if let Some(entry) = grub(path, &text) {
            return Ok(Some(entry));
        }
        if let Some(entry) = specified(guest)? {
            return Ok(Some(entry));
        }
    }
    if let Some(entry) = specified(guest)? {
        return Ok(Some(entry));
    }
    for path in EXTLINUX {
        if let Some(text) = guest.file(path)?
            && let Some(entry) = extlinux(path, &text)
        {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The first `linux` line of a menu, and the `initrd` that follows it.
pub(super) fn grub(path: &str, text: &[u8]) -> Option<Entry> {
    let mut entry: Option<Entry> = None;
    for line in lines(text) {
        let mut words = words(line);
        match words.next().as_deref() {
            Some("linux" | "linux16" | "linuxefi") if entry.is_none() => {
                let kernel = words.next()?;
                entry = Some(Entry {
                    from: path.to_owned(),
                    kernel,
                    arguments: arguments(words),
                    initrd: String::new(),
                });
            }
            Some("initrd" | "initrd16" | "initrdefi") => {
                if let Some(entry) = &mut entry
                    && entry.initrd.is_empty()
                {
                    entry.initrd = words.last().unwrap_or_default();
                }
            }
            Some("}" | "menuentry") if entry.is_some() => break,
            _ => {}
        }
    }
    entry
}

/// Files in `loader/entries`: the one that GRUB saved as default, or the newest.
fn specified(guest: &Guest<'_>) -> Result<Option<Entry>, Error> {
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    for folder in ["/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries"] {
        for path in guest.entries(folder, |name| name.ends_with(b".conf"))?.into_iter().take(256) {
            if let Some(text) = guest.file(&path)? {
                entries.push((plain(&path), text));
            }
        }
    }
    let environment = grub_environment(guest)?;
    let value = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let saved = value("saved_entry").unwrap_or_default();
    let order = |a: &(String, Vec<u8>), b: &(String, Vec<u8>)| -> Ordering {
        let version = |text: &[u8]| field(text, b"version").unwrap_or_default();
        compare_versions(Ecosystem::Rpm, &version(&a.1), &version(&b.1)).then_with(|| a.0.cmp(&b.0))
    };
    let is_rescue = |path: &str| path.contains("-0-rescue");
    let chosen = entries
        .iter()
        .find(|(path, _)| !saved.is_empty() && path.ends_with(&format!("/{saved}.conf")))
        .or_else(|| entries.iter().filter(|(path, _)| !is_rescue(path)).max_by(|a, b| order(a, b)));
    Ok(chosen.map(|(path, text)| {
        let options = field(text, b"options").unwrap_or_default();
        let options = options.replace("$kernelopts", value("kernelopts").unwrap_or_default());
        Entry {
            from: path.clone(),
            kernel: field(text, b"linux").unwrap_or_default(),
            initrd: field(text, b"initrd").unwrap_or_default(),
            arguments: arguments(options.split_whitespace().map(str::to_owned)),
        }
    }))
}

/// The value of a line `name value`, in full length.
fn field(text: &[u8], name: &[u8]) -> Option<String> {
    lines(text).find_map(|line| {
        let rest = line.trim_ascii_start().strip_prefix(name)?;
        rest.first()?.is_ascii_whitespace().then(|| String::from_utf8_lossy(rest).trim().to_owned())
    })
}

fn extlinux(path: &str, text: &[u8]) -> Option<Entry> {
    let mut entry = Entry { from: path.to_owned(), ..Entry::default() };
    for line in lines(text) {
        let mut words = words(line);
        match words.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "kernel" | "linux" if entry.kernel.is_empty() => entry.kernel = words.next()?,
            "initrd" if entry.initrd.is_empty() => entry.initrd = words.next()?,
            "append" if entry.arguments.is_empty() => entry.arguments = arguments(words),
            "label" if !entry.kernel.is_empty() => break,
            _ => {}
        }
    }
    (!entry.kernel.is_empty()).then_some(entry)
}

/// Names and values that GRUB keeps between boots (`grubenv`).
fn grub_environment(guest: &Guest<'_>) -> Result<Vec<(String, String)>, Error> {
    for folder in ["/boot/grub2", "/boot/grub"] {
        if let Some(text) = guest.file_up_to(joined(folder.as_bytes(), b"grubenv"), 64 << 10)? {
            let pair = |line: &[u8]| {
                let at = line.iter().position(|byte| *byte == b'=')?;
                let text =
                    |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                Some((text(line.get(..at)), text(line.get(at + 1..))))
            };
            return Ok(lines(&text)
                .filter(|line| line.first() != Some(&b'#'))
                .filter_map(pair)
                .take(64)
                .collect());
        }
    }
    Ok(Vec::new())
}

fn words(line: &[u8]) -> impl Iterator<Item = String> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(plain)
}

/// Words without what only the loader understands.
fn arguments(words: impl Iterator<Item = String>) -> Vec<String> {
    words
        .map(|word| plain(word.as_bytes()))
        .filter(|word| !word.starts_with('$') && word != "\\" && word != "---")
        .take(MOST_WORDS)
        .collect()
}
