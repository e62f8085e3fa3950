//! apk: `/lib/apk/db/installed`, one letter a field (apk-v2 database).

use super::{Ecosystem, Inventory, MOST_PACKAGES, Package, TEXT_BYTES};
use crate::guest::{Guest, lines};
use crate::text::plain;
use crate::tree::Error;

pub(super) fn read(guest: &Guest<'_>, inventory: &mut Inventory) -> Result<(), Error> {
    for path in ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"] {
        if let Some(text) = guest.file_up_to(path, TEXT_BYTES)? {
            parse(&text, inventory);
            return Ok(());
        }
    }
    Ok(())
}

fn parse(text: &[u8], inventory: &mut Inventory) {
    let mut package = empty();
    for line in lines(text).chain([&b""[..]]) {
        if line.is_empty() {
            let mut done = std::mem::replace(&mut package, empty());
            if !done.name.is_empty() && inventory.packages.len() < MOST_PACKAGES {
                if done.source.is_empty() {
                    done.source.clone_from(&done.name);
                }
                done.source_version.clone_from(&done.version);
                inventory.packages.push(done);
            }
            continue;
        }
        let [field, b':', value @ ..] = line else { continue };
        let place = match field {
            b'P' => &mut package.name,
            b'V' => &mut package.version,
            b'A' => &mut package.architecture,
            b'o' => &mut package.source,
            b'L' => &mut package.licence,
            _ => continue,
        };
        *place = plain(value);
    }
}

fn empty() -> Package {
    Package {
        ecosystem: Ecosystem::Apk,
        name: String::new(),
        version: String::new(),
        architecture: String::new(),
        source: String::new(),
        source_version: String::new(),
        licence: String::new(),
    }
}
