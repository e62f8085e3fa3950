//! Package URLs: `pkg:deb/debian/openssl@3.0.22-1~deb12u2?arch=amd64&distro=debian-12` (the purl specification).

use crate::facts::Distribution;
use crate::packages::{Ecosystem, Package};

/// The address of a package of `distribution`.
pub(super) fn of(package: &Package, distribution: Option<&Distribution>) -> String {
    let (kind, usual) = match package.ecosystem {
        Ecosystem::Deb => ("deb", "debian"),
        Ecosystem::Rpm => ("rpm", "redhat"),
        Ecosystem::Apk => ("apk", "alpine"),
        Ecosystem::Pacman => ("alpm", "arch"),
    };
    let vendor = match distribution.map(|distribution| distribution.id.as_str()) {
        None | Some("" | "linux") => usual,
        Some("rhel") => "redhat",
        Some(id) => id,
    };
    let (epoch, version) = match package.version.split_once(':') {
        // For rpm the epoch is a qualifier of its own.
        Some((epoch, version)) if package.ecosystem == Ecosystem::Rpm => (Some(epoch), version),
        _ => (None, package.version.as_str()),
    };
    let mut address = format!("pkg:{kind}/{}/{}@{}", quoted(vendor), quoted(&package.name), quoted(version));
    let mut sign = '?';
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            address.push_str(&format!("{sign}{name}={}", quoted(value)));
            sign = '&';
        }
    };
    add("arch", &package.architecture);
    if let Some(distribution) = distribution.filter(|distribution| !distribution.version.is_empty()) {
        add("distro", &format!("{}-{}", distribution.id, distribution.version));
    }
    add("epoch", epoch.unwrap_or_default());
    if package.source != package.name {
        add("upstream", &package.source);
    }
    address
}

/// Percent-encodes what purl does not let stand.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}
