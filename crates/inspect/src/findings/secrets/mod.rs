//! Secrets in files: keys, credentials of clouds, tokens, passwords.
//!
//! One search over the places where people and their programs leave files; the places of packages are not searched. What
//! is found is kept as kind, place, length and digest: the secret itself leaves memory with the file.

mod deleted;
mod keys;
mod scan;
#[cfg(test)]
mod tests;
mod tokens;

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, pattern};
use crate::bytes::as_u64;
use crate::facts::OsType;
use crate::guest::{Guest, joined};
use crate::memory::{Key, is_clean};
use crate::tree::{Error, Node, NodeKind};
use crate::walk::{Limits, Next};

/// Bytes of one file that are searched.
const FILE_BYTES: usize = 1 << 20;
/// Bytes of all files together that are searched.
const ALL_BYTES: u64 = 512 << 20;
/// Files and folders that are met.
const MOST_ENTRIES: u64 = 300_000;
/// Names at the top that are looked at.
const MOST_TOP_NAMES: usize = 1000;
/// Secrets that are kept.
const MOST_SECRETS: usize = 2000;

/// Where a secret is not a package's.
const PLACES: &[&str] = &[
    "/root",
    "/home",
    "/etc",
    "/opt",
    "/srv",
    "/var/www",
    "/var/opt",
    "/usr/local",
    "/tmp",
    "/var/tmp",
    "/var/backups",
    "/boot/grub",
    "/app",
    "/data",
    "/mnt",
    "/media",
    "/usr/share/nginx",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// The same on a Windows; what Windows itself keeps is not searched.
const WINDOWS_PLACES: &[&str] =
    &["/Users", "/ProgramData", "/inetpub", "/Temp", "/Windows/Temp", "/app", "/data"];

/// What a search has found, by rule.
pub(crate) struct Secrets {
    found: Vec<(&'static str, Hit)>,
}

/// One secret in a text: which rule speaks of it, and where it stands.
pub(super) struct Secret<'t> {
    pub(super) rule: &'static str,
    pub(super) what: &'static str,
    pub(super) offset: usize,
    pub(super) bytes: &'t [u8],
    pub(super) severity: Severity,
}

const fn found(id: &'static str, title: &'static str, remedy: &'static str, look: Look) -> Rule {
    Rule { id, severity: Severity::Error, scope: Scope::Any, title, remedy, look }
}

pub(super) const RULES: &[Rule] = &[
    found(
        keys::PRIVATE_KEY,
        "A private key is in the image.",
        "Delete the file, and replace the key wherever its public half is trusted.",
        Look::With(|scene| of(scene, keys::PRIVATE_KEY)),
    ),
    found(
        tokens::AWS,
        "Credentials of AWS are in the image.",
        "Delete the file, and deactivate the key in IAM.",
        Look::With(|scene| of(scene, tokens::AWS)),
    ),
    found(
        tokens::AZURE,
        "Credentials of Azure are in the image.",
        "az account clear; rotate the key or secret.",
        Look::With(|scene| of(scene, tokens::AZURE)),
    ),
    found(
        tokens::GCP,
        "Credentials of Google Cloud are in the image.",
        "gcloud auth revoke --all; delete the service account's key.",
        Look::With(|scene| of(scene, tokens::GCP)),
    ),
    found(
        tokens::TOKENS,
        "A token or password of a service is in the image.",
        "Delete the file, and revoke the token.",
        Look::With(|scene| of(scene, tokens::TOKENS)),
    ),
    found(
        tokens::ADDRESS,
        "An address with a password is in the image.",
        "Take the password out of the address, and change it.",
        Look::With(|scene| of(scene, tokens::ADDRESS)),
    ),
    Rule {
        scope: Scope::Linux,
        ..found(
            "SEC-USERDATA",
            "Orders that another machine was given are left; they often hold secrets.",
            "cloud-init clean; rm -f /var/lib/waagent/CustomData",
            Look::Left(&[
                "/var/lib/cloud/instances/*/user-data.txt*",
                "/var/lib/cloud/instances/*/vendor-data.txt*",
                "/var/lib/waagent/CustomData",
            ]),
        )
    },
    found(
        keys::KEYTAB,
        "A keytab is in the image: the keys of an account of a Kerberos realm.",
        "Delete the file, and change the account's keys.",
        Look::With(|scene| of(scene, keys::KEYTAB)),
    ),
    Rule {
        id: "SEC-DELETED",
        severity: Severity::Warning,
        scope: Scope::Any,
        title: "Free blocks still hold a secret that was deleted.",
        remedy: "fstrim the file system before capturing the disk, or zerofree it; and replace the secret.",
        look: Look::With(deleted::search),
    },
    found(
        tokens::OVF_PASSWORD,
        "The password of another machine's administrator is left.",
        "rm -f /var/lib/waagent/ovf-env.xml; change the password.",
        Look::With(|scene| of(scene, tokens::OVF_PASSWORD)),
    ),
];

fn of(scene: &Scene<'_>, rule: &str) -> Result<Option<Vec<Hit>>, Error> {
    if scene.facts.os_type.is_none() {
        return Ok(None);
    }
    let found = &scene.secrets()?.found;
    Ok(Some(found.iter().filter(|(id, _)| *id == rule).map(|(_, hit)| hit.clone()).collect()))
}

/// Searches the files of people and their programs.
pub(crate) fn search(guest: &Guest<'_>, system: Option<OsType>, homes: &[String]) -> Result<Secrets, Error> {
    let known = if system == Some(OsType::Windows) { WINDOWS_PLACES } else { PLACES };
    let mut search = Search { guest, secrets: Secrets { found: Vec::new() }, left_bytes: ALL_BYTES };
    search.known_files(homes)?;
    search.top()?;
    let mut places: Vec<&str> = known.to_vec();
    let outside = |home: &&String| !known.iter().any(|place| home.starts_with(place));
    places.extend(homes.iter().filter(outside).map(String::as_str));
    let mut seen = std::collections::HashSet::new();
    for place in places {
        let Some((start, _)) = guest.find(place)? else { continue };
        if seen.insert(start.clone()) {
            search.folder(&start)?;
        }
    }
    search.secrets.found.sort_by(|(_, a), (_, b)| {
        (&a.evidence.path, a.evidence.offset).cmp(&(&b.evidence.path, b.evidence.offset))
    });
    Ok(search.secrets)
}

struct Search<'g, 'a> {
    guest: &'g Guest<'a>,
    secrets: Secrets,
    left_bytes: u64,
}

impl Search<'_, '_> {
    /// Files whose name says that they are secret.
    fn known_files(&mut self, homes: &[String]) -> Result<(), Error> {
        for (rule, what, places) in tokens::FILES {
            for (path, size_bytes) in pattern::files(self.guest, homes, places)? {
                let evidence = Evidence { length_bytes: Some(size_bytes), ..Evidence::at(path, *what) };
                self.keep(rule, Hit::from(evidence));
            }
        }
        Ok(())
    }

    /// Files that stand at the top, where nothing of a package does.
    fn top(&mut self) -> Result<(), Error> {
        let mut files = Vec::new();
        for name in self.guest.names("/")?.into_iter().take(MOST_TOP_NAMES) {
            let path = joined(b"", &name);
            let node = self.guest.node_itself(&path)?;
            let is_file = |node: &Node| {
                node.kind == NodeKind::File && (1..=as_u64(FILE_BYTES)).contains(&node.size_bytes)
            };
            files.extend(node.filter(is_file).map(|node| (path, node.size_bytes)));
        }
        self.files(files)
    }

    fn folder(&mut self, start: &[u8]) -> Result<(), Error> {
        let mut files = Vec::new();
        let limits = Limits { depth: 64, entries: MOST_ENTRIES };
        let missed = self.guest.visit(start, limits, &mut |path, node| {
            if node.kind == NodeKind::Folder {
                return if is_passed_over(path) { Next::Skip } else { Next::On };
            }
            if node.kind == NodeKind::File && node.size_bytes > 0 {
                files.push((path.to_vec(), node.size_bytes));
            }
            Next::On
        });
        self.files(files)?;
        match missed.into_iter().next() {
            Some(missed) => Err(missed.error),
            None => Ok(()),
        }
    }

    fn files(&mut self, files: Vec<(Vec<u8>, u64)>) -> Result<(), Error> {
        for (path, size_bytes) in files {
            let taken = size_bytes.min(as_u64(FILE_BYTES));
            self.left_bytes =
                self.left_bytes.checked_sub(taken).ok_or(Error::Budget("bytes searched for secrets"))?;
            let text = self.guest.read(&path, 0, FILE_BYTES)?;
            self.text(&path, &text);
        }
        Ok(())
    }

    fn text(&mut self, path: &[u8], text: &[u8]) {
        let mut found = Vec::new();
        let mut key = Key::of("secrets of a file");
        if self.guest.memory().is_some() {
            key.and(path).and(&[0]).and(text);
        }
        let nothing = is_clean(self.guest.memory(), &key, || {
            keys::find(path, text, &mut found);
            tokens::find(path, text, &mut found);
            found.is_empty()
        });
        if nothing {
            return;
        }
        for secret in found {
            let is_example = is_fixture(path);
            let evidence = Evidence::secret(path, secret.offset, secret.bytes, secret.what);
            self.keep(secret.rule, evidence.rated(if is_example { Severity::Info } else { secret.severity }));
        }
    }

    fn keep(&mut self, rule: &'static str, hit: Hit) {
        if self.secrets.found.len() < MOST_SECRETS {
            self.secrets.found.push((rule, hit));
        }
    }
}

/// Folders of what others publish, and of public certificates.
fn is_passed_over(path: &[u8]) -> bool {
    const OF_PACKAGES: &[&[u8]] = &[
        b"/var/lib/apt",
        b"/var/lib/dpkg",
        b"/var/lib/pacman",
        b"/var/lib/rpm",
        b"/var/lib/snapd/snaps",
        b"/var/lib/ucf",
        b"/var/log/journal",
    ];
    OF_PACKAGES.contains(&path)
        || path.ends_with(b"/etc/ssl/certs")
        || path.ends_with(b"/etc/ca-certificates")
        || path.ends_with(b"/etc/pki/ca-trust")
        || path.ends_with(b"/node_modules")
        || path.ends_with(b"/site-packages")
        || path.ends_with(b"/dist-packages")
}

/// Whether a file is there to show or to test something.
fn is_fixture(path: &[u8]) -> bool {
    const NAMES: &[&[u8]] =
        &[b"test", b"tests", b"testdata", b"fixtures", b"examples", b"example", b"doc", b"docs"];
    path.split(|byte| *byte == b'/').any(|name| NAMES.contains(&name))
}
