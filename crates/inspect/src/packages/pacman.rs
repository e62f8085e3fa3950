//! pacman: a folder per package in `/var/lib/pacman/local`, its facts in `desc`.

use super::{Ecosystem, Inventory, MOST_PACKAGES, Package};
use crate::guest::{Guest, joined, lines};
use crate::text::plain;
use crate::tree::Error;

pub(super) fn read(guest: &Guest<'_>, inventory: &mut Inventory) -> Result<(), Error> {
    for folder in guest.entries("/var/lib/pacman/local", |name| name.contains(&b'-'))? {
        if let Some(text) = guest.file(joined(&folder, b"desc"))?
            && inventory.packages.len() < MOST_PACKAGES
        {
            inventory.packages.push(parse(&text));
        }
    }
    Ok(())
}

fn parse(text: &[u8]) -> Package {
    let value = |field: &[u8]| {
        let mut found = lines(text).skip_while(|line| *line != field);
        found.nth(1).map(plain).unwrap_or_default()
    };
    let (name, version, base) = (value(b"%NAME%"), value(b"%VERSION%"), value(b"%BASE%"));
    Package {
        ecosystem: Ecosystem::Pacman,
        source: if base.is_empty() { name.clone() } else { base },
        source_version: version.clone(),
        name,
        version,
        architecture: value(b"%ARCH%"),
        licence: value(b"%LICENSE%"),
    }
}
