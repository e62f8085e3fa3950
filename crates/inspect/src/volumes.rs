//! All volumes of a disk: the disk itself or its partitions, then the logical volumes inside those.

use std::fmt;
use std::ops::Range;

use crate::fs::{self, Opened, SharedTree};
use crate::lvm;
use crate::observation::{Observation, ObservationKind};
use crate::partitions::Table;
use crate::probe::{Content, FileSystem, probe};
use crate::tree::{Error, Tree};
use crate::window::Window;

/// Where a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole disk, without a table.
    Disk,
    /// The partition with this number.
    Partition(u32),
    /// A logical volume of LVM2.
    Logical {
        /// The volume group.
        group: String,
        /// The volume in it.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => formatter.write_str("the whole disk"),
            Self::Partition(number) => write!(formatter, "partition {number}"),
            Self::Logical { group, name } => write!(formatter, "logical volume {group}/{name}"),
        }
    }
}

/// Space of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What there is.
    pub total_bytes: u64,
    /// What is not taken.
    pub free_bytes: u64,
}

/// A run of bytes that a guest would see as a block device of its own.
#[derive(Clone)]
pub struct Volume<'a> {
    /// Where it is.
    pub place: Place,
    /// What it holds.
    pub content: Content,
    /// Its label, fit to be shown.
    pub label: Option<String>,
    /// The identifier that `UUID=` refers to.
    pub uuid: Option<String>,
    /// Whether its file system was unmounted cleanly, where that can be told.
    pub clean: Option<bool>,
    /// Space of its file system, where that can be told.
    pub usage: Option<Usage>,
    window: Window<'a>,
    tree: Result<SharedTree<'a>, Error>,
}

impl<'a> Volume<'a> {
    /// The files of its file system.
    ///
    /// # Errors
    /// Why there are none, or why they cannot be read.
    pub fn tree(&self) -> Result<&(dyn Tree + Send + Sync + 'a), Error> {
        self.tree.as_deref().map_err(Clone::clone)
    }

    /// Its bytes.
    #[must_use]
    pub fn window(&self) -> &Window<'a> {
        &self.window
    }

    /// The runs of its bytes that no file has, where deleted files may still stand; only ext tells them.
    ///
    /// # Errors
    /// [`Error`] when its file system does not tell, or is damaged.
    pub fn free_runs(&self) -> Result<Vec<Range<u64>>, Error> {
        match self.content {
            Content::Files(system) => fs::free_runs(&self.window, system),
            Content::Swap
            | Content::LvmPhysical
            | Content::Luks(_)
            | Content::BitLocker
            | Content::RaidMember
            | Content::Empty
            | Content::Unknown => Err(Error::NotThere("the volume holds no files".to_owned())),
        }
    }

    pub(crate) fn shared(&self) -> Option<SharedTree<'a>> {
        self.tree.as_ref().ok().cloned()
    }

    /// Looks at what `window` holds, and opens it.
    fn open(place: &Place, window: &Window<'a>, seen: &mut Vec<Observation>) -> Self {
        let nothing = |error: Error| Self {
            place: place.clone(),
            content: Content::Unknown,
            label: None,
            uuid: None,
            clean: None,
            usage: None,
            window: window.clone(),
            tree: Err(error),
        };
        let found = match probe(window) {
            Ok(found) => found,
            Err(error) => {
                seen.push(Observation::new(
                    unreadable(&error),
                    place.to_string(),
                    format!("it cannot be read: {error}"),
                ));
                return nothing(error);
            }
        };
        let no_files = Error::NotThere("the volume holds no files".to_owned());
        let mut volume =
            Self { content: found.content, label: found.label, uuid: found.uuid, ..nothing(no_files) };
        match found.content {
            Content::Files(system) => volume.open_files(system, seen),
            Content::Luks(_) | Content::BitLocker => {
                volume.tree = Err(Error::Unsupported("the volume is encrypted".to_owned()));
                volume.tell(seen, ObservationKind::Encrypted, "its contents are encrypted and not known");
            }
            Content::RaidMember => {
                volume.tree = Err(Error::Unsupported("the volume is a member of a RAID".to_owned()));
                volume.tell(
                    seen,
                    ObservationKind::NotRead,
                    "it is a member of a software RAID, which is not read",
                );
            }
            Content::Swap | Content::LvmPhysical | Content::Empty | Content::Unknown => {}
        }
        volume
    }

    fn open_files(&mut self, system: FileSystem, seen: &mut Vec<Observation>) {
        match fs::open(&self.window, system) {
            Ok(Opened { tree, clean, usage, label, note }) => {
                self.tree = Ok(tree);
                self.clean = clean;
                self.usage = usage;
                self.label = label.or(self.label.take());
                if clean == Some(false) {
                    let mut text = "its file system was not unmounted cleanly".to_owned();
                    text.extend(note.iter().flat_map(|note| ["; ", note]));
                    self.tell(seen, ObservationKind::NotClean, &text);
                }
            }
            Err(error) => {
                let text = format!("its file system ({}) is not read: {error}", system.name());
                self.tell(seen, unreadable(&error), &text);
                self.tree = Err(error);
            }
        }
    }

    fn tell(&self, seen: &mut Vec<Observation>, kind: ObservationKind, text: &str) {
        seen.push(Observation::new(kind, self.place.to_string(), text));
    }
}

impl fmt::Debug for Volume<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Volume")
            .field("place", &self.place)
            .field("content", &self.content)
            .field("label", &self.label)
            .field("uuid", &self.uuid)
            .field("clean", &self.clean)
            .field("size_bytes", &self.window.size_bytes())
            .finish_non_exhaustive()
    }
}

fn unreadable(error: &Error) -> ObservationKind {
    match error {
        Error::Unsupported(_) => ObservationKind::NotRead,
        Error::Budget(_) => ObservationKind::BudgetUsedUp,
        Error::NotThere(_) | Error::Damaged(_) => ObservationKind::FileSystemUnreadable,
    }
}

/// All volumes of `disk`; a partition that reaches past its end is none.
pub(crate) fn all<'a>(disk: &Window<'a>, table: &Table, seen: &mut Vec<Observation>) -> Vec<Volume<'a>> {
    let mut volumes: Vec<Volume<'a>> = if table.partitions.is_empty() {
        vec![Volume::open(&Place::Disk, disk, seen)]
    } else {
        let parts = table.partitions.iter().filter(|partition| partition.size_bytes > 0);
        parts
            .filter_map(|partition| {
                let window = disk.part(partition.first_byte, partition.size_bytes)?;
                Some(Volume::open(&Place::Partition(partition.number), &window, seen))
            })
            .collect()
    };
    let physical: Vec<Window<'a>> = volumes
        .iter()
        .filter(|volume| volume.content == Content::LvmPhysical)
        .map(|volume| volume.window.clone())
        .collect();
    for logical in lvm::volumes(disk, &physical, seen) {
        let place = Place::Logical { group: logical.group, name: logical.name };
        let volume = Volume::open(&place, &logical.window, seen);
        volumes.push(volume);
    }
    same_identifiers(&volumes, seen);
    volumes
}

/// Two file systems with one identifier: a guest mounts either.
fn same_identifiers(volumes: &[Volume<'_>], seen: &mut Vec<Observation>) {
    for (index, volume) in volumes.iter().enumerate() {
        let twin =
            volumes.iter().take(index).find(|other| volume.uuid.is_some() && other.uuid == volume.uuid);
        if let Some(twin) = twin {
            let text = format!("it has the same identifier as {}", twin.place);
            volume.tell(seen, ObservationKind::SameIdentifier, &text);
        }
    }
}
