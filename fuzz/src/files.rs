//! Bytes as files of a guest.

use inspect::fuzzing;
use inspect::tree::{Error, Node, NodeKind, Tree};

/// A guest with a few files, none of which is a link.
struct Files<'a>(Vec<(&'a str, &'a [u8])>);

impl Files<'_> {
    fn is_folder(&self, path: &[u8]) -> bool {
        path == b"/" || self.0.iter().any(|(name, _)| below(name, path).is_some())
    }

    fn file(&self, path: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name.as_bytes() == path).map(|(_, bytes)| *bytes)
    }
}

/// What stands behind `folder` in `path`.
fn below<'p>(path: &'p str, folder: &[u8]) -> Option<&'p [u8]> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.as_bytes().strip_prefix(folder)?.strip_prefix(b"/")
}

impl Tree for Files<'_> {
    fn node(&self, path: &[u8]) -> Result<Option<Node>, Error> {
        let (kind, size) = match self.file(path) {
            Some(bytes) => (NodeKind::File, bytes.len()),
            None if self.is_folder(path) => (NodeKind::Folder, 0),
            None => return Ok(None),
        };
        let size_bytes = u64::try_from(size).unwrap_or(u64::MAX);
        Ok(Some(Node { kind, size_bytes, mode: 0o644, uid: Some(0), gid: Some(0), number: None }))
    }

    fn names(&self, path: &[u8], _most: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut names: Vec<Vec<u8>> = self
            .0
            .iter()
            .filter_map(|(name, _)| below(name, path)?.split(|byte| *byte == b'/').next())
            .map(<[u8]>::to_vec)
            .collect();
        names.dedup();
        Ok(names)
    }

    fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        let bytes = self.file(path).ok_or_else(|| Error::NotThere("no file".to_owned()))?;
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        Ok(rest[..rest.len().min(most)].to_vec())
    }

    fn target(&self, _path: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::NotThere("no link".to_owned()))
    }
}

const RELEASE: (&str, &[u8]) = ("/etc/os-release", b"ID=debian\nVERSION_ID=\"13\"\n");

fn linux(path: &str, bytes: &[u8]) {
    fuzzing::linux(&Files(vec![RELEASE, (path, bytes)]));
}

/// Texts that are read in a Linux; the first byte of an input chooses one.
const TEXTS: &[&str] = &[
    "/boot/grub/grub.cfg",
    "/boot/loader/entries/a.conf",
    "/etc/cloud/cloud.cfg",
    "/etc/default/grub",
    "/etc/fstab",
    "/etc/group",
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/ssh/sshd_config",
    "/etc/sudoers",
    "/etc/waagent.conf",
    "/root/.ssh/authorized_keys",
    "/root/.bash_history",
    "/usr/lib/os-release",
];

/// A text of a guest.
pub fn configuration(input: &[u8]) {
    let [which, rest @ ..] = input else { return };
    let path = TEXTS[usize::from(*which) % TEXTS.len()];
    fuzzing::linux(&Files(vec![(path, rest)]));
}

/// The database of apk.
pub fn apk(bytes: &[u8]) {
    linux("/lib/apk/db/installed", bytes);
}

/// The database of dpkg.
pub fn dpkg(bytes: &[u8]) {
    linux("/var/lib/dpkg/status", bytes);
}

/// The database of pacman.
pub fn pacman(bytes: &[u8]) {
    linux("/var/lib/pacman/local/a-1/desc", bytes);
}

/// The database of rpm in SQLite; behind a mark stands its log.
pub fn sqlite(bytes: &[u8]) {
    let split = bytes.windows(4).position(|four| four == b"WAL|").unwrap_or(bytes.len());
    let (database, log) = bytes.split_at(split);
    let log = log.get(4..).unwrap_or_default();
    fuzzing::linux(&Files(vec![
        RELEASE,
        ("/var/lib/rpm/rpmdb.sqlite", database),
        ("/var/lib/rpm/rpmdb.sqlite-wal", log),
    ]));
}

/// rpm's own database.
pub fn ndb(bytes: &[u8]) {
    linux("/var/lib/rpm/Packages.db", bytes);
}

/// The older database of rpm.
pub fn berkeley(bytes: &[u8]) {
    linux("/var/lib/rpm/Packages", bytes);
}

/// Every hive of a Windows.
pub fn hive(bytes: &[u8]) {
    let folder = "/Windows/System32/config";
    let paths = ["SAM", "SECURITY", "SOFTWARE", "SYSTEM"].map(|name| format!("{folder}/{name}"));
    fuzzing::windows(&Files(paths.iter().map(|path| (path.as_str(), bytes)).collect()));
}

/// An initramfs.
pub fn initramfs(bytes: &[u8]) {
    fuzzing::initramfs(&Files(vec![("/initramfs", bytes)]));
}

/// The metadata of a volume group.
pub fn lvm(bytes: &[u8]) {
    fuzzing::lvm_text(bytes);
}

/// A program or a kernel.
pub fn program(bytes: &[u8]) {
    fuzzing::program(bytes);
}
