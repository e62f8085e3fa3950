//! dpkg: `/var/lib/dpkg/status`, and `status.d` of images without dpkg itself (deb822).

use super::{Ecosystem, Inventory, MOST_PACKAGES, Package, TEXT_BYTES};
use crate::guest::{Guest, lines};
use crate::text::plain;
use crate::tree::Error;

pub(super) fn read(guest: &Guest<'_>, inventory: &mut Inventory) -> Result<(), Error> {
    if let Some(text) = guest.file_up_to("/var/lib/dpkg/status", TEXT_BYTES)? {
        parse(&text, true, inventory);
    }
    for path in guest.entries("/var/lib/dpkg/status.d", |name| !name.ends_with(b".md5sums"))? {
        if let Some(text) = guest.file(&path)? {
            parse(&text, false, inventory);
        }
    }
    Ok(())
}

/// The fields of a paragraph that matter here.
#[derive(Default)]
struct Paragraph<'a> {
    name: &'a [u8],
    status: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    source: &'a [u8],
}

/// `stated`: whether paragraphs have a `Status` line, and count only when it says "installed".
fn parse(text: &[u8], stated: bool, inventory: &mut Inventory) {
    let mut paragraph = Paragraph::default();
    for line in lines(text).chain([&b""[..]]) {
        if line.trim_ascii().is_empty() {
            finish(&std::mem::take(&mut paragraph), stated, inventory);
            continue;
        }
        // A line that begins with a space goes on with a field that is not read here.
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (field, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let place = match field.to_ascii_lowercase().as_slice() {
            b"package" => &mut paragraph.name,
            b"status" => &mut paragraph.status,
            b"version" => &mut paragraph.version,
            b"architecture" => &mut paragraph.architecture,
            b"source" => &mut paragraph.source,
            _ => continue,
        };
        *place = value;
    }
}

fn finish(paragraph: &Paragraph<'_>, stated: bool, inventory: &mut Inventory) {
    if paragraph.name.is_empty() || inventory.packages.len() >= MOST_PACKAGES {
        return;
    }
    let state = paragraph.status.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    match state {
        b"installed" | b"triggers-awaited" | b"triggers-pending" => {}
        b"unpacked" | b"half-installed" | b"half-configured" => {
            inventory.halfway.push(plain(paragraph.name));
            return;
        }
        _ if stated => return,
        _ => {}
    }
    let (source, source_version) = source(paragraph);
    inventory.packages.push(Package {
        ecosystem: Ecosystem::Deb,
        name: plain(paragraph.name),
        version: plain(paragraph.version),
        architecture: plain(paragraph.architecture),
        source,
        source_version,
        licence: String::new(),
    });
}

/// `Source: name (version)`; what is not told is the same as the package's own.
fn source(paragraph: &Paragraph<'_>) -> (String, String) {
    let text = plain(paragraph.source);
    let (name, version) = match text.split_once(" (") {
        Some((name, version)) => (name.to_owned(), version.trim_end_matches(')').to_owned()),
        None => (text, String::new()),
    };
    let or = |told: String, own: &[u8]| if told.is_empty() { plain(own) } else { told };
    (or(name, paragraph.name), or(version, paragraph.version))
}
