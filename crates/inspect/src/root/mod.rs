//! The operating systems on a disk: each with its root, and what it mounts laid over it.
//!
//! A root of Linux is known by `/etc/os-release` (or by the older pair `fstab` and `passwd`), one of Windows by its
//! hives. What a root mounts stands in its `fstab`; a line that names nothing on this disk is told, never guessed.

mod composite;
mod fstab;

use std::fmt;

pub use self::composite::{Composite, Mount};
use self::fstab::Line;
use crate::fs::{self, SharedTree};
use crate::observation::{Observation, ObservationKind};
use crate::partitions::Partition;
use crate::probe::{Content, FileSystem};
use crate::text::plain;
use crate::tree::{Error, NodeKind, Tree};
use crate::volumes::{Place, Volume};
use crate::walk;

/// Most bytes of an `fstab`.
const MOST_FSTAB_BYTES: usize = 1 << 20;
/// Most folders at the top of a Btrfs that are tried as subvolumes.
const MOST_SUBVOLUMES: usize = 64;

/// What kind of operating system a root is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux, of whatever distribution.
    Linux,
    /// Windows.
    Windows,
}

/// The root of an operating system.
#[derive(Clone)]
pub struct Root<'a> {
    /// What kind it is of.
    pub system: System,
    /// Which of [`crate::Disk::volumes`] holds it.
    pub volume: usize,
    /// The subvolume it is in, when that is not the default one of its Btrfs; fit to be shown.
    pub subvolume: Option<String>,
    /// Its files, with what it mounts laid over them.
    pub tree: Composite<'a>,
}

impl fmt::Debug for Root<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Root")
            .field("system", &self.system)
            .field("volume", &self.volume)
            .field("subvolume", &self.subvolume)
            .field("tree", &self.tree)
            .finish()
    }
}

/// Finds the roots in `volumes` and puts each together.
pub(crate) fn all<'a>(
    volumes: &[Volume<'a>],
    partitions: &[Partition],
    seen: &mut Vec<Observation>,
) -> Vec<Root<'a>> {
    let mut roots = Vec::new();
    for (index, volume) in volumes.iter().enumerate() {
        let Some(tree) = volume.shared() else {
            continue;
        };
        let (system, subvolume, tree) = match system(&*tree) {
            Ok(Some(system)) => (system, None, tree),
            Ok(None) => match in_subvolume(volume) {
                Some((name, tree)) => (System::Linux, Some(name), tree),
                None => continue,
            },
            Err(error) => {
                let text = format!("whether it holds an operating system could not be told: {error}");
                seen.push(Observation::new(
                    ObservationKind::FileSystemUnreadable,
                    volume.place.to_string(),
                    text,
                ));
                continue;
            }
        };
        let mut composite = Composite::new(index, tree);
        if system == System::Linux {
            Mounting { volumes, partitions, seen }.mount_all(&mut composite);
        }
        let subvolume = subvolume.map(|name| plain(&name));
        roots.push(Root { system, volume: index, subvolume, tree: composite });
    }
    roots
}

/// What kind of root `tree` is; `None` when it is none.
fn system(tree: &dyn Tree) -> Result<Option<System>, Error> {
    let is_there = |path: &[u8]| walk::find(tree, path).map(|found| found.is_some());
    // The link counts even where it leads to a /usr of its own.
    if is_there(b"/etc/os-release")?
        || is_there(b"/usr/lib/os-release")?
        || (is_there(b"/etc/fstab")? && is_there(b"/etc/passwd")?)
    {
        return Ok(Some(System::Linux));
    }
    if is_there(b"/Windows/System32/config/SYSTEM")? {
        return Ok(Some(System::Windows));
    }
    Ok(None)
}

/// Looks for a root in the subvolumes at the top of a Btrfs: `@`, `root` and the like.
fn in_subvolume<'a>(volume: &Volume<'a>) -> Option<(Vec<u8>, SharedTree<'a>)> {
    if volume.content != Content::Files(FileSystem::Btrfs) {
        return None;
    }
    let top = fs::open_subvolume(volume.window(), b"").ok()?;
    let names = top.names(b"/", MOST_SUBVOLUMES).ok()?;
    names.into_iter().find_map(|name| {
        let tree = fs::open_subvolume(volume.window(), &name).ok()?;
        matches!(system(&*tree), Ok(Some(System::Linux))).then_some((name, tree))
    })
}

/// Lays over a root what its `fstab` names.
struct Mounting<'m, 'a> {
    volumes: &'m [Volume<'a>],
    partitions: &'m [Partition],
    seen: &'m mut Vec<Observation>,
}

impl<'a> Mounting<'_, 'a> {
    fn mount_all(&mut self, root: &mut Composite<'a>) {
        let text = match walk::read_file(root, b"/etc/fstab", MOST_FSTAB_BYTES) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(error) => return self.tell("/etc/fstab", &format!("it cannot be read: {error}")),
        };
        let mut lines = fstab::parse(&text);
        // What is mounted below another mount comes after it.
        lines.sort_by_key(|line| line.point.iter().filter(|byte| **byte == b'/').count());
        for line in lines.iter().filter(|line| line.is_file_system()) {
            if let Err(why) = self.mount(root, line) {
                let words = format!("{} is not laid over the root: {why}", plain(&line.source));
                self.tell(&plain(&line.point), &words);
            }
        }
    }

    fn mount(&mut self, root: &mut Composite<'a>, line: &Line) -> Result<(), String> {
        let index = self.volume(line).ok_or("nothing on this disk is called so")?;
        let volume = self.volumes.get(index).ok_or("nothing on this disk is called so")?;
        if line.point == b"/" {
            // Which volume holds the root is known: this file was read from it.
            return Ok(());
        }
        let shared = volume.shared().ok_or_else(|| format!("{} cannot be read", volume.place))?;
        let tree = match (line.option(b"subvol"), line.option(b"subvolid")) {
            (Some(path), _) => fs::open_subvolume(volume.window(), path),
            (None, Some(id)) => {
                let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
                fs::open_subvolume_id(volume.window(), id.ok_or("subvolid= is no number")?)
            }
            (None, None) => Ok(shared),
        };
        let tree = tree.map_err(|error| error.to_string())?;
        let point = walk::follow(&*root, &line.point).map_err(|error| error.to_string())?;
        match point {
            Some(point) if point.node.kind == NodeKind::Folder => {
                root.lay(point.path, index, tree);
                Ok(())
            }
            _ => Err("the mount point is no folder".to_owned()),
        }
    }

    /// Which volume a line means.
    fn volume(&self, line: &Line) -> Option<usize> {
        let source = std::str::from_utf8(&line.source).ok()?;
        let by = |tag: &str, folder: &str| {
            source
                .strip_prefix(tag)
                .or_else(|| source.strip_prefix(folder))
                .map(|name| name.trim_matches('"'))
        };
        if let Some(uuid) = by("UUID=", "/dev/disk/by-uuid/") {
            return self.position(|volume| {
                volume.uuid.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(uuid))
            });
        }
        if let Some(label) = by("LABEL=", "/dev/disk/by-label/") {
            return self.position(|volume| volume.label.as_deref() == Some(label));
        }
        if let Some(id) = by("PARTUUID=", "/dev/disk/by-partuuid/") {
            return self.partition(|partition| partition.id.eq_ignore_ascii_case(id));
        }
        if let Some(name) = by("PARTLABEL=", "/dev/disk/by-partlabel/") {
            return self.partition(|partition| partition.name == name);
        }
        if let Some(position) = self.position(|volume| match &volume.place {
            Place::Logical { group, name } => fstab::names_logical(source, group, name),
            Place::Disk | Place::Partition(_) => false,
        }) {
            return Some(position);
        }
        let number = fstab::partition_number(source)?;
        self.partition(|partition| partition.number == number)
    }

    fn position(&self, is_meant: impl Fn(&Volume<'a>) -> bool) -> Option<usize> {
        self.volumes.iter().position(is_meant)
    }

    fn partition(&self, is_meant: impl Fn(&Partition) -> bool) -> Option<usize> {
        let place = Place::Partition(self.partitions.iter().find(|partition| is_meant(partition))?.number);
        self.position(|volume| volume.place == place)
    }

    fn tell(&mut self, place: &str, text: &str) {
        self.seen.push(Observation::new(ObservationKind::MountUnresolved, place, text));
    }
}
