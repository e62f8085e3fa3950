//! What starts by itself: units that systemd's targets want, and OpenRC's runlevels.

use std::collections::BTreeSet;

use crate::guest::{Guest, joined};
use crate::text::plain;
use crate::tree::Error;

/// Names of units and services, sorted.
pub(super) fn enabled(guest: &Guest<'_>) -> Result<Vec<String>, Error> {
    let mut found = BTreeSet::new();
    for root in ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"] {
        for folder in guest.entries(root, |name| name.ends_with(b".wants") || name.ends_with(b".requires"))? {
            for name in guest.names(&folder)? {
                found.insert(plain(&name));
            }
        }
    }
    for level in guest.names("/etc/runlevels")? {
        for name in guest.names(joined(b"/etc/runlevels", &level))? {
            found.insert(plain(&name));
        }
    }
    for unit in masked(guest, &found)? {
        found.remove(&unit);
    }
    Ok(found.into_iter().collect())
}

/// Units that are switched off by a link to nothing.
fn masked(guest: &Guest<'_>, units: &BTreeSet<String>) -> Result<Vec<String>, Error> {
    let mut off = Vec::new();
    for name in guest.names("/etc/systemd/system")? {
        let unit = plain(&name);
        if units.contains(&unit)
            && guest.link(joined(b"/etc/systemd/system", &name))?.is_some_and(|target| target == b"/dev/null")
        {
            off.push(unit);
        }
    }
    Ok(off)
}
